public import Glibc
import Posix

/// A program run by a test, with its output read to the end.
public struct ChildProcess: Sendable {
    /// What a program left behind.
    public struct Ending: Sendable {
        /// The exit code, or 128 plus the signal's number.
        public let code: Int32
        public let output: String
        public let errors: String
    }

    public let processID: pid_t
    private let inputEnd: Int32
    private let outputEnd: Int32
    private let errorsEnd: Int32

    /// What keeps a program from starting.
    public struct StartFailure: Error {
        public let number: Int32

        /// Carries an errno, or 0 when there is none.
        public init(number: Int32) {
            self.number = number
        }
    }

    /// Starts `path` in a session of its own with pipes on its standard streams.
    public init(_ path: String, _ arguments: [String], environment: [String: String]) throws {
        let (input, output, errors) = (try Self.pipe(), try Self.pipe(), try Self.pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.read, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Tasks run on threads that block all signals, and whoever runs tests in the background may have them ignore
        // some: a program starts with none of either.
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A session of its own has no terminal, so that a prompt cannot reach the tester's.
        // POSIX_SPAWN_SETSID, which Glibc's module leaves out.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | 0x80)
        let argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for text in argv + envp { free(text) }
        }
        var child: pid_t = 0
        let result = posix_spawn(&child, path, &actions, &attributes, argv, envp)
        for end in [input.read, output.write, errors.write] { close(end) }
        guard result == 0 else {
            for end in [input.write, output.read, errors.read] { close(end) }
            throw StartFailure(number: result)
        }
        processID = child
        (inputEnd, outputEnd, errorsEnd) = (input.write, output.read, errors.read)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: (read: Int32, write: Int32) = (-1, -1)
        try Pipe().split { ends = ($0.release(), $1.release()) }
        return ends
    }

    /// Writes to the standard input and leaves it open.
    public func write(_ text: String) {
        _ = Glibc.write(inputEnd, text, text.utf8.count)
    }

    /// Writes `input`, closes the standard input, reads both outputs and waits for the end.
    ///
    /// On a thread of its own: there are as few threads for tasks as processors, and other tests need them.
    public func finish(input: String = "") async -> Ending {
        await withCheckedContinuation { continuation in
            do {
                try Thread.start(name: "child") {
                    continuation.resume(returning: finishBlocking(input: input))
                }
            } catch {
                continuation.resume(returning: finishBlocking(input: input))
            }
        }
    }

    /// As ``finish(input:)``, on the calling thread.
    public func finishBlocking(input: String = "") -> Ending {
        signal(SIGPIPE, SIG_IGN)
        var text = Array(input.utf8)
        while !text.isEmpty {
            let written = Glibc.write(inputEnd, text, text.count)
            guard written > 0 else { break }
            text.removeFirst(written)
        }
        close(inputEnd)
        var collected: [[UInt8]] = [[], []]
        var waiting = [
            pollfd(fd: outputEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errorsEnd, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while waiting.contains(where: { $0.fd >= 0 }) {
            poll(&waiting, 2, -1)
            for index in 0..<2 where waiting[index].revents != 0 {
                let count = read(waiting[index].fd, &buffer, buffer.count)
                if count > 0 {
                    collected[index] += buffer[..<count]
                } else {
                    close(waiting[index].fd)
                    waiting[index].fd = -1
                }
            }
        }
        var status: Int32 = 0
        waitpid(processID, &status, 0)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Ending(
            code: code, output: String(decoding: collected[0], as: UTF8.self),
            errors: String(decoding: collected[1], as: UTF8.self))
    }

    /// Reads one line of the standard output, without its end; nil at the end of the output.
    public func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(outputEnd, &byte, 1) == 1 {
            if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    /// Sends a signal.
    public func send(signal number: Int32) {
        kill(processID, number)
    }

    /// Runs a program to its end.
    public static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> Ending {
        try await ChildProcess(path, arguments, environment: environment).finish(input: input)
    }
}
