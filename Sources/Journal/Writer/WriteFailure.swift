/// Why something was not written.
public enum WriteFailure: Error, Sendable, CustomStringConvertible {
    /// The database could not: disk full, input or output error, a rule of the schema.
    case database(DatabaseFailure)
    /// The operation itself threw; only its own changes were undone.
    case operation(any Error)
    /// More operations wait than the writer takes; nothing was queued.
    case overloaded(limit: Int)
    /// The writer has been closed; nothing was queued.
    case closed

    /// Whether the volume is full.
    public var isDiskFull: Bool {
        if case .database(let failure) = self { failure.code == .diskFull } else { false }
    }

    /// The reason in words, fit for an operator's page.
    public var description: String {
        switch self {
        case .database(let failure):
            failure.code == .diskFull ? "the disk is full: \(failure)" : failure.description
        case .operation(let error): "\(error)"
        case .overloaded(let limit): "the journal is overloaded: \(limit) operations wait already"
        case .closed: "the journal is closed"
        }
    }
}
