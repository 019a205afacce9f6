import FoundationEssentials
import Host
import Net
import Simulators
import TestSupport
import Testing
import Trading
import Vault
import Wire

/// An exchange that a whole host trades on in a test.
struct TradedExchange: Sendable, CustomTestStringConvertible {
    let simulated: SimulatedExchange
    /// The one setting that a host needs: where the exchange is.
    let setting: String
    /// Its name in `GET /health`.
    let part: String
    let symbol: String
    let base: String
    let currency: String

    var kind: String { simulated.rawValue }
    var testDescription: String { kind }

    static let binance = TradedExchange(
        simulated: .binance, setting: "venues.binance_testnet", part: "binance-testnet", symbol: "BTCUSDT",
        base: "BTC", currency: "USDT")
    static let coinDCX = TradedExchange(
        simulated: .coindcx, setting: "venues.coindcx", part: "coindcx", symbol: "BTCUSDT", base: "BTC",
        currency: "USDT")
    static let coinSpot = TradedExchange(
        simulated: .coinspot, setting: "venues.coinspot", part: "coinspot", symbol: "BTCAUD", base: "BTC",
        currency: "AUD")

    static let all = [binance, coinDCX, coinSpot]
}

/// A simulator that runs, a host in front of it, and the host after that one on the same data.
final class ExchangeRig: @unchecked Sendable {
    // @unchecked: one test uses it, one step after the other.
    let exchange: TradedExchange
    let simulator: Simulator
    private(set) var fixture: HostFixture
    private let http: HTTPClient
    private var settings: [String]

    private init(_ exchange: TradedExchange, _ settings: [String]) async throws {
        self.exchange = exchange
        var configuration = SimulatorConfiguration(exchange.simulated)
        configuration.port = 0
        configuration.keys = [SimulatorKey(key: "bk-host", secret: "bs-host", account: "main")]
        simulator = try await Simulator.start(configuration)
        http = try HTTPClient()
        let folder = Places.makeTemporaryFolder()
        try KeyFile.make(folder + "/master.key")
        self.settings =
            ["\(exchange.setting)=http://127.0.0.1:\(simulator.port)", "limits.price_distance=10"] + settings
        fixture = try await HostFixture(folder: folder, settings: self.settings)
    }

    /// Runs a test with a host before a simulator, both of which end with it.
    static func run(
        _ exchange: TradedExchange, settings: [String] = [], _ body: (ExchangeRig) async throws -> Void
    ) async throws {
        let rig = try await ExchangeRig(exchange, settings)
        do {
            _ = try await rig.fixture.host.identity.addUser(
                "ada", role: .author, password: "correct horse", by: "host")
            try await body(rig)
        } catch {
            await rig.fixture.end()
            await rig.simulator.stop()
            throw error
        }
        await rig.fixture.end()
        await rig.simulator.stop()
    }

    /// Ends the host; what happens until ``begin()`` happens without one.
    func leave() async { await fixture.host.drain() }

    /// Starts the next host on the same data.
    func begin() async throws {
        fixture = try await HostFixture(folder: fixture.folder, settings: settings)
    }

    // MARK: - What a user sets up

    /// Adds a feed of the exchange's prices and waits until it gives some.
    ///
    /// - Parameter price: Where the market is held; nil lets it move.
    func addFeed(at price: (bid: String, ask: String)? = nil) async throws {
        _ = try await fixture.host.addFeed(
            .members([
                "id": .string("prices"), "kind": .string(exchange.kind),
                "symbols": .array([.string(exchange.symbol)]), "resolutions": .array([.string("1m")]),
            ]), by: "ada")
        try await fixture.wait("the feed's prices") {
            // Streams tell what moves, and not how it stood when they were opened.
            if let price { try await hold(price.bid, price.ask) }
            return try await fixture.host.feeds().first { $0.id == "prices" }.map {
                $0.isRunning && $0.lastEvent != nil
            } ?? false
        }
    }

    func addAccount() async throws {
        _ = try await fixture.host.addAccount(
            .members([
                "id": .string("acct"), "venue": .string(exchange.kind),
                "currency": .string(exchange.currency), "balance": .string("5000"),
            ]), by: "ada")
    }

    func addCredential() async throws {
        let made = try await fixture.host.addCredential(
            .members([
                "venue": .string(exchange.kind), "account": .string("acct"), "api_key": .string("bk-host"),
                "secret": .string("bs-host"), "active": .bool(true),
            ]), by: "ada")
        #expect(made.credential.isActive)
    }

    /// Waits until the exchange's part of `GET /health` is well: instruments are known, orders are heard of.
    func waitUntilWell() async throws {
        try await fixture.wait("the exchange to be well") {
            fixture.host.health.json[exchange.part] == .string("ok")
        }
    }

    /// Uploads a puppet for the exchange's market.
    func puppet() async throws -> String {
        try await fixture.puppet("plain", #""pair":"\#(exchange.base)/\#(exchange.currency)""#)
    }

    static let options = StartOptions(feed: "prices", account: "acct")

    func order(
        _ strategy: String, _ request: String, _ side: String, _ quantity: String, price: String? = nil
    ) async throws {
        try await fixture.order(strategy, request, side, quantity, price: price, symbol: exchange.symbol)
    }

    /// Places an order, again and again while the host does not know yet what happened before its start. Gives its name.
    func orderOnceOpen(_ strategy: String, _ side: String, _ quantity: String, price: String) async throws
        -> String
    {
        var number = 0
        try await fixture.wait("an order that is not denied", about: strategy) {
            number += 1
            let asked = try await fixture.order(
                strategy, "again-\(number)", side, quantity, price: price, symbol: exchange.symbol)
            return asked.status != .denied
        }
        return "again-\(number)"
    }

    // MARK: - The simulator's own door

    /// Holds the market at a price, with plenty behind it.
    func hold(_ bid: String, _ ask: String) async throws {
        _ = try await control(
            "PUT", "market",
            [
                "symbol": .string(exchange.symbol), "bid": .string(bid), "ask": .string(ask),
                "bid_quantity": .string("1000"), "ask_quantity": .string("1000"),
            ])
    }

    /// The exchange's own books: an independent witness.
    func books() async throws -> JSONValue {
        try #require(try await control("GET", "books", nil)["accounts"]?.arrayValue?.first)
    }

    @discardableResult
    func control(
        _ method: String, _ path: String, _ body: KeyValuePairs<String, JSONValue?>?
    ) async throws -> JSONValue {
        let address = "http://127.0.0.1:\(simulator.controlPort)/_control/\(path)"
        let answer = try await http.send(
            HTTPRequest(
                method, address,
                body: body.map { .bytes(JSONValue.members($0).bytes, contentType: "application/json") }
                    ?? .none))
        try #require(answer.status < 300, "\(String(decoding: answer.body, as: UTF8.self))")
        return try JSONParser.parse(answer.body)
    }

    // MARK: - Comparing

    /// Each trade in one line, as the exchange has it.
    func tradesThere() async throws -> [String] {
        (try await books()["trades"]?.arrayValue ?? []).map { trade in
            ["side", "price", "quantity", "fee", "fee_currency"].map { trade[$0]?.stringValue ?? "?" }
                .joined(separator: " ")
        }.sorted()
    }

    /// Each fill in one line, as the host has it.
    func fillsHere(_ strategy: String) async throws -> [String] {
        try await fixture.host.fills(of: strategy, page: PageRequest(limit: 1000)).items.map {
            "\($0.side.rawValue) \($0.price) \($0.quantity) \($0.fee) \($0.feeCurrency)"
        }.sorted()
    }
}
