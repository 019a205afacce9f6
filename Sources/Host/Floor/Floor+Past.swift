internal import MarketData
internal import Posix
internal import Trading

/// The candles that a strategy wants from before its feed began.
extension Floor {
    /// How long a strategy's start waits for them.
    private static let patience = Duration.seconds(10)

    /// Calls `body` once a feed of an exchange has `count` closed candles of a series, or as many as are to be had in time;
    /// at once when it has, and for every other feed.
    ///
    /// What is put before the feed's own candles reaches up to them without a gap: a strategy sees the past in order, and
    /// nothing newer before it.
    func withPast(
        of symbol: String, _ resolution: Resolution, count: Int, of feed: Feed, _ body: @escaping () -> Void
    ) {
        guard let past = around.past, let venue = feed.exchange, count > 0 else { return body() }
        let own = feed.market.history(symbol: symbol, resolution: resolution, count: count)
        guard own.count < count else { return body() }
        let end = own.first?.openTime ?? resolution.openTime(containing: now)
        let lacking = Int64(count - own.count) * resolution.milliseconds
        let span = end.advanced(byMilliseconds: -lacking)..<end
        let wait = PastWait(feed, body)
        loop.schedule(after: Self.patience) { wait.finish(with: []) }
        let here = LoopBound(wait, on: loop)
        past(SeriesKey(venue: venue.text, symbol: symbol, resolution: resolution), span) { candles in
            here.perform { $0.finish(with: candles) }
        }
    }
}

/// One strategy that waits for the past of its feed.
private final class PastWait {
    private let feed: Feed
    private var body: (() -> Void)?

    init(_ feed: Feed, _ body: @escaping () -> Void) {
        self.feed = feed
        self.body = body
    }

    /// Puts candles before the feed's own and lets the strategy go on. The second time nothing happens.
    func finish(with candles: [Candle]) {
        guard let body else { return }
        self.body = nil
        if !candles.isEmpty { feed.market.remember(before: candles) }
        body()
    }
}
