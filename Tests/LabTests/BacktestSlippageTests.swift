import Testing
import Trading

@testable import Lab

/// Models of slippage in whole backtests.
@Suite struct `A backtest with slippage` {
    private static let models: [CostModel] = [
        CostModel(slippage: FixedDecimal("0.0005")!), CostModel(halfSpreadTicks: 5),
        CostModel(impact: MarketImpact(coefficient: FixedDecimal("0.01")!)),
        CostModel(impact: MarketImpact(coefficient: FixedDecimal("0.1")!, curve: .quadratic)),
        CostModel(
            slippage: FixedDecimal("0.0001")!, marketFill: .sameClose, halfSpreadTicks: 1,
            impact: MarketImpact(coefficient: FixedDecimal("0.01")!, curve: .linear)),
    ]

    @Test(arguments: models)
    func `decides the same, fills worse and earns less, the same each time`(costs: CostModel) throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 1_000, seed: 3)
        var free = costs
        (free.slippage, free.halfSpreadTicks, free.impact) = (.zero, 0, nil)
        func run(_ costs: CostModel) throws -> BacktestResult {
            try Bench.run(Bench.job(mode: .batched, costs: costs, minutes: 1_000), source, Crossover())
        }
        let (with, again, without) = (try run(costs), try run(costs), try run(free))
        #expect(with.end == .completed)
        #expect(with.comparable == again.comparable)
        #expect(with.decisions == without.decisions)
        #expect(with.fills.count == without.fills.count && with.fills.count > 5)
        for (worse, usual) in zip(with.fills, without.fills) {
            #expect(worse.side == .buy ? worse.price > usual.price : worse.price < usual.price)
        }
        #expect(with.finalEquity < without.finalEquity)
    }
}
