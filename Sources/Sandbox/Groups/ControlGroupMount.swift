/// One mounted hierarchy of control groups, and the group in it that the host runs in.
public struct ControlGroupMount: Hashable, Sendable {
    /// 1 or 2.
    public let version: Int
    /// What can be limited in it.
    public let controllers: [ControlGroups.Controller]
    /// The host's own group.
    public let ownFolder: String
    /// Where the hierarchy begins, as far as the host sees it.
    public let mountPoint: String

    /// Describes a hierarchy. Without a mount point only the host's own group is looked at.
    public init(
        version: Int, controllers: [ControlGroups.Controller], ownFolder: String, mountPoint: String? = nil
    ) {
        self.version = version
        self.controllers = controllers
        self.ownFolder = ownFolder
        self.mountPoint = mountPoint ?? ownFolder
    }

    /// Folders called `name` below the mount point, at most six levels down. A crashed host may have run in another
    /// group than its successor does.
    func folders(named name: String) -> [String] {
        var found: [String] = []
        var level = [mountPoint]
        for _ in 0..<6 {
            var next: [String] = []
            for folder in level {
                for entry in Files.folderNames(in: folder) {
                    let path = folder + "/" + entry
                    if entry == name { found.append(path) } else { next.append(path) }
                }
            }
            level = next
        }
        return found
    }

    /// The hierarchies of this machine, as the host sees them.
    static func all() -> [ControlGroupMount] {
        parse(
            mounts: Files.text("/proc/self/mountinfo") ?? "", groups: Files.text("/proc/self/cgroup") ?? ""
        ) { Files.text($0) }
    }

    /// Reads /proc/self/mountinfo and /proc/self/cgroup (man 5 proc, man 7 cgroups).
    static func parse(
        mounts: String, groups: String, read: (String) -> String?
    ) -> [ControlGroupMount] {
        let own = ownGroups(groups)
        return mounts.split(separator: "\n").compactMap { line -> ControlGroupMount? in
            // 36 35 98:0 /root /mount/point options optional… - type source super,options
            let halves = line.split(separator: " - ", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count >= 5, right.count >= 3 else { return nil }
            let (root, point) = (String(left[3]), String(left[4]))
            switch right[0] {
            case "cgroup2":
                let folder = point + below(root, own[""])
                let controllers = words(read(folder + "/cgroup.controllers") ?? "", " ")
                return mount(2, controllers, folder, point)
            case "cgroup":
                let controllers = words(String(right[2]), ",")
                guard let first = controllers.first else { return nil }
                return mount(1, controllers, point + below(root, own[first.rawValue]), point)
            default: return nil
            }
        }
    }

    private static func mount(
        _ version: Int, _ controllers: [ControlGroups.Controller], _ folder: String, _ point: String
    ) -> ControlGroupMount? {
        let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return controllers.isEmpty
            ? nil
            : ControlGroupMount(
                version: version, controllers: controllers, ownFolder: HostGroup.outside(folder),
                mountPoint: point)
    }

    /// The host's group by controller; that of version 2 under an empty name.
    private static func ownGroups(_ text: String) -> [String: String] {
        var groups: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                groups[String(controller)] = String(parts[2])
            }
        }
        return groups
    }

    /// Where `group` lies below a mount that shows the hierarchy from `root` on.
    private static func below(_ root: String, _ group: String?) -> String {
        guard let group, group != root else { return "" }
        if root == "/" { return group }
        return group.hasPrefix(root + "/") ? String(group.dropFirst(root.count)) : ""
    }

    private static func words(_ text: String, _ separator: Character) -> [ControlGroups.Controller] {
        text.trimmed.split(separator: separator).compactMap { .init(rawValue: String($0)) }
    }
}
