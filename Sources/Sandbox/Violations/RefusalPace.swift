/// How fast calls that wait for the host are answered. A strategy that makes them without end waits, so that it keeps
/// neither the host nor its log busy; every refused call is still counted, and a fatal one still found.
struct RefusalPace: Hashable, Sendable {
    /// How many are answered in one turn, so that other strategies have theirs.
    static let batch = 16
    /// Refused calls that are answered at once.
    static let burst = 400.0
    /// Refused calls a second over time, and for who has had more than ``patience``.
    static let rates = (first: 160.0, later: 16.0)
    static let patience = 4_000
    /// What a call costs that is only looked at and let pass, such as opening a file in /work: ten a refused one.
    static let passing = 0.1

    private var refused = 0
    private var tokens = burst
    private var last: UInt64

    /// Begins full. `now` is in nanoseconds on a steady clock.
    init(now: UInt64) { last = now }

    /// Counts an answer.
    mutating func count(isRefused: Bool) {
        if isRefused { refused += 1 }
        tokens -= isRefused ? 1 : Self.passing
    }

    /// How long to leave the listener alone now, in milliseconds; 0 when it need not be.
    mutating func pause(now: UInt64) -> Int64 {
        let rate = refused > Self.patience ? Self.rates.later : Self.rates.first
        if now > last {
            tokens = min(Self.burst, tokens + Double(now - last) * rate / 1e9)
            last = now
        }
        // A whole batch is worth the wait: fewer turns, and the same over time.
        return tokens > 0 ? 0 : Int64((Double(Self.batch) - tokens) / rate * 1e3) + 1
    }
}
