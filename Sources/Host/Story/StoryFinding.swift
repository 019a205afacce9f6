internal import Trading
internal import Wire

/// What was in doubt about an order and came to light because the venue was asked: not by its own answer, nor by a stream.
struct StoryFinding: Hashable, Sendable {
    /// What was not known.
    let subject: AccountReconciliation.OpenQuestion.Subject
    /// How the order stood before, and how it stands now.
    let before: OrderStatus
    let after: OrderStatus
    /// Whether a change took place; nil unless one was in doubt.
    let tookPlace: Bool?
    /// What was asked for, and why.
    let question: Question
    let occasion: Occasion

    /// What the venue was asked for.
    enum Question: String, Sendable {
        case status
        case openOrders = "open_orders"
        case trades

        init?(_ request: VenueRequest) {
            switch request {
            case .status: self = .status
            case .openOrders: self = .openOrders
            case .trades: self = .trades
            case .place, .cancel, .amend, .balances, .decided: return nil
            }
        }

        fileprivate var words: String {
            switch self {
            case .status: "what became of the order"
            case .openOrders: "for the open orders"
            case .trades: "for the trades"
            }
        }
    }

    /// Everything that an answer brought to light about an order.
    static func all(
        from old: Order, to new: Order, by question: Question, on occasion: Occasion
    ) -> [StoryFinding] {
        func finding(_ subject: AccountReconciliation.OpenQuestion.Subject, _ tookPlace: Bool? = nil)
            -> StoryFinding
        {
            StoryFinding(
                subject: subject, before: old.status, after: new.status, tookPlace: tookPlace,
                question: question, occasion: occasion)
        }
        var findings: [StoryFinding] = []
        if old.status == .unknown, new.status != .unknown { findings.append(finding(.outcome)) }
        if old.status == .pendingCancel, new.status.isTerminal { findings.append(finding(.cancel)) }
        if let change = old.amendment, new.amendment == nil {
            let isThere = new.quantity == change.quantity && new.price == change.price ?? new.price
            findings.append(finding(.change, isThere))
        }
        return findings
    }

    /// The line that it makes.
    func line(at time: Int64) -> StoryLine {
        let what: String
        switch (subject, tookPlace) {
        case (.change, true): what = "the change took place"
        case (.change, _): what = "the change did not take place"
        case (.outcome, _), (.cancel, _), (.trades, _): what = "\(before.words) → \(after.words)"
        }
        return StoryLine(
            time, occasion.source, .found,
            "found by asking the venue \(question.words)\(occasion.words): \(what)",
            .members([
                "unknown": .string(subject.rawValue), "asked": .string(question.rawValue),
                "was": .string(before.rawValue), "is": .string(after.rawValue),
            ]))
    }
}

extension Order {
    /// Whether an answer to a question could say something that nothing else has.
    var isInDoubt: Bool { status == .unknown || status == .pendingCancel || amendment != nil }
}
