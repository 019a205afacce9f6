import MarketData
import Synchronization
import Trading

/// Candles in memory, with what was asked for.
final class MemorySink: CandleSink {
    struct Series {
        var candles: [Timestamp: Candle] = [:]
        /// The places of candles that were asked for.
        var asked: Set<Timestamp> = []
        /// In which order candles were kept.
        var order: [Timestamp] = []
    }

    private let series = Mutex<[SeriesKey: Series]>([:])
    private let failure = Mutex<String?>(nil)

    /// Lets every write fail from now on, or work again.
    func fail(_ reason: String?) { failure.withLock { $0 = reason } }

    func keep(
        _ candles: [Candle], of key: SeriesKey, asked span: Range<Timestamp>
    ) throws(MarketFileFailure) -> Int {
        if let reason = failure.withLock({ $0 }) {
            throw MarketFileFailure(file: "sink", line: 0, reason: reason)
        }
        series.withLock { all in
            for candle in candles {
                precondition(span.contains(candle.openTime))
                all[key, default: Series()].candles[candle.openTime] = candle
                all[key, default: Series()].order.append(candle.openTime)
            }
            var time = span.lowerBound
            while time < span.upperBound {
                all[key, default: Series()].asked.insert(time)
                time = time.advanced(byMilliseconds: key.resolution.milliseconds)
            }
        }
        return candles.count
    }

    func unasked(of key: SeriesKey, in span: Range<Timestamp>) throws(MarketFileFailure) -> [Range<Timestamp>]
    {
        let asked = self[key].asked
        var spans: [Range<Timestamp>] = []
        var time = span.lowerBound
        while time < span.upperBound {
            let next = time.advanced(byMilliseconds: key.resolution.milliseconds)
            if !asked.contains(time) {
                if let last = spans.last, last.upperBound == time {
                    spans[spans.count - 1] = last.lowerBound..<next
                } else {
                    spans.append(time..<next)
                }
            }
            time = next
        }
        return spans
    }

    subscript(key: SeriesKey) -> Series { series.withLock { $0[key] ?? Series() } }
}

/// So many milliseconds after 2024-10-04T12:00:00Z.
func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_728_043_200_000 + milliseconds) }

let minute = Resolution("1m")!
