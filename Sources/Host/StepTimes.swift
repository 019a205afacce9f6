internal import Posix

/// How long the steps of an opening took, for the log.
struct StepTimes {
    /// How many orders and fills were taken into memory.
    var orders = 0
    var fills = 0
    private var last = MonotonicClock.nanoseconds
    private var nanoseconds: [String: UInt64] = [:]

    /// A step has ended, and the next one begins.
    mutating func end(_ step: String) {
        let now = MonotonicClock.nanoseconds
        nanoseconds[step] = now - last
        last = now
    }

    /// A step's time in milliseconds, as text with one decimal.
    subscript(step: String) -> String {
        let tenths = (nanoseconds[step] ?? 0) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
