internal import Analytics
internal import Trading

/// Equity over time in bounded memory: spans of candles, each with its lowest and its highest equity.
///
/// A span is one candle at first. When there are too many, two at a time become one; so every extreme of every span is kept,
/// and the same equity always gives the same points.
struct EquityCurve: Sendable {
    private struct Span: Sendable {
        var low: Int128
        var lowTime: Int64
        var high: Int128
        var highTime: Int64
        var count: Int

        /// Takes an equity into account that is later than those before it.
        mutating func reach(_ units: Int128, at time: Int64) {
            if units < low { (low, lowTime) = (units, time) }
            if units > high { (high, highTime) = (units, time) }
        }
    }

    private let limit: Int
    private var spans: [Span] = []
    private var length = 1
    private var first: (time: Int64, units: Int128)?
    private var last: (time: Int64, units: Int128)?

    /// A curve of at most `points` points. At least 8.
    init(points: Int = 20_000) {
        precondition(points >= 8)
        // The first and the last are kept beside the spans.
        limit = (points - 2) / 2 / 2 * 2
    }

    /// The equity at a candle's close, in units of ``FixedDecimal``; times rise.
    mutating func add(_ units: Int128, at time: Int64) {
        if first == nil { first = (time, units) }
        last = (time, units)
        if let index = spans.indices.last, spans[index].count < length {
            spans[index].reach(units, at: time)
            spans[index].count += 1
            return
        }
        if spans.count == limit { halve() }
        spans.append(Span(low: units, lowTime: time, high: units, highTime: time, count: 1))
    }

    /// Adds `base + factor × column[row]` at `times[row] + delay` for row after row, as one call for each would.
    mutating func add(
        _ rows: ClosedRange<Int>, of column: [Int64], times: [Int64], delay: Int64, base: Int128,
        factor: Int128
    ) {
        var row = rows.lowerBound
        while row <= rows.upperBound {
            guard let index = spans.indices.last, spans[index].count < length else {
                // It opens a span.
                add(base + factor * Int128(column[row]), at: times[row] + delay)
                row += 1
                continue
            }
            let end = min(rows.upperBound, row + length - spans[index].count - 1)
            var (least, most) = (row, row)
            for other in row...end {
                if column[other] < column[least] { least = other }
                if column[other] > column[most] { most = other }
            }
            // Without a factor all are the same, and the first counts.
            let (low, high) = factor == 0 ? (row, row) : factor < 0 ? (most, least) : (least, most)
            spans[index].reach(base + factor * Int128(column[low]), at: times[low] + delay)
            spans[index].reach(base + factor * Int128(column[high]), at: times[high] + delay)
            spans[index].count += end - row + 1
            row = end + 1
        }
        let end = rows.upperBound
        last = (times[end] + delay, base + factor * Int128(column[end]))
    }

    private mutating func halve() {
        var merged: [Span] = []
        merged.reserveCapacity(limit)
        for index in stride(from: 0, to: spans.count, by: 2) {
            var span = spans[index]
            let next = spans[index + 1]
            if next.low < span.low { (span.low, span.lowTime) = (next.low, next.lowTime) }
            if next.high > span.high { (span.high, span.highTime) = (next.high, next.highTime) }
            span.count += next.count
            merged.append(span)
        }
        spans = merged
        length *= 2
    }

    /// The points, oldest first; the first and the last are always there.
    var points: [EquityPoint] {
        var points: [EquityPoint] = []
        func append(_ time: Int64, _ units: Int128) {
            if let last = points.last, last.time.milliseconds >= time { return }
            points.append(
                EquityPoint(time: Timestamp(milliseconds: time), equity: FixedDecimal(units: units)))
        }
        if let first { append(first.time, first.units) }
        for span in spans {
            if span.lowTime <= span.highTime {
                append(span.lowTime, span.low)
                append(span.highTime, span.high)
            } else {
                append(span.highTime, span.high)
                append(span.lowTime, span.low)
            }
        }
        if let last { append(last.time, last.units) }
        return points
    }
}
