/// A backtester whose runs take turns with everybody else's, each on a core of its own.
struct QueuedBacktester: Backtester {
    let queue: LabQueue
    /// Whose turn it is.
    let user: String
    let backtester: any Backtester

    func run(
        _ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool
    ) async throws(BacktestFailure) -> BacktestResult {
        let task = RunningTask()
        let result: Result<BacktestResult, BacktestFailure>? = await withTaskCancellationHandler {
            await queue.run(for: user) { core in
                await LabQueue.$core.withValue(core) { () async -> Result<BacktestResult, BacktestFailure> in
                    do throws(BacktestFailure) {
                        return .success(
                            try await backtester.run(job) { !task.isCancelled && progress($0) })
                    } catch {
                        return .failure(error)
                    }
                }
            }
        } onCancel: {
            task.cancel()
        }
        guard let result else {
            return BacktestResult(
                job: job, dataHashes: [], end: .cancelled, bars: 0, finalEquity: job.capital, fills: [],
                trades: [], equity: [], decisions: [], log: [], milliseconds: 0)
        }
        return try result.get()
    }
}
