/// When a strategy that ended is started again, in Erlang/OTP's words.
public struct RestartPolicy: Hashable, Sendable {
    /// Which endings are followed by a start.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// After every ending that nobody asked for.
        case permanent
        /// After a crash, not after a clean exit.
        case transient
        /// Never.
        case temporary
    }

    /// Which endings are followed by a start.
    public var kind: Kind
    /// How many crashes within ``periodMilliseconds`` are borne; one more quarantines. At least 0.
    public var intensity: Int
    /// The period over which crashes are counted, in milliseconds.
    public var periodMilliseconds: Int64
    /// The wait before the first restart, in milliseconds; it doubles with every crash in the period.
    public var firstDelayMilliseconds: Int64
    /// The longest wait, in milliseconds.
    public var longestDelayMilliseconds: Int64

    /// Sets a policy.
    public init(
        kind: Kind = .transient, intensity: Int = 5, periodMilliseconds: Int64 = 600_000,
        firstDelayMilliseconds: Int64 = 1_000, longestDelayMilliseconds: Int64 = 60_000
    ) {
        precondition(intensity >= 0 && periodMilliseconds > 0 && firstDelayMilliseconds > 0)
        self.kind = kind
        self.intensity = intensity
        self.periodMilliseconds = periodMilliseconds
        self.firstDelayMilliseconds = firstDelayMilliseconds
        self.longestDelayMilliseconds = longestDelayMilliseconds
    }
}

/// The crashes of one strategy that still count.
struct CrashHistory: Hashable, Sendable {
    private var crashes: [Int64] = []

    /// What follows a crash.
    enum Verdict: Hashable {
        case restart(afterMilliseconds: Int64)
        case tooMany(count: Int)
    }

    /// Counts a crash.
    ///
    /// - Parameters:
    ///   - now: Milliseconds on any steady clock.
    ///   - dice: Evenly spread over all values; a quarter of the wait is left to it, so that strategies which crashed
    ///     together do not come back together.
    mutating func crashed(at now: Int64, dice: UInt64, policy: RestartPolicy) -> Verdict {
        crashes.removeAll { $0 <= now - policy.periodMilliseconds }
        crashes.append(now)
        guard crashes.count <= policy.intensity else { return .tooMany(count: crashes.count) }
        let doublings = min(crashes.count - 1, 20)
        let delay = min(policy.firstDelayMilliseconds << Int64(doublings), policy.longestDelayMilliseconds)
        let jitter = Int64(dice % UInt64(delay / 4 + 1))
        return .restart(afterMilliseconds: delay - delay / 8 + jitter)
    }

    /// Forgets everything, as after a start that a person asked for.
    mutating func clear() { crashes = [] }
}
