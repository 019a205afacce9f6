public import Trading

/// Candles of one series by column, oldest first: whole numbers with one count of digits for prices and one for
/// volumes, so that half a million of them take 24 MB and lose nothing.
public struct CandleColumns: Hashable, Sendable {
    public let symbol: String
    public let resolution: Resolution
    /// How many digits of ``open``, ``high``, ``low`` and ``close`` are behind the point. 0 to 18.
    public let priceDigits: Int
    /// How many digits of ``volume`` are behind the point. 0 to 18.
    public let volumeDigits: Int
    /// When each candle opened, in milliseconds since the epoch; strictly rising.
    public internal(set) var openTimes: [Int64] = []
    public internal(set) var open: [Int64] = []
    public internal(set) var high: [Int64] = []
    public internal(set) var low: [Int64] = []
    public internal(set) var close: [Int64] = []
    /// In base currency.
    public internal(set) var volume: [Int64] = []

    /// Empty columns.
    public init(symbol: String, resolution: Resolution, priceDigits: Int, volumeDigits: Int) {
        precondition((0...18).contains(priceDigits) && (0...18).contains(volumeDigits))
        self.symbol = symbol
        self.resolution = resolution
        self.priceDigits = priceDigits
        self.volumeDigits = volumeDigits
    }

    /// How many candles there are.
    public var count: Int { openTimes.count }

    /// The candle at `index`, exactly.
    public subscript(index: Int) -> Candle {
        let price = Self.unit(priceDigits)
        return Candle(
            symbol: symbol, resolution: resolution, openTime: Timestamp(milliseconds: openTimes[index]),
            open: FixedDecimal(units: Int128(open[index]) * price),
            high: FixedDecimal(units: Int128(high[index]) * price),
            low: FixedDecimal(units: Int128(low[index]) * price),
            close: FixedDecimal(units: Int128(close[index]) * price),
            volume: FixedDecimal(units: Int128(volume[index]) * Self.unit(volumeDigits)))
    }

    /// Adds a candle that is later than the last.
    ///
    /// - Returns: False, with nothing added, when a number of it has more digits than these columns hold.
    public mutating func append(_ candle: Candle) -> Bool {
        precondition(candle.symbol == symbol && candle.resolution == resolution, "a candle of another series")
        precondition(openTimes.last.map { $0 < candle.openTime.milliseconds } ?? true, "candles are in order")
        let price = Self.unit(priceDigits)
        guard let o = Self.whole(candle.open, price), let h = Self.whole(candle.high, price),
            let l = Self.whole(candle.low, price), let c = Self.whole(candle.close, price),
            let v = Self.whole(candle.volume, Self.unit(volumeDigits))
        else { return false }
        openTimes.append(candle.openTime.milliseconds)
        open.append(o)
        high.append(h)
        low.append(l)
        close.append(c)
        volume.append(v)
        return true
    }

    /// What one whole number stands for at so many digits, 0 to 18, in units of ``FixedDecimal``.
    public static func unit(_ digits: Int) -> Int128 { units[digits] }

    private static let units: [Int128] = (0...18).map { digits in
        (0..<digits).reduce(FixedDecimal.unitsPerOne) { unit, _ in unit / 10 }
    }

    /// 10 to the power of `exponent`, which is from 0 to 18.
    static func power(_ exponent: Int) -> Int64 { powers[exponent] }

    private static let powers: [Int64] = (0...18).map { exponent in
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    /// Leaves only what opened at or after `start` and before `end`, in milliseconds.
    mutating func clip(from start: Int64, to end: Int64) {
        if let last = openTimes.last, last >= end { keep(0..<place(of: end)) }
        if let first = openTimes.first, first < start { keep(place(of: start)..<count) }
    }

    /// The candles at these places alone.
    public func part(_ places: Range<Int>) -> CandleColumns {
        var part = CandleColumns(
            symbol: symbol, resolution: resolution, priceDigits: priceDigits, volumeDigits: volumeDigits)
        part.openTimes = Array(openTimes[places])
        part.open = Array(open[places])
        part.high = Array(high[places])
        part.low = Array(low[places])
        part.close = Array(close[places])
        part.volume = Array(volume[places])
        return part
    }

    /// Leaves only the candles at these places.
    mutating func keep(_ places: Range<Int>) {
        func cut(_ column: inout [Int64]) {
            column.removeSubrange(places.upperBound...)
            column.removeSubrange(..<places.lowerBound)
        }
        cut(&openTimes)
        cut(&open)
        cut(&high)
        cut(&low)
        cut(&close)
        cut(&volume)
    }

    /// Where the first candle stands that opened at or after `time`; ``count`` when there is none.
    func place(of time: Int64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if openTimes[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func whole(_ value: FixedDecimal, _ unit: Int128) -> Int64? {
        let (whole, rest) = value.units.quotientAndRemainder(dividingBy: unit)
        return rest == 0 ? Int64(exactly: whole) : nil
    }
}
