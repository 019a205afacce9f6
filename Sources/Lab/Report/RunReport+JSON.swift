public import Analytics
import MarketData
import Trading
public import Wire

extension RunReport {
    /// How many points of a curve are told.
    private static let curveLimit = 4_000

    /// The whole report, as the run's page reads it. Money of statistics is a JSON number here: it is for showing.
    public var json: JSONValue {
        let curve = equityCurve(limit: Self.curveLimit)
        let trades = result.trades
        return .members([
            "id": .string(id), "title": .string(title), "job": result.job.json,
            "state": .string(result.end.state.rawValue), "cause": .optional(result.end.cause),
            "data_hashes": .array(result.dataHashes.map { .string($0) }),
            "bars": .integer(result.bars), "milliseconds": .integer(result.milliseconds),
            "funding": .members([
                "amount": .decimal(result.funding), "payments": .integer(result.fundingPayments),
            ]),
            "metrics": .array(Metric.allCases.map { $0.json(performance[$0]) }),
            "period": .members([
                "milliseconds": .integer(performance.samples.period),
                "count": .integer(performance.samples.returns.values.count),
            ]),
            "equity": .members([
                "times": .array(curve.times.map { .time($0) }),
                "values": .array(curve.values.map { .real($0) }),
                "drawdowns": .array(curve.falls.map { .real($0) }),
            ]),
            "price": priceJSON,
            "trades": .members([
                "total": .integer(trades.count),
                "items": .array(trades.prefix(Self.listedTrades).map(Self.json)),
            ]),
            "histogram": histogram.map(Self.json) ?? .null,
            "months": .array(
                performance.months.map {
                    .members([
                        "year": .integer($0.year), "month": .integer($0.month), "return": .real($0.value),
                    ])
                }),
            "years": .array(
                MonthlyReturn.years(of: performance.months).map {
                    .members(["year": .integer($0.year), "return": .real($0.value)])
                }),
            "drawdowns": .array(performance.drawdowns.map(Self.json)),
            "regimes": .array(regimes.map(Self.json)),
            "monte_carlo": .array(shuffles.map(Self.json)),
            "log": .array(result.log.map { .string($0) }),
        ])
    }

    /// What lists and comparisons show of a run: ``RunSummary``, and every metric by its name under `metrics`.
    public static func summary(of result: BacktestResult) -> JSONValue {
        guard case .object(let members) = RunSummary(result).json else { return .null }
        return .object(members + [.init("metrics", performance(of: result).metricsJSON)])
    }

    private var priceJSON: JSONValue {
        guard let series = result.job.series.first, !prices.bars.isEmpty else { return .null }
        return .members([
            "series": series.json, "bar": .integer(prices.length),
            "times": .array(prices.bars.map { .time($0.time) }),
            "open": .array(prices.bars.map { .real($0.open) }),
            "high": .array(prices.bars.map { .real($0.high) }),
            "low": .array(prices.bars.map { .real($0.low) }),
            "close": .array(prices.bars.map { .real($0.close) }),
        ])
    }

    private static func json(_ trade: ClosedTrade) -> JSONValue {
        guard case .object(let members) = trade.json else { return trade.json }
        return .object(members + [.init("return", .real(trade.returnOnEntry))])
    }

    private static func json(_ histogram: Histogram) -> JSONValue {
        .members([
            "lowest": .real(histogram.lowest), "width": .real(histogram.width),
            "counts": .array(histogram.counts.map { .integer($0) }),
        ])
    }

    private static func json(_ fall: PerformanceSummary.DatedDrawdown) -> JSONValue {
        .members([
            "depth": .real(fall.depth), "peak": .time(fall.peak), "trough": .time(fall.trough),
            "recovery": fall.recovery.map { .time($0) } ?? .null,
        ])
    }

    private static func json(_ row: Regimes.Row) -> JSONValue {
        .members([
            "label": .string(row.label), "periods": .integer(row.periods),
            "mean_return": .real(row.meanReturn), "sharpe": .real(row.sharpe),
            "win_rate": .real(row.winRate),
        ])
    }

    private static func json(_ shuffle: TradeShuffle) -> JSONValue {
        .members([
            "method": .string(shuffle.method.rawValue), "runs": .integer(shuffle.runs),
            "final_equity": json(shuffle.finalEquity), "max_drawdown": json(shuffle.maximumDrawdown),
            "loss_share": .real(shuffle.lossShare), "ruin_share": .real(shuffle.ruinShare),
            "worse_drawdown_share": .real(shuffle.worseDrawdownShare),
        ])
    }

    private static func json(_ spread: TradeShuffle.Spread) -> JSONValue {
        .members([
            "mean": .real(spread.mean), "p5": .real(spread.percentile5), "p25": .real(spread.percentile25),
            "median": .real(spread.median), "p75": .real(spread.percentile75),
            "p95": .real(spread.percentile95),
        ])
    }
}

extension Metric {
    /// A value of this metric; counts are whole numbers.
    func number(_ value: Double?) -> JSONValue {
        guard explanation.unit == .count, let value, let whole = Int(exactly: value) else {
            return .real(value)
        }
        return .integer(whole)
    }

    /// The metric with a value and its words.
    func json(_ value: Double?) -> JSONValue {
        let words = explanation
        return .members([
            "name": .string(rawValue), "title": .string(words.title), "unit": .string(words.unit.rawValue),
            "better": .string(words.better.rawValue), "meaning": .string(words.meaning),
            "value": number(value),
        ])
    }
}

extension PerformanceSummary {
    /// The metrics alone, by name; what is not defined is null.
    public var metricsJSON: JSONValue {
        .object(Metric.allCases.map { JSONValue.Member($0.rawValue, $0.number(self[$0])) })
    }
}
