/// What one order holds back in the gate's books.
struct Claim: Hashable, Sendable {
    /// What may still be bought, and what that would cost at worst.
    var buys = FixedDecimal.zero
    var buyNotional = FixedDecimal.zero
    /// What may still be sold.
    var sells = FixedDecimal.zero
    /// What may still be bought or sold, but only as far as it reduces the position. Others' orders then begin from there.
    var exitBuys = FixedDecimal.zero
    var exitSells = FixedDecimal.zero
    /// 1 while the order is not terminal.
    var liveOrders = 0
    /// 1 while its outcome is unknown.
    var unknownOrders = 0

    static let none = Claim()
}

extension Order {
    /// What the order holds back.
    ///
    /// A reduce-only order cannot enlarge a position, so it claims no money; the desk keeps its quantity within the
    /// position. An order that ended but whose fills are not all here claims those fills still.
    var claim: Claim {
        var claim = Claim()
        claim.liveOrders = status.isTerminal ? 0 : 1
        claim.unknownOrders = status == .unknown ? 1 : 0
        let quantity = reservedQuantity
        switch (side, intent.terms.reduceOnly) {
        case (.buy, false):
            claim.buys = quantity
            claim.buyNotional = FixedDecimal.product(quantity, reservePrice, .up)
        case (.sell, false): claim.sells = quantity
        case (.buy, true): claim.exitBuys = quantity
        case (.sell, true): claim.exitSells = quantity
        }
        return claim
    }
}
