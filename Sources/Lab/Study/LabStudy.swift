public import Trading
public import Wire

/// Something that takes many backtests of one strategy: a search, a walk forward, a check.
public struct LabStudy: Hashable, Sendable {
    /// What is to be found out.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case optimisation
        case walkForward = "walkforward"
        case lookahead
        case startUp = "startup"
    }

    /// Where it stands.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Under way; a host that starts takes it up where it was.
        case running
        case completed, cancelled, failed
    }

    /// Counts up from 1; also its name.
    public let number: Int64
    /// Whose strategy it is: who may see it.
    public let owner: String
    /// Who asked for it.
    public let createdBy: String
    public let title: String
    public var state: State
    /// Why it ended before its time, in words.
    public var cause: String?
    /// What is repeated, over the whole span.
    public let job: BacktestJob
    public let plan: StudyPlan
    public let createdAt: Timestamp
    public var endedAt: Timestamp?
    /// How many steps are done: points, windows or runs.
    public var done: Int
    /// How many there are, as far as known.
    public var total: Int
    /// What came of it: an object; null until it has ended. docs/schemas/openapi.json says what each kind has.
    public var result: JSONValue

    /// As lists have it: of the result what fits on a line.
    public var shortJSON: JSONValue {
        let short = [
            "best", "points", "efficiency", "profitable_windows", "verdict", "is_enough", "enough", "words",
        ]
        var copy = self
        if case .object(let members) = result {
            copy.result = .object(members.filter { short.contains($0.name) })
        }
        return copy.json
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(String(number)), "kind": .string(plan.kind.rawValue), "owner": .string(owner),
            "created_by": .string(createdBy), "title": .string(title), "state": .string(state.rawValue),
            "cause": .optional(cause), "job": job.json, "plan": plan.json, "created_at": .time(createdAt),
            "ended_at": endedAt.map { .time($0) } ?? .null, "done": .integer(done), "total": .integer(total),
            "result": result,
        ])
    }
}
