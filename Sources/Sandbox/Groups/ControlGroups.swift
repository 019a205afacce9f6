internal import Glibc
internal import Posix

/// The host's own part of the machine's control groups, version 1 or 2, and the groups of its strategies in it.
///
/// Nothing outside that part is touched: a group named after the host is made below the group that the host itself
/// runs in, and one below it for each run.
public final class ControlGroups: Sendable {
    /// A kind of limit.
    public enum Controller: String, CaseIterable, Hashable, Sendable {
        /// Memory and swap.
        case memory
        /// Processor time.
        case cpu
        /// Processor time used, which version 1 counts apart.
        case cpuacct
        /// Processes and threads.
        case pids
    }

    /// Whether a kind of limit can be had.
    public enum Finding: Hashable, Sendable {
        /// By this version, in this folder.
        case usable(version: Int, folder: String)
        /// Not, for this reason.
        case missing(reason: String)
    }

    /// What was found of control groups. What cannot be had is no error here: a profile may not need it.
    public struct Survey: Sendable {
        fileprivate let findings: [Controller: Finding]

        /// What was found of one kind of limit.
        public func finding(of controller: Controller) -> Finding {
            findings[controller] ?? .missing(reason: "no control group has it")
        }

        /// A survey of a machine where nothing can be limited.
        public static func none(_ reason: String) -> Survey {
            Survey(
                findings: Dictionary(
                    uniqueKeysWithValues: Controller.allCases.map { ($0, .missing(reason: reason)) }))
        }
    }

    /// What an operator can do when limits are missing.
    static let remedy =
        "run the host as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes bullpen serve, "
        + "or the systemd unit that comes with it; or do without: sandbox.without_control_groups = \"rlimits\""

    /// What was found.
    public let survey: Survey
    private let name: String
    /// The group whose leaf the host stepped into for this, and what it hands on.
    private let steppedDown: (group: DelegatedGroup, controllers: [Controller])?
    /// The host's own place beside its strategies; nil where processor time cannot be limited.
    private let host: HostGroup?

    /// Makes the host's part of the groups, and takes away what a crashed host of the same name has left there.
    ///
    /// - Parameters:
    ///   - name: Tells hosts of one machine apart. Letters, digits and hyphens.
    ///   - mounts: Where control groups are mounted; nil to ask the kernel.
    public init(name: String, mounts: [ControlGroupMount]? = nil) {
        precondition(name.utf8.allSatisfy { $0 == 45 || (48...57).contains($0) || (97...122).contains($0) })
        self.name = name
        var findings: [Controller: Finding] = [:]
        var steppedDown: (DelegatedGroup, [Controller])?
        let mounts = (mounts ?? ControlGroupMount.all()).sorted { $0.version > $1.version }
        for mount in mounts {
            let wanted = mount.controllers.filter { controller in
                guard case .usable = findings[controller] else { return true }
                return false
            }
            guard !wanted.isEmpty else { continue }
            do throws(DelegatedGroup.Obstacle) {
                let place = try Self.prepare(mount, name: name, wanted)
                if let group = place.steppedDown { steppedDown = (group, wanted) }
                for controller in wanted {
                    findings[controller] = .usable(version: mount.version, folder: place.folder)
                }
            } catch {
                for controller in wanted { findings[controller] = .missing(reason: error.words) }
            }
        }
        if let mount = mounts.first, mount.version == 2 {
            for controller in Controller.allCases where findings[controller] == nil {
                findings[controller] = .missing(
                    reason: "the host's control group \(mount.ownFolder) was not given the "
                        + "\(controller.rawValue) controller")
            }
        }
        self.steppedDown = steppedDown
        // Version 2 counts processor time with its limit.
        if case .usable(2, let folder)? = findings[.cpu] {
            findings[.cpuacct] = .usable(version: 2, folder: folder)
        }
        survey = Survey(findings: findings)
        if case .usable(let version, let folder)? = findings[.cpu] {
            host = HostGroup(
                groups: folder, version: version, outside: steppedDown?.0.leaf ?? Files.parent(of: folder))
        } else {
            host = nil
        }
    }

    /// Lets the host go before its strategies on the processors. For a host that trades; nothing else needs it.
    func putHostFirst() throws(SystemCallError) { try host?.enter() }

    /// Heavy work of the host begins, as 1, or ends, as -1: meanwhile it shares the processors as an equal.
    func heavyWork(_ delta: Int) { host?.heavyWork(delta) }

    /// Makes the group of one run.
    ///
    /// - Parameters:
    ///   - run: The group's name.
    ///   - memoryBytes: The most memory, swap included.
    ///   - cpuShare: Processors: 0.5 is half a core.
    ///   - processes: The most processes and threads of the strategy; the watcher beside it is added here.
    func makeGroup(
        run: String, memoryBytes: Int, cpuShare: Double, processes: Int
    ) throws(SystemCallError) -> ChildGroup {
        var places: [Controller: ChildGroup.Place] = [:]
        for controller in Controller.allCases {
            guard case .usable(let version, let folder) = survey.finding(of: controller) else { continue }
            places[controller] = ChildGroup.Place(version: version, folder: folder + "/" + run)
        }
        let group = ChildGroup(places: places, memoryLimit: memoryBytes)
        do throws(SystemCallError) {
            for folder in group.folders { try Files.makeFolder(folder) }
            // Whoever starts is busy; what it is afterwards is seen.
            group.setYielding(true)
            try group.limit(memoryBytes: memoryBytes, cpuShare: cpuShare, processes: processes + 1)
        } catch {
            _ = group.tryToRemove()
            throw error
        }
        return group
    }

    /// Takes the host's own groups away. For a host that ends in good order, with no strategy left.
    public func remove() {
        host?.leave()
        var folders: Set<String> = []
        for controller in Controller.allCases {
            if case .usable(_, let folder) = survey.finding(of: controller) { folders.insert(folder) }
        }
        for folder in folders { Self.clear(folder) }
        if let steppedDown { steppedDown.group.takeBack(steppedDown.controllers) }
    }

    // MARK: - Preparing

    private static func prepare(
        _ mount: ControlGroupMount, name: String, _ controllers: [Controller]
    ) throws(DelegatedGroup.Obstacle) -> (folder: String, steppedDown: DelegatedGroup?) {
        var own = mount.ownFolder
        var steppedDown: DelegatedGroup?
        if mount.version == 2 {
            let group = DelegatedGroup(mount)
            own = group.folder
            if try group.handOn(controllers) == .steppedDown { steppedDown = group }
        }
        let folder = own + "/bullpen-" + name
        for stale in mount.folders(named: "bullpen-" + name) { clear(stale) }
        do throws(SystemCallError) {
            try Files.makeFolder(folder)
            if mount.version == 2 { try DelegatedGroup.enable(controllers, in: folder) }
            // A group that can be made but not limited would be no wall.
            for controller in controllers { try probe(controller, mount.version, folder) }
            return (folder, steppedDown)
        } catch {
            unsafe rmdir(folder)
            steppedDown?.takeBack(controllers)
            throw DelegatedGroup.Obstacle(words: error.description)
        }
    }

    private static func probe(
        _ controller: Controller, _ version: Int, _ folder: String
    ) throws(SystemCallError) {
        let file: String
        switch (controller, version) {
        case (.memory, 1): file = "memory.limit_in_bytes"
        case (.memory, _): file = "memory.max"
        case (.cpu, 1): file = "cpu.cfs_quota_us"
        case (.cpu, _): file = "cpu.max"
        case (.pids, _): file = "pids.max"
        case (.cpuacct, _): return
        }
        // The file is made by the kernel for groups below the first; opening it to write shows the right to.
        let trial = folder + "/probe"
        try Files.makeFolder(trial)
        defer { unsafe rmdir(trial) }
        _ = try FileDescriptor.open(trial + "/" + file, O_WRONLY)
    }

    /// Kills and removes what is left below `folder`, and itself.
    private static func clear(_ folder: String) {
        guard Files.isFolder(folder) else { return }
        for name in Files.names(in: folder) where Files.isFolder(folder + "/" + name) {
            if name == HostGroup.name {
                HostGroup.clear(folder + "/" + name, to: Files.parent(of: folder))
                continue
            }
            let place = ChildGroup.Place(version: 1, folder: folder + "/" + name)
            ChildGroup(places: [.pids: place], memoryLimit: 0).killAndRemove()
        }
        unsafe rmdir(folder)
    }
}
