import Glibc
import Posix
import Testing
import Trading

@testable import Lab

/// Real runs of Python strategies, without walls, under the checks.
@Suite(.enabled(if: access("/usr/bin/python3", X_OK) == 0, "there is no /usr/bin/python3"))
struct `Checks of Python strategies` {
    /// Follows two means. Knows nothing that it could not.
    private static let honest = """
        from bullpen import Strategy

        class Means(Strategy):
            def on_candle(self, candle):
                closes = self.closes(20)
                if candle.history or len(closes) < 20:
                    return
                up = sum(closes[-5:]) * 4 > sum(closes)
                if up and self.position().is_flat:
                    self.buy(1)
                elif not up and self.position().quantity > 0:
                    self.sell(1)
        """

    /// Reads on in its batch: it buys only what rises next.
    private static let peeking = """
        from bullpen import Strategy

        class Peeker(Strategy):
            def on_candle(self, candle):
                columns = getattr(candle, "columns", None)
                if columns is None or candle.row + 1 >= columns.count:
                    return
                rises = columns.floats("close")[candle.row + 1] > candle.close_float
                if rises and self.position().is_flat:
                    self.buy(1)
                elif not rises and self.position().quantity > 0:
                    self.sell(1)
        """

    /// An exponential mean over everything since its start, which it forgets slowly.
    private static let slow = """
        from bullpen import Strategy

        class Slow(Strategy):
            def on_start(self):
                self.mean = None

            def on_candle(self, candle):
                close = candle.close_float
                self.mean = close if self.mean is None else self.mean + (close - self.mean) * 0.002
                if candle.history:
                    return
                up = close > self.mean
                if up and self.position().is_flat:
                    self.buy(1)
                elif not up and self.position().quantity > 0:
                    self.sell(1)
        """

    /// Runs each job in a process of its own.
    private struct PythonBacktester: Backtester {
        let folder: String
        let source: MemoryCandles

        func run(
            _ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool
        ) async throws(BacktestFailure) -> BacktestResult {
            do {
                return try Bench.run(job, source, `Backtests of Python strategies`.PythonPeer(folder))
            } catch {
                throw BacktestFailure(reason: "\(error)")
            }
        }
    }

    private func with<Result>(
        _ code: String, _ body: (any Backtester) async throws -> Result
    ) async throws -> Result {
        let folder = try StrategyFolder(code)
        defer { folder.remove() }
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 700, seed: 5)
        return try await body(PythonBacktester(folder: folder.path, source: source))
    }

    @Test func `clear the one that is honest`() async throws {
        let report = try await with(Self.honest) { backtester in
            try await LookaheadCheck(
                job: Bench.job(mode: .batched, warmUp: 30, minutes: 700, skipping: 100), cuts: 4,
                backtester: backtester
            ).run(parallel: 2)
        }
        #expect(report?.verdict == .clean, "\(report?.words ?? "")")
        #expect((report?.decisions ?? 0) > 10)
    }

    @Test func `catch the one that reads on in its batch, and say where`() async throws {
        let report = try await with(Self.peeking) { backtester in
            try await LookaheadCheck(
                job: Bench.job(mode: .batched, minutes: 700), cuts: 4, backtester: backtester
            ).run(parallel: 2)
        }
        #expect(report?.verdict == .peeks)
        #expect(
            report?.words.hasSuffix("with many candles at hand, and for nothing with one at a time") == true,
            "\(report?.words ?? "")")
    }

    @Test func `find the one that forgets its start too slowly, and clear the one with a window`()
        async throws
    {
        let job = Bench.job(mode: .batched, warmUp: 40, minutes: 700, skipping: 200)
        let slow = try await with(Self.slow) { backtester in
            try await StartUpCheck(job: job, backtester: backtester).run(parallel: 2)
        }
        #expect(slow?.isEnough == false)
        #expect(slow?.words.contains("it asked") == true, "\(slow?.words ?? "")")
        let window = try await with(Self.honest) { backtester in
            try await StartUpCheck(job: job, backtester: backtester).run(parallel: 2)
        }
        #expect(window?.isEnough == true, "\(window?.words ?? "")")
        #expect((window?.enough ?? .max) <= 20)
    }
}
