internal import CPosix
internal import Glibc

/// How a process ended.
public enum EndStatus: Hashable, Sendable {
    /// It ended by itself, with this code.
    case exited(code: Int32)
    /// A signal ended it.
    case killed(signal: Int32)

    init(code: Int32, status: Int32) {
        // CLD_EXITED is 1; killed and dumped are 2 and 3.
        self = code == 1 ? .exited(code: status) : .killed(signal: status)
    }
}

/// Starting, signalling and reaping children.
public enum ChildProcess {
    /// Starts a program with only the named descriptors, in a session of its own.
    ///
    /// - Parameters:
    ///   - executable: The program's path.
    ///   - arguments: Its arguments, its own name first.
    ///   - environment: Its whole environment, as `NAME=value`.
    ///   - descriptors: `descriptors[i]` becomes its descriptor i; none is there where it is -1.
    /// - Returns: Its pid. The caller reaps it.
    public static func spawn(
        _ executable: String, arguments: [String], environment: [String] = [], descriptors: [Int32]
    ) throws(SystemCallError) -> Int32 {
        var pid: Int32 = 0
        let result = unsafe withTexts(arguments) { arguments in
            unsafe withTexts(environment) { environment in
                unsafe cposix_spawn(
                    executable, arguments, environment, descriptors, Int32(descriptors.count), &pid)
            }
        }
        try SystemCallError.check(result, "posix_spawn", executable)
        return pid
    }

    /// A descriptor for a child that has not been reaped. It becomes readable when the child ends.
    public static func open(_ pid: Int32) throws(SystemCallError) -> FileDescriptor {
        FileDescriptor(owning: try SystemCallError.check(cposix_pidfd_open(pid), "pidfd_open", "\(pid)"))
    }

    /// Reaps a child if it has ended, without waiting.
    public static func reap(_ child: borrowing FileDescriptor) throws(SystemCallError) -> EndStatus? {
        var code: Int32 = 0
        var status: Int32 = 0
        let result = unsafe cposix_pidfd_reap(child.number, &code, &status)
        guard try SystemCallError.check(result, "waitid") == 1 else { return nil }
        return EndStatus(code: code, status: status)
    }

    /// Waits for a child to end and reaps it.
    @discardableResult
    public static func wait(for pid: Int32) throws(SystemCallError) -> EndStatus {
        var code: Int32 = 0
        var status: Int32 = 0
        try SystemCallError.check(unsafe cposix_wait(pid, &code, &status), "waitid", "\(pid)")
        return EndStatus(code: code, status: status)
    }

    /// Sends a signal to the process behind a descriptor. One that has ended is left alone.
    public static func signal(
        _ child: borrowing FileDescriptor, _ signal: Int32
    ) throws(SystemCallError) {
        let result = cposix_pidfd_send_signal(child.number, signal)
        if result == -ESRCH { return }
        try SystemCallError.check(result, "pidfd_send_signal")
    }

    /// Runs a program to its end and gathers what it wrote, both outputs together. For tools, not for strategies.
    public static func run(
        _ executable: String, _ arguments: [String], environment: [String]
    ) throws(SystemCallError) -> (status: EndStatus, output: String) {
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let pipe = try Pipe()
        let pid = try spawn(
            executable, arguments: [executable] + arguments, environment: environment,
            descriptors: [null.number, pipe.writeEnd.number, pipe.writeEnd.number])
        let output = try pipe.readAfterClosingWriteEnd()
        return (try wait(for: pid), String(decoding: output, as: UTF8.self))
    }

    /// Lends `texts` as an array of C strings that ends with NULL.
    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe texts.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
    }
}

extension Pipe {
    /// Closes our writing end, so that the pipe ends with the child's, and reads all.
    fileprivate consuming func readAfterClosingWriteEnd() throws(SystemCallError) -> [UInt8] {
        let number = writeEnd.release()
        _ = Glibc.close(number)
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = try readEnd.read(into: &buffer)
            if count == 0 { return output }
            output += buffer.prefix(count)
        }
    }
}

extension Pipe {
    /// Gives both ends away by number; whoever takes them closes them.
    public consuming func release() -> (readEnd: Int32, writeEnd: Int32) {
        let pipe = self
        return (pipe.readEnd.release(), pipe.writeEnd.release())
    }
}
