import Exchanges
import Net
import Posix
import Secrets
import Simulators
import Synchronization
import Testing
import Trading
import Wire

/// An exchange's adapter in front of that exchange's simulator.
class SimulatorBench: VenueBench, @unchecked Sendable {
    // @unchecked: `live`, `resumed`, `faults` and `witness` are touched on the loop's thread alone; the rest never
    // changes.
    let simulator: Simulator
    let http: HTTPClient
    let sockets: WebSocketClient
    let control: Control
    let witness = Witness()
    private(set) var live: (any LiveVenue)?
    private var resumed = 0
    private var faults: [String: String] = [:]
    private let path: String

    static let key = "test-key"
    static let secret = "test-secret"

    /// The simulators that outlive an adapter, by the path under which a test opens it again.
    private static let running = Mutex<[String: Simulator]>([:])

    /// Starts a simulator, or takes the one that runs for the path.
    init(
        _ exchange: SimulatedExchange, path: String, account: AccountID, traits: VenueTraits,
        configure: (inout SimulatorConfiguration) -> Void
    ) async throws {
        var configuration = SimulatorConfiguration(exchange)
        configuration.port = 0
        configuration.keys = [SimulatorKey(key: Self.key, secret: Self.secret, account: "main")]
        configure(&configuration)
        let known = Self.running.withLock { $0[path] }
        let simulator: Simulator
        if let known { simulator = known } else { simulator = try await Simulator.start(configuration) }
        Self.running.withLock { $0[path] = simulator }
        self.simulator = simulator
        self.path = path
        http = try HTTPClient()
        sockets = try WebSocketClient()
        control = Control(simulator, http, symbol: traits.instrument.symbol)
        try super.init(account: account, traits: traits)
        wasRunning = known != nil
    }

    /// Whether the simulator was there already, so that its market stands as it was left.
    private(set) var wasRunning = false

    var base: String { "http://127.0.0.1:\(simulator.port)" }

    /// The credential that the simulator knows.
    static func signingKey(_ secret: String = SimulatorBench.secret) -> SigningKey? {
        // A lack of locked memory would fail the test by a refused key.
        (try? LockedBytes(Array(secret.utf8))).map { SigningKey(apiKey: Self.key, secret: $0) }
    }

    /// Connects an adapter, and opens the account as a host's start does. On the loop.
    func connect(_ venue: any LiveVenue, symbols: [String: Timestamp], orders: [Order]? = []) {
        venue.observer = witness
        venue.onResumed = { [self] _ in resumed += 1 }
        venue.onHealth = { [self] in faults = $0.faults }
        take(venue)
        live = venue
        venue.follow([symbol])
        venue.open(account, symbols: symbols)
        if let orders { (venue as? any JournalGuidedVenue)?.restore(orders, fills: [], on: account) }
    }

    override func letGo() async {
        await onLoop { [self] in
            live?.end()
            live = nil
        }
        await super.letGo()
    }

    /// Ends the simulator too, which ``close()`` leaves for the next adapter of the path.
    func end() async {
        await close()
        await Self.end(path)
    }

    /// Ends what outlives an adapter.
    static func end(_ path: String) async {
        await running.withLock { $0.removeValue(forKey: path) }?.stop()
    }

    override func move(to price: String) async throws { try await control.hold(price) }

    // MARK: - Waiting

    /// How often the stream of orders, or the looking in its place, has begun.
    func openings() async -> Int { await read { $0.resumed } }

    /// What is wrong, as the health page would have it.
    func faultsNow() async -> [String: String] { await read { $0.faults } }

    func waitUntilOpen(_ times: Int = 1) async throws {
        try await until("the stream is open") { await openings() >= times }
    }

    func until(_ what: String, seconds: Int = 15, _ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !isTrue() {
            guard ContinuousClock.now < deadline else { throw Never(what: what, faults: await faultsNow()) }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private struct Never: Error {
        let what: String
        let faults: [String: String]
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (SimulatorBench) -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            loop.perform { [self] in continuation.resume(returning: body(self)) }
        }
    }

    /// What is proven of an order, in the end: nil when it is proven not to be there.
    func settled(_ number: Int) async throws -> VenueOrder? {
        var found: VenueOrder?
        try await until("order \(number) is decided") {
            guard case .success(let answer) = await answer(about: number) else { return false }
            found = answer
            return true
        }
        return found
    }

    /// Orders a fault at one of the exchange's doors.
    func strike(
        _ door: VenueTraits.Door, _ kind: String, times: Int? = 1, _ more: [String: JSONValue] = [:]
    ) async throws {
        var members: [JSONValue.Member] = [
            .init("kind", .string(kind)), .init("method", .string(door.method)),
            .init("path", .string(door.path)),
        ]
        if let times { members.append(.init("times", .integer(times))) }
        members += more.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }
        try await control.fault(.object(members))
    }
}

/// What an exchange can and takes, as far as the contract leaves it open.
struct VenueTraits: Sendable {
    var instrument = bitcoin
    /// Whether an order's quantity can be changed, or its price alone.
    var changesQuantity = true
    /// Whether it takes our names; otherwise orders are found by what they say.
    var takesNames = true
    /// Whether it has news of orders by a stream; otherwise they are asked for.
    var hasStream = true
    /// Whether a refusal for too many requests promises that nothing was done.
    var limitsUndone = true
    /// Whether it tells steps and least values, which can change.
    var tellsSteps = true
    /// In how many pages seven trades come when three are asked for.
    var pagesOfSeven = 3
    /// What places a limit order to buy, changes it, cancels it, and asks after it.
    var place = Door("POST", "/api/v3/order")
    var change = Door("POST", "/api/v3/order/cancelReplace")
    var cancel = Door("DELETE", "/api/v3/order")
    var ask = Door("GET", "/api/v3/order")

    /// A request's method and path.
    struct Door: Sendable {
        let method: String
        let path: String

        init(_ method: String, _ path: String) {
            self.method = method
            self.path = path
        }
    }

    static let coinDCX = VenueTraits(
        changesQuantity: false, limitsUndone: false, place: Door("POST", "/exchange/v1/orders/create"),
        change: Door("POST", "/exchange/v1/orders/edit"), cancel: Door("POST", "/exchange/v1/orders/cancel"),
        ask: Door("POST", "/exchange/v1/orders/status"))

    static let coinSpot = VenueTraits(
        instrument: Instrument(
            symbol: "BTCAUD", base: "BTC", quote: "AUD", tickSize: d("0.00000001"),
            stepSize: d("0.00000001"), minimumNotional: d("1")),
        changesQuantity: false, takesNames: false, hasStream: false, tellsSteps: false, pagesOfSeven: 1,
        place: Door("POST", "/api/v2/my/buy"), change: Door("POST", "/api/v2/my/buy/edit"),
        cancel: Door("POST", "/api/v2/my/buy/cancel"), ask: Door("POST", "/api/v2/ro/my/orders/market/open"))
}

/// The simulator's control door.
struct Control {
    private let base: String
    private let http: HTTPClient
    private let symbol: String

    init(_ simulator: Simulator, _ http: HTTPClient, symbol: String) {
        base = "http://127.0.0.1:\(simulator.controlPort)/_control"
        self.http = http
        self.symbol = symbol
    }

    /// Holds the price, with plenty behind it.
    func hold(_ price: String, quantity: String = "1000000") async throws {
        try await put(
            "market",
            [
                "symbol": symbol, "bid": price, "ask": price, "bid_quantity": quantity,
                "ask_quantity": quantity,
            ])
    }

    /// Orders a fault.
    func fault(_ rule: JSONValue) async throws { try await send("POST", "/faults", rule) }

    func removeFaults() async throws { try await send("DELETE", "/faults", nil) }

    func set(_ name: String, _ value: String) async throws {
        try await send("PUT", "/settings", .object([.init(name, .string(value))]))
    }

    func put(_ path: String, _ members: [String: String]) async throws {
        try await send(
            "PUT", "/\(path)",
            .object(members.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }))
    }

    func disconnect() async throws { try await send("POST", "/disconnect", .object([])) }

    /// Trades by hand on the exchange's own page.
    func byHand(_ side: Side, _ quantity: String, price: String? = nil) async throws {
        try await send(
            "POST", "/orders",
            .members([
                "symbol": .string(symbol), "side": .string(side.rawValue), "quantity": .string(quantity),
                "price": price.map { .string($0) },
            ]))
    }

    /// The orders in the books of the exchange: an independent witness.
    func orders() async throws -> [JSONValue] {
        let books = try await send("GET", "/books", nil)
        return books["accounts"]?.arrayValue?.first?["orders"]?.arrayValue ?? []
    }

    @discardableResult
    func send(_ method: String, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
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
