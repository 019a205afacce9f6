/// How far a search is.
public struct SearchProgress: Hashable, Sendable {
    /// Points that have an outcome.
    public let done: Int
    /// Points in all, as far as known.
    public let total: Int
    /// The best so far.
    public let best: SearchBook.Known?
}

/// What came of a search.
public struct SearchReport: Hashable, Sendable {
    /// Every point with its outcome, in the order in which the method named them.
    public let points: [SearchBook.Known]
    /// The one with the highest score; nil when none has one.
    public let best: SearchBook.Known?
    /// Whether somebody cancelled it before its end.
    public let isCancelled: Bool
}

/// Runs a search: asks the method for points, has them backtested, several at once, and keeps each outcome before
/// anything follows from it.
public struct SearchRunner: Sendable {
    /// The backtest that is repeated, with each point's values over its parameters.
    public let job: BacktestJob
    public let objective: Objective
    /// The most points.
    public let budget: Int
    /// How many are run at once. What is found does not depend on it.
    public let parallel: Int
    /// See ``SearchBook``; grid and random searches need none and have one as large as the budget.
    public let window: Int
    private let backtester: any Backtester
    private let figures: @Sendable (BacktestResult) -> [String: Double]
    private let keep: @Sendable (SearchPoint, PointOutcome) async throws(SearchFailure) -> Void
    private let progress: @Sendable (SearchProgress) -> Bool

    /// Describes a search.
    ///
    /// - Parameters:
    ///   - figures: The figures of a run that are known, by name.
    ///   - keep: Stores an outcome for good, before anything follows from it.
    ///   - progress: Called after each outcome; false cancels.
    public init(
        job: BacktestJob, objective: Objective, budget: Int, parallel: Int, window: Int,
        backtester: any Backtester, figures: @escaping @Sendable (BacktestResult) -> [String: Double],
        keep: @escaping @Sendable (SearchPoint, PointOutcome) async throws(SearchFailure) -> Void = {
            (_, _) async throws(SearchFailure) in
        },
        progress: @escaping @Sendable (SearchProgress) -> Bool = { _ in true }
    ) {
        precondition(parallel > 0)
        self.job = job
        self.objective = objective
        self.budget = budget
        self.parallel = parallel
        self.window = window
        self.backtester = backtester
        self.figures = figures
        self.keep = keep
        self.progress = progress
    }

    private enum RunEnd: Sendable {
        case outcome(PointOutcome)
        case cancelled
        case failed(BacktestFailure)
    }

    /// Searches until everything is known, or `progress` says no.
    ///
    /// - Parameter known: What an earlier life of this search has kept.
    public func run(
        _ method: any PointMethod, known: [SearchPoint: PointOutcome] = [:]
    ) async throws(SearchFailure) -> SearchReport {
        let result = await withTaskGroup(
            of: (SearchPoint, RunEnd).self, returning: Result<SearchReport, SearchFailure>.self
        ) { group in
            do throws(SearchFailure) {
                return .success(try await search(method, known, &group))
            } catch {
                group.cancelAll()
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func search(
        _ method: any PointMethod, _ known: [SearchPoint: PointOutcome],
        _ group: inout TaskGroup<(SearchPoint, RunEnd)>
    ) async throws(SearchFailure) -> SearchReport {
        var book = SearchBook(budget: budget, window: window, known: known)
        var running = 0
        var goesOn = true
        while true {
            asking: while goesOn, running < parallel {
                for tell in book.takeTells() { try await method.hear(tell) }
                guard case .ask(let number) = book.step else { break asking }
                let point = try await method.point(number, wasNamed: { book.hasNamed($0) })
                guard book.name(point), let point else { continue }
                running += 1
                group.addTask { (point, await runOne(point)) }
            }
            guard let (point, end) = await group.next() else { break }
            running -= 1
            switch end {
            case .outcome(let outcome):
                try await keep(point, outcome)
                book.finish(point, outcome)
                let now = SearchProgress(
                    done: book.doneCount, total: max(budget, book.doneCount), best: book.best)
                if !progress(now) {
                    goesOn = false
                    group.cancelAll()
                }
            case .cancelled: goesOn = false
            case .failed(let failure): throw SearchFailure(field: failure.field, reason: failure.reason)
            }
        }
        return SearchReport(points: book.known, best: book.best, isCancelled: !goesOn)
    }

    private func runOne(_ point: SearchPoint) async -> RunEnd {
        do throws(BacktestFailure) {
            let result = try await backtester.run(point.applied(to: job)) { _ in !Task.isCancelled }
            switch result.end {
            case .cancelled: return .cancelled
            case .completed: return .outcome(outcome(of: result, failure: nil))
            case .failed(let reason): return .outcome(outcome(of: result, failure: reason))
            }
        } catch {
            return .failed(error)
        }
    }

    private func outcome(of result: BacktestResult, failure: String?) -> PointOutcome {
        let figures = figures(result).filter { $0.value.isFinite }
        return PointOutcome(
            score: failure == nil ? objective.score(of: figures) : nil, figures: figures,
            finalEquity: result.finalEquity, trades: result.trades.count, failure: failure)
    }
}
