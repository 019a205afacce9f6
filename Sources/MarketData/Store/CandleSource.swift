public import Trading

/// Candles that can be read in pieces, oldest first, so that a long history never stands in memory at once.
public protocol CandleSource: Sendable {
    /// The candles of `series` that opened at or after `start` and before `end`, up to `limit` of them; fewer, or none,
    /// only where the series ends. Gaps are simply absent.
    ///
    /// - Throws: ``MarketFileFailure`` when what is stored cannot be read or is broken.
    func candles(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int
    ) throws(MarketFileFailure) -> CandleColumns

    /// The SHA-256, in lower-case hex, of what ``candles(of:from:to:limit:)`` gives for the whole span: of the lines
    /// `time_ms,open,high,low,close,volume` with decimals in their shortest form, each ended by a line feed.
    ///
    /// - Throws: ``MarketFileFailure`` as above.
    func contentHash(of series: SeriesKey, from start: Timestamp, to end: Timestamp)
        throws(MarketFileFailure) -> String
}
