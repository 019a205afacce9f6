import MarketData
import Trading

/// Candles of a seeded random walk, in memory.
struct MemoryCandles: CandleSource {
    var series: [SeriesKey: CandleColumns] = [:]

    static let start = Timestamp(milliseconds: 1_735_689_600_000)

    /// Adds a series of `count` candles from `start` on; with `gaps`, one in twenty is missing. `drift` is in cents a
    /// candle.
    mutating func add(
        _ symbol: String, _ resolution: String, count: Int, seed: UInt64, start: Timestamp = Self.start,
        gaps: Bool = false, drift: Int = 0
    ) {
        let resolution = Resolution(resolution)!
        var dice = SplitMix64(seed: seed)
        var columns = CandleColumns(symbol: symbol, resolution: resolution, priceDigits: 2, volumeDigits: 3)
        var price = 100_000 + Int(seed % 7) * 1_000
        for number in 0..<count {
            let open = max(1_000, price + dice.next(-40...40))
            let close = max(1_000, open + drift + dice.next(-300...300))
            let high = max(open, close) + dice.next(0...150)
            let low = max(1, min(open, close) - dice.next(0...150))
            price = close
            if gaps, dice.next(0...19) == 0 { continue }
            let candle = Candle(
                symbol: symbol, resolution: resolution,
                openTime: start.advanced(byMilliseconds: Int64(number) * resolution.milliseconds),
                open: cents(open), high: cents(high), low: cents(low), close: cents(close),
                volume: FixedDecimal(units: Int128(dice.next(0...5_000)) * 1_000_000_000_000_000))
            precondition(columns.append(candle))
        }
        series[Self.key(symbol, resolution.description)] = columns
    }

    static func key(_ symbol: String, _ resolution: String) -> SeriesKey {
        SeriesKey(venue: "test", symbol: symbol, resolution: Resolution(resolution)!)
    }

    private func cents(_ value: Int) -> FixedDecimal {
        FixedDecimal(units: Int128(value) * 10_000_000_000_000_000)
    }

    func candles(
        of key: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int
    ) throws(MarketFileFailure) -> CandleColumns {
        guard let all = series[key] else {
            throw MarketFileFailure(file: "memory", line: 0, reason: "there is no series \(key)")
        }
        var part = CandleColumns(
            symbol: all.symbol, resolution: all.resolution, priceDigits: all.priceDigits,
            volumeDigits: all.volumeDigits)
        for row in 0..<all.count
        where all.openTimes[row] >= start.milliseconds && all.openTimes[row] < end.milliseconds
            && part.count < limit
        {
            precondition(part.append(all[row]))
        }
        return part
    }

    func contentHash(of series: SeriesKey, from start: Timestamp, to end: Timestamp)
        throws(MarketFileFailure) -> String
    { "hash of \(series)" }
}

extension SplitMix64 {
    /// Within a range, both ends included.
    mutating func next(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }
}
