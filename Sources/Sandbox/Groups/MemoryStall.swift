internal import Glibc
internal import Posix
internal import Synchronization

/// Ends a run that stands at its memory limit and gets nowhere.
///
/// Without swap the kernel takes a group's own programs and libraries out of memory before it kills in it, and reads them
/// in again at the next instruction. A run can spend minutes so, before it is killed for memory or misses a heartbeat. In
/// version 2 that shows: at each look it has come to its limit again, and has read in much that it had before.
final class MemoryStall: Sendable {
    /// How often it looks, how many pages a second are much, and at how many looks in a row.
    private static let (interval, pagesPerSecond, looks) = (2, 1000, 3)

    private struct State {
        var limitEvents = 0
        var pages = 0
        var looks = 0
        var words: String?
        var isOver = false
    }

    private let group: ChildGroup.Place
    private let limit: Int
    private let state = Mutex(State())

    init(group: ChildGroup.Place, limit: Int) {
        self.group = group
        self.limit = limit
    }

    /// Looks from now on. On the spawner's thread.
    func begin(on spawner: Spawner) {
        spawner.schedule(after: .seconds(Self.interval)) { [weak self] in
            guard let self else { return }
            let goesOn = state.withLock { state in
                if !state.isOver { look(&state) }
                return !state.isOver && state.words == nil
            }
            if goesOn { begin(on: spawner) }
        }
    }

    /// Looks no more.
    func end() { state.withLock { $0.isOver = true } }

    /// Why the run was killed, if it was.
    var words: String? { state.withLock { $0.words } }

    private func look(_ state: inout State) {
        let events = ChildGroup.Fields(group, "memory.events")
        let limitEvents = events["high"] + events["max"]
        defer { state.limitEvents = limitEvents }
        // Most strategies never come to their limit, and cost one small file.
        guard limitEvents > state.limitEvents, events["oom_kill"] == 0 else {
            state.looks = 0
            return
        }
        let statistics = ChildGroup.Fields(group, "memory.stat")
        // Before Linux 5.9 it was one number.
        let pages = statistics["workingset_refault_file"] + statistics["workingset_refault"]
        defer { state.pages = pages }
        state.looks = pages - state.pages >= Self.pagesPerSecond * Self.interval ? state.looks + 1 : 0
        guard state.looks >= Self.looks else { return }
        let mebibytes = (limit + (1 << 19)) >> 20
        state.words =
            "killed for memory: limit \(mebibytes) MiB, all of it in use; it only read its own program in again and again"
        // Kernels before 5.14 have no such file; there it goes on until the kernel or a missed heartbeat ends it.
        try? Files.write("1", to: group.folder + "/cgroup.kill")
    }
}
