import Lab
import Synchronization
import Testing
import Trading
import Wire

@Suite struct `The look-ahead check` {
    /// A strategy that buys at every fifth candle for which `wants` says so, given what candles there are.
    private func strategy(
        _ wants: @escaping @Sendable (_ candle: Int, _ candles: Int, _ job: BacktestJob) -> Bool
    ) -> StandInBacktester {
        StandInBacktester { job throws(BacktestFailure) in
            .init(
                decisions: stride(from: 4, to: job.candles, by: 5).filter { wants($0, job.candles, job) }
                    .map { StandInBacktester.buy(at: $0) })
        }
    }

    private func check(_ backtester: any Backtester, cuts: Int = 12) async throws -> LookaheadCheck.Report {
        try #require(
            try await LookaheadCheck(job: StandInBacktester.job, cuts: cuts, backtester: backtester).run(
                parallel: 3))
    }

    @Test func `clears a strategy that decides by what came before`() async throws {
        let report = try await check(strategy { candle, _, _ in candle % 2 == 0 })
        #expect(report.verdict == .clean, "\(report.words)")
        #expect(report.comparisons == 13)
        #expect(report.decisions == 6)
    }

    @Test func `catches a strategy that needs the next candle to decide, with the candle in words`()
        async throws
    {
        let report = try await check(strategy { candle, candles, _ in candle + 1 < candles })
        #expect(report.verdict == .peeks)
        #expect(report.difference?.first.count == 1 && report.difference?.second.count == 0)
        #expect(
            report.words
                == "at 1970-01-01 00:05:00Z it asked to buy 1 BTCUSDT (market) on the whole span, and for nothing "
                + "with candles up to 1970-01-01 00:05:00Z only",
            "\(report.words)")
    }

    @Test func `catches one that the next candle keeps from deciding`() async throws {
        // It would buy at every candle, and lets those be whose successor it has seen.
        let peeker = StandInBacktester { job throws(BacktestFailure) in
            .init(decisions: [StandInBacktester.buy(at: job.candles - 1)])
        }
        #expect(try await check(peeker).verdict == .peeks)
    }

    @Test func `catches one that computes over all of the history it is given`() async throws {
        let report = try await check(strategy { candle, candles, _ in candle * 2 < candles })
        #expect(report.verdict == .peeks)
    }

    @Test func `catches one that reads on in a batch, by the strict run`() async throws {
        let report = try await check(strategy { _, _, job in job.mode == .batched })
        #expect(report.verdict == .peeks)
        #expect(report.words.contains("and for nothing with one at a time"), "\(report.words)")
    }

    @Test func `catches one that fails where there are no more candles`() async throws {
        let backtester = StandInBacktester { job throws(BacktestFailure) in
            job.candles == 60
                ? .init(decisions: [StandInBacktester.buy(at: 30)]) : .init(end: .failed("IndexError"))
        }
        let report = try await check(backtester)
        #expect(
            report.verdict == .peeks && report.words.contains("failed, though on the whole span it did not"))
    }

    @Test func `tells chance from looking ahead`() async throws {
        let count = Mutex(0)
        let dice = StandInBacktester { _ throws(BacktestFailure) in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return .init(decisions: [StandInBacktester.buy(at: 10, number)])
        }
        #expect(try await check(dice).verdict == .unrepeatable)
    }

    @Test func `says when there is nothing to compare`() async throws {
        #expect(try await check(strategy { _, _, _ in false }).verdict == .inconclusive)
    }

    @Test func `ends when it is cancelled`() async throws {
        let report = try await LookaheadCheck(
            job: StandInBacktester.job, backtester: strategy { _, _, _ in true },
            progress: { done, _ in done < 3 }
        ).run()
        #expect(report == nil)
    }
}

@Suite struct `The start-up check` {
    private func check(needs: Int) async throws -> StartUpCheck.Report {
        let backtester = StandInBacktester { job throws(BacktestFailure) in
            .init(decisions: [StandInBacktester.buy(at: 5, max(1, needs - job.warmUp))])
        }
        return try #require(
            try await StartUpCheck(job: StandInBacktester.job, backtester: backtester).run(parallel: 2))
    }

    @Test func `finds how much history is enough`() async throws {
        let report = try await check(needs: 10)
        #expect(report.rows.map(\.warmUp) == [5, 10, 20, 40, 80])
        #expect(report.rows.map(\.isSame) == [false, true, true, true, true])
        #expect(report.enough == 10 && report.isEnough)
    }

    @Test func `says when what is configured is too little`() async throws {
        let report = try await check(needs: 30)
        #expect(report.enough == 40 && !report.isEnough)
        #expect(report.words.contains("the configured 20 are too few"))
    }

    @Test func `takes a failure with less history for a difference`() async throws {
        let picky = StandInBacktester { job throws(BacktestFailure) in
            job.warmUp < 40
                ? .init(decisions: [StandInBacktester.buy(at: 5)], end: .failed("IndexError"))
                : .init(decisions: [StandInBacktester.buy(at: 5)])
        }
        let report = try #require(
            try await StartUpCheck(job: StandInBacktester.job, backtester: picky).run(parallel: 2))
        #expect(report.rows.map(\.isSame) == [false, false, false, true, true])
        #expect(report.enough == 40 && !report.isEnough)
        #expect(report.rows.first?.failure == "IndexError")
    }

    @Test func `says when no amount is enough, with the first difference`() async throws {
        let report = try await check(needs: 1000)
        #expect(report.enough == nil && !report.isEnough)
        #expect(
            report.words.contains(
                "at 1970-01-01 00:06:00Z it asked to buy 960 BTCUSDT (market) with 40 candles of history"))
    }
}
