public import Wire

/// Why the Lab did not do what it was asked.
public enum LabFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such thing; `kind` is a word such as `backtest`.
    case notFound(kind: String, id: String)
    /// One field of what was asked is wrong.
    case invalid(FieldFailure)
    /// What is there does not allow it now.
    case conflict(String)
    /// So many runs of one user wait already.
    case tooManyWaiting(limit: Int)
    /// It cannot be done now, and may be tried again.
    case unavailable(String)

    /// What happened, in words.
    public var description: String {
        switch self {
        case .notFound(let kind, let id): "there is no \(kind) \"\(id.prefix(64))\""
        case .invalid(let failure): failure.description
        case .conflict(let reason), .unavailable(let reason): reason
        case .tooManyWaiting(let limit): "\(limit) runs of yours wait already; wait for some or cancel them"
        }
    }
}
