import MarketData
import Testing
import Trading
import Wire

@testable import Collectors

@Suite struct `What is taken of a venue's candles` {
    static let series = SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: minute)
    let rules = CandleRules(series: series, span: at(0)..<at(600_000), now: at(600_500))

    static func raw(
        _ time: Int64?, _ open: String? = "10", _ high: String? = "12", _ low: String? = "9",
        _ close: String? = "11", _ volume: String? = "3"
    ) -> RawCandle {
        func number(_ text: String?) -> RawNumber {
            text.map { text in FixedDecimal(text).map { .value($0) } ?? .strange } ?? .absent
        }
        return RawCandle(
            time: time.map { at($0) }, open: number(open), high: number(high), low: number(low),
            close: number(close), volume: number(volume))
    }

    @Test func `is one that makes sense and has closed`() throws {
        let candle = try rules.check(Self.raw(0), after: nil)
        #expect(candle.openTime == at(0))
        #expect(candle.close == FixedDecimal(11))
        #expect(try rules.check(Self.raw(540_000), after: candle).openTime == at(540_000))
    }

    @Test(arguments: [
        (raw(nil), Refusal.missing), (raw(0, nil), .missing), (raw(0, "10", "12", "9", "11", nil), .missing),
        (raw(0, "NaN"), .notANumber), (raw(0, "10", "Infinity"), .notANumber),
        (raw(0, "10", "12", "0"), .notPositive), (raw(0, "10", "12", "9", "-11"), .notPositive),
        (raw(0, "10", "12", "9", "11", "-1"), .notPositive), (raw(0, "10", "10.5"), .inconsistent),
        (raw(0, "10", "12", "10.5"), .inconsistent), (raw(600_000), .forming), (raw(660_000), .future),
        (raw(-60_000), .outside), (raw(30_000), .misaligned), (raw(1), .misaligned),
    ])
    func `is nothing else`(_ raw: RawCandle, _ reason: Refusal) {
        #expect(throws: reason) { try rules.check(raw, after: nil) }
    }

    @Test func `is no second one for the same time, nor one from before`() throws {
        let candle = try rules.check(Self.raw(60_000), after: nil)
        #expect(throws: Refusal.disordered) { try rules.check(Self.raw(60_000), after: candle) }
        #expect(throws: Refusal.disordered) { try rules.check(Self.raw(0), after: candle) }
    }

    @Test func `is no day of another zone`() {
        let day = CandleRules(
            series: SeriesKey(venue: "coindcx", symbol: "BTCINR", resolution: Resolution("1d")!),
            span: at(-86_400_000 * 3)..<at(0), now: at(86_400_000))
        // Midnight in India.
        #expect(throws: Refusal.misaligned) {
            try day.check(Self.raw(-2 * 86_400_000 + 23_400_000), after: nil)
        }
    }

    @Test func `may stand a little beside its beginning where the venue is known for it`() throws {
        var loose = rules
        loose.slack = 999
        #expect(try loose.check(Self.raw(60_420), after: nil).openTime == at(60_000))
        #expect(throws: Refusal.misaligned) { try loose.check(Self.raw(61_000), after: nil) }
    }

    @Test func `what was refused stays missing, and the rest of the page counts as asked for`() {
        let rows = [Self.raw(0), Self.raw(60_000, "NaN"), Self.raw(120_000), Self.raw(300_000)]
        let reading = CandleReading(rows, rules, covered: at(0)..<at(600_000))
        #expect(reading.candles.map(\.openTime) == [at(0), at(120_000), at(300_000)])
        #expect(reading.refused == [.notANumber: 1])
        #expect(reading.parts.map(\.span) == [at(0)..<at(60_000), at(120_000)..<at(600_000)])
        #expect(reading.parts.map(\.candles.count) == [1, 2])
    }

    @Test func `a forming candle at the end leaves its place unasked`() {
        let late = CandleRules(series: Self.series, span: at(0)..<at(180_000), now: at(150_000))
        let reading = CandleReading(
            [Self.raw(0), Self.raw(60_000), Self.raw(120_000)], late, covered: at(0)..<at(180_000))
        #expect(reading.parts.map(\.span) == [at(0)..<at(120_000)])
        #expect(reading.refused == [.forming: 1])
    }

    @Test func `a page of nothing means that the venue has nothing there`() {
        let reading = CandleReading([], rules, covered: at(0)..<at(600_000))
        #expect(reading.parts.map(\.span) == [at(0)..<at(600_000)])
        #expect(reading.mostRefused == nil)
    }
}

@Suite struct `What is taken of CoinSpot's prices` {
    @Test func `are those that are numbers, positive and not crossed`() throws {
        let answer = try JSONParser.parse(
            """
            {"status":"ok","prices":{"btc":{"bid":"150000.5","ask":"150100","last":"150050"},
             "eth":{"bid":"NaN","ask":"NaN","last":"NaN"},"doge":{"bid":"0.3","ask":"0.2","last":"0.25"},
             "ltc":{"bid":"0","ask":"1","last":"1"},"sol":{"bid":"1","ask":"2"}}}
            """)
        let reading = try #require(CoinSpotPublic(base: "").prices(in: answer))
        #expect(reading.prices.map(\.coin) == ["btc"])
        #expect(reading.prices.first?.bid == FixedDecimal("150000.5"))
        #expect(reading.refused == [.notANumber: 1, .crossed: 1, .notPositive: 1, .missing: 1])
    }

    @Test(arguments: [
        (#"{"bid":"2","ask":"3"}"#, nil), (#"{"bid":"2","ask":"2"}"#, nil),
        (#"{"bid":"3","ask":"2"}"#, Refusal.crossed), (#"{"bid":"0","ask":"2"}"#, .notPositive),
        (#"{"bid":"2"}"#, .missing), (#"{"bid":"2","ask":"much"}"#, .notANumber),
    ])
    func `are as little crossed when one is asked for`(prices: String, reason: Refusal?) throws {
        let answer = try JSONParser.parse(#"{"status":"ok","prices":\#(prices)}"#)
        do throws(Refusal) {
            let quote = try CoinSpotPublic(base: "").quote(in: answer, symbol: "BTCAUD")
            #expect(reason == nil && quote.bid <= quote.ask)
        } catch {
            #expect(error == reason)
        }
    }

    @Test func `are none when the venue says that it went wrong`() throws {
        let answer = try JSONParser.parse(#"{"status":"error","message":"no"}"#)
        #expect(CoinSpotPublic(base: "").prices(in: answer) == nil)
    }
}
