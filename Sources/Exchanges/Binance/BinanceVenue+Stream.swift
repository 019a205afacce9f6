import Trading

/// From the user data stream to the desk.
extension BinanceVenue {
    func take(_ event: BinanceUserEvent, _ text: String, on account: AccountID) {
        guard case .execution(let execution) = event, let known = accounts[account] else { return }
        let order = execution.order
        observer?.adapter(
            venue,
            heard: VenueTrace(
                account: account, order: order.clientID, time: connection.venueTime, source: "stream",
                text: text))
        known.remember(order.venueOrderID, as: order.clientID)
        known.trades(order.symbol, since: order.time.advanced(byMilliseconds: -60_000))
        guard let id = order.clientID, id.order != nil else {
            // Somebody else's: the desk takes note of it, and books its trades as such.
            if let trade = execution.trade { onReport?(account, .trade(trade)) }
            onReport?(account, .order(order))
            return
        }
        // The end of one that was replaced is no end; the answer to the change, or a question, says what holds.
        let isReplaced = known.mayBeReplaced(execution.replacement, of: id, at: connection.venueTime)
        known.note(execution.replacement, of: id)
        switch execution.kind {
        case .new:
            onReport?(
                account, execution.replacement == 0 ? .accepted(id, order.venueOrderID) : .order(order))
        case .trade:
            if let trade = execution.trade { onReport?(account, .trade(trade)) }
        case .cancelled:
            guard !isReplaced else { return }
            onReport?(account, .cancelled(id, filled: order.filledQuantity, reason: order.reason))
        case .expired, .prevented:
            guard order.state == .expired else { return }
            onReport?(account, .expired(id, filled: order.filledQuantity, reason: order.reason))
        case .rejected:
            guard !isReplaced else { return }
            onReport?(account, .rejected(id, reason: order.reason ?? "rejected by binance"))
        case .replaced:
            onReport?(account, .amended(id, Amendment(quantity: order.quantity, price: order.price)))
        }
    }
}
