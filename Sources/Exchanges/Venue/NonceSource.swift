public import Trading

/// Nonces of one key: each greater than all before, whatever the clock does.
///
/// They follow the time in the venue's unit, so that a key that was used elsewhere with the same unit is not below. When
/// the clock steps back, or many are taken in one unit of time, they count on from the last. Make it from the highest
/// nonce ever given out for the key, or from the venue's own time: the wall clock may have been set back meanwhile.
public struct NonceSource: Hashable, Sendable {
    /// What a nonce counts.
    public enum Unit: Int64, Hashable, Sendable {
        case milliseconds = 1
        case microseconds = 1_000
        case nanoseconds = 1_000_000
    }

    /// What a nonce counts.
    public let unit: Unit
    /// The highest nonce given out; 0 before the first.
    public private(set) var last: Int64

    /// Starts above `last`, the highest nonce that may have reached the venue.
    public init(unit: Unit = .milliseconds, last: Int64 = 0) {
        precondition(last >= 0)
        self.unit = unit
        self.last = last
    }

    /// The next nonce.
    public mutating func next(at time: Timestamp) -> Int64 {
        let (scaled, overflow) = time.milliseconds.multipliedReportingOverflow(by: unit.rawValue)
        precondition(last < .max, "no nonce is left")
        last = max(last + 1, overflow ? 0 : scaled)
        return last
    }

    /// The venue has seen a greater one: from here on all are greater than `nonce`.
    public mutating func raise(above nonce: Int64) {
        last = max(last, min(nonce, .max - 1))
    }
}
