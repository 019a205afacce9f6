import Net
import Posix
import Trading
import Wire

/// Live prices of CoinDCX: trades, the top of the book and candles by socket, and candles by REST for what came before
/// and between.
///
/// Source: docs.coindcx.com, read in 2026. Each market has a socket of its own: some messages do not say which market
/// they are about.
final class CoinDCXMarketSource: MarketSource {
    /// The lengths of candle that there are now; others are answered with 422.
    static let resolutions = ["1m", "15m", "1h", "1d"].compactMap { Resolution($0) }

    private let venue: CoinDCXVenue
    private var wish = MarketWish(symbols: [], resolutions: [], history: 0)
    private var news: (MarketNews) -> Void = { _ in }
    private var lines: [String: Line] = [:]
    private var instruments: [Instrument] = []
    private var faults = MarketFaults()
    private var isPrimed = false
    private var isOpen = false

    /// What is kept for one market.
    private final class Line {
        let market: CoinDCXMarket
        var socket: CoinDCXSocket?
        var book = CoinDCXBook()
        var quote: Quote?
        var series: [Resolution: CandleSequence] = [:]
        /// The candle that was last told and may not have closed.
        var forming: [Resolution: Candle] = [:]
        var unprimed: Set<Resolution>

        init(_ market: CoinDCXMarket, resolutions: [Resolution]) {
            self.market = market
            unprimed = Set(resolutions)
        }
    }

    init(_ venue: CoinDCXVenue) { self.venue = venue }

    private var loop: EventLoop { venue.loop }

    func begin(_ wish: MarketWish, _ news: @escaping (MarketNews) -> Void) {
        precondition(!isOpen, "a market begins once")
        isOpen = true
        self.wish = wish
        self.news = news
        venue.follow(Set(wish.symbols))
        let strange = wish.resolutions.filter { !Self.resolutions.contains($0) }
        if !strange.isEmpty {
            faults["candles"] =
                "CoinDCX has no candles of " + strange.map(\.description).joined(separator: ", ")
        }
        self.wish.resolutions.removeAll { strange.contains($0) }
        loop.atEndOfTurn { [weak self] in
            self?.askInstruments()
            self?.everySecond()
        }
    }

    func end() {
        isOpen = false
        for line in lines.values { line.socket?.stop() }
        lines = [:]
        news = { _ in }
    }

    // MARK: - Instruments and history

    private func askInstruments() {
        guard isOpen else { return }
        venue.withMarkets { [weak self] result in
            guard let self, isOpen else { return }
            let hasAll: Bool
            switch result {
            case .success(let markets):
                faults["instruments"] = nil
                hasAll = take(markets)
            case .failure(let failure):
                faults["instruments"] = failure.description
                hasAll = false
            }
            say()
            again(after: hasAll ? venue.settings.instrumentsEvery : .seconds(5)) { $0.askInstruments() }
        }
    }

    private func take(_ markets: CoinDCXMarkets) -> Bool {
        let found = wish.symbols.compactMap { markets.bySymbol[$0] }
        let missing = wish.symbols.filter { markets.bySymbol[$0] == nil }
        faults["symbols"] = missing.isEmpty ? nil : "CoinDCX has no \(missing.joined(separator: ", "))"
        let listed = found.map(\.instrument)
        if listed != instruments {
            instruments = listed
            news(.instruments(listed))
        }
        for market in found where lines[market.symbol] == nil { open(market) }
        tellPrimed()
        return missing.isEmpty
    }

    private func open(_ market: CoinDCXMarket) {
        let line = Line(market, resolutions: wish.resolutions)
        for resolution in wish.resolutions {
            var sequence = CandleSequence()
            sequence.began()
            line.series[resolution] = sequence
        }
        lines[market.symbol] = line
        faults[market.symbol] = "the connection is not open yet"
        let channels =
            wish.resolutions.map { "\(market.pair)_\($0)" }
            + (wish.prices ? ["\(market.pair)@trades", "\(market.pair)@orderbook@20"] : [])
        line.socket = CoinDCXSocket(
            venue.addresses.handshake, client: venue.sockets, loop: loop, backoff: Backoff(),
            inbox: venue.settings.inbox, seed: venue.dice.next(),
            joins: { channels.map { .members(["channelName": .string($0)]) } },
            news: { [weak self, weak line] in
                guard let self, let line, isOpen else { return }
                heard($0, of: line)
            })
        line.socket?.start()
        for resolution in wish.resolutions { askHistory(resolution, of: line) }
    }

    private func tellPrimed() {
        guard !isPrimed, instruments.count == wish.symbols.count,
            lines.values.allSatisfy({ $0.unprimed.isEmpty })
        else { return }
        isPrimed = true
        news(.primed)
    }

    private func askHistory(_ resolution: Resolution, of line: Line) {
        askCandles(resolution, of: line, from: nil, count: min(wish.history + 1, 1000)) {
            [weak self, weak line] candles in
            guard let self, let line, isOpen else { return }
            guard let candles else {
                return again(after: .seconds(5)) { [weak line] in
                    if let line { $0.askHistory(resolution, of: line) }
                }
            }
            let all = line.series[resolution]?.filled(candles) ?? []
            line.unprimed.remove(resolution)
            if !all.isEmpty { news(.history(all)) }
            tellPrimed()
        }
    }

    /// Asks for the candles of a series that a gap swallowed.
    private func fill(_ resolution: Resolution, of line: Line, from time: Timestamp) {
        askCandles(resolution, of: line, from: time, count: 1000) { [weak self, weak line] candles in
            guard let self, let line, isOpen else { return }
            for candle in line.series[resolution]?.filled(candles) ?? [] {
                news(.event(.candle(candle)))
            }
            guard candles == nil else { return }
            again(after: .seconds(5)) { [weak line] source in
                guard let line, let time = line.series[resolution]?.interrupted() else { return }
                source.fill(resolution, of: line, from: time)
            }
        }
    }

    /// Candles that have closed, oldest first; nil when there is no answer. They come newest first; one minute without a
    /// trade has none.
    private func askCandles(
        _ resolution: Resolution, of line: Line, from time: Timestamp?, count: Int,
        _ completion: @escaping ([Candle]?) -> Void
    ) {
        var query: [(name: String, value: String)] = [
            ("pair", line.market.pair), ("interval", resolution.description), ("limit", String(count)),
        ]
        let now = venue.connection.venueTime
        if let time {
            // One end alone is ignored.
            query.append(("startTime", String(time.milliseconds)))
            query.append(("endTime", String(now.milliseconds)))
        }
        let call = VenueConnection.Call(
            "GET", "/market_data/candles", query: query, base: venue.addresses.market, weight: 0,
            group: "market", urgency: .market, isRepeatable: true, deadline: .seconds(20))
        let symbol = line.market.symbol
        venue.connection.send(call) { [weak self] result in
            guard let self else { return }
            guard case .success(let answer) = result, let rows = answer.body.arrayValue else {
                return completion(nil)
            }
            let now = venue.connection.venueTime
            let candles = rows.compactMap { Candle(coinDCX: $0, symbol: symbol, resolution: resolution) }
            completion(
                candles.filter { $0.closeTime <= now }.sorted { $0.openTime < $1.openTime })
        }
    }

    private func again(after wait: Duration, _ body: @escaping (CoinDCXMarketSource) -> Void) {
        loop.schedule(after: wait) { [weak self] in
            guard let self, isOpen else { return }
            body(self)
        }
    }

    private func say() {
        if let told = faults.news() { news(told) }
    }

    // MARK: - The stream

    private func heard(_ heard: CoinDCXSocket.News, of line: Line) {
        switch heard {
        case .joined:
            faults[line.market.symbol] = nil
            line.book = CoinDCXBook()
            for resolution in wish.resolutions where !line.unprimed.contains(resolution) {
                if let time = line.series[resolution]?.interrupted() {
                    fill(resolution, of: line, from: time)
                }
            }
            say()
        case .lost(let reason):
            faults[line.market.symbol] = reason
            say()
        case .event(let name, let payload): take(name, payload, of: line)
        }
    }

    private func take(_ name: String, _ payload: JSONValue, of line: Line) {
        switch name {
        case "new-trade": takeTrade(payload, of: line)
        case "candlestick": takeCandle(payload, of: line)
        case "depth-snapshot":
            line.book.replace(payload)
            tellQuote(of: line)
        case "depth-update":
            guard line.book.update(payload) else {
                // Something is missing between: joining again brings the whole book.
                line.socket?.restart("the book has a gap")
                return
            }
            tellQuote(of: line)
        default: break
        }
    }

    private func takeTrade(_ json: JSONValue, of line: Line) {
        guard let price = json["p"]?.looseDecimal, let quantity = json["q"]?.looseDecimal,
            let time = json["T"]?.looseTime, TradingBounds.allows(price: price, quantity: quantity)
        else { return }
        news(
            .event(
                .trade(
                    MarketTrade(symbol: line.market.symbol, time: time, price: price, quantity: quantity))))
    }

    private func tellQuote(of line: Line) {
        guard
            let quote = line.book.quote(
                of: line.market.symbol, at: line.book.time ?? venue.connection.venueTime)
        else { return }
        defer { line.quote = quote }
        if let last = line.quote, last.bid == quote.bid, last.ask == quote.ask,
            last.bidQuantity == quote.bidQuantity, last.askQuantity == quote.askQuantity
        {
            return
        }
        news(.event(.quote(quote)))
    }

    private func takeCandle(_ json: JSONValue, of line: Line) {
        guard
            let resolution = json["i"]?.stringValue.flatMap({ Resolution($0) })
                ?? (wish.resolutions.count == 1 ? wish.resolutions.first : nil),
            line.series[resolution] != nil,
            let candle = Candle(coinDCXStream: json, symbol: line.market.symbol, resolution: resolution)
        else { return }
        if let before = line.forming[resolution], before.openTime < candle.openTime {
            close(before, of: line)
        }
        if json["x"]?.boolValue == true {
            line.forming[resolution] = nil
            close(candle, of: line)
        } else {
            line.forming[resolution] = candle
        }
    }

    /// A candle whose time is over is told even when no message says that it closed.
    private func everySecond() {
        guard isOpen else { return }
        let now = venue.connection.venueTime
        for line in lines.values {
            for candle in line.forming.values where candle.closeTime.advanced(byMilliseconds: 3_000) <= now {
                line.forming[candle.resolution] = nil
                close(candle, of: line)
            }
        }
        again(after: .seconds(1)) { $0.everySecond() }
    }

    private func close(_ candle: Candle, of line: Line) {
        switch line.series[candle.resolution]?.take(candle) {
        case .deliver(let candles): for candle in candles { news(.event(.candle(candle))) }
        case .ask(let time): fill(candle.resolution, of: line, from: time)
        case .nothing, .none: break
        }
    }
}

/// The book of one market, of which the host wants the best prices.
struct CoinDCXBook: Hashable, Sendable {
    private var bids: [FixedDecimal: FixedDecimal] = [:]
    private var asks: [FixedDecimal: FixedDecimal] = [:]
    private var version: Int?
    private(set) var time: Timestamp?

    /// Takes a whole book: objects from price to quantity, in no order.
    mutating func replace(_ json: JSONValue) {
        (bids, asks) = ([:], [:])
        apply(json)
        version = json["vs"]?.intValue
    }

    /// Takes changes; false when some before them are missing. Changes before the first whole book are left out.
    mutating func update(_ json: JSONValue) -> Bool {
        guard !bids.isEmpty || !asks.isEmpty else { return true }
        if let version, let next = json["vs"]?.intValue {
            guard next > version else { return true }  // Told twice.
            guard next == version + 1 else { return false }
            self.version = next
        }
        apply(json)
        return true
    }

    private mutating func apply(_ json: JSONValue) {
        time = json["ts"]?.looseTime ?? time
        Self.apply(json["bids"], to: &bids)
        Self.apply(json["asks"], to: &asks)
    }

    private static func apply(_ json: JSONValue?, to side: inout [FixedDecimal: FixedDecimal]) {
        guard case .object(let levels) = json else { return }
        for level in levels {
            guard let price = FixedDecimal(level.name), let quantity = level.value.looseDecimal,
                price.isPositive, !quantity.isNegative
            else { continue }
            side[price] = quantity.isZero ? nil : quantity
        }
    }

    /// The best bid and ask; nil while one is missing or they cross, as in the middle of changes.
    func quote(of symbol: String, at time: Timestamp) -> Quote? {
        guard let bid = bids.max(by: { $0.key < $1.key }), let ask = asks.min(by: { $0.key < $1.key }),
            bid.key <= ask.key
        else { return nil }
        return Quote(
            symbol: symbol, time: time, bid: bid.key, bidQuantity: bid.value, ask: ask.key,
            askQuantity: ask.value)
    }
}

extension Candle {
    /// Reads an element of `market_data/candles`: `{open, high, low, close, volume, time}`.
    init?(coinDCX json: JSONValue, symbol: String, resolution: Resolution) {
        self.init(
            time: json["time"]?.looseTime, open: json["open"], high: json["high"], low: json["low"],
            close: json["close"], volume: json["volume"], symbol: symbol, resolution: resolution)
    }

    /// Reads the event `candlestick`: t, o, h, l, c, v.
    init?(coinDCXStream json: JSONValue, symbol: String, resolution: Resolution) {
        self.init(
            time: json["t"]?.looseTime, open: json["o"], high: json["h"], low: json["l"], close: json["c"],
            volume: json["v"], symbol: symbol, resolution: resolution)
    }

    private init?(
        time: Timestamp?, open: JSONValue?, high: JSONValue?, low: JSONValue?, close: JSONValue?,
        volume: JSONValue?, symbol: String, resolution: Resolution
    ) {
        guard let time, let open = open?.looseDecimal, let high = high?.looseDecimal,
            let low = low?.looseDecimal, let close = close?.looseDecimal, let volume = volume?.looseDecimal
        else { return nil }
        // Some times stand a little beside the interval's beginning.
        let start = time.milliseconds - time.milliseconds % resolution.milliseconds
        self.init(
            symbol: symbol, resolution: resolution, openTime: Timestamp(milliseconds: start), open: open,
            high: high, low: low, close: close, volume: volume)
        guard flaw == nil else { return nil }
    }
}
