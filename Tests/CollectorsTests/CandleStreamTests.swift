import Exchanges
import MarketData
import Posix
import Synchronization
import Testing
import Trading
import Wire

@testable import Collectors

/// A source that says what a test wants.
private final class ScriptedSource: MarketSource {
    private var news: (MarketNews) -> Void = { _ in }
    private(set) var wish: MarketWish?

    func begin(_ wish: MarketWish, _ news: @escaping (MarketNews) -> Void) {
        self.wish = wish
        self.news = news
    }

    func end() { news = { _ in } }

    func say(_ said: MarketNews) { news(said) }
}

@Suite struct `Live candles` {
    private let sink = MemorySink()
    private let source = ScriptedSource()
    private let heard = Heard()
    private let stream: CandleStream
    private static let key = SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: minute)

    private final class Heard {
        var words: [String] = []
    }

    init() throws {
        let definition = try CollectorDefinition(
            try JSONParser.parse(
                #"{"id":"btc","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["1m"]}"#
            ))
        stream = CandleStream(definition, source: source, sink: sink) { [heard] in
            switch $0 {
            case .kept: heard.words.append("kept")
            case .refused(let reason): heard.words.append(reason.rawValue)
            case .gap: heard.words.append("gap")
            case .fault(let fault): heard.words.append(fault ?? "well")
            case .failed: heard.words.append("failed")
            }
        }
    }

    private func candle(_ number: Int64, high: Int = 12) -> MarketNews {
        .event(
            .candle(
                Candle(
                    symbol: "BTCUSDT", resolution: minute, openTime: at(number * 60_000),
                    open: FixedDecimal(10),
                    high: FixedDecimal(high), low: FixedDecimal(9), close: FixedDecimal(11), volume: .one)))
    }

    private var kept: [Timestamp] { sink[Self.key].order }

    @Test func `want neither trades nor quotes`() {
        #expect(source.wish?.prices == false)
    }

    @Test func `are held until the past is there, and go on behind it`() {
        source.say(candle(5))
        source.say(candle(6))
        #expect(kept.isEmpty)
        stream.isComplete(Self.key, upTo: at(5 * 60_000))
        #expect(kept == [at(300_000), at(360_000)])
        source.say(candle(7))
        #expect(kept.last == at(420_000))
    }

    @Test func `never pass a gap: what is missing is asked for first`() {
        stream.isComplete(Self.key, upTo: at(0))
        source.say(candle(0))
        source.say(candle(2))
        #expect(kept == [at(0)])
        #expect(heard.words == ["kept", "gap"])
        stream.isComplete(Self.key, upTo: at(120_000))
        #expect(kept == [at(0), at(120_000)])
    }

    @Test func `that are there already are left alone`() {
        stream.isComplete(Self.key, upTo: at(120_000))
        source.say(candle(0))
        source.say(candle(1))
        #expect(kept.isEmpty)
        #expect(heard.words.isEmpty)
    }

    @Test func `that make no sense or lie in the future are refused`() {
        stream.isComplete(Self.key, upTo: at(0))
        source.say(candle(0, high: 10))
        source.say(candle((WallClock.milliseconds - at(0).milliseconds) / 60_000 + 5))
        source.say(candle((WallClock.milliseconds - at(0).milliseconds) / 60_000))
        #expect(heard.words.prefix(2) == ["inconsistent", "future"])
        // Unless the minute ends within the few seconds that clocks may differ by.
        #expect(["forming", "gap"].contains(heard.words.last))
        #expect(kept.isEmpty)
    }

    @Test func `that cannot be written down are asked for again`() {
        stream.isComplete(Self.key, upTo: at(0))
        sink.fail("full")
        source.say(candle(0))
        sink.fail(nil)
        source.say(candle(1))
        #expect(heard.words == ["failed", "gap"])
    }
}
