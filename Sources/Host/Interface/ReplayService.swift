public import Lab
public import Trading
public import Wire

/// What the faces may ask about runs and their replays.
public protocol ReplayService: Sendable {
    /// Runs of a strategy, the newest first, and which of them can be replayed.
    func runs(of strategy: String, limit: Int) async throws(HostError) -> [RunView]
    /// The strategy that a run is of.
    func strategy(ofRun run: String) async throws(HostError) -> String
    /// Begins to replay a run, with another version when one is named. A conflict while others are under way.
    func replay(_ run: String, version: String?, by: String) async throws(HostError) -> ReplayRecord
    /// A replay and what came of it.
    func replay(_ id: String) async throws(HostError) -> ReplayRecord
    /// Replays of a strategy, the newest first, without their reports.
    func replays(of strategy: String) async throws(HostError) -> [ReplayRecord]
}

/// A run as people see it.
public struct RunView: Hashable, Sendable {
    public var id: String
    public var strategy: String
    public var version: String
    public var feed: String
    public var account: String
    public var capital: FixedDecimal
    /// An object.
    public var parameters: JSONValue
    public var startedAt: Timestamp
    /// Nil while it is under way.
    public var endedAt: Timestamp?
    public var cause: String?
    public var fills: Int
    /// Whether what it was told is there still.
    public var isRecorded: Bool

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "strategy": .string(strategy), "version": .string(version),
            "feed": .string(feed), "account": .string(account), "capital": .decimal(capital),
            "parameters": parameters, "started_at": .time(startedAt),
            "ended_at": endedAt.map { .time($0) } ?? .null, "cause": .optional(cause),
            "fills": .integer(fills), "recorded": .bool(isRecorded),
        ])
    }
}
