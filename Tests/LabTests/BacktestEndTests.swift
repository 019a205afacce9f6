import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// How backtests end, and what they refuse.
@Suite struct `A backtest's end` {
    private let source: MemoryCandles = {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 3_000, seed: 1)
        return source
    }()

    /// Says something to the first candle, and nothing more.
    private struct Parrot: Script {
        var words: [StrategyMessage]
        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle = message else { return [] }
            defer { words = [] }
            return words
        }
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `by cancelling leaves what came until then`(mode: BacktestJob.Mode) throws {
        let result = try Bench.run(Bench.job(mode: mode, minutes: 3_000), source, Crossover()) {
            $0.bars < 2_048
        }
        #expect(result.end == .cancelled)
        #expect(result.bars == 2_048)
        #expect(!result.fills.isEmpty)
        #expect(!result.equity.isEmpty)
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `by the strategy's own choice says why`(mode: BacktestJob.Mode) throws {
        let script = Parrot(words: [.bye(reason: "enough")])
        #expect(
            try Bench.run(Bench.job(mode: mode), source, script).end == .failed("ended by itself: enough"))
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `comes when an answer has too many lines`(mode: BacktestJob.Mode) throws {
        let line = StrategyMessage.log(level: .info, message: "a")
        let script = Parrot(words: Array(repeating: line, count: 10_001))
        guard case .failed(let words) = try Bench.run(Bench.job(mode: mode), source, script).end else {
            Issue.record("it went on")
            return
        }
        #expect(words.hasPrefix("too many lines"))
    }

    @Test func `comes when an answer has too many bytes`() throws {
        let line = StrategyMessage.log(level: .info, message: String(repeating: "a", count: 8_000))
        let script = Parrot(words: Array(repeating: line, count: 2_200))
        let end = try Bench.run(Bench.job(mode: .batched), source, script).end
        #expect(end == .failed("too much: more than 16 MiB in one answer"))
    }

    /// Says lines that are none.
    private final class Babbler: BacktestPeer {
        let words: String
        var output: [UInt8] = []
        init(_ words: String) { self.words = words }

        func send(_ bytes: [UInt8]) throws(PeerEnd) {
            output = Array(#"{"type":"ready","sdk":"x","batches":true}"#.utf8) + [0x0A]
            let line = words == "long" ? String(repeating: " ", count: 70_000) : words
            for _ in 0..<200 { output += Array(line.utf8) + [0x0A] }
        }

        func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int {
            let count = min(output.count, buffer.count - offset)
            buffer.replaceSubrange(offset..<(offset + count), with: output.prefix(count))
            output.removeFirst(count)
            return count
        }
    }

    @Test(arguments: [
        ("nonsense", "protocol violation: more than 100 refused lines"),
        (
            #"{"type":"done","id":7000}"#,
            "protocol violation: done with candle 7000, asked for were 0 to 0"
        ),
        ("long", "protocol violation: a line of more than 65536 bytes"),
    ])
    func `comes when the strategy breaks the protocol`(words: String, cause: String) throws {
        let end = try Bench.run(Bench.job(mode: .batched, minutes: 3_000), source, Babbler(words)).end
        guard case .failed(let words) = end else {
            Issue.record("it went on: \(end)")
            return
        }
        #expect(words.hasPrefix(cause))
    }

    @Test func `is the end of the process when the pipe ends`() throws {
        let peer = Babbler("")
        peer.output = []
        final class Silent: BacktestPeer {
            func send(_ bytes: [UInt8]) throws(PeerEnd) {}
            func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int { 0 }
        }
        #expect(try Bench.run(Bench.job(), source, Silent()).end == .failed("the strategy ended"))
    }

    @Test func `is repeated bit for bit`() throws {
        let job = Bench.job(mode: .batched, minutes: 500)
        let runs = try (0..<2).map { _ in try Bench.run(job, source, Dabbler(seed: 7, pace: 8)).comparable }
        #expect(runs[0] == runs[1])
    }

    @Test func `jobs that cannot be are refused by their field`() throws {
        func field(_ change: (inout BacktestJob) -> Void) -> String? {
            var job = Bench.job()
            change(&job)
            do throws(BacktestFailure) {
                try job.check()
                return nil
            } catch { return error.field }
        }
        #expect(field { _ in } == nil)
        #expect(field { $0.series = [] } == "series")
        #expect(field { $0.series += $0.series } == "series")
        #expect(field { $0.end = $0.start } == "start")
        #expect(field { $0.capital = .zero } == "capital")
        #expect(field { $0.warmUp = -1 } == "warm_up")
        #expect(field { $0.costs.takerFee = FixedDecimal("0.2")! } == "costs.taker_fee")
        #expect(field { $0.costs.volumeShare = .zero } == "costs.volume_share")
        #expect(field { $0.costs.halfSpreadTicks = 10_001 } == "costs.half_spread_ticks")
        #expect(field { $0.costs.impact = MarketImpact(coefficient: .one) } == "costs.impact")
        #expect(field { $0.costs.fundingHours = 5 } == "costs.funding_hours")
        #expect(field { $0.costs.latencyMilliseconds = -1 } == "costs.latency_ms")
    }
}

@Suite struct `A candle's line` {
    @Test func `is what the protocol's writer writes, to the byte`() {
        var source = MemoryCandles()
        source.add("BTCUSDT", "15m", count: 500, seed: 4)
        let key = MemoryCandles.key("BTCUSDT", "15m")
        let columns = source.series[key]!
        let writer = CandleLine(key)
        for row in 0..<columns.count {
            var line: [UInt8] = []
            writer.write(columns, row, to: &line)
            #expect(line == HostMessage.candle(columns[row], isHistory: false).line)
        }
    }
}

@Suite struct `An equity curve` {
    @Test func `keeps the first, the last and every extreme of its spans within its bound`() {
        var curve = EquityCurve(points: 20)
        var dice = SplitMix64(seed: 3)
        let values = (0..<1_000).map { _ in Int128(dice.next(0...1_000_000)) }
        for (index, value) in values.enumerated() { curve.add(value, at: Int64(index)) }
        let points = curve.points
        #expect(points.count <= 20)
        #expect(points.first?.equity.units == values[0])
        #expect(points.last?.equity.units == values[999])
        #expect(points.map(\.equity.units).max() == values.max())
        #expect(points.map(\.equity.units).min() == values.min())
        #expect(points.map(\.time) == points.map(\.time).sorted())
    }

    @Test(arguments: [Int128(3), 0, -2])
    func `of many candles at once is the same as of one after the other`(factor: Int128) {
        var (whole, single) = (EquityCurve(points: 20), EquityCurve(points: 20))
        var dice = SplitMix64(seed: 5)
        let column = (0..<3_000).map { _ in Int64(dice.next(0...40)) }
        let times = column.indices.map { Int64($0) * 60 }
        var row = 0
        while row < column.count {
            let end = min(column.count - 1, row + dice.next(0...200))
            let base = Int128(dice.next(0...50))
            whole.add(row...end, of: column, times: times, delay: 7, base: base, factor: factor)
            for row in row...end {
                single.add(base + factor * Int128(column[row]), at: times[row] + 7)
            }
            row = end + 1
        }
        #expect(whole.points == single.points)
    }

    @Test func `keeps everything while there is room`() {
        var curve = EquityCurve()
        for index in 0..<500 { curve.add(Int128(index % 7), at: Int64(index)) }
        #expect(curve.points.map(\.equity.units) == (0..<500).map { Int128($0 % 7) })
    }
}
