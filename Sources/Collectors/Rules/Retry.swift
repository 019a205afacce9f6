/// How a collector tries again: three attempts, five seconds apart, and then with back-off.
public struct Retry: Hashable, Sendable {
    /// Attempts of one collection. At least 1.
    public let attempts: Int
    /// Between two attempts of one collection, in milliseconds.
    public let pauseMilliseconds: Int64
    /// How long one attempt may take, in milliseconds.
    public let timeoutMilliseconds: Int64

    /// The rule; what is left out is as collectors usually do.
    public init(attempts: Int = 3, pauseMilliseconds: Int64 = 5_000, timeoutMilliseconds: Int64 = 30_000) {
        precondition(attempts > 0 && pauseMilliseconds >= 0 && timeoutMilliseconds > 0)
        self.attempts = attempts
        self.pauseMilliseconds = pauseMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}
