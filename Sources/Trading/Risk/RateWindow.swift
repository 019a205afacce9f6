/// Counts events in a sliding minute.
struct RateWindow: Hashable, Sendable {
    private var times: [Int64] = []
    private var first = 0

    /// How many events lie within the 60 seconds before `time`.
    mutating func count(at time: Timestamp) -> Int {
        let horizon = time.milliseconds - 60_000
        while first < times.count, times[first] <= horizon { first += 1 }
        if first > 64, first * 2 > times.count {
            times.removeFirst(first)
            first = 0
        }
        return times.count - first
    }

    /// Notes an event.
    mutating func note(_ time: Timestamp) {
        times.append(time.milliseconds)
    }
}
