internal import MarketData
public import Trading

/// When a collector runs: where its interval begins anew in UTC, a little later, so that what closes then has closed.
public struct CollectorSchedule: Hashable, Sendable {
    /// From one run to the next; nil runs only when asked.
    public let every: Resolution?
    /// How long after the interval's beginning, in milliseconds. Shorter than the interval.
    public let delayMilliseconds: Int64

    /// Sets when to run.
    public init(every: Resolution?, delayMilliseconds: Int64 = 0) {
        precondition(delayMilliseconds >= 0 && delayMilliseconds < every?.milliseconds ?? .max)
        self.every = every
        self.delayMilliseconds = delayMilliseconds
    }

    /// The first time to run after `now`; those that were missed are not made up for. Nil without an interval.
    public func next(after now: Timestamp) -> Timestamp? {
        guard let every, let slot = slot(at: now) else { return nil }
        return slot.advanced(byMilliseconds: every.milliseconds + delayMilliseconds)
    }

    /// The beginning of the interval that a run at `now` is for; nil without an interval.
    public func slot(at now: Timestamp) -> Timestamp? {
        every?.openTime(containing: now.advanced(byMilliseconds: -delayMilliseconds))
    }
}
