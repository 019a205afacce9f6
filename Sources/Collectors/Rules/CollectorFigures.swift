public import Trading
internal import Wire

/// What a collector has done so far.
public struct CollectorFigures: Hashable, Sendable {
    /// Runs that ended well, and that did not.
    public var succeeded = 0
    public var failed = 0
    /// Candles or prices that were stored.
    public var stored = 0
    /// What was refused, by reason.
    public var refused: [Refusal: Int] = [:]
    /// When the last run ended well.
    public var lastSuccess: Timestamp?
    /// When something last failed, and how.
    public var lastFailure: Timestamp?
    public var lastReason: String?

    /// Nothing yet.
    public init() {}

    /// Adds what else was refused.
    mutating func count(_ refusals: [Refusal: Int]) {
        refused.merge(refusals) { $0 + $1 }
    }

    /// The refusals by reason, those that never happened left out.
    var refusedJSON: JSONValue { Self.json(refused) }

    static func json(_ refused: [Refusal: Int]) -> JSONValue {
        .object(
            Refusal.allCases.compactMap { reason in
                refused[reason].map { .init(reason.rawValue, .integer($0)) }
            })
    }
}
