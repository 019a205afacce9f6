import Glibc
import Host
import Posix
import Sandbox
import Trading
import Wire

extension Measurement {
    /// How soon a strategy is there.
    static let startToReady = Measurement(
        name: "start-to-ready",
        summary: "from the accepted request to the strategy's `ready`, cold and from a nursery"
    ) { surroundings in
        let starts = try StrategyStarts(surroundings)
        var figures: [Figure] = []
        for kind in StrategyStarts.Kind.allCases {
            guard starts.has(kind) else {
                complain("start-to-ready: \(kind.rawValue) is left out, since its runtime could not be made")
                continue
            }
            figures += try await starts.measure(
                kind, warm: surroundings.samples(200), cold: surroundings.samples(20))
        }
        starts.close()
        return figures
    }
}

/// Strategies of each profile that do nothing but import what the profile has.
private struct StrategyStarts {
    enum Kind: String, CaseIterable {
        case bare = "bare Python"
        case pandas = "pandas"
        case sklearn = "scikit-learn"

        var profile: String {
            switch self {
            case .bare: "python"
            case .pandas: "python-pandas"
            case .sklearn: "python-scientific"
            }
        }

        var imports: String {
            switch self {
            case .bare: "import json"
            case .pandas: "import numpy, pandas"
            case .sklearn: "import pandas; from sklearn.linear_model import LinearRegression"
            }
        }

        /// Milliseconds, at the median of a machine that does nothing else.
        var promise: Double {
            switch self {
            case .bare: 4
            case .pandas: 6
            case .sklearn: 10
            }
        }
    }

    private let folder: BenchFolder
    private let launcher: ConfinedLauncher
    /// One whose nurseries make nothing ahead, as if each strategy started at the heels of another.
    private let launcherAtHeels: ConfinedLauncher
    private let profiles: [String: Profile]
    private let hasScientific: Bool

    init(_ surroundings: Surroundings) throws {
        folder = try BenchFolder()
        for kind in Kind.allCases {
            try folder.make(kind.profile)
            let source = "from bullpen import Strategy\n\(kind.imports)\nclass Idle(Strategy): pass\n"
            try folder.write(Array(source.utf8), to: kind.profile + "/strategy.py")
        }
        let layout = surroundings.layout
        let runtimes = try BenchHost.runtimes(layout)
        do {
            try RuntimeInstaller(runtimes: runtimes, requirements: layout.profiles + "/runtimes")
                .install(.scientific)
            hasScientific = true
        } catch {
            complain("\(error)")
            hasScientific = false
        }
        profiles = try Profile.all(in: layout.profiles)
        let (spawner, bundles) = (try Spawner(), folder.path)
        func launcher(_ name: String, keepsReady: Bool) -> ConfinedLauncher {
            ConfinedLauncher(
                configuration: .init(
                    launcher: layout.confine, runtimes: runtimes, sdk: layout.sdk,
                    groupName: "bench-\(name)-\(getpid())", nurseryLibrary: layout.nurseryLibrary,
                    bundles: bundles, nurseries: NurserySettings(keepsReady: keepsReady),
                    report: { isFault, words in if isFault { complain(words) } }),
                spawner: spawner)
        }
        self.launcher = launcher("start", keepsReady: true)
        launcherAtHeels = launcher("heels", keepsReady: false)
    }

    func close() {
        launcher.close()
        launcherAtHeels.close()
    }

    func has(_ kind: Kind) -> Bool { kind == .bare || hasScientific }

    func measure(_ kind: Kind, warm: Int, cold: Int) async throws -> [Figure] {
        // The first waits for its nursery.
        for launcher in [launcher, launcherAtHeels] {
            _ = try await start(kind, .warm, "first", by: launcher)
        }
        try launcher.prepare()
        var (warmTimes, heelsTimes, coldTimes): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0..<warm {
            warmTimes.append(try await start(kind, .warm, "w\(round)", by: launcher))
            // What is made ahead is made between two starts.
            try launcher.prepare()
            // In turns, so that what else the machine does falls on all.
            if round % 2 == 0 {
                heelsTimes.append(try await start(kind, .warm, "h\(round)", by: launcherAtHeels))
            }
            if round % max(1, warm / cold) == 0 {
                coldTimes.append(try await start(kind, .cold, "c\(round)", by: launcher))
            }
        }
        let (warm, heels, cold) = (Samples(warmTimes), Samples(heelsTimes), Samples(coldTimes))
        let name = "start to ready, \(kind.rawValue)"
        return [
            Figure(
                name: name + ", median", value: warm.median, unit: "ms",
                floor: .init(name: "cold", value: cold.median), promise: .atMost(kind.promise)),
            Figure(
                name: name + ", p99", value: warm.quantile(0.99), unit: "ms",
                floor: .init(name: "cold", value: cold.quantile(0.99))),
            Figure(
                name: name + ", at the heels of another, median", value: heels.median, unit: "ms",
                floor: .init(name: "cold", value: cold.median)),
            Figure(
                name: name + ", at the heels of another, p99", value: heels.quantile(0.99), unit: "ms",
                floor: .init(name: "cold", value: cold.quantile(0.99))),
        ]
    }

    /// Milliseconds from the request until `ready` was read.
    private func start(
        _ kind: Kind, _ door: ConfinedChild.Door, _ run: String, by launcher: ConfinedLauncher
    ) async throws -> Double {
        let request = LaunchRequest(
            strategy: "bench", run: "\(kind.profile)-\(run)", profile: profiles[kind.profile]!,
            bundle: folder.path + "/" + kind.profile, cpuShare: 2, isColdStart: door == .cold)
        let begin = MonotonicClock.nanoseconds
        let child = try await withCheckedContinuation { continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }.get()
        try child.standardInput.writeAll(Self.hello[...])
        var line: [UInt8] = []
        while line.last != 0x0A {
            try word(of: child, "\(kind.rawValue), \(door.rawValue)")
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = try child.standardOutput.read(into: &buffer)
            guard count > 0 else { throw MeasurementFailure("the strategy ended before it was ready") }
            line += buffer.prefix(count)
        }
        let time = Double(MonotonicClock.nanoseconds - begin) / 1e6
        guard case .ready = try StrategyMessage(line: line.dropLast()) else {
            throw MeasurementFailure("the first line was not ready")
        }
        guard child.door == door else { throw MeasurementFailure("it was started \(child.door.rawValue)") }
        child.kill()
        await withCheckedContinuation { done in child.finish { done.resume() } }
        return time
    }

    /// Waits until a strategy has said something. Imports make calls that are refused, and wait for that.
    private func word(of child: ConfinedChild, _ what: String) throws {
        while true {
            var ends = [pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0)]
            if let violations = child.violations {
                ends.append(pollfd(fd: violations.listener.number, events: Int16(POLLIN), revents: 0))
            }
            guard unsafe poll(&ends, nfds_t(ends.count), 60_000) > 0 else {
                throw MeasurementFailure("\(what): no word in a minute")
            }
            if ends[0].revents != 0 { return }
            _ = child.readViolations()
        }
    }

    private static let hello = HostMessage.hello(
        Hello(
            strategy: "bench", run: "bench", mode: .paper, time: Timestamp(milliseconds: 1_700_000_000_000),
            entry: "strategy.py", parameters: .members([:]), config: .members(["pair": .string("BTCUSDT")]),
            instruments: [],
            account: AccountView(
                currency: "USDT", equity: .one, available: .one, kind: .spot, leverage: .one),
            positions: [], orders: [], state: .null, heartbeatMilliseconds: 5000)
    ).line
}
