/// What can be traded on a venue, and in which steps.
public struct Instrument: Hashable, Sendable {
    /// The host's own name for it, such as `BTCUSDT`.
    public let symbol: String
    /// What is bought and sold, such as `BTC`.
    public let base: String
    /// What it is paid in, such as `USDT`.
    public let quote: String
    /// Prices are whole multiples of this. Above nought.
    public let tickSize: FixedDecimal
    /// Quantities are whole multiples of this. Above nought.
    public let stepSize: FixedDecimal
    /// The least price times quantity of an order, in quote currency.
    public let minimumNotional: FixedDecimal
    /// Whether the venue takes market orders in it; otherwise limit orders alone, as on most of CoinDCX's rupee markets.
    public let takesMarketOrders: Bool

    /// Describes an instrument.
    public init(
        symbol: String, base: String, quote: String, tickSize: FixedDecimal, stepSize: FixedDecimal,
        minimumNotional: FixedDecimal, takesMarketOrders: Bool = true
    ) {
        precondition(tickSize.isPositive && stepSize.isPositive && !minimumNotional.isNegative)
        self.symbol = symbol
        self.base = base
        self.quote = quote
        self.tickSize = tickSize
        self.stepSize = stepSize
        self.minimumNotional = minimumNotional
        self.takesMarketOrders = takesMarketOrders
    }
}
