public import Trading

/// What a strategy was worth at the ends of periods of equal length: what returns are made of.
///
/// Periods begin at whole multiples of their length since the epoch, so that the samples of two strategies meet.
public struct SampledEquity: Hashable, Sendable {
    /// How long a period is, in milliseconds.
    public let period: Int64
    /// The ends of the periods; the first is the beginning of the first one.
    public let times: [Timestamp]
    /// The worth at each of ``times``: at first the capital, then the last point of each period, or the one before it where
    /// a period has none.
    public let values: [FixedDecimal]

    /// A day, in milliseconds.
    public static let day: Int64 = 86_400_000

    /// Takes the last of `points` in each period. A point at the very end of a period belongs to it.
    ///
    /// - Parameter points: In order of time.
    /// - Parameter period: In milliseconds. Above 0.
    public init(_ points: [EquityPoint], capital: FixedDecimal, every period: Int64) {
        precondition(period > 0)
        self.period = period
        var times: [Timestamp] = []
        var values: [FixedDecimal] = []
        for point in points {
            let end = Self.end(of: point.time, period)
            if times.isEmpty {
                times.append(Timestamp(milliseconds: end - period))
                values.append(capital)
            }
            while let last = times.last, last.milliseconds < end {
                times.append(last.advanced(byMilliseconds: period))
                values.append(values[values.count - 1])
            }
            values[values.count - 1] = point.equity
        }
        self.times = times
        self.values = values
    }

    /// The end of the period that `time` lies in, or is the end of.
    private static func end(of time: Timestamp, _ period: Int64) -> Int64 {
        let (count, rest) = time.milliseconds.quotientAndRemainder(dividingBy: period)
        return (rest > 0 ? count + 1 : count) * period
    }

    /// The period that suits a span: days from sixty of them on, hours from two days on, else minutes; never shorter than
    /// a candle.
    public static func suitedPeriod(span: Int64, bar: Int64) -> Int64 {
        let suited: Int64 = span >= 60 * day ? day : span >= 2 * day ? 3_600_000 : 60_000
        return max(suited, bar)
    }

    /// The returns of the periods, a year having 365 days; they end where nothing is left.
    public var returns: ReturnSeries {
        var returns: [Double] = []
        for (before, after) in zip(values, values.dropFirst()) {
            guard before.isPositive else { break }
            returns.append(before.change(to: after))
        }
        return ReturnSeries(returns, periodsPerYear: 365 * Double(Self.day) / Double(period))
    }

    /// The returns of both over the periods that both have, in pairs; empty when they do not meet.
    ///
    /// Both are sampled with the same period.
    public func paired(with other: SampledEquity) -> (own: [Double], others: [Double]) {
        precondition(period == other.period, "samples of the same period meet")
        var byTime: [Timestamp: Double] = [:]
        for (time, value) in zip(other.times.dropFirst(), other.returns.values) { byTime[time] = value }
        var pairs: (own: [Double], others: [Double]) = ([], [])
        for (time, value) in zip(times.dropFirst(), returns.values) {
            guard let match = byTime[time] else { continue }
            pairs.own.append(value)
            pairs.others.append(match)
        }
        return pairs
    }
}
