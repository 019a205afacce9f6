public import Trading
public import Wire

/// One kind of system call that a strategy was refused.
public struct ViolationView: Hashable, Sendable {
    /// The rule that it broke, such as `network`.
    public var rule: String
    /// The rule in words.
    public var words: String
    /// What to do instead.
    public var advice: String
    /// The call's name.
    public var systemCall: String
    /// The call's arguments in words.
    public var arguments: String
    /// Whether the strategy was killed for it.
    public var isFatal: Bool
    /// How often, over all runs.
    public var count: Int
    /// How often in the run under way, or in the last one.
    public var inRun: Int
    public var first: Timestamp
    public var last: Timestamp
    /// The last run in which it happened.
    public var run: String

    /// Describes a refused call.
    public init(
        rule: String, words: String, advice: String, systemCall: String, arguments: String, isFatal: Bool,
        count: Int, inRun: Int, first: Timestamp, last: Timestamp, run: String
    ) {
        self.rule = rule
        self.words = words
        self.advice = advice
        self.systemCall = systemCall
        self.arguments = arguments
        self.isFatal = isFatal
        self.count = count
        self.inRun = inRun
        self.first = first
        self.last = last
        self.run = run
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "rule": .string(rule), "words": .string(words), "advice": .string(advice),
            "system_call": .string(systemCall), "arguments": .string(arguments), "fatal": .bool(isFatal),
            "count": .integer(count), "in_run": .integer(inRun), "first": .time(first), "last": .time(last),
            "run": .string(run),
        ])
    }
}
