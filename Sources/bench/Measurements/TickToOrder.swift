import Dispatch
import Glibc
import Host
import Posix
import Sandbox
import Synchronization
import Trading
import Wire

extension Measurement {
    /// What a strategy waits for between a price and its order.
    static let tickToOrder = Measurement(
        name: "tick-to-order",
        summary: "from a price in the host to the strategy's order past the risk gate, beside the bare pipe"
    ) { surroundings in
        // The gate decides before anything is written. With the journal in memory an order's whole life is over before
        // the next price comes, so that neither arm of the race waits for what the sample before has left.
        let one = try await OrderRace.run(surroundings, .init(host: 0, strategy: 0))
        let two = try await OrderRace.run(surroundings, .init(host: 0, strategy: 1))
        let free = try await OrderRace.run(surroundings, .init(host: nil, strategy: nil))
        return one.figures("on one processor", atMostTimes: 3)
            + two.figures("across two processors", atMostTimes: 1.6)
            + free.figures("free-running", atMostTimes: nil)
            + (try await OrderRace.durableFigures(surroundings))
    }
}

extension Measurement {
    /// Whether those who wait are in the way of the one that trades.
    static let tickToOrderInCompany = Measurement(
        name: "tick-to-order-in-company",
        summary: "the same with 500 idle strategies around, beside the same host with none"
    ) { surroundings in
        try await OrderRace.companyFigures(surroundings, size: surroundings.samples(500))
    }
}

/// Prices against orders: through the host, and through a bare pipe to the same program.
private struct OrderRace {
    /// Which processor each end stays on; nil leaves that to the kernel.
    struct Placement {
        var host: Int32?
        var strategy: Int32?
    }

    /// In microseconds.
    var bare: [Double] = []
    var gated: [Double] = []

    /// Ten rounds of each in turn, so that what else the machine does falls on both.
    static func run(_ surroundings: Surroundings, _ placement: Placement) async throws -> OrderRace {
        let probe = Probe()
        let bench = try await host(surroundings, probe, placement, isInMemory: true)
        let pipe = try await BarePipe(surroundings, processor: placement.strategy)
        let count = surroundings.samples(20_000) / 10
        let race: OrderRace = try await Posix.Thread.run {
            var race = OrderRace()
            for _ in 0..<10 {
                try Posix.Thread.keep(on: placement.host)
                for number in 0..<count {
                    race.bare.append(try pipe.roundTrip(number))
                    Machine.pause(microseconds: pace)
                }
                // The driver must not stand in the way of what it measures.
                try Posix.Thread.keep(on: placement.host.map { 1 - $0 })
                for number in 0..<count {
                    bench.host.post([.benchTrade(number)], into: "injected")
                    race.gated.append(try probe.waitForOrder().toGate)
                    Machine.pause(microseconds: pace)
                }
            }
            return race
        }
        pipe.end()
        await bench.end()
        return race
    }

    /// One strategy that trades, before and after many came that do not.
    static func companyFigures(_ surroundings: Surroundings, size: Int) async throws -> [Figure] {
        let probe = Probe()
        let bench = try await host(surroundings, probe, Placement(), isInMemory: true)
        let count = surroundings.samples(10_000)
        let alone = Samples(try await gatedOrders(bench, probe, count: count))
        let idle = try Programs.read("idle.py")
        for number in 0..<size {
            let id = try await bench.start(
                idle, file: "idle.py", name: "idle-\(number)",
                config: .members(["pair": .string("ETHUSDT")]))
            if number == size - 1 { try await bench.waitUntilRunning(id, seconds: 600) }
        }
        let together = Samples(try await gatedOrders(bench, probe, count: count))
        await bench.end()
        return [
            Figure(
                name: "tick to order, \(size) idle strategies around, median", value: together.median,
                unit: "µs", floor: .init(name: "none around", value: alone.median),
                promise: .atMostTimesFloor(1.5)),
            Figure(
                name: "tick to order, \(size) idle strategies around, p99", value: together.quantile(0.99),
                unit: "µs", floor: .init(name: "none around", value: alone.quantile(0.99))),
        ]
    }

    /// Microseconds from each price to the gate's decision over its order.
    private static func gatedOrders(
        _ bench: BenchHost, _ probe: Probe, count: Int
    ) async throws -> [Double] {
        try await Posix.Thread.run {
            try (0..<count).map { number in
                bench.host.post([.benchTrade(number)], into: "injected")
                defer { Machine.pause(microseconds: pace) }
                return try probe.waitForOrder().toGate
            }
        }
    }

    /// The same on the disk, for as many prices as make a p99.
    static func durableFigures(_ surroundings: Surroundings) async throws -> [Figure] {
        let probe = Probe()
        let bench = try await host(surroundings, probe, Placement(), isInMemory: false)
        let count = surroundings.samples(2_000) / 10
        let (orders, syncs): ([Double], [Double]) = try await Posix.Thread.run {
            let file = try SyncedFile()
            var (orders, syncs): ([Double], [Double]) = ([], [])
            for _ in 0..<10 {
                for _ in 0..<count { syncs.append(try file.write()) }
                for number in 0..<count {
                    bench.host.post([.benchTrade(number)], into: "injected")
                    orders.append(try probe.waitForOrder().toDisk)
                    Machine.pause(microseconds: pace)
                }
            }
            return (orders, syncs)
        }
        await bench.end()
        let (durable, synced) = (Samples(orders), Samples(syncs))
        return [
            Figure(
                name: "tick to durable order, median", value: durable.median, unit: "µs",
                floor: .init(name: "one fdatasync", value: synced.median)),
            Figure(
                name: "tick to durable order, p99", value: durable.quantile(0.99), unit: "µs",
                floor: .init(name: "one fdatasync", value: synced.quantile(0.99))),
        ]
    }

    /// A host with one strategy that answers each trade.
    private static func host(
        _ surroundings: Surroundings, _ probe: Probe, _ placement: Placement, isInMemory: Bool
    ) async throws -> BenchHost {
        let bench = try await BenchHost(
            surroundings,
            settings: [
                "limits.orders_per_minute=1000000", "strategy.lines_per_second=1000000",
                "strategy.max_cpu_share=2",
            ], instruments: probe.instruments(processor: placement.host), isInMemory: isInMemory)
        let id = try await bench.start(
            try Programs.read("answer.py"), file: "answer.py", name: "answer",
            config: .members(["pair": .string("BTCUSDT"), "cpu_share": .number("2")]))
        try Posix.Thread.keep(try await bench.waitUntilRunning(id), on: placement.strategy)
        return bench
    }

    /// How long either side rests between two samples, in microseconds.
    private static let pace: UInt32 = 200

    func figures(_ how: String, atMostTimes limit: Double?) -> [Figure] {
        let (bare, gated) = (Samples(bare), Samples(gated))
        return [
            Figure(
                name: "tick to order, \(how), median", value: gated.median, unit: "µs",
                floor: .init(name: "bare pipe", value: bare.median),
                promise: limit.map { .atMostTimesFloor($0) }),
            Figure(
                name: "tick to order, \(how), p99", value: gated.quantile(0.99), unit: "µs",
                floor: .init(name: "bare pipe", value: bare.quantile(0.99))),
        ]
    }
}

/// What the host says of the sample under way.
private final class Probe: Sendable {
    private struct State {
        var price: UInt64 = 0
        var decision: UInt64 = 0
        var durable: UInt64 = 0
        var groups = 0
    }

    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    func instruments(processor: Int32?) -> Instruments {
        var instruments = Instruments()
        instruments.processor = processor
        instruments.onDecision = { [self] price, decision in
            state.withLock { $0 = State(price: price, decision: decision) }
        }
        instruments.onDurable = { [self] in
            let isEnd = state.withLock { state in
                guard state.price > 0 else { return false }
                state.groups += 1
                if state.groups == 1 { state.durable = MonotonicClock.nanoseconds }
                return state.groups == 2
            }
            if isEnd { ended.signal() }
        }
        return instruments
    }

    /// Waits until the order is durable and has expired at the venue, and that is durable too.
    ///
    /// - Returns: Microseconds from the price until the gate had decided, and until the order was on the disk.
    func waitForOrder() throws -> (toGate: Double, toDisk: Double) {
        guard ended.wait(timeout: .now() + 10) == .success else {
            throw MeasurementFailure("a price was not answered with an order within 10 s")
        }
        return state.withLock {
            (Double($0.decision - $0.price) / 1_000, Double($0.durable - $0.price) / 1_000)
        }
    }
}
