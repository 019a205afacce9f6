internal import Trading
internal import Wire

/// Puts an order's story together: what the journal holds of it and what was noted beside, in the order in which it
/// happened.
struct OrderStory {
    /// An event of the journal about the order.
    struct Event: Sendable {
        var id: Int64
        /// When it was written down.
        var time: Timestamp
        var event: DeskEvent
    }

    private let order: Order
    private(set) var entries: [StoryEntry] = []
    private var unknownSince: Timestamp?
    private var before: Order?

    /// - Parameters:
    ///   - order: The order as it is now.
    ///   - events: The journal's events about it, oldest first.
    init(_ order: Order, events: [Event], notes: [(after: Int64, line: StoryLine)]) {
        self.order = order
        var rest = notes[...]
        for event in events {
            // A note belongs behind the last event that was decided before it.
            while let note = rest.first, note.after < event.id {
                add(note.line)
                rest.removeFirst()
            }
            switch event.event {
            case .order(let state): add(state, at: event.time)
            case .fill(let fill): add(fill, at: event.time)
            default: break  // Events about an order are of these two kinds.
            }
        }
        for note in rest { add(note.line) }
    }

    private mutating func add(_ line: StoryLine) {
        entries.append(
            StoryEntry(
                time: Timestamp(milliseconds: line.time), source: line.source, kind: line.kind,
                text: line.text, details: line.details))
    }

    // MARK: - The journal

    private mutating func add(_ state: Order, at recorded: Timestamp) {
        if let before {
            let changes = Self.changes(from: before, to: state)
            entries.append(
                StoryEntry(
                    time: state.updatedAt, source: .journal, kind: .recorded,
                    text: changes.isEmpty
                        ? "written down again, unchanged"
                        : changes.map { "\($0.name): \($0.from) → \($0.to)" }.joined(separator: "; "),
                    details: .members([
                        "changes": .array(changes.map(\.json)), "written_at": .time(recorded),
                    ])))
        } else {
            begin(state, at: recorded)
        }
        if state.status == .unknown {
            unknownSince = unknownSince ?? state.updatedAt
        } else {
            unknownSince = nil
        }
        before = state
    }

    /// The first that the journal knows: who wanted it, what the gate said, and that it was written down.
    private mutating func begin(_ state: Order, at recorded: Timestamp) {
        let (intent, time) = (state.intent, state.intent.createdAt)
        let request = intent.request.map { ", as its request \($0)" } ?? ""
        switch intent.origin {
        case .strategy:
            add(time, .strategy, .asked, "\(intent.strategy) asks to \(intent.terms.words)\(request)")
        case .desk:
            add(time, .desk, .asked, "closes a position of \(intent.strategy): \(intent.terms.words)")
        case .external:
            add(time, .venue, .heard, "it is at the venue and was not placed here: \(intent.terms.words)")
        }
        if state.status == .denied {
            add(time, .risk, .denied, "denied: \(state.reason ?? "no reason was given")")
        } else if intent.origin != .external {
            let side = intent.terms.side == .buy ? "buying" : "selling"
            add(
                time, .risk, .allowed,
                intent.terms.reduceOnly
                    ? "allowed; it can only make the position smaller, and reserves nothing"
                    : "allowed; reserved for \(side) \(intent.terms.quantity) at up to \(intent.reservePrice)"
            )
        }
        entries.append(
            StoryEntry(
                time: time, source: .journal, kind: .recorded,
                text: "written down as \(state.status.words)"
                    + (state.status == .pending ? ", before anything leaves" : ""),
                details: .members(["client_id": .string(intent.clientID.text), "written_at": .time(recorded)])
            ))
    }

    private mutating func add(_ fill: Fill, at recorded: Timestamp) {
        let words =
            "\(fill.quantity) at \(fill.price), fee \(fill.fee) \(fill.feeCurrency), \(fill.liquidity.rawValue), "
            + "trade \(fill.key.trade)"
        entries.append(
            StoryEntry(
                time: recorded, source: .journal, kind: .filled,
                text: (fill.isInferred ? "booked, inferred: " : "booked: ") + words,
                details: .members([
                    "trade": .string(fill.key.trade.text), "venue_time": .time(fill.time),
                    "written_at": .time(recorded),
                ])))
    }

    private mutating func add(
        _ time: Timestamp, _ source: StoryEntry.Source, _ kind: StoryEntry.Kind, _ text: String
    ) {
        entries.append(StoryEntry(time: time, source: source, kind: kind, text: text))
    }

    private struct Change {
        var name: String
        var from: String
        var to: String

        var json: JSONValue {
            .members(["field": .string(name), "from": .string(from), "to": .string(to)])
        }
    }

    private static func changes(from old: Order, to new: Order) -> [Change] {
        func words(_ amendment: Amendment?) -> String {
            amendment.map { "\($0.quantity)" + ($0.price.map { " at \($0)" } ?? "") } ?? "none"
        }
        func words(_ value: FixedDecimal?) -> String { value.map { "\($0)" } ?? "none" }
        let pairs = [
            ("status", old.status.words, new.status.words),
            ("reason", old.reason ?? "none", new.reason ?? "none"),
            ("venue order", old.venueOrderID?.text ?? "none", new.venueOrderID?.text ?? "none"),
            ("quantity", "\(old.quantity)", "\(new.quantity)"),
            ("price", words(old.price), words(new.price)),
            ("filled", "\(old.filledQuantity)", "\(new.filledQuantity)"),
            ("average price", words(old.averagePrice), words(new.averagePrice)),
            ("fee", "\(old.fee)", "\(new.fee)"),
            ("filled by the venue's word", "\(old.venueFilledQuantity)", "\(new.venueFilledQuantity)"),
            ("inferred", "\(old.inferredQuantity)", "\(new.inferredQuantity)"),
            ("cancel wanted", old.cancelWanted ? "yes" : "no", new.cancelWanted ? "yes" : "no"),
            ("change under way", words(old.amendment), words(new.amendment)),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { Change(name: $0.0, from: $0.1, to: $0.2) }
    }

    // MARK: - All of it

    /// As people see it.
    func view(leftOut: Int, lost: Int) -> StoryView {
        let asked = entries.filter { entry in
            entry.kind == .question && unknownSince.map { entry.time >= $0 } ?? true
        }
        let intent = order.intent
        return StoryView(
            order: OrderView(order), account: intent.account.text, venue: intent.venue.text,
            clientID: intent.clientID.text, venueOrder: order.venueOrderID?.text,
            origin: intent.origin.rawValue, summary: summary(questions: asked), unknownSince: unknownSince,
            questions: asked.count, lastQuestion: asked.last?.time, entries: entries, leftOut: leftOut,
            lost: lost)
    }

    private func summary(questions: [StoryEntry]) -> String {
        let reason = order.reason.map { ": \($0)" } ?? ""
        switch order.status {
        case .unknown:
            let times = questions.count == 1 ? "once" : "\(questions.count) times"
            let last = questions.last.map { ", last at \($0.time.utcText()) UTC" } ?? ""
            return "unknown\(reason); asked \(questions.isEmpty ? "not yet" : times)\(last)"
        case .filled:
            return "filled at \(order.averagePrice.map { "\($0)" } ?? "no known price")" + foundByAsking
        case .partiallyFilled, .pendingCancel, .open, .pending, .submitted, .cancelled, .rejected, .denied,
            .expired, .notPlaced:
            let filled =
                order.filledQuantity.isPositive
                ? ", \(order.filledQuantity) of \(order.quantity) filled" : ""
            return order.status.words + filled + reason + foundByAsking
        }
    }

    /// Whether how it stands now is known because the venue was asked.
    private var foundByAsking: String {
        let last = entries.last { $0.kind == .found }
        return last?.details?["is"]?.stringValue == order.status.rawValue ? ", found by asking" : ""
    }
}
