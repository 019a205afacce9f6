internal import Glibc

/// Time that only moves forward, in nanoseconds since the machine started. For deadlines and durations.
public enum MonotonicClock {
    /// Now.
    public static var nanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// The time of day in UTC, which may be set. For records, never for deadlines.
public enum WallClock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public static var milliseconds: Int64 { Int64(MonotonicClock.read(CLOCK_REALTIME) / 1_000_000) }
}
