internal import CSeccomp

/// Calls that are only harmless with some arguments, and with which.
///
/// They hold for every profile: allowing `ioctl` means allowing these uses of it. Recorded with CPython 3.11, numpy,
/// pandas, scikit-learn and programs in C and C++, which need no others (`scripts/profile-syscalls`). The kernel takes
/// only the lower half of the register for an `int`, so that is what is compared then: TIOCSTI with high bits set went
/// past others' filters (CVE-2019-10063).
enum ArgumentRules {
    /// One way in which a call may be made: all of its conditions hold.
    struct Use {
        let conditions: [scmp_arg_cmp]

        init(_ conditions: scmp_arg_cmp...) { self.conditions = conditions }
    }

    /// Uses of narrowed calls; a call that is not here is allowed with any arguments.
    static let uses: [String: [Use]] = [
        // Threads: the same memory, the same handlers, and of the other flags only those that C libraries give. No new
        // namespaces, no parent to choose, no tracing inherited. Fork-like uses go to the listener.
        "clone": [Use(masked(0, ~Flags.ofThreads | Flags.thread, equals: Flags.thread))],
        // FIONBIO, FIOCLEX, FIONCLEX.
        "ioctl": [0x5421, 0x5451, 0x5450].map { Use(lower(1, $0)) },
        // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. No locks, leases or notices: through a file that two
        // strategies see, those are a channel between them. F_SETFL, but without O_ASYNC, which sends signals,
        // O_DIRECT, which makes packets of what goes through a pipe, and O_NOATIME.
        "fcntl": [0, 1, 2, 3, 1030].map { Use(lower(1, $0)) } + [
            Use(lower(1, 4), masked(2, 0x2000 | 0x4000 | 0x40000, equals: 0))
        ],
        // Reading one's own limits.
        "prlimit64": [Use(equal(0, 0), equal(2, 0))],
        // AF_UNIX, for an event loop's own wake-up.
        "socketpair": [Use(lower(0, 1))],
        // To the other end of its own pair, and to no address.
        "sendto": [Use(equal(4, 0))],
        // SIGABRT, to any thread of its own: abort().
        "tgkill": [Use(lower(2, 6))],
        "tkill": [Use(lower(1, 6))],
        // Never writable and executable at once. No huge pages from the machine's own store (MAP_HUGETLB), which no
        // memory limit counts.
        "mmap": [0, 2, 4].map { Use(masked(2, 6, equals: $0), masked(3, 0x40000, equals: 0)) },
        // Nothing becomes executable later.
        "mprotect": [Use(masked(2, 4, equals: 0))],
        // Advice that only concerns its own pages: MADV_NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, FREE, HUGEPAGE,
        // NOHUGEPAGE. Not MERGEABLE: merging pages with another strategy's tells one about the other.
        "madvise": [0, 1, 2, 3, 4, 8, 14, 15].map { Use(lower(2, $0)) },
        // FUTEX_WAIT and WAIT_BITSET, private or not, on either clock: pthread_join waits without the private flag.
        // FUTEX_WAKE and WAKE_BITSET only private: a page that another strategy has mapped too, such as one of the
        // runtime's libraries, would be a channel between them. Not the priority-inheriting ones, which are the part of
        // it that went wrong most often (CVE-2014-3153 and on).
        "futex": [0, 9].map { Use(masked(1, 0x7f, equals: $0)) }
            + [1, 10].map { Use(masked(1, 0xff, equals: 0x80 | $0)) },
        // Only a thread's name.
        "prctl": [Use(lower(0, 15)), Use(lower(0, 16))],
        // ARCH_SET_FS, ARCH_GET_FS, and asking for wider registers, as matrix libraries do on newer processors.
        "arch_prctl": [0x1002, 0x1003, 0x1021, 0x1022, 0x1023].map { Use(lower(0, $0)) },
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
        "truncate": [Use()],
    ]

    /// Narrowed calls of which the listener names every use that is not allowed.
    static let namedInFull: Set<String> = ["prlimit64", "tgkill", "tkill", "mprotect"]

    /// Fork-like uses of `clone`, which the listener names.
    static let forkLike = Use(masked(0, Flags.threadItself, equals: 0))

    /// Flags of `clone` (linux/sched.h).
    private enum Flags {
        /// CLONE_THREAD.
        static let threadItself: UInt64 = 0x0001_0000
        /// CLONE_VM, CLONE_SIGHAND, CLONE_THREAD: what makes a thread, together.
        static let thread: UInt64 = 0x0001_0900
        /// Those, and CLONE_FS, CLONE_FILES, CLONE_SYSVSEM, CLONE_SETTLS, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID and
        /// CLONE_DETACHED: all that glibc, musl and Go give.
        static let ofThreads: UInt64 = 0x007d_0f00
    }

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
