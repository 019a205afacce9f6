internal import Glibc
internal import Posix
internal import Synchronization

/// What a run has used, from its control groups.
public struct GroupUsage: Hashable, Sendable {
    /// Processor time, in seconds.
    public var cpuSeconds: Double = 0
    /// Time it wanted to run and was held back by its limit, in seconds.
    public var throttledSeconds: Double = 0
    /// Memory now.
    public var memoryBytes: Int = 0
    /// Files kept in memory that the kernel can forget, as far as that was looked at: only near the limit.
    public var memoryReclaimableBytes: Int = 0
    /// The most memory so far.
    public var memoryPeakBytes: Int = 0
    /// Its limit.
    public var memoryLimitBytes: Int = 0
    /// How often it was slowed down near its memory limit, so that memory could be taken back from it. Version 2 only.
    public var memoryPressure: Int = 0
    /// How many of its processes the kernel has killed for memory.
    public var memoryKills: Int = 0
    /// Processes and threads now, the watcher included.
    public var processes: Int = 0
    /// How often it wanted more processes or threads than it may have.
    public var processDenials: Int = 0

    /// Nothing used.
    public init() {}
}

/// The control groups of one run.
public final class ChildGroup: Sendable {
    /// A group in one hierarchy.
    struct Place: Hashable, Sendable {
        let version: Int
        let folder: String
    }

    private let places: [ControlGroups.Controller: Place]
    private let memoryLimit: Int
    private let peakSeen = Atomic<Int>(0)
    /// Watches over what no group keeps.
    private let supervision = Mutex<Supervision?>(nil)
    private let stall = Mutex<MemoryStall?>(nil)
    private let howKept = Mutex<Enforcement?>(nil)
    /// Its folders, each once.
    let folders: [String]

    init(places: [ControlGroups.Controller: Place], memoryLimit: Int) {
        self.places = places
        self.memoryLimit = memoryLimit
        folders = Set(places.values.map(\.folder)).sorted()
    }

    /// What the run has used so far. Costs about ten reads of small files.
    public func usage() -> GroupUsage {
        var usage = GroupUsage()
        usage.memoryLimitBytes = memoryLimit
        if let place = places[.memory] { readMemory(place, &usage) }
        if let place = places[.cpu] { readProcessor(place, &usage) }
        if let place = places[.cpuacct], place.version == 1 {
            usage.cpuSeconds = Double(number(place, "cpuacct.usage")) / 1e9
        }
        if let place = places[.pids] {
            usage.processes = number(place, "pids.current")
            usage.processDenials = Fields(place, "pids.events")["max"]
        }
        supervision.withLock { $0?.complete(&usage) }
        return usage
    }

    /// How the limits of the run are kept; nil before it is known.
    public var enforcement: Enforcement? { howKept.withLock { $0 } }

    func note(_ enforcement: Enforcement) { howKept.withLock { $0 = enforcement } }

    /// Ends the run when it stands at its memory limit and gets nowhere, where that can be seen.
    func watchForStall(on spawner: Spawner) {
        guard let place = places[.memory], place.version == 2 else { return }
        let stall = MemoryStall(group: place, limit: memoryLimit)
        self.stall.withLock { $0 = stall }
        stall.begin(on: spawner)
    }

    /// Lets `supervision` watch over what no group keeps, until ``stopSupervising()``.
    func supervise(_ supervision: Supervision, on spawner: Spawner) {
        self.supervision.withLock { $0 = supervision }
        supervision.begin(on: spawner)
    }

    /// Ends that. What was seen until then stays.
    func stopSupervising() {
        supervision.withLock { $0?.end() }
        stall.withLock { $0?.end() }
    }

    /// Why the host has killed the run for what it used.
    var overuse: Supervision.Overuse? {
        if let words = stall.withLock({ $0?.words }) { return .init(cause: .memory, words: words) }
        return supervision.withLock { $0?.overuse }
    }

    /// Kills every process in it.
    public func kill() {
        for folder in folders {
            // Kernels before 5.14, and version 1, have no such file: there each process is killed by itself.
            if (try? Files.write("1", to: folder + "/cgroup.kill")) != nil { continue }
            for pid in pids(in: folder) {
                // Between reading and killing the number may have gone to another process. A descriptor holds on to
                // one process, and if the group still names the number, it is that one.
                guard let process = try? ChildProcess.open(pid), pids(in: folder).contains(pid) else {
                    continue
                }
                // One that has ended meanwhile is what was wanted.
                try? ChildProcess.signal(process, SIGKILL)
            }
        }
    }

    /// Removes it. False while processes that are ending keep it.
    func tryToRemove() -> Bool {
        var isGone = true
        for folder in folders where unsafe rmdir(folder) != 0 && errno != ENOENT { isGone = false }
        return isGone
    }

    /// Kills and removes, waiting at most two seconds for the processes to go. For the start of a host.
    func killAndRemove() {
        for _ in 0..<200 {
            kill()
            if tryToRemove() { return }
            usleep(10_000)
        }
    }

    // MARK: - Limits

    /// Whether whoever wakes meanwhile goes first on its processor: for a run that is busy, lest those who answer quickly
    /// wait for it. It takes nothing from its share but where there is not enough for all. Linux 5.15; before that
    /// nothing happens.
    public func setYielding(_ yields: Bool) {
        guard let place = places[.cpu] else { return }
        // A run that is ending has no such file any more, and an older kernel none at all.
        try? Files.write(yields ? "1" : "0", to: place.folder + "/cpu.idle")
        // The heavier, the sooner it goes when it wakes. One that yields has the least weight of all.
        if !yields { try? GroupWeight.most.write(to: place) }
    }

    func limit(memoryBytes: Int, cpuShare: Double, processes: Int) throws(SystemCallError) {
        if let place = places[.memory] {
            if place.version == 2 {
                try Files.write("\(memoryBytes)", to: place.folder + "/memory.max")
                // A little below, the kernel takes back what it can and slows the strategy down, which shows before it
                // hurts. The gap is small, since within it a strategy that only grows is slowed instead of killed: with
                // a thirty-second part that takes about a second, with an eighth it would take a minute.
                try Files.write("\(memoryBytes - memoryBytes / 32)", to: place.folder + "/memory.high")
                try writeIfThere("0", place.folder + "/memory.swap.max")
                try writeIfThere("1", place.folder + "/memory.oom.group")
            } else {
                try Files.write("\(memoryBytes)", to: place.folder + "/memory.limit_in_bytes")
                try writeIfThere("\(memoryBytes)", place.folder + "/memory.memsw.limit_in_bytes")
            }
        }
        if let place = places[.cpu] {
            // 20 ms instead of the usual 100: a strategy that has used its share waits at most that long for a price.
            // The kernel takes no quota of less than a millisecond; a share so small gets it at longer intervals, the
            // longest being a second.
            let period = min(1_000_000, max(20_000, Int(1000 / cpuShare)))
            let quota = max(1000, Int(Double(period) * cpuShare))
            if place.version == 2 {
                try Files.write("\(quota) \(period)", to: place.folder + "/cpu.max")
            } else {
                try Files.write("\(period)", to: place.folder + "/cpu.cfs_period_us")
                try Files.write("\(quota)", to: place.folder + "/cpu.cfs_quota_us")
            }
        }
        if let place = places[.pids] {
            try Files.write("\(processes)", to: place.folder + "/pids.max")
        }
    }

    /// Gives what was made ahead to a run: its name, where the kernel lets groups be renamed, which is in version 1, and
    /// its limits. This value is not to be used from then on, but for removing the group when it throws.
    func handedOver(
        to run: String, memoryBytes: Int, cpuShare: Double, processes: Int
    ) throws(SystemCallError) -> ChildGroup {
        // Else the limit could not be raised past the bound for memory and swap together, which comes second.
        if let place = places[.memory], place.version == 1 {
            try writeIfThere("-1", place.folder + "/memory.memsw.limit_in_bytes")
        }
        try limit(memoryBytes: memoryBytes, cpuShare: cpuShare, processes: processes)
        var names: [String: String] = [:]
        for place in places.values where place.version == 1 && names[place.folder] == nil {
            let name = Files.parent(of: place.folder) + "/" + run
            do throws(SystemCallError) {
                try Files.rename(place.folder, name)
            } catch {
                // One that has two names could not be removed as one.
                for (old, new) in names { _ = unsafe Glibc.rename(new, old) }
                throw error
            }
            names[place.folder] = name
        }
        return ChildGroup(
            places: places.mapValues { Place(version: $0.version, folder: names[$0.folder] ?? $0.folder) },
            memoryLimit: memoryBytes)
    }

    /// For files that only some kernels have, or only with swap accounting.
    private func writeIfThere(_ text: String, _ path: String) throws(SystemCallError) {
        if Files.exists(path) { try Files.write(text, to: path) }
    }

    /// The file of each hierarchy through which a process of one thread joins the group, in the order of ``folders``.
    ///
    /// In version 1 the file for threads: there the kernel moves a thread that moves itself at once, while a process waits
    /// for a grace period of the kernel first (cgroup_procs_write_start in kernel/cgroup/cgroup.c). Version 2 has no such
    /// file for groups that can be limited.
    var joiningFiles: [String] {
        let threadwise = Set(places.values.filter { $0.version == 1 }.map(\.folder))
        return folders.map { $0 + (threadwise.contains($0) ? "/tasks" : "/cgroup.procs") }
    }

    /// Opens the file of each hierarchy through which a process of one thread joins the group.
    func openForJoining() throws(SystemCallError) -> [Int32] {
        var numbers: [Int32] = []
        for file in joiningFiles {
            do throws(SystemCallError) {
                numbers.append(try FileDescriptor.open(file, O_WRONLY).release())
            } catch {
                for number in numbers { close(number) }
                throw error
            }
        }
        return numbers
    }

    // MARK: - Figures

    private func readMemory(_ place: Place, _ usage: inout GroupUsage) {
        if place.version == 2 {
            let events = Fields(place, "memory.events")
            usage.memoryBytes = number(place, "memory.current")
            usage.memoryPressure = events["high"]
            usage.memoryKills = events["oom_kill"]
            // Linux 5.19 has the peak. Before that it is the most that was seen, and whoever was killed had it all.
            let seen = peakSeen.max(usage.memoryBytes, ordering: .relaxed).newValue
            let known = usage.memoryKills > 0 ? memoryLimit : seen
            usage.memoryPeakBytes = optionalNumber(place, "memory.peak") ?? known
        } else {
            usage.memoryBytes = number(place, "memory.usage_in_bytes")
            usage.memoryPeakBytes = number(place, "memory.max_usage_in_bytes")
            usage.memoryKills = Fields(place, "memory.oom_control")["oom_kill"]
        }
        // A long file, read only as often as it can matter.
        if usage.memoryBytes > usage.memoryLimitBytes / 4 * 3 {
            let (statistics, prefix) = (Fields(place, "memory.stat"), place.version == 2 ? "" : "total_")
            usage.memoryReclaimableBytes =
                statistics["\(prefix)inactive_file"] + statistics["\(prefix)active_file"]
        }
    }

    private func readProcessor(_ place: Place, _ usage: inout GroupUsage) {
        let statistics = Fields(place, "cpu.stat")
        if place.version == 2 {
            usage.cpuSeconds = Double(statistics["usage_usec"]) / 1e6
            usage.throttledSeconds = Double(statistics["throttled_usec"]) / 1e6
        } else {
            usage.throttledSeconds = Double(statistics["throttled_time"]) / 1e9
        }
    }

    private func number(_ place: Place, _ file: String) -> Int { optionalNumber(place, file) ?? 0 }

    private func optionalNumber(_ place: Place, _ file: String) -> Int? {
        Files.text(place.folder + "/" + file).flatMap { Int($0.trimmed) }
    }

    /// A file of lines with a name and a number each.
    struct Fields {
        private var numbers: [Substring: Int] = [:]

        init(_ place: Place, _ file: String) {
            for line in (Files.text(place.folder + "/" + file) ?? "").split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, let number = Int(words[1]) { numbers[words[0]] = number }
            }
        }

        subscript(name: Substring) -> Int { numbers[name] ?? 0 }
    }

    private func pids(in folder: String) -> [Int32] {
        (Files.text(folder + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }
    }
}
