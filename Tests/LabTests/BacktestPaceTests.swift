import Glibc
import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// How a strategy is led through the candles: how many at a time, whether it may see others, and when it is asked for news.
@Suite struct `How a strategy is led` {
    private let source: MemoryCandles = {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 2_500, seed: 1)
        return source
    }()

    /// A peer that notes how far it is told to go, and takes its time where it is asked to.
    private final class Watched: BacktestPeer {
        private let peer: ScriptedPeer
        private let slowness: UInt32
        private var batch = 0
        private(set) var goals: [Int] = []
        private(set) var batches = 0
        private(set) var answers = 0

        init(_ script: any Script, slowness milliseconds: UInt32 = 0) {
            peer = ScriptedPeer(script, batches: true)
            slowness = milliseconds
        }

        var questions: Int { peer.questions }

        func send(_ bytes: [UInt8]) throws(PeerEnd) {
            for line in bytes.split(separator: 0x0A) {
                let message: HostMessage
                do { message = try HostMessage(line: line) } catch { throw .broke("\(error)") }
                if case .go(let until) = message { goals.append(until) }
                if case .candles = message { batches += 1 }
            }
            try peer.send(bytes)
        }

        func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int {
            answers += 1
            // The first is that it is ready.
            if answers == 2, slowness > 0 { usleep(slowness * 1_000) }
            return try peer.receive(into: &buffer, from: offset)
        }
    }

    private struct Silent: Script {
        mutating func answer(_ message: HostMessage) -> [StrategyMessage] { [] }
    }

    @Test func `one candle at first, and never more than twice as far as before`() throws {
        let peer = Watched(Silent())
        let result = try Bench.run(Bench.job(mode: .batched, minutes: 2_500), source, peer)
        #expect(result.end == .completed && result.bars == 2_500)
        #expect(peer.goals.first == 0)
        let steps = zip(peer.goals, peer.goals.dropFirst()).map { $1 - $0 }
        #expect(steps.first ?? .max <= 2)
        // Up to here no block of candles has ended.
        #expect(zip(steps.prefix(8), steps.dropFirst()).allSatisfy { $1 <= 2 * $0 }, "\(steps)")
    }

    @Test func `no strict run shows a candle before it is asked about it`() throws {
        let peer = Watched(Silent())
        _ = try Bench.run(Bench.job(mode: .strict, minutes: 2_500), source, peer)
        #expect(peer.questions == 2_500)
        #expect(peer.batches == 0 && peer.goals.isEmpty)
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `a slow one is heard of, and can be cancelled, before its batch is over`(mode: BacktestJob.Mode)
        throws
    {
        let peer = Watched(Silent(), slowness: 230)
        let result = try Bench.run(Bench.job(mode: mode, minutes: 2_500), source, peer) { $0.bars > 100 }
        #expect(result.end == .cancelled)
        #expect(result.bars < 100, "\(result.bars)")
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `nobody fills without end`(mode: BacktestJob.Mode) throws {
        let job = Bench.job(mode: mode, minutes: 2_500)
        let setup = try BacktestSetup(job, config: .init(), source: source, instrument: { _ in nil })
        var engine = setup.engine
        engine.fillLimit = 10
        let peer = ScriptedPeer(Crossover(fast: 2, slow: 4), batches: true)
        var run = BacktestRun(job, engine: engine, source: source, peer: peer) { _ in true }
        do throws(PeerEnd) {
            try run.greet(setup.hello)
            try run.run()
            Issue.record("it went on")
        } catch {
            #expect(error == .broke("more than 10 fills"))
        }
        #expect(run.engine.fills.count == 11)
    }
}

/// What a strategy gets before its backtest begins.
@Suite struct `A backtest's history` {
    /// Notes each candle that it is told, and whether it was history.
    private final class Notes: Script {
        var candles: [(time: Int64, isHistory: Bool)] = []

        func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle(let candle, let isHistory) = message else { return [] }
            candles.append((candle.openTime.milliseconds, isHistory))
            guard isHistory else { return [] }
            return [.log(level: .info, message: "\(candle.symbol)")]
        }
    }

    private func minutes(_ notes: Notes, history: Bool) -> [Int64] {
        notes.candles.filter { $0.isHistory == history }
            .map { ($0.time - MemoryCandles.start.milliseconds) / 60_000 }
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `is as many candles as were asked for, the last before the start, and none of them traded`(
        mode: BacktestJob.Mode
    ) throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 40, seed: 1)
        let notes = Notes()
        let result = try Bench.run(
            Bench.job(mode: mode, warmUp: 5, minutes: 40, skipping: 20), source, notes)
        #expect(minutes(notes, history: true) == Array(15..<20))
        #expect(minutes(notes, history: false) == Array(20..<40))
        #expect(result.bars == 20 && result.equity.count == 20)
        #expect(
            result.equity.first?.time == MemoryCandles.start.advanced(byMilliseconds: 21 * 60_000))
    }

    @Test func `reaches further back over a gap, and is shorter where there is no more`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 30, seed: 1)
        let key = MemoryCandles.key("BTCUSDT", "1m")
        let whole = try #require(source.series[key])
        var holed = CandleColumns(
            symbol: "BTCUSDT", resolution: key.resolution, priceDigits: 2, volumeDigits: 3)
        for row in 0..<whole.count where !(12..<18).contains(row) { precondition(holed.append(whole[row])) }
        source.series[key] = holed
        let notes = Notes()
        _ = try Bench.run(Bench.job(warmUp: 4, minutes: 30, skipping: 20), source, notes)
        #expect(minutes(notes, history: true) == [10, 11, 18, 19])
        let short = Notes()
        _ = try Bench.run(Bench.job(warmUp: 50, minutes: 30, skipping: 3), source, short)
        #expect(minutes(short, history: true) == [0, 1, 2])
    }

    @Test func `of several series comes in the order of their closes`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 40, seed: 1)
        source.add("BTCUSDT", "5m", count: 8, seed: 2)
        let series = [MemoryCandles.key("BTCUSDT", "1m"), MemoryCandles.key("BTCUSDT", "5m")]
        let notes = Notes()
        _ = try Bench.run(Bench.job(series, warmUp: 3, minutes: 40, skipping: 20), source, notes)
        // Three of each: those of five minutes close at 10, 15 and 20.
        #expect(minutes(notes, history: true) == [5, 10, 17, 18, 19, 15])
    }
}

/// Latency holds for everything that a strategy sends.
@Suite struct `A backtest with latency` {
    @Test(arguments: [(Int64(0), 0), (60_001, 1)])
    func `lets a cancel come too late as well`(latency: Int64, fills: Int) throws {
        /// Waits at 96, and thinks better of it at the close of the fourth candle.
        struct Doubter: Script {
            var number = -1
            mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
                guard case .candle = message else { return [] }
                number += 1
                if number == 3 { return [.cancel(request: "a")] }
                guard number == 0 else { return [] }
                return [
                    .order(
                        request: "a",
                        terms: OrderTerms(
                            symbol: "BTCUSDT", side: .buy, type: .limit, quantity: .one,
                            price: FixedDecimal(96)))
                ]
            }
        }
        let key = MemoryCandles.key("BTCUSDT", "1m")
        var columns = CandleColumns(
            symbol: "BTCUSDT", resolution: key.resolution, priceDigits: 2, volumeDigits: 0)
        for minute in 0..<8 {
            let candle = Candle(
                symbol: "BTCUSDT", resolution: key.resolution,
                openTime: MemoryCandles.start.advanced(byMilliseconds: Int64(minute) * 60_000),
                open: FixedDecimal(100), high: FixedDecimal(100),
                low: FixedDecimal(minute == 4 ? 90 : 100), close: FixedDecimal(100), volume: .one)
            precondition(columns.append(candle))
        }
        for mode in BacktestJob.Mode.allCases {
            let job = Bench.job(mode: mode, costs: CostModel(latencyMilliseconds: latency), minutes: 8)
            let result = try Bench.run(job, MemoryCandles(series: [key: columns]), Doubter())
            #expect(result.end == .completed)
            #expect(result.fills.map(\.price) == Array(repeating: FixedDecimal(96), count: fills))
        }
    }
}
