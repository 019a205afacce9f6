internal import CConfine
internal import Glibc

/// What this kernel, with the rights that the host has, can put around a strategy. What `bullpen doctor` prints.
public struct KernelReport: Sendable {
    /// One layer: whether it is there, and how to get it.
    public struct Row: Sendable {
        /// The layer.
        public let layer: Layer
        /// Whether it works here.
        public let isPresent: Bool
        /// What was found, such as `version 7` or `Operation not permitted`.
        public let finding: String
        /// What an operator can do; empty when the layer is present.
        public let remedy: String
    }

    /// All layers, in the order of ``Layer/allCases``.
    public let rows: [Row]
    /// The newest Landlock interface of this kernel, 0 for none.
    public let landlockVersion: Int
    /// Whether the host runs as root, so that each strategy gets a user id of its own.
    public let isRoot: Bool

    /// Tries every layer. Costs a few milliseconds; once at start is enough.
    ///
    /// - Parameter groups: Where limits are kept, or why there are none.
    public static func probe(groups: ControlGroups.Survey) -> KernelReport {
        let landlock = Int(confine_landlock_version())
        let rows = Layer.allCases.map { layer -> Row in
            switch layer {
            case .userNamespace, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace,
                .utsNamespace, .cgroupNamespace:
                namespaceRow(layer)
            case .mountTrees:
                row(
                    layer, confine_probe_mount_trees(), present: "open_tree, move_mount, mount_setattr",
                    remedy: "use Linux 5.12 or newer")
            case .memoryLimit: groupRow(layer, groups, .memory)
            case .cpuLimit: groupRow(layer, groups, .cpu)
            case .processLimit: groupRow(layer, groups, .pids)
            case .landlock:
                row(
                    layer, Int32(min(landlock, 0)), present: "version \(landlock)",
                    remedy: "use Linux 5.13 or newer and add landlock to the kernel's lsm= list")
            case .systemCallFilter:
                // SECCOMP_RET_KILL_PROCESS
                row(
                    layer, confine_probe_seccomp(0x8000_0000), present: "seccomp",
                    remedy: "use Linux 4.14 or newer with CONFIG_SECCOMP_FILTER")
            case .systemCallListener:
                // SECCOMP_RET_USER_NOTIF
                row(
                    layer, confine_probe_seccomp(0x7fc0_0000), present: "seccomp notification",
                    remedy: "use Linux 5.5 or newer")
            }
        }
        return KernelReport(rows: rows, landlockVersion: max(landlock, 0), isRoot: geteuid() == 0)
    }

    /// The row of `layer`.
    public subscript(layer: Layer) -> Row { rows.first { $0.layer == layer }! }

    /// The layers of `required` that are not there.
    public func missing(_ required: Set<Layer>) -> [Row] {
        rows.filter { required.contains($0.layer) && !$0.isPresent }
    }

    /// The limits that are not there and that ``WithoutGroups`` replaces for a profile.
    ///
    /// - Parameter setting: What stands in for control groups when the profile does not say.
    public func replaced(for profile: Profile, _ setting: WithoutGroups) -> Set<Layer> {
        switch profile.withoutControlGroups ?? setting {
        case .refuse: []
        case .rlimits: Set(missing(WithoutGroups.layers).map(\.layer))
        }
    }

    private static func row(_ layer: Layer, _ result: Int32, present: String, remedy: String) -> Row {
        guard result < 0 else { return Row(layer: layer, isPresent: true, finding: present, remedy: "") }
        let reason = unsafe String(cString: strerror(-result))
        return Row(layer: layer, isPresent: false, finding: reason, remedy: remedy)
    }

    private static func groupRow(
        _ layer: Layer, _ groups: ControlGroups.Survey, _ controller: ControlGroups.Controller
    ) -> Row {
        switch groups.finding(of: controller) {
        case .usable(let version, let folder):
            Row(layer: layer, isPresent: true, finding: "cgroup v\(version), \(folder)", remedy: "")
        case .missing(let reason):
            Row(layer: layer, isPresent: false, finding: reason, remedy: ControlGroups.remedy)
        }
    }

    private static func namespaceRow(_ layer: Layer) -> Row {
        let result = confine_probe_namespaces(layer.namespaceFlag)
        return row(layer, result, present: "works", remedy: namespaceRemedy())
    }

    private static func namespaceRemedy() -> String {
        func setting(_ path: String) -> String? { Files.text("/proc/sys/" + path)?.trimmed }
        if setting("kernel/apparmor_restrict_unprivileged_userns") == "1", geteuid() != 0 {
            return "AppArmor keeps user namespaces from ordinary users: run the host as root, or "
                + "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or give bullpen's confine an AppArmor "
                + "profile with `userns,`"
        }
        if setting("kernel/unprivileged_userns_clone") == "0", geteuid() != 0 {
            return "run the host as root, or `sysctl kernel.unprivileged_userns_clone=1`"
        }
        if setting("user/max_user_namespaces") == "0" {
            return "`sysctl user.max_user_namespaces=15000`"
        }
        return "in a container, allow it to make namespaces (Docker: --security-opt seccomp=unconfined "
            + "--security-opt apparmor=unconfined, or --privileged); else use a kernel with CONFIG_USER_NS"
    }
}
