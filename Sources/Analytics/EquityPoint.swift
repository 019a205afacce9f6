public import Trading

/// What a strategy was worth at an instant.
public struct EquityPoint: Hashable, Sendable {
    public let time: Timestamp
    /// Cash and positions at their last price, in the account's currency. Exact where it was recorded so; statistics
    /// go on in floating point.
    public let equity: FixedDecimal

    /// Names an instant and a worth.
    public init(time: Timestamp, equity: FixedDecimal) {
        self.time = time
        self.equity = equity
    }
}
