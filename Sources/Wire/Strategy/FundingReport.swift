public import Trading

/// What a strategy paid, or was paid, for holding a perpetual.
public struct FundingReport: Hashable, Sendable {
    public var symbol: String
    /// What was held: below nought when short.
    public var quantity: FixedDecimal
    /// What longs pay to shorts, as a part of the position's worth.
    public var rate: FixedDecimal
    /// What the account's money changed by: below nought when it was paid, above when received.
    public var amount: FixedDecimal
    public var currency: String
    public var time: Timestamp

    /// Describes a payment.
    public init(
        symbol: String, quantity: FixedDecimal, rate: FixedDecimal, amount: FixedDecimal, currency: String,
        time: Timestamp
    ) {
        self.symbol = symbol
        self.quantity = quantity
        self.rate = rate
        self.amount = amount
        self.currency = currency
        self.time = time
    }
}
