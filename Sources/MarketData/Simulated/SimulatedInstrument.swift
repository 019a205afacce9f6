import Trading

/// An instrument of the simulated market and what moves its price.
struct SimulatedInstrument: Sendable {
    let instrument: Instrument
    /// The price when every factor is at nought, in ticks.
    let basePrice: Double
    /// Base currency traded in an ordinary minute, in steps.
    let minuteVolume: Double
    /// Factor names and how strongly they pull.
    let weights: [(factor: String, weight: Double)]

    /// The factors and the standard deviation of their daily changes.
    static let factors: [(name: String, dailyVolatility: Double)] = [
        ("crypto", 0.024), ("bitcoin", 0.008), ("ether", 0.016), ("rupee", 0.002), ("australia", 0.005),
    ]

    /// Every instrument that can be simulated.
    ///
    /// Rupee and Australian prices follow the dollar prices.
    static let all: [SimulatedInstrument] = [
        SimulatedInstrument(
            instrument: instrument("BTC", "USDT", tick: "0.01", step: "0.00001", minimum: "5"),
            basePrice: 64_000 * 100, minuteVolume: 9 * 100_000,
            weights: [("crypto", 1), ("bitcoin", 1)]),
        SimulatedInstrument(
            instrument: instrument("ETH", "USDT", tick: "0.01", step: "0.0001", minimum: "5"),
            basePrice: 3_200 * 100, minuteVolume: 140 * 10_000,
            weights: [("crypto", 1.15), ("ether", 1)]),
        SimulatedInstrument(
            instrument: instrument("BTC", "INR", tick: "1", step: "0.00001", minimum: "100"),
            basePrice: 5_376_000, minuteVolume: 0.4 * 100_000,
            weights: [("crypto", 1), ("bitcoin", 1), ("rupee", 1)]),
        SimulatedInstrument(
            instrument: instrument("ETH", "INR", tick: "0.1", step: "0.0001", minimum: "100"),
            basePrice: 268_800 * 10, minuteVolume: 6 * 10_000,
            weights: [("crypto", 1.15), ("ether", 1), ("rupee", 1)]),
        SimulatedInstrument(
            instrument: instrument("BTC", "AUD", tick: "0.01", step: "0.00001", minimum: "10"),
            basePrice: 97_280 * 100, minuteVolume: 0.6 * 100_000,
            weights: [("crypto", 1), ("bitcoin", 1), ("australia", 1)]),
    ]

    private static func instrument(
        _ base: String, _ quote: String, tick: String, step: String, minimum: String
    ) -> Instrument {
        Instrument(
            symbol: base + quote, base: base, quote: quote, tickSize: FixedDecimal(tick)!,
            stepSize: FixedDecimal(step)!, minimumNotional: FixedDecimal(minimum)!)
    }
}
