public import Trading

/// Folds the candles of one symbol into longer ones, exactly.
///
/// A longer candle is complete when its last part has closed, or, should that part be missing, when time has passed
/// its close (``flush(at:)``). A first candle whose beginning was not seen is left out; so is a last one whose end
/// was not.
public struct CandleRollUp: Hashable, Sendable {
    /// The symbol and lengths.
    public let symbol: String
    /// The length of the candles that go in.
    public let source: Resolution
    /// The length of the candles that come out.
    public let target: Resolution

    private var open: Candle?
    private var lastSourceTime: Timestamp?
    private var isPartial = false

    /// Folds candles of `source` length to `target`, a multiple of it.
    public init(symbol: String, from source: Resolution, to target: Resolution) {
        precondition(target.isMade(of: source), "a roll-up needs a multiple of its source")
        self.symbol = symbol
        self.source = source
        self.target = target
    }

    /// When the candle being put together closes; nil when there is none to announce.
    public var closeTime: Timestamp? { isPartial ? nil : open?.closeTime }

    /// Adds a closed candle, later than those before it, and returns the longer candles that are now complete.
    ///
    /// Usually none or one; two when this candle is the whole of its longer one and the one before lacked its end.
    ///
    /// - Throws: ``ArithmeticFault`` when the volume leaves the range.
    public mutating func add(_ candle: Candle) throws(ArithmeticFault) -> [Candle] {
        precondition(candle.symbol == symbol && candle.resolution == source, "a candle of another series")
        precondition(lastSourceTime.map { $0 < candle.openTime } ?? true, "candles are in order of time")
        var complete: [Candle] = []
        if let earlier = flush(at: candle.openTime) { complete.append(earlier) }
        let start = target.openTime(containing: candle.openTime)
        if let before = open {
            open = Candle(
                symbol: symbol, resolution: target, openTime: start, open: before.open,
                high: max(before.high, candle.high), low: min(before.low, candle.low), close: candle.close,
                volume: try before.volume + candle.volume)
        } else {
            isPartial = lastSourceTime == nil && candle.openTime != start
            open = Candle(
                symbol: symbol, resolution: target, openTime: start, open: candle.open, high: candle.high,
                low: candle.low, close: candle.close, volume: candle.volume)
        }
        lastSourceTime = candle.openTime
        if let whole = flush(at: candle.closeTime) { complete.append(whole) }
        return complete
    }

    /// The longer candle that closed at or before `time`, if one was being put together.
    public mutating func flush(at time: Timestamp) -> Candle? {
        guard let candle = open, candle.closeTime <= time else { return nil }
        open = nil
        defer { isPartial = false }
        return isPartial ? nil : candle
    }

    /// Folds a whole series at once; the last candle is left out unless its last part is there.
    public static func fold(_ candles: [Candle], to target: Resolution) throws(ArithmeticFault) -> [Candle] {
        guard let first = candles.first else { return [] }
        var rollUp = CandleRollUp(symbol: first.symbol, from: first.resolution, to: target)
        var folded: [Candle] = []
        for candle in candles { folded.append(contentsOf: try rollUp.add(candle)) }
        return folded
    }
}
