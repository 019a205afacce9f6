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
    ///   - profile: What it ran under, for the numbers of its limits.
    public init(status: EndStatus, usage: GroupUsage, violation: Violation?, profile: Profile? = nil) {
        self.init(status: status, usage: usage, violation: violation, profile: profile, overuse: nil)
    }

    /// Finds the cause.
    ///
    /// - Parameter overuse: What the host has killed it for.
    init(
        status: EndStatus, usage: GroupUsage, violation: Violation?, profile: Profile?,
        overuse: Supervision.Overuse?
    ) {
        self.status = status
        self.usage = usage
        let pids = usage.processDenials > 0 ? Self.processHint(profile) : ""
        switch status {
        case .exited(0): (cause, words) = (.finished, "it ended by itself")
        case .exited(let code):
            (cause, words) = (.exitCode, "exit code \(code)" + Self.memoryHint(usage) + pids)
        case .killed(SIGKILL) where overuse != nil && violation == nil:
            (cause, words) = (overuse?.cause ?? .limit, overuse?.words ?? "")
        case .killed(let signal):
            (cause, words) = Self.cause(of: signal, usage, violation, profile?.limits, pids)
        }
    }

    private static func cause(
        of signal: Int32, _ usage: GroupUsage, _ violation: Violation?, _ limits: Profile.Limits?,
        _ pids: String
    ) -> (Cause, String) {
        if let violation { return (.systemCall, "forbidden system call: \(violation)") }
        switch signal {
        case SIGKILL where usage.memoryKills > 0:
            return (.memory, "killed for memory: \(figures(usage))")
        case SIGSYS:
            let rule = SandboxRule.foreignCalls
            return (.systemCall, "forbidden system call: \(rule.words): \(rule.advice)")
        case SIGXFSZ:
            let limit = limits.map { ", which is \(mebibytes($0.fileBytes))" } ?? ""
            return (.limit, "it wrote a file beyond its size limit\(limit)")
        case SIGXCPU: return (.limit, "it used more processor time than it may have")
        case SIGSEGV:
            let stack = limits.map {
                ", or its stack of \(mebibytes($0.stackBytes)) ran over in a deep recursion"
            }
            return (
                .signal,
                "killed by signal 11 (SIGSEGV: it touched memory that it does not have\(stack ?? ""))" + pids
            )
        default:
            return (.signal, "killed by signal \(signal)" + meaning(of: signal) + pids)
        }
    }

    private static func processHint(_ profile: Profile?) -> String {
        let limit = profile.map { ", which are \($0.limits.processes)" } ?? ""
        return "; it asked for more processes or threads than it may have\(limit)"
    }

    private static func meaning(of signal: Int32) -> String {
        switch signal {
        case SIGABRT: " (SIGABRT: it gave up by itself)"
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
