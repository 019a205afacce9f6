import Analytics
import Lab
import Synchronization
import Testing
import Trading
import Wire

@Suite struct `Walking forward` {
    private let minute: Int64 = 60_000
    private func time(_ minutes: Int64) -> Timestamp { Timestamp(milliseconds: minutes * 60_000) }

    private func plan(_ anchoring: WalkForwardPlan.Anchoring, in inside: Int64, out: Int64) throws
        -> [[Int64]]
    {
        try WalkForwardPlan(
            start: time(0), end: time(60), inMilliseconds: inside * minute, outMilliseconds: out * minute,
            anchoring: anchoring
        ).windows.map { [$0.inStart, $0.outStart, $0.outEnd].map { $0.milliseconds / 60_000 } }
    }

    @Test func `cuts windows whose trial parts follow each other`() throws {
        #expect(try plan(.rolling, in: 30, out: 10) == [[0, 30, 40], [10, 40, 50], [20, 50, 60]])
        #expect(try plan(.anchored, in: 30, out: 10) == [[0, 30, 40], [0, 40, 50], [0, 50, 60]])
    }

    @Test func `keeps a shorter last part when it is at least half as long`() throws {
        #expect(try plan(.rolling, in: 20, out: 16).last == [32, 52, 60])
        #expect(try plan(.rolling, in: 20, out: 18).last == [18, 38, 56])
    }

    @Test(arguments: [
        (60, 10, "in_sample"), (0, 10, "in_sample"), (30, 0, "out_of_sample"), (30, 61, "out_of_sample"),
    ])
    func `refuses parts that do not fit`(_ inside: Int64, _ out: Int64, _ field: String) throws {
        let failure = try #require(throws: SearchFailure.self) {
            _ = try plan(.rolling, in: inside, out: out)
        }
        #expect(failure.field == field)
    }

    @Test func `refuses windows without number`() throws {
        #expect(throws: SearchFailure.self) {
            _ = try WalkForwardPlan(
                start: time(0), end: time(1_000_000), inMilliseconds: 1, outMilliseconds: 1,
                anchoring: .rolling)
        }
    }

    @Test func `splits once`() throws {
        let plan = try WalkForwardPlan(start: time(0), end: time(60), part: 0.75)
        #expect(plan.windows == [.init(inStart: time(0), outStart: time(45), outEnd: time(60))])
    }

    @Test func `finds parameters on the first part, tries them on the next and stitches the equity`()
        async throws
    {
        // The best x is that of the window's first minute; behind it a run doubles, or loses a tenth.
        let backtester = StandInBacktester { job throws(BacktestFailure) in
            let isTrial = job.candles == 10
            if !isTrial { return .init(finalEquity: FixedDecimal(1100 - Int(job.number("x")))) }
            let end = FixedDecimal(job.start < Timestamp(milliseconds: 45 * 60_000) ? 2000 : 900)
            return .init(
                finalEquity: end,
                equity: [
                    EquityPoint(time: job.start, equity: FixedDecimal(1000)),
                    EquityPoint(time: job.end, equity: end),
                ]
            )
        }
        let plan = try WalkForwardPlan(
            start: time(0), end: time(60), inMilliseconds: 40 * minute, outMilliseconds: 10 * minute,
            anchoring: .rolling)
        let space = SearchSpace([SearchParameter(name: "x", range: .integer(low: 0, high: 3, step: 1))])
        let figures: @Sendable (BacktestResult) -> [String: Double] = {
            ["final_equity": Double($0.finalEquity.description) ?? .nan]
        }
        let report = try await WalkForwardRunner(
            job: StandInBacktester.job, plan: plan, backtester: backtester, figures: figures
        ).run { _, job throws(SearchFailure) in
            try await SearchRunner(
                job: job, objective: Objective([.init("final_equity")]), budget: 4, parallel: 2, window: 4,
                backtester: backtester, figures: figures
            ).run(try GridMethod(space))
        }
        #expect(report.steps.map(\.point.json.text) == [#"{"x":0}"#, #"{"x":0}"#])
        #expect(report.skipped.isEmpty && !report.isCancelled)
        let summary = try #require(report.summary)
        #expect(summary.equity.map(\.equity) == [1000, 2000, 2000, 1800].map { FixedDecimal($0) })
        #expect(summary.profitable == 1)
        // 80 % in 20 minutes against 10 % in 40.
        let efficiency = try #require(summary.efficiency)
        #expect(abs(efficiency - 0.8 / 20 / (0.1 / 40)) < 1e-9)
        // Parameters are never tried on what they were found on.
        for job in backtester.jobs where job.candles == 10 { #expect(job.start >= time(40)) }
    }

    @Test(arguments: WalkForwardPlan.Anchoring.allCases)
    func `searches each window anew, on its own first part and nothing behind it`(
        _ anchoring: WalkForwardPlan.Anchoring
    ) async throws {
        // Each window has another best x: the number of the minute its search ends on.
        let backtester = StandInBacktester { job throws(BacktestFailure) in
            let best = Double(job.end.milliseconds / 60_000 / 10)
            return .init(finalEquity: FixedDecimal(1_000 - Int(abs(job.number("x") - best))))
        }
        let plan = try WalkForwardPlan(
            start: time(0), end: time(60), inMilliseconds: 30 * minute, outMilliseconds: 10 * minute,
            anchoring: anchoring)
        let space = SearchSpace([SearchParameter(name: "x", range: .integer(low: 0, high: 9, step: 1))])
        let figures: @Sendable (BacktestResult) -> [String: Double] = {
            ["final_equity": Double($0.finalEquity.description) ?? .nan]
        }
        let kept = Mutex<[Int: BacktestJob]>([:])
        let report = try await WalkForwardRunner(
            job: StandInBacktester.job, plan: plan, backtester: backtester, figures: figures,
            keep: { window, result throws(SearchFailure) in
                kept.withLock { $0[window] = result.job }
                return Int64(window) + 100
            }
        ).run { window, job throws(SearchFailure) in
            #expect(job.start == plan.windows[window].inStart && job.end == plan.windows[window].outStart)
            return try await SearchRunner(
                job: job, objective: Objective([.init("final_equity")]), budget: 10, parallel: 2, window: 4,
                backtester: backtester, figures: figures
            ).run(try GridMethod(space))
        }
        #expect(report.steps.map(\.point.json.text) == [#"{"x":3}"#, #"{"x":4}"#, #"{"x":5}"#])
        #expect(report.steps.map(\.run) == [100, 101, 102])
        for (number, window) in plan.windows.enumerated() {
            let trial = try #require(kept.withLock { $0[number] })
            #expect(trial.start == window.outStart && trial.end == window.outEnd)
            #expect(trial.number("x") == Double(number + 3))
        }
    }

    @Test func `says which windows had nothing to try`() async throws {
        let broken = StandInBacktester { _ throws(BacktestFailure) in .init(end: .failed("no")) }
        let plan = try WalkForwardPlan(start: time(0), end: time(60), part: 0.5)
        let space = SearchSpace([SearchParameter(name: "x", range: .integer(low: 0, high: 1, step: 1))])
        let report = try await WalkForwardRunner(
            job: StandInBacktester.job, plan: plan, backtester: broken, figures: { _ in [:] }
        ).run { _, job throws(SearchFailure) in
            try await SearchRunner(
                job: job, objective: Objective([.init("sharpe")]), budget: 2, parallel: 1, window: 2,
                backtester: broken, figures: { _ in [:] }
            ).run(try GridMethod(space))
        }
        #expect(report.skipped == plan.windows)
        #expect(report.summary == nil)
    }
}
