/// How far a backtest is.
public struct BacktestProgress: Hashable, Sendable {
    /// Candles of the main series answered so far.
    public let bars: Int
    /// Candles of the main series in all, as far as known.
    public let total: Int

    /// Describes progress.
    public init(bars: Int, total: Int) {
        self.bars = bars
        self.total = total
    }
}

/// Why a backtest did not begin.
public struct BacktestFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member of the job that is at fault, such as `series` or `start`; empty when none is.
    public let field: String
    /// What is wrong, in words.
    public let reason: String

    /// Names a field and a reason.
    public init(field: String = "", reason: String) {
        self.field = field
        self.reason = reason
    }

    /// The field and the reason.
    public var description: String { field.isEmpty ? reason : "\(field): \(reason)" }
}

/// Something that runs backtests: the sandboxed runner, and in tests a stand-in.
public protocol Backtester: Sendable {
    /// Runs `job` to its end.
    ///
    /// - Parameter progress: Called now and then on some thread; false cancels the run.
    /// - Throws: ``BacktestFailure`` when it could not begin. What happens later is the result's ``BacktestResult/end-swift.property``.
    func run(_ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool)
        async throws(BacktestFailure) -> BacktestResult
}
