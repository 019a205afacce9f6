import Trading

/// Prices that walk, in whole ticks.
struct MarketModel {
    private var ticks = [1_000, 1_000]
    private var silentUntil: Int64 = 0
    private static let scale: [Int128] = [10, 100]

    mutating func silence(until time: Int64) { silentUntil = max(silentUntil, time) }

    private func price(_ symbol: Int, _ ticks: Int) -> FixedDecimal {
        FixedDecimal(units: FixedDecimal.unitsPerOne / Self.scale[symbol] * Int128(ticks))
    }

    /// The next price; nil while the market is silent.
    mutating func next(_ symbol: Int, at time: Int64, _ random: inout SeededRandom) -> MarketEvent? {
        guard time >= silentUntil else { return nil }
        let jump = random.percent(4) ? 120 : 12
        ticks[symbol] = max(400, ticks[symbol] + random.between(-jump, jump))
        let last = price(symbol, ticks[symbol])
        let volume = FixedDecimal(random.between(2, 60) * (symbol == 0 ? 1 : 10))
        let name = World.symbols[symbol]
        let now = World.time(time)
        switch random.below(10) {
        case 0..<5:
            return .trade(MarketTrade(symbol: name, time: now, price: last, quantity: volume))
        case 5..<8:
            return .quote(
                Quote(
                    symbol: name, time: now, bid: price(symbol, ticks[symbol] - 2), bidQuantity: volume,
                    ask: price(symbol, ticks[symbol] + 2), askQuantity: volume))
        default:
            let (low, high) = (ticks[symbol] - random.below(15), ticks[symbol] + random.below(15))
            return .candle(
                Candle(
                    symbol: name, resolution: Resolution(milliseconds: 1_000), openTime: now,
                    open: last, high: price(symbol, high), low: price(symbol, low), close: last,
                    volume: volume))
        }
    }

    /// A price at which nothing trades for a while.
    func away(_ symbol: Int, _ side: Side) -> FixedDecimal {
        price(symbol, ticks[symbol] + (side == .buy ? -300 : 300))
    }

    /// A price so many ticks from the market's.
    func away(_ symbol: Int, ticks distance: Int) -> FixedDecimal {
        price(symbol, max(1, ticks[symbol] + distance))
    }

    /// A price near the market's, and a quantity.
    func offer(_ symbol: Int, _ random: inout SeededRandom) -> (FixedDecimal, FixedDecimal) {
        let units = FixedDecimal.unitsPerOne
        let quantity =
            symbol == 0
            ? FixedDecimal(units: units / 1_000 * Int128(random.between(100, 9_000)))
            : FixedDecimal(units: units / 100 * Int128(random.between(100, 9_000)))
        return (price(symbol, ticks[symbol] + random.between(-14, 14)), quantity)
    }
}
