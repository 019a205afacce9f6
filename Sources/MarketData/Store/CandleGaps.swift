public import Trading

/// A stretch of time without candles, between candles that are or could be there.
public struct CandleGap: Hashable, Sendable {
    /// What is known about it.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The venue was asked and had none.
        case missing
        /// Nobody has asked the venue.
        case unasked
    }

    /// When the first candle that is not there would open.
    public let start: Timestamp
    /// When the last one would close.
    public let end: Timestamp
    /// How many are not there.
    public let candles: Int
    /// What is known about it.
    public let kind: Kind
}

/// What a series lacks in a span of time.
public struct CandleGaps: Hashable, Sendable {
    /// The series.
    public let series: SeriesKey
    /// The span that was looked at, in whole candles; nil when there is nothing to look at.
    public let span: Range<Timestamp>?
    /// The gaps, oldest first: at most as many as were asked for.
    public internal(set) var gaps: [CandleGap] = []
    /// How many gaps there are in all, and how many candles they lack, by what is known about them.
    public internal(set) var counts: [CandleGap.Kind: Count] = [:]

    /// A series of which nothing is known to lack yet.
    public init(series: SeriesKey, span: Range<Timestamp>?) {
        self.series = series
        self.span = span
    }

    /// How much of one kind there is.
    public struct Count: Hashable, Sendable {
        /// Gaps.
        public internal(set) var gaps = 0
        /// Candles not there.
        public internal(set) var candles = 0
    }

    /// The longest of ``gaps``.
    public var longest: CandleGap? { gaps.max { $0.candles < $1.candles } }
}
