import Posix
import Trading
import Wire

/// Prices of CoinSpot, asked for from time to time: the best of each book, the deals of all customers, and candles made of
/// those deals.
///
/// Source: https://www.coinspot.com.au/v2/api, read in 2026. The venue has neither streams nor candles, and tells the last
/// hundred deals. So a candle is made here, of what was dealt; an interval without a deal has none of its own and is told
/// flat, without volume, at the last price, so that the series has no gap.
final class CoinSpotMarketSource: MarketSource {
    private let venue: CoinSpotVenue
    private var wish = MarketWish(symbols: [], resolutions: [], history: 0)
    private var news: (MarketNews) -> Void = { _ in }
    private var lines: [String: Line] = [:]
    private var instruments: [Instrument] = []
    private var faults = MarketFaults()
    private var isPrimed = false
    private var isOpen = false

    private final class Line {
        let market: CoinSpotMarket
        var deals: CoinSpotDeals
        var quote: Quote?
        var isPrimed = false

        init(_ market: CoinSpotMarket, resolutions: [Resolution]) {
            self.market = market
            deals = CoinSpotDeals(symbol: market.pair.symbol, resolutions: resolutions)
        }
    }

    init(_ venue: CoinSpotVenue) { self.venue = venue }

    private var loop: EventLoop { venue.loop }

    func begin(_ wish: MarketWish, _ news: @escaping (MarketNews) -> Void) {
        precondition(!isOpen, "a market begins once")
        isOpen = true
        self.wish = wish
        self.news = news
        venue.follow(Set(wish.symbols))
        loop.atEndOfTurn { [weak self] in self?.askInstruments() }
    }

    func end() {
        isOpen = false
        lines = [:]
        news = { _ in }
    }

    private func askInstruments() {
        guard isOpen else { return }
        venue.withMarkets { [weak self] result in
            guard let self, isOpen else { return }
            var hasAll = false
            switch result {
            case .failure(let failure): faults["instruments"] = failure.description
            case .success(let markets):
                faults["instruments"] = nil
                let found = wish.symbols.compactMap { markets.bySymbol[$0] }
                let missing = wish.symbols.filter { markets.bySymbol[$0] == nil }
                hasAll = missing.isEmpty
                faults["symbols"] =
                    hasAll ? nil : "CoinSpot has no order book for \(missing.joined(separator: ", "))"
                let listed = found.map(\.instrument)
                if listed != instruments {
                    instruments = listed
                    news(.instruments(listed))
                }
                for market in found where lines[market.pair.symbol] == nil {
                    let line = Line(market, resolutions: wish.resolutions)
                    lines[market.pair.symbol] = line
                    ask(line)
                }
            }
            say()
            again(after: hasAll ? venue.settings.instrumentsEvery : .seconds(5)) { $0.askInstruments() }
        }
    }

    private func again(after wait: Duration, _ body: @escaping (CoinSpotMarketSource) -> Void) {
        loop.schedule(after: wait) { [weak self] in
            guard let self, isOpen else { return }
            body(self)
        }
    }

    private func say() {
        if let told = faults.news() { news(told) }
    }

    /// Asks for the book, then for the deals, then rests.
    private func ask(_ line: Line) {
        let suffix = line.market.pair.market == "AUD" ? "" : "/\(line.market.pair.market)"
        let coin = line.market.code
        venue.connection.send(venue.publicCall("/pubapi/v2/orders/open/\(coin)\(suffix)")) {
            [weak self, weak line] result in
            guard let self, let line, isOpen else { return }
            tellQuote(result, of: line)
            let path = "/pubapi/v2/orders/summary/completed/\(coin)\(suffix)"
            venue.connection.send(venue.publicCall(path)) { [weak self, weak line] result in
                guard let self, let line, isOpen else { return }
                tellDeals(result, of: line)
                again(after: venue.settings.pricesEvery) { [weak line] in
                    if let line { $0.ask(line) }
                }
            }
        }
    }

    private func tellQuote(_ result: Result<VenueAnswer, CallFailure>, of line: Line) {
        let symbol = line.market.pair.symbol
        switch result {
        case .failure(let failure): faults[symbol] = failure.description
        case .success(let answer):
            guard let quote = Quote(coinSpot: answer.body, symbol: symbol, at: venue.connection.venueTime)
            else {
                faults[symbol] = "the book has no price on one of its sides"
                return say()
            }
            faults[symbol] = nil
            // Also when nothing moved: that the price still holds is news too.
            line.quote = quote
            news(.event(.quote(quote)))
        }
        say()
    }

    private func tellDeals(_ result: Result<VenueAnswer, CallFailure>, of line: Line) {
        guard case .success(let answer) = result, let rows = answer.body["orders"]?.arrayValue else { return }
        let trades = rows.compactMap { MarketTrade(coinSpot: $0, symbol: line.market.pair.symbol) }
        let now = venue.connection.venueTime
        let told = line.deals.take(trades, at: now)
        if !line.isPrimed {
            line.isPrimed = true
            // What was dealt before belongs to the history alone.
            for series in told.candles where !series.isEmpty {
                news(.history(Array(series.suffix(wish.history))))
            }
            tellPrimed()
            return
        }
        for trade in told.trades { news(.event(.trade(trade))) }
        for series in told.candles {
            for candle in series { news(.event(.candle(candle))) }
        }
    }

    private func tellPrimed() {
        guard !isPrimed, lines.count == wish.symbols.count, lines.values.allSatisfy(\.isPrimed) else {
            return
        }
        isPrimed = true
        news(.primed)
    }
}

/// Makes candles of the deals of one market, which come as overlapping lists.
struct CoinSpotDeals: Hashable, Sendable {
    private let symbol: String
    private var series: [Series]
    private var last: Timestamp?
    /// The deals of the last moment, which the next list tells again.
    private var atLast: [MarketTrade: Int] = [:]

    fileprivate struct Series: Hashable {
        let resolution: Resolution
        var forming: Candle?
        /// Where the next candle opens.
        var next: Timestamp?
        var close: FixedDecimal?
    }

    /// So long after its end a candle is held for deals that show up late.
    private static let patience: Int64 = 10_000

    init(symbol: String, resolutions: [Resolution]) {
        self.symbol = symbol
        series = resolutions.map { Series(resolution: $0) }
    }

    /// Takes a list of deals in any order; returns those that are new, oldest first, and what closed, by series.
    mutating func take(
        _ trades: [MarketTrade], at now: Timestamp
    ) -> (trades: [MarketTrade], candles: [[Candle]]) {
        let fresh = newOnes(trades)
        var candles: [[Candle]] = []
        for index in series.indices {
            var closed: [Candle] = []
            for trade in fresh { series[index].add(trade, symbol, &closed) }
            series[index].close(
                before: now.advanced(byMilliseconds: -Self.patience), symbol, &closed)
            candles.append(closed)
        }
        return (fresh, candles)
    }

    private mutating func newOnes(_ trades: [MarketTrade]) -> [MarketTrade] {
        var fresh: [MarketTrade] = []
        var known = atLast
        for trade in trades.sorted(by: { $0.time < $1.time }) {
            if let last {
                guard trade.time >= last else { continue }
                if trade.time == last, let count = known[trade], count > 0 {
                    known[trade] = count - 1
                    continue
                }
            }
            fresh.append(trade)
        }
        guard let newest = fresh.last?.time else { return [] }
        if newest != last { atLast = [:] }
        last = newest
        for trade in fresh where trade.time == newest { atLast[trade, default: 0] += 1 }
        return fresh
    }
}

extension CoinSpotDeals.Series {
    fileprivate mutating func add(_ trade: MarketTrade, _ symbol: String, _ closed: inout [Candle]) {
        close(before: trade.time, symbol, &closed)
        let length = resolution.milliseconds
        let open = Timestamp(milliseconds: trade.time.milliseconds - trade.time.milliseconds % length)
        // One that shows up after its candle closed is in no candle.
        if let next, open < next { return }
        guard let candle = forming else {
            forming = Candle(
                symbol: symbol, resolution: resolution, openTime: open, open: trade.price, high: trade.price,
                low: trade.price, close: trade.price, volume: trade.quantity)
            if next == nil { next = open }
            return
        }
        forming = Candle(
            symbol: symbol, resolution: resolution, openTime: candle.openTime, open: candle.open,
            high: max(candle.high, trade.price), low: min(candle.low, trade.price), close: trade.price,
            volume: candle.volume.plus(trade.quantity))
    }

    /// Closes every candle that ends at or before a time, flat ones included.
    fileprivate mutating func close(before time: Timestamp, _ symbol: String, _ closed: inout [Candle]) {
        while let open = next, open.advanced(byMilliseconds: resolution.milliseconds) <= time {
            let candle: Candle
            if let formed = forming, formed.openTime == open {
                candle = formed
                forming = nil
            } else if let close {
                candle = Candle(
                    symbol: symbol, resolution: resolution, openTime: open, open: close, high: close,
                    low: close, close: close, volume: .zero)
            } else {
                return
            }
            close = candle.close
            next = candle.closeTime
            closed.append(candle)
        }
    }
}

extension MarketTrade {
    /// Reads an element of `orders/summary/completed`.
    init?(coinSpot json: JSONValue, symbol: String) {
        guard let price = json["rate"]?.looseDecimal, let quantity = json["amount"]?.looseDecimal,
            let time = json["solddate"]?.looseTime, TradingBounds.allows(price: price, quantity: quantity)
        else { return nil }
        self.init(symbol: symbol, time: time, price: price, quantity: quantity)
    }
}

extension Quote {
    /// Reads the best of `buyorders` and `sellorders`, in whatever order they come; nil when one side has none, or both
    /// cross.
    init?(coinSpot json: JSONValue, symbol: String, at time: Timestamp) {
        func levels(_ name: String) -> [(rate: FixedDecimal, amount: FixedDecimal)] {
            (json[name]?.arrayValue ?? []).compactMap { row in
                guard let rate = row["rate"]?.looseDecimal, let amount = row["amount"]?.looseDecimal,
                    TradingBounds.allows(price: rate, quantity: amount)
                else { return nil }
                return (rate, amount)
            }
        }
        let (bids, asks) = (levels("buyorders"), levels("sellorders"))
        guard let bid = bids.map(\.rate).max(), let ask = asks.map(\.rate).min(), bid <= ask else {
            return nil
        }
        func sum(_ levels: [(rate: FixedDecimal, amount: FixedDecimal)], at rate: FixedDecimal)
            -> FixedDecimal
        {
            levels.filter { $0.rate == rate }.reduce(.zero) {
                min(TradingBounds.quantity, $0.plus($1.amount))
            }
        }
        self.init(
            symbol: symbol, time: time, bid: bid, bidQuantity: sum(bids, at: bid), ask: ask,
            askQuantity: sum(asks, at: ask))
    }
}
