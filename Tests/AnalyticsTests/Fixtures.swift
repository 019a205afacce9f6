import Analytics
import Trading

/// Points an hour apart, the first an hour after the epoch.
func hourly(_ values: [Int]) -> [EquityPoint] {
    values.enumerated().map { index, value in
        EquityPoint(
            time: Timestamp(milliseconds: Int64(index + 1) * 3_600_000), equity: FixedDecimal(value))
    }
}

/// Points a day apart; the first closes the first day of the epoch.
func daily(_ values: [Int], from day: Int64 = 1) -> [EquityPoint] {
    values.enumerated().map { index, value in
        EquityPoint(
            time: Timestamp(milliseconds: (day + Int64(index)) * SampledEquity.day),
            equity: FixedDecimal(value))
    }
}

/// A long trade of one unit from 100 that earned `profit`, `hours` long and one after the other.
func trade(_ profit: Int, hours: Int64 = 1, adverse: Double? = nil, favourable: Double? = nil) -> ClosedTrade
{
    ClosedTrade(
        symbol: "BTCUSDT", isLong: true, entryTime: Timestamp(milliseconds: 0),
        exitTime: Timestamp(milliseconds: hours * 3_600_000), entryPrice: FixedDecimal(100),
        exitPrice: FixedDecimal(100 + profit), quantity: .one, fees: FixedDecimal("0.5")!,
        profit: FixedDecimal(profit), adverseExcursion: adverse, favourableExcursion: favourable)
}

/// A fill of one unit or more, at an hour of the epoch.
func fill(_ side: Side, _ quantity: Int, at price: Int, hour: Int64, symbol: String = "BTCUSDT") -> Fill {
    Fill(
        key: FillKey(
            venue: VenueID("lab"), account: AccountID("lab"), symbol: symbol, trade: TradeID("\(hour)")),
        order: OrderID(hour), strategy: StrategyID("s"), side: side, price: FixedDecimal(price),
        quantity: FixedDecimal(quantity), fee: .zero, feeCurrency: "USDT", liquidity: .taker,
        time: Timestamp(milliseconds: hour * 3_600_000))
}

/// Whether two numbers are the same but for rounding.
func isClose(_ left: Double?, _ right: Double, _ tolerance: Double = 1e-12) -> Bool {
    guard let left else { return false }
    return abs(left - right) <= tolerance * max(1, abs(right))
}
