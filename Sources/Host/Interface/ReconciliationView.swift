public import Trading
public import Wire

/// How an account's books and its venue stand to each other, and what is not known of it.
public struct ReconciliationView: Hashable, Sendable {
    /// Something that was booked as external by this very call.
    public struct Accepted: Hashable, Sendable {
        public var asset: String
        /// Above nought came, below went.
        public var amount: FixedDecimal

        /// Describes what was booked.
        public init(asset: String, amount: FixedDecimal) {
            self.asset = asset
            self.amount = amount
        }

        /// Such as `-0.5 BTC`.
        public var words: String { "\(amount) \(asset)" }
    }

    public var desk: AccountReconciliation
    public var venue: String
    /// Which of an exchange's worlds; nil for the paper venue.
    public var environment: String?
    public var accepted: [Accepted]

    /// Describes how an account stands.
    public init(
        desk: AccountReconciliation, venue: String, environment: String?, accepted: [Accepted] = []
    ) {
        self.desk = desk
        self.venue = venue
        self.environment = environment
        self.accepted = accepted
    }

    /// What stands as external, and so would be booked.
    public var differences: [Accepted] {
        desk.holdings.filter { !$0.external.isZero }.map { Accepted(asset: $0.asset, amount: $0.external) }
    }

    /// As the API writes it.
    public var json: JSONValue {
        .object([
            .init("account", .string(desk.account.text)), .init("venue", .string(venue)),
            .init("environment", .optional(environment)), .init("agrees", .bool(desk.agrees)),
            .init("under_way", .bool(desk.isUnderWay)), .init("last_began", .orNull(desk.lastBegan)),
            .init("last_milliseconds", desk.lastMilliseconds.map { .integer($0) } ?? .null),
            .init("gap", .optional(desk.gap)), .init("merging", .bool(desk.isMerging)),
            .init("away", .optional(desk.absence)), .init("away_until", .orNull(desk.absenceUntil)),
            .init("orders", .array(desk.questions.map(json(of:)))),
            .init("compared", .bool(desk.isCompared)), .init("first_sight", .bool(desk.isFirstSight)),
            .init("balances_at", .orNull(desk.toldAt)), .init("balances_fault", .optional(desk.fault)),
            .init("balances", .array(desk.holdings.map(Self.json(of:)))),
            .init(
                "accepted",
                .array(
                    accepted.map {
                        .members(["asset": .string($0.asset), "amount": .decimal($0.amount)])
                    })),
        ])
    }

    private func json(of question: AccountReconciliation.OpenQuestion) -> JSONValue {
        .object([
            .init("order", OrderView(question.order).json),
            .init("unknown", .string(question.subject.rawValue)),
            .init("since", .time(question.since)), .init("asked_at", .orNull(question.askedAt)),
            .init("candidates", .array(question.candidates.map { .string($0.text) })),
            .init("doing", .string(words(on: question))),
        ])
    }

    /// What is being done about it.
    private func words(on question: AccountReconciliation.OpenQuestion) -> String {
        if !question.candidates.isEmpty {
            return "an operator must say which of the venue's orders it is, or none (bullpen orders settle "
                + "\(question.order.id))"
        }
        if desk.absence != nil { return "asked when the venue may be asked again" }
        return switch question.subject {
        case .outcome: "asked again every 2 s until the venue tells"
        case .cancel: "asked again every 2 s, and the cancel sent again"
        case .change: "asked again every 2 s; both terms count until the change cannot be on its way any more"
        case .trades: "its trades are asked for every 2 s"
        }
    }

    private static func json(of holding: AccountReconciliation.Holding) -> JSONValue {
        .object([
            .init("asset", .string(holding.asset)), .init("booked", .decimal(holding.booked)),
            .init("venue", .decimal(holding.told)), .init("difference", .decimal(holding.difference)),
            .init("state", .string(holding.state.rawValue)), .init("external", .decimal(holding.external)),
            .init("since", .orNull(holding.since)), .init("blocking", .bool(holding.isBlocking)),
        ])
    }
}

/// What `POST /accounts/:id/reconcile` asks for.
public struct ReconcileRequest: Hashable, Sendable {
    /// Whether what stands as external is booked, so that venue and books agree again.
    public var accepts: Bool
    /// What the asker has seen; when something else stands, nothing is booked. Nil takes whatever stands.
    public var expected: [ReconciliationView.Accepted]?

    /// Asks for a reconciliation.
    public init(accepts: Bool = false, expected: [ReconciliationView.Accepted]? = nil) {
        self.accepts = accepts
        self.expected = expected
    }
}
