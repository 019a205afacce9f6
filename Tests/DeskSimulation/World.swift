import Trading

/// What is the same in every schedule.
enum World {
    static let venue: VenueID = "model"
    static let balance = FixedDecimal(6_000)
    static let capital = FixedDecimal(4_000)
    /// How often the desk looks whether the venue agrees.
    static let auditMilliseconds: Int64 = 2_000
    static let marginAtVenue = AccountKind.margin(
        leverage: FixedDecimal(40), maintenance: FixedDecimal(units: FixedDecimal.unitsPerOne / 10_000))
    static let margin = AccountKind.margin(
        leverage: FixedDecimal(5), maintenance: FixedDecimal(units: FixedDecimal.unitsPerOne / 1_000))

    static let symbols = ["AAAUSDT", "BBBUSDT"]
    static let instruments = [
        Instrument(
            symbol: "AAAUSDT", base: "AAA", quote: "USDT", tickSize: units(10), stepSize: units(1_000),
            minimumNotional: FixedDecimal(5)),
        Instrument(
            symbol: "BBBUSDT", base: "BBB", quote: "USDT", tickSize: units(100), stepSize: units(100),
            minimumNotional: FixedDecimal(5)),
    ]

    static let assets = ["AAA", "BBB", "USDT"]

    /// What is bought and sold under a symbol.
    static func base(of symbol: String) -> String { symbol == symbols[0] ? "AAA" : "BBB" }

    /// The same with coarser steps, as a venue may decide on any day.
    static let coarseInstruments = [
        Instrument(
            symbol: "AAAUSDT", base: "AAA", quote: "USDT", tickSize: units(2), stepSize: units(2),
            minimumNotional: FixedDecimal(300)),
        Instrument(
            symbol: "BBBUSDT", base: "BBB", quote: "USDT", tickSize: units(10), stepSize: units(2),
            minimumNotional: FixedDecimal(30)),
    ]

    /// One part of `parts`.
    private static func units(_ parts: Int128) -> FixedDecimal {
        FixedDecimal(units: FixedDecimal.unitsPerOne / parts)
    }

    /// 4 October 2024, noon UTC, and so many milliseconds.
    static func time(_ milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: 1_728_043_200_000 + milliseconds)
    }
}
