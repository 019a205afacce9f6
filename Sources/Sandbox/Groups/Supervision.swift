internal import Glibc
internal import Posix
internal import Synchronization

/// Watches over what a run uses, where no control group does: it looks at its processes twice a second, and kills a run
/// that has gone beyond a bound.
///
/// It stands beside the resource limits that the kernel keeps for each process (``WithoutGroups``), and catches what they
/// let through. It cannot hold a strategy back, only end it.
final class Supervision: Sendable {
    /// What is watched. A bound that a control group keeps is nil.
    struct Bounds: Hashable, Sendable {
        var memoryBytes: Int?
        var cpuShare: Double?
        var processes: Int?
        /// Memory that it has in common with its nursery, and that does not count.
        var sharedBytes = 0
        /// How long a run may use more than its share.
        var cpuWindow = Duration.seconds(60)
        var interval = Duration.milliseconds(500)
    }

    /// Why it was killed.
    struct Overuse: Hashable, Sendable {
        let cause: DeathReport.Cause
        let words: String
    }

    private struct State {
        var usage = GroupUsage()
        var overuse: Overuse?
        /// Where the window began, and what had been used by then.
        var windowStart: UInt64 = 0
        var windowSeconds = 0.0
        var isOver = false
    }

    private let strategy: Int32
    private let watcher: Int32
    private let bounds: Bounds
    private let state = Mutex(State())

    init(strategy: Int32, watcher: Int32, bounds: Bounds) {
        self.strategy = strategy
        self.watcher = watcher
        self.bounds = bounds
    }

    /// Begins to watch. On the spawner's thread.
    func begin(on spawner: Spawner) {
        state.withLock { $0.windowStart = MonotonicClock.nanoseconds }
        // Where nothing holds it back, it shall at least not go before the host. It fails for one that has ended.
        if bounds.cpuShare != nil { setpriority(__priority_which_t(0), id_t(strategy), 10) }
        look(on: spawner)
    }

    /// Stops to watch. On the spawner's thread.
    func end() { state.withLock { $0.isOver = true } }

    /// Why it was killed, if it was.
    var overuse: Overuse? { state.withLock { $0.overuse } }

    /// Puts in what is known, where no control group knows better.
    func complete(_ usage: inout GroupUsage) {
        let seen = state.withLock { $0.usage }
        if bounds.memoryBytes != nil {
            usage.memoryBytes = seen.memoryBytes
            usage.memoryPeakBytes = seen.memoryPeakBytes
        }
        if usage.cpuSeconds == 0 { usage.cpuSeconds = seen.cpuSeconds }
        if bounds.processes != nil { usage.processes = seen.processes }
    }

    // MARK: - Looking

    private func look(on spawner: Spawner) {
        let isOver = state.withLock { state in
            if !state.isOver { look(&state) }
            return state.isOver || state.overuse != nil
        }
        guard !isOver else { return }
        spawner.schedule(after: bounds.interval) { [weak self] in self?.look(on: spawner) }
    }

    private func look(_ state: inout State) {
        var use = ProcessUse()
        for pid in processes() { use.add(pid) }
        // It has ended, and its owner will say so.
        guard use.processes > 0 else { return }
        state.usage.memoryBytes = max(0, use.memoryBytes - bounds.sharedBytes)
        state.usage.memoryPeakBytes = max(state.usage.memoryPeakBytes, state.usage.memoryBytes)
        state.usage.cpuSeconds = max(state.usage.cpuSeconds, use.cpuSeconds)
        state.usage.processes = use.processes
        guard let overuse = judge(&state) else { return }
        // With the watcher the whole namespace ends. Its number is its own until it is reaped, which is on this thread
        // and after end().
        kill(watcher, SIGKILL)
        state.overuse = overuse
    }

    private func judge(_ state: inout State) -> Overuse? {
        if let limit = bounds.memoryBytes, state.usage.memoryBytes > limit {
            return Overuse(
                cause: .memory,
                words: "killed for memory: limit \(mebibytes(limit)), "
                    + "peak \(mebibytes(state.usage.memoryPeakBytes)), as seen by the host")
        }
        if let limit = bounds.processes, state.usage.processes > limit {
            return Overuse(
                cause: .limit,
                words: "it had \(state.usage.processes) processes and threads, its limit is \(limit)")
        }
        return judgeProcessor(&state)
    }

    private func judgeProcessor(_ state: inout State) -> Overuse? {
        guard let share = bounds.cpuShare else { return nil }
        let now = MonotonicClock.nanoseconds
        let passed = Double(now - state.windowStart) / 1e9
        guard passed >= Double(bounds.cpuWindow.components.seconds) else { return nil }
        let used = (state.usage.cpuSeconds - state.windowSeconds) / passed
        state.windowStart = now
        state.windowSeconds = state.usage.cpuSeconds
        guard used > share else { return nil }
        let figures = [used, share].map { "\((($0 * 100).rounded()) / 100)" }
        return Overuse(
            cause: .limit,
            words:
                "it used \(figures[0]) processors for \(Int(passed.rounded())) s, its share is \(figures[1]), "
                + "and without control groups nothing but its end holds it back")
    }

    private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }

    /// The strategy and what it has started. Orphans of it are the watcher's children.
    private func processes() -> [Int32] {
        var found = [strategy]
        var next = [strategy, watcher]
        while let pid = next.popLast() {
            for thread in Files.names(in: "/proc/\(pid)/task") {
                let children = Files.text("/proc/\(pid)/task/\(thread)/children") ?? ""
                for child in children.split(separator: " ").compactMap({ Int32($0) })
                where !found.contains(child) {
                    found.append(child)
                    next.append(child)
                }
            }
        }
        return found
    }
}

/// What processes use, by what /proc says of each.
private struct ProcessUse {
    var memoryBytes = 0
    var cpuSeconds = 0.0
    /// Threads included.
    var processes = 0

    private static let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))

    mutating func add(_ pid: Int32) {
        guard let status = Files.text("/proc/\(pid)/status"), let line = Files.text("/proc/\(pid)/stat")
        else { return }
        var bytes = 0
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, let number = Int(words[1]) else { continue }
            switch words[0] {
            // Pages of files are shared with others and can be had again.
            case "RssAnon:", "RssShmem:", "VmSwap:": bytes += number << 10
            case "Threads:": processes += number
            default: break
            }
        }
        memoryBytes += bytes
        // The name before it may hold anything, but no closing bracket follows it. utime and stime are fields 14 and
        // 15, those of children that were waited for 16 and 17.
        let fields = line[(line.lastIndex(of: ")") ?? line.startIndex)...].split(separator: " ")
        cpuSeconds += fields.dropFirst(12).prefix(4).reduce(0) { $0 + (Double($1) ?? 0) } / Self.ticks
    }
}
