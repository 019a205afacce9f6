import Exchanges
import Net
import Posix
import Secrets
import Simulators
import Synchronization
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// The adapter of CoinDCX or CoinSpot in front of its simulator.
final class CoinRig: SimulatorBench, @unchecked Sendable {
    // @unchecked: `news` and `market` are touched on the loop's thread alone, `placed` is guarded by its mutex.
    private let make: Make
    private let path: String
    private let feeRate: Int128
    private var news: [MarketNews] = []
    private var market: (any MarketSource)?

    typealias Make = @Sendable (CoinRig, @escaping (AccountID) -> SigningKey?) -> any LiveVenue

    /// What a journal would have of the orders placed, by path: CoinSpot's adapter is told after a start.
    private static let placed = Mutex<[String: [Int: Order]]>([:])

    init(
        _ exchange: SimulatedExchange, path: String? = nil,
        settings: [(name: String, value: String)] = [],
        balances: [String: FixedDecimal] = [:], rights: Set<SimulatorKey.Right> = [.read, .trade],
        opens: Bool = true, make: @escaping Make
    ) async throws {
        self.make = make
        let path = path ?? "coin-\(UUID())"
        self.path = path
        // Five thousandths at the one, one at the other.
        feeRate = exchange == .coindcx ? 5 : 1
        let traits = exchange == .coindcx ? VenueTraits.coinDCX : VenueTraits.coinSpot
        try await super.init(exchange, path: path, account: "acct", traits: traits) { configuration in
            configuration.keys = [SimulatorKey(key: Self.key, secret: Self.secret, rights: rights)]
            configuration.settings = settings
            configuration.balances = balances
        }
        if opens { await open() }
    }

    /// How soon an adapter gives up.
    enum Pace {
        case usual
        /// What hangs is given up within a second.
        case hasty
        /// For a minute nothing that happens comes too late to be an order whose answer was lost, so that a test can wait
        /// for what happens.
        case patient
    }

    /// A contract's bench: short times, a market at 100, 100,000 to spend.
    static func contract(
        _ exchange: SimulatedExchange, path: String, pace: Pace = .usual
    ) async throws -> CoinRig {
        let isDCX = exchange == .coindcx
        var settings = [("requests_per_minute", "1000000")]
        if pace == .hasty, isDCX { settings += [("ping_interval_ms", "500"), ("ping_timeout_ms", "500")] }
        let rig = try await CoinRig(
            exchange, path: path, settings: settings,
            balances: [
                isDCX ? "USDT" : "AUD": FixedDecimal(100_000), "BTC": .zero, "ETH": .zero, "INR": .zero,
            ],
            opens: false
        ) { rig, keys in
            if isDCX { return rig.coinDCX(page: 3, pace: pace, keys) }
            return rig.coinSpot(pace: pace, keys)
        }
        if !rig.wasRunning {
            if isDCX {
                try await rig.control.put(
                    "instruments",
                    ["symbol": rig.symbol, "tick_size": "0.1", "step_size": "0.001", "minimum_notional": "5"])
            }
            try await rig.control.hold("100")
        }
        let orders = placed.withLock { $0[path] ?? [:] }.sorted { $0.key < $1.key }.map(\.value)
        let start = Timestamp(milliseconds: WallClock.milliseconds - 60_000)
        await rig.open(symbols: [rig.symbol: start], orders: orders)
        try await rig.waitUntilOpen()
        return rig
    }

    /// An adapter of CoinDCX that waits for nothing longer than a test may.
    func coinDCX(
        at address: String? = nil, page: Int = 500, inbox: SocketInboxLimits = SocketInboxLimits(),
        pace: Pace = .usual, _ keys: @escaping (AccountID) -> SigningKey?
    ) -> CoinDCXVenue {
        var times = CoinDCXVenue.Settings()
        times.instrumentsEvery = .seconds(1)
        times.tradesPerPage = page
        times.pollEvery = .milliseconds(100)
        times.requestsPerSecond = 500
        times.requestsPerMinute = 5_000
        times.inbox = inbox
        if pace == .hasty { times.orderDeadline = SimulatorBench.haste }
        return CoinDCXVenue(
            addresses: CoinDCXAddresses(rest: address ?? base), http: http, sockets: sockets, loop: loop,
            settings: times, seed: 7, keys: keys)
    }

    /// Likewise of CoinSpot: what takes most of a minute there takes a second here.
    func coinSpot(
        at address: String? = nil, nonces: NonceKeeper = NonceKeeper(), deals: Int = 500,
        pace: Pace = .usual, _ keys: @escaping (AccountID) -> SigningKey?
    ) -> CoinSpotVenue {
        var matching = CoinSpotVenue.Settings.Matching(
            skew: 1_000, arrival: 500, settling: 300, grace: 1_000, gone: 600)
        if pace == .patient { (matching.arrival, matching.grace) = (60_000, 60_000) }
        var times = CoinSpotVenue.Settings(matching: matching)
        times.instrumentsEvery = .seconds(1)
        times.pollEvery = .milliseconds(50)
        times.idleEvery = .milliseconds(200)
        times.pricesEvery = .milliseconds(100)
        times.orderDeadline = pace == .hasty ? SimulatorBench.haste : .seconds(2)
        if pace == .hasty { times.questionDeadline = SimulatorBench.haste * 2 }
        times.requestsPerMinute = 10_000
        times.dealsPerAnswer = deals
        return CoinSpotVenue(
            base: address ?? base, http: http, loop: loop, settings: times, nonces: nonces, seed: 7,
            keys: keys)
    }

    /// Makes an adapter and opens the account, as a host's start does.
    func open(symbols: [String: Timestamp] = [:], orders: [Order]? = []) async {
        await onLoop { [self] in
            connect(make(self) { _ in Self.signingKey() }, symbols: symbols, orders: orders)
        }
    }

    override func letGo() async {
        await onLoop { [self] in
            market?.end()
            market = nil
        }
        await super.letGo()
    }

    override func fee(_ side: Side, quantity: FixedDecimal, price: FixedDecimal) -> (
        FixedDecimal, currency: String
    ) {
        let thousandths = quantity.units / 1000 * (price.units / FixedDecimal.unitsPerOne)
        return (FixedDecimal(units: thousandths * feeRate), traits.instrument.quote)
    }

    override func place(_ number: Int, _ terms: OrderTerms) async -> Result<VenueOrderID, VenueFailure> {
        let answer = await super.place(number, terms)
        if case .success(let id) = answer {
            let order = journaled(number, terms, .open, id, at: account)
            Self.placed.withLock { $0[path, default: [:]][number] = order }
        }
        return answer
    }

    // MARK: - Prices

    func beginMarket(_ wish: MarketWish) async {
        await onLoop { [self] in
            market = live?.market()
            market?.begin(wish) { [self] in news.append($0) }
        }
    }

    @discardableResult
    func waitForNews(_ what: String, _ isDone: ([MarketNews]) -> Bool) async throws -> [MarketNews] {
        var all: [MarketNews] = []
        try await until(what, seconds: 20) {
            let seen = Mutex<[MarketNews]>([])
            await onLoop { [self] in
                let now = news
                seen.withLock { $0 = now }
            }
            all = seen.withLock { $0 }
            return isDone(all)
        }
        return all
    }

    func instruments() async throws -> [Instrument] {
        let answer: Result<[Instrument], VenueFailure> = await ask { $0.instruments($2) }
        return try answer.get()
    }

    // MARK: - The simulator's own door

    @discardableResult
    func control(_ method: String, _ path: String, _ body: String = "") async throws -> JSONValue {
        try await control.send(method, path, body.isEmpty ? nil : try JSONParser.parse(body))
    }

    func hold(_ symbol: String, _ bid: String, _ ask: String, quantity: String = "1000") async throws {
        try await control.put(
            "market",
            [
                "symbol": symbol, "bid": bid, "ask": ask, "bid_quantity": quantity, "ask_quantity": quantity,
            ])
    }

    func fault(_ rule: String) async throws { try await control("POST", "/faults", rule) }

    /// How many orders the venue has in all.
    func orderCount() async throws -> Int { try await control("GET", "")["orders"]?.intValue ?? -1 }

    // MARK: - CoinSpot

    func decide(_ order: ClientOrderID, as id: VenueOrderID?) async {
        let reference = OrderReference(clientID: order, symbol: symbol, venueOrderID: id)
        let _: Bool = await ask { [loop] venue, account, answer in
            venue.decided(reference, isThere: id != nil, on: account)
            loop.atEndOfTurn { answer(true) }
        }
    }

    /// Uses the key with a nonce of the size of microseconds.
    func spoilNonce() async throws {
        let body = Array(#"{"nonce":\#(WallClock.milliseconds * 1_000)}"#.utf8)
        let key = try #require(Self.signingKey())
        let sign = key.hmacSHA512(body).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }.joined()
        let answer = try await http.send(
            HTTPRequest(
                "POST", "\(base)/api/v2/ro/status", headers: [("key", Self.key), ("sign", sign)],
                body: .bytes(body, contentType: "application/json")))
        try #require(answer.status == 200)
    }
}

extension VenueReport {
    /// Whether it ends an order by a cancel.
    var isCancelled: Bool {
        if case .cancelled = self { true } else { false }
    }

    /// Whether a person is asked about an order.
    func isQuestion(about id: ClientOrderID) -> Bool {
        if case .ambiguous(let order, _) = self { return order == id }
        return false
    }
}

/// An order as a journal would hold it.
func journaled(
    _ number: Int, _ terms: OrderTerms, _ status: OrderStatus, _ id: VenueOrderID?,
    at account: AccountID = "acct"
) -> Order {
    let now = Timestamp(milliseconds: WallClock.milliseconds)
    let intent = OrderIntent(
        id: OrderID(Int64(number)), clientID: clientID(number), strategy: "alpha", run: "run",
        account: account, venue: "coinspot", request: nil, origin: .strategy, terms: terms,
        reservePrice: terms.price ?? d("100"), createdAt: now.advanced(byMilliseconds: -300))
    return Order(
        intent: intent, status: status, quantity: terms.quantity, price: terms.price, filledQuantity: .zero,
        filledNotional: .zero, fee: .zero, venueOrderID: id, reason: nil, cancelWanted: false,
        amendment: nil, venueFilledQuantity: .zero, inferredQuantity: .zero, updatedAt: now)
}
