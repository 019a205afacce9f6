public import MarketData
import Trading

/// The candle store as the Lab's directory of series.
public struct StoredSeries: SeriesDirectory {
    private let store: CandleStore

    /// A directory of what `store` holds.
    public init(_ store: CandleStore) { self.store = store }

    /// Every series that holds candles.
    public func spans() throws(LabFailure) -> [SeriesSpan] {
        do throws(MarketFileFailure) {
            return try store.series().compactMap { stored in
                guard let first = stored.first, let last = stored.last, stored.candles > 0 else { return nil }
                let length = stored.series.resolution.milliseconds
                return SeriesSpan(
                    series: stored.series, start: first, end: last.advanced(byMilliseconds: length),
                    count: stored.candles)
            }
        } catch {
            throw .unavailable("the stored candles cannot be looked through: \(error)")
        }
    }

    /// One series, also one that is made of a shorter one that is stored; nil when there is nothing of it.
    public func span(of series: SeriesKey) throws(LabFailure) -> SeriesSpan? {
        let known = try spans()
        let basis: SeriesKey?
        do throws(MarketFileFailure) {
            basis = try store.basis(of: series)
        } catch {
            throw .unavailable("the stored candles of \(series) cannot be looked through: \(error)")
        }
        guard let basis, let stored = known.first(where: { $0.series == basis }) else { return nil }
        guard basis != series else { return stored }
        let length = series.resolution.milliseconds
        let (first, last) = (stored.start.milliseconds, stored.end.milliseconds)
        // Only candles that are whole are made.
        let opened = series.resolution.openTime(containing: stored.start).milliseconds
        let start = opened < first ? opened + length : opened
        let end = series.resolution.openTime(containing: Timestamp(milliseconds: last)).milliseconds
        guard start < end else { return nil }
        return SeriesSpan(
            series: series, start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end),
            count: Int(Int128(stored.count) * Int128(stored.series.resolution.milliseconds) / Int128(length)))
    }
}
