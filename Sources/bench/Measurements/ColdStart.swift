import Glibc
import Host
import Posix
import Sandbox
import Wire

extension Measurement {
    /// What a strategy's walls cost at each start.
    static let coldStart = Measurement(
        name: "cold-start",
        summary: "from the request to the end of a program that does nothing, behind all walls and without"
    ) { surroundings in
        let starts = try ColdStart(surroundings)
        var (bare, confined, ungrouped, bubblewrap): ([Double], [Double], [Double], [Double]) =
            ([], [], [], [])
        // In turns, so that what else the machine does falls on all of them.
        for round in 0..<surroundings.samples(200) {
            bare.append(try starts.spawn([starts.program]))
            confined.append(try await starts.confine(starts.profile, run: "c\(round)"))
            ungrouped.append(try await starts.confine(starts.ungrouped, run: "u\(round)"))
            bubblewrap.append(try starts.bubblewrap())
        }
        starts.close()
        let (spawn, all) = (Samples(bare), Samples(confined))
        let (without, other) = (Samples(ungrouped), Samples(bubblewrap))
        return [
            Figure(
                name: "confined start, median", value: all.median, unit: "ms",
                floor: .init(name: "posix_spawn", value: spawn.median)),
            Figure(
                name: "confined start, least", value: all.least, unit: "ms",
                floor: .init(name: "posix_spawn", value: spawn.least)),
            Figure(
                name: "confined start without control groups, median", value: without.median, unit: "ms",
                floor: .init(name: "posix_spawn", value: spawn.median)),
            Figure(
                name: "confined start without control groups, least", value: without.least, unit: "ms",
                floor: .init(name: "posix_spawn", value: spawn.least)),
            // Like with like: bwrap neither limits nor counts.
            Figure(
                name: "confined start without control groups, median", value: without.median, unit: "ms",
                floor: .init(name: "bwrap with seccomp", value: other.median), promise: .atMostTimesFloor(0.6)
            ),
            Figure(
                name: "confined start, median", value: all.median, unit: "ms",
                floor: .init(name: "bwrap with seccomp", value: other.median), promise: .atMostTimesFloor(0.9)
            ),
            Figure(
                name: "confined start without control groups, least", value: without.least, unit: "ms",
                floor: .init(name: "bwrap with seccomp", value: other.least)),
        ]
    }
}

/// One static program, started in several ways.
private struct ColdStart {
    let program: String
    let profile: Profile
    /// The same walls, but nothing is counted or limited by the kernel's groups.
    let ungrouped: Profile
    private let bubblewrapCommand: [String]
    private let bubblewrapFilter: String
    private let folder: BenchFolder
    private let launcher: ConfinedLauncher
    private let launcherWithoutGroups: ConfinedLauncher

    init(_ surroundings: Surroundings) throws {
        folder = try BenchFolder()
        try folder.make("bundle")
        program = try folder.compile("nothing.c", as: "bundle/nothing", ["-static"])
        bubblewrapCommand = [
            "/usr/bin/bwrap", "--unshare-all", "--cap-drop", "ALL", "--new-session", "--die-with-parent",
            "--clearenv", "--ro-bind", "/usr", "/usr", "--ro-bind", folder.path + "/bundle", "/bundle",
            "--tmpfs",
            "/tmp", "--seccomp", "3", "/bundle/nothing",
        ]
        let file = surroundings.layout.profiles + "/native.json"
        profile = try Profile(contentsOf: file)
        bubblewrapFilter = folder.path + "/filter.bpf"
        let compiler = try folder.compile("filter.c", as: "filter", ["-lseccomp"])
        let calls = profile.systemCalls.allowed.flatMap(\.calls) + ["execve", "prctl", "wait4"]
        let filter = try FileDescriptor.open(bubblewrapFilter, O_WRONLY | O_CREAT, mode: 0o644)
        let pid = try ChildProcess.spawn(
            compiler, arguments: [compiler] + calls, descriptors: [0, filter.number, 2])
        guard try ChildProcess.wait(for: pid) == .exited(code: 0) else {
            throw MeasurementFailure("bwrap's filter could not be compiled")
        }
        guard case .object(let members) = try JSONParser.parse(try Programs.read(file: file)) else {
            throw MeasurementFailure("\(file) is no object")
        }
        ungrouped = try Profile(
            json: .object(
                members.map { member in
                    guard member.name == "requires", case .array(let layers) = member.value else {
                        return member
                    }
                    let groups = ["memory_limit", "cpu_limit", "process_limit"]
                    return JSONValue.Member(
                        "requires",
                        .array(layers.filter { layer in !groups.contains { layer == .string($0) } }))
                }))
        let configuration = ConfinedLauncher.Configuration(
            launcher: surroundings.layout.confine, runtimes: try BenchHost.runtimes(surroundings.layout),
            sdk: nil,
            groupName: "bench-\(getpid())")
        let spawner = try Spawner()
        launcher = ConfinedLauncher(configuration: configuration, spawner: spawner)
        launcherWithoutGroups = ConfinedLauncher(configuration: configuration, spawner: spawner, mounts: [])
    }

    func close() { launcher.close() }

    /// Milliseconds from the request until bwrap, with a filter as ours, has ended.
    func bubblewrap() throws -> Double {
        let filter = try FileDescriptor.open(bubblewrapFilter, O_RDONLY)
        return try spawn(bubblewrapCommand, descriptors: [0, 1, 2, filter.number])
    }

    /// Milliseconds from the request until the program has ended.
    func spawn(_ command: [String], descriptors: [Int32] = [0, 1, 2]) throws -> Double {
        let begin = MonotonicClock.nanoseconds
        let pid = try ChildProcess.spawn(command[0], arguments: command, descriptors: descriptors)
        let status = try ChildProcess.wait(for: pid)
        let time = Double(MonotonicClock.nanoseconds - begin) / 1e6
        guard status == .exited(code: 0) else {
            throw MeasurementFailure("\(command[0]) ended with \(status)")
        }
        return time
    }

    /// Milliseconds from the request until the program has ended; what it leaves is taken away afterwards.
    func confine(_ profile: Profile, run: String) async throws -> Double {
        let request = LaunchRequest(
            strategy: "bench", run: run, profile: profile, bundle: folder.path + "/bundle", entry: "nothing")
        let launcher = profile == ungrouped ? launcherWithoutGroups : launcher
        let begin = MonotonicClock.nanoseconds
        let child = try await withCheckedContinuation { continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }.get()
        var ended = pollfd(fd: child.process.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&ended, 1, 10_000) == 1, let status = try child.reap() else {
            throw MeasurementFailure("the confined program did not end")
        }
        let time = Double(MonotonicClock.nanoseconds - begin) / 1e6
        guard status == .exited(code: 0) else {
            throw MeasurementFailure("the confined program ended with \(status)")
        }
        await withCheckedContinuation { done in child.finish { done.resume() } }
        // What a host does at leisure between two starts, so that it falls neither on this arm nor on another.
        try launcher.prepare()
        return time
    }
}
