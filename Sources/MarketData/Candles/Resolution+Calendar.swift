public import Trading

extension Resolution {
    private static let week: Int64 = 604_800_000
    /// 1970-01-05 was a Monday.
    private static let firstMonday: Int64 = 4 * 86_400_000

    /// When the candle that holds `time` opens: whole multiples since the epoch, weeks on Monday.
    public func openTime(containing time: Timestamp) -> Timestamp {
        let offset = milliseconds % Self.week == 0 ? Self.firstMonday : 0
        let index = (time.milliseconds - offset).flooredQuotient(by: milliseconds)
        return Timestamp(milliseconds: index * milliseconds + offset)
    }

    /// Whether candles of this length can be put together from candles of `other`.
    public func isMade(of other: Resolution) -> Bool {
        milliseconds > other.milliseconds && milliseconds % other.milliseconds == 0
    }
}
