import Host
import Posix
import Trading
import Wire

extension Measurement {
    /// How many strategies two processors bear.
    static let manyStrategies = Measurement(
        name: "many-strategies",
        summary: "200 Python strategies, each given 5 candles a second, all at the same moments"
    ) { surroundings in
        try await Audience(surroundings, size: 200).hear(perSecond: 5, seconds: surroundings.samples(30))
    }
}

/// Strategies that note how long each candle took to reach them.
private struct Audience {
    private let bench: BenchHost
    private let ids: [String]

    init(_ surroundings: Surroundings, size: Int) async throws {
        bench = try await BenchHost(surroundings, settings: ["strategy.start_timeout=600s"])
        let source = try Programs.read("listener.py")
        var ids: [String] = []
        for number in 0..<size {
            ids.append(
                try await bench.start(
                    source, file: "listener.py", name: "listener-\(number)",
                    config: .members(["pair": .string("BTCUSDT")])))
        }
        for id in ids { try await bench.waitUntilRunning(id, seconds: 600) }
        self.ids = ids
    }

    func hear(perSecond rate: Int, seconds: Int) async throws -> [Figure] {
        let count = rate * seconds
        let clock = ContinuousClock()
        let begin = clock.now
        let processorBefore = Machine.processorSeconds
        var memory = 0.0
        for number in 0..<count {
            try await clock.sleep(until: begin + .seconds(1) * number / rate)
            bench.host.post([candle(number)], into: "injected")
            memory = max(memory, try Machine.residentMebibytes())
        }
        let wall = (clock.now - begin) / .seconds(1)
        let processor = Machine.processorSeconds - processorBefore
        var (waits, dropped): ([Double], Int) = ([], 0)
        for id in ids {
            dropped += try await bench.host.status(of: id).usage.linesDropped
            waits += try await ask(id).map { $0 / 1_000 }
        }
        await bench.end()
        let missing = ids.count * count - waits.count
        let samples = Samples(waits)
        return [
            Figure(
                name: "candle to 200 strategies, median", value: samples.median, unit: "ms"),
            Figure(
                name: "candle to 200 strategies, p99", value: samples.quantile(0.99), unit: "ms",
                promise: .atMost(50)),
            Figure(
                name: "candles dropped or missing", value: Double(max(dropped, missing)),
                unit: "of \(ids.count * count)", promise: .atMost(0)),
            Figure(
                name: "host's memory with 200 strategies", value: memory, unit: "MiB", promise: .atMost(150)),
            Figure(
                name: "host's processor time with 200 strategies", value: processor / wall * 100,
                unit: "% of one"),
        ]
    }

    /// The volume says when it was sent, in microseconds.
    private func candle(_ number: Int) -> MarketEvent {
        let price = FixedDecimal(50_000)
        return .candle(
            Candle(
                symbol: "BTCUSDT", resolution: Resolution("1m")!,
                openTime: Timestamp(milliseconds: 1_800_000_000_000 + Int64(number) * 60_000), open: price,
                high: price, low: price, close: price,
                volume: FixedDecimal(Int(MonotonicClock.nanoseconds / 1_000))))
    }

    /// The waits of one strategy in microseconds, from its log.
    private func ask(_ id: String) async throws -> [Double] {
        _ = try await bench.host.deliver(SignalRequest(action: "REPORT"), to: id, by: "bench")
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(30)
        while clock.now < deadline {
            let lines = try await bench.host.logs(of: id, page: PageRequest(limit: 1000)).items
                .map(\.message)
                .filter { $0.hasPrefix("waits ") }
            if lines.contains("waits end") {
                return lines.flatMap { $0.split(separator: " ").compactMap { Double($0) } }
            }
            try await clock.sleep(for: .milliseconds(20))
        }
        throw MeasurementFailure("\(id) does not report")
    }
}
