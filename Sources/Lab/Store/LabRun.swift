public import Trading
public import Wire

/// A backtest as the Lab keeps it, without what is large.
public struct LabRun: Hashable, Sendable {
    /// Where it stands.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case queued, running, completed, cancelled, failed
        /// The host ended while it was under way.
        case interrupted

        /// Whether something more will come of it.
        public var isUnderWay: Bool { self == .queued || self == .running }
    }

    /// Counts up from 1; also its name.
    public let number: Int64
    /// Whose strategy it is: who may see it.
    public var owner: String
    /// Who asked for it.
    public var createdBy: String
    public var title: String
    public var state: State
    /// Why it ended before its time, in words.
    public var cause: String?
    public var job: BacktestJob
    /// The run that this one repeats.
    public var repeats: Int64?
    public var createdAt: Timestamp
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var progress: BacktestProgress
    /// Whether it is spared when old runs are removed.
    public var isKept: Bool
    /// SHA-256 of each series' candles; empty until it has ended.
    public var dataHashes: [String]
    /// ``BacktestResult/fingerprint``; nil until it has ended.
    public var resultHash: String?
    /// What came of it in a few figures: an object; null until it has ended.
    public var summary: JSONValue

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(String(number)), "owner": .string(owner), "created_by": .string(createdBy),
            "title": .string(title), "state": .string(state.rawValue), "cause": .optional(cause),
            "job": job.json, "repeats": .optional(repeats.map(String.init)), "created_at": .time(createdAt),
            "started_at": startedAt.map { .time($0) } ?? .null,
            "ended_at": endedAt.map { .time($0) } ?? .null,
            "progress": .members(["bars": .integer(progress.bars), "total": .integer(progress.total)]),
            "kept": .bool(isKept), "data_hashes": .array(dataHashes.map { .string($0) }),
            "result_hash": .optional(resultHash), "summary": summary,
        ])
    }
}

/// A part of a list of runs, newest first.
public struct LabRunPage: Sendable {
    public var runs: [LabRun]
    /// Ask for those below this number for the next part; nil when there is none.
    public var next: Int64?
}

/// Which runs to list.
public struct LabRunFilter: Hashable, Sendable {
    /// Only of this user's strategies; nil for everyone's.
    public var owner: String?
    public var algorithm: String?
    public var state: LabRun.State?

    /// Lists everything that is not left out by one of them.
    public init(owner: String? = nil, algorithm: String? = nil, state: LabRun.State? = nil) {
        self.owner = owner
        self.algorithm = algorithm
        self.state = state
    }
}
