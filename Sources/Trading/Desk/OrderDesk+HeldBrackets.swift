/// What a price may reach, for who decides which prices a candle went through: the Lab.
extension OrderDesk {
    /// A bracket that waits for its prices.
    public struct HeldBracket: Hashable, Sendable {
        public let id: OrderID
        /// The side of its exit.
        public let side: Side
        public let prices: BracketPrices
    }

    /// Whether any bracket waits or works.
    public var holdsBrackets: Bool { !brackets.isIdle }

    /// Whether the exit of any bracket is under way, or is to be tried again.
    public var hasExits: Bool {
        brackets.live.values.contains { $0.contains { brackets[$0]?.status == .triggered } }
    }

    /// The brackets of a market that wait for their prices.
    public func heldBrackets(in symbol: String, at venue: VenueID) -> [HeldBracket] {
        guard let market = gate.market(symbol, at: venue) else { return [] }
        return (brackets.watches[market] ?? []).map {
            HeldBracket(id: $0.id, side: $0.side, prices: $0.prices)
        }
    }
}
