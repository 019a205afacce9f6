/// The prices of one instrument over one interval.
public struct Candle: Hashable, Sendable {
    /// The instrument's symbol.
    public let symbol: String
    /// How long the interval is.
    public let resolution: Resolution
    /// When the interval opened.
    public let openTime: Timestamp
    public let open: FixedDecimal
    public let high: FixedDecimal
    public let low: FixedDecimal
    public let close: FixedDecimal
    /// Traded quantity in base currency.
    public let volume: FixedDecimal

    /// Describes a candle; ``flaw`` says whether its numbers make sense.
    public init(
        symbol: String, resolution: Resolution, openTime: Timestamp, open: FixedDecimal, high: FixedDecimal,
        low: FixedDecimal, close: FixedDecimal, volume: FixedDecimal
    ) {
        self.symbol = symbol
        self.resolution = resolution
        self.openTime = openTime
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
    }

    /// When the interval closed, and the candle became final.
    public var closeTime: Timestamp { openTime.advanced(byMilliseconds: resolution.milliseconds) }

    /// What is wrong with the numbers, or nil: positive prices, low ≤ open, close ≤ high, volume not negative.
    public var flaw: String? {
        guard low.isPositive else { return "low must be above 0" }
        guard low <= min(open, close) else { return "low must not exceed open and close" }
        guard max(open, close) <= high else { return "high must not be below open and close" }
        guard !volume.isNegative else { return "volume must not be negative" }
        return nil
    }
}

/// The length of a candle, as written `1m`, `15m`, `1h`, `4h`, `1d`.
public struct Resolution: Hashable, Sendable, CustomStringConvertible, LosslessStringConvertible {
    /// The length in milliseconds. Above nought.
    public let milliseconds: Int64

    /// Makes a resolution of `milliseconds`, which is above nought and a whole number of seconds.
    public init(milliseconds: Int64) {
        precondition(milliseconds > 0 && milliseconds % 1000 == 0)
        self.milliseconds = milliseconds
    }

    /// Reads a count from 1 to 9999 and a unit: `s`, `m`, `h`, `d` or `w`.
    public init?(_ text: String) {
        guard let unit = text.last, let length = Self.units.first(where: { $0.letter == unit })?.milliseconds,
            let count = Int64(text.dropLast()), (1...9999).contains(count), text.first != "0",
            text.first != "+"
        else { return nil }
        milliseconds = count * length
    }

    /// The shortest form with one unit: 60 s is `1m`.
    public var description: String {
        for unit in Self.units where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.letter)"
        }
        return "\(milliseconds / 1000)s"
    }

    private static let units: [(letter: Character, milliseconds: Int64)] = [
        ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000),
    ]
}

/// One public trade on a venue.
public struct MarketTrade: Hashable, Sendable {
    public let symbol: String
    public let time: Timestamp
    public let price: FixedDecimal
    public let quantity: FixedDecimal

    /// Describes a public trade.
    public init(symbol: String, time: Timestamp, price: FixedDecimal, quantity: FixedDecimal) {
        self.symbol = symbol
        self.time = time
        self.price = price
        self.quantity = quantity
    }
}

/// The best bid and ask of an instrument.
public struct Quote: Hashable, Sendable {
    public let symbol: String
    public let time: Timestamp
    public let bid: FixedDecimal
    public let bidQuantity: FixedDecimal
    public let ask: FixedDecimal
    public let askQuantity: FixedDecimal

    /// Describes the top of a book.
    public init(
        symbol: String, time: Timestamp, bid: FixedDecimal, bidQuantity: FixedDecimal, ask: FixedDecimal,
        askQuantity: FixedDecimal
    ) {
        self.symbol = symbol
        self.time = time
        self.bid = bid
        self.bidQuantity = bidQuantity
        self.ask = ask
        self.askQuantity = askQuantity
    }
}

/// Something that a feed says about a market.
public enum MarketEvent: Hashable, Sendable {
    /// A candle that has closed.
    case candle(Candle)
    case trade(MarketTrade)
    case quote(Quote)

    /// The instrument it is about.
    public var symbol: String {
        switch self {
        case .candle(let candle): candle.symbol
        case .trade(let trade): trade.symbol
        case .quote(let quote): quote.symbol
        }
    }

    /// What a sale and a purchase would trade at: a quote's two sides, elsewhere one price for both.
    func sides(orBoth price: FixedDecimal) -> (bid: FixedDecimal, ask: FixedDecimal) {
        guard case .quote(let quote) = self, TradingBounds.allows(price: quote.bid),
            TradingBounds.allows(price: quote.ask)
        else { return (price, price) }
        return (quote.bid, quote.ask)
    }

    /// When it became known: a candle's close, a trade's or quote's own time.
    public var time: Timestamp {
        switch self {
        case .candle(let candle): candle.closeTime
        case .trade(let trade): trade.time
        case .quote(let quote): quote.time
        }
    }
}

extension MarketEvent {
    /// The same event about the instrument's name at the venue.
    public func renamed(_ symbol: String) -> MarketEvent {
        guard symbol != self.symbol else { return self }
        switch self {
        case .candle(let candle):
            return .candle(
                Candle(
                    symbol: symbol, resolution: candle.resolution, openTime: candle.openTime,
                    open: candle.open, high: candle.high, low: candle.low, close: candle.close,
                    volume: candle.volume))
        case .trade(let trade):
            return .trade(
                MarketTrade(symbol: symbol, time: trade.time, price: trade.price, quantity: trade.quantity))
        case .quote(let quote):
            return .quote(
                Quote(
                    symbol: symbol, time: quote.time, bid: quote.bid, bidQuantity: quote.bidQuantity,
                    ask: quote.ask, askQuantity: quote.askQuantity))
        }
    }
}
