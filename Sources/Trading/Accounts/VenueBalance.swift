/// What a venue says that an account holds of one currency or coin.
public struct VenueBalance: Hashable, Sendable {
    public let currency: String
    /// What open orders hold back included.
    public let total: FixedDecimal
    /// What open orders hold back.
    public let locked: FixedDecimal

    /// Describes money.
    public init(currency: String, total: FixedDecimal, locked: FixedDecimal) {
        self.currency = currency
        self.total = total
        self.locked = locked
    }
}
