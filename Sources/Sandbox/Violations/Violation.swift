/// A system call that a strategy was refused.
public struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// Its name, such as `socket`.
    public let systemCall: String
    /// What it was to do, such as `an internet connection (AF_INET)`; empty when there is nothing to say.
    public let arguments: String
    /// What to do instead.
    public let advice: String
    /// Whether only an attacker makes it, so that the strategy was killed.
    public let isFatal: Bool

    /// The call, its arguments and the advice, in one sentence.
    public var description: String {
        let call = arguments.isEmpty ? systemCall : "\(systemCall) (\(arguments))"
        return "\(call): \(advice)"
    }
}

/// What to tell an author about a refused call.
enum Advice {
    static func words(for call: String) -> String {
        switch call {
        case "socket", "connect", "bind", "listen", "accept", "accept4":
            "a strategy has no network; the host brings prices, and carries orders out"
        case "execve", "execveat":
            "a strategy cannot start programs; what it needs must be a library of its runtime"
        case "clone", "fork", "vfork":
            "a strategy cannot start processes; use threads, or n_jobs=1"
        case "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "pidfd_open", "kcmp":
            "a strategy cannot look into processes"
        case "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal":
            "a strategy cannot send signals; to end itself it returns, or calls exit"
        case "flock": "files cannot be locked; what a strategy wants to keep goes to save_state"
        case "memfd_create": "code cannot be made at run time"
        case "shmget", "shmat", "shmctl", "semget", "semop", "msgget", "mq_open":
            "there is no shared memory between processes; use threads, or n_jobs=1"
        case "setrlimit", "prlimit64", "setpriority", "sched_setscheduler", "sched_setattr",
            "sched_setaffinity":
            "limits are set by the host; an operator can raise them"
        case "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "link", "linkat", "symlink",
            "symlinkat", "mknod", "mknodat":
            "only plain files in /work and /tmp can be made"
        case "inotify_init", "inotify_init1", "fanotify_init": "files cannot be watched"
        default: "a strategy has no use for it; the host refuses it"
        }
    }

    /// What the call was to do, as far as its arguments say it without looking into the strategy's memory.
    static func arguments(of call: String, _ values: [UInt64]) -> String {
        switch call {
        case "socket":
            switch UInt32(truncatingIfNeeded: values[0]) {
            case 1: "a local connection, AF_UNIX"
            case 2: "an internet connection, AF_INET"
            case 10: "an internet connection, AF_INET6"
            case 16: "a kernel connection, AF_NETLINK"
            case 17: "raw packets, AF_PACKET"
            case 38: "kernel cryptography, AF_ALG"
            case 40: "a connection to the machine below, AF_VSOCK"
            case let family: "address family \(family)"
            }
        case "clone", "fork", "vfork": "a new process"
        case "kill", "tkill":
            "signal \(values[1]) to process \(Int32(truncatingIfNeeded: values[0]))"
        case "tgkill": "signal \(values[2]) to thread \(Int32(truncatingIfNeeded: values[1]))"
        case "ptrace": values[0] == 0 ? "PTRACE_TRACEME" : "request \(values[0])"
        default: ""
        }
    }
}
