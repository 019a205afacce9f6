public import Secrets
public import Trading

/// What trying a key at its venue has shown.
public struct KeyCheck: Hashable, Sendable {
    /// How it went.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// The venue took it.
        case works
        /// The venue said no.
        case refused
        /// The venue did not answer, so nobody knows.
        case unreachable
        /// This host cannot try keys of that venue.
        case untested
    }

    public var outcome: Outcome
    public var at: Timestamp
    /// The venue's or the network's words, without anything secret.
    public var reason: String?
    /// Whether the key may withdraw; nil when the venue does not say.
    public var canWithdraw: Bool?
    /// By how much this machine's clock is ahead of the venue's, in milliseconds; nil when the venue does not say.
    public var clockOffsetMilliseconds: Int64?
    /// In how many currencies the account holds something; nil when it was not asked.
    public var currencies: Int?

    /// Describes a test.
    public init(
        _ outcome: Outcome, at: Timestamp, reason: String? = nil, canWithdraw: Bool? = nil,
        clockOffsetMilliseconds: Int64? = nil, currencies: Int? = nil
    ) {
        self.outcome = outcome
        self.at = at
        self.reason = reason
        self.canWithdraw = canWithdraw
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
        self.currencies = currencies
    }

    /// From where on a clock that is off is worth a word, in milliseconds. Venues refuse requests that are some seconds
    /// old or a second early.
    static let clockTolerance: Int64 = 500

    /// What somebody should look at, in sentences.
    public var warnings: [String] {
        var warnings: [String] = []
        switch outcome {
        case .works: break
        case .refused: warnings.append("the venue does not take this key" + words)
        case .unreachable: warnings.append("it could not be tested" + words)
        case .untested: warnings.append("it was not tested" + words)
        }
        if canWithdraw == true {
            warnings.append(
                "this key may withdraw: make one at the venue that may only read and trade, and rotate to it")
        }
        if let offset = clockOffsetMilliseconds, offset.magnitude > Self.clockTolerance {
            warnings.append(
                "this machine's clock is \(offset.magnitude) ms \(offset > 0 ? "ahead of" : "behind") the venue's: "
                    + "look after its time synchronisation")
        }
        return warnings
    }

    private var words: String { reason.map { ": \($0)" } ?? "" }
}

/// Tries a key: asks for a balance, for the key's rights where the venue tells them, and for the time.
public typealias KeyChecker =
    @Sendable (_ venue: String, _ environment: VenueEnvironment, _ key: SigningKey) async -> KeyCheck
