/// An instant in UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since the epoch.
    public let milliseconds: Int64

    /// Makes an instant from milliseconds since the epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Earlier is less.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// The instant `milliseconds` later, or earlier when negative; the last or the first there is, where that lies beyond:
    /// times come from venues, too.
    public func advanced(byMilliseconds milliseconds: Int64) -> Self {
        let (sum, isBeyond) = self.milliseconds.addingReportingOverflow(milliseconds)
        return Self(milliseconds: isBeyond ? (milliseconds < 0 ? .min : .max) : sum)
    }
}

extension Timestamp {
    /// Whole UTC days since 1970-01-01; negative before it.
    public var utcDay: Int64 {
        let (day, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        return rest < 0 ? day - 1 : day
    }
}
