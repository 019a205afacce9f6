internal import CSeccomp

/// Calls that are only harmless with some arguments, and with which.
///
/// They hold for every profile: allowing `ioctl` means allowing these uses of it. Measured with CPython 3.11, numpy,
/// pandas and scikit-learn, which need no others.
enum ArgumentRules {
    /// One way in which a call may be made: all of its conditions hold.
    struct Use {
        let conditions: [scmp_arg_cmp]

        init(_ conditions: scmp_arg_cmp...) { self.conditions = conditions }
    }

    /// Uses of narrowed calls; a call that is not here is allowed with any arguments.
    static let uses: [String: [Use]] = [
        // Threads: the same memory, the same handlers, no new namespaces. Fork-like uses go to the listener.
        "clone": [Use(masked(0, threadBits | namespaceBits, equals: threadBits))],
        // FIONBIO, FIOCLEX, FIONCLEX. The kernel takes the lower half of the register, so only that is compared:
        // TIOCSTI with high bits set went past others' filters (CVE-2019-10063).
        "ioctl": [Use(lower(1, 0x5421)), Use(lower(1, 0x5451)), Use(lower(1, 0x5450))],
        // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. No locks, leases or notices: through a file
        // that two strategies see, those are a channel between them.
        "fcntl": [0, 1, 2, 3, 4, 1030].map { Use(lower(1, $0)) },
        // Reading one's own limits.
        "prlimit64": [Use(equal(0, 0), equal(2, 0))],
        // AF_UNIX, for an event loop's own wake-up.
        "socketpair": [Use(lower(0, 1))],
        // SIGABRT, to any thread of its own: abort().
        "tgkill": [Use(lower(2, 6))],
        "tkill": [Use(lower(1, 6))],
        // Never writable and executable at once.
        "mmap": [0, 2, 4].map { Use(masked(2, 6, equals: $0)) },
        // Nothing becomes executable later.
        "mprotect": [Use(masked(2, 4, equals: 0))],
        // Only a thread's name.
        "prctl": [Use(lower(0, 15)), Use(lower(0, 16))],
    ]

    /// Uses that the listener names, of calls that are narrowed or under `name`; a named call that is not here is named
    /// whatever its arguments. The others fail without a word: libraries try them, and do without.
    static let worthNaming: [String: [Use]] = [
        // The C library itself asks for a local socket now and then, to look for a name service or a system log.
        "socket": [Use(differs(0, 1))],
        "socketpair": [Use(differs(0, 1))],
        // TIOCSTI and TIOCLINUX; isatty() asks every descriptor something else.
        "ioctl": [Use(lower(1, 0x5412)), Use(lower(1, 0x541c))],
        // Locks, leases, notices and the size of a pipe.
        "fcntl": [5, 6, 7, 36, 37, 38, 1024, 1026, 1031].map { Use(lower(1, $0)) },
        "prlimit64": [Use(differs(2, 0)), Use(differs(0, 0))],
        "tgkill": [Use(differs(2, 6))],
        "tkill": [Use(differs(1, 6))],
        "mmap": [Use(masked(2, 6, equals: 6))],
        "mprotect": [Use(masked(2, 4, equals: 4))],
        // Opening for writing, or making a file. The listener reports what lies outside of /work and /tmp, and leaves
        // the refusal to the walls.
        "openat": forWriting(2),
        "open": forWriting(1),
    ]

    /// Narrowed calls of which the listener names every use that is not allowed.
    static let namedInFull: Set<String> = ["prlimit64", "tgkill", "tkill", "mmap", "mprotect"]

    /// Fork-like uses of `clone`, which the listener names.
    static let forkLike = Use(masked(0, threadBit, equals: 0))

    // CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, and every CLONE_NEW… (linux/sched.h).
    private static let threadBit: UInt64 = 0x0001_0000
    private static let threadBits: UInt64 = 0x0001_0900
    private static let namespaceBits: UInt64 = 0x7e02_0080

    /// O_WRONLY, O_RDWR, or O_RDONLY with O_CREAT.
    private static func forWriting(_ argument: UInt32) -> [Use] {
        [
            Use(masked(argument, 3, equals: 1)), Use(masked(argument, 3, equals: 2)),
            Use(masked(argument, 0o103, equals: 0o100)),
        ]
    }

    private static func equal(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
    }

    private static func differs(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_NE, datum_a: value, datum_b: 0)
    }

    private static func masked(_ argument: UInt32, _ mask: UInt64, equals value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
    }

    private static func lower(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        masked(argument, 0xffff_ffff, equals: value)
    }
}
