public import Net
public import Posix
public import Secrets
public import Trading
import Wire

/// Binance, spot: REST v3 for requests, the WebSocket API for what happens to orders, and market streams for prices.
///
/// Source of every fact: binance-spot-api-docs, read in 2026. Whatever the documentation leaves open is handled either
/// way: see the comments where it matters, and docs/ARCHITECTURE.md.
public final class BinanceVenue: LiveVenue {
    /// Times and sizes.
    public struct Settings: Hashable, Sendable {
        /// How often instruments are asked for.
        public var instrumentsEvery: Duration
        /// How many trades one question brings, at most 1000.
        public var tradesPerPage: Int
        /// How long an order may wait for its turn and its answer. One that waited longer is not sent.
        public var orderDeadline: Duration
        /// How long a request that was sent may still take effect unseen: the receive window, the ten seconds that the
        /// engine may take, and some.
        public var doubt: Duration
        /// The age at which a stream is renewed; the venue ends them at 24 hours.
        public var streamLife: Duration
        /// How long an account's stream may be silent before it is pinged, and how long after that a sign of life may take
        /// before it is given up.
        public var pingAfter: Duration
        public var pongWithin: Duration
        /// How much of what a stream says may wait for the event loop; beyond, the stream is opened anew.
        public var inbox: SocketInboxLimits

        /// Sets times and sizes.
        public init(
            instrumentsEvery: Duration = .seconds(60), tradesPerPage: Int = 1000,
            orderDeadline: Duration = .seconds(5), doubt: Duration = .seconds(20),
            streamLife: Duration = .seconds(23 * 3600), pingAfter: Duration = .seconds(15),
            pongWithin: Duration = .seconds(10), inbox: SocketInboxLimits = SocketInboxLimits()
        ) {
            precondition((1...1000).contains(tradesPerPage))
            self.instrumentsEvery = instrumentsEvery
            self.tradesPerPage = tradesPerPage
            self.orderDeadline = orderDeadline
            self.doubt = doubt
            self.streamLife = streamLife
            self.pingAfter = pingAfter
            self.pongWithin = pongWithin
            self.inbox = inbox
        }

        /// How long after an order's making "no such order" is no proof: until it was sent at the latest, and until it
        /// cannot take effect any more.
        public var absenceGraceMilliseconds: Int64 {
            (orderDeadline + doubt).wholeMilliseconds
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
    /// For measurements: hears when bytes about an order were handed to the kernel. On a thread of the network's.
    public var onSent: (@Sendable (ClientOrderID, UInt64) -> Void)? {
        get { connection.onSent }
        set { connection.onSent = newValue }
    }

    let addresses: BinanceAddresses
    let connection: VenueConnection
    let sockets: WebSocketClient
    let loop: EventLoop
    let settings: Settings
    let keys: (AccountID) -> SigningKey?
    let opened: Timestamp
    var accounts: [AccountID: BinanceAccount] = [:]
    private(set) var symbols: [String: BinanceSymbol] = [:]
    private var followed: Set<String> = []
    private var health = VenueHealth()
    private var refresh: EventLoop.Timer?
    private var isRefreshing = false
    private var knowsLimits = false
    private var isEnded = false

    /// Makes an adapter; nothing is sent before the first request.
    ///
    /// - Parameters:
    ///   - venue: The name under which accounts refer to it, such as `binance` or `binance-testnet`.
    ///   - keys: An account's active credential; nil when it has none, and then its requests fail as unsent.
    public init(
        venue: VenueID, addresses: BinanceAddresses, http: HTTPClient, sockets: WebSocketClient,
        loop: EventLoop, settings: Settings = Settings(), seed: UInt64 = .random(in: 0 ... .max),
        keys: @escaping (AccountID) -> SigningKey?
    ) {
        self.venue = venue
        self.addresses = addresses
        self.sockets = sockets
        self.loop = loop
        self.settings = settings
        self.keys = keys
        connection = VenueConnection(
            venue: venue, base: addresses.rest, dialect: BinanceDialect.dialect,
            budget: BinanceBudget.initial, http: http, loop: loop, seed: seed)
        opened = connection.venueTime
    }

    // MARK: - LiveVenue

    /// Serves an account: its stream opens once the clocks were compared, since its subscription is signed with the time.
    public func open(_ account: AccountID, symbols: [String: Timestamp]) {
        if let known = accounts[account] {
            for (symbol, time) in symbols { known.trades(symbol, since: time) }
            return
        }
        let stream = BinanceUserStream(
            account: account, address: addresses.socketAPI, sockets: sockets, loop: loop,
            life: settings.streamLife,
            limits: WebSocketLimits(pingAfter: settings.pingAfter, pongWithin: settings.pongWithin),
            inbox: settings.inbox
        ) { [weak self] news in
            self?.heard(news, on: account)
        } parameters: { [weak self] () throws(CallFailure) in
            guard let self else { throw .unsent("the venue is gone") }
            return BinanceSigning.signed([], at: connection.venueTime, with: try key(of: account))
        }
        accounts[account] = BinanceAccount(account, stream: stream, symbols: symbols)
        follow(Set(symbols.keys))
        report("orders of \(account)", "the stream is not open yet")
        // The subscription is signed with the venue's time, which is not known before.
        connection.compareClocks { _ in stream.open() }
    }

    /// Lets an account's stream go.
    public func close(_ account: AccountID) {
        accounts.removeValue(forKey: account)?.stream.close()
        report("orders of \(account)", nil)
    }

    /// Uses another credential from now on, on a new stream.
    public func credentialChanged(_ account: AccountID) {
        connection.credentialsChanged(account)
        accounts[account]?.stream.renew()
    }

    /// Keeps the instruments of these symbols fresh too, and asks for them now.
    public func follow(_ symbols: Set<String>) {
        guard !symbols.isSubset(of: followed) else { return }
        followed.formUnion(symbols)
        refreshInstruments()
    }

    /// Live prices, for one feed.
    public func market() -> any MarketSource {
        BinanceMarket(self)
    }

    /// Ends every stream and fails what waits.
    public func end() {
        isEnded = true
        if let refresh { loop.cancel(refresh) }
        refresh = nil
        for account in accounts.values { account.stream.close() }
        accounts = [:]
        connection.close(reason: "the host is stopping")
    }

    // MARK: - Instruments

    /// The instruments that are followed, or all of them when none is.
    public func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {
        askInstruments { [weak self] result in
            completion(
                result.map { _ in
                    (self?.symbols.values.map(\.instrument) ?? []).sorted { $0.symbol < $1.symbol }
                }.mapError(\.venueFailure))
        }
    }

    /// Asks for instruments now, and again from time to time.
    func refreshInstruments() {
        guard !isRefreshing, !isEnded else { return }
        isRefreshing = true
        if let refresh { loop.cancel(refresh) }
        refresh = nil
        let asked = followed
        askInstruments { [weak self] result in
            guard let self else { return }
            isRefreshing = false
            switch result {
            case .success: report("instruments", nil)
            case .failure(let failure): report("instruments", failure.description)
            }
            guard !isEnded else { return }
            guard asked == followed else { return refreshInstruments() }
            var wait = settings.instrumentsEvery
            if case .failure = result { wait = min(.seconds(5), wait) }
            refresh = loop.schedule(after: wait) { [weak self] in self?.refreshInstruments() }
        }
    }

    private func askInstruments(_ completion: @escaping (Result<Void, CallFailure>) -> Void) {
        let asked = followed.sorted()
        var query: [(name: String, value: String)] = []
        if !asked.isEmpty {
            query = [("symbols", JSONValue.array(asked.map { .string($0) }).text)]
        }
        var call = marketCall("/api/v3/exchangeInfo", query, weight: 20, responseLimit: 64 << 20)
        // It tells the limits, too. Until then those of the documents hold, of which the hosts before this one may have left
        // no room by the venue's own count; then nothing would ever be asked. So this one question goes all the same.
        if !knowsLimits { (call.weight, call.urgency) = (0, .cancel) }
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer): completion(takeInstruments(answer, of: asked))
            // One symbol that is not there makes the whole list refused.
            case .failure(let failure) where failure.binanceCode == -1121 && asked.count > 1:
                askOneByOne(asked[...], completion)
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    private func askOneByOne(
        _ asked: ArraySlice<String>, _ completion: @escaping (Result<Void, CallFailure>) -> Void
    ) {
        guard let symbol = asked.first else { return completion(.success(())) }
        let call = marketCall("/api/v3/exchangeInfo", [("symbol", symbol)], weight: 20)
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer):
                if case .failure(let failure) = takeInstruments(answer, of: [symbol]) {
                    return completion(.failure(failure))
                }
            case .failure(let failure):
                guard failure.binanceCode == -1121 else { return completion(.failure(failure)) }
                // The feed that wants it says so; the others go on.
                followed.remove(symbol)
                symbols[symbol] = nil
            }
            askOneByOne(asked.dropFirst(), completion)
        }
    }

    private func takeInstruments(_ answer: VenueAnswer, of asked: [String]) -> Result<Void, CallFailure> {
        guard let listed = answer.body["symbols"]?.arrayValue else {
            return .failure(.outcomeUnknown("binance: exchangeInfo without symbols"))
        }
        if let windows = BinanceBudget.windows(answer.body["rateLimits"]) {
            connection.setWindows(windows)
            knowsLimits = true
        }
        var changed: [Instrument] = []
        var seen: Set<String> = []
        for json in listed {
            guard let symbol = BinanceSymbol(json) else { continue }
            let name = symbol.instrument.symbol
            seen.insert(name)
            if symbols[name]?.instrument != symbol.instrument { changed.append(symbol.instrument) }
            symbols[name] = symbol
        }
        for gone in asked where !seen.contains(gone) { symbols[gone] = nil }
        if !changed.isEmpty { onInstruments?(changed.sorted { $0.symbol < $1.symbol }) }
        return .success(())
    }

    // MARK: - Calls

    /// The account's credential.
    func key(of account: AccountID) throws(CallFailure) -> SigningKey {
        guard let key = keys(account) else {
            throw .unsent("account \(account) has no active credential for \(venue)")
        }
        return key
    }

    /// A public question.
    func marketCall(
        _ path: String, _ query: [(name: String, value: String)], weight: Int, responseLimit: Int = 4 << 20
    ) -> VenueConnection.Call {
        VenueConnection.Call(
            "GET", path, query: query, weight: weight, group: "market", urgency: .market,
            isRepeatable: true, deadline: .seconds(30), responseLimit: responseLimit)
    }

    /// A call in the name of an account; all its parameters stand in the query, which is what is signed.
    func accountCall(
        _ method: String, _ path: String, _ query: [(name: String, value: String)], weight: Int,
        orders: Int = 0, group: String, urgency: VenueConnection.Urgency, isRepeatable: Bool,
        deadline: Duration = .seconds(10), on account: AccountID, order: ClientOrderID? = nil
    ) -> VenueConnection.Call {
        VenueConnection.Call(
            method, path, query: query, weight: weight, orders: orders, group: group, urgency: urgency,
            isRepeatable: isRepeatable, deadline: deadline, account: account, order: order
        ) { [weak self] call, time throws(CallFailure) in
            guard let self else { throw .unsent("the venue is gone") }
            BinanceSigning.sign(&call, at: time, with: try key(of: account))
        }
    }

    /// A question in the name of an account.
    func question(
        _ path: String, _ query: [(name: String, value: String)], weight: Int, on account: AccountID,
        order: ClientOrderID? = nil
    ) -> VenueConnection.Call {
        accountCall(
            "GET", path, query, weight: weight, group: "queries", urgency: .query, isRepeatable: true,
            on: account, order: order)
    }

    // MARK: - News

    /// Says how something is, if that is news.
    func report(_ part: String, _ fault: String?) {
        guard health.faults[part] != fault else { return }
        health.faults[part] = fault
        onHealth?(health)
    }

    private func heard(_ news: BinanceUserStream.News, on account: AccountID) {
        switch news {
        case .opened:
            report("orders of \(account)", nil)
            onReport?(account, .streamRestored)
            onResumed?(account)
        case .fault(let words):
            report("orders of \(account)", words)
            onReport?(account, .streamGap(reason: words))
        case .clockWrong: connection.compareClocks()
        case .event(let event, let text): take(event, text, on: account)
        }
    }
}

extension Duration {
    /// In milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
