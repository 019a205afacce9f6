public import Trading

/// A round trip: what opened a position, and what closed it or a part of it, first in, first out.
public struct ClosedTrade: Hashable, Sendable {
    public let symbol: String
    /// Whether the position was long; a short one earns when the price falls.
    public let isLong: Bool
    public let entryTime: Timestamp
    public let exitTime: Timestamp
    public let entryPrice: FixedDecimal
    public let exitPrice: FixedDecimal
    /// In base currency. Above nought.
    public let quantity: FixedDecimal
    /// The fees of its entry and exit, in quote currency.
    public let fees: FixedDecimal
    /// What it earned after ``fees``, in quote currency.
    public let profit: FixedDecimal
    /// How far the price went against it and in its favour while it was open, as parts of the entry price, both at
    /// least 0; nil where no prices between are known.
    public let adverseExcursion: Double?
    public let favourableExcursion: Double?

    /// Describes a round trip.
    public init(
        symbol: String, isLong: Bool, entryTime: Timestamp, exitTime: Timestamp, entryPrice: FixedDecimal,
        exitPrice: FixedDecimal, quantity: FixedDecimal, fees: FixedDecimal, profit: FixedDecimal,
        adverseExcursion: Double? = nil, favourableExcursion: Double? = nil
    ) {
        self.symbol = symbol
        self.isLong = isLong
        self.entryTime = entryTime
        self.exitTime = exitTime
        self.entryPrice = entryPrice
        self.exitPrice = exitPrice
        self.quantity = quantity
        self.fees = fees
        self.profit = profit
        self.adverseExcursion = adverseExcursion
        self.favourableExcursion = favourableExcursion
    }
}
