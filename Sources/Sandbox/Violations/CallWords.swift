/// Puts a system call's arguments in words.
struct CallWords {
    /// A call's arguments.
    struct Description: Hashable {
        /// As a person would write them.
        var text: String
        /// The path it is about, where there is one and it could be read.
        var path: String?
    }

    /// The folders that may be written.
    let writable: [String]

    /// Describes the arguments of `call`, with what they point at as far as `memory` has it.
    func describe(_ call: String, _ values: [UInt64], _ memory: StrategyMemory) -> Description {
        precondition(values.count == 6)
        let words = Words(call: call, values: values, memory: memory)
        return Description(text: words.parts().joined(separator: ", "), path: words.path())
    }

    /// Whether a file opened for writing lies where that is allowed, judged by its name alone.
    ///
    /// The walls decide for themselves; this says only whether there is something to report. What cannot be judged is
    /// not reported. Libraries that make semaphores try /dev/shm first and do without.
    func mayWrite(_ call: String, _ values: [UInt64], path: String?) -> Bool {
        guard let path, !path.isEmpty else { return true }
        let isFromHere =
            ["open", "creat", "truncate"].contains(call) || Int32(truncatingIfNeeded: values[0]) == -100
        guard path.hasPrefix("/") || isFromHere else { return true }
        let start = path.hasPrefix("/") ? "" : writable.first ?? ""
        var parts: [Substring] = []
        for part in (start + "/" + path).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        let whole = "/" + parts.joined(separator: "/")
        return (writable + ["/dev/shm"]).contains { whole == $0 || whole.hasPrefix($0 + "/") }
    }
}

/// One call's arguments being put in words.
private struct Words {
    let call: String
    let values: [UInt64]
    let memory: StrategyMemory

    func parts() -> [String] {
        switch call {
        case "socket", "socketpair":
            [name(0, FlagNames.families), FlagNames.socketType(values[1])]
        case "connect", "bind", "listen", "accept", "accept4", "flock", "fchmod", "fchown", "fchdir":
            call == "flock" ? [number(0), flags(1, FlagNames.locks)] : [number(0)]
        case "execve", "execveat", "open", "openat", "openat2", "creat":
            openOrRun()
        case "chroot", "chdir", "umount2", "swapon", "swapoff", "acct", "mq_open", "memfd_create", "mknod",
            "mknodat", "chmod", "fchmodat", "chown", "lchown", "fchownat", "truncate", "utimensat", "utime",
            "utimes", "setxattr", "lsetxattr", "statfs", "name_to_handle_at", "fsopen", "open_tree",
            "inotify_add_watch", "sethostname", "setdomainname", "add_key", "request_key", "fspick":
            aboutPath()
        case "link", "symlink", "linkat", "symlinkat", "mount", "pivot_root", "move_mount":
            betweenPaths()
        case "clone":
            values[0] & FlagNames.namespaceBits == 0
                ? [values[0] & 0x4000 != 0 ? "CLONE_VFORK" : "a new process"]
                : [flags(0, FlagNames.cloneFlags)]
        case "fork", "vfork": ["a new process"]
        case "unshare": [flags(0, FlagNames.cloneFlags)]
        case "setns": [number(0), flags(1, FlagNames.cloneFlags)]
        case "kill", "tkill", "rt_sigqueueinfo": [process(0), signal(1)]
        case "tgkill", "rt_tgsigqueueinfo": [process(0), "thread " + number(1), signal(2)]
        case "pidfd_send_signal": [number(0), signal(1)]
        case "pidfd_open", "process_vm_readv", "process_vm_writev", "kcmp", "perf_event_open",
            "sched_setaffinity", "sched_setparam", "sched_setattr":
            [process(call == "perf_event_open" ? 1 : 0)]
        case "ptrace": [name(0, FlagNames.traceRequests)] + (values[0] == 0 ? [] : [process(1)])
        case "sched_setscheduler": [process(0), name(1, FlagNames.policies)]
        case "setpriority": ["process " + number(1), "niceness " + number(2)]
        case "setrlimit": [name(0, FlagNames.resources)] + limits(1)
        case "prlimit64": [process(0), name(1, FlagNames.resources)] + limits(2)
        case "mmap": [bytes(1), flags(2, FlagNames.protection)]
        case "mprotect", "pkey_mprotect": [bytes(1), flags(2, FlagNames.protection)]
        case "fcntl": [number(0), name(1, FlagNames.fileCommands)]
        case "ioctl": [number(0), name(1, FlagNames.deviceCommands)]
        case "shmget": [bytes(1)]
        case "semget": [number(1) + " semaphores"]
        case "personality": [hexadecimal(0)]
        case "io_uring_setup": [number(0) + " entries"]
        case "bpf", "keyctl": ["operation " + number(0)]
        case "alarm": [number(0) + " s"]
        case "setuid", "setgid": [number(0)]
        default: []
        }
    }

    /// The path that a file would be opened by.
    func path() -> String? {
        switch call {
        case "open", "creat", "truncate": memory.text(values[0])
        case "openat", "openat2": memory.text(values[1])
        default: nil
        }
    }

    private func openOrRun() -> [String] {
        switch call {
        case "execve": [text(0)]
        case "execveat": [text(1)]
        case "creat": [text(0), "O_WRONLY"]
        case "open": [text(0), FlagNames.openMode(values[1])]
        case "openat": [text(1), FlagNames.openMode(values[2])]
        default: [text(1)]
        }
    }

    private func aboutPath() -> [String] {
        switch call {
        case "mknod": [text(0), FlagNames.fileKind(values[1])]
        case "mknodat": [text(1), FlagNames.fileKind(values[2])]
        case "chmod": [text(0), octal(1)]
        case "fchmodat": [text(1), octal(2)]
        case "fchownat", "utimensat", "name_to_handle_at", "open_tree", "inotify_add_watch", "fspick":
            // futimens() names no file but a descriptor.
            values[1] == 0 ? [number(0)] : [text(1)]
        default: [text(0)]
        }
    }

    private func betweenPaths() -> [String] {
        switch call {
        case "linkat": [text(1), text(3)]
        case "symlinkat": [text(0), text(2)]
        case "move_mount": [text(1), text(3)]
        case "mount": [text(0), text(1)] + (memory.text(values[2]).map { ["type \"\($0)\""] } ?? [])
        default: [text(0), text(1)]
        }
    }

    private func lower(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: values[index]) }

    private func number(_ index: Int) -> String { String(Int32(bitPattern: lower(index))) }

    private func hexadecimal(_ index: Int) -> String { "0x" + String(lower(index), radix: 16) }

    private func octal(_ index: Int) -> String { "0" + String(lower(index) & 0o7777, radix: 8) }

    private func name(_ index: Int, _ names: [UInt32: String]) -> String {
        names[lower(index)] ?? number(index)
    }

    private func flags(_ index: Int, _ names: [(bit: UInt32, name: String)]) -> String {
        FlagNames.joined(lower(index), names)
    }

    private func text(_ index: Int) -> String {
        guard values[index] != 0 else { return "nothing" }
        return memory.text(values[index]).map { "\"\($0)\"" } ?? "a path that could not be read"
    }

    private func bytes(_ index: Int) -> String {
        let count = values[index]
        return count >= 1 << 20
            ? "\(count >> 20) MiB" : count >= 1 << 10 ? "\(count >> 10) KiB" : "\(count) bytes"
    }

    private func signal(_ index: Int) -> String {
        FlagNames.signals[lower(index)] ?? "signal \(number(index))"
    }

    /// Inside, a strategy is process 2 of its own, and its watcher process 1.
    private func process(_ index: Int) -> String {
        switch Int32(bitPattern: lower(index)) {
        case 0 where ["kill", "tkill", "tgkill"].contains(call): "its process group"
        case 0, 2: "itself"
        case -1 where call == "kill": "every process"
        case let number where number < 0 && call == "kill": "process group \(-Int(number))"
        case let number: "process \(number)"
        }
    }

    private func limits(_ index: Int) -> [String] {
        guard values[index] != 0, let (soft, hard) = memory.pair(values[index]) else { return [] }
        func word(_ limit: UInt64) -> String { limit == .max ? "unlimited" : String(limit) }
        return [soft == hard ? word(soft) : "\(word(soft)) of \(word(hard))"]
    }
}
