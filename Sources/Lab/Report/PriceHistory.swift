public import Analytics
public import MarketData
public import Trading

/// The prices of a run's main instrument, made small enough to draw and to compare with.
public struct PriceHistory: Hashable, Sendable {
    /// Candles of equal length; those without trade are not there.
    public struct Bar: Hashable, Sendable {
        public let time: Timestamp
        public let open: Double
        public fileprivate(set) var high: Double
        public fileprivate(set) var low: Double
        public fileprivate(set) var close: Double
    }

    /// At most ``limit``, oldest first.
    public private(set) var bars: [Bar] = []
    /// How long a bar is, in milliseconds.
    public let length: Int64
    /// The first open, and then the last close of each period of equal length: what a benchmark is made of.
    public private(set) var closes: [EquityPoint] = []

    /// The most bars that are kept.
    public static let limit = 2_000
    /// How many candles are read at once.
    private static let piece = 50_000

    /// No prices.
    public static let none = PriceHistory(length: 1)

    private init(length: Int64) {
        self.length = length
    }

    /// Reads the candles of a series from `start` to before `end`.
    ///
    /// - Parameter period: Of ``closes``, in milliseconds.
    /// - Throws: ``MarketFileFailure`` when what is stored cannot be read.
    public init(
        _ series: SeriesKey, from start: Timestamp, to end: Timestamp, period: Int64,
        source: some CandleSource
    ) throws(MarketFileFailure) {
        let candle = series.resolution.milliseconds
        let span = max(0, end.milliseconds - start.milliseconds)
        // A whole number of candles, so few bars that they can be drawn.
        let candles = span / candle + 1
        length = candle * ((candles + Int64(Self.limit) - 1) / Int64(Self.limit))
        var next = start
        while true {
            let columns = try source.candles(of: series, from: next, to: end, limit: Self.piece)
            for index in 0..<columns.count { add(columns[index], since: start, period) }
            guard columns.count == Self.piece, let last = columns.openTimes.last else { break }
            next = Timestamp(milliseconds: last + 1)
        }
    }

    private mutating func add(_ candle: Candle, since start: Timestamp, _ period: Int64) {
        let (open, high) = (candle.open.approximate, candle.high.approximate)
        let (low, close) = (candle.low.approximate, candle.close.approximate)
        let place = (candle.openTime.milliseconds - start.milliseconds) / length * length
        let time = start.advanced(byMilliseconds: place)
        if let last = bars.last, last.time == time {
            bars[bars.count - 1].high = max(last.high, high)
            bars[bars.count - 1].low = min(last.low, low)
            bars[bars.count - 1].close = close
        } else {
            bars.append(Bar(time: time, open: open, high: high, low: low, close: close))
        }
        if closes.isEmpty { closes.append(EquityPoint(time: candle.openTime, equity: candle.open)) }
        let point = EquityPoint(time: candle.closeTime, equity: candle.close)
        // The first open stands for itself.
        if closes.count > 1, let last = closes.last,
            (last.time.milliseconds - 1) / period == (point.time.milliseconds - 1) / period
        {
            closes[closes.count - 1] = point
        } else {
            closes.append(point)
        }
    }
}
