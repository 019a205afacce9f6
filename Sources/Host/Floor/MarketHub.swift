internal import Trading

/// Hands what markets say to those who watch, and keeps the latest candles for those who come back.
///
/// It lives on the floor's event loop, on the way from a price to the strategies: while nobody watches it costs a test for
/// prices and a place in a ring for candles.
final class MarketHub {
    private struct Watcher {
        let topic: MarketTopic
        let sink: any MarketSink
    }

    /// How many candles are kept for readers that come back.
    private let capacity: Int
    private var watchers: [Watcher] = []
    private var kept: [MarketTick] = []
    private var lastSequence = 0

    init(capacity: Int = 1024) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// Tells those who watch.
    func publish(_ event: MarketEvent, of feed: String) {
        guard case .candle = event else {
            if !watchers.isEmpty { offer(MarketTick(feed: feed, event: event, sequence: nil)) }
            return
        }
        lastSequence += 1
        let tick = MarketTick(feed: feed, event: event, sequence: lastSequence)
        if kept.count >= 2 * capacity { kept.removeFirst(kept.count - capacity) }
        kept.append(tick)
        if !watchers.isEmpty { offer(tick) }
    }

    /// Adds a watcher, who is first given the candles that are kept after the one numbered `after`.
    func follow(_ topic: MarketTopic, after: Int?, sink: any MarketSink) {
        if let after, topic.kind == .candles {
            let ring = kept.suffix(capacity)
            let oldest = ring.first?.sequence
            // Numbers begin anew with each start of the host: one that was never given is from before.
            if after > lastSequence || after < (oldest ?? 0) - 1 { sink.missed(oldest: oldest) }
            for tick in ring where tick.sequence ?? 0 > after && topic.includes(tick.event, of: tick.feed) {
                guard sink.offer(tick) else { return }
            }
        }
        watchers.append(Watcher(topic: topic, sink: sink))
    }

    private func offer(_ tick: MarketTick) {
        watchers.removeAll { watcher in
            watcher.topic.includes(tick.event, of: tick.feed) && !watcher.sink.offer(tick)
        }
    }
}
