internal import Glibc
internal import Posix
internal import Synchronization

/// The host's own place beside the groups of its strategies, from which it goes before them on the processors.
///
/// A thread that wakes while others are busy goes at once only when the kernel finds that it is owed time (EEVDF,
/// kernel/sched/fair.c); else it waits for the next tick, 1 to 10 ms. A group marked idle gives way to every wake of one
/// that is not (`cpu.idle`, Linux 5.15), and the heavier who wakes, the less it can owe. So whoever is busy is marked
/// (``ChildGroup/setYielding(_:)``), and the host is as heavy as can be, while it does no heavy work itself.
final class HostGroup: Sendable {
    private struct State {
        var isThere = false
        var isFirst = false
        var heavyWork = 0
    }

    private let folder: String
    private let version: Int
    /// Where the host came from, and goes back to.
    private let outside: String
    private let state = Mutex(State())
    static let name = "host"

    /// - Parameters:
    ///   - groups: The folder of the host's groups for processor time.
    ///   - version: Of the control groups.
    ///   - outside: The group that the host runs in.
    init(groups: String, version: Int, outside: String) {
        folder = groups + "/" + Self.name
        self.version = version
        self.outside = outside
    }

    /// Moves the host there and lets it go first.
    func enter() throws(SystemCallError) {
        let failure = state.withLock { state -> SystemCallError? in
            do throws(SystemCallError) {
                if !Files.isFolder(folder) { try Files.makeFolder(folder) }
                state.isThere = true
                try Files.write(String(getpid()), to: folder + "/cgroup.procs")
                state.isFirst = true
                try weigh(state)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Heavy work of the host begins, as `delta` 1, or ends, as -1: meanwhile it weighs no more than a strategy, or
    /// nothing would be left to them.
    func heavyWork(_ delta: Int) {
        state.withLock { state in
            state.heavyWork += delta
            // It could be weighed when it entered. If not now, strategies or the host wait longer than they should.
            if state.isFirst { try? weigh(state) }
        }
    }

    /// Moves the host, and whom it has started and left there, back to where it came from.
    func leave() {
        state.withLock { state in
            guard state.isThere else { return }
            Self.clear(folder, to: outside)
            state = State()
        }
    }

    /// Moves whoever is in such a group to `outside`, and removes it.
    static func clear(_ folder: String, to outside: String) {
        for pid in (Files.text(folder + "/cgroup.procs") ?? "").split(separator: "\n") {
            // One that has ended meanwhile needs not go; one that may not keeps the group, and does no harm in it.
            try? Files.write(String(pid), to: outside + "/cgroup.procs")
        }
        unsafe rmdir(folder)
    }

    /// The group that a host runs in, without the part that it has made itself for going first.
    static func outside(_ group: String) -> String {
        let parent = Files.parent(of: group)
        let isOne =
            group.hasSuffix("/" + name) && parent.split(separator: "/").last?.hasPrefix("bullpen-") == true
        return isOne ? Files.parent(of: parent) : group
    }

    private func weigh(_ state: State) throws(SystemCallError) {
        let weight = state.isFirst && state.heavyWork == 0 ? GroupWeight.most : .usual
        try weight.write(to: ChildGroup.Place(version: version, folder: folder))
    }
}

/// How much of a processor a group gets when there is not enough for all, beside its neighbours (man 7 cgroups).
struct GroupWeight {
    let shares: Int
    let weight: Int

    /// The most that the kernel takes.
    static let most = GroupWeight(shares: 262_144, weight: 10_000)
    /// What every group begins with.
    static let usual = GroupWeight(shares: 1_024, weight: 100)

    func write(to place: ChildGroup.Place) throws(SystemCallError) {
        if place.version == 2 {
            try Files.write(String(weight), to: place.folder + "/cpu.weight")
        } else {
            try Files.write(String(shares), to: place.folder + "/cpu.shares")
        }
    }
}
