internal import CConfine
internal import Glibc
internal import Posix

/// The group of version 2 that the host runs in, as far as it may be divided among strategies.
///
/// Version 2 takes no processes beside groups that are limited (cgroups(7), "no internal processes"). So the host steps
/// down into a leaf, `bullpen-host`, and hands the controllers on to its neighbours there.
struct DelegatedGroup {
    /// Why it cannot be divided, in words.
    struct Obstacle: Error {
        let words: String
    }

    /// The group, without the host's leaf.
    let folder: String
    /// Whether everything in it belongs to whoever started the host, so that other processes in it may be moved too.
    private let isOurs: Bool
    private static let leafName = "/bullpen-host"
    /// Where the host steps down to.
    var leaf: String { folder + Self.leafName }

    /// - Parameter mount: The hierarchy.
    init(_ mount: ControlGroupMount) {
        let own = mount.ownFolder
        folder = own.hasSuffix(Self.leafName) ? String(own.dropLast(Self.leafName.count)) : own
        // The first group that can be seen at all is that of a container. One that systemd has handed over is marked.
        let isMarked = unsafe confine_is_delegated(folder) == 1
        isOurs = isMarked || folder == mount.mountPoint
    }

    /// What a step has changed, for whoever must undo it.
    enum Change {
        case none
        case steppedDown
    }

    /// Lets groups below this one be limited by `controllers`, moving the host into its leaf where that is demanded.
    func handOn(_ controllers: [ControlGroups.Controller]) throws(Obstacle) -> Change {
        do throws(SystemCallError) {
            // The first group of a machine may have processes too, and only that has no type.
            if Files.exists(folder + "/cgroup.type"), !Self.processes(in: folder).isEmpty { try stepDown() }
            let isLeaf = !Self.processes(in: leaf).isEmpty
            try Self.enable(controllers, in: folder)
            return isLeaf ? .steppedDown : .none
        } catch {
            stepUp()
            guard error.number == EBUSY else { throw Obstacle(words: error.description) }
            throw Obstacle(words: crowdWords)
        }
    }

    /// Undoes ``handOn(_:)`` as far as no other host needs it.
    func takeBack(_ controllers: [ControlGroups.Controller]) {
        do throws(SystemCallError) {
            try Self.switchControllers(controllers, "-", in: folder)
            stepUp()
        } catch {
            // EBUSY: another host has groups here.
        }
    }

    /// Lets groups below `folder` be limited.
    static func enable(
        _ controllers: [ControlGroups.Controller], in folder: String
    ) throws(SystemCallError) {
        try switchControllers(controllers, "+", in: folder)
    }

    /// All at once: one that may be had beside processes, such as cpu, would turn the group into one of threads, in which
    /// the others cannot be had any more (cgroups(7), "thread mode").
    private static func switchControllers(
        _ controllers: [ControlGroups.Controller], _ sign: String, in folder: String
    ) throws(SystemCallError) {
        let words = controllers.filter { $0 != .cpuacct }.map { sign + $0.rawValue }
        try Files.write(words.joined(separator: " "), to: folder + "/cgroup.subtree_control")
    }

    // MARK: - Processes

    private func stepDown() throws(SystemCallError) {
        try Files.makeFolder(leaf)
        // Processes may be born meanwhile.
        for _ in 0..<10 {
            for pid in isOurs ? Self.processes(in: folder) : [getpid()] { try Self.move(pid, to: leaf) }
            if Self.processes(in: folder).isEmpty { return }
        }
        // cpu and pids alone could be had all the same, but then no process could join the groups below.
        throw SystemCallError(call: "leave", number: EBUSY, subject: folder)
    }

    private func stepUp() {
        // What cannot go back stays where it is, and does no harm there.
        for pid in Self.processes(in: leaf) { try? Self.move(pid, to: folder) }
        unsafe rmdir(leaf)
    }

    private static func move(_ pid: Int32, to folder: String) throws(SystemCallError) {
        do throws(SystemCallError) {
            try Files.write(String(pid), to: folder + "/cgroup.procs")
        } catch {
            // It has ended meanwhile.
            guard error.number == ESRCH else { throw error }
        }
    }

    private static func processes(in folder: String) -> [Int32] {
        // 0 stands for a process that cannot be seen from here.
        (Files.text(folder + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }
            .filter { $0 > 0 }
    }

    private var crowdWords: String {
        let others = Self.processes(in: folder).filter { $0 != getpid() }.prefix(3).map { pid in
            "\(pid) (\(Files.text("/proc/\(pid)/comm")?.trimmed ?? "ended"))"
        }
        return "other processes share the host's control group \(folder): \(others.joined(separator: ", "))"
    }
}
