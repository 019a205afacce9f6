public import Net
public import Posix
public import Secrets
public import Trading
import Wire

/// CoinSpot, spot, version 2: requests and polling; it has no streams.
///
/// Source of every fact: https://www.coinspot.com.au/v2/api, read in 2026, and what others saw on the wire. It takes no
/// name of ours with an order and has no call for the status of one; ``CoinSpotLedger`` is how orders are found again. It
/// must be told at the start which orders are ours, see ``restore(_:fills:on:)``: the journal is the one place that keeps
/// which of our orders goes under which of the venue's ids.
///
/// Limit orders rest in the book. A market order is an *instant* order with a guard against slippage; it has no id and a
/// fee of its own. There are no stop, post-only or immediate-or-cancel orders, and only the rate can be changed.
public final class CoinSpotVenue: LiveVenue, JournalGuidedVenue {
    /// Times and sizes.
    public struct Settings: Hashable, Sendable {
        /// How often the list of markets is read.
        public var instrumentsEvery: Duration
        /// How often an account is looked at while an order of ours stands or is in question.
        public var pollEvery: Duration
        /// How often otherwise.
        public var idleEvery: Duration
        /// How old the last look may be when an order is placed; otherwise there is one first, so that what was there
        /// before is not taken for ours. Nought looks before every order.
        public var lookBefore: Duration
        /// How often a feed asks for each symbol's book and deals.
        public var pricesEvery: Duration
        /// How long an order may wait for its turn and its answer. One that waited longer is not sent.
        public var orderDeadline: Duration
        /// How long a question may wait for its turn and its answer, repeats included.
        public var questionDeadline: Duration
        /// How far the price may have moved against a market order, in percent.
        public var slippagePercent: FixedDecimal
        /// The least worth of an order in what it is paid in. The venue gives no figure for orders in the book.
        public var minimumNotional: FixedDecimal
        /// The venue's limit, a little below.
        public var requestsPerMinute: Int
        /// How many deals one answer holds at most: the venue's own limit, 500. Of a time in which there were as many they
        /// are asked for day by day.
        public var dealsPerAnswer: Int
        /// How orders whose answer was lost are looked for.
        public var matching: Matching

        /// How orders whose answer was lost are looked for, in milliseconds.
        public struct Matching: Hashable, Sendable {
            /// How far the venue's clock may be from ours.
            public var skew: Int64
            /// How long after it left a request may still be carried out.
            public var arrival: Int64
            /// So long after the sending the lists are believed to be complete enough to decide.
            public var settling: Int64
            /// So long after the sending an order that no list shows was not placed.
            public var grace: Int64
            /// How long an order that nobody cancelled may be gone before its deals have to be there.
            public var gone: Int64

            /// Sets times.
            public init(
                skew: Int64 = 2_000, arrival: Int64 = 30_000, settling: Int64 = 3_000, grace: Int64 = 45_000,
                gone: Int64 = 15_000
            ) {
                precondition(skew >= 0 && arrival >= 0 && settling >= 0 && grace >= arrival && gone >= 0)
                self.skew = skew
                self.arrival = arrival
                self.settling = settling
                self.grace = grace
                self.gone = gone
            }
        }

        /// Sets times and sizes.
        public init(
            instrumentsEvery: Duration = .seconds(60), pollEvery: Duration = .seconds(2),
            idleEvery: Duration = .seconds(30), lookBefore: Duration = .zero,
            pricesEvery: Duration = .seconds(5), orderDeadline: Duration = .seconds(10),
            questionDeadline: Duration = .seconds(20),
            slippagePercent: FixedDecimal = .one, minimumNotional: FixedDecimal = .one,
            requestsPerMinute: Int = 900, dealsPerAnswer: Int = 500, matching: Matching = Matching()
        ) {
            precondition(slippagePercent.isPositive && !minimumNotional.isNegative)
            precondition((1...500).contains(dealsPerAnswer))
            self.instrumentsEvery = instrumentsEvery
            self.pollEvery = pollEvery
            self.idleEvery = idleEvery
            self.lookBefore = lookBefore
            self.pricesEvery = pricesEvery
            self.orderDeadline = orderDeadline
            self.questionDeadline = questionDeadline
            self.slippagePercent = slippagePercent
            self.minimumNotional = minimumNotional
            self.requestsPerMinute = requestsPerMinute
            self.dealsPerAnswer = dealsPerAnswer
            self.matching = matching
        }

        /// How long after an order's making "no such order" is no proof.
        public var absenceGraceMilliseconds: Int64 {
            Int64(orderDeadline.wholeNanoseconds / 1_000_000) + matching.grace
        }
    }

    /// The exchange itself. There is no test network.
    public static let live = "https://www.coinspot.com.au"

    public let venue: VenueID
    public var onReport: ((AccountID, VenueReport) -> Void)?
    public var onHealth: ((VenueHealth) -> Void)?
    public var onResumed: ((AccountID) -> Void)?
    public var onInstruments: (([Instrument]) -> Void)?
    public var observer: (any AdapterObserver)? {
        get { connection.observer }
        set { connection.observer = newValue }
    }

    static let fullStatus = "/api/v2/status"

    let connection: VenueConnection
    let loop: EventLoop
    let settings: Settings
    let keys: (AccountID) -> SigningKey?
    var accounts: [AccountID: CoinSpotAccount] = [:]
    private lazy var listing = VenueListing<CoinSpotMarkets>(every: settings.instrumentsEvery, on: loop) {
        [weak self] in
        self?.askMarkets($0)
    } news: { [weak self] in
        self?.heardMarkets($0, $1)
    }
    let nonces: NonceKeeper
    /// Under which name the nonces of an account's key are kept.
    var nonceNames: [AccountID: String] = [:]
    private var health = VenueHealth()

    /// Makes an adapter; nothing is sent before the first request.
    ///
    /// - Parameters:
    ///   - venue: The name under which accounts refer to it.
    ///   - base: Scheme and host of the venue, or of something that speaks like it.
    ///   - nonces: Shared by all who sign with the same keys, and kept from one host to the next.
    ///   - keys: An account's active credential; nil when it has none, and then its requests fail as unsent.
    public init(
        venue: VenueID = "coinspot", base: String = CoinSpotVenue.live, http: HTTPClient, loop: EventLoop,
        settings: Settings = Settings(), nonces: NonceKeeper = NonceKeeper(),
        seed: UInt64 = .random(in: 0 ... .max), keys: @escaping (AccountID) -> SigningKey?
    ) {
        self.venue = venue
        self.loop = loop
        self.nonces = nonces
        self.settings = settings
        self.keys = keys
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        let onNonce = NonceListener()
        connection = VenueConnection(
            venue: venue, base: base,
            dialect: VenueDialect(judge: { answer, call in
                let verdict = CoinSpotDialect.verdict(answer, call)
                if case .nonceWrong = verdict, let account = call.account { onNonce.heard(account, answer) }
                return verdict
            }),
            budget: RateBudget(windows: [
                .init(
                    name: "minute", kind: .requests, limit: settings.requestsPerMinute,
                    interval: .seconds(60))
            ]),
            http: http, loop: loop, seed: seed)
        onNonce.heard = { [weak self] account, answer in self?.raiseNonce(of: account, after: answer) }
    }

    private final class NonceListener {
        var heard: (AccountID, VenueAnswer) -> Void = { _, _ in }
    }

    // MARK: - LiveVenue

    /// Serves an account. Nothing is asked before ``restore(_:fills:on:)``: an order of ours that is not known to be would
    /// be taken for somebody else's.
    public func open(_ account: AccountID, symbols: [String: Timestamp]) {
        if let known = accounts[account] { return known.begin(at: symbols.values.min()) }
        let known = CoinSpotAccount(account, start: connection.venueTime, settings: settings.matching)
        known.begin(at: symbols.values.min())
        accounts[account] = known
        report("orders of \(account)", "it was not looked at yet")
        listing.keepFresh()
    }

    /// Lets an account go.
    public func close(_ account: AccountID) {
        accounts.removeValue(forKey: account)?.isClosed = true
        report("orders of \(account)", nil)
    }

    /// An account's credential came, changed or went.
    public func credentialChanged(_ account: AccountID) {
        connection.credentialsChanged(account)
        // Another key has another counter.
        nonceNames[account] = nil
        accounts[account]?.mayTrade = nil
        accounts[account]?.leaps = 0
        poll(account, after: .zero)
    }

    /// Keeps the instruments of these symbols fresh; they all come in one answer.
    public func follow(_ symbols: Set<String>) { listing.keepFresh() }

    /// A source of the venue's prices.
    public func market() -> any MarketSource { CoinSpotMarketSource(self) }

    /// Ends everything for good.
    public func end() {
        listing.end()
        for account in accounts.values { account.isClosed = true }
        accounts = [:]
        connection.close(reason: "the host is stopping")
    }

    // MARK: - Instruments

    /// What can be traded, and in which steps.
    public func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {
        listing.ask { completion($0.map(\.instruments).mapError(\.venueFailure)) }
    }

    /// The markets as they were last told; nil before.
    var markets: CoinSpotMarkets? { listing.known }

    /// Calls back with the markets as they are known, or asks for them first. Never before this returns.
    func withMarkets(_ body: @escaping (Result<CoinSpotMarkets, CallFailure>) -> Void) {
        listing.withKnown(body)
    }

    private func askMarkets(_ body: @escaping (Result<CoinSpotMarkets, CallFailure>) -> Void) {
        connection.send(publicCall("/pubapi/v2/latest")) { [settings] result in
            body(
                result.flatMap { answer in
                    CoinSpotMarkets(answer.body, minimumNotional: settings.minimumNotional).map {
                        .success($0)
                    }
                        ?? .failure(.outcomeUnknown("a list of prices that cannot be read"))
                })
        }
    }

    private func heardMarkets(
        _ read: Result<CoinSpotMarkets, CallFailure>, _ before: CoinSpotMarkets?
    ) {
        switch read {
        case .success(let fresh):
            report("instruments", nil)
            let changed = fresh.instruments.filter { before?.bySymbol[$0.symbol] == nil }
            if !changed.isEmpty { onInstruments?(changed) }
        case .failure(let failure): report("instruments", failure.description)
        }
    }

    // MARK: - Calls

    func publicCall(_ path: String) -> VenueConnection.Call {
        VenueConnection.Call(
            "GET", path, group: "market", urgency: .market, isRepeatable: true,
            deadline: settings.questionDeadline)
    }

    /// A signed call. Those of one account go one after the other: its nonces must arrive in order.
    func call(
        _ path: String, _ fields: [JSONValue.Member] = [], on account: AccountID, group: String,
        urgency: VenueConnection.Urgency, isRepeatable: Bool, query: [(name: String, value: String)] = [],
        deadline: Duration? = nil, order: ClientOrderID? = nil
    ) -> VenueConnection.Call {
        VenueConnection.Call(
            "POST", path, query: query, group: group, urgency: urgency, isRepeatable: isRepeatable,
            deadline: deadline ?? settings.questionDeadline, lane: "\(account)", account: account,
            order: order
        ) { [weak self] call, time throws(CallFailure) in
            guard let self else { throw .unsent("the venue is gone") }
            guard let key = keys(account) else {
                throw .unsent("account \(account) has no active credential for \(venue)")
            }
            call.body = CoinSpotSigning.body(fields, nonce: try nonce(of: account, at: time))
            call.headers += CoinSpotSigning.headers(call.body, key: key)
        }
    }

    /// A question by the read-only interface, which serves keys of both kinds.
    func question(
        _ path: String, _ fields: [JSONValue.Member] = [], on account: AccountID,
        query: [(name: String, value: String)] = []
    ) -> VenueConnection.Call {
        call(
            "/api/v2/ro/\(path)", fields, on: account, group: "queries", urgency: .query, isRepeatable: true,
            query: query)
    }

    /// Says how something is, if that is news.
    func report(_ part: String, _ fault: String?) {
        guard health.faults[part] != fault else { return }
        health.faults[part] = fault
        onHealth?(health)
    }

    /// Learns whether the key may trade or only read: a read-only one is refused here and nowhere else. Asked only when the
    /// key has just served for reading, so that nothing else can be what is refused.
    func learnRights(of account: AccountID) {
        let asked = call(
            Self.fullStatus, on: account, group: "queries", urgency: .query, isRepeatable: true)
        send(asked) { [weak self] result in
            guard let known = self?.accounts[account] else { return }
            switch result {
            case .success: known.mayTrade = true
            case .failure(.refused(let refusal)) where refusal.status == 401 || refusal.status == 403:
                known.mayTrade = false
            case .failure: break
            }
        }
    }
}
