public import Trading

extension Instrument {
    /// The steps an instrument usually has, for a feed that does not say: those of the simulated market where it has
    /// the symbol, else two digits for prices and five for quantities.
    public static func usual(symbol: String) -> Instrument {
        if let known = SimulatedInstrument.all.first(where: { $0.instrument.symbol == symbol }) {
            return known.instrument
        }
        let quote =
            ["USDT", "USDC", "USD", "INR", "AUD", "EUR", "BTC", "ETH"].first {
                symbol.hasSuffix($0) && symbol.utf8.count > $0.utf8.count
            } ?? "USDT"
        let base = symbol.hasSuffix(quote) ? String(symbol.dropLast(quote.count)) : symbol
        let isInCoins = quote == "BTC" || quote == "ETH"
        return Instrument(
            symbol: symbol, base: base, quote: quote,
            tickSize: FixedDecimal(isInCoins ? "0.00000001" : "0.01")!, stepSize: FixedDecimal("0.00001")!,
            minimumNotional: FixedDecimal(isInCoins ? "0.0001" : quote == "INR" ? "100" : "5")!)
    }
}
