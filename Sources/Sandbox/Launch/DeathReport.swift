internal import Glibc
public import Posix

/// Why a strategy ended, in plain words.
public struct DeathReport: Hashable, Sendable {
    /// What kind of end it was.
    public enum Cause: String, Hashable, Sendable {
        /// It ended by itself, with code 0.
        case finished
        /// It ended by itself, with another code.
        case exitCode = "exit_code"
        /// The kernel killed it for memory.
        case memory
        /// It made a system call that only an attacker makes.
        case systemCall = "system_call"
        /// It went beyond a limit of its own, such as the size of a file.
        case limit
        /// A signal ended it.
        case signal
    }

    /// What kind of end it was.
    public let cause: Cause
    /// The cause in words, such as `killed for memory: limit 512 MiB, peak 512 MiB`.
    public let words: String
    /// How it ended, as the kernel says it.
    public let status: EndStatus
    /// What it had used.
    public let usage: GroupUsage

    /// Finds the cause.
    ///
    /// - Parameters:
    ///   - status: How it ended.
    ///   - usage: What it had used by then.
    ///   - violation: The system call for which it was killed.
    public init(status: EndStatus, usage: GroupUsage, violation: Violation?) {
        self.status = status
        self.usage = usage
        let pids = usage.processDenials > 0 ? "; it asked for more processes or threads than it may have" : ""
        switch status {
        case .exited(0): (cause, words) = (.finished, "it ended by itself")
        case .exited(let code):
            (cause, words) = (.exitCode, "exit code \(code)" + Self.memoryHint(usage) + pids)
        case .killed(let signal):
            (cause, words) = Self.cause(of: signal, usage, violation, pids)
        }
    }

    private static func cause(
        of signal: Int32, _ usage: GroupUsage, _ violation: Violation?, _ pids: String
    ) -> (Cause, String) {
        if let violation { return (.systemCall, "forbidden system call: \(violation)") }
        switch signal {
        case SIGKILL where usage.memoryKills > 0:
            return (.memory, "killed for memory: \(figures(usage))")
        case SIGSYS:
            return (
                .systemCall, "forbidden system call: made as on another kind of machine (int 0x80 or x32)"
            )
        case SIGXFSZ: return (.limit, "it wrote a file beyond its size limit")
        case SIGXCPU: return (.limit, "it used more processor time than it may have")
        default:
            return (.signal, "killed by signal \(signal)" + meaning(of: signal) + pids)
        }
    }

    private static func meaning(of signal: Int32) -> String {
        switch signal {
        case SIGABRT: " (SIGABRT: it gave up by itself)"
        case SIGSEGV: " (SIGSEGV: it touched memory that it does not have)"
        case SIGBUS: " (SIGBUS: it touched memory that could not be had)"
        case SIGILL: " (SIGILL: it came to a forbidden instruction)"
        case SIGFPE: " (SIGFPE: it divided by nought)"
        case SIGTERM: " (SIGTERM)"
        case SIGKILL: " (SIGKILL)"
        case SIGPIPE: " (SIGPIPE: it wrote to a closed pipe)"
        default: ""
        }
    }

    private static func memoryHint(_ usage: GroupUsage) -> String {
        usage.memoryKills > 0 ? "; the kernel killed a part of it for memory: \(figures(usage))" : ""
    }

    private static func figures(_ usage: GroupUsage) -> String {
        "limit \(mebibytes(usage.memoryLimitBytes)), peak \(mebibytes(usage.memoryPeakBytes))"
    }

    private static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
}
