internal import Exchanges
internal import MarketData
internal import Posix
internal import Trading
internal import Wire

/// One feed on the floor: its timer, and who listens to it.
///
/// It lives on the event loop. A timer wakes it when its next event is due; it takes what is due and hands it on. A
/// replay stands still while no strategy listens, so that none misses its beginning. One of an exchange has no timer: its
/// source says what happens.
final class Feed {
    /// The feed whose symbols are the venue's own; another feed's carry its name.
    static let principal = "simulated"
    /// The feed that takes what is sent to it.
    static let injected = "injected"

    let market: MarketFeed
    /// What can be traded on it, by the feed's own symbol.
    private(set) var instruments: [String: Instrument]
    /// When its last event came, or nil before the first.
    private(set) var lastEvent: Timestamp?
    var subscriptions = Subscriptions()
    /// Hears that the instruments are others, or that the source is down or up again.
    var onChange: (Feed) -> Void = { _ in }
    /// Whether instruments and history are there, which a strategy needs to begin.
    private(set) var isPrimed: Bool

    private let source: (any MarketSource)?
    private var sourceFault: String?
    private var waiting: [() -> Void] = []
    private var injection: FeedInjection
    private let venueSymbols: [String: String]
    private let loop: EventLoop
    private let deliver: (Feed, MarketEvent) -> Void
    private var timer: EventLoop.Timer?
    private var isOpen = false

    /// Sets a feed up; nothing comes before ``run()``.
    ///
    /// - Parameters:
    ///   - folder: Where relative paths of candle files begin.
    ///   - cursor: Where a replay stopped before the host did.
    ///   - source: Where the events of an exchange's feed come from; nil for the others.
    ///   - deliver: Takes each event, on the event loop.
    init(
        _ definition: FeedDefinition, folder: String, cursor: String?,
        source: (any MarketSource)? = nil, loop: EventLoop, deliver: @escaping (Feed, MarketEvent) -> Void
    ) throws(HostError) {
        self.loop = loop
        self.source = source
        isPrimed = source == nil
        self.deliver = deliver
        do throws(MarketFeed.Failure) {
            market = try MarketFeed(
                definition, folder: folder, wall: Timestamp(milliseconds: WallClock.milliseconds),
                atNanoseconds: Self.nanoseconds, cursor: cursor)
        } catch {
            throw .invalid(FieldFailure(field: "files", reason: error.description))
        }
        instruments = Dictionary(
            market.instruments.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        injection = FeedInjection(symbols: instruments.keys)
        let id = market.definition.id
        venueSymbols = Dictionary(
            uniqueKeysWithValues: instruments.keys.map { ($0, id == Self.principal ? $0 : "\($0)@\(id)") })
        if waitsForStrategy { market.pause(atNanoseconds: Self.nanoseconds) }
    }

    var id: String { market.definition.id }

    /// When the event at hand reached this host, on the monotonic clock in nanoseconds; nil when nobody noted it.
    var arrival: UInt64? { source?.arrival }

    /// Whether market time passes.
    var isRunning: Bool {
        isOpen && !market.isPaused && market.fault == nil && !market.isAtEnd && sourceFault == nil
    }

    /// What is wrong with it, or why nothing comes, in words.
    var fault: String? {
        if let fault = market.fault { return fault }
        if market.isAtEnd { return "the replay is at its end" }
        return sourceFault
    }

    /// The venue whose prices it gives; nil when they are no exchange's.
    var exchange: VenueID? {
        guard case .live(let live) = market.definition.source else { return nil }
        return live.venue.id(live.environment)
    }

    /// Calls `body` once instruments and history are there, at once when they are.
    func whenPrimed(_ body: @escaping () -> Void) {
        guard !isPrimed else { return body() }
        waiting.append(body)
    }

    /// The instrument's name at the venue: feeds other than the principal one have markets of their own.
    func venueSymbol(_ symbol: String) -> String { venueSymbols[symbol] ?? "\(symbol)@\(id)" }

    /// The feed's own name for what the venue calls `venueSymbol`.
    static func symbol(_ venueSymbol: String) -> String {
        venueSymbol.firstIndex(of: "@").map { String(venueSymbol[..<$0]) } ?? venueSymbol
    }

    /// The lengths of candle that it announces for a symbol, in words.
    func offered(_ symbol: String) -> String {
        ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d"].compactMap { Resolution($0) }
            .filter { market.gives(symbol: symbol, resolution: $0) }.map(\.description).joined(
                separator: ", ")
    }

    /// Lets market time pass, if the feed does not wait for a strategy.
    func run() {
        isOpen = true
        arm()
        guard let source, case .live(let live) = market.definition.source else { return }
        let wish = MarketWish(
            symbols: live.symbols, resolutions: live.resolutions, history: live.history)
        source.begin(wish) { [weak self] in self?.take($0) }
    }

    /// A strategy has begun to take events.
    func strategyCame() {
        guard waitsForStrategy, market.isPaused else { return }
        market.resume(atNanoseconds: Self.nanoseconds)
        arm()
    }

    /// The last strategy has gone.
    func lastStrategyLeft() {
        guard waitsForStrategy else { return }
        market.pause(atNanoseconds: Self.nanoseconds)
    }

    /// Changes the speed from now on.
    func setSpeed(_ speed: FeedClock.Speed) {
        market.setSpeed(speed, atNanoseconds: Self.nanoseconds)
        arm()
    }

    /// Takes the events of a request as if the market had sent them, and says how many there were.
    func inject(_ body: JSONValue) throws(FieldFailure) -> Int {
        do throws(FieldFailure) {
            let events = try injection.take(body).events
            inject(events)
            return events.count
        } catch {
            market.recordRefusal(error.description)
            throw error
        }
    }

    /// Takes events that are known to be good.
    func inject(_ events: [MarketEvent]) {
        market.inject(events, wall: Timestamp(milliseconds: WallClock.milliseconds))
        for event in events { hand(on: event) }
    }

    /// Stops for good.
    func stop() {
        isOpen = false
        if let timer { loop.cancel(timer) }
        timer = nil
        source?.end()
        waiting = []
    }

    // MARK: - Inside

    private func take(_ news: MarketNews) {
        switch news {
        case .instruments(let told):
            market.setInstruments(told)
            for instrument in market.instruments { instruments[instrument.symbol] = instrument }
            onChange(self)
        case .history(let candles): market.remember(candles)
        case .event(let event):
            guard isOpen else { return }
            inject([event])
        case .primed:
            guard !isPrimed else { return }
            isPrimed = true
            let bodies = waiting
            waiting = []
            for body in bodies { body() }
        case .fault(let fault):
            sourceFault = fault
            onChange(self)
        }
    }

    private static var nanoseconds: Int64 { Int64(MonotonicClock.nanoseconds) }

    private var waitsForStrategy: Bool {
        if case .replay = market.definition.source { true } else { false }
    }

    /// A feed without a clock lets its takers catch up before it goes on.
    private var mustWait: Bool { market.speed == .asFastAsPossible && subscriptions.largestBacklog > 256 }

    private func arm() {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard isOpen, let due = market.nextDue else { return }
        let wait = mustWait ? 1_000_000 : max(0, due - Self.nanoseconds)
        timer = loop.schedule(after: .nanoseconds(wait)) { [weak self] in self?.pump() }
    }

    private func pump() {
        if !mustWait {
            let wall = Timestamp(milliseconds: WallClock.milliseconds)
            for event in market.take(atNanoseconds: Self.nanoseconds, wall: wall, limit: 128) {
                hand(on: event)
            }
        }
        arm()
    }

    private func hand(on event: MarketEvent) {
        lastEvent = event.time
        deliver(self, event)
    }
}

extension FeedDefinition {
    /// The feeds of a new data folder: the simulated market, and one that takes only what is sent to it.
    static func builtIn(_ market: Configuration.Market) throws(FieldFailure) -> [FeedDefinition] {
        let symbols = JSONValue.array(market.symbols.map { .string($0) })
        let lengths = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d"]
        return [
            try FeedDefinition(
                .members([
                    "id": .string(Feed.principal), "kind": .string("simulated"),
                    "seed": .integer(market.seed),
                    "symbols": symbols, "speed": .string(String(market.speed)),
                    "resolutions": .array(lengths.map { .string($0) }),
                ])),
            try FeedDefinition(
                .members(["id": .string(Feed.injected), "kind": .string("injected"), "symbols": symbols])),
        ]
    }
}
