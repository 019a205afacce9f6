import Host
import Posix
import Synchronization
import Wire

extension Measurement {
    /// What lies between a price and the order that answers it, as the exchange sees it.
    static let tickToWire = Measurement(
        name: "tick-to-wire",
        summary:
            "from a price's arrival to the order's bytes in the kernel, on a connection to the Binance simulator"
    ) { surroundings in
        let exchange = try ExchangeProcess(surroundings)
        let floors = try await WireFloors(surroundings)
        let disk = try await WireRace.run(surroundings, exchange, floors, isInMemory: false)
        let memory = try await WireRace.run(surroundings, exchange, floors, isInMemory: true)
        floors.end()
        try exchange.end()
        return disk.figures("", floors.sync) + disk.parts
            + memory.figures(", journal in memory", floors.pipe)
    }
}

/// What the machine itself takes, measured in turns with the rest.
private final class WireFloors: Sendable {
    private let bare: BarePipe
    private let samples = Mutex((pipe: [Double](), sync: [Double]()))

    init(_ surroundings: Surroundings) async throws {
        bare = try await BarePipe(surroundings, processor: nil)
    }

    /// In microseconds.
    var pipe: (name: String, samples: Samples) { ("bare pipe", samples.withLock { Samples($0.pipe) }) }
    var sync: (name: String, samples: Samples) { ("one fdatasync", samples.withLock { Samples($0.sync) }) }

    func take(_ count: Int) async throws {
        let taken = try await Posix.Thread.run { [bare] in
            let file = try SyncedFile()
            var (pipe, sync): ([Double], [Double]) = ([], [])
            for number in 0..<count {
                pipe.append(try bare.roundTrip(number))
                sync.append(try file.write())
                Machine.pause(microseconds: 200)
            }
            return (pipe, sync)
        }
        samples.withLock {
            $0.pipe += taken.0
            $0.sync += taken.1
        }
    }

    func end() { bare.end() }
}

/// Prices of the exchange against orders to it. Times in microseconds since the price arrived.
private struct WireRace {
    var decided: [Double] = []
    var durable: [Double] = []
    var sent: [Double] = []

    static func run(
        _ surroundings: Surroundings, _ exchange: ExchangeProcess, _ floors: WireFloors, isInMemory: Bool
    ) async throws -> WireRace {
        let probe = WireProbe()
        let bench = try await BenchHost(
            surroundings,
            settings: [
                "limits.orders_per_minute=1000000", "strategy.lines_per_second=1000000",
                "strategy.max_cpu_share=2",
            ], instruments: probe.instruments, isInMemory: isInMemory, exchange: exchange)
        try await exchange.hold(50_000)
        let id = try await bench.start(
            try Programs.read("answer.py"), file: "answer.py", name: "answer",
            config: .members(["pair": .string("BTCUSDT"), "cpu_share": .number("2")]), feed: "prices",
            account: "main")
        try await bench.waitUntilRunning(id)
        var race = WireRace()
        let count = surroundings.samples(2_000) / 10
        for _ in 0..<10 {
            try await floors.take(count)
            for number in 0..<count {
                probe.begin()
                try await exchange.hold(50_000 + number % 100)
                race.add(try await probe.waitForBytes())
            }
        }
        await bench.end()
        return race
    }

    private mutating func add(_ times: WireProbe.Times) {
        func since(_ time: UInt64) -> Double { Double(time - times.price) / 1_000 }
        decided.append(since(times.decision))
        durable.append(since(times.durable))
        sent.append(since(times.sent))
    }

    func figures(_ how: String, _ floor: (name: String, samples: Samples)) -> [Figure] {
        let all = Samples(sent)
        return [("median", 0.5), ("p99", 0.99)].map { word, share in
            Figure(
                name: "tick to wire\(how), \(word)", value: all.quantile(share), unit: "µs",
                floor: .init(name: floor.name, value: floor.samples.quantile(share)))
        }
    }

    /// Where the time goes.
    var parts: [Figure] {
        let gate = Samples(decided).median
        let disk = Samples(zip(durable, decided).map { $0 - $1 }).median
        let rest = Samples(zip(sent, durable).map { $0 - $1 }).median
        return [
            Figure(name: "of it arrival to gate, median", value: gate, unit: "µs"),
            Figure(name: "of it gate to disk, median", value: disk, unit: "µs"),
            Figure(name: "of it disk to wire, median", value: rest, unit: "µs"),
        ]
    }
}

/// What the host says of the sample under way.
private final class WireProbe: Sendable {
    /// On the monotonic clock in nanoseconds; nought for what has not happened.
    struct Times {
        var price: UInt64 = 0
        var decision: UInt64 = 0
        var durable: UInt64 = 0
        var sent: UInt64 = 0
    }

    private let state = Mutex(Times())

    var instruments: Instruments {
        var instruments = Instruments()
        instruments.onDecision = { [self] price, decision in
            state.withLock { if $0.decision == 0 { ($0.price, $0.decision) = (price, decision) } }
        }
        instruments.onDurable = { [self] in
            state.withLock {
                if $0.decision > 0, $0.durable == 0 { $0.durable = MonotonicClock.nanoseconds }
            }
        }
        instruments.onWire = { [self] time in
            state.withLock { if $0.durable > 0, $0.sent == 0 { $0.sent = time } }
        }
        return instruments
    }

    func begin() { state.withLock { $0 = Times() } }

    /// Waits until the order has left, and some more, so that its end is out of the next sample's way.
    func waitForBytes() async throws -> Times {
        for _ in 0..<2_000 {
            try await Task.sleep(for: .milliseconds(5))
            let times = state.withLock { $0 }
            if times.sent > 0 { return times }
        }
        throw MeasurementFailure("a price was not answered with an order within 10 s")
    }
}
