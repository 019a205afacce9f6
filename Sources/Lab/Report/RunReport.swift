public import Analytics
public import MarketData
import Trading

typealias MetricUnit = Metric.Unit

/// Everything that is told of one run: on its page, as JSON, and as a page of its own.
public struct RunReport: Sendable {
    /// The run's id.
    public let id: String
    public let title: String
    public let result: BacktestResult
    public let performance: PerformanceSummary
    /// The main instrument's prices; empty where they are no longer stored.
    public let prices: PriceHistory
    /// Of the trades' returns on their entries; nil without trades.
    public let histogram: Histogram?
    /// What the strategy did in each regime of the main instrument; empty without prices.
    public let regimes: [Regimes.Row]
    /// Reshuffled and resampled; empty without trades.
    public let shuffles: [TradeShuffle]

    /// How many trades are listed; all of them are in the CSV.
    public static let listedTrades = 2_000
    /// How many runs of a Monte Carlo experiment are drawn, so long as their steps are no more than this many.
    private static let shuffleSteps = 5_000_000

    /// Works out a report.
    ///
    /// - Parameter prices: From ``prices(of:in:)``; without them there are no benchmark and no regimes.
    public init(id: String, title: String, result: BacktestResult, prices: PriceHistory = .none) {
        self.id = id
        self.title = title
        self.result = result
        self.prices = prices
        let job = result.job
        performance = Self.performance(of: result, prices: prices)
        histogram = Histogram(result.trades.compactMap(\.returnOnEntry))
        regimes = Self.regimes(performance)
        let profits = result.trades.map(\.profit.approximate)
        let runs = max(100, min(1_000, Self.shuffleSteps / max(1, profits.count)))
        shuffles = TradeShuffle.Method.allCases.compactMap { method in
            TradeShuffle(
                profits, capital: job.capital.approximate, runs: runs, seed: job.seed, method: method)
        }
    }

    /// Reads the prices of a run's main series.
    ///
    /// - Throws: ``MarketFileFailure`` when the series cannot be read.
    public static func prices(
        of result: BacktestResult, in source: some CandleSource
    ) throws(MarketFileFailure) -> PriceHistory {
        guard let series = result.job.series.first else { return .none }
        let input = input(result)
        let period = SampledEquity.suitedPeriod(
            span: input.end.milliseconds - input.start.milliseconds, bar: input.bar)
        return try PriceHistory(
            series, from: input.start, to: input.end, period: period, source: source)
    }

    /// The figures alone, and without prices unless they are given: what lists, searches and promotions look at.
    public static func performance(
        of result: BacktestResult, prices: PriceHistory = .none
    ) -> PerformanceSummary {
        var input = input(result)
        input.benchmark = prices.closes
        return PerformanceSummary(input)
    }

    /// The span is that of the job, or what came of it when it ended early.
    private static func input(_ result: BacktestResult) -> PerformanceSummary.Input {
        let job = result.job
        let bar = job.series.first?.resolution.milliseconds ?? 60_000
        var end = job.end
        if result.end != .completed { end = max(job.start, result.equity.last?.time ?? job.start) }
        return PerformanceSummary.Input(
            capital: job.capital, equity: result.equity, trades: result.trades, fills: result.fills,
            start: job.start, end: end, bar: bar)
    }

    private static func regimes(_ performance: PerformanceSummary) -> [Regimes.Row] {
        let benchmark = performance.benchmark
        guard let labels = Regimes(benchmark.returns.values) else { return [] }
        // The strategy's return in each period of the benchmark, by its end.
        var own: [Timestamp: Double] = [:]
        for (time, value) in zip(
            performance.samples.times.dropFirst(), performance.samples.returns.values)
        {
            own[time] = value
        }
        let values = benchmark.times.dropFirst().prefix(labels.trend.count).map { own[$0] ?? 0 }
        return labels.rows(
            of: ReturnSeries(values, periodsPerYear: performance.samples.returns.periodsPerYear))
    }

    /// The equity by time, thinned to what can be drawn, with the capital at its start; and how far below its peak it was.
    func equityCurve(limit: Int) -> (times: [Timestamp], values: [Double], falls: [Double]) {
        let times = [result.job.start] + result.equity.map(\.time)
        let values = [result.job.capital.approximate] + result.equity.map(\.equity.approximate)
        let falls = Drawdown.curve(of: values)
        let places = CurveThinning.places(values, limit: limit)
        return (places.map { times[$0] }, places.map { values[$0] }, places.map { falls[$0] })
    }

    /// The strategy's name and the title that the run was given.
    var heading: String { title.isEmpty ? result.job.strategy : "\(result.job.strategy): \(title)" }

    /// How the run ended, where that is not its end.
    var endText: String? {
        switch result.end {
        case .completed: nil
        case .cancelled: "Cancelled before its end; what is here is what came until then."
        case .failed(let cause): "Ended before its time: \(cause)"
        }
    }
}
