internal import Analytics
internal import MarketData
internal import Trading

/// The figures of a run that a search may look for: ``Metric``s by their names.
public enum StudyFigures {
    /// Their names, in the order of ``Metric``.
    public static let names: [String] = Metric.allCases.map(\.rawValue)

    /// The figures of a result that are known. What a benchmark is needed for is not.
    public static func of(_ result: BacktestResult) -> [String: Double] {
        let job = result.job
        let summary = PerformanceSummary(
            .init(
                capital: job.capital, equity: result.equity, trades: result.trades, fills: result.fills,
                start: job.start, end: job.end, bar: job.series[0].resolution.milliseconds))
        return Dictionary(uniqueKeysWithValues: summary.values.map { ($0.key.rawValue, $0.value) })
    }
}
