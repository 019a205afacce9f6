/// What an order was for in the end, when it ended before a change of it was settled.
///
/// The venue is asked until it says, and not without end: nothing but what is shown of the order depends on it. Who dies
/// meanwhile does not ask any more.
extension OrderDesk {
    private static let lateQuestions = 10

    /// Takes note that an order ended with a change under way, or that the change is settled after all.
    mutating func noteLateTerms(_ event: OrderEvent, of order: Order, before: Order, at time: Timestamp) {
        switch event {
        case .amended, .amendRefused: lateTerms[order.id] = nil
        default:
            if before.amendment != nil, order.amendment == nil, order.status.isTerminal {
                lateTerms[order.id] = 0
            }
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
