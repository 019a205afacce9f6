import MarketData
import Testing
import Trading
import Wire

@Suite("Injection")
struct FeedInjectionTests {
    private var injection = FeedInjection(symbols: ["BTCUSDT", "ETHUSDT"], maximumEvents: 5)

    private static let candle =
        #"{"type":"candle","symbol":"BTCUSDT","resolution":"1m","time":60000,"open":"2","high":"3","low":"1","close":"2","volume":"5"}"#
    private static let trade =
        #"{"type":"trade","symbol":"BTCUSDT","time":60000,"price":"2","quantity":0.5}"#
    private static let quote =
        #"{"type":"quote","symbol":"ETHUSDT","time":60000,"bid":"2","bid_quantity":"1","ask":"2","ask_quantity":"1"}"#

    private mutating func take(_ events: String...) throws -> FeedInjection.Body {
        try injection.take(bytes: Array(#"{"events":[\#(events.joined(separator: ","))]}"#.utf8))
    }

    @Test mutating func `candles, trades and quotes are taken in their order`() throws {
        let body = try take(Self.trade, Self.candle, Self.quote, Self.trade)
        #expect(body.feed == nil)
        #expect(body.events.map(\.symbol) == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "BTCUSDT"])
        #expect(body.events[1].time == Timestamp(milliseconds: 120_000))
    }

    @Test(
        "a wrong field is named",
        arguments: [
            (#""open":"2""#, #""open":"4""#, "events[1].open"),
            (#""open":"2""#, #""open":"0.5""#, "events[1].open"),
            (#""open":"2""#, #""open":"-2""#, "events[1].open"),
            (#""open":"2""#, #""open":"NaN""#, "events[1].open"),
            (#""open":"2""#, #""open":1e400"#, "events[1].open"),
            (#""open":"2""#, #""open":null"#, "events[1].open"),
            (#""close":"2""#, #""close":"9""#, "events[1].close"),
            (#""low":"1""#, #""low":"4""#, "events[1].low"),
            (#""low":"1""#, #""low":"0""#, "events[1].low"),
            (#""volume":"5""#, #""volume":"-1""#, "events[1].volume"),
            (#""volume":"5""#, #""volume":"5","vwap":"2""#, "events[1].vwap"),
            (#""time":60000"#, #""time":60001"#, "events[1].time"),
            (#""time":60000"#, #""time":"60000""#, "events[1].time"),
            (#""time":60000"#, #""time":-60000"#, "events[1].time"),
            (#""resolution":"1m""#, #""resolution":"1x""#, "events[1].resolution"),
            (#""symbol":"BTCUSDT""#, #""symbol":"DOGE""#, "events[1].symbol"),
            (#""type":"candle""#, #""type":"bar""#, "events[1].type"),
            (#""type":"candle","#, "", "events[1].type"),
            (#""volume":"5""#, #""volume":"5","close_time":120001"#, "events[1].close_time"),
        ])
    mutating func wrongFields(_ good: String, _ bad: String, _ field: String) {
        let event = Self.candle.replacing(good, with: bad)
        let failure = #expect(throws: FieldFailure.self) { try take(Self.quote, event) }
        #expect(failure?.field == field)
    }

    @Test mutating func `a crossed quote is refused`() {
        let failure = #expect(throws: FieldFailure.self) {
            try take(Self.quote.replacing(#""bid":"2""#, with: #""bid":"2.01""#))
        }
        #expect(failure == FieldFailure(field: "events[0].bid", reason: "2.01 is above ask 2"))
    }

    @Test mutating func `time never goes back for a symbol, and a refused body leaves no trace`() throws {
        _ = try take(Self.trade.replacing("60000", with: "90000"))
        #expect(throws: FieldFailure.self) { try take(Self.trade) }
        _ = try take(Self.candle, Self.quote)
        #expect(throws: FieldFailure.self) { try take(Self.candle) }
        let later = Self.trade.replacing("60000", with: "95000")
        #expect(throws: FieldFailure.self) { try take(later, Self.trade) }
        _ = try take(Self.trade.replacing("60000", with: "91000"))
    }

    @Test(
        "a body that is none is refused",
        arguments: [
            ("", ""), ("[]", ""), ("{}", "events"), (#"{"events":[]}"#, "events"),
            (#"{"events":{}}"#, "events"),
            (#"{"events":[1]}"#, "events[0]"), (#"{"events":[1,2,3,4,5,6]}"#, "events"),
            (#"{"events":[],"x":1}"#, "x"), (#"{"feed":1,"events":[]}"#, "feed"),
        ])
    mutating func bodies(_ text: String, _ field: String) {
        let failure = #expect(throws: FieldFailure.self) { try injection.take(bytes: Array(text.utf8)) }
        #expect(failure?.field == field)
    }
}

@Suite("Feed health")
struct FeedHealthTests {
    @Test func `a feed is stale once it has been silent for too long, but not at its end`() {
        var health = FeedHealth(openedAt: Timestamp(milliseconds: 1000))
        #expect(!health.isStale(at: Timestamp(milliseconds: 6000), after: 5000))
        #expect(health.isStale(at: Timestamp(milliseconds: 6001), after: 5000))
        let trade = MarketTrade(
            symbol: "X", time: Timestamp(milliseconds: 7), price: .one, quantity: .one)
        health.record(.trade(trade), arrivedAt: Timestamp(milliseconds: 6001))
        health.recordRefusal("no", count: 2)
        #expect(health.silence(at: Timestamp(milliseconds: 6101)) == 100)
        #expect(health.lastEventTimes == ["X": Timestamp(milliseconds: 7)])
        #expect(health.events == 1 && health.refusals == 2 && health.lastRefusal == "no")
        health.recordEnd()
        #expect(!health.isStale(at: Timestamp(milliseconds: 99_999), after: 5000))
    }
}
