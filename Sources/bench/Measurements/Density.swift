import Glibc
import Host
import Posix
import Sandbox
import Trading
import Wire

extension Measurement {
    /// How many strategies with pandas two processors and their memory bear.
    static let density = Measurement(
        name: "density-1000",
        summary:
            "1,000 strategies with pandas, a candle a second each: 540 spread over the second, 60 at one instant",
        isOnRequest: true
    ) { surroundings in
        try await Crowd.measure(surroundings, size: surroundings.samples(1_000), keepsPromises: true)
    }

    /// The same with twice as many, to see what gives.
    static let doubleDensity = Measurement(
        name: "density-2000", summary: "2,000 strategies with pandas, as above; nothing is promised",
        isOnRequest: true
    ) { surroundings in
        try await Crowd.measure(surroundings, size: surroundings.samples(2_000), keepsPromises: false)
    }
}

/// Strategies that compute with pandas at each candle.
private struct Crowd {
    private static let markets = 100

    private let bench: BenchHost
    private var ids: [String] = []
    private let size: Int
    private let keepsPromises: Bool
    private var figures: [Figure] = []
    private var sent = 0

    static func measure(
        _ surroundings: Surroundings, size: Int, keepsPromises: Bool
    ) async throws -> [Figure] {
        var crowd = try await Crowd(surroundings, size: size, keepsPromises: keepsPromises)
        let available = try Processes.availableMemory()
        let before = Processes.memory(of: getpid())?.proportional ?? 0
        try await crowd.gather()
        try crowd.noteOwnMemory("idle", after: before)
        let ticks = try Processes.processorTicks()
        try await crowd.send(seconds: surroundings.samples(540), atOneInstant: false)
        let after = try Processes.processorTicks()
        try await crowd.report("spread over the second", seconds: surroundings.samples(540), atMost: 10)
        try await crowd.send(seconds: surroundings.samples(60), atOneInstant: true)
        try await crowd.report("at one instant", seconds: surroundings.samples(60), atMost: 300)
        crowd.note(
            "both processors' time while candles were spread",
            (after.busy - ticks.busy) / (after.all - ticks.all) * 100, "%", .atMost(50))
        try crowd.noteAllMemory(since: available, candles: surroundings.samples(600))
        try crowd.noteOwnMemory("after \(surroundings.samples(600)) candles", after: nil)
        await crowd.bench.end()
        return crowd.figures
    }

    private init(_ surroundings: Surroundings, size: Int, keepsPromises: Bool) async throws {
        self.size = size
        self.keepsPromises = keepsPromises
        try RuntimeInstaller(
            runtimes: try BenchHost.runtimes(surroundings.layout),
            requirements: surroundings.layout.profiles + "/runtimes"
        ).install(.scientific)
        bench = try await BenchHost(
            surroundings, settings: ["strategy.start_timeout=600s", "nursery.starts=1000000"])
        let symbols = (0..<Self.markets).map { JSONValue.string(Self.symbol($0)) }
        _ = try await bench.host.addFeed(
            .members(["id": .string("crowd"), "kind": .string("injected"), "symbols": .array(symbols)]),
            by: "bench")
    }

    private static func symbol(_ market: Int) -> String { "M\(market + 100)USDT" }

    /// Uploads and starts them all, a few at a time.
    private mutating func gather() async throws {
        let source = try Programs.read("rolling.py")
        let begin = MonotonicClock.nanoseconds
        let bench = bench
        let size = size
        ids = try await withThrowingTaskGroup(of: String.self) { group in
            var (ids, next): ([String], Int) = ([], 0)
            while ids.count < size {
                while next < size, next - ids.count < 4 {
                    let number = next
                    next += 1
                    group.addTask {
                        let id = try await bench.start(
                            source, file: "rolling.py", name: "rolling-\(number)",
                            config: .members([
                                "pair": .string(Self.symbol(number % Self.markets)),
                                "profile": .string("python-pandas"),
                            ]), feed: "crowd")
                        try await bench.waitUntilRunning(id, seconds: 600)
                        return id
                    }
                }
                if let id = try await group.next() { ids.append(id) }
            }
            return ids
        }
        note("uploaded, checked and running", Double(MonotonicClock.nanoseconds - begin) / 1e9, "s", nil)
    }

    /// Gives every strategy a candle a second.
    private mutating func send(seconds: Int, atOneInstant: Bool) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        for second in 0..<seconds {
            if atOneInstant {
                try await clock.sleep(until: begin + .seconds(second))
                bench.host.post((0..<Self.markets).map { candle($0, sent + second) }, into: "crowd")
            } else {
                for market in 0..<Self.markets {
                    try await clock.sleep(
                        until: begin + .seconds(second) + .seconds(1) * market / Self.markets)
                    bench.host.post([candle(market, sent + second)], into: "crowd")
                }
            }
        }
        try await clock.sleep(for: .seconds(2))
        sent += seconds
    }

    /// The volume says when it was sent, in microseconds.
    private func candle(_ market: Int, _ number: Int) -> MarketEvent {
        let price = FixedDecimal(100 + number % 10)
        return .candle(
            Candle(
                symbol: Self.symbol(market), resolution: Resolution("1m")!,
                openTime: Timestamp(milliseconds: 1_800_000_000_000 + Int64(number) * 60_000), open: price,
                high: price, low: price, close: price,
                volume: FixedDecimal(Int(MonotonicClock.nanoseconds / 1_000))))
    }

    /// Asks all of them how long candles took, and adds it up.
    private mutating func report(_ how: String, seconds: Int, atMost limit: Double) async throws {
        var (counts, dropped): ([Int: Int], Int) = ([:], 0)
        for id in ids {
            dropped += try await bench.host.status(of: id).usage.linesDropped
            for (step, count) in try await ask(id) { counts[step, default: 0] += count }
        }
        let total = counts.values.reduce(0, +)
        func quantile(_ share: Double) -> Double {
            var rest = Int((Double(total) * share).rounded(.up))
            for (step, count) in counts.sorted(by: { $0.key < $1.key }) {
                rest -= count
                if rest <= 0 { return pow(1.02, Double(step + 1)) / 1_000 }
            }
            return .nan
        }
        note("candle to \(size) strategies, \(how), median", quantile(0.5), "ms", nil)
        note("candle to \(size) strategies, \(how), p99", quantile(0.99), "ms", .atMost(limit))
        note(
            "candles dropped or missing, \(how)", Double(max(dropped, size * seconds - total)),
            "of \(size * seconds)", .atMost(0))
    }

    /// How many candles took how long, in steps of two in a hundred, from the strategy's log.
    private func ask(_ id: String) async throws -> [(Int, Int)] {
        let asked = try await words(of: id).count
        _ = try await bench.host.deliver(SignalRequest(action: "REPORT"), to: id, by: "bench")
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(30)
        while clock.now < deadline {
            let words = try await words(of: id)
            if words.count > asked {
                return words[words.count - 1].split(separator: " ").compactMap { pair in
                    let parts = pair.split(separator: ":").compactMap { Int($0) }
                    return parts.count == 2 ? (parts[0], parts[1]) : nil
                }
            }
            try await clock.sleep(for: .milliseconds(5))
        }
        throw MeasurementFailure("\(id) does not report")
    }

    private func words(of id: String) async throws -> [String] {
        try await bench.host.logs(of: id, page: PageRequest(limit: 1000)).items.map(\.message)
            .filter { $0.hasPrefix("waits") }
    }

    /// What each strategy has of its own, and what the host has for each.
    private mutating func noteOwnMemory(_ when: String, after before: Int?) throws {
        let children = try Processes.children()
        let own = children.filter { Processes.name(of: $0) != "watcher" }.prefix(100)
            .compactMap { Processes.memory(of: $0)?.own }
        if !own.isEmpty {
            note(
                "a strategy's own memory, \(when), median", Samples(own.map { Double($0) / 1e6 }).median,
                "MB", nil)
        }
        guard let before, let host = Processes.memory(of: getpid())?.proportional else { return }
        note(
            "the host's memory for each strategy", Double(host - before) / Double(size) / 1e3, "kB",
            .atMost(100))
    }

    private mutating func noteAllMemory(since available: Int, candles: Int) throws {
        var memory = Processes.memory(of: getpid())?.proportional ?? 0
        for child in try Processes.children() { memory += Processes.memory(of: child)?.proportional ?? 0 }
        note(
            "memory of \(size) strategies and the host after \(candles) candles each", Double(memory) / 1e9,
            "GB",
            .atMost(6))
        note(
            "available memory, less by", Double(available - (try Processes.availableMemory())) / 1e9, "GB",
            .atMost(7))
    }

    private mutating func note(_ name: String, _ value: Double, _ unit: String, _ promise: Figure.Promise?) {
        figures.append(Figure(name: name, value: value, unit: unit, promise: keepsPromises ? promise : nil))
        complain("  \(name): \(Figure.text(value)) \(unit)")
    }
}
