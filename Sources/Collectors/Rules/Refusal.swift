internal import MarketData
public import Trading

/// Why something that a venue said is not taken.
public enum Refusal: String, Error, Hashable, Sendable, CaseIterable {
    /// A field that must be there is not.
    case missing
    /// A number is written that is none, such as `NaN` or infinity, or one beyond every range.
    case notANumber = "not_a_number"
    /// A price is nought or below, or a volume below nought.
    case notPositive = "not_positive"
    /// The bid is above the ask.
    case crossed
    /// The high is not the highest, or the low not the lowest.
    case inconsistent
    /// The candle has not closed yet.
    case forming
    /// The time lies in the future.
    case future
    /// The time is no beginning of such a candle in UTC, as when a venue counts days in another zone.
    case misaligned
    /// The candle does not come after the one before it.
    case disordered
    /// The candle lies outside what was asked.
    case outside
    /// The venue's clock and this host's differ too much to say what has closed.
    case clock
}

/// A candle as a venue wrote it, not yet believed.
struct RawCandle: Hashable, Sendable {
    /// When it opened; nil when nothing stood there, or nothing that is a time.
    var time: Timestamp?
    /// Open, high, low, close and volume: what stood there, and whether it is a number.
    var open, high, low, close, volume: RawNumber
}

/// A number as a venue wrote it.
enum RawNumber: Hashable, Sendable {
    case absent
    /// Something stood there that is no number.
    case strange
    case value(FixedDecimal)

    /// The number.
    func get() throws(Refusal) -> FixedDecimal {
        switch self {
        case .absent: throw .missing
        case .strange: throw .notANumber
        case .value(let value): return value
        }
    }

    /// A price: above nought, and not beyond what an order could have.
    func price() throws(Refusal) -> FixedDecimal {
        let value = try get()
        guard value.isPositive else { throw .notPositive }
        return value
    }
}

/// Decides which candles of an answer are taken.
struct CandleRules: Sendable {
    let series: SeriesKey
    /// What was asked for.
    let span: Range<Timestamp>
    /// The earlier of the two clocks.
    let now: Timestamp
    /// How far a venue's times may stand beside the beginning of a candle, in milliseconds.
    var slack: Int64 = 0

    /// The candle, when nothing speaks against it.
    ///
    /// - Parameter last: The one before it in the answer.
    func check(_ raw: RawCandle, after last: Candle?) throws(Refusal) -> Candle {
        guard let written = raw.time else { throw .missing }
        let time = series.resolution.openTime(containing: written)
        guard written.milliseconds - time.milliseconds <= slack else { throw .misaligned }
        let candle = Candle(
            symbol: series.symbol, resolution: series.resolution, openTime: time,
            open: try raw.open.price(), high: try raw.high.price(), low: try raw.low.price(),
            close: try raw.close.price(), volume: try raw.volume.get())
        guard !candle.volume.isNegative else { throw .notPositive }
        guard candle.flaw == nil else { throw .inconsistent }
        try check(candle)
        guard span.contains(time) else { throw .outside }
        if let last, last.openTime >= time { throw .disordered }
        return candle
    }

    /// Refuses what has not closed, or is not where such a candle begins.
    func check(_ candle: Candle) throws(Refusal) {
        guard candle.openTime <= now else { throw .future }
        guard candle.closeTime <= now else { throw .forming }
        guard series.resolution.openTime(containing: candle.openTime) == candle.openTime else {
            throw .misaligned
        }
    }
}

/// The price of one coin: what it can be sold and bought for, and what it was last dealt at.
public struct CoinPrice: Hashable, Sendable {
    /// As the venue writes it, such as `btc` or `btc_usdt`.
    public let coin: String
    public let bid: FixedDecimal
    public let ask: FixedDecimal
    public let last: FixedDecimal

    /// Takes prices that make sense: positive, and the bid not above the ask.
    init(coin: String, bid: RawNumber, ask: RawNumber, last: RawNumber) throws(Refusal) {
        self.coin = coin
        self.bid = try bid.price()
        self.ask = try ask.price()
        self.last = try last.price()
        guard self.bid <= self.ask else { throw .crossed }
    }

    /// Takes prices that were checked before.
    init(coin: String, bid: FixedDecimal, ask: FixedDecimal, last: FixedDecimal) {
        self.coin = coin
        self.bid = bid
        self.ask = ask
        self.last = last
    }
}
