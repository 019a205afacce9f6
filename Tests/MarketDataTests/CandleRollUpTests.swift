import MarketData
import Testing
import Trading

@Suite("Roll-up")
struct CandleRollUpTests {
    private func candle(_ minute: Int64, _ prices: (Int, Int, Int, Int), volume: Int = 1) -> Candle {
        Candle(
            symbol: "X", resolution: Resolution("1m")!, openTime: Timestamp(milliseconds: minute * 60_000),
            open: FixedDecimal(prices.0), high: FixedDecimal(prices.1), low: FixedDecimal(prices.2),
            close: FixedDecimal(prices.3), volume: FixedDecimal(volume))
    }

    @Test("folding in one step or in several gives the same", arguments: 0..<30)
    func inSteps(_ seed: UInt64) throws {
        var generator = Generator(state: seed &* 7919 &+ 1)
        var candles: [Candle] = []
        for minute in 0..<Int64(600) where generator.next() % 5 != 0 {
            let prices = (0..<4).map { _ in Int(generator.next() % 90) + 10 }.sorted()
            candles.append(
                candle(
                    minute, (prices[1], prices[3], prices[0], prices[2]), volume: Int(generator.next() % 9)))
        }
        let hour = Resolution("1h")!
        let direct = try CandleRollUp.fold(candles, to: hour)
        // Oracle: group by hour, leave out what was not seen whole at the ends.
        let groups = Dictionary(grouping: candles) { $0.openTime.milliseconds / hour.milliseconds }
        for folded in direct {
            let parts = try #require(groups[folded.openTime.milliseconds / hour.milliseconds])
            #expect(folded.open == parts.first?.open && folded.close == parts.last?.close)
            #expect(folded.high == parts.map(\.high).max() && folded.low == parts.map(\.low).min())
            #expect(folded.volume == (try parts.reduce(.zero) { try $0 + $1.volume }))
            #expect(folded.flaw == nil)
        }
        #expect((8...10).contains(direct.count))
        let inSteps = try CandleRollUp.fold(try CandleRollUp.fold(candles, to: Resolution("15m")!), to: hour)
        // Going through 15 minutes may lose a whole hour at an end where a part was missing, nothing else.
        #expect(inSteps.allSatisfy { direct.contains($0) })
        #expect(inSteps.count >= direct.count - 2)
    }

    @Test func `a beginning or an end that was not seen is left out`() throws {
        let flat = (1, 1, 1, 1)
        let candles = (Int64(3)...17).map { candle($0, flat) }
        let folded = try CandleRollUp.fold(candles, to: Resolution("5m")!)
        #expect(folded.map(\.openTime.milliseconds) == [300_000, 600_000])
        #expect(folded.map(\.volume) == [FixedDecimal(5), FixedDecimal(5)])
    }

    @Test func `weeks open on Monday`() {
        let week = Resolution("1w")!
        // 2024-01-03 was a Wednesday, 2024-01-01 a Monday.
        let open = week.openTime(containing: Timestamp(milliseconds: 1_704_240_000_000 + 5))
        #expect(open == Timestamp(milliseconds: 1_704_067_200_000))
        #expect(week.openTime(containing: open) == open)
        let before = week.openTime(containing: Timestamp(milliseconds: -1))
        #expect(before == Timestamp(milliseconds: -3 * 86_400_000))
    }

    @Test func `recent candles keep the last ones in order and refuse older ones`() {
        var recent = RecentCandles(capacity: 3)
        let kept = [1, 2, 3, 4, 5, 5, 2].map { recent.append(candle($0, (1, 1, 1, 1))) }
        #expect(kept == [true, true, true, true, true, false, false])
        let minute = Resolution("1m")!
        #expect(
            recent.last(9, symbol: "X", resolution: minute).map(\.openTime.milliseconds)
                == [180_000, 240_000, 300_000])
        #expect(
            recent.last(
                2, symbol: "X", resolution: minute, before: Timestamp(milliseconds: 300_000)
            ).map(\.openTime.milliseconds) == [180_000, 240_000])
        #expect(recent.last(1, symbol: "Y", resolution: minute).isEmpty)
        #expect(recent.lastClose(of: "X")?.openTime.milliseconds == 300_000)
    }
}

/// A plain linear congruential generator, so that a failure can be had again.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
