/// How many candles a strategy is told to go through at most before it answers.
///
/// What it may take for an answer is bounded, and how long it needs for a candle is not known beforehand: so a slow one is
/// asked for a few at a time, and neither its progress nor a cancellation has to wait for a whole batch. Where a run is cut
/// makes no difference to what comes of it.
struct BatchStride: Sendable {
    /// What an answer is to take at most, in nanoseconds.
    static let slow: UInt64 = 200_000_000
    private static let quick: UInt64 = 50_000_000

    /// One at first, which may take as long as an answer may; soon many where it is quick.
    private(set) var candles = 1

    /// Notes how long so many candles took, in nanoseconds. True when that was long.
    mutating func took(_ nanoseconds: UInt64, for count: Int) -> Bool {
        if nanoseconds > Self.slow {
            let candle = nanoseconds / UInt64(max(1, count))
            candles = max(1, min(candles, Int(Self.slow / max(1, candle))))
            return true
        }
        // Not by what was done after a few candles: whoever acts often never comes to the end.
        if nanoseconds < Self.quick, count >= candles { candles = min(2 * candles, BacktestRun.blockCandles) }
        return false
    }
}
