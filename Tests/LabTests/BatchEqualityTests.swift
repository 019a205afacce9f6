import MarketData
import Testing
import Trading

@testable import Lab

/// Batches are a faster way to the same result: every fill, trade, decision, point of equity and line of the log.
@Suite struct `Batched and strict backtests` {
    private static let costs: [CostModel] = {
        var slipping = Bench.costs.byVolume
        slipping.slippage = FixedDecimal("0.0005")!
        return [
            CostModel(), slipping, Bench.costs.late, Bench.costs.atClose,
            CostModel(
                volumeShare: FixedDecimal("0.5")!, halfSpreadTicks: 2,
                impact: MarketImpact(coefficient: FixedDecimal("0.1")!)),
            CostModel(
                marketFill: .sameClose,
                impact: MarketImpact(coefficient: FixedDecimal("0.3")!, curve: .linear)),
        ]
    }()

    private func same(_ job: BacktestJob, _ source: MemoryCandles, _ script: any Script) throws
        -> BacktestResult
    {
        var batched = job
        batched.mode = .batched
        let one = try Bench.run(job, source, script)
        let many = try Bench.run(batched, source, script)
        #expect(one.end == .completed)
        many.expectSameTrading(as: one)
        #expect(one.log == many.log)
        #expect(one.comparable == many.comparable)
        return one
    }

    @Test func `agree on a crossover, whose acts are few`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 3_000, seed: 1)
        let job = Bench.job(warmUp: 60, minutes: 3_000, skipping: 100)
        let result = try same(job, source, Crossover())
        #expect(result.fills.count > 20)
        #expect(result.bars == 2_900)
    }

    @Test(arguments: 0..<6, [2, 30])
    func `agree on whatever a strategy may do`(costs: Int, pace: Int) throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 700, seed: UInt64(costs + 2), gaps: true)
        let job = Bench.job(costs: Self.costs[costs], minutes: 700)
        let result = try same(job, source, Dabbler(seed: UInt64(pace * 10 + costs), pace: pace))
        #expect(result.fills.count > 5, "nothing was tried")
    }

    @Test(arguments: [1, 2])
    func `agree on several instruments and lengths of candle`(costs: Int) throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 500, seed: 11, gaps: true)
        source.add("ETHUSDT", "1m", count: 500, seed: 12)
        source.add("BTCUSDT", "15m", count: 33, seed: 13)
        let series = [
            MemoryCandles.key("BTCUSDT", "1m"), MemoryCandles.key("ETHUSDT", "1m"),
            MemoryCandles.key("BTCUSDT", "15m"),
        ]
        let job = Bench.job(series, costs: Self.costs[costs], warmUp: 20, minutes: 500, skipping: 60)
        _ = try same(job, source, Dabbler(seed: UInt64(costs), pace: 5))
    }

    @Test func `agree on a spot account that runs out of money`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 500, seed: 5)
        _ = try same(Bench.job(minutes: 500, capital: 3_000, isSpot: true), source, Dabbler(seed: 3, pace: 3))
    }

    @Test func `agree on a margin account that is liquidated`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 1_000, seed: 6, drift: -20)
        let result = try same(Bench.job(minutes: 1_000, capital: 1_500), source, Gambler(side: .buy))
        #expect(result.log.contains("the account was liquidated"))
    }

    @Test func `differ in how often the strategy is asked`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 2_500, seed: 1)
        let peers = [false, true].map { ScriptedPeer(Crossover(), batches: $0) }
        for peer in peers { _ = try Bench.run(Bench.job(mode: .batched, minutes: 2_500), source, peer) }
        #expect(peers[0].questions == 2_500)
        #expect(peers[1].questions < 250)
    }
}
