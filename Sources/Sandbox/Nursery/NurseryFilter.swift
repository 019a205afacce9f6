internal import CSeccomp
internal import Glibc

/// The seccomp program of a nursery.
///
/// Its strategies have it too, below their own two. So it lets through whatever those name or kill for, which is for
/// them to judge; without looking at arguments, which the kernel then decides once for each call and not at each call.
enum NurseryFilter {
    /// What putting up walls takes, and nothing else that a nursery does.
    private static let steps = [
        "capset", "chdir", "clone", "close", "close_range", "dup2", "execve", "execveat", "exit_group",
        "fchdir",
        "fcntl", "fstat", "getpid", "get_robust_list", "getppid", "landlock_add_rule",
        "landlock_create_ruleset",
        "landlock_restrict_self", "mmap", "mount", "mount_setattr", "move_mount", "munmap", "newfstatat",
        "open_tree",
        "openat",
        "pidfd_open", "pipe2", "pivot_root", "poll", "ppoll", "prctl", "prlimit64", "read", "recvmsg", "rseq",
        "rt_sigaction",
        "seccomp",
        "sendmsg", "sendto", "set_robust_list", "setgroups", "sethostname", "setns", "setresgid", "setresuid",
        "setrlimit", "setsid", "umask", "umount2",
        "unshare",
        "write",
    ]

    /// The program for the nursery of strategies with these calls.
    static func program(for calls: Profile.SystemCalls) throws(LaunchFailure) -> [UInt8] {
        let filter = FilterBuilder(otherwise: SystemCallFilter.failing(EPERM))
        try filter.configure()
        let strategies = calls.allowed.flatMap(\.calls) + calls.named + calls.fatal
        for call in Set(steps + strategies).sorted() where call != "clone3" {
            try filter.add(call, UInt32(SCMP_ACT_ALLOW), [])
        }
        try filter.add("clone3", SystemCallFilter.failing(ENOSYS), [])
        return try filter.program()
    }
}
