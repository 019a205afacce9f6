public import Trading
public import Wire

/// What came of a replay.
public struct ReplayReport: Hashable, Sendable {
    /// How it ended.
    public enum End: Hashable, Sendable {
        case completed
        /// The strategy ended, broke a rule or did not answer; what is here is what came until then.
        case failed(String)
    }

    /// An order, bracket, cancel or amendment that came out otherwise.
    public struct Difference: Hashable, Sendable {
        public let time: Timestamp
        /// What the run asked for; nil when it asked for nothing then.
        public let was: ReplayDecision?
        /// What is asked for now; nil when nothing is.
        public let now: ReplayDecision?

        /// As the API writes it.
        public var json: JSONValue {
            .members(["time": .time(time), "was": was?.json ?? .null, "now": now?.json ?? .null])
        }
    }

    /// The most differences that are kept one by one.
    public static let maximumListed = 1_000

    public let end: End
    /// How many lines were told.
    public let steps: Int
    /// How many lines the recording has.
    public let total: Int
    /// How many decisions were the same.
    public let same: Int
    /// All that differ, the listed and the others.
    public let differenceCount: Int
    /// The first ``maximumListed`` that differ, by time.
    public let differences: [Difference]
    /// What a reader should know, such as lines that were not recorded.
    public let remarks: [String]
    public let milliseconds: Int

    init(
        end: End, conductor: ReplayConductor, script: ReplayScript, remarks: [String], milliseconds: Int
    ) {
        self.end = end
        steps = conductor.steps
        total = script.steps
        same = conductor.same
        let all = conductor.differences
        differenceCount = all.count
        differences = Array(all.prefix(Self.maximumListed))
        self.remarks = script.remarks + remarks
        self.milliseconds = milliseconds
    }

    /// Whether the whole of a whole recording came out the same.
    public var agrees: Bool { end == .completed && differenceCount == 0 && steps == total }

    /// As the API writes it.
    public var json: JSONValue {
        var reason: String?
        if case .failed(let words) = end { reason = words }
        return .members([
            "agrees": .bool(agrees), "failed": .optional(reason), "lines": .integer(steps),
            "lines_recorded": .integer(total), "same": .integer(same), "differing": .integer(differenceCount),
            "differences": .array(differences.map(\.json)),
            "remarks": .array(remarks.map { .string($0) }), "milliseconds": .integer(milliseconds),
        ])
    }
}
