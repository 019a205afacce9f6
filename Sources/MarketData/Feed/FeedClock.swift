public import Trading

/// Tells market time from the machine's time: real time, some times faster, or as fast as possible; with pauses.
///
/// A value without a clock inside: every call says what the monotonic clock shows, in nanoseconds since any fixed
/// instant.
public struct FeedClock: Hashable, Sendable {
    /// How fast market time runs.
    public enum Speed: Hashable, Sendable, LosslessStringConvertible {
        /// So many market seconds a second, 1 to 1,000,000.
        case times(Int)
        /// The next event is always due.
        case asFastAsPossible

        /// Reads `1`, `60`, or `max`.
        public init?(_ text: String) {
            if text == "max" {
                self = .asFastAsPossible
                return
            }
            guard let factor = Int(text), (1...1_000_000).contains(factor), text.first != "+" else {
                return nil
            }
            self = .times(factor)
        }

        /// `60`, or `max`.
        public var description: String {
            switch self {
            case .times(let factor): String(factor)
            case .asFastAsPossible: "max"
            }
        }
    }

    /// How fast market time runs while it runs.
    public private(set) var speed: Speed
    /// Whether market time stands still.
    public private(set) var isPaused = false

    private var marketOrigin: Timestamp
    private var machineOrigin: Int64

    /// Starts a clock that shows `market` when the machine shows `nanoseconds`.
    public init(market: Timestamp, atNanoseconds nanoseconds: Int64, speed: Speed = .times(1)) {
        if case .times(let factor) = speed { precondition((1...1_000_000).contains(factor)) }
        self.speed = speed
        marketOrigin = market
        machineOrigin = nanoseconds
    }

    /// The market time when the machine shows `nanoseconds`; the end of time when as fast as possible.
    public func marketTime(atNanoseconds nanoseconds: Int64) -> Timestamp {
        if isPaused { return marketOrigin }
        switch speed {
        case .asFastAsPossible: return .endOfTime
        case .times(let factor):
            let elapsed = Int128(max(nanoseconds - machineOrigin, 0)) * Int128(factor) / 1_000_000
            let time = Int128(marketOrigin.milliseconds) + elapsed
            return Timestamp(
                milliseconds: Int64(min(time, Int128(Timestamp.endOfTime.milliseconds))))
        }
    }

    /// What the machine shows when market time reaches `time`; nil while paused.
    ///
    /// Rounded up, so that ``marketTime(atNanoseconds:)`` is not before `time` then. In the past when it is due.
    public func nanoseconds(atMarketTime time: Timestamp) -> Int64? {
        if isPaused { return nil }
        switch speed {
        case .asFastAsPossible: return machineOrigin
        case .times(let factor):
            let ahead = Int128(time.milliseconds - marketOrigin.milliseconds) * 1_000_000
            let steps = (ahead + Int128(ahead > 0 ? factor - 1 : 0)) / Int128(factor)
            return Int64(clamping: Int128(machineOrigin) + steps)
        }
    }

    /// Stops market time.
    ///
    /// With ``Speed/asFastAsPossible`` it stops at `market`, the time of the last event.
    public mutating func pause(atNanoseconds nanoseconds: Int64, market: Timestamp? = nil) {
        guard !isPaused else { return }
        marketOrigin = market ?? marketTime(atNanoseconds: nanoseconds)
        machineOrigin = nanoseconds
        isPaused = true
    }

    /// Lets market time run on from where it stopped.
    public mutating func resume(atNanoseconds nanoseconds: Int64) {
        guard isPaused else { return }
        machineOrigin = nanoseconds
        isPaused = false
    }

    /// Changes the speed from now on.
    ///
    /// `market` is the time of the last event.
    public mutating func setSpeed(
        _ speed: Speed, atNanoseconds nanoseconds: Int64, market: Timestamp? = nil
    ) {
        if case .times(let factor) = speed { precondition((1...1_000_000).contains(factor)) }
        marketOrigin = market ?? marketTime(atNanoseconds: nanoseconds)
        machineOrigin = nanoseconds
        self.speed = speed
    }
}

extension Timestamp {
    /// The last millisecond of the year 9999.
    public static let endOfTime = Timestamp(milliseconds: 253_402_300_799_999)
}
