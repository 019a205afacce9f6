import MarketData
import Posix
import Trading

/// A trade that everybody sees.
struct PublicTrade {
    let id: Int64
    let symbol: String
    let price: FixedDecimal
    let quantity: FixedDecimal
    let time: Timestamp
    /// Whether the seller took, and the buyer had been waiting.
    let isBuyerMaker: Bool
}

/// A candle and whether it has closed.
struct TapeCandle {
    let candle: Candle
    let isClosed: Bool
}

/// The market as the exchange shows it: quotes, trades, candles. On the loop.
final class Tape {
    enum Event {
        case quote(Quote)
        case trade(PublicTrade)
        /// A minute has closed.
        case minute(Candle)
    }

    private static let kept = 1000

    private let loop: EventLoop
    private let settings: VenueSettings
    private var source: PriceSource
    private var timer: EventLoop.Timer?
    private(set) var quotes: [String: Quote] = [:]
    private var trades: [String: [PublicTrade]] = [:]
    private var lastID: Int64 = 0
    /// The minute that is open, as far as its trades have come.
    private var open: [String: Candle] = [:]
    /// Symbols whose price somebody holds by hand.
    private(set) var held: Set<String> = []
    private var days: [String: (minute: Int64, day: Candle)] = [:]
    var onEvent: (Event) -> Void = { _ in }
    let instruments: [Instrument]

    init(loop: EventLoop, settings: VenueSettings, source: PriceSource) {
        self.loop = loop
        self.settings = settings
        self.source = source
        instruments = source.instruments
    }

    /// The wall clock, which the market follows.
    static var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }

    /// Goes on to now and then moves with time.
    func start() { advance() }

    func stop() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func advance() {
        for event in source.advance(to: Self.now) { take(event) }
        guard let next = source.nextEventTime else { return }
        let wait = max(1, next.milliseconds - WallClock.milliseconds)
        timer = loop.schedule(after: .milliseconds(wait)) { [weak self] in self?.advance() }
    }

    private func take(_ event: MarketEvent) {
        guard !held.contains(event.symbol) else { return }
        switch event {
        case .quote(let quote): set(quote)
        case .trade(let trade): take(trade)
        case .candle(let candle):
            open[candle.symbol] = nil
            onEvent(.minute(candle))
        }
    }

    private func take(_ trade: MarketTrade) {
        lastID += 1
        let before = trades[trade.symbol]?.last
        let isBuyerMaker =
            before.map { trade.price == $0.price ? $0.isBuyerMaker : trade.price < $0.price } ?? false
        let shown = PublicTrade(
            id: lastID, symbol: trade.symbol, price: trade.price, quantity: trade.quantity, time: trade.time,
            isBuyerMaker: isBuyerMaker)
        trades[trade.symbol, default: []].append(shown)
        if trades[trade.symbol]?.count ?? 0 >= 2 * Self.kept { trades[trade.symbol]?.removeFirst(Self.kept) }
        addToOpenMinute(shown)
        onEvent(.trade(shown))
    }

    private func addToOpenMinute(_ trade: PublicTrade) {
        let length = Resolution(milliseconds: 60_000)
        let start = length.openTime(containing: trade.time)
        let before = open[trade.symbol].flatMap { $0.openTime == start ? $0 : nil }
        open[trade.symbol] = Candle(
            symbol: trade.symbol, resolution: length, openTime: start, open: before?.open ?? trade.price,
            high: max(before?.high ?? trade.price, trade.price),
            low: min(before?.low ?? trade.price, trade.price),
            close: trade.price, volume: (before?.volume ?? .zero).plus(trade.quantity))
    }

    /// Makes a quote the best of the book, with as much behind it as the settings say.
    private func set(_ quote: Quote) {
        let most = settings.decimal(VenueSetting.largestFill)
        let least = settings.decimal(VenueSetting.depth)
        let step = instruments.first { $0.symbol == quote.symbol }?.stepSize ?? .one
        func size(_ quantity: FixedDecimal, at price: FixedDecimal) -> FixedDecimal {
            let floor = least.over(price, .up).stepped(step, .up)
            let size = max(quantity, floor)
            return most.isPositive ? max(step, min(size, most).stepped(step, .down)) : size
        }
        let shown = Quote(
            symbol: quote.symbol, time: quote.time, bid: quote.bid,
            bidQuantity: size(quote.bidQuantity, at: quote.bid),
            ask: quote.ask, askQuantity: size(quote.askQuantity, at: quote.ask))
        quotes[quote.symbol] = shown
        onEvent(.quote(shown))
    }

    // MARK: - By hand

    /// Sets the price of a symbol and holds it until ``release(_:)``. A trade at the middle goes with it.
    func hold(_ quote: Quote) {
        held.insert(quote.symbol)
        quotes[quote.symbol] = quote
        onEvent(.quote(quote))
        let middle = FixedDecimal(units: quote.bid.units / 2 + quote.ask.units / 2)
        let instrument = instruments.first { $0.symbol == quote.symbol }
        let price = instrument.map { middle.stepped($0.tickSize, .nearestEven) } ?? middle
        take(
            MarketTrade(
                symbol: quote.symbol, time: Self.now, price: price, quantity: instrument?.stepSize ?? .one))
    }

    /// Lets the market move again.
    func release(_ symbol: String) { held.remove(symbol) }

    // MARK: - Asking

    /// The price of the last trade, or the middle of the quote.
    func lastPrice(_ symbol: String) -> FixedDecimal? {
        trades[symbol]?.last?.price
            ?? quotes[symbol].map { FixedDecimal(units: $0.bid.units / 2 + $0.ask.units / 2) }
    }

    /// The last public trades, oldest first.
    func trades(_ symbol: String, _ count: Int) -> [PublicTrade] {
        Array((trades[symbol] ?? []).suffix(count))
    }

    /// Levels of the book, best first.
    func depth(_ symbol: String, _ levels: Int) -> (bids: [Level], asks: [Level]) {
        guard let quote = quotes[symbol], let instrument = instruments.first(where: { $0.symbol == symbol })
        else {
            return ([], [])
        }
        let step = max(
            instrument.tickSize,
            quote.bid.over(FixedDecimal(20_000), .down).stepped(instrument.tickSize, .down))
        var (bids, asks): ([Level], [Level]) = ([], [])
        for number in 0..<levels {
            let away = step.times(FixedDecimal(number))
            let more = FixedDecimal(1 + number % 5)
            let bid = quote.bid.minus(away)
            if bid.isPositive { bids.append(Level(price: bid, quantity: quote.bidQuantity.times(more))) }
            asks.append(Level(price: quote.ask.plus(away), quantity: quote.askQuantity.times(more)))
        }
        return (bids, asks)
    }

    struct Level {
        let price: FixedDecimal
        let quantity: FixedDecimal
    }

    /// Candles up to now, the open one last, oldest first; nil when this length is not to be had.
    func candles(_ symbol: String, _ length: Resolution, _ count: Int, until end: Timestamp? = nil)
        -> [TapeCandle]?
    {
        let now = Self.now
        let before = min(now, end ?? now)
        guard var closed = source.candles(symbol, length, count, before: before) else { return nil }
        // A source may be behind a clock that was read a moment later.
        closed = closed.filter { $0.closeTime <= now }
        var all = closed.map { TapeCandle(candle: $0, isClosed: true) }
        if end.map({ $0 >= now }) ?? true, let candle = openCandle(symbol, length) {
            all.append(TapeCandle(candle: candle, isClosed: false))
        }
        return Array(all.suffix(count))
    }

    /// The candle of a length that has not closed.
    func openCandle(_ symbol: String, _ length: Resolution) -> Candle? {
        let now = Self.now
        let one = Resolution(milliseconds: 60_000)
        let start = length.openTime(containing: now)
        let begun = one.openTime(containing: now)
        let minutes = Int((begun.milliseconds - start.milliseconds) / 60_000)
        var parts: [Candle] = []
        // Days of minutes would be slow, quarters of an hour are as good.
        let coarse = minutes > 1440 ? minutes / 15 : 0
        if coarse > 0 {
            let quarter = Resolution(milliseconds: 900_000)
            parts =
                source.candles(
                    symbol, quarter, coarse, before: start.advanced(byMilliseconds: Int64(coarse) * 900_000))
                ?? []
        }
        let fine = minutes - coarse * 15
        if fine > 0 { parts += source.candles(symbol, one, fine, before: begun) ?? [] }
        if let last = open[symbol], last.openTime == begun { parts.append(last) }
        guard let first = parts.first else {
            guard let price = lastPrice(symbol) else { return nil }
            return Candle(
                symbol: symbol, resolution: length, openTime: start, open: price, high: price, low: price,
                close: price,
                volume: .zero)
        }
        return Candle(
            symbol: symbol, resolution: length, openTime: start, open: first.open,
            high: parts.reduce(first.high) { max($0, $1.high) },
            low: parts.reduce(first.low) { min($0, $1.low) },
            close: parts[parts.count - 1].close, volume: parts.reduce(.zero) { $0.plus($1.volume) })
    }

    /// The candle that closed last.
    func closedCandle(_ symbol: String, _ length: Resolution, at time: Timestamp) -> Candle? {
        source.candles(symbol, length, 1, before: time)?.last
    }

    /// The last 24 hours as one candle.
    func day(_ symbol: String) -> Candle? {
        let minute = WallClock.milliseconds / 60_000
        if let known = days[symbol], known.minute == minute { return known.day }
        let quarter = Resolution(milliseconds: 900_000)
        guard let parts = candles(symbol, quarter, 97), let first = parts.first?.candle,
            let last = parts.last?.candle
        else { return nil }
        let day = Candle(
            symbol: symbol, resolution: Resolution(milliseconds: 86_400_000), openTime: first.openTime,
            open: first.open, high: parts.reduce(first.high) { max($0, $1.candle.high) },
            low: parts.reduce(first.low) { min($0, $1.candle.low) }, close: last.close,
            volume: parts.reduce(.zero) { $0.plus($1.candle.volume) })
        days[symbol] = (minute, day)
        return day
    }
}
