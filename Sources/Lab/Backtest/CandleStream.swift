internal import MarketData
internal import Trading

/// Candles of several series, merged in order of their closes, in pieces: a long history never stands in memory at once.
struct CandleStream {
    /// Some candles in order.
    struct Block {
        /// The pieces that the candles are of, by the number of their series.
        let pieces: [CandleColumns]
        /// The series and the row of each candle; empty when there is one series, whose rows they are.
        let picks: [(series: Int, row: Int)]
        /// How many candles there are.
        let count: Int

        /// Which series a candle is of.
        func series(_ index: Int) -> Int { picks.isEmpty ? 0 : picks[index].series }

        /// Which row of its piece a candle is.
        func row(_ index: Int) -> Int { picks.isEmpty ? index : picks[index].row }

        /// A candle, exactly.
        subscript(index: Int) -> Candle { pieces[series(index)][row(index)] }
    }

    private let source: any CandleSource
    private let series: [SeriesKey]
    private let ends: [Timestamp]
    private let pieceSize: Int
    private var pieces: [CandleColumns]
    private var rows: [Int]
    private var starts: [Timestamp?]

    /// The candles of `series` that close after `start` and by `end`, up to `pieceSize` at a time.
    init(
        _ source: any CandleSource, _ series: [SeriesKey], from start: Timestamp, to end: Timestamp,
        pieceSize: Int
    ) {
        self.source = source
        self.series = series
        self.pieceSize = pieceSize
        pieces = series.map {
            CandleColumns(symbol: $0.symbol, resolution: $0.resolution, priceDigits: 0, volumeDigits: 0)
        }
        rows = series.map { _ in 0 }
        let opens = series.map { $0.opens(closingAfter: start, by: end) }
        starts = opens.map(\.lowerBound)
        ends = opens.map(\.upperBound)
    }

    /// The next candles; nil at the end.
    mutating func next() throws(MarketFileFailure) -> Block? {
        for number in series.indices where rows[number] == pieces[number].count { try refill(number) }
        if series.count == 1 {
            rows[0] = pieces[0].count
            return pieces[0].count == 0 ? nil : Block(pieces: pieces, picks: [], count: pieces[0].count)
        }
        var picks: [(series: Int, row: Int)] = []
        picks.reserveCapacity(pieceSize)
        while picks.count < pieceSize, let next = earliest() {
            picks.append((next, rows[next]))
            rows[next] += 1
            if rows[next] == pieces[next].count { break }
        }
        return picks.isEmpty ? nil : Block(pieces: pieces, picks: picks, count: picks.count)
    }

    private mutating func refill(_ number: Int) throws(MarketFileFailure) {
        rows[number] = 0
        guard let start = starts[number] else {
            pieces[number] = CandleColumns(
                symbol: series[number].symbol, resolution: series[number].resolution, priceDigits: 0,
                volumeDigits: 0)
            return
        }
        pieces[number] = try source.candles(
            of: series[number], from: start, to: ends[number], limit: pieceSize)
        // A piece that is not full is the last.
        starts[number] =
            pieces[number].count < pieceSize
            ? nil : pieces[number].openTimes.last.map { Timestamp(milliseconds: $0 + 1) }
        if pieces[number].count == 0 { starts[number] = nil }
    }

    /// The series whose next candle closes first; of equals the first in the job.
    private func earliest() -> Int? {
        var best: (series: Int, close: Int64)?
        for number in series.indices where rows[number] < pieces[number].count {
            let close = pieces[number].openTimes[rows[number]] + series[number].resolution.milliseconds
            if best == nil || close < best!.close { best = (number, close) }
        }
        return best?.series
    }
}

extension SeriesKey {
    /// When the candles open that close after `start` and by `end`: what is known by then, and not yet at the start.
    func opens(closingAfter start: Timestamp, by end: Timestamp) -> Range<Timestamp> {
        func after(_ time: Timestamp) -> Timestamp {
            time.advanced(byMilliseconds: 1 - resolution.milliseconds)
        }
        return after(start)..<after(end)
    }
}

extension CandleSource {
    /// The last `count` candles that opened before `end`, fewer where there are no more within ten times their length.
    func history(of series: SeriesKey, before end: Timestamp, count: Int) throws(MarketFileFailure)
        -> [Candle]
    {
        guard count > 0 else { return [] }
        var found: [Candle] = []
        for factor: Int64 in [1, 3, 10] {
            let span = Int64(count) * factor * series.resolution.milliseconds
            var start = end.advanced(byMilliseconds: -span)
            found = []
            while true {
                let piece = try candles(of: series, from: start, to: end, limit: 8192)
                found += (0..<piece.count).map { piece[$0] }
                if found.count > count { found.removeFirst(found.count - count) }
                guard piece.count == 8192, let last = piece.openTimes.last else { break }
                start = Timestamp(milliseconds: last + 1)
            }
            if found.count == count { break }
        }
        return found
    }
}
