internal import Sandbox

/// Looks at what a run uses, and says in time when a limit begins to hurt.
struct UsageWatch {
    /// Something that the author should know.
    enum Warning: Hashable {
        /// It was held back for this share of the last minute.
        case throttled(share: Double)
        /// It holds this much memory, none of which the kernel could take back.
        case memory(bytes: Int)
        /// It was refused processes or threads.
        case processes
    }

    /// Held back for so much of a minute is worth a warning, and the next one after it was below the second.
    static let throttled = (warning: 0.25, calm: 0.10)
    /// So much of the memory limit is worth a warning, and the next one after it was below the second.
    static let memory = (warning: 0.90, calm: 0.80)
    private static let minute: Int64 = 60_000

    /// The share of the last minute for which it was held back, from 0 to 1.
    private(set) var throttledShare = 0.0
    private var samples: [(time: Int64, throttled: Double)] = []
    private var hasWarnedOfThrottling = false
    private var hasWarnedOfMemory = false
    private var denials = 0

    /// Takes in what the run has used by `time`, in milliseconds of a steady clock.
    mutating func take(_ usage: GroupUsage, at time: Int64) -> [Warning] {
        var warnings: [Warning] = []
        measureThrottling(usage, time)
        if Self.crosses(throttledShare, Self.throttled, &hasWarnedOfThrottling) {
            warnings.append(.throttled(share: throttledShare))
        }
        if usage.memoryLimitBytes > 0 {
            let held = usage.memoryBytes - usage.memoryReclaimableBytes
            let share = Double(held) / Double(usage.memoryLimitBytes)
            if Self.crosses(share, Self.memory, &hasWarnedOfMemory) { warnings.append(.memory(bytes: held)) }
        }
        if usage.processDenials > denials {
            // Once is enough: how often it tries again says little.
            if denials == 0 { warnings.append(.processes) }
            denials = usage.processDenials
        }
        return warnings
    }

    /// What was measured before a whole minute counts as if the rest of it had been quiet, so that a busy start is no
    /// warning.
    private mutating func measureThrottling(_ usage: GroupUsage, _ time: Int64) {
        samples.append((time, usage.throttledSeconds))
        while samples.count > 2, samples[1].time <= time - Self.minute { samples.removeFirst() }
        let since = samples[0].time <= time - Self.minute ? samples[0].throttled : 0
        let span = max(Self.minute, time - samples[0].time)
        throttledShare = min(1, max(0, usage.throttledSeconds - since) / (Double(span) / 1_000))
    }

    private static func crosses(
        _ value: Double, _ bounds: (warning: Double, calm: Double), _ hasWarned: inout Bool
    ) -> Bool {
        if value < bounds.calm { hasWarned = false }
        guard value >= bounds.warning, !hasWarned else { return false }
        hasWarned = true
        return true
    }
}
