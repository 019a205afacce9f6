/// The arguments that decide over a narrowed call, in words.
enum ArgumentWords {
    /// Such as `F_GETFD` for a call of `fcntl`; empty for a call that may have any arguments.
    static func deciding(_ call: String, _ values: [UInt64]) -> String {
        func lower(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: values[index]) }
        func name(_ number: UInt32, _ names: [UInt32: String]) -> String { names[number] ?? hex(number) }
        return switch call {
        case "clone": lower(0) & 0x0001_0000 == 0 ? "new process" : "thread " + hex(lower(0))
        case "ioctl": name(lower(1), requests)
        case "fcntl": name(lower(1), commands)
        case "prlimit64": values[2] == 0 ? "read" : "write"
        case "socketpair", "socket": name(lower(0), families)
        case "sendto": values[4] == 0 ? "connected" : "to an address"
        case "tgkill": "signal \(lower(2))"
        case "tkill", "kill": "signal \(lower(1))"
        case "mmap": protection(lower(2)) + (lower(3) & 0x40000 == 0 ? "" : " MAP_HUGETLB")
        case "mprotect": protection(lower(2))
        case "madvise": name(lower(2), advice)
        case "futex": name(lower(1) & 0x7f, operations)
        case "prctl": name(lower(0), processOptions)
        case "arch_prctl": name(lower(0), [0x1002: "ARCH_SET_FS", 0x3001: "ARCH_CET_STATUS"])
        default: ""
        }
    }

    private static func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }

    private static func protection(_ bits: UInt32) -> String {
        let names = [(1, "read"), (2, "write"), (4, "execute")].filter { bits & UInt32($0.0) != 0 }.map(\.1)
        return names.isEmpty ? "none" : names.joined(separator: "+")
    }

    private static let requests: [UInt32: String] = [
        0x5401: "TCGETS", 0x5412: "TIOCSTI", 0x5413: "TIOCGWINSZ", 0x541b: "FIONREAD", 0x5421: "FIONBIO",
        0x5450: "FIONCLEX", 0x5451: "FIOCLEX",
    ]
    private static let commands: [UInt32: String] = [
        0: "F_DUPFD", 1: "F_GETFD", 2: "F_SETFD", 3: "F_GETFL", 4: "F_SETFL", 5: "F_GETLK", 6: "F_SETLK",
        7: "F_SETLKW", 36: "F_OFD_GETLK", 37: "F_OFD_SETLK", 1024: "F_SETLEASE", 1026: "F_NOTIFY",
        1030: "F_DUPFD_CLOEXEC", 1031: "F_SETPIPE_SZ", 1032: "F_GETPIPE_SZ", 1033: "F_ADD_SEALS",
    ]
    private static let families: [UInt32: String] = [
        1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 38: "AF_ALG",
        40: "AF_VSOCK",
    ]
    private static let advice: [UInt32: String] = [
        0: "MADV_NORMAL", 1: "MADV_RANDOM", 2: "MADV_SEQUENTIAL", 3: "MADV_WILLNEED", 4: "MADV_DONTNEED",
        8: "MADV_FREE", 12: "MADV_MERGEABLE", 14: "MADV_HUGEPAGE", 15: "MADV_NOHUGEPAGE",
    ]
    private static let operations: [UInt32: String] = [
        0: "FUTEX_WAIT", 1: "FUTEX_WAKE", 3: "FUTEX_REQUEUE", 4: "FUTEX_CMP_REQUEUE", 5: "FUTEX_WAKE_OP",
        6: "FUTEX_LOCK_PI", 7: "FUTEX_UNLOCK_PI", 9: "FUTEX_WAIT_BITSET", 10: "FUTEX_WAKE_BITSET",
    ]
    private static let processOptions: [UInt32: String] = [
        1: "PR_SET_PDEATHSIG", 4: "PR_SET_DUMPABLE", 15: "PR_SET_NAME", 16: "PR_GET_NAME",
        22: "PR_SET_SECCOMP",
        23: "PR_CAPBSET_READ", 38: "PR_SET_NO_NEW_PRIVS", 0x5356_4d41: "PR_SET_VMA",
    ]
}
