public import MarketData
import Trading
public import Wire

extension SeriesKey {
    /// As in `{"venue":"binance","symbol":"BTCUSDT","resolution":"1m"}`.
    public var json: JSONValue {
        .members([
            "venue": .string(venue), "symbol": .string(symbol), "resolution": .string(resolution.description),
        ])
    }

    /// Reads what ``json`` writes.
    public init(_ value: JSONValue, path: String) throws(FieldFailure) {
        var reader = try ObjectReader(value, path: path)
        self = try Self.read(&reader)
        try reader.finish()
    }

    /// Takes `venue`, `symbol` and `resolution` from an object.
    static func read(_ reader: inout ObjectReader) throws(FieldFailure) -> SeriesKey {
        let venue = try word("venue", &reader)
        let symbol = try word("symbol", &reader)
        let text = try reader.string("resolution", bytes: 16)
        guard let resolution = Resolution(text) else {
            throw reader.failure(
                "resolution", "\"\(text)\" is not a resolution such as \"1m\", \"1h\" or \"1d\"")
        }
        return SeriesKey(venue: venue, symbol: symbol, resolution: resolution)
    }

    private static func word(_ name: String, _ reader: inout ObjectReader) throws(FieldFailure) -> String {
        let text = try reader.string(name, bytes: 64)
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./:".utf8.contains(byte)
        }
        guard !text.isEmpty, isPlain else {
            throw reader.failure(name, "must be letters, digits, -, _, ., / or :")
        }
        return text
    }
}

extension CostModel {
    /// The most of ``halfSpreadTicks``.
    static let mostTicks = 10_000
    /// The most of an impact's coefficient.
    static let mostImpact = FixedDecimal(units: FixedDecimal.unitsPerOne / 2)

    /// Every member, decimals as strings.
    public var json: JSONValue {
        .members([
            "maker_fee": .decimal(makerFee), "taker_fee": .decimal(takerFee), "slippage": .decimal(slippage),
            "half_spread_ticks": .integer(halfSpreadTicks),
            "impact": impact.map { .decimal($0.coefficient) },
            "impact_curve": impact.map { .string($0.curve.rawValue) },
            "latency_ms": .integer(latencyMilliseconds), "volume_share": volumeShare.map { .decimal($0) },
            "intrabar": .string(intrabar.rawValue), "market_fill": .string(marketFill.rawValue),
            "funding_rate": fundingRate.map { .decimal($0) }, "funding_hours": .integer(fundingHours),
        ])
    }

    /// Reads ``json``; what is absent is as in ``init()``.
    ///
    /// - Throws: ``FieldFailure`` for a value beyond what its member allows.
    public init(_ value: JSONValue, path: String = "costs") throws(FieldFailure) {
        self.init()
        var reader = try ObjectReader(value, path: path)
        let tenth = FixedDecimal("0.1")!
        makerFee = try Self.share("maker_fee", .zero...tenth, &reader) ?? makerFee
        takerFee = try Self.share("taker_fee", .zero...tenth, &reader) ?? takerFee
        slippage = try Self.share("slippage", .zero...tenth, &reader) ?? slippage
        halfSpreadTicks =
            try reader.optionalInteger("half_spread_ticks", in: 0...Self.mostTicks) ?? halfSpreadTicks
        let coefficient = try Self.share("impact", .zero...Self.mostImpact, &reader) ?? .zero
        let curve: MarketImpact.Curve? = try reader.optionalChoice("impact_curve")
        if coefficient.isPositive {
            impact = MarketImpact(coefficient: coefficient, curve: curve ?? .squareRoot)
        } else if curve != nil {
            throw reader.failure("impact_curve", "goes with an impact above 0")
        }
        latencyMilliseconds = Int64(try reader.optionalInteger("latency_ms", in: 0...86_400_000) ?? 0)
        volumeShare = try Self.share("volume_share", FixedDecimal(units: 1)...(.one), &reader)
        intrabar = try reader.optionalChoice("intrabar") ?? intrabar
        marketFill = try reader.optionalChoice("market_fill") ?? marketFill
        fundingRate = try Self.share("funding_rate", FixedDecimal("-0.1")!...tenth, &reader)
        fundingHours = try reader.optionalInteger("funding_hours", in: 1...24) ?? fundingHours
        guard 24 % fundingHours == 0 else {
            throw reader.failure("funding_hours", "is \(fundingHours), it must divide 24")
        }
        try reader.finish()
    }

    private static func share(
        _ name: String, _ range: ClosedRange<FixedDecimal>, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> FixedDecimal? {
        guard let value = try reader.optionalDecimal(name) else { return nil }
        guard range.contains(value) else {
            throw reader.failure(
                name, "is \(value), allowed are \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

extension BacktestJob {
    /// The most series of one job.
    public static let maximumSeries = 32
    /// The most candles of warm-up.
    public static let maximumWarmUp = 100_000

    /// The whole job, as it is stored, shown and hashed.
    public var json: JSONValue {
        .members([
            "strategy": .string(strategy), "version": .string(version), "parameters": parameters,
            "series": .array(series.map(\.json)), "start": .time(start), "end": .time(end),
            "warm_up": .integer(warmUp), "capital": .decimal(capital), "mode": .string(mode.rawValue),
            "costs": costs.json, "seed": .string(String(seed)),
        ])
    }

    /// Reads what ``json`` writes.
    public init(_ value: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(value)
        let strategy = try reader.string("strategy", bytes: 128)
        let version = try reader.string("version", bytes: 128)
        let request = try BacktestRequest(&reader)
        try reader.finish()
        guard let start = request.start, let end = request.end else {
            throw FieldFailure(field: "start", reason: "and end are missing")
        }
        self.init(
            strategy: strategy, version: version, parameters: request.parameters, series: request.series,
            start: start, end: end, warmUp: request.warmUp ?? 0, capital: request.capital,
            mode: request.mode, costs: request.costs, seed: request.seed)
    }
}
