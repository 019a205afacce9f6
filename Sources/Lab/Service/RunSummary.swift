import Analytics
public import Trading
public import Wire

/// A run's outcome in a few figures, for lists.
public struct RunSummary: Hashable, Sendable {
    public let finalEquity: FixedDecimal
    /// What it earned, fees taken off, in quote currency.
    public let profit: FixedDecimal
    /// ``profit`` as a part of the capital.
    public let totalReturn: Double
    /// The largest fall from a peak of equity, as a part of that peak; at least 0.
    public let maximumDrawdown: Double
    public let fills: Int
    /// Round trips, and those of them that earned something.
    public let trades: Int
    public let wins: Int
    /// What the venue took.
    public let fees: FixedDecimal
    /// What was received as funding less what was paid; nil when none fell due.
    public let funding: FixedDecimal?
    public let bars: Int
    public let milliseconds: Int

    /// Sums up a result.
    public init(_ result: BacktestResult) {
        let capital = result.job.capital
        finalEquity = result.finalEquity
        profit = FixedDecimal(units: result.finalEquity.units - capital.units)
        totalReturn = Self.real(profit) / Self.real(capital)
        var peak = Self.real(capital)
        var deepest = 0.0
        for point in result.equity {
            let equity = Self.real(point.equity)
            peak = max(peak, equity)
            if peak > 0 { deepest = max(deepest, (peak - equity) / peak) }
        }
        maximumDrawdown = deepest
        fills = result.fills.count
        trades = result.trades.count
        wins = result.trades.count { $0.profit.isPositive }
        fees = FixedDecimal(units: result.fills.reduce(Int128(0)) { $0 &+ $1.fee.units })
        funding = result.fundingPayments > 0 ? result.funding : nil
        bars = result.bars
        milliseconds = result.milliseconds
    }

    private static func real(_ value: FixedDecimal) -> Double {
        Double(value.units) / Double(FixedDecimal.unitsPerOne)
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "final_equity": .decimal(finalEquity), "profit": .decimal(profit),
            "total_return": .real(totalReturn),
            "max_drawdown": .real(maximumDrawdown), "fills": .integer(fills), "trades": .integer(trades),
            "wins": .integer(wins), "fees": .decimal(fees),
            "funding": funding.map { .decimal($0) }, "bars": .integer(bars),
            "milliseconds": .integer(milliseconds),
        ])
    }
}
