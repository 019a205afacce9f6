import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// What a backtest has of candles that its start or its end lies within, and of orders before the first.
@Suite struct `The span of a backtest` {
    private let minute = MemoryCandles.key("BTCUSDT", "1m")
    private let quarter = MemoryCandles.key("BTCUSDT", "15m")

    private var source: MemoryCandles {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 120, seed: 4)
        source.add("BTCUSDT", "15m", count: 8, seed: 5)
        source.add("ETHUSDT", "15m", count: 8, seed: 6)
        return source
    }

    /// Notes what it is given.
    private struct Listener: Script {
        final class Heard {
            /// Opens of longer candles, in minutes from the start of the data.
            var history: [Int64] = []
            var now: [Int64] = []
            /// How late the latest candle of all closed.
            var last = MemoryCandles.start
        }

        let heard: Heard

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle(let candle, let isHistory) = message else { return [] }
            heard.last = max(heard.last, candle.closeTime)
            guard candle.resolution.milliseconds > 60_000 else { return [] }
            let open = (candle.openTime.milliseconds - MemoryCandles.start.milliseconds) / 60_000
            if isHistory { heard.history.append(open) } else { heard.now.append(open) }
            return []
        }
    }

    @Test(arguments: BacktestJob.Mode.allCases, ["BTCUSDT", "ETHUSDT"])
    func `has every candle that closes in it, and none before it closed`(
        mode: BacktestJob.Mode, symbol: String
    ) throws {
        let heard = Listener.Heard()
        let series = [minute, MemoryCandles.key(symbol, "15m")]
        let job = Bench.job(series, mode: mode, warmUp: 2, minutes: 70, skipping: 40)
        let result = try Bench.run(job, source, Listener(heard: heard))
        #expect(result.end == .completed && result.bars == 30)
        // That of 30 closes at 45, in the run; that of 60 at 75, behind it.
        #expect(heard.history == [0, 15])
        #expect(heard.now == [30, 45])
        #expect(heard.last == job.end)
    }

    @Test func `of longer candles alone is as long as those that close in it`() throws {
        let heard = Listener.Heard()
        let job = Bench.job([quarter], mode: .batched, minutes: 70, skipping: 20)
        let result = try Bench.run(job, source, Listener(heard: heard))
        #expect(heard.now == [15, 30, 45] && result.bars == 3)
        #expect(result.equity.last?.time == MemoryCandles.start.advanced(byMilliseconds: 60 * 60_000))
        #expect {
            try Bench.run(Bench.job([quarter], minutes: 29, skipping: 16), source, Listener(heard: heard))
        } throws: { ($0 as? BacktestFailure)?.field == "series" }
    }

    @Test func `may end before a longer candle has closed`() throws {
        let heard = Listener.Heard()
        let result = try Bench.run(
            Bench.job([minute, quarter], minutes: 10), source, Listener(heard: heard))
        #expect(result.bars == 10 && heard.now == [])
    }

    @Test(arguments: CostModel.MarketFill.allCases)
    func `begins behind its history for an order given at the start`(fill: CostModel.MarketFill) throws {
        // A limit far above the market takes what is there: at the first open of the run, and not in the history.
        let terms = OrderTerms(
            symbol: "BTCUSDT", side: .buy, type: .limit, quantity: .one, price: FixedDecimal(5_000))
        let job = Bench.job(costs: CostModel(marketFill: fill), warmUp: 1, minutes: 60, skipping: 30)
        let source = source
        var engine = try BacktestSetup(job, config: .init(), source: source, instrument: { _ in nil }).engine
        engine.take(.order(request: "early", terms: terms, bracket: nil))
        engine.isHistory = true
        engine.advance(over: try source.history(of: minute, before: job.start, count: 1)[0], series: 0)
        engine.isHistory = false
        #expect(engine.fills == [])
        let first = try source.candles(of: minute, from: job.start, to: job.end, limit: 1)[0]
        engine.advance(over: first, series: 0)
        #expect(engine.fills.map(\.time) == [job.start])
        #expect(engine.fills.map(\.price) == [first.open])
    }
}
