public import Trading

/// Many candles in one line, of one series or of several: what a backtest gives a strategy that takes batches.
///
/// They are columns of whole numbers here and columns of decimals in the line, so that a strategy reads only what it needs.
public struct CandleBatch: Hashable, Sendable {
    /// Candles of one series, oldest first; all columns are of one length.
    public struct Series: Hashable, Sendable {
        public var symbol: String
        public var resolution: Resolution
        /// How many digits of prices, and of volumes, are behind the point.
        public var priceDigits: Int
        public var volumeDigits: Int
        /// When each opened, in milliseconds since the epoch.
        public var openTimes: [Int64]
        public var open: [Int64]
        public var high: [Int64]
        public var low: [Int64]
        public var close: [Int64]
        public var volume: [Int64]

        /// Gathers columns.
        public init(
            symbol: String, resolution: Resolution, priceDigits: Int, volumeDigits: Int, openTimes: [Int64],
            open: [Int64], high: [Int64], low: [Int64], close: [Int64], volume: [Int64]
        ) {
            self.symbol = symbol
            self.resolution = resolution
            self.priceDigits = priceDigits
            self.volumeDigits = volumeDigits
            self.openTimes = openTimes
            self.open = open
            self.high = high
            self.low = low
            self.close = close
            self.volume = volume
        }
    }

    /// The number of the first candle; the others count on from it.
    public var first: Int
    public var series: [Series]
    /// Which of the series each candle is of, in order; empty when there is one series.
    public var order: [Int]

    /// Gathers series.
    public init(first: Int, series: [Series], order: [Int] = []) {
        self.first = first
        self.series = series
        self.order = order
    }

    /// How many candles there are.
    public var count: Int { series.reduce(0) { $0 + $1.openTimes.count } }
}

extension CandleBatch {
    func write(to line: inout LineWriter) {
        line.integer("first", Int64(first))
        line.objects("series", series) { series, line in
            line.string("symbol", series.symbol)
            line.word("resolution", series.resolution.description)
            line.runs("times", series.openTimes, step: series.resolution.milliseconds)
            line.column("open", series.open, digits: series.priceDigits)
            line.column("high", series.high, digits: series.priceDigits)
            line.column("low", series.low, digits: series.priceDigits)
            line.column("close", series.close, digits: series.priceDigits)
            line.column("volume", series.volume, digits: series.volumeDigits)
        }
        if !order.isEmpty { line.integers("order", order) }
    }

    init(_ reader: inout ObjectReader) throws(FieldFailure) {
        let limit = StrategyProtocol.batchCandles
        let first = try reader.integer("first", in: 0...Int.max)
        guard let values = try reader.optionalArray("series", count: 32) else {
            throw reader.failure("series", "is missing")
        }
        var series: [Series] = []
        for (index, value) in values.enumerated() {
            var inner = try ObjectReader(value, path: "\(reader.fullName("series"))[\(index)]")
            series.append(try Series(&inner))
            try inner.finish()
        }
        var order: [Int] = []
        for value in try reader.optionalArray("order", count: limit) ?? [] {
            guard let number = value.intValue, series.indices.contains(number) else {
                throw reader.failure("order", "must be numbers of series")
            }
            order.append(number)
        }
        self.init(first: first, series: series, order: order)
        guard count <= limit else {
            throw reader.failure("series", "have \(count) candles, at most \(limit) are taken")
        }
        guard series.count == 1 ? order.isEmpty : order.count == count else {
            throw reader.failure("order", "must name the series of each candle, where there are several")
        }
    }
}

extension CandleBatch.Series {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        let written = try reader.string("resolution", bytes: 8)
        guard let resolution = Resolution(written) else {
            throw reader.failure("resolution", "\"\(written)\" is not a length such as 1m")
        }
        let symbol = try reader.string("symbol")
        var times: [Int64] = []
        for run in try reader.optionalArray("times", count: StrategyProtocol.batchCandles) ?? [] {
            guard let pair = run.arrayValue, pair.count == 2, let start = pair[0].intValue,
                let count = pair[1].intValue,
                (1...StrategyProtocol.batchCandles - times.count).contains(count)
            else { throw reader.failure("times", "must be pairs of a start and a count") }
            for number in 0..<count { times.append(Int64(start) + Int64(number) * resolution.milliseconds) }
        }
        let prices = try ["open", "high", "low", "close"].map { name throws(FieldFailure) in
            try Self.decimals(name, times.count, &reader)
        }
        let volumes = try Self.decimals("volume", times.count, &reader)
        let (columns, priceDigits) = Self.whole(prices)
        let (volume, volumeDigits) = Self.whole([volumes])
        self.init(
            symbol: symbol, resolution: resolution, priceDigits: priceDigits, volumeDigits: volumeDigits,
            openTimes: times, open: columns[0], high: columns[1], low: columns[2], close: columns[3],
            volume: volume[0])
    }

    private static func decimals(
        _ name: String, _ count: Int, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> [FixedDecimal] {
        let text = try reader.string(name, bytes: StrategyProtocol.batchBytes)
        let decimals = text.split(separator: " ", omittingEmptySubsequences: false).compactMap {
            FixedDecimal(utf8: $0.utf8)
        }
        guard decimals.count == count else {
            throw reader.failure(name, "must have \(count) decimals with a space between")
        }
        return decimals
    }

    /// The least count of digits that shows all of them, and the whole numbers with it.
    private static func whole(_ columns: [[FixedDecimal]]) -> ([[Int64]], Int) {
        var digits = 0
        var unit = FixedDecimal.unitsPerOne
        while digits < 18, columns.contains(where: { $0.contains { $0.units % unit != 0 } }) {
            digits += 1
            unit /= 10
        }
        return (columns.map { $0.map { Int64(clamping: $0.units / unit) } }, digits)
    }
}
