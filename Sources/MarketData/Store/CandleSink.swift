public import Trading

/// Where candles of venues go, with the knowledge of what was asked for.
///
/// What was asked and is not there is a gap of the venue's own; what was never asked is missing here.
public protocol CandleSink: Sendable {
    /// Keeps closed candles that a venue gave when it was asked for all that opened in `span`.
    ///
    /// One that is there already is replaced. Calls for one series come one after another.
    ///
    /// - Parameter candles: Oldest first, all of them inside `span`.
    /// - Returns: How many were kept.
    /// - Throws: ``MarketFileFailure`` when it cannot be done; nothing of it is then.
    func keep(_ candles: [Candle], of series: SeriesKey, asked span: Range<Timestamp>)
        throws(MarketFileFailure) -> Int

    /// The parts of `span` that no venue was asked for yet, the oldest first.
    func unasked(of series: SeriesKey, in span: Range<Timestamp>) throws(MarketFileFailure)
        -> [Range<Timestamp>]
}
