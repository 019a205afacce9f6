public import Lab
public import Trading
public import Wire

/// What the faces may ask about versions that trade side by side.
public protocol TrialService: Sendable {
    /// Trials, the newest first, those that have ended among them.
    func trials(owner: String?) async throws(HostError) -> [TrialView]
    /// One trial.
    func trial(_ id: String) async throws(HostError) -> TrialView
    /// Deploys two packages side by side.
    func beginTrial(_ request: TrialRequest, by: String) async throws(HostError) -> TrialView
    /// Ends both deployments of a trial.
    func endTrial(_ id: String, orders: OrdersAtEnd?, by: String) async throws(HostError) -> TrialView
}

/// Two packages for one account.
public struct TrialRequest: Hashable, Sendable {
    /// The packages' hashes, or their first 12 digits or more.
    public var first: String
    public var second: String
    public var account: String
    public var feed: String?
    /// What each of them gets, in the account's currency.
    public var capital: FixedDecimal

    /// Describes a trial.
    public init(first: String, second: String, account: String, feed: String? = nil, capital: FixedDecimal) {
        self.first = first
        self.second = second
        self.account = account
        self.feed = feed
        self.capital = capital
    }
}

/// A trial and what it shows so far.
public struct TrialView: Sendable {
    public var trial: Trial
    public var first: DeploymentView
    public var second: DeploymentView
    public var comparison: TrialComparison

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(String(trial.id)), "owner": .string(trial.owner),
            "began_at": .time(trial.beganAt), "began_by": .string(trial.beganBy),
            "ended_at": trial.endedAt.map { .time($0) } ?? .null, "ended_by": .optional(trial.endedBy),
            "first": first.json, "second": second.json, "comparison": comparison.json,
        ])
    }
}
