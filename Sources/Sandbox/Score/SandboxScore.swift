/// Which walls really stand around a confined process, one by one.
///
/// It is reckoned from what the kernel tells of a process that runs under the profile, and from what that process found
/// when it tried; the profile's own words count for nothing.
public struct SandboxScore: Sendable {
    /// One wall.
    public enum Wall: String, CaseIterable, Hashable, Sendable {
        case userNamespace = "user_namespace"
        case noOuterRoot = "no_outer_root"
        case mountNamespace = "mount_namespace"
        case pidNamespace = "pid_namespace"
        case networkNamespace = "network_namespace"
        case ipcNamespace = "ipc_namespace"
        case utsNamespace = "uts_namespace"
        case cgroupNamespace = "cgroup_namespace"
        case readOnlyRoot = "read_only_root"
        case noSpecialFiles = "no_special_files"
        case boundedFolders = "bounded_folders"
        case noCapabilities = "no_capabilities"
        case emptyBoundingSet = "empty_bounding_set"
        case noNewPrivileges = "no_new_privileges"
        case callsByList = "calls_by_list"
        case refusalsNamed = "refusals_named"
        case neverBothWritableAndExecutable = "writable_or_executable"
        case noProgramsOrProcesses = "no_programs_or_processes"
        case noHarmfulCalls = "no_harmful_calls"
        case landlock
        case resourceLimits = "resource_limits"
        case noCoreDumps = "no_core_dumps"
        case controlGroups = "control_groups"
        case threeDescriptors = "three_descriptors"
        case ownSession = "own_session"
        case cleanEnvironment = "clean_environment"

        /// What it is, for people.
        public var words: String {
            switch self {
            case .userNamespace: "users of its own"
            case .noOuterRoot: "root outside is nobody inside"
            case .mountNamespace: "a file tree of its own"
            case .pidNamespace: "other processes invisible"
            case .networkNamespace: "no network"
            case .ipcNamespace: "no shared memory or queues"
            case .utsNamespace: "a host name of its own"
            case .cgroupNamespace: "control groups invisible"
            case .readOnlyRoot: "root read-only"
            case .noSpecialFiles: "no /proc, /sys, /dev"
            case .boundedFolders: "writable folders bounded, noexec"
            case .noCapabilities: "no capabilities"
            case .emptyBoundingSet: "no capability to be had"
            case .noNewPrivileges: "no new privileges"
            case .callsByList: "system calls by list"
            case .refusalsNamed: "refusals named"
            case .neverBothWritableAndExecutable: "no code made at run time"
            case .noProgramsOrProcesses: "no programs, no processes"
            case .noHarmfulCalls: "no tracing, keys, bpf, rings, locks"
            case .landlock: "Landlock"
            case .resourceLimits: "resource limits"
            case .noCoreDumps: "no core dumps"
            case .controlGroups: "memory, processor, processes bounded"
            case .threeDescriptors: "three pipes and no other descriptor"
            case .ownSession: "own session, no terminal"
            case .cleanEnvironment: "nothing of the host's environment"
            }
        }
    }

    /// One wall, and whether it stands.
    public struct Row: Sendable {
        /// The wall.
        public let wall: Wall
        /// Whether it stands.
        public let holds: Bool
        /// What was seen.
        public let finding: String
        /// What others give.
        public var others: [OtherSandbox: OtherSandbox.Standing] {
            Dictionary(uniqueKeysWithValues: zip(OtherSandbox.allCases, wall.others))
        }
    }

    /// All walls, in the order of ``Wall/allCases``.
    public let rows: [Row]

    /// How many stand.
    public var points: Int { rows.count(where: \.holds) }

    /// How many walls another gives without being asked, and how many when asked.
    public static func points(of other: OtherSandbox) -> (given: Int, asked: Int) {
        let index = OtherSandbox.allCases.firstIndex(of: other)!
        let standings = Wall.allCases.map { $0.others[index] }
        return (standings.count { $0 == .given }, standings.count { $0 == .asked })
    }

    /// Looks at a process that runs under `profile` and has made its report.
    ///
    /// - Parameters:
    ///   - child: The process, still running.
    ///   - inside: What it reported.
    ///   - heard: The refused calls that the host was told of meanwhile.
    ///   - landlockVersion: The version of Landlock that its plan was made for.
    public init(
        of child: ConfinedChild, inside: InsideView, heard: [Violation], landlockVersion: Int
    ) {
        self.init(
            outside: ProcessView(of: child.pid), inside: inside, profile: child.profile,
            groups: Self.groupLimits(child.group), heard: heard.map(\.systemCall),
            landlockVersion: landlockVersion)
    }

    init(
        outside: ProcessView, inside: InsideView, profile: Profile, groups: [String: String], heard: [String],
        landlockVersion: Int
    ) {
        let judge = Judge(
            outside: outside, inside: inside, profile: profile, groups: groups, heard: heard,
            landlockVersion: landlockVersion)
        rows = Wall.allCases.map { wall in
            let (holds, finding) = judge.look(at: wall)
            return Row(wall: wall, holds: holds, finding: finding)
        }
    }

    /// What bounds the groups of a run, by the names of version 2.
    private static func groupLimits(_ group: ChildGroup) -> [String: String] {
        let files = [
            ("memory", "memory.limit_in_bytes"), ("memory", "memory.max"), ("cpu", "cpu.cfs_quota_us"),
            ("cpu", "cpu.max"), ("pids", "pids.max"),
        ]
        var limits: [String: String] = [:]
        for folder in group.folders {
            for (name, file) in files {
                guard let text = Files.text("\(folder)/\(file)")?.trimmed else { continue }
                // Version 1 says -1 for none, version 2 max; the memory of version 1 has a number beyond all machines.
                if text == "-1" || text.hasPrefix("max") || text.count > 15 { continue }
                limits[name] = text
            }
        }
        return limits
    }
}

/// Holds what was seen against what should be.
private struct Judge {
    let outside: ProcessView
    let inside: InsideView
    let profile: Profile
    let groups: [String: String]
    let heard: [String]
    let landlockVersion: Int

    func look(at wall: SandboxScore.Wall) -> (Bool, String) {
        switch wall {
        case .userNamespace: namespace("user")
        case .noOuterRoot: users()
        case .mountNamespace: namespace("mnt")
        case .pidNamespace:
            (outside.hasOwn("pid") && inside.process <= 2, "it is process \(inside.process) inside")
        case .networkNamespace:
            (outside.hasOwn("net") && fails("network"), "own namespace; socket: " + error("network"))
        case .ipcNamespace: namespace("ipc")
        case .utsNamespace: (outside.hasOwn("uts") && inside.host == "bullpen", "it is called \(inside.host)")
        case .cgroupNamespace: namespace("cgroup")
        case .readOnlyRoot: root()
        case .noSpecialFiles:
            (
                inside.special.isEmpty
                    && !outside.mounts.contains { ["proc", "sysfs", "devtmpfs"].contains($0.kind) },
                inside.special.isEmpty
                    ? "none is there" : "there is " + inside.special.joined(separator: ", ")
            )
        case .boundedFolders: folders()
        case .noCapabilities: sets(["CapInh", "CapPrm", "CapEff", "CapAmb"])
        case .emptyBoundingSet: sets(["CapBnd"])
        case .noNewPrivileges: status("NoNewPrivs", "1")
        case .callsByList:
            (
                outside.status["Seccomp"] == "2"
                    && outside.status["Seccomp_filters"].flatMap { Int($0) } ?? 0 >= 2,
                "mode \(outside.status["Seccomp"] ?? "?"), \(outside.status["Seccomp_filters"] ?? "?") filters, "
                    + "\(profile.systemCalls.allowed.map(\.calls.count).reduce(0, +)) calls on the list"
            )
        case .refusalsNamed:
            (heard.contains("socket") && heard.contains("clone"), "the host heard of \(heard.count)")
        case .neverBothWritableAndExecutable:
            (fails("executable_memory"), "mmap: " + error("executable_memory"))
        case .noProgramsOrProcesses:
            (fails("program") && fails("process"), "execve: \(error("program")); fork: \(error("process"))")
        case .noHarmfulCalls:
            tries(["trace", "signal", "namespace", "keys", "bpf", "rings", "lock", "terminal", "netlink"])
        case .landlock:
            // Nothing shows from outside; but the plan puts it up, and a plan that fails starts nothing.
            (
                landlockVersion >= profile.landlockAtLeast,
                landlockVersion > 0 ? "version \(landlockVersion), by the plan" : "not there"
            )
        case .resourceLimits: limits()
        case .noCoreDumps:
            (
                outside.limits["Max core file size"] == "0",
                "at most \(outside.limits["Max core file size"] ?? "?") bytes"
            )
        case .controlGroups:
            (
                groups.count == 3,
                groups.isEmpty
                    ? "none"
                    : groups.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
                        separator: ", ")
            )
        case .threeDescriptors: descriptors()
        case .ownSession:
            (
                outside.terminal == 0 && outside.session != 0,
                outside.terminal == 0 ? "session of its own, no terminal" : "it has a terminal"
            )
        case .cleanEnvironment: variables()
        }
    }

    private func namespace(_ name: String) -> (Bool, String) {
        outside.hasOwn(name) ? (true, "own namespace") : (false, "the host's namespace, or not to be seen")
    }

    private func users() -> (Bool, String) {
        let reachesRoot = outside.userMap.contains { $0.count == 3 && $0[1] == 0 }
        let ids = (outside.status["Uid"] ?? "0").split(whereSeparator: \.isWhitespace)
        let holds = !outside.userMap.isEmpty && !reachesRoot && !ids.contains("0") && inside.user != 0
        let map = outside.userMap.map { $0.map(String.init).joined(separator: " ") }.joined(separator: "; ")
        return (holds, "user \(inside.user) inside is \(ids.first ?? "?") outside; map \(map)")
    }

    private func root() -> (Bool, String) {
        let isReadOnly = outside.mounts.last { $0.point == "/" }?.options.contains("ro") == true
        let refused = ["", "/usr", "/bundle"].allSatisfy { inside.writes[$0] ?? 0 != 0 }
        return (
            isReadOnly && refused,
            "mounted \(isReadOnly ? "ro" : "rw"); writing to it: \(words(inside.writes[""] ?? 0))"
        )
    }

    private func folders() -> (Bool, String) {
        let writable = outside.mounts.filter { $0.options.contains("rw") }
        let sound = writable.allSatisfy { mount in
            mount.kind == "tmpfs" && mount.options.isSuperset(of: ["nosuid", "nodev", "noexec"])
                && mount.fileSystem.contains { $0.hasPrefix("size=") }
                && mount.fileSystem.contains { $0.hasPrefix("nr_inodes=") }
        }
        let sizes = writable.map { mount in
            mount.point + " "
                + (mount.fileSystem.first { $0.hasPrefix("size=") }.map { String($0.dropFirst(5)) }
                    ?? "unbounded")
        }
        return (sound && writable.count == profile.writable.count, sizes.joined(separator: ", "))
    }

    private func sets(_ names: [String]) -> (Bool, String) {
        let values = names.map { (name: $0, value: outside.status[$0] ?? "?") }
        let isEmpty = values.allSatisfy { !$0.value.isEmpty && $0.value.allSatisfy { $0 == "0" } }
        return (isEmpty, values.map { "\($0.name) \(isEmpty ? "0" : $0.value)" }.joined(separator: ", "))
    }

    private func status(_ name: String, _ wanted: String) -> (Bool, String) {
        (outside.status[name] == wanted, "\(name) \(outside.status[name] ?? "?")")
    }

    private func limits() -> (Bool, String) {
        let wanted = [
            ("Max open files", profile.limits.openFiles), ("Max file size", profile.limits.fileBytes),
            ("Max stack size", profile.limits.stackBytes), ("Max locked memory", 64 << 10),
            ("Max msgqueue size", 0), ("Max realtime priority", 0),
        ]
        let wide = wanted.filter { name, most in
            outside.limits[name].flatMap { Int($0) }.map { $0 > most } ?? true
        }
        return (
            wide.isEmpty,
            wide.isEmpty
                ? "\(profile.limits.openFiles) descriptors, files of \(profile.limits.fileBytes >> 20) MiB"
                : "not kept: " + wide.map(\.0).joined(separator: ", ")
        )
    }

    private func descriptors() -> (Bool, String) {
        let arePipes = outside.descriptors.values.allSatisfy { $0.hasPrefix("pipe:") }
        let numbers = outside.descriptors.keys.sorted().map(String.init).joined(separator: ", ")
        return (
            outside.descriptors.keys.sorted() == [0, 1, 2] && arePipes, numbers + (arePipes ? ", pipes" : "")
        )
    }

    private func variables() -> (Bool, String) {
        // Those that every strategy has, and what the C library of the interpreter adds.
        let usual: Set<String> = [
            "HOME", "LANG", "PATH", "TMPDIR", "TZ", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMEXPR_NUM_THREADS", "BLIS_NUM_THREADS", "LC_CTYPE",
        ]
        let others = inside.variables.filter { !usual.contains($0) && profile.environment[$0] == nil }
        return (
            others.isEmpty,
            others.isEmpty
                ? "\(inside.variables.count) variables, all the profile's" : others.joined(separator: ", ")
        )
    }

    private func tries(_ names: [String]) -> (Bool, String) {
        let passed = names.filter { !fails($0) }
        return (
            passed.isEmpty,
            passed.isEmpty ? "\(names.count) tried, all refused" : "worked: " + passed.joined(separator: ", ")
        )
    }

    private func fails(_ name: String) -> Bool { inside.tries[name] ?? 0 != 0 }

    private func error(_ name: String) -> String { words(inside.tries[name] ?? 0) }

    private func words(_ number: Int) -> String {
        switch number {
        case 0: "it worked"
        case 1: "EPERM"
        case 13: "EACCES"
        case 30: "EROFS"
        default: "error \(number)"
        }
    }
}
