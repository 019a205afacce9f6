public import MarketData
public import Trading
public import Wire

/// What a backtest is to do, whole: given the same job, code and data, it comes out the same bit for bit.
public struct BacktestJob: Hashable, Sendable {
    /// How candles reach the strategy.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// One candle, one answer: the strategy cannot hold a future candle.
        case strict
        /// Many candles a line; the strategy answers with the first at which it acts.
        case batched
    }

    /// The strategy's id in the catalogue, for messages.
    public var strategy: String
    /// The version: the hash of its bundle.
    public var version: String
    /// An object, over the `custom_params` of the configuration; null for none.
    public var parameters: JSONValue
    /// What is traded and heard; the first is the main series. At least one, at most 32.
    public var series: [SeriesKey]
    /// Candles that close later are given one by one; orders given at the first of them are the first.
    public var start: Timestamp
    /// Candles that close later are left out, however early they opened.
    public var end: Timestamp
    /// So many candles of each series that closed by ``start`` are given as history, on which no order is taken.
    public var warmUp: Int
    /// In quote currency of the main series. Above nought.
    public var capital: FixedDecimal
    public var mode: Mode
    public var costs: CostModel
    /// What random numbers of the strategy begin with.
    public var seed: UInt64
    /// Whether it trades coins that must be owned to be sold; else linear margin, with the leverage of its `strategy.json`.
    public var isSpot: Bool

    /// Describes a backtest.
    public init(
        strategy: String, version: String, parameters: JSONValue = .null, series: [SeriesKey],
        start: Timestamp, end: Timestamp, warmUp: Int = 0, capital: FixedDecimal, mode: Mode = .batched,
        costs: CostModel = CostModel(), seed: UInt64 = 1, isSpot: Bool = false
    ) {
        self.strategy = strategy
        self.version = version
        self.parameters = parameters
        self.series = series
        self.start = start
        self.end = end
        self.warmUp = warmUp
        self.capital = capital
        self.mode = mode
        self.costs = costs
        self.seed = seed
        self.isSpot = isSpot
    }
}
