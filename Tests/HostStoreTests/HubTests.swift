import Testing
import Trading

@testable import Host

@Suite struct `Watchers that come back` {
    private final class Watcher: EventSink, MarketSink, @unchecked Sendable {
        // @unchecked: a test has one thread.
        var words: [String] = []
        var isOpen = true

        func offer(_ event: HostEvent) -> Bool {
            words.append("\(event.sequence ?? 0)")
            return isOpen
        }

        func offer(_ tick: MarketTick) -> Bool {
            words.append("\(tick.sequence ?? 0)")
            return isOpen
        }

        func missed(oldest: Int?) { words.append("missed before \(oldest ?? 0)") }
        func caughtUp() { words.append("now") }
    }

    private let everything = EventTopic.kinds([.order, .fill, .halt], owner: nil)

    private func orders(_ count: Int, into hub: EventHub) {
        for _ in 0..<count { hub.publish(.order, strategy: "s", owner: "ann", data: .object([])) }
    }

    @Test func `get what they missed, and then what happens`() {
        let (hub, watcher) = (EventHub(capacity: 4), Watcher())
        orders(3, into: hub)
        hub.follow(everything, after: 1, sink: watcher)
        orders(1, into: hub)
        #expect(watcher.words == ["2", "3", "now", "4"])
    }

    @Test(arguments: [(6, false), (5, false), (4, true), (0, true), (99, true)])
    func `are told when what they missed is not kept`(_ after: Int, _ isTold: Bool) {
        let (hub, watcher) = (EventHub(capacity: 4), Watcher())
        // Of nine the last four are kept: 6 to 9, so that whoever saw 5 misses nothing.
        orders(9, into: hub)
        hub.follow(everything, after: after, sink: watcher)
        #expect((watcher.words.first == "missed before 6") == isTold, "\(watcher.words)")
    }

    @Test func `hear of their own orders and of halts of everything, not of another's`() {
        let (hub, watcher) = (EventHub(), Watcher())
        hub.follow(.kinds([.order, .halt], owner: "ann"), after: nil, sink: watcher)
        hub.publish(.order, strategy: "b", owner: "bob", data: .object([]))
        hub.publish(.order, strategy: "a", owner: "ann", data: .object([]))
        hub.publish(.halt, strategy: nil, owner: "", data: .object([]))
        #expect(watcher.words == ["now", "2", "3"])
    }

    private func candle(_ number: Int64, _ symbol: String = "BTCUSDT") -> MarketEvent {
        .candle(
            Candle(
                symbol: symbol, resolution: Resolution("1m")!,
                openTime: Timestamp(milliseconds: number * 60_000),
                open: .one, high: .one, low: .one, close: .one, volume: .zero))
    }

    @Test func `get candles of what they follow alone, in order`() {
        let (hub, watcher) = (MarketHub(capacity: 4), Watcher())
        for number in 1...3 {
            hub.publish(candle(Int64(number)), of: "btc")
            hub.publish(candle(Int64(number), "ETHUSDT"), of: "btc")
        }
        hub.follow(MarketTopic(.candles, feed: "btc", symbol: "BTCUSDT"), after: 2, sink: watcher)
        hub.publish(candle(4), of: "other")
        hub.publish(candle(4), of: "btc")
        #expect(watcher.words == ["3", "5", "8"])
        watcher.isOpen = false
        hub.publish(candle(5), of: "btc")
        hub.publish(candle(6), of: "btc")
        #expect(watcher.words == ["3", "5", "8", "9"])
    }

    @Test(arguments: [(5, false), (4, true), (10, true), (9, false)])
    func `are told when candles are not kept any more`(_ after: Int, _ isTold: Bool) {
        let (hub, watcher) = (MarketHub(capacity: 4), Watcher())
        for number in 1...9 { hub.publish(candle(Int64(number)), of: "btc") }
        hub.follow(MarketTopic(.candles), after: after, sink: watcher)
        #expect((watcher.words.first == "missed before 6") == isTold, "\(watcher.words)")
    }
}
