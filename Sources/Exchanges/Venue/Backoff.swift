/// How long to wait before the next attempt: doubling from attempt to attempt, with half of it left to chance, so that
/// those which failed together do not come back together.
public struct Backoff: Hashable, Sendable {
    /// The wait after the first failure, without chance.
    public var first: Duration
    /// The longest wait.
    public var longest: Duration
    /// The most attempts in all, the first one included. At least 1.
    public var attempts: Int

    /// Sets waits.
    public init(first: Duration = .milliseconds(250), longest: Duration = .seconds(30), attempts: Int = 4) {
        precondition(first > .zero && longest >= first && attempts >= 1)
        self.first = first
        self.longest = longest
        self.attempts = attempts
    }

    /// The wait after so many failures in a row: between half and the whole of the doubled wait.
    ///
    /// - Parameters:
    ///   - failures: At least 1.
    ///   - dice: Evenly spread over all values; it alone decides about the half that is left to chance.
    public func wait(afterFailures failures: Int, dice: UInt64) -> Duration {
        precondition(failures >= 1)
        var whole = first
        for _ in 1..<min(failures, 64) where whole < longest { whole *= 2 }
        whole = min(whole, longest)
        // 20 bits of chance are finer than any timer.
        return whole / 2 + whole / 2 * Int(dice >> 44) / (1 << 20)
    }
}
