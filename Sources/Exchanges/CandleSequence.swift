public import Trading

/// Puts the closed candles of one series in order, whatever comes late, twice or not at all.
///
/// A candle that does not follow on the last one is held until those between were asked for. What the venue cannot give
/// then is a gap of its own, and the series goes on.
public struct CandleSequence: Hashable, Sendable {
    /// What is to be done about a candle.
    public enum Step: Hashable, Sendable {
        /// Hand these on, in this order.
        case deliver([Candle])
        /// Ask for the closed candles that open at or after this time, and give them to ``filled(_:)``.
        case ask(from: Timestamp)
        /// It is held, or was known.
        case nothing
    }

    /// The last candle that was handed on; nil before the first.
    public private(set) var last: Candle?
    /// Whether candles were asked for and have not come.
    public private(set) var isWaiting = false
    private var held: [Candle] = []
    private let limit: Int

    /// A series that has begun nowhere yet.
    ///
    /// - Parameter limit: How many candles are held while others are asked for; later ones are left out, and asked for
    ///   when the next shows that they are missing.
    public init(limit: Int = 1000) {
        precondition(limit > 0)
        self.limit = limit
    }

    /// The history that the series begins with was asked for: what the stream brings meanwhile is held.
    public mutating func began() {
        isWaiting = true
    }

    /// Takes a closed candle of the stream.
    public mutating func take(_ candle: Candle) -> Step {
        if let last, candle.openTime <= last.openTime { return .nothing }
        guard !isWaiting, follows(candle) else {
            hold(candle)
            guard !isWaiting, let last else { return .nothing }
            isWaiting = true
            return .ask(from: last.closeTime)
        }
        last = candle
        return .deliver([candle])
    }

    /// The stream was interrupted: what closed meanwhile must be asked for. Nil when that is under way, or nothing was
    /// handed on yet.
    public mutating func interrupted() -> Timestamp? {
        guard !isWaiting, let last else { return nil }
        isWaiting = true
        return last.closeTime
    }

    /// Takes the answer to a question for candles, oldest first, and gives them with those that were held, in order. Nil
    /// stands for no answer: what is held goes on being held, and the question must be asked again with
    /// ``interrupted()``.
    ///
    /// - Parameter isComplete: Whether it reaches up to now. If not, what is held waits for the rest, which must be asked
    ///   for with ``interrupted()``.
    public mutating func filled(_ candles: [Candle]?, isComplete: Bool = true) -> [Candle] {
        isWaiting = false
        guard let candles else { return [] }
        var byTime: [Timestamp: Candle] = [:]
        for candle in candles + (isComplete ? held : []) { byTime[candle.openTime] = candle }
        if isComplete { held = [] }
        let fresh = byTime.values.sorted { $0.openTime < $1.openTime }.filter { candle in
            last.map { $0.openTime < candle.openTime } ?? true
        }
        if let newest = fresh.last { last = newest }
        return fresh
    }

    private func follows(_ candle: Candle) -> Bool {
        guard let last else { return true }
        return candle.openTime == last.closeTime
    }

    private mutating func hold(_ candle: Candle) {
        if held.count < limit { held.append(candle) }
    }
}
