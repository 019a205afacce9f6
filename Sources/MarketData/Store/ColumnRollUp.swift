import Trading

/// Folds columns of candles into longer ones, exactly, piece after piece.
///
/// It makes a candle of whatever parts there are; which candles are whole, its caller knows.
struct ColumnRollUp {
    /// What was put together; more parts may still come for the last.
    var columns: CandleColumns

    init(of source: CandleColumns, to target: Resolution) {
        precondition(target.isMade(of: source.resolution), "a roll-up needs a multiple of its source")
        columns = CandleColumns(
            symbol: source.symbol, resolution: target, priceDigits: source.priceDigits,
            volumeDigits: source.volumeDigits)
    }

    /// Adds parts that are later than those before, with the same digits; false when a sum of volumes has become too large.
    mutating func add(_ parts: CandleColumns) -> Bool {
        let length = columns.resolution.milliseconds
        var end = columns.openTimes.last.map { $0 + length } ?? .min
        var last = columns.count - 1
        for index in 0..<parts.count {
            let time = parts.openTimes[index]
            guard time < end else {
                let open = columns.resolution.openTime(containing: Timestamp(milliseconds: time)).milliseconds
                columns.openTimes.append(open)
                columns.open.append(parts.open[index])
                columns.high.append(parts.high[index])
                columns.low.append(parts.low[index])
                columns.close.append(parts.close[index])
                columns.volume.append(parts.volume[index])
                last += 1
                end = open + length
                continue
            }
            columns.high[last] = max(columns.high[last], parts.high[index])
            columns.low[last] = min(columns.low[last], parts.low[index])
            columns.close[last] = parts.close[index]
            let (sum, overflow) = columns.volume[last].addingReportingOverflow(parts.volume[index])
            guard !overflow else { return false }
            columns.volume[last] = sum
        }
        return true
    }
}
