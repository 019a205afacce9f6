internal import Exchanges
internal import Trading
internal import Wire

/// A line of an order's story, as it is kept.
struct StoryLine: Hashable, Sendable {
    var time: Int64
    var source: StoryEntry.Source
    var kind: StoryEntry.Kind
    var text: String
    var details: JSONValue?

    init(
        _ time: Int64, _ source: StoryEntry.Source, _ kind: StoryEntry.Kind, _ text: String,
        _ details: JSONValue? = nil
    ) {
        self.time = time
        self.source = source
        self.kind = kind
        self.text = text
        self.details = details
    }
}

/// Facts in words.
extension StoryNote {
    /// The line that it makes, or none when it says nothing of its own.
    var lines: [StoryLine] {
        switch fact {
        case .asked(let terms):
            return [
                StoryLine(
                    time, .strategy, .asked, "asked for \(terms.words), which was fitted to the venue's steps"
                )
            ]
        case .askedCancel: return [StoryLine(time, .strategy, .asked, "asks to cancel it")]
        case .askedAmendment(let quantity, let price):
            let wishes = [quantity.map { "quantity \($0)" }, price.map { "price \($0)" }].compactMap { $0 }
            return [StoryLine(time, .strategy, .asked, "asks for \(wishes.joined(separator: " and "))")]
        case .denied(let denial):
            return [
                StoryLine(
                    time, .risk, .denied, "denied: \(denial)", .members(["code": .string(denial.code)]))
            ]
        case .carried(let request, let occasion): return carried(request, occasion)
        case .heard(let report): return heard(report).map { [StoryLine(time, .venue, .heard, $0)] } ?? []
        case .foundTrade(let trade):
            return [StoryLine(time, .audit, .heard, "found by asking: trade \(trade.words)")]
        case .found(let finding): return [finding.line(at: time)]
        case .sent(let trace):
            let details = JSONValue.members([
                "parameters": .string(trace.parameters), "attempt": .integer(trace.attempt),
            ])
            return [StoryLine(time, .request, .sent, trace.source + trace.again, details)]
        case .traffic(let trace): return [traffic(trace)]
        case .recovered(let status):
            return [
                StoryLine(
                    time, .recovery, .recovered,
                    "the host started again and took the order over from the journal, \(status.words)")
            ]
        case .person(let name, let did): return [StoryLine(time, .person, .asked, "\(name): \(did)")]
        }
    }

    private func carried(_ request: VenueRequest, _ occasion: Occasion) -> [StoryLine] {
        let words: String
        switch request {
        case .place: words = "hands the order to the venue's adapter"
        case .cancel: words = "asks the venue to cancel it"
        case .amend(_, let amendment): words = "asks the venue to change it to \(amendment.words)"
        case .status:
            return [
                StoryLine(
                    time, occasion.source, .question, "asks the venue what became of it" + occasion.words)
            ]
        case .decided(_, let isThere):
            words = isThere ? "tells the adapter which order it is" : "tells the adapter that it is not there"
        case .trades, .openOrders, .balances: return []
        }
        return [StoryLine(time, .desk, .carried, words + occasion.words)]
    }

    /// Nil for what is said elsewhere, or about many orders at once.
    private func heard(_ report: VenueReport) -> String? {
        switch report {
        case .sent: nil
        case .unsent(_, let reason): "it provably never left: \(reason)"
        case .outcomeUnknown(_, let reason): "it may or may not have arrived: \(reason)"
        case .accepted(_, let id): "accepted as \(id)"
        case .rejected(_, let reason): "rejected: \(reason)"
        case .cancelled(_, let filled, let reason):
            "cancelled" + (filled.map { ", \($0) filled" } ?? "") + (reason.map { ": \($0)" } ?? "")
        case .expired(_, let filled, let reason):
            "expired" + (filled.map { ", \($0) filled" } ?? "") + (reason.map { ": \($0)" } ?? "")
        case .cancelRefused(_, let reason): "the cancel was refused: \(reason)"
        case .amended(_, let amendment): "changed to \(amendment.words)"
        case .amendRefused(_, let reason): "the change was refused: \(reason)"
        case .trade(let trade): "trade \(trade.words)"
        case .order(let order):
            "it is \(order.state.rawValue) there, \(order.filledQuantity) of \(order.quantity) filled"
                + (order.reason.map { ": \($0)" } ?? "")
        case .absent: "the venue knows no such order"
        case .ambiguous(_, let candidates):
            "it may be any of \(candidates.map(\.text).joined(separator: ", ")), or none"
        case .unanswered(_, let reason): "the question was not answered: \(reason)"
        case .trades, .openOrders, .balances, .streamGap, .streamRestored, .venueUnavailable, .venueAvailable:
            nil
        }
    }

    private func traffic(_ trace: VenueTrace) -> StoryLine {
        let text = trace.text.isEmpty ? nil : JSONValue.string(trace.text)
        guard let took = trace.took else {
            let details = JSONValue.members([
                "text": text, "bytes": .integer(trace.bytes), "cut": .bool(trace.isCut),
            ])
            return StoryLine(time, .stream, .streamed, trace.source, details)
        }
        let microseconds =
            took.components.seconds * 1_000_000 + took.components.attoseconds / 1_000_000_000_000
        guard let status = trace.status else {
            return StoryLine(
                time, .answer, .answered, "no answer: \(trace.text)",
                .members(["took_us": .integer(microseconds), "attempt": .integer(trace.attempt)]))
        }
        return StoryLine(
            time, .answer, .answered, "answered \(status)" + trace.again,
            .members([
                "status": .integer(status), "text": text, "bytes": .integer(trace.bytes),
                "cut": .bool(trace.isCut), "took_us": .integer(microseconds),
                "attempt": .integer(trace.attempt),
            ]))
    }
}

extension VenueTrace {
    /// Which attempt it is, when it is not the first.
    fileprivate var again: String { attempt > 1 ? ", attempt \(attempt)" : "" }
}

extension Occasion {
    /// Where a question comes from that is asked because of it.
    var source: StoryEntry.Source {
        switch self {
        case .review: .audit
        case .recovery: .recovery
        case .strategy, .venue, .person, .host: .desk
        }
    }

    /// Behind what was done because of it.
    var words: String {
        switch self {
        case .strategy, .venue, .host: ""
        case .review: ", since it is time"
        case .recovery: ", after a start"
        case .person(let name): ", as \(name) wants"
        }
    }
}

extension OrderTerms {
    /// Such as `buy 0.01 BTCUSDT, limit 20000, gtc`.
    var words: String {
        var parts = ["\(side.rawValue) \(quantity) \(Feed.symbol(symbol))"]
        parts.append(type.rawValue + (price.map { " \($0)" } ?? ""))
        if let stopPrice { parts.append("trigger \(stopPrice)") }
        parts.append(timeInForce.rawValue)
        if postOnly { parts.append("post-only") }
        if reduceOnly { parts.append("reduce-only") }
        return parts.joined(separator: ", ")
    }
}

extension Amendment {
    fileprivate var words: String { "quantity \(quantity)" + (price.map { ", price \($0)" } ?? "") }
}

extension VenueTrade {
    fileprivate var words: String {
        "\(trade): \(quantity) at \(price), fee \(fee) \(feeCurrency), \(liquidity.rawValue)"
    }
}

extension OrderStatus {
    /// With spaces.
    var words: String { rawValue.split(separator: "_").joined(separator: " ") }
}
