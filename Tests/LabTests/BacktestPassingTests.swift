import Catalogue
import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// Candles in which nothing happens are gone past in one step. Here the same backtest goes through the books candle by
/// candle, as one would write it who knew nothing of that.
@Suite struct `Candles that are gone past` {
    private static let costs = [Bench.costs.byVolume, Bench.costs.late, Bench.costs.atClose]

    private func config(dailyLoss: FixedDecimal = .one) -> StrategyConfig {
        var config = StrategyConfig()
        config.maximumPositions = 4
        config.maximumDailyLoss = dailyLoss
        return config
    }

    /// Each candle through the books, and then to the strategy.
    private func plainly(
        _ job: BacktestJob, _ source: MemoryCandles, _ script: any Script, _ config: StrategyConfig
    ) throws -> BacktestResult {
        let setup = try BacktestSetup(job, config: config, source: source, instrument: { _ in nil })
        var (engine, script, bars) = (setup.engine, script, 0)
        var stream = CandleStream(source, job.series, from: job.start, to: job.end, pieceSize: 100_000)
        while let block = try stream.next() {
            for index in 0..<block.count {
                engine.advance(over: block[index], series: block.series(index))
                var lines: [UInt8] = []
                engine.takeOutgoing(into: &lines)
                var said: [StrategyMessage] = []
                for line in lines.split(separator: 0x0A) {
                    said += script.answer(try HostMessage(line: line))
                }
                said += script.answer(.candle(block[index], isHistory: false))
                for message in said { engine.take(message) }
                bars += block.series(index) == 0 ? 1 : 0
            }
        }
        return setup.result(.init(engine: engine, bars: bars, end: nil, milliseconds: 0), nil)
    }

    /// Holds the usual ways of a backtest against the plain one.
    private func compare(
        _ job: BacktestJob, _ source: MemoryCandles, _ script: any Script, dailyLoss: FixedDecimal = .one
    ) throws -> BacktestResult {
        let config = config(dailyLoss: dailyLoss)
        let plain = try plainly(job, source, script, config)
        for mode in BacktestJob.Mode.allCases {
            var job = job
            job.mode = mode
            let setup = try BacktestSetup(job, config: config, source: source, instrument: { _ in nil })
            let usual = setup.result(
                setup.converse(ScriptedPeer(script, batches: true)) { _ in true }, nil)
            #expect(usual.end == .completed)
            usual.expectSameTrading(as: plain, "\(mode)")
        }
        return plain
    }

    @Test(arguments: 0..<3, [3, 25])
    func `come to what they come to one by one`(costs: Int, pace: Int) throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 500, seed: UInt64(costs + 41), gaps: true)
        let job = Bench.job(costs: Self.costs[costs], minutes: 500)
        let result = try compare(job, source, Dabbler(seed: UInt64(pace * 10 + costs), pace: pace))
        #expect(result.fills.count > 5, "nothing was tried")
    }

    @Test func `come to the same with several instruments and lengths`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 300, seed: 51, gaps: true)
        source.add("ETHUSDT", "1m", count: 300, seed: 52)
        source.add("BTCUSDT", "15m", count: 20, seed: 53)
        let series = [
            MemoryCandles.key("BTCUSDT", "1m"), MemoryCandles.key("ETHUSDT", "1m"),
            MemoryCandles.key("BTCUSDT", "15m"),
        ]
        _ = try compare(
            Bench.job(series, costs: Bench.costs.late, minutes: 300), source, Dabbler(seed: 5, pace: 6))
    }

    /// Buys now and then, and sells it again.
    private struct Buyer: Script {
        var count = 0

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle(let candle, false) = message else { return [] }
            count += 1
            guard count % 31 == 1 else { return [] }
            return [
                .order(
                    request: "b-\(count)",
                    terms: OrderTerms(
                        symbol: candle.symbol, side: count % 62 == 1 ? .buy : .sell, type: .market,
                        quantity: FixedDecimal(2)))
            ]
        }
    }

    @Test func `count for the day that they close on`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "15m", count: 1_500, seed: 61)
        let series = [MemoryCandles.key("BTCUSDT", "15m")]
        let job = Bench.job(series, minutes: 1_500 * 15, capital: 20_000)
        let held = try compare(job, source, Buyer(), dailyLoss: FixedDecimal("0.0005")!)
        let free = try compare(job, source, Buyer())
        #expect(held.fills.count < free.fills.count, "the daily loss was never reached")
        #expect(held.fills.count > 10)
    }

    /// Puts all it has on two instruments.
    private struct Gamblers: Script {
        var bought: Set<String> = []

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle(let candle, false) = message, bought.insert(candle.symbol).inserted else {
                return []
            }
            return [
                .order(
                    request: "g-\(candle.symbol)",
                    terms: OrderTerms(
                        symbol: candle.symbol, side: .buy, type: .market, quantity: FixedDecimal(7)))
            ]
        }
    }

    @Test func `end where several positions together are too much`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 700, seed: 6, drift: -20)
        source.add("ETHUSDT", "1m", count: 700, seed: 8, drift: -20)
        let series = [MemoryCandles.key("BTCUSDT", "1m"), MemoryCandles.key("ETHUSDT", "1m")]
        let result = try compare(
            Bench.job(series, minutes: 700, capital: 1_500), source, Gamblers())
        #expect(result.log.contains("the account was liquidated"))
    }
}
