public import MarketData
public import Trading
public import Wire

/// A backtest as somebody asks for it: what he leaves away is the strategy's or the Lab's to say.
public struct BacktestRequest: Hashable, Sendable {
    /// The version's hash; nil for the latest.
    public var version: String?
    /// An object, over `custom_params` of the configuration; null for none.
    public var parameters: JSONValue
    /// The main series first. Empty: what the configuration's `pair` and `resolution` name, at the venue that has it.
    public var series: [SeriesKey]
    /// Nil: where the stored candles begin, and end.
    public var start: Timestamp?
    public var end: Timestamp?
    /// Nil: the configuration's `lookback_period`.
    public var warmUp: Int?
    public var capital: FixedDecimal
    public var mode: BacktestJob.Mode
    public var costs: CostModel
    public var seed: UInt64
    /// A few words by which it is found again. At most 200 bytes.
    public var title: String

    /// Asks for a backtest with 10,000 of the quote currency.
    public init(
        version: String? = nil, parameters: JSONValue = .null, series: [SeriesKey] = [],
        start: Timestamp? = nil, end: Timestamp? = nil, warmUp: Int? = nil,
        capital: FixedDecimal = FixedDecimal(10_000), mode: BacktestJob.Mode = .batched,
        costs: CostModel = CostModel(), seed: UInt64 = 1, title: String = ""
    ) {
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
        self.title = title
    }

    /// Takes the members of a request from an object; `strategy` and `version` are the caller's to take.
    ///
    /// `series` is an array of `{venue, symbol, resolution}`; `venue`, `symbol` and `resolution` beside it stand for
    /// an array of one.
    public init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init()
        if let given = reader.optional("parameters") {
            guard case .object = given else {
                throw reader.failure("parameters", "must be an object, not \(given.kind)")
            }
            parameters = given
        }
        if let list = try reader.optionalArray("series", count: BacktestJob.maximumSeries) {
            for (index, value) in list.enumerated() {
                series.append(try SeriesKey(value, path: reader.fullName("series[\(index)]")))
            }
            guard Set(series).count == series.count else {
                throw reader.failure("series", "names one series twice")
            }
        } else if reader.optional("venue") != nil || reader.optional("symbol") != nil
            || reader.optional("resolution") != nil
        {
            series = [try SeriesKey.read(&reader)]
        }
        start = try reader.optionalTime("start")
        end = try reader.optionalTime("end")
        if let start, let end, start >= end { throw reader.failure("end", "must be after start") }
        warmUp = try reader.optionalInteger("warm_up", in: 0...BacktestJob.maximumWarmUp)
        if let given = try reader.optionalDecimal("capital") {
            guard given.isPositive, given <= TradingBounds.notional else {
                throw reader.failure(
                    "capital", "is \(given), it must be above 0 and at most \(TradingBounds.notional)")
            }
            capital = given
        }
        mode = try reader.optionalChoice("mode") ?? mode
        if let given = reader.optional("costs") {
            costs = try CostModel(given, path: reader.fullName("costs"))
        }
        seed = try Self.seed(&reader) ?? seed
        title = try reader.optionalString("title", bytes: 200) ?? title
    }

    /// A whole number, also as a string, since JSON's numbers end at 53 bits for many.
    private static func seed(_ reader: inout ObjectReader) throws(FieldFailure) -> UInt64? {
        guard let value = reader.optional("seed") else { return nil }
        let text: String
        switch value {
        case .string(let written), .number(let written): text = written
        case .null, .bool, .array, .object: text = value.kind
        }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seed = UInt64(text) else {
            throw reader.failure("seed", "must be a whole number from 0 to \(UInt64.max)")
        }
        return seed
    }
}
