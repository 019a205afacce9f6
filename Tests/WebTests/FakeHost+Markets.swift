import Host
import Synchronization
import Trading

/// Markets that a test moves by hand.
extension FakeHost {
    func followMarket(_ topic: MarketTopic, after: Int?, sink: any MarketSink) async throws(HostError) {
        if let feed = topic.feed, feed != "simulated" { throw .notFound(kind: "feed", id: feed) }
        if let after, after < 10 { sink.missed(oldest: 11) }
        state.withLock { $0.markets.append((topic, sink)) }
    }

    /// Tells those who watch; those who have left are forgotten.
    func tell(_ event: MarketEvent, sequence: Int? = nil) {
        let tick = MarketTick(feed: "simulated", event: event, sequence: sequence)
        state.withLock { state in
            state.markets.removeAll { topic, sink in
                topic.includes(event, of: tick.feed) && !sink.offer(tick)
            }
        }
    }

    /// Tells those who follow strategies.
    func tell(_ event: HostEvent, owner: String) {
        state.withLock { state in
            state.sinks.removeAll { topic, _, sink in
                guard case .kinds(let kinds, let wanted) = topic, kinds.contains(event.kind),
                    wanted == nil || wanted == owner
                else { return false }
                return !sink.offer(event)
            }
        }
    }
}
