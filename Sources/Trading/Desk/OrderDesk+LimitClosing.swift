/// Closing where the venue takes limit orders alone.
///
/// The order is a limit order beyond the last price, so that it trades at once with what stands there. What has not traded
/// after a while is taken back, and the next one goes further.
extension OrderDesk {
    /// How far beyond the last price the first order goes, and by how much more each later one: a fiftieth of it.
    private static let stride = FixedDecimal(units: FixedDecimal.unitsPerOne / 50)
    /// No order goes further than so many strides.
    private static let mostStrides = 5
    /// How long an order may stand without a trade, in milliseconds.
    private static let patience: Int64 = 5_000

    /// The order that trades a quantity of a row's position away at once.
    ///
    /// - Parameter attempt: The how manieth it is, from 1.
    func closingTerms(_ side: Side, _ quantity: FixedDecimal, row: Int, attempt: Int) -> OrderTerms {
        let market = gate.markets[gate.rows[row].market]
        var terms = OrderTerms(
            symbol: market.instrument.symbol, side: side, type: .market, quantity: quantity, reduceOnly: true)
        // Without a price there is nothing to put a limit to, and the filters say no.
        guard !market.instrument.takesMarketOrders, let last = market.lastPrice else { return terms }
        let stride = FixedDecimal.product(last, Self.stride, .up)
        var price = last
        for _ in 0..<min(max(attempt, 1), Self.mostStrides) {
            price =
                side == .buy ? FixedDecimal.sum(price, stride) : FixedDecimal.difference(price, stride)
        }
        terms.type = .limit
        terms.price = max(price, market.instrument.tickSize)
        return terms
    }

    /// Takes back the desk's own limit orders that have not traded for a while.
    mutating func reviewLimitClosings(at time: Timestamp, _ actions: inout [DeskAction]) {
        for row in gate.rows.indices where !gate.markets[gate.rows[row].market].instrument.takesMarketOrders {
            for id in gate.rows[row].live {
                guard let order = entries[id]?.order, order.intent.origin == .desk,
                    order.intent.terms.type == .limit,
                    order.status == .open || order.status == .partiallyFilled, !order.cancelWanted,
                    isPast(order.updatedAt, Self.patience, at: time)
                else { continue }
                handle(.cancelWanted, for: id, at: time, &actions)
            }
        }
    }
}
