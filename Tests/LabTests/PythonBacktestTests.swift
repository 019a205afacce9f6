import Catalogue
import Glibc
import MarketData
import Posix
import TestSupport
import Testing
import Trading

@testable import Lab

/// The Python SDK at the other end, without walls: what it does with candles one by one and in batches.
@Suite(.enabled(if: access("/usr/bin/python3", X_OK) == 0, "there is no /usr/bin/python3"))
struct `Backtests of Python strategies` {
    private static let crossover = """
        from collections import deque
        from bullpen import Strategy


        class Crossover(Strategy):
            def on_start(self):
                self.fast, self.slow = self.parameter("fast", 10), self.parameter("slow", 50)
                self.window = deque(maxlen=self.slow)
                self.held = False

            def on_candle(self, candle):
                self.window.append(candle.close_float)
                if len(self.window) < self.slow or candle.history:
                    return
                window = list(self.window)
                up = sum(window[-self.fast:]) * self.slow > sum(window) * self.fast
                if up != self.held:
                    self.held = up
                    (self.buy if up else self.sell)(1)
        """

    /// Looks at everything that the SDK keeps, so that nothing of it may differ.
    private static let nosy = """
        import random
        from bullpen import Strategy


        class Nosy(Strategy):
            def on_start(self):
                self.timer("often", 3600, repeat=True)
                self.seen = []

            def on_timer(self, timer_id):
                self.log(f"{timer_id} at {self.now}, {self.price()}, {self.position().quantity}")

            def on_candle(self, candle):
                if random.random() < 0.02:
                    self.log(f"{candle} {self.now} {self.equity} {self.price()} {self.closes(3)}")
                    self.log(f"{len(self.candles())} {self.candles(1)[0] == candle} {self.atr()}")
                if candle.history or self.open_orders or random.random() > 0.05:
                    return
                if self.position().is_flat:
                    self.buy("0.5", stop_loss=candle.low - 1, take_profit=candle.high + 2)
                else:
                    self.sell(self.position().quantity, candle.close + 1, reduce_only=True)

            def on_fill(self, fill):
                self.log(f"{fill.side} {fill.quantity} at {fill.price} {self.now}")
                if random.random() < 0.2:
                    self.buy("0.1")

            def on_stop(self, reason):
                self.log(f"stopped: {reason}; {self.equity}")
        """

    /// A strategy of the SDK behind plain pipes.
    final class PythonPeer: BacktestPeer {
        private let input: FileDescriptor
        private let output: FileDescriptor
        private let pid: Int32

        init(_ folder: String) throws {
            signal(SIGPIPE, SIG_IGN)
            let (toChild, fromChild) = (try Pipe().release(), try Pipe().release())
            let errors = try FileDescriptor.open("/dev/null", O_WRONLY)
            pid = try Posix.ChildProcess.spawn(
                "/usr/bin/python3",
                arguments: ["python3", "-I", "-B", Places.package + "/Sources/PythonSDK/start.py", folder],
                descriptors: [toChild.readEnd, fromChild.writeEnd, errors.number])
            close(toChild.readEnd)
            close(fromChild.writeEnd)
            input = FileDescriptor(owning: toChild.writeEnd)
            output = FileDescriptor(owning: fromChild.readEnd)
        }

        deinit {
            kill(pid, SIGKILL)
            _ = try? Posix.ChildProcess.wait(for: pid)
        }

        func send(_ bytes: [UInt8]) throws(PeerEnd) {
            do { try input.writeAll(bytes[...]) } catch { throw .gone }
        }

        func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int {
            do { return try output.read(into: &buffer, from: offset) } catch { throw .gone }
        }
    }

    private func run(_ code: String, _ job: BacktestJob, _ source: MemoryCandles) throws -> BacktestResult {
        let folder = try StrategyFolder(code)
        defer { folder.remove() }
        return try Bench.run(job, source, PythonPeer(folder.path))
    }

    @Test func `come to what the same strategy comes to in Swift`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 2_000, seed: 1)
        for mode in BacktestJob.Mode.allCases {
            let job = Bench.job(mode: mode, warmUp: 60, minutes: 2_000, skipping: 100)
            let python = try run(Self.crossover, job, source)
            let swift = try Bench.run(job, source, Crossover())
            #expect(python.end == .completed)
            #expect(python.comparable == swift.comparable)
            #expect(python.fills.count > 20)
        }
    }

    @Test func `come to the same in batches, with all that the strategy can look at`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 1_500, seed: 8, gaps: true)
        let costs = CostModel(takerFee: FixedDecimal("0.001")!, intrabar: .byDirection)
        var job = Bench.job(costs: costs, warmUp: 30, minutes: 1_500, skipping: 60)
        let one = try run(Self.nosy, job, source)
        job.mode = .batched
        let many = try run(Self.nosy, job, source)
        #expect(one.end == .completed)
        #expect(one.log == many.log)
        #expect(one.comparable == many.comparable)
        #expect(one.fills.count > 20)
        #expect(one.log.contains { $0.hasPrefix("often at") })
        job.seed = 2
        #expect(try run(Self.nosy, job, source).decisions != many.decisions, "the seed makes no difference")
    }

    @Test func `have what was paid as funding in their equity`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 400, seed: 4)
        var job = Bench.job(
            costs: CostModel(fundingRate: FixedDecimal("0.001")!, fundingHours: 1), minutes: 400)
        let code = """
            from bullpen import Strategy


            class Holder(Strategy):
                def on_candle(self, candle):
                    if self.position().is_flat and not self.open_orders:
                        self.buy(1)

                def on_position(self, position):
                    self.before = self.equity

                def on_funding(self, funding):
                    self.log(f"{funding.amount == self.equity - self.before} {funding.amount < 0} {self.now}")
                    self.before = self.equity
            """
        let one = try run(code, job, source)
        job.mode = .batched
        let many = try run(code, job, source)
        let hour = 3_600_000
        let start = Int(MemoryCandles.start.milliseconds)
        #expect(one.log == (1...6).map { "True True \(start + $0 * hour)" })
        #expect(one.comparable == many.comparable)
    }

    @Test func `come to the same in batches with several series`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 500, seed: 8, gaps: true)
        source.add("ETHUSDT", "5m", count: 100, seed: 9)
        let series = [MemoryCandles.key("BTCUSDT", "1m"), MemoryCandles.key("ETHUSDT", "5m")]
        var job = Bench.job(series, minutes: 500)
        let code = """
            from bullpen import Strategy


            class Pair(Strategy):
                def on_candle(self, candle):
                    if candle.symbol == "ETHUSDT":
                        self.log(f"{candle.close} {self.price()} {self.price('ETHUSDT')} {self.now}")
                        self.log(str(self.candles(2, "ETHUSDT", "5m")))
                        if candle.close > candle.open:
                            self.buy("0.1", symbol="ETHUSDT")
            """
        let one = try run(code, job, source)
        job.mode = .batched
        let many = try run(code, job, source)
        #expect(one.end == .completed)
        #expect(one.log == many.log)
        #expect(one.comparable == many.comparable)
        #expect(one.fills.count > 20)
    }
}
