import Host
import Journal
import Posix
import Wire

extension Measurement {
    /// What the whole path bears, from strategies to the disk and back.
    static let orderThroughput = Measurement(
        name: "order-throughput",
        summary: "durable orders a second of 50 native strategies with 32 orders in flight each"
    ) { surroundings in
        let folder = try BenchFolder()
        let alone = try JournalLoad.alone(rows: 3_000, path: folder.path + "/alone.db")
        let durable = try await Crowd(surroundings, size: 50, folder).trade(seconds: 10)
        return [
            Figure(
                name: "durable orders, 50 strategies", value: durable, unit: "orders/s",
                floor: .init(name: "SQLite, FULL, one commit each", value: alone),
                promise: .atLeast(10_000))
        ]
    }
}

/// Strategies that do nothing but send orders.
private struct Crowd {
    private let bench: BenchHost
    private let ids: [String]

    init(_ surroundings: Surroundings, size: Int, _ folder: BenchFolder) async throws {
        let program = try Programs.read(file: try folder.compile("orders.c", as: "orders", ["-static"]))
        bench = try await BenchHost(
            surroundings,
            settings: [
                "limits.orders_per_minute=1000000", "limits.open_orders=100000",
                "limits.position_notional=1000000000000", "strategy.lines_per_second=1000000",
                "paper.starting_balance=1000000000",
            ])
        var ids: [String] = []
        for number in 0..<size {
            ids.append(
                try await bench.start(
                    program, file: "orders", name: "orders-\(number)",
                    config: .members(["pair": .string("BTCUSDT")])))
        }
        for id in ids { try await bench.waitUntilRunning(id) }
        self.ids = ids
    }

    /// Orders a second that another connection to the journal can see, over the given time.
    func trade(seconds: Int) async throws -> Double {
        bench.host.post([.benchTrade(0)], into: "injected")
        try await signalAll()
        try await Task.sleep(for: .seconds(2))
        let clock = ContinuousClock()
        let (before, begin) = (try durableOrders(), clock.now)
        try await clock.sleep(for: .seconds(seconds))
        let (after, end) = (try durableOrders(), clock.now)
        try await signalAll()
        await bench.end()
        return Double(after - before) / ((end - begin) / .seconds(1))
    }

    private func signalAll() async throws {
        for id in ids { _ = try await bench.host.deliver(SignalRequest(action: "GO"), to: id, by: "bench") }
    }

    /// Orders that passed the gate and are on disk.
    private func durableOrders() throws -> Int {
        let journal = try Database(path: bench.data + "/journal.db")
        let sql = "SELECT count(*) FROM desk_orders WHERE status NOT IN ('denied', 'not_placed')"
        return try journal.first(sql) { try $0.int(0) } ?? 0
    }
}
