public import Trading

/// What a feed delivered, what was refused, and how long it has been silent.
public struct FeedHealth: Hashable, Sendable {
    /// Candles taken.
    public private(set) var candles = 0
    /// Trades taken.
    public private(set) var trades = 0
    /// Quotes taken.
    public private(set) var quotes = 0
    /// Events or rows refused.
    public private(set) var refusals = 0
    /// The last refusal in words.
    public private(set) var lastRefusal: String?
    /// The market time of the last event of each symbol.
    public private(set) var lastEventTimes: [String: Timestamp] = [:]
    /// Whether the feed said that nothing more will come.
    public private(set) var isAtEnd = false

    private var lastArrival: Timestamp?
    private let openedAt: Timestamp

    /// Starts counting at `time` of the wall clock.
    public init(openedAt time: Timestamp) {
        openedAt = time
    }

    /// Counts an event that arrived at `time` of the wall clock.
    public mutating func record(_ event: MarketEvent, arrivedAt time: Timestamp) {
        switch event {
        case .candle: candles += 1
        case .trade: trades += 1
        case .quote: quotes += 1
        }
        lastEventTimes[event.symbol] = max(lastEventTimes[event.symbol] ?? event.time, event.time)
        lastArrival = time
    }

    /// Counts `count` refusals with one reason.
    public mutating func recordRefusal(_ reason: String, count: Int = 1) {
        refusals += count
        lastRefusal = reason
    }

    /// Notes that nothing more will come.
    public mutating func recordEnd() {
        isAtEnd = true
    }

    /// Events taken.
    public var events: Int { candles + trades + quotes }

    /// Milliseconds of the wall clock since the last event, or since the feed opened.
    ///
    /// Nought at the end of the data.
    public func silence(at time: Timestamp) -> Int64 {
        isAtEnd ? 0 : max(0, time.milliseconds - (lastArrival ?? openedAt).milliseconds)
    }

    /// Whether the feed should have said something by now: silent for longer than `limit` milliseconds.
    public func isStale(at time: Timestamp, after limit: Int64) -> Bool { silence(at: time) > limit }
}
