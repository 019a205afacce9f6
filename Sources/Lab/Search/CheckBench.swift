internal import Synchronization

/// Runs the backtests of a check, a few at once, and gives their results in the order of the jobs.
final class CheckBench: Sendable {
    private let backtester: any Backtester
    private let parallel: Int
    private let progress: @Sendable (Int, Int) -> Bool
    private let done = Mutex(0)

    init(
        backtester: any Backtester, parallel: Int, progress: @escaping @Sendable (Int, Int) -> Bool
    ) {
        precondition(parallel > 0)
        self.backtester = backtester
        self.parallel = parallel
        self.progress = progress
    }

    private enum RunEnd: Sendable {
        case result(BacktestResult)
        case cancelled
        case failed(BacktestFailure)
    }

    /// Runs `jobs`; nil when that was cancelled.
    ///
    /// - Parameter total: How many runs the whole check has, for its progress.
    func run(_ jobs: [BacktestJob], total: Int) async throws(SearchFailure) -> [BacktestResult]? {
        let ends = await withTaskGroup(of: (Int, RunEnd).self) { group in
            var waiting = Array(jobs.enumerated().reversed())
            var ends = [RunEnd](repeating: .cancelled, count: jobs.count)
            for _ in 0..<parallel { Self.startNext(&waiting, &group, backtester) }
            while let (number, end) = await group.next() {
                ends[number] = end
                switch end {
                case .result:
                    let count = done.withLock { done in
                        done += 1
                        return done
                    }
                    if progress(count, max(total, count)) {
                        Self.startNext(&waiting, &group, backtester)
                    } else {
                        waiting = []
                        group.cancelAll()
                        ends[number] = .cancelled
                    }
                case .cancelled, .failed:
                    waiting = []
                    group.cancelAll()
                }
            }
            return ends
        }
        var results: [BacktestResult] = []
        for end in ends {
            if case .failed(let failure) = end {
                throw SearchFailure(field: failure.field, reason: failure.reason)
            }
        }
        for end in ends {
            guard case .result(let result) = end else { return nil }
            results.append(result)
        }
        return results
    }

    private static func startNext(
        _ waiting: inout [(offset: Int, element: BacktestJob)], _ group: inout TaskGroup<(Int, RunEnd)>,
        _ backtester: any Backtester
    ) {
        guard let (number, job) = waiting.popLast() else { return }
        group.addTask {
            do throws(BacktestFailure) {
                let result = try await backtester.run(job) { _ in !Task.isCancelled }
                return (number, result.end == .cancelled ? .cancelled : .result(result))
            } catch {
                return (number, .failed(error))
            }
        }
    }
}
