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
    /// The study that has kept it, with the number of the window that it is of; nil for a run that somebody asked for.
    public var study: StudyPart?
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
            "job": job.json, "repeats": .optional(repeats.map(String.init)),
            "study": .optional(study.map { String($0.study) }),
            "window": study.map { .integer($0.part) } ?? .null, "created_at": .time(createdAt),
            "started_at": startedAt.map { .time($0) } ?? .null,
            "ended_at": endedAt.map { .time($0) } ?? .null,
            "progress": .members(["bars": .integer(progress.bars), "total": .integer(progress.total)]),
            "kept": .bool(isKept), "data_hashes": .array(dataHashes.map { .string($0) }),
            "result_hash": .optional(resultHash), "summary": summary,
        ])
    }
}

/// Where in a study a run belongs.
public struct StudyPart: Hashable, Sendable {
    /// The study's number.
    public let study: Int64
    /// Of a walk forward the window's number, from 0.
    public let part: Int

    /// Names a place.
    public init(study: Int64, part: Int) {
        self.study = study
        self.part = part
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
    /// Those that this study has kept; nil for those that belong to none.
    public var study: Int64?

    /// Lists everything that is not left out by one of them.
    public init(
        owner: String? = nil, algorithm: String? = nil, state: LabRun.State? = nil, study: Int64? = nil
    ) {
        self.study = study
        self.owner = owner
        self.algorithm = algorithm
        self.state = state
    }
}
