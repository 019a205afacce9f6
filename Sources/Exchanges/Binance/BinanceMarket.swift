import Net
import Posix
import Trading
import Wire

/// Live prices of Binance: trades, the top of the book and candles by stream, and candles by REST where the stream left
/// some out.
///
/// Source: binance-spot-api-docs, web-socket-streams.md. The top of the book comes whole every time, so that after a gap the
/// next message is right by itself; candles that closed in a gap are asked for and handed on in order before later ones.
final class BinanceMarket: MarketSource {
    private let venue: BinanceVenue
    private var wish = MarketWish(symbols: [], resolutions: [], history: 0)
    private var news: (MarketNews) -> Void = { _ in }
    private var series: [Series: CandleSequence] = [:]
    private var unprimed: Set<Series> = []
    private var hasInstruments = false
    private var instruments: [Instrument] = []
    private var lastTrades: [String: Int] = [:]
    private var lastBooks: [String: Int] = [:]
    private var current: Session?
    private var next: Session?
    private var failures = 0
    private var isOpen = false
    private var fault: String?
    private var timer: EventLoop.Timer?
    private(set) var arrival: UInt64?
    private let backoff = Backoff(first: .milliseconds(500), longest: .seconds(30))

    /// Candles of one length of one symbol.
    private struct Series: Hashable {
        let symbol: String
        let resolution: Resolution
    }

    private final class Session {
        var socket: BinanceSocket?
        /// Subscriptions that were not answered yet.
        var unanswered: Set<Int> = []
    }

    /// How many streams one message subscribes, and how long the next one waits: five messages a second are allowed.
    private static let streamsPerMessage = 200
    private static let pace = Duration.milliseconds(300)

    init(_ venue: BinanceVenue) {
        self.venue = venue
    }

    private var loop: EventLoop { venue.loop }

    func begin(_ wish: MarketWish, _ news: @escaping (MarketNews) -> Void) {
        precondition(!isOpen, "a market begins once")
        isOpen = true
        self.wish = wish
        self.news = news
        for symbol in wish.symbols {
            for resolution in wish.resolutions {
                var sequence = CandleSequence()
                sequence.began()
                series[Series(symbol: symbol, resolution: resolution)] = sequence
            }
        }
        unprimed = Set(series.keys)
        venue.follow(Set(wish.symbols))
        loop.atEndOfTurn { [weak self] in
            guard let self, isOpen else { return }
            say("the connection is not open yet")
            askInstruments()
            // The clock tells which of the candles have closed.
            venue.connection.compareClocks { [weak self] _ in
                guard let self, isOpen else { return }
                connect()
                for series in unprimed { askHistory(series) }
            }
        }
    }

    func end() {
        isOpen = false
        if let timer { loop.cancel(timer) }
        timer = nil
        for session in [current, next] { session?.socket?.close() }
        (current, next) = (nil, nil)
        news = { _ in }
    }

    private func say(_ fault: String?) {
        guard fault != self.fault else { return }
        self.fault = fault
        news(.fault(fault))
    }

    // MARK: - Instruments and history

    private func askInstruments() {
        venue.instruments { [weak self] result in
            guard let self, isOpen else { return }
            switch result {
            case .success(let all):
                let own = all.filter { self.wish.symbols.contains($0.symbol) }
                let missing = Set(wish.symbols).subtracting(own.map(\.symbol)).sorted()
                if !missing.isEmpty {
                    say("binance has no \(missing.joined(separator: ", "))")
                }
                if own != instruments {
                    instruments = own
                    news(.instruments(own))
                }
                if missing.isEmpty, !hasInstruments {
                    hasInstruments = true
                    tellPrimed()
                }
            case .failure: break
            }
            let wait = hasInstruments ? venue.settings.instrumentsEvery : .seconds(5)
            loop.schedule(after: wait) { [weak self] in
                guard let self, isOpen else { return }
                askInstruments()
            }
        }
    }

    private func tellPrimed() {
        if hasInstruments, unprimed.isEmpty { news(.primed) }
    }

    private func askHistory(_ key: Series) {
        // The last one is still open, and is left out.
        askCandles(of: key, from: nil, count: min(wish.history + 1, 1000)) { [weak self] candles in
            guard let self, isOpen else { return }
            guard let candles else {
                return again(after: .seconds(5)) { $0.askHistory(key) }
            }
            let all = series[key]?.filled(candles) ?? []
            unprimed.remove(key)
            if !all.isEmpty { news(.history(all)) }
            tellPrimed()
        }
    }

    /// Asks for the candles of a series that a gap swallowed, until none is missing.
    private func fill(_ key: Series, from time: Timestamp) {
        askCandles(of: key, from: time, count: 1000) { [weak self] candles in
            guard let self, isOpen else { return }
            // One short of the most that comes at once may be the open one, which was left out.
            let isComplete = (candles?.count ?? 0) < 999
            let fresh = series[key]?.filled(candles, isComplete: isComplete) ?? []
            for candle in fresh { news(.event(.candle(candle))) }
            guard candles != nil else {
                return again(after: .seconds(5)) { market in
                    if let time = market.series[key]?.interrupted() { market.fill(key, from: time) }
                }
            }
            if !isComplete, let time = series[key]?.interrupted() { fill(key, from: time) }
        }
    }

    private func again(after wait: Duration, _ body: @escaping (BinanceMarket) -> Void) {
        loop.schedule(after: wait) { [weak self] in
            guard let self, isOpen else { return }
            body(self)
        }
    }

    /// Candles that have closed, oldest first; nil when there is no answer.
    private func askCandles(
        of key: Series, from time: Timestamp?, count: Int, _ completion: @escaping ([Candle]?) -> Void
    ) {
        var query: [(name: String, value: String)] = [
            ("symbol", key.symbol), ("interval", key.resolution.description), ("limit", String(count)),
        ]
        if let time { query.append(("startTime", String(time.milliseconds))) }
        let call = venue.marketCall("/api/v3/klines", query, weight: 2)
        venue.connection.send(call) { [weak self] result in
            guard let self else { return }
            guard case .success(let answer) = result, let rows = answer.body.arrayValue else {
                return completion(nil)
            }
            let now = venue.connection.venueTime
            let candles = rows.compactMap {
                Candle(binance: $0, symbol: key.symbol, resolution: key.resolution)
            }
            completion(candles.filter { $0.closeTime <= now })
        }
    }

    // MARK: - The stream

    private var streams: [String] {
        wish.symbols.flatMap { symbol in
            let name = symbol.lowercased()
            return (wish.prices ? ["\(name)@trade", "\(name)@bookTicker"] : [])
                + wish.resolutions.map { "\(name)@kline_\($0)" }
        }
    }

    private func connect() {
        if let timer { loop.cancel(timer) }
        timer = nil
        let session = Session()
        next = session
        // Pings tell that the other end lives, not that it still sends.
        let limits = WebSocketLimits(messageWithin: .seconds(120))
        session.socket = BinanceSocket(
            venue.addresses.streams + "/stream", sockets: venue.sockets, loop: loop, limits: limits,
            inbox: venue.settings.inbox
        ) { [weak self, weak session] in
            guard let self, let session else { return }
            take($0, of: session)
        }
    }

    private func take(_ event: BinanceSocket.Event, of session: Session) {
        switch event {
        case .opened: subscribe(session)
        case .message(let frame, _):
            arrival = session.socket?.arrived
            take(frame, of: session)
            arrival = nil
        case .closed(let reason): ended(session, reason)
        }
    }

    private func subscribe(_ session: Session) {
        let streams = streams
        let starts = Array(stride(from: 0, to: streams.count, by: Self.streamsPerMessage))
        session.unanswered = Set(starts)
        for (place, start) in starts.enumerated() {
            let names = streams[start..<min(start + Self.streamsPerMessage, streams.count)]
            loop.schedule(after: Self.pace * place) { [weak session] in
                session?.socket?.send(
                    .members([
                        "method": .string("SUBSCRIBE"), "params": .array(names.map { .string($0) }),
                        "id": .integer(start),
                    ]))
            }
        }
        timer = loop.schedule(after: .seconds(10) + Self.pace * starts.count) { [weak self, weak session] in
            guard let self, let session, !session.unanswered.isEmpty else { return }
            ended(session, "the subscription was not answered")
        }
    }

    private func take(_ frame: JSONValue, of session: Session) {
        if let id = frame["id"]?.intValue {
            guard frame["result"] != nil, frame["error"] == nil else {
                return ended(session, "the subscription was refused")
            }
            session.unanswered.remove(id)
            if session.unanswered.isEmpty { subscribed(session) }
            return
        }
        guard let name = frame["stream"]?.stringValue, let data = frame["data"] else {
            if frame["e"]?.stringValue == "serverShutdown" { ended(session, "the venue ends the stream") }
            return
        }
        switch data["e"]?.stringValue {
        case "trade": takeTrade(data)
        case "kline": takeCandle(data)
        case "serverShutdown": ended(session, "the venue ends the stream")
        case .some: break
        case .none: if name.hasSuffix("@bookTicker") { takeQuote(data) }
        }
    }

    private func subscribed(_ session: Session) {
        guard session === next else { return }
        failures = 0
        let hadNone = current == nil
        current?.socket?.close()
        (current, next) = (session, nil)
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(after: venue.settings.streamLife) { [weak self] in self?.connect() }
        guard hadNone else { return }
        if instruments.count == wish.symbols.count || !hasInstruments { say(nil) }
        for key in series.keys.sorted(by: {
            ($0.symbol, $0.resolution.milliseconds) < ($1.symbol, $1.resolution.milliseconds)
        }) {
            if let time = series[key]?.interrupted() { fill(key, from: time) }
        }
    }

    private func ended(_ session: Session, _ reason: String) {
        guard isOpen, session === current || session === next else { return }
        session.socket?.close()
        if session === current { current = nil }
        if session === next { next = nil }
        if current == nil { say(reason) }
        guard next == nil else { return }
        failures += 1
        if let timer { loop.cancel(timer) }
        let wait = backoff.wait(afterFailures: failures, dice: .random(in: 0 ... .max))
        timer = loop.schedule(after: wait) { [weak self] in self?.connect() }
    }

    // MARK: - Messages

    private func takeTrade(_ data: JSONValue) {
        guard let symbol = data["s"]?.stringValue, let id = data["t"]?.intValue,
            let price = data.positiveDecimal("p"), let quantity = data.positiveDecimal("q"),
            let time = data.time("T"), id > lastTrades[symbol] ?? .min
        else { return }
        lastTrades[symbol] = id
        news(.event(.trade(MarketTrade(symbol: symbol, time: time, price: price, quantity: quantity))))
    }

    private func takeQuote(_ data: JSONValue) {
        guard let symbol = data["s"]?.stringValue, let update = data["u"]?.intValue,
            let bid = data.positiveDecimal("b"), let bidQuantity = data.decimal("B"),
            let ask = data.positiveDecimal("a"), let askQuantity = data.decimal("A"),
            update > lastBooks[symbol] ?? .min
        else { return }
        lastBooks[symbol] = update
        // The message has no time of its own.
        news(
            .event(
                .quote(
                    Quote(
                        symbol: symbol, time: venue.connection.venueTime, bid: bid,
                        bidQuantity: bidQuantity, ask: ask, askQuantity: askQuantity))))
    }

    private func takeCandle(_ data: JSONValue) {
        guard let k = data["k"], k["x"]?.boolValue == true, let symbol = k["s"]?.stringValue,
            let resolution = k["i"]?.stringValue.flatMap({ Resolution($0) }), let time = k.time("t"),
            let open = k.decimal("o"), let high = k.decimal("h"), let low = k.decimal("l"),
            let close = k.decimal("c"), let volume = k.decimal("v")
        else { return }
        let candle = Candle(
            symbol: symbol, resolution: resolution, openTime: time, open: open, high: high, low: low,
            close: close, volume: volume)
        let key = Series(symbol: symbol, resolution: resolution)
        guard candle.flaw == nil, series[key] != nil else { return }
        switch series[key]!.take(candle) {
        case .deliver(let candles): for candle in candles { news(.event(.candle(candle))) }
        case .ask(let time): fill(key, from: time)
        case .nothing: break
        }
    }
}
