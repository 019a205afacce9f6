public import Trading

/// The last closed candles of every series that passed by, for charts and lookback.
///
/// Each series is a ring of ``capacity`` candles, so memory is bounded by the number of series.
public struct RecentCandles: Sendable {
    /// One symbol at one resolution.
    public struct Series: Hashable, Sendable {
        /// The instrument.
        public let symbol: String
        /// How long each candle is.
        public let resolution: Resolution

        /// Names a series.
        public init(symbol: String, resolution: Resolution) {
            self.symbol = symbol
            self.resolution = resolution
        }
    }

    private struct Ring: Sendable {
        var candles: [Candle] = []
        var oldest = 0

        var last: Candle? {
            candles.isEmpty ? nil : candles[oldest == 0 ? candles.count - 1 : oldest - 1]
        }

        func inOrder() -> [Candle] { Array(candles[oldest...] + candles[..<oldest]) }
    }

    /// Candles kept of each series.
    public let capacity: Int
    private var rings: [Series: Ring] = [:]

    /// Keeps up to `capacity` candles of each series.
    public init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// The series there are, by symbol and length.
    public var series: [Series] {
        rings.keys.sorted {
            ($0.symbol, $0.resolution.milliseconds) < ($1.symbol, $1.resolution.milliseconds)
        }
    }

    /// Keeps `candle` if it is later than the last of its series; false when it is not.
    @discardableResult
    public mutating func append(_ candle: Candle) -> Bool {
        let key = Series(symbol: candle.symbol, resolution: candle.resolution)
        var ring = rings.removeValue(forKey: key) ?? Ring()
        defer { rings[key] = ring }
        if let last = ring.last, candle.openTime <= last.openTime { return false }
        if ring.candles.count < capacity {
            ring.candles.append(candle)
        } else {
            ring.candles[ring.oldest] = candle
            ring.oldest = (ring.oldest + 1) % capacity
        }
        return true
    }

    /// Puts older candles of one series, oldest first, before those that are kept, as far as there is room.
    public mutating func prepend(_ candles: [Candle]) {
        guard let first = candles.first else { return }
        let key = Series(symbol: first.symbol, resolution: first.resolution)
        let kept = rings[key]?.inOrder() ?? []
        let older = candles.filter { candle in kept.first.map { candle.openTime < $0.openTime } ?? true }
        rings[key] = Ring(candles: Array((older + kept).suffix(capacity)))
    }

    /// The last `count` candles that closed at or before `instant`, oldest first.
    public func last(
        _ count: Int, symbol: String, resolution: Resolution, before instant: Timestamp = .endOfTime
    ) -> [Candle] {
        guard let ring = rings[Series(symbol: symbol, resolution: resolution)] else { return [] }
        return Array(ring.inOrder().filter { $0.closeTime <= instant }.suffix(max(count, 0)))
    }

    /// The close of the shortest candle that closed last, as a last price.
    public func lastClose(of symbol: String) -> Candle? {
        rings.filter { $0.key.symbol == symbol }.compactMap(\.value.last).max {
            ($0.closeTime, -$0.resolution.milliseconds) < ($1.closeTime, -$1.resolution.milliseconds)
        }
    }
}
