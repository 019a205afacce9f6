public import Net
public import Posix
public import Secrets
public import Trading
import Wire

/// CoinDCX, spot: REST for requests, Socket.IO for prices and for what happens to orders.
///
/// Source of every fact: docs.coindcx.com, read in 2026, and what others saw on the wire. What nobody is sure of is
/// handled either way; each such place says so. There are no stop, post-only or immediate-or-cancel orders, and only the
/// price of an order can be changed.
public final class CoinDCXVenue: LiveVenue {
    /// Times and sizes.
    public struct Settings: Hashable, Sendable {
        /// How often instruments are asked for.
        public var instrumentsEvery: Duration
        /// How often trades are asked for while an account's stream is away and orders of it stand.
        public var pollEvery: Duration
        /// How many trades one question brings, at most 500.
        public var tradesPerPage: Int
        /// How long an order may wait for its turn and its answer. One that waited longer is not sent.
        public var orderDeadline: Duration
        /// How long a request that was sent may still take effect unseen. The venue gives no figure.
        public var doubt: Duration
        /// Requests in a second and in a minute, for all accounts together. The venue's own pages disagree; these are
        /// the tightest of them that leaves room to work.
        public var requestsPerSecond: Int
        public var requestsPerMinute: Int
        /// How much of what a stream says may wait for the event loop; beyond, the stream is opened anew.
        public var inbox: SocketInboxLimits

        /// Sets times and sizes.
        public init(
            instrumentsEvery: Duration = .seconds(60), pollEvery: Duration = .seconds(2),
            tradesPerPage: Int = 500, orderDeadline: Duration = .seconds(5), doubt: Duration = .seconds(15),
            requestsPerSecond: Int = 16, requestsPerMinute: Int = 960,
            inbox: SocketInboxLimits = SocketInboxLimits()
        ) {
            precondition((1...500).contains(tradesPerPage))
            self.instrumentsEvery = instrumentsEvery
            self.pollEvery = pollEvery
            self.tradesPerPage = tradesPerPage
            self.orderDeadline = orderDeadline
            self.doubt = doubt
            self.requestsPerSecond = requestsPerSecond
            self.requestsPerMinute = requestsPerMinute
            self.inbox = inbox
        }

        /// How long after an order's making "no such order" is no proof.
        public var absenceGraceMilliseconds: Int64 {
            Int64((orderDeadline + doubt).wholeNanoseconds / 1_000_000)
        }
    }

    public let venue: VenueID
    public var onReport: ((AccountID, VenueReport) -> Void)?
    public var onHealth: ((VenueHealth) -> Void)?
    public var onResumed: ((AccountID) -> Void)?
    public var onInstruments: (([Instrument]) -> Void)?
    public var observer: (any AdapterObserver)? {
        get { connection.observer }
        set { connection.observer = newValue }
    }

    let addresses: CoinDCXAddresses
    let connection: VenueConnection
    let sockets: WebSocketClient
    let loop: EventLoop
    let settings: Settings
    let keys: (AccountID) -> SigningKey?
    var accounts: [AccountID: CoinDCXAccount] = [:]
    var dice: SplitMix64
    private let signedTimes: CoinDCXSignedTimes
    private lazy var listing = VenueListing<CoinDCXMarkets>(every: settings.instrumentsEvery, on: loop) {
        [weak self] in
        self?.askMarkets($0)
    } news: { [weak self] in
        self?.heardMarkets($0, $1)
    }
    private var health = VenueHealth()

    /// Makes an adapter; nothing is sent before the first request.
    ///
    /// - Parameters:
    ///   - venue: The name under which accounts refer to it.
    ///   - keys: An account's active credential; nil when it has none, and then its requests fail as unsent.
    public init(
        venue: VenueID = "coindcx", addresses: CoinDCXAddresses = .live, http: HTTPClient,
        sockets: WebSocketClient, loop: EventLoop, settings: Settings = Settings(),
        seed: UInt64 = .random(in: 0 ... .max), keys: @escaping (AccountID) -> SigningKey?
    ) {
        self.venue = venue
        self.addresses = addresses
        self.sockets = sockets
        self.loop = loop
        self.settings = settings
        self.keys = keys
        dice = SplitMix64(seed: seed)
        let times = CoinDCXSignedTimes()
        signedTimes = times
        connection = VenueConnection(
            venue: venue, base: addresses.rest,
            dialect: VenueDialect(judge: { answer, call in
                CoinDCXDialect.verdict(answer, call, signedAt: times.time(of: call))
            }),
            budget: Self.budget(settings), http: http, loop: loop, seed: dice.next())
    }

    /// What the pages name by endpoint, and the tighter figures for everything together.
    private static func budget(_ settings: Settings) -> RateBudget {
        RateBudget(windows: [
            .init(name: "second", kind: .requests, limit: settings.requestsPerSecond, interval: .seconds(1)),
            .init(name: "minute", kind: .requests, limit: settings.requestsPerMinute, interval: .seconds(60)),
            // active_orders has a limit of its own, 300 a minute; no other call has a weight.
            .init(name: "active_orders", kind: .weight, limit: 280, interval: .seconds(60)),
        ])
    }

    // MARK: - LiveVenue

    /// Serves an account from now on.
    public func open(_ account: AccountID, symbols: [String: Timestamp]) {
        if let known = accounts[account] {
            for (symbol, time) in symbols { known.use(symbol, since: time) }
            return
        }
        let known = CoinDCXAccount(account, opened: connection.venueTime, symbols: symbols)
        let socket = CoinDCXSocket(
            addresses.handshake, client: sockets, loop: loop, backoff: Backoff(), inbox: settings.inbox,
            seed: dice.next(),
            joins: { [weak self] in
                self?.keys(account).map { [CoinDCXSigning.join(key: $0)] }
            },
            news: { [weak self] in self?.heard($0, on: account) })
        known.socket = socket
        accounts[account] = known
        follow(Set(symbols.keys))
        report("orders of \(account)", "the stream is not open yet")
        socket.start()
        poll(account)
    }

    /// Lets an account go.
    public func close(_ account: AccountID) {
        accounts.removeValue(forKey: account)?.socket?.stop()
        report("orders of \(account)", nil)
    }

    /// An account's credential came, changed or went.
    public func credentialChanged(_ account: AccountID) {
        connection.credentialsChanged(account)
        accounts[account]?.socket?.restart("the credential was changed")
    }

    /// Keeps the instruments of these symbols fresh; they all come in one answer.
    public func follow(_ symbols: Set<String>) { listing.keepFresh() }

    /// A source of the venue's prices.
    public func market() -> any MarketSource { CoinDCXMarketSource(self) }

    /// Ends everything for good.
    public func end() {
        listing.end()
        for account in accounts.values { account.socket?.stop() }
        accounts = [:]
        connection.close(reason: "the host is stopping")
    }

    // MARK: - Instruments

    /// What can be traded, and in which steps.
    public func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {
        listing.ask { completion($0.map(\.instruments).mapError(\.venueFailure)) }
    }

    /// The markets as they were last told; nil before.
    var markets: CoinDCXMarkets? { listing.known }

    /// Whether what is known of markets was read within two periods, so that moving price bands may be believed.
    var isFresh: Bool { listing.age.map { $0 < settings.instrumentsEvery * 2 } ?? false }

    /// Calls back with the markets as they are known, or asks for them first. Never before this returns.
    func withMarkets(_ body: @escaping (Result<CoinDCXMarkets, CallFailure>) -> Void) {
        listing.withKnown(body)
    }

    /// A refusal may come of filters that changed: they are asked for anew, once in a while.
    func doubtMarkets() {
        guard listing.age.map({ $0 > .seconds(5) }) ?? true else { return }
        listing.ask()
    }

    private func askMarkets(_ body: @escaping (Result<CoinDCXMarkets, CallFailure>) -> Void) {
        let call = VenueConnection.Call(
            "GET", "/exchange/v1/markets_details", weight: 0, group: "market", urgency: .market,
            isRepeatable: true, deadline: .seconds(20), responseLimit: 16 << 20)
        connection.send(call) { result in
            body(
                result.flatMap { answer in
                    CoinDCXMarkets(answer.body).map { .success($0) }
                        ?? .failure(.outcomeUnknown("a list of markets that cannot be read"))
                })
        }
    }

    private func heardMarkets(
        _ read: Result<CoinDCXMarkets, CallFailure>, _ before: CoinDCXMarkets?
    ) {
        switch read {
        case .success(let fresh):
            report("instruments", nil)
            let changed = fresh.instruments.filter { before?.bySymbol[$0.symbol]?.instrument != $0 }
            if !changed.isEmpty { onInstruments?(changed) }
        case .failure(let failure): report("instruments", failure.description)
        }
    }

    // MARK: - Calls

    /// A signed call: POST with the fields and the time as body, also for questions.
    func call(
        _ path: String, _ fields: [JSONValue.Member], on account: AccountID, group: String,
        urgency: VenueConnection.Urgency, isRepeatable: Bool, weight: Int = 0, orders: Int = 0,
        deadline: Duration = .seconds(10), order: ClientOrderID? = nil
    ) -> VenueConnection.Call {
        VenueConnection.Call(
            "POST", "/exchange/v1/\(path)", weight: weight, orders: orders, group: group, urgency: urgency,
            isRepeatable: isRepeatable, deadline: deadline, account: account, order: order
        ) { [keys, venue, signedTimes] call, time throws(CallFailure) in
            guard let key = keys(account) else {
                throw .unsent("account \(account) has no active credential for \(venue)")
            }
            signedTimes.note(time, of: call)
            call.body = CoinDCXSigning.body(fields, at: time)
            call.headers += CoinDCXSigning.headers(call.body, key: key)
        }
    }

    /// A question in the name of an account.
    func question(
        _ path: String, _ fields: [JSONValue.Member], on account: AccountID, weight: Int = 0,
        order: ClientOrderID? = nil
    ) -> VenueConnection.Call {
        call(
            path, fields, on: account, group: "queries", urgency: .query, isRepeatable: true, weight: weight,
            order: order)
    }

    /// Says how something is, if that is news.
    func report(_ part: String, _ fault: String?) {
        guard health.faults[part] != fault else { return }
        health.faults[part] = fault
        onHealth?(health)
    }
}
