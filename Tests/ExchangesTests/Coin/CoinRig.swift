import Exchanges
import Net
import Posix
import Secrets
import Simulators
import Synchronization
import Testing
import Trading
import Wire

/// An adapter on an event loop before a simulator of its venue, with what a test needs: to ask and wait, to order faults,
/// and to look into the simulator's own books.
final class CoinRig: @unchecked Sendable {
    // @unchecked: `venue`, `reports` and `news` are touched on the loop's thread alone; the rest never changes.
    let loop: EventLoop
    let http: HTTPClient
    let sockets: WebSocketClient
    let simulator: Simulator
    let base: String
    private let make: Make
    private var venue: (any LiveVenue)?
    private var reports: [VenueReport] = []
    private var news: [MarketNews] = []
    private var market: (any MarketSource)?
    private var resumed = 0

    typealias Make = @Sendable (CoinRig, @escaping (AccountID) -> SigningKey?) -> any LiveVenue

    static let key = "test-key"
    static let secret = "test-secret"

    init(
        _ exchange: SimulatedExchange, settings: [(name: String, value: String)] = [],
        rights: Set<SimulatorKey.Right> = [.read, .trade], opens: Bool = true, make: @escaping Make
    ) async throws {
        loop = try EventLoop(name: "floor")
        http = try HTTPClient()
        sockets = try WebSocketClient()
        var configuration = SimulatorConfiguration(exchange)
        configuration.port = 0
        configuration.keys = [SimulatorKey(key: Self.key, secret: Self.secret, rights: rights)]
        configuration.settings = settings
        simulator = try await Simulator.start(configuration)
        base = "http://127.0.0.1:\(simulator.port)"
        self.make = make
        if opens { await open() }
    }

    /// Makes an adapter and opens the account, as a host's start does.
    func open(symbols: [String: Timestamp] = [:], orders: [Order]? = []) async {
        let secret = Array(Self.secret.utf8)
        await onLoop { [self] in
            let venue = make(self) { _ in
                // A lack of locked memory would fail the test by a refused key.
                (try? LockedBytes(secret)).map { SigningKey(apiKey: Self.key, secret: $0) }
            }
            venue.onReport = { [self] _, report in reports.append(report) }
            venue.onResumed = { [self] _ in resumed += 1 }
            venue.open("acct", symbols: symbols)
            if let orders { (venue as? any JournalGuidedVenue)?.restore(orders, fills: [], on: "acct") }
            self.venue = venue
        }
    }

    /// Lets go of the adapter, as a host's end does.
    func letGo() async {
        await onLoop { [self] in
            market?.end()
            market = nil
            venue?.end()
            venue = nil
        }
    }

    func close() async {
        await letGo()
        loop.stop()
        await simulator.stop()
    }

    // MARK: - Asking

    func onLoop(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            loop.perform {
                body()
                continuation.resume()
            }
        }
    }

    func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (any LiveVenue, @escaping (Answer) -> Void) -> Void
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            loop.perform { [self] in
                guard let venue else { preconditionFailure("the venue is gone") }
                let isBack = Flag()
                body(venue) { answer in
                    precondition(isBack.isSet, "a completion came before its call returned")
                    continuation.resume(returning: answer)
                }
                isBack.isSet = true
            }
        }
    }

    func place(_ number: Int, _ terms: OrderTerms) async -> Result<VenueOrderID, VenueFailure> {
        await ask { $0.place(PlaceRequest(clientID: clientID(number), terms: terms), on: "acct", $1) }
    }

    func cancel(_ reference: OrderReference) async -> Result<Void, VenueFailure> {
        await ask { $0.cancel(reference, on: "acct", $1) }
    }

    func amend(_ reference: OrderReference, _ wish: Amendment) async -> Result<Amendment, VenueFailure> {
        await ask { $0.amend(reference, to: wish, on: "acct", $1) }
    }

    func status(_ reference: OrderReference) async -> Result<VenueOrder?, VenueFailure> {
        await ask { $0.status(of: reference, on: "acct", $1) }
    }

    func openOrders() async throws -> [VenueOrder] {
        let answer: Result<[VenueOrder], VenueFailure> = await ask { $0.openOrders(on: "acct", $1) }
        return try answer.get()
    }

    func page(after cursor: String?) async throws -> TradePage {
        let answer: Result<TradePage, VenueFailure> = await ask { $0.trades(on: "acct", after: cursor, $1) }
        return try answer.get()
    }

    func balances() async throws -> [VenueBalance] {
        let answer: Result<[VenueBalance], VenueFailure> = await ask { $0.balances(on: "acct", $1) }
        return try answer.get()
    }

    func instruments() async throws -> [Instrument] {
        let answer: Result<[Instrument], VenueFailure> = await ask { $0.instruments($1) }
        return try answer.get()
    }

    // MARK: - News

    func takeReports() async -> [VenueReport] {
        let taken = Mutex<[VenueReport]>([])
        await onLoop { [self] in
            let all = reports
            taken.withLock { $0 = all }
            reports = []
        }
        return taken.withLock { $0 }
    }

    /// Waits until what `isDone` looks for has been told; gives all that was.
    @discardableResult
    func wait(
        for what: String, seconds: Int = 15, _ isDone: ([VenueReport]) -> Bool
    ) async throws -> [VenueReport] {
        var told: [VenueReport] = []
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            told += await takeReports()
            if isDone(told) { return told }
            guard ContinuousClock.now < deadline else { throw NotTold(what: what, told: told) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    struct NotTold: Error {
        let what: String
        let told: [VenueReport]
    }

    /// Waits until an account's stream, or the looking in its place, has begun.
    func waitForStream(_ count: Int = 1) async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            let seen = Mutex(0)
            await onLoop { [self] in
                let now = resumed
                seen.withLock { $0 = now }
            }
            if seen.withLock({ $0 }) >= count { return }
            guard ContinuousClock.now < deadline else { throw NotTold(what: "a stream", told: []) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func beginMarket(_ wish: MarketWish) async {
        await onLoop { [self] in
            market = venue?.market()
            market?.begin(wish) { [self] in news.append($0) }
        }
    }

    @discardableResult
    func waitForNews(_ what: String, _ isDone: ([MarketNews]) -> Bool) async throws -> [MarketNews] {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let seen = Mutex<[MarketNews]>([])
            await onLoop { [self] in
                let now = news
                seen.withLock { $0 = now }
            }
            let all = seen.withLock { $0 }
            if isDone(all) { return all }
            guard ContinuousClock.now < deadline else {
                throw NotTold(what: "\(what); told were \(all.suffix(20))", told: [])
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: - The simulator's own door

    @discardableResult
    func control(_ method: String, _ path: String, _ body: String = "") async throws -> JSONValue {
        let answer = try await http.send(
            HTTPRequest(
                method, "\(base)/_control\(path)",
                body: body.isEmpty ? .none : .bytes(Array(body.utf8), contentType: "application/json")))
        try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
        return try JSONParser.parse(answer.body)
    }

    func hold(_ symbol: String, _ bid: String, _ ask: String, quantity: String = "1000") async throws {
        try await control(
            "PUT", "/market",
            #"{"symbol":"\#(symbol)","bid":"\#(bid)","ask":"\#(ask)","bid_quantity":"\#(quantity)","ask_quantity":"\#(quantity)"}"#
        )
    }

    func fault(_ rule: String) async throws { try await control("POST", "/faults", rule) }

    func set(_ name: String, _ value: String) async throws {
        try await control("PUT", "/settings", #"{"\#(name)":"\#(value)"}"#)
    }

    /// How many orders the venue has in all.
    func orderCount() async throws -> Int { try await control("GET", "")["orders"]?.intValue ?? -1 }
}

extension VenueReport {
    /// The trade that it tells, if it tells one.
    var toldTrade: VenueTrade? {
        if case .trade(let trade) = self { trade } else { nil }
    }

    /// Whether it ends an order by a cancel.
    var isCancelled: Bool {
        if case .cancelled = self { true } else { false }
    }
}

extension VenueReport {
    /// Whether a person is asked about an order.
    func isQuestion(about id: ClientOrderID) -> Bool {
        if case .ambiguous(let order, _) = self { return order == id }
        return false
    }
}

enum WallClockNow {
    static var milliseconds: Int64 { WallClock.milliseconds }
}

extension CoinRig {
    func decide(_ order: ClientOrderID, as id: VenueOrderID?) async {
        let reference = OrderReference(clientID: order, symbol: "BTCAUD", venueOrderID: id)
        await withVenue { $0.decided(reference, isThere: id != nil, on: "acct") }
    }

    private func withVenue(_ body: @escaping @Sendable (any LiveVenue) -> Void) async {
        let _: Bool = await ask { [loop] venue, answer in
            body(venue)
            loop.atEndOfTurn { answer(true) }
        }
    }

    /// Uses the key with a nonce of the size of microseconds.
    func spoilNonce() async throws {
        let body = Array(#"{"nonce":\#(WallClock.milliseconds * 1_000)}"#.utf8)
        let key = SigningKey(apiKey: Self.key, secret: try LockedBytes(Array(Self.secret.utf8)))
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
