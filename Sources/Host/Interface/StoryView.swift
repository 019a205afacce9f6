public import Trading
public import Wire

/// One thing that happened to an order, as people see it.
public struct StoryEntry: Hashable, Sendable {
    /// Where it comes from.
    public enum Source: String, Hashable, Sendable, CaseIterable {
        /// What the strategy asked for.
        case strategy
        /// The decision of the risk gate.
        case risk
        /// What the desk did of itself.
        case desk
        /// What was written down before anything followed from it.
        case journal
        /// A request to the venue, as it left.
        case request
        /// The venue's answer to a request, or that there was none.
        case answer
        /// What the venue said on its stream.
        case stream
        /// What the adapter told the desk of it.
        case venue
        /// A look at the venue although nothing seemed amiss.
        case audit
        /// The host after a start.
        case recovery
        /// A person's word; `operator` in the API.
        case person = "operator"
    }

    /// What it is.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case asked, allowed, denied, recorded, filled, carried, question, sent, answered, streamed, heard
        case found, recovered
    }

    public var time: Timestamp
    public var source: Source
    public var kind: Kind
    /// In words. Never a key or a signature.
    public var text: String
    /// More of it: what changed, what was sent, what the venue answered word for word.
    public var details: JSONValue?

    /// Describes something that happened.
    public init(
        time: Timestamp, source: Source, kind: Kind, text: String, details: JSONValue? = nil
    ) {
        self.time = time
        self.source = source
        self.kind = kind
        self.text = text
        self.details = details
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "time": .time(time), "source": .string(source.rawValue), "kind": .string(kind.rawValue),
            "text": .string(text), "details": details ?? .null,
        ])
    }
}

/// All that is known of what happened to one order, in order.
public struct StoryView: Hashable, Sendable {
    public var order: OrderView
    public var account: String
    public var venue: String
    /// Our name for the order at the venue.
    public var clientID: String
    /// The venue's own name for it.
    public var venueOrder: String?
    /// Who wanted it: `strategy`, `desk` or `external`.
    public var origin: String
    /// Where it stands, in one sentence.
    public var summary: String
    /// Since when its outcome is unknown; nil when it is known.
    public var unknownSince: Timestamp?
    /// How often the venue was asked what became of it, since it is unknown or else in all.
    public var questions: Int
    public var lastQuestion: Timestamp?
    public var entries: [StoryEntry]
    /// How many lines from the middle were left out, since a story has a bound.
    public var leftOut: Int
    /// How many lines of any order could not be kept while this one was under way.
    public var lost: Int

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "order": order.json, "account": .string(account), "venue": .string(venue),
            "client_id": .string(clientID), "venue_order": .optional(venueOrder),
            "origin": .string(origin), "summary": .string(summary),
            "unknown_since": .orNull(unknownSince),
            "questions": .members(["count": .integer(questions), "last": .orNull(lastQuestion)]),
            "entries": .array(entries.map(\.json)), "left_out": .integer(leftOut), "lost": .integer(lost),
        ])
    }
}
