import Exchanges
import Net
import Posix
import Secrets
import Simulators
import Synchronization
import Testing
import Trading
import Wire

/// Binance's adapter in front of Binance's simulator.
final class BinanceBench: VenueBench, @unchecked Sendable {
    // @unchecked: `binance` and `isOpen` are touched on the loop's thread alone.
    let simulator: Simulator
    let http: HTTPClient
    let sockets: WebSocketClient
    private(set) var binance: BinanceVenue?
    private var isOpen = 0
    private var faults: [String: String] = [:]

    static let secret = "bs-test"
    static let key = SimulatorKey(key: "bk-test", secret: secret, account: "main")

    /// The simulators that outlive an adapter, by the path under which a test opens it again.
    private static let running = Mutex<[String: Simulator]>([:])

    /// Starts a simulator whose market stands at 100, or takes the one that runs for the path.
    static func simulator(_ path: String, settings: [(name: String, value: String)] = []) async throws
        -> Simulator
    {
        if let known = running.withLock({ $0[path] }) { return known }
        var configuration = SimulatorConfiguration(.binance)
        configuration.port = 0
        configuration.keys = [key]
        configuration.balances = ["USDT": FixedDecimal(100_000), "BTC": .zero, "ETH": .zero]
        // So far from the simulated market's own prices no band may apply.
        configuration.settings = [
            ("percent_price_up", "1000000"), ("percent_price_down", "0"), ("orders_per_10s", "100000"),
            ("weight_per_minute", "1000000"),
        ]
        configuration.settings += settings
        let simulator = try await Simulator.start(configuration)
        running.withLock { $0[path] = simulator }
        let control = Control(simulator, try HTTPClient())
        try await control.put(
            "instruments",
            [
                "symbol": "BTCUSDT", "tick_size": "0.1", "step_size": "0.001", "minimum_notional": "5",
            ])
        try await control.hold("100")
        return simulator
    }

    /// Ends what outlives an adapter.
    static func end(_ path: String) async {
        await running.withLock { $0.removeValue(forKey: path) }?.stop()
    }

    init(
        path: String, settings: [(name: String, value: String)] = [], secret: String? = BinanceBench.secret,
        timing: BinanceVenue.Settings? = nil, address: String? = nil
    ) async throws {
        simulator = try await Self.simulator(path, settings: settings)
        http = try HTTPClient()
        sockets = try WebSocketClient()
        try super.init(account: "main")
        let key = try secret.map {
            SigningKey(apiKey: Self.key.name, secret: try LockedBytes(Array($0.utf8)))
        }
        let times = timing ?? BinanceVenue.Settings(instrumentsEvery: .seconds(3600), tradesPerPage: 3)
        let place = address ?? "http://127.0.0.1:\(simulator.port)"
        await onLoop { [self] in
            let venue = BinanceVenue(
                venue: "binance-testnet", addresses: BinanceAddresses(rest: place), http: http,
                sockets: sockets, loop: loop, settings: times, seed: 1, keys: { _ in key })
            binance = venue
            venue.onResumed = { [self] _ in isOpen += 1 }
            venue.onHealth = { [self] in faults = $0.faults }
            take(venue)
            venue.follow(["BTCUSDT"])
            venue.open("main", symbols: ["BTCUSDT": Timestamp(milliseconds: WallClock.milliseconds - 60_000)])
        }
        // A wrong secret's stream never opens, nor does one that nobody answers.
        if secret == Self.secret, address == nil { try await waitUntilOpen() }
    }

    var control: Control { Control(simulator, http) }

    /// How often the stream of orders has been opened.
    func openings() async -> Int { await read { $0.isOpen } }

    /// What is wrong, as the health page would have it.
    func faultsNow() async -> [String: String] { await read { $0.faults } }

    func waitUntilOpen(_ times: Int = 1) async throws {
        try await until("the stream is open") { await openings() >= times }
    }

    func until(_ what: String, seconds: Int = 15, _ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !isTrue() {
            guard ContinuousClock.now < deadline else {
                throw Never(what: what, faults: await faultsNow())
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private struct Never: Error {
        let what: String
        let faults: [String: String]
    }

    private func read<Value: Sendable>(_ body: @escaping @Sendable (BinanceBench) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            loop.perform { [self] in continuation.resume(returning: body(self)) }
        }
    }

    override func fee(_ side: Side, quantity: FixedDecimal, price: FixedDecimal) -> (
        FixedDecimal, currency: String
    ) {
        side == .buy
            ? (FixedDecimal(units: quantity.units / 1000), "BTC")
            : (FixedDecimal(units: quantity.units / 1000 * (price.units / FixedDecimal.unitsPerOne)), "USDT")
    }

    override func move(to price: String) async throws {
        try await control.hold(price)
    }

    override func letGo() async {
        await onLoop { [self] in
            binance?.end()
            binance = nil
        }
        await super.letGo()
    }
}

extension SimulatorKey {
    /// The key itself, which a simulator keeps to itself.
    var name: String { "bk-test" }
}

/// The simulator's control door.
struct Control {
    private let base: String
    private let http: HTTPClient

    init(_ simulator: Simulator, _ http: HTTPClient) {
        base = "http://127.0.0.1:\(simulator.controlPort)/_control/"
        self.http = http
    }

    /// Holds the price of BTCUSDT, with plenty behind it.
    func hold(_ price: String, quantity: String = "1000000") async throws {
        try await put(
            "market",
            [
                "symbol": "BTCUSDT", "bid": price, "ask": price, "bid_quantity": quantity,
                "ask_quantity": quantity,
            ])
    }

    /// Orders a fault.
    func fault(_ members: KeyValuePairs<String, JSONValue?>) async throws {
        _ = try await send("POST", "faults", .members(members))
    }

    func removeFaults() async throws { _ = try await send("DELETE", "faults", nil) }

    func set(_ name: String, _ value: String) async throws {
        _ = try await send("PUT", "settings", .object([.init(name, .string(value))]))
    }

    func put(_ path: String, _ members: [String: String]) async throws {
        _ = try await send(
            "PUT", path, .object(members.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }))
    }

    func disconnect() async throws { _ = try await send("POST", "disconnect", .object([])) }

    /// Trades by hand on the exchange's own page.
    func byHand(_ side: Side, _ quantity: String, price: String? = nil) async throws {
        _ = try await send(
            "POST", "orders",
            .members([
                "symbol": .string("BTCUSDT"), "side": .string(side.rawValue), "quantity": .string(quantity),
                "price": price.map { .string($0) },
            ]))
    }

    /// The orders in the books of the exchange: an independent witness.
    func orders() async throws -> [JSONValue] {
        let books = try await send("GET", "books", nil)
        return books["accounts"]?.arrayValue?.first?["orders"]?.arrayValue ?? []
    }

    private func send(_ method: String, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        let answer = try await http.send(
            HTTPRequest(
                method, base + path,
                body: body.map { .bytes($0.bytes, contentType: "application/json") } ?? .none))
        let value = try JSONParser.parse(answer.body)
        guard answer.status < 300 else { throw Refused(words: value.text) }
        return value
    }

    private struct Refused: Error { let words: String }
}
