internal import Sandbox

/// Tells which runs are busy, so that they give way to those that answer quickly.
///
/// A run is busy from its start, with what it loads, until it was seen to be quiet.
struct BusyWatch {
    /// So much of a processor between two looks, or being held back by its limit, makes a run busy; it is quiet again after
    /// ``looks`` in a row below the second.
    static let share = (busy: 0.2, quiet: 0.1)
    static let looks = 3

    private(set) var isBusy = true
    private var last: (time: Int64, processor: Double, throttled: Double)?
    private var quietLooks = 0

    /// Takes in what the run has used by `time`, in milliseconds of a steady clock. Returns whether it is busy, when that
    /// has changed.
    mutating func take(_ usage: GroupUsage, at time: Int64) -> Bool? {
        let was = isBusy
        if let last, time > last.time {
            let share = (usage.cpuSeconds - last.processor) * 1_000 / Double(time - last.time)
            let isHeldBack = usage.throttledSeconds > last.throttled
            quietLooks = share < Self.share.quiet && !isHeldBack ? quietLooks + 1 : 0
            if share >= Self.share.busy || isHeldBack { isBusy = true }
            if quietLooks >= Self.looks { isBusy = false }
        }
        last = (time, usage.cpuSeconds, usage.throttledSeconds)
        return isBusy == was ? nil : isBusy
    }
}
