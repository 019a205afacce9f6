public import Wire

/// Why the host did not do what it was asked. Every case has words that a person may read.
///
/// None of the messages ever holds a key, a token or a raw answer of a venue.
public enum HostError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such thing, or the asker may not know of it. `kind` is a word such as `strategy`.
    case notFound(kind: String, id: String)
    /// The strategy has no run that this could be done to.
    case notRunning(strategy: String)
    /// What is there does not allow it now, such as deleting while a position is open.
    case conflict(String)
    /// One field of what was asked is wrong.
    case invalid(FieldFailure)
    /// The bundle was refused; the report says why, problem by problem.
    case refused(ValidationReport)
    /// The asker, or the halt switch, or a limit does not allow it.
    case denied(String)
    /// What was sent is larger than the host takes.
    case tooLarge(what: String, limitBytes: Int)
    /// The host cannot do it now and it may be tried again, such as while it drains or the disk is full.
    case unavailable(String)

    /// What happened, in words.
    public var description: String {
        switch self {
        case .notFound(let kind, let id): "there is no \(kind) \"\(id.prefix(64))\""
        case .notRunning(let strategy): "strategy \"\(strategy.prefix(64))\" is not running"
        case .conflict(let reason), .denied(let reason), .unavailable(let reason): reason
        case .invalid(let failure): failure.description
        case .refused(let report):
            report.problems.first.map { "the bundle was refused: \($0.message)" } ?? "the bundle was refused"
        case .tooLarge(let what, let limit): "\(what) is larger than \(limit) bytes"
        }
    }
}
