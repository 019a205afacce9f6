internal import CPosix
internal import Glibc

/// A system call that failed, and the kernel's reason.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was called, such as `open`.
    public let call: String
    /// The kernel's number, such as `ENOSPC`.
    public let number: Int32
    /// What it was about, such as a path; empty when there is nothing to say.
    public let subject: String

    /// Describes a failed call.
    public init(call: String, number: Int32, subject: String = "") {
        self.call = call
        self.number = number
        self.subject = subject
    }

    /// The call, its subject and the reason in the C library's words.
    public var description: String {
        let reason = unsafe String(cString: strerror(number))
        return subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }

    /// Whether the call would have had to wait.
    public var wouldBlock: Bool { number == EAGAIN || number == EWOULDBLOCK }

    /// Whether the volume is full or a quota used up.
    public var isDiskFull: Bool { number == ENOSPC || number == EDQUOT }

    /// The error that `errno` names now.
    static func last(_ call: String, _ subject: String = "") -> SystemCallError {
        SystemCallError(call: call, number: errno, subject: subject)
    }

    /// Throws when `result` is a negative error number, as `CPosix` returns them.
    @discardableResult
    static func check(
        _ result: Int32, _ call: String, _ subject: String = ""
    ) throws(SystemCallError) -> Int32 {
        guard result >= 0 else { throw SystemCallError(call: call, number: -result, subject: subject) }
        return result
    }
}
