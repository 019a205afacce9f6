public import Catalogue
public import MarketData
public import Trading

/// The strategies that the Lab works with: the catalogue, and in tests a stand-in.
public protocol AlgorithmCatalogue: Sendable {
    /// The strategies of one owner, or everyone's, oldest first.
    func strategies(owner: String?) throws(LabFailure) -> [StrategyRecord]
    /// One strategy, or nil.
    func strategy(_ id: String) throws(LabFailure) -> StrategyRecord?
    /// The files of a version.
    func bundle(of strategy: String, version: String) throws(LabFailure) -> StrategyBundle
}

/// What is stored of a series.
public struct SeriesSpan: Hashable, Sendable {
    public let series: SeriesKey
    /// When the first candle opened.
    public let start: Timestamp
    /// When the last candle closed.
    public let end: Timestamp
    /// How many candles there are.
    public let count: Int

    /// Describes what is stored.
    public init(series: SeriesKey, start: Timestamp, end: Timestamp, count: Int) {
        self.series = series
        self.start = start
        self.end = end
        self.count = count
    }
}

/// The series that a backtest may be made of.
public protocol SeriesDirectory: Sendable {
    /// Every series that is stored.
    func spans() throws(LabFailure) -> [SeriesSpan]
    /// One series, also one that is made of a shorter one that is stored; nil when there is nothing of it.
    func span(of series: SeriesKey) throws(LabFailure) -> SeriesSpan?
}
