/// A rule of the sandbox, as people speak of it.
public enum SandboxRule: String, Hashable, Sendable, CaseIterable {
    case network
    case programs
    case processes
    case otherProcesses = "other_processes"
    case signals
    case fileLocks = "file_locks"
    case generatedCode = "generated_code"
    case sharedMemory = "shared_memory"
    case limits
    case fileKinds = "file_kinds"
    case writing
    case watching
    case workingFolder = "working_folder"
    case kernelTimers = "kernel_timers"
    case identity
    case kernelParts = "kernel_parts"
    case machine
    case foreignCalls = "foreign_calls"
    case otherCalls = "other_calls"

    /// The rule in words.
    public var words: String {
        switch self {
        case .network: "network is not available to strategies"
        case .programs: "strategies cannot start programs"
        case .processes: "strategies cannot start processes"
        case .otherProcesses: "strategies cannot look into processes"
        case .signals: "strategies cannot send signals"
        case .fileLocks: "files cannot be locked"
        case .generatedCode: "memory cannot be written and executed, and no code is made at run time"
        case .sharedMemory: "memory and queues cannot be shared between processes"
        case .limits: "limits and priorities are set by the host"
        case .fileKinds: "only plain files and folders can be made, with the owner and rights they have"
        case .writing: "only /work and /tmp can be written"
        case .watching: "files cannot be watched"
        case .workingFolder: "the working folder is always /work"
        case .kernelTimers: "the kernel's timers are not available to strategies"
        case .identity: "a strategy cannot change its user, group, session or rights"
        case .kernelParts: "this part of the kernel is closed to strategies"
        case .machine: "only an attacker changes the machine"
        case .foreignCalls: "calls as on another kind of machine (int 0x80, x32) are not allowed"
        case .otherCalls: "the profile does not allow it"
        }
    }

    /// What an author can do instead.
    public var advice: String {
        switch self {
        case .network: "use `subscribe`, or ask the operator for a feed"
        case .programs: "use a package instead of a program, or ask the operator for one"
        case .processes: "use threads or n_jobs=1, and a package instead of a program"
        case .otherProcesses: "use `log` and `metric`, and debug on a machine of your own"
        case .signals: "use `finish` to end the strategy, and `timer` to be woken"
        case .fileLocks: "leave the lock out, since nobody else has the file; SQLite takes ?nolock=1"
        case .generatedCode: "use a package that is compiled already"
        case .sharedMemory: "use threads and queue.Queue, or n_jobs=1"
        case .limits: "set memory_mb and cpu_share in strategy.json, or ask the operator for more"
        case .fileKinds: "use shutil.copyfile instead of shutil.copy, and open() to make a file"
        case .writing: "write there, and keep with `save_state` what the next run needs"
        case .watching: "look at the file again with a `timer`"
        case .workingFolder: "use whole paths such as /work/model.json"
        case .kernelTimers: "use `timer`"
        case .identity: "leave it out: every strategy has a user and a session of its own"
        case .kernelParts: "leave it out: ordinary packages do without it"
        case .machine:
            "tell the operator if it was a mistake"
        case .foreignCalls: "compile the program for x86-64"
        case .otherCalls: "leave it out, or ask the operator for a profile that allows it"
        }
    }
}

extension SandboxRule {
    /// Which rule each call falls under that a profile may name, kill for or narrow.
    static let ofCall: [String: SandboxRule] = {
        var rules: [String: SandboxRule] = [:]
        for (rule, calls) in table {
            for call in calls {
                precondition(rules.updateValue(rule, forKey: call) == nil, "\(call) stands under two rules")
            }
        }
        return rules
    }()

    private static let table: [(SandboxRule, [String])] = [
        (
            .network,
            [
                "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "getpeername",
                "setsockopt", "getsockopt", "shutdown", "recvmsg", "sendmmsg", "recvmmsg",
            ]
        ),
        (.programs, ["execve", "execveat", "uselib"]),
        (.processes, ["clone", "clone3", "fork", "vfork", "wait4", "waitid"]),
        (
            .otherProcesses,
            [
                "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
                "pidfd_open", "pidfd_getfd", "kcmp", "move_pages", "migrate_pages", "get_robust_list",
            ]
        ),
        (
            .signals,
            [
                "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal",
                "signalfd", "signalfd4",
            ]
        ),
        (.fileLocks, ["flock", "fcntl"]),
        (
            .generatedCode,
            ["mmap", "mprotect", "pkey_mprotect", "memfd_create", "memfd_secret", "remap_file_pages"]
        ),
        (
            .sharedMemory,
            [
                "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop", "msgget",
                "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
                "mq_notify", "mq_getsetattr",
            ]
        ),
        (
            .limits,
            [
                "setrlimit", "prlimit64", "setpriority", "sched_setscheduler", "sched_setparam",
                "sched_setattr", "sched_setaffinity", "ioprio_set", "mlock", "mlock2", "mlockall",
                "set_mempolicy",
            ]
        ),
        (
            .fileKinds,
            [
                "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "link", "linkat",
                "symlink", "symlinkat", "mknod", "mknodat", "utime", "utimes", "utimensat", "futimesat",
                "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
                "umask",
            ]
        ),
        (.writing, ["open", "openat", "openat2", "creat", "truncate", "fallocate"]),
        (
            .watching,
            ["inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark"]
        ),
        (.workingFolder, ["chdir", "fchdir"]),
        (
            .kernelTimers,
            [
                "alarm", "setitimer", "getitimer", "timer_create", "timer_settime", "timer_delete",
                "timerfd_create", "timerfd_settime",
            ]
        ),
        (
            .identity,
            [
                "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",
                "setfsuid", "setfsgid", "setpgid", "setsid", "capset", "prctl", "unshare", "personality",
                "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp",
            ]
        ),
        (
            .kernelParts,
            [
                "io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit", "bpf",
                "userfaultfd", "perf_event_open", "keyctl", "add_key", "request_key", "name_to_handle_at",
                "ioctl", "statfs", "fstatfs", "sysfs", "vmsplice", "tee", "splice", "set_thread_area",
                "lookup_dcookie", "futex_waitv", "rseq",
            ]
        ),
        (
            .machine,
            [
                "init_module", "finit_module", "delete_module", "create_module", "kexec_load",
                "kexec_file_load", "reboot", "swapon", "swapoff", "iopl", "ioperm", "modify_ldt", "mount",
                "umount2", "pivot_root", "chroot", "setns", "open_tree", "move_mount", "mount_setattr",
                "fsopen", "fsconfig", "fsmount", "fspick", "open_by_handle_at", "acct", "quotactl",
                "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname",
                "setdomainname", "syslog", "vhangup", "nfsservctl",
            ]
        ),
    ]
}
