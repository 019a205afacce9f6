public import Trading

/// A venue's time, told by the machine's steady clock: setting the wall clock does not move it.
///
/// Every answer that carries the venue's time bounds how far its clock is ahead: it was read after the call was sent and
/// before the answer had arrived. The bounds of many answers are cut with each other, so that even a time given in whole
/// seconds becomes exact; with one answer it is the middle, half the round trip off at most. What no longer fits means
/// that the venue's clock was set, and the newest answer counts alone.
///
/// Steady times are nanoseconds.
public struct VenueClock: Hashable, Sendable {
    /// Bounds of venue time minus steady time, in nanoseconds.
    private var low: Int64
    private var high: Int64
    /// When the bounds were made, and widen from.
    private var comparedAt: UInt64
    /// Whether an answer of the venue stands behind the bounds, rather than our own wall clock.
    public private(set) var isCompared = false
    /// Whether the venue said that our time was wrong, since the last comparison.
    public private(set) var isDoubted = false

    /// How fast two clocks may run apart: 100 millionths, twice what quartz is good for.
    private static let driftDivisor: Int64 = 10_000

    /// Begins with our own wall clock, until the first comparison.
    public init(wall: Timestamp, at now: UInt64) {
        low = wall.milliseconds &* 1_000_000 &- Int64(bitPattern: now)
        high = low
        comparedAt = now
    }

    /// The venue's time.
    public func time(at now: UInt64) -> Timestamp {
        let offset = low &+ (high &- low) / 2
        return Timestamp(milliseconds: (Int64(bitPattern: now) &+ offset) / 1_000_000)
    }

    /// How far the venue's time may be from ``time(at:)``, either way.
    public func uncertainty(at now: UInt64) -> Duration {
        .nanoseconds((high - low) / 2 + drift(until: now))
    }

    /// Takes an answer's word for the time.
    ///
    /// - Parameters:
    ///   - sent: When the call left.
    ///   - received: When the answer was there.
    ///   - venue: The venue's time as told, cut to `resolution`.
    ///   - resolution: What the time was cut to: a millisecond, or a second for the header `Date`.
    public mutating func compare(
        sent: UInt64, received: UInt64, venue: Timestamp, resolution: Duration = .milliseconds(1)
    ) {
        // A time from elsewhere than this age would overflow below.
        guard received >= sent, (0...1 << 42).contains(venue.milliseconds) else { return }
        let told = venue.milliseconds * 1_000_000
        let newLow = told - Int64(received)
        let newHigh = told + Int64(resolution.wholeNanoseconds) - Int64(sent)
        let widening = drift(until: received)
        if isCompared, !isDoubted, newLow <= high + widening, newHigh >= low - widening {
            low = max(newLow, low - widening)
            high = min(newHigh, high + widening)
        } else {
            (low, high) = (newLow, newHigh)
        }
        comparedAt = received
        isCompared = true
        isDoubted = false
    }

    /// The venue said that our time was wrong: what was known does not count beside the next comparison.
    public mutating func doubt() { isDoubted = true }

    /// Whether a comparison is due.
    public func isStale(at now: UInt64, age: Duration) -> Bool {
        !isCompared || isDoubted || now >= comparedAt + age.wholeNanoseconds
    }

    /// How far the venue is ahead of our wall clock; negative when it is behind.
    public func ahead(of wall: Timestamp, at now: UInt64) -> Duration {
        .milliseconds(time(at: now).milliseconds - wall.milliseconds)
    }

    private func drift(until now: UInt64) -> Int64 {
        now > comparedAt ? Int64(now - comparedAt) / Self.driftDivisor : 0
    }
}
