/// Whether a change of an open order took place, when its own answer does not say.
///
/// What the venue shows with the new terms is changed. With the old terms it proves nothing until as long has passed as a
/// request may be on its way: the change may arrive after the answer. Until then the change stays under way, the larger of
/// both stays reserved, and the venue is asked again and again.
extension OrderDesk {
    /// Takes note of when a change may last have been sent.
    mutating func noteAmendment(of id: OrderID, lastSent time: Timestamp) {
        entries[id]?.amendmentSentAt = time
        entries[id]?.unchangedSince = nil
    }

    /// Whether only asking tells if a change took place.
    func isChangeInDoubt(_ entry: Entry) -> Bool {
        entry.order.amendment != nil && !entry.awaitsAmendAnswer
    }

    /// What the venue holds settles whether a change of ours took place.
    ///
    /// - Parameters:
    ///   - isCurrent: Whether the answer is to a question that was asked after the terms were last settled. Else it may
    ///     be of older terms, and the venue is asked again.
    ///   - seen: The order as it was before the answer.
    mutating func settleAmendment(
        of id: OrderID, as found: VenueOrder, isCurrent: Bool, whenAsked seen: Entry?, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let entry = entries[id] else { return }
        let order = entry.order
        // Open after its end, it is what an old answer says, or is looked into by `takeOpenAfterEnd`.
        guard found.state != .open || !order.status.isTerminal else { return }
        let held = Amendment(quantity: found.quantity, price: found.price)
        guard isCurrent || found.state != .open else {
            let isSettled = found.quantity == order.quantity && found.price == order.price
            if !isSettled || order.amendment != nil, entry.statusQuestions == 0, !entry.awaitsAmendAnswer {
                askStatus(of: order, at: time, &actions)
            }
            return
        }
        if found.quantity != order.quantity || found.price != order.price {
            handle(.amended(held), for: id, at: time, &actions)
        } else if order.amendment != nil, found.state != .open || isRefusalProven(of: entry, seen, at: time) {
            handle(.amendRefused(reason: "the venue still has the old terms"), for: id, at: time, &actions)
        }
    }

    /// Whether an open order that the venue shows unchanged stays so. This may answer a question that was asked before the
    /// change left, or before it arrived; `review` asks again.
    private mutating func isRefusalProven(of entry: Entry, _ seen: Entry?, at time: Timestamp) -> Bool {
        guard !entry.awaitsAmendAnswer else { return false }
        guard let seen, let sent = entry.amendmentSentAt else { return true }
        return isGraceOver(since: sent, orElse: \.unchangedSince, for: seen, at: time)
    }
}
