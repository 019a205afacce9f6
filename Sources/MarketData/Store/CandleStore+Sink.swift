internal import Posix
public import Trading

/// What collectors bring is written as it comes.
extension CandleStore: CandleSink {
    /// Writes candles together with what was asked for.
    public func keep(
        _ candles: [Candle], of series: SeriesKey, asked span: Range<Timestamp>
    ) throws(MarketFileFailure) -> Int {
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        let report = try write(candles, to: series, asked: span, now: now)
        return candles.count - report.refusedInAll
    }

    /// What a venue must still be asked for.
    public func unasked(
        of series: SeriesKey, in span: Range<Timestamp>
    ) throws(MarketFileFailure) -> [Range<Timestamp>] {
        try unasked(of: series, from: span.lowerBound, to: span.upperBound)
    }
}
