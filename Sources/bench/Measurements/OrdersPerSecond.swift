import Journal
import Posix
import Wire

extension Measurement {
    /// What a host bears in front of an exchange, both in processes of their own.
    static let ordersPerSecond = Measurement(
        name: "orders-per-second",
        summary:
            "500 durable orders a second through the Binance simulator, and what each waits for its answer"
    ) { surroundings in
        let seconds = surroundings.isQuick ? 10 : 60
        // A little more than is promised, so that the pace itself does not decide.
        let paced = try await ExchangeLoad.trade(surroundings, everyMicroseconds: 9_600, seconds: seconds)
        let free = try await ExchangeLoad.trade(surroundings, everyMicroseconds: 0, seconds: seconds / 3)
        return paced.figures(", 5 strategies at an even pace", atLeast: 500)
            + free.figures(", 5 strategies with 8 in flight each", atLeast: nil)
    }
}

/// Strategies that trade without rest at an exchange in another process.
struct ExchangeLoad {
    let exchange: ExchangeProcess
    let host: ServedHost
    private(set) var strategies: [String] = []
    private let program: [UInt8]

    init(_ surroundings: Surroundings, settings: [String] = []) async throws {
        let folder = try BenchFolder()
        program = try Programs.read(file: try folder.compile("paced.c", as: "paced", ["-static"]))
        exchange = try ExchangeProcess(surroundings)
        host = try await ServedHost(surroundings, on: exchange, settings: settings)
    }

    /// Starts strategies that wait for a word, or trade at once.
    mutating func add(
        _ count: Int, name: String, everyMicroseconds pace: Int, starts: Bool = false
    ) async throws -> [String] {
        var added: [String] = []
        for number in 0..<count {
            added.append(
                try await host.start(
                    program, name: "\(name)-\(number)",
                    parameters: ["every_us": .integer(pace), "starts": .integer(starts ? 1 : 0)]))
        }
        strategies += added
        return added
    }

    func signal(_ action: String, to ids: [String]) async throws {
        for id in ids { try await host.signal(action, to: id) }
    }

    func end() throws {
        try host.end()
        try exchange.end()
    }

    /// What came of it.
    struct Result {
        var orders = 0.0
        var seen = 0.0
        /// The worst of the strategies' medians and 99th percentiles, in milliseconds.
        var median = 0.0
        var late = 0.0
        var perCommit = 0.0
        /// Shares of one processor.
        var hostShare = 0.0
        var exchangeShare = 0.0
        var roundTrip = 0.0
        var sync = 0.0
    }

    static func trade(
        _ surroundings: Surroundings, everyMicroseconds pace: Int, seconds: Int
    ) async throws -> Result {
        var result = Result()
        result.sync = try await Posix.Thread.run {
            let file = try SyncedFile()
            return Samples(try (0..<200).map { _ in try file.write() }).median / 1_000
        }
        var load = try await ExchangeLoad(surroundings)
        var trips: [Double] = []
        for _ in 0..<200 { trips.append(try await load.exchange.roundTrip()) }
        result.roundTrip = Samples(trips).median
        let ids = try await load.add(5, name: "paced", everyMicroseconds: pace)
        try await load.signal("GO", to: ids)
        try await Task.sleep(for: .seconds(3))
        try await load.measure(ids, seconds: seconds, pace, into: &result)
        try await load.signal("HALT", to: ids)
        try load.end()
        return result
    }

    private func measure(_ ids: [String], seconds: Int, _ pace: Int, into result: inout Result) async throws {
        // Forgets what was noted so far; who keeps orders in flight goes on with them.
        try await signal("GO", to: ids)
        let clock = ContinuousClock()
        let (before, begin) = (try await counts(), clock.now)
        try await clock.sleep(for: .seconds(seconds))
        let (after, end) = (try await counts(), clock.now)
        let time = (end - begin) / .seconds(1)
        result.orders = (after.durable - before.durable) / time
        result.seen = (after.seen - before.seen) / time
        result.perCommit = (after.durable - before.durable) / (after.commits - before.commits)
        result.hostShare = (after.host - before.host) / time * 100
        result.exchangeShare = (after.exchange - before.exchange) / time * 100
        for id in ids {
            try await host.signal("REPORT", to: id)
            let words = try await host.line("waits ", of: id, beyond: 0).split(separator: " ").compactMap {
                Double($0)
            }
            guard words.count == 4 else { throw MeasurementFailure("\(id) reports \(words)") }
            result.median = max(result.median, words[1] / 1_000)
            result.late = max(result.late, words[2] / 1_000)
        }
    }

    private struct Counts {
        var durable: Double
        var seen: Double
        var commits: Double
        var host: Double
        var exchange: Double
    }

    private func counts() async throws -> Counts {
        var options = DatabaseOptions()
        options.check = .none
        options.readsOnly = true
        let journal = try Database(path: host.data + "/journal.db", options: options)
        let sql = "SELECT count(*) FROM desk_orders WHERE status = 'filled'"
        return Counts(
            durable: Double(try journal.first(sql) { try $0.int(0) } ?? 0),
            seen: Double(try await exchange.orderCount()),
            commits: try await host.metric("bullpen_journal_commits_total{database=\"journal\"}"),
            host: Processes.processorSeconds(of: host.pid) ?? 0,
            exchange: Processes.processorSeconds(of: exchange.pid) ?? 0)
    }
}

extension ExchangeLoad.Result {
    func figures(_ how: String, atLeast promise: Double?) -> [Figure] {
        [
            Figure(
                name: "durable orders at an exchange\(how)", value: orders, unit: "orders/s",
                promise: promise.map { .atLeast($0) }),
            Figure(name: "of them as the exchange counts", value: seen, unit: "orders/s"),
            Figure(
                name: "order to the venue's answer, median", value: median, unit: "ms",
                floor: .init(name: "one fdatasync and a question to the exchange", value: sync + roundTrip)),
            Figure(
                name: "order to the venue's answer, p99", value: late, unit: "ms",
                floor: .init(name: "one fdatasync and a question to the exchange", value: sync + roundTrip)),
            Figure(name: "orders a commit", value: perCommit, unit: "orders"),
            Figure(name: "the host's processor time", value: hostShare, unit: "% of a core"),
            Figure(name: "the exchange's processor time", value: exchangeShare, unit: "% of a core"),
        ]
    }
}
