/// Orders that are at the venue although they have ended here, or more than once.
///
/// Both come of venues that change an order by placing another: what was replaced may live on beside the new one, and when
/// it fills first, the order is whole here while the new one is open there. Nobody may be exposed by that unnoticed. What
/// an old answer says is not believed; only repeated questions are.
struct StillOpenOrder: Sendable {
    var askedAt: Timestamp
    /// How many answers to questions about it showed it open.
    var answers = 0
}

extension OrderDesk {
    /// The orders that have ended here and that the venue shows open, as far as it was asked.
    public var ordersStillOpen: [OrderID] { stillOpen.keys.sorted() }

    /// After how many such answers in a row an order counts as open, and is cancelled.
    private static let answersToBelieve = 3

    /// Takes note that the venue shows an order open, which may have ended here.
    ///
    /// - Parameter isListed: Whether it stood in a list of open orders, and answers no question about itself.
    mutating func takeOpenAfterEnd(
        of id: OrderID, as found: VenueOrder, isListed: Bool, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let order = entries[id]?.order, order.hasEndedAtVenue else {
            stillOpen[id] = nil
            return
        }
        guard var known = stillOpen[id] else {
            stillOpen[id] = StillOpenOrder(askedAt: time)
            return askStatus(of: order, at: time, &actions)
        }
        guard !isListed else { return }
        known.answers += 1
        stillOpen[id] = known
        guard known.answers.isMultiple(of: Self.answersToBelieve) else { return }
        if known.answers == Self.answersToBelieve {
            actions.append(.alarm(.stillOpen(id, order.intent.strategy, found.venueOrderID)))
        }
        let name = OrderReference(
            clientID: order.intent.clientID, symbol: order.symbol, venueOrderID: found.venueOrderID)
        actions.append(.send(order.intent.account, .cancel(name)))
    }

    /// Asks again about orders that the venue showed open after their end.
    mutating func reviewStillOpen(at time: Timestamp, _ actions: inout [DeskAction]) {
        for id in ordersStillOpen {
            guard let order = entries[id]?.order, order.hasEndedAtVenue else {
                stillOpen[id] = nil
                continue
            }
            guard isDue(stillOpen[id]?.askedAt, at: time), !isAway(order.intent.account) else { continue }
            stillOpen[id]?.askedAt = time
            askStatus(of: order, at: time, &actions)
        }
    }

    /// Tells the operator once of each order that a list shows open under two of the venue's names.
    mutating func takeDoubles(
        in listed: [OrderID: Set<VenueOrderID>], on account: AccountID, _ actions: inout [DeskAction]
    ) {
        for id in doubled where listed[id] == nil && entries[id]?.order.intent.account ?? account == account {
            doubled.remove(id)
        }
        for id in listed.keys.sorted() {
            guard let names = listed[id], names.count > 1 else {
                doubled.remove(id)
                continue
            }
            guard let order = entries[id]?.order, doubled.insert(id).inserted else { continue }
            actions.append(.alarm(.openTwice(id, order.intent.strategy, names.sorted())))
        }
    }
}

extension Order {
    /// Whether the venue has said that nothing of it is open any more.
    fileprivate var hasEndedAtVenue: Bool {
        switch status {
        case .filled, .cancelled, .expired: true
        // Found open, one that was not placed comes back, and one that was rejected is an alarm of its own.
        case .pending, .submitted, .open, .partiallyFilled, .pendingCancel, .rejected, .denied, .unknown,
            .notPlaced:
            false
        }
    }
}
