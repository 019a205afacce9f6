public import MarketData
public import Posix
public import Trading

/// What the faces may ask of the candle store. No call waits for the floor.
public protocol DataService: Sendable {
    /// Every stored series, by venue, symbol and length.
    func dataSeries() async throws(HostError) -> [SeriesSummary]
    /// Candles of a series, or of shorter ones rolled up to it.
    func dataCandles(_ request: CandleRequest) async throws(HostError) -> CandlePage
    /// The newest candle of every stored series, or of those of one venue, one symbol or both.
    func latestCandles(venue: String?, symbol: String?) async throws(HostError) -> [LatestCandle]
    /// What a stored series lacks; nil looks from its first candle, or to its last.
    func dataGaps(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?, limit: Int
    ) async throws(HostError) -> CandleGaps
    /// Candles of a series, or of shorter ones rolled up to it, as a gzipped file that an import takes; nil begins with the
    /// first, and ends with the last.
    func exportCandles(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?
    ) async throws(HostError) -> PiecewiseFile
    /// Keeps the candles of a file.
    func importCandles(_ upload: CandleUpload, by: String) async throws(HostError) -> CandleImport.Outcome
    /// Says for how many days candles of a series are kept; nil keeps all. Older ones go at once.
    func keepCandles(
        of series: SeriesKey, days: Int?, by: String
    ) async throws(HostError) -> SeriesSummary
    /// Forgets a series and its candles.
    func deleteCandles(of series: SeriesKey, by: String) async throws(HostError)
}

/// Which candles are wanted.
public struct CandleRequest: Hashable, Sendable {
    /// The series.
    public var series: SeriesKey
    /// The first time, and the time after the last.
    public var start: Timestamp?
    public var end: Timestamp?
    /// Go on behind the candle that opened then.
    public var after: Timestamp?
    /// At most so many. With neither ``start`` nor ``after`` they are the last ones.
    public var limit: Int

    /// The most candles of one request.
    public static let maximum = 10_000

    /// Asks for candles.
    public init(
        series: SeriesKey, start: Timestamp? = nil, end: Timestamp? = nil, after: Timestamp? = nil, limit: Int
    ) {
        self.series = series
        self.start = start
        self.end = end
        self.after = after
        self.limit = limit
    }
}

/// Candles of a series, and where to go on.
public struct CandlePage: Sendable {
    /// The series.
    public var series: SeriesKey
    /// The stored series that they come from; nil when there is none.
    public var basis: SeriesKey?
    /// The candles.
    public var columns: CandleColumns
    /// What to go on behind; nil when these are the last.
    public var next: Timestamp?

    /// A page.
    public init(series: SeriesKey, basis: SeriesKey?, columns: CandleColumns, next: Timestamp?) {
        self.series = series
        self.basis = basis
        self.columns = columns
        self.next = next
    }
}

/// A file of candles that came in.
public struct CandleUpload: Hashable, Sendable {
    /// CSV, plain or gzip.
    public var content: [UInt8]
    /// What it holds.
    public var series: SeriesKey

    /// Describes an upload.
    public init(content: [UInt8], series: SeriesKey) {
        self.content = content
        self.series = series
    }
}
