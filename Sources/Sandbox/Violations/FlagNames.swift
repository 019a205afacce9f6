/// The kernel's numbers by their names, as manuals and error messages write them.
enum FlagNames {
    static let families: [UInt32: String] = [
        1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 15: "AF_KEY", 16: "AF_NETLINK", 17: "AF_PACKET",
        29: "AF_CAN", 31: "AF_BLUETOOTH", 38: "AF_ALG", 40: "AF_VSOCK", 44: "AF_XDP",
    ]
    static let locks: [(bit: UInt32, name: String)] = [
        (1, "LOCK_SH"), (2, "LOCK_EX"), (8, "LOCK_UN"), (4, "LOCK_NB"),
    ]
    static let protection: [(bit: UInt32, name: String)] = [
        (1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"),
    ]
    static let cloneFlags: [(bit: UInt32, name: String)] = [
        (0x80, "CLONE_NEWTIME"), (0x2_0000, "CLONE_NEWNS"), (0x200_0000, "CLONE_NEWCGROUP"),
        (0x400_0000, "CLONE_NEWUTS"), (0x800_0000, "CLONE_NEWIPC"), (0x1000_0000, "CLONE_NEWUSER"),
        (0x2000_0000, "CLONE_NEWPID"), (0x4000_0000, "CLONE_NEWNET"),
    ]
    /// Every namespace that clone can make.
    static let namespaceBits: UInt64 = cloneFlags.reduce(0) { $0 | UInt64($1.bit) }
    static let traceRequests: [UInt32: String] = [
        0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 4: "PTRACE_POKETEXT",
        5: "PTRACE_POKEDATA", 16: "PTRACE_ATTACH", 0x4206: "PTRACE_SEIZE",
    ]
    static let policies: [UInt32: String] = [
        0: "SCHED_OTHER", 1: "SCHED_FIFO", 2: "SCHED_RR", 3: "SCHED_BATCH", 5: "SCHED_IDLE",
        6: "SCHED_DEADLINE",
    ]
    static let resources: [UInt32: String] = [
        0: "RLIMIT_CPU", 1: "RLIMIT_FSIZE", 2: "RLIMIT_DATA", 3: "RLIMIT_STACK", 4: "RLIMIT_CORE",
        5: "RLIMIT_RSS", 6: "RLIMIT_NPROC", 7: "RLIMIT_NOFILE", 8: "RLIMIT_MEMLOCK", 9: "RLIMIT_AS",
        10: "RLIMIT_LOCKS", 11: "RLIMIT_SIGPENDING", 12: "RLIMIT_MSGQUEUE", 13: "RLIMIT_NICE",
        14: "RLIMIT_RTPRIO", 15: "RLIMIT_RTTIME",
    ]
    static let fileCommands: [UInt32: String] = [
        5: "F_GETLK", 6: "F_SETLK", 7: "F_SETLKW", 8: "F_SETOWN", 10: "F_SETSIG", 36: "F_OFD_GETLK",
        37: "F_OFD_SETLK", 38: "F_OFD_SETLKW", 1024: "F_SETLEASE", 1025: "F_GETLEASE", 1026: "F_NOTIFY",
        1031: "F_SETPIPE_SZ", 1033: "F_ADD_SEALS",
    ]
    static let deviceCommands: [UInt32: String] = [0x5412: "TIOCSTI", 0x541c: "TIOCLINUX"]
    static let signals: [UInt32: String] = [
        0: "no signal", 1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT",
        7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
        14: "SIGALRM", 15: "SIGTERM", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP",
        21: "SIGTTIN", 22: "SIGTTOU", 24: "SIGXCPU", 25: "SIGXFSZ", 28: "SIGWINCH", 29: "SIGIO",
        31: "SIGSYS",
    ]

    private static let socketTypes: [UInt32: String] = [
        1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET",
    ]

    /// The names of the bits that are set, and the rest as a number.
    static func joined(_ value: UInt32, _ names: [(bit: UInt32, name: String)]) -> String {
        var (words, rest) = ([String](), value)
        for (bit, name) in names where value & bit == bit {
            words.append(name)
            rest &= ~bit
        }
        if rest != 0 || words.isEmpty { words.append("0x" + String(rest, radix: 16)) }
        return words.joined(separator: "|")
    }

    /// A kind of socket, without the bits that say how its descriptor is to be.
    static func socketType(_ value: UInt64) -> String {
        let type = UInt32(truncatingIfNeeded: value) & 0xf
        return socketTypes[type] ?? String(type)
    }

    /// How a file is to be opened.
    static func openMode(_ value: UInt64) -> String {
        var words: [String] = [["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][Int(value & 3)]]
        if value & 0o100 != 0 { words.append("O_CREAT") }
        if value & 0o1000 != 0 { words.append("O_TRUNC") }
        if value & 0o2000 != 0 { words.append("O_APPEND") }
        return words.joined(separator: "|")
    }

    /// What mknod is to make.
    static func fileKind(_ mode: UInt64) -> String {
        switch mode & 0o170000 {
        case 0o010000: "a named pipe"
        case 0o020000, 0o060000: "a device"
        case 0o140000: "a socket"
        default: "a file"
        }
    }
}
