internal import MarketData
internal import Wire

extension CandleStream.Block {
    /// The candles as one line says them.
    func batch(first: Int) -> CandleBatch {
        guard !picks.isEmpty else {
            return CandleBatch(first: first, series: [pieces[0].series(0..<pieces[0].count)])
        }
        // The rows that were picked of a piece stand together.
        var ranges: [Int: Range<Int>] = [:]
        for (number, row) in picks { ranges[number] = (ranges[number]?.lowerBound ?? row)..<(row + 1) }
        let present = ranges.keys.sorted()
        let series = present.map { pieces[$0].series(ranges[$0] ?? 0..<0) }
        guard present.count > 1 else { return CandleBatch(first: first, series: series) }
        var places: [Int: Int] = [:]
        for (place, number) in present.enumerated() { places[number] = place }
        return CandleBatch(first: first, series: series, order: picks.map { places[$0.series] ?? 0 })
    }

    /// How many of these candles are of the main series.
    func countOfMain(_ range: ClosedRange<Int>) -> Int {
        picks.isEmpty ? range.count : range.count { picks[$0].series == 0 }
    }
}

extension CandleColumns {
    fileprivate func series(_ rows: Range<Int>) -> CandleBatch.Series {
        let isWhole = rows == 0..<count
        func part(_ column: [Int64]) -> [Int64] { isWhole ? column : Array(column[rows]) }
        return CandleBatch.Series(
            symbol: symbol, resolution: resolution, priceDigits: priceDigits, volumeDigits: volumeDigits,
            openTimes: part(openTimes), open: part(open), high: part(high), low: part(low),
            close: part(close), volume: part(volume))
    }
}
