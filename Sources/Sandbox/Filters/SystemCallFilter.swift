internal import CConfine
internal import CSeccomp
internal import Glibc
internal import Posix
internal import Synchronization

/// A profile's two seccomp programs, ready to load.
///
/// The first lets everything through but the calls that the profile wants named: those wait for the supervisor, who is
/// told and refuses. The second is the allowlist. The kernel takes the stricter word of the two, where waiting for the
/// supervisor is stricter than allowing, and failing is stricter than waiting: so what the first names, the second
/// allows, and the plan never loads the second without the first.
struct SystemCallFilter: Sendable {
    /// The notifying filter, in BPF.
    let listening: [UInt8]
    /// The allowlist, in BPF.
    let allowing: [UInt8]

    /// The number of a call on this machine, or nil when nobody knows it. Negative when only other machines have it.
    static func number(of call: String) -> Int32? {
        let number = unsafe seccomp_syscall_resolve_name(call)
        return number == -1 ? nil : number  // __NR_SCMP_ERROR
    }

    /// The name of a call on this machine.
    static func name(of number: Int32) -> String {
        guard let text = unsafe seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number) else {
            return "number \(number)"
        }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    // MARK: - Compiling

    private static let cache = Mutex<[Profile.SystemCalls: SystemCallFilter]>([:])

    /// The programs for `calls`, compiled once.
    static func compiled(for calls: Profile.SystemCalls) throws(LaunchFailure) -> SystemCallFilter {
        if let filter = cache.withLock({ $0[calls] }) { return filter }
        let filter = try SystemCallFilter(compiling: calls)
        cache.withLock { $0[calls] = filter }
        return filter
    }

    /// Programs that let every call wait for the supervisor, who decides as another filter would.
    static func hearingAll() throws(LaunchFailure) -> SystemCallFilter {
        let listening = FilterBuilder(otherwise: UInt32(SCMP_ACT_NOTIFY))
        try listening.configure()
        // Before the supervisor has the listener, nobody could answer the call that hands it over.
        try listening.add(
            "sendmsg", UInt32(SCMP_ACT_ALLOW),
            [scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: UInt64(CONFINE_FD_LISTENER), datum_b: 0)])
        let allowing = FilterBuilder(otherwise: UInt32(SCMP_ACT_ALLOW))
        try allowing.configure()
        return SystemCallFilter(listening: try listening.program(), allowing: try allowing.program())
    }

    private init(listening: [UInt8], allowing: [UInt8]) {
        self.listening = listening
        self.allowing = allowing
    }

    private init(compiling calls: Profile.SystemCalls) throws(LaunchFailure) {
        let waiting = calls.named + calls.fatal
        // The launcher itself makes these after its filter is loaded and before the allowlist is.
        for call in ["prctl", "seccomp", "close_range", "getppid", "write", "exit_group", "sendmsg", "close"]
        {
            guard !waiting.contains(call) else {
                throw LaunchFailure(
                    code: .profileRefused, step: "compile filter",
                    reason: "\(call) cannot be under name or kill, since the launcher needs it")
            }
        }
        for call in ["execve", "clone3"] + waiting.filter({ $0 == "clone" }) {
            guard !waiting.contains(call), !calls.allowed.contains(where: { $0.calls.contains(call) }) else {
                throw LaunchFailure(
                    code: .profileRefused, step: "compile filter",
                    reason: "\(call) cannot be listed here: every profile treats it alike")
            }
        }
        let listening = FilterBuilder(otherwise: UInt32(SCMP_ACT_ALLOW))
        try listening.configure()
        let narrowed = calls.allowed.flatMap(\.calls).filter { ArgumentRules.worthNaming[$0] != nil }
        for call in waiting + narrowed {
            for use in ArgumentRules.worthNaming[call] ?? [.init()] {
                try listening.add(call, UInt32(SCMP_ACT_NOTIFY), use.conditions)
            }
        }
        // The launcher's own execution of the strategy is the first; the supervisor lets that one pass.
        try listening.add("execve", UInt32(SCMP_ACT_NOTIFY), [])
        try listening.add("clone", UInt32(SCMP_ACT_NOTIFY), ArgumentRules.forkLike.conditions)

        let allowing = FilterBuilder(otherwise: Self.failing(EPERM))
        try allowing.configure()
        for call in calls.allowed.flatMap(\.calls) {
            guard let uses = ArgumentRules.uses[call], !ArgumentRules.namedInFull.contains(call) else {
                try allowing.add(call, UInt32(SCMP_ACT_ALLOW), [])
                continue
            }
            for use in uses { try allowing.add(call, UInt32(SCMP_ACT_ALLOW), use.conditions) }
        }
        // The same conditions here as there: what does not wait for the supervisor must not be allowed either.
        let rest = narrowed.filter { call in
            ArgumentRules.uses[call] != nil && !ArgumentRules.namedInFull.contains(call)
        }
        for call in waiting + rest + ["execve"] {
            for use in ArgumentRules.worthNaming[call] ?? [.init()] {
                try allowing.add(call, UInt32(SCMP_ACT_ALLOW), use.conditions)
            }
        }
        try allowing.add("clone", UInt32(SCMP_ACT_ALLOW), ArgumentRules.forkLike.conditions)
        // glibc falls back to clone, whose flags a filter can see (moby/moby#42680).
        try allowing.add("clone3", Self.failing(ENOSYS), [])
        self.listening = try listening.program()
        self.allowing = try allowing.program()
    }

    static func failing(_ error: Int32) -> UInt32 { 0x0005_0000 | UInt32(error) }
}

/// One libseccomp filter being made. Safe: it alone holds the context, and frees it at its end.
@safe struct FilterBuilder: ~Copyable {
    private let context: scmp_filter_ctx

    init(otherwise action: UInt32) {
        // It returns none for an unknown action or without memory; both are ours to answer for.
        unsafe context = unsafe seccomp_init(action)!
    }

    func configure() throws(LaunchFailure) {
        // A call made as another machine would (int 0x80, x32) has other numbers than those that were thought of.
        try Self.check("set", unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, 0x8000_0000))
        // A binary tree instead of a list: a handful of comparisons for each call.
        try Self.check("set", unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
    }

    deinit { unsafe seccomp_release(context) }

    func add(_ call: String, _ action: UInt32, _ conditions: [scmp_arg_cmp]) throws(LaunchFailure) {
        guard let number = SystemCallFilter.number(of: call) else {
            throw LaunchFailure(
                code: .profileRefused, step: "compile filter", reason: "\(call) is not a system call")
        }
        // Other machines have it, this one does not.
        guard number >= 0 else { return }
        let result = unsafe seccomp_rule_add_array(
            context, action, number, UInt32(conditions.count), conditions)
        try Self.check("rule for \(call)", result)
    }

    func program() throws(LaunchFailure) -> [UInt8] {
        let number = confine_memory_file()
        guard number >= 0 else { throw Self.failure("memfd_create", -number) }
        let file = FileDescriptor(owning: number)
        try Self.check("export", unsafe seccomp_export_bpf(context, number))
        guard lseek(number, 0, SEEK_SET) == 0 else { throw Self.failure("lseek", errno) }
        do {
            var bytes = [UInt8](repeating: 0, count: try file.size())
            guard try file.read(into: &bytes) == bytes.count else { throw Self.failure("read", EIO) }
            return bytes
        } catch let error as SystemCallError {
            throw Self.failure(error.call, error.number)
        } catch let error as LaunchFailure {
            throw error
        } catch {
            throw Self.failure("read", EIO)
        }
    }

    private static func check(_ what: String, _ result: Int32) throws(LaunchFailure) {
        guard result == 0 else { throw failure(what, -result) }
    }

    private static func failure(_ what: String, _ error: Int32) -> LaunchFailure {
        let reason = unsafe String(cString: strerror(error))
        return LaunchFailure(
            code: .systemLimit, step: "compile filter", reason: "libseccomp, \(what): \(reason)")
    }
}
