/// What an order was for in the end, when it ended before a change of it was settled.
///
/// The venue is asked until it says, by the next host too, and not without end: little but what is shown of the order
/// depends on it.
extension OrderDesk {
    private static let lateQuestions = 10

    /// Takes note that an order ended with a change under way, or that the change is settled after all.
    mutating func noteLateTerms(of order: Order, before: Order) {
        if order.amendment == nil || !order.status.isTerminal {
            if before.amendment != nil { lateTerms[order.id] = nil }
        } else if !before.status.isTerminal {
            lateTerms[order.id] = 0
        }
    }

    /// Asks again about orders whose terms in the end are not known.
    mutating func reviewLateTerms(at time: Timestamp, _ actions: inout [DeskAction]) {
        for id in lateTerms.keys.sorted() {
            guard let entry = entries[id], let count = lateTerms[id], count < Self.lateQuestions else {
                lateTerms[id] = nil
                continue
            }
            guard isDue(entry.askedAt, at: time), !isAway(entry.order.intent.account) else { continue }
            lateTerms[id] = count + 1
            askStatus(of: entry.order, at: time, &actions)
        }
    }
}
