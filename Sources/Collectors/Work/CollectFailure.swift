/// Why a venue could not be asked, or its answer could not be kept.
public struct CollectFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What programs tell apart.
    public enum Code: String, Hashable, Sendable {
        /// No answer came, or none in time, or the venue could not give one.
        case unanswered
        /// The venue did not understand the question.
        case refused
        /// The venue wants to be left alone for a while.
        case tooMany = "too_many"
        /// The answer is not what such an answer is.
        case unreadable
        /// The clocks differ.
        case clock
        /// The venue has no such instrument.
        case unknownSymbol = "unknown_symbol"
        /// The answer could not be written down.
        case storage
    }

    public let code: Code
    /// In words; never a key, never a whole answer.
    public let reason: String
    /// How long the venue wants to be left alone, in milliseconds.
    public var pauseMilliseconds: Int64?

    /// Describes a failure.
    init(_ code: Code, _ reason: String, pauseMilliseconds: Int64? = nil) {
        self.code = code
        self.reason = reason
        self.pauseMilliseconds = pauseMilliseconds
    }

    /// The reason.
    public var description: String { reason }
}
