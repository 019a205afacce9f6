internal import CPosix
internal import Glibc

/// The signals that tell the process to end: SIGTERM and SIGINT.
///
/// They are caught by a handler and not waited for with a blocked mask: the main thread of a program with an
/// asynchronous entry ends up in Dispatch, which lets every signal through.
public struct Signals: ~Copyable, Sendable {
    private let pipe: Pipe

    /// Catches both signals from now on, and ignores SIGPIPE: a strategy that has closed its pipe is told by EPIPE.
    /// Control-C stays ignored where whoever started the process had it so.
    public init() throws(SystemCallError) {
        let pipe = try Pipe(writesWithoutWaiting: true)
        try SystemCallError.check(cposix_catch_end_signals(pipe.writeEnd.number), "sigaction")
        self.pipe = pipe
    }

    /// Lets a write to a closed pipe fail with EPIPE instead of ending the process.
    public static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Readable when one has come. For watching.
    public var descriptor: Int32 { pipe.readEnd.number }

    /// Takes the one that has come. Call it when ``descriptor`` is readable; it waits else.
    public borrowing func take() throws(SystemCallError) -> Int32 { try Self.read(pipe.readEnd.number).get() }

    /// Waits, suspended, for one of them and returns its number.
    public borrowing func next() async throws(SystemCallError) -> Int32 {
        let number = pipe.readEnd.number
        return try await Thread.run(name: "signals", refused: { $0 }) { () throws(SystemCallError) in
            try Self.read(number).get()
        }
    }

    private static func read(_ number: Int32) -> Result<Int32, SystemCallError> {
        var byte: UInt8 = 0
        while true {
            let count = unsafe Glibc.read(number, &byte, 1)
            if count == 1 { return .success(Int32(byte)) }
            guard count < 0, errno == EINTR else { return .failure(.last("read")) }
        }
    }
}
