/// Walks forward: finds parameters on each window's first part, and tries the best of them on the part behind it.
public struct WalkForwardRunner: Sendable {
    /// What is run, over the whole span; its start and end are those of the span.
    public let job: BacktestJob
    public let plan: WalkForwardPlan
    private let backtester: any Backtester
    private let figures: @Sendable (BacktestResult) -> [String: Double]
    private let keep: Keep

    /// Keeps the run of a window, from 0, on the part on which what was found is tried. Returns its number; nil keeps none.
    public typealias Keep =
        @Sendable (_ window: Int, _ result: BacktestResult) async throws(SearchFailure) -> Int64?

    /// Describes a walk.
    public init(
        job: BacktestJob, plan: WalkForwardPlan, backtester: any Backtester,
        figures: @escaping @Sendable (BacktestResult) -> [String: Double],
        keep: @escaping Keep = { _, _ throws(SearchFailure) in nil }
    ) {
        self.keep = keep
        self.job = job
        self.plan = plan
        self.backtester = backtester
        self.figures = figures
    }

    /// What came of a walk.
    public struct Report: Hashable, Sendable {
        public let steps: [WalkForwardStep]
        /// Nil when no step came to its end.
        public let summary: WalkForwardSummary?
        /// Windows in which no point had a score, and so nothing was tried.
        public let skipped: [WalkForwardPlan.Window]
        public let isCancelled: Bool
    }

    /// Goes through all windows.
    ///
    /// - Parameters:
    ///   - search: Finds parameters with a job over the first part of the window of this number.
    ///   - progress: Called after each window with how many are done; false cancels.
    public func run(
        search: @Sendable (_ window: Int, _ job: BacktestJob) async throws(SearchFailure) -> SearchReport,
        progress: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) async throws(SearchFailure) -> Report {
        var steps: [WalkForwardStep] = []
        var skipped: [WalkForwardPlan.Window] = []
        var isCancelled = false
        for (number, window) in plan.windows.enumerated() {
            var inside = job
            inside.start = window.inStart
            inside.end = window.outStart
            let found = try await search(number, inside)
            if found.isCancelled {
                isCancelled = true
                break
            }
            if let best = found.best {
                guard let step = try await step(number, window, best) else {
                    isCancelled = true
                    break
                }
                steps.append(step)
            } else {
                skipped.append(window)
            }
            if !progress(number + 1) {
                isCancelled = number + 1 < plan.windows.count
                break
            }
        }
        return Report(
            steps: steps, summary: try summary(of: steps), skipped: skipped, isCancelled: isCancelled)
    }

    /// Tries the best parameters behind the part on which they were found; nil when that was cancelled.
    private func step(
        _ number: Int, _ window: WalkForwardPlan.Window, _ best: SearchBook.Known
    ) async throws(SearchFailure) -> WalkForwardStep? {
        var outside = best.point.applied(to: job)
        outside.start = window.outStart
        outside.end = window.outEnd
        let result: BacktestResult
        do {
            result = try await backtester.run(outside) { _ in !Task.isCancelled }
        } catch {
            throw SearchFailure(field: error.field, reason: error.reason)
        }
        var failure: String?
        switch result.end {
        case .cancelled: return nil
        case .completed: break
        case .failed(let reason): failure = reason
        }
        let outcome = PointOutcome(
            score: nil, figures: figures(result).filter { $0.value.isFinite },
            finalEquity: result.finalEquity, trades: result.trades.count, failure: failure)
        return WalkForwardStep(
            window: window, point: best.point, inSample: best.outcome, outOfSample: outcome,
            equity: result.equity, run: try await keep(number, result))
    }

    private func summary(of steps: [WalkForwardStep]) throws(SearchFailure) -> WalkForwardSummary? {
        guard !steps.isEmpty else { return nil }
        do {
            return try WalkForwardSummary(steps, capital: job.capital)
        } catch {
            throw SearchFailure(reason: "the equity of all windows together is out of range")
        }
    }
}
