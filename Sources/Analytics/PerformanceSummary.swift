public import Trading

/// All that is said about a run: its ``Metric``s, drawdowns and months.
public struct PerformanceSummary: Hashable, Sendable {
    /// What a summary is made of.
    public struct Input: Sendable {
        /// Above 0, in the account's currency.
        public var capital: FixedDecimal
        /// In order of time, none before ``start``.
        public var equity: [EquityPoint]
        /// In the order of their exits.
        public var trades: [ClosedTrade]
        /// In order of time.
        public var fills: [Fill]
        public var start: Timestamp
        public var end: Timestamp
        /// How long a candle of the main series is, in milliseconds. Above 0.
        public var bar: Int64
        /// The prices of the main instrument in the span, in order, to compare with; may be empty.
        public var benchmark: [EquityPoint]
        /// A rate without risk for a year, as in 0.04. Above −1.
        public var riskFree: Double

        /// Puts the parts together.
        public init(
            capital: FixedDecimal, equity: [EquityPoint], trades: [ClosedTrade] = [], fills: [Fill] = [],
            start: Timestamp, end: Timestamp, bar: Int64, benchmark: [EquityPoint] = [], riskFree: Double = 0
        ) {
            self.capital = capital
            self.equity = equity
            self.trades = trades
            self.fills = fills
            self.start = start
            self.end = end
            self.bar = bar
            self.benchmark = benchmark
            self.riskFree = riskFree
        }
    }

    /// A ``Drawdown`` with its times.
    public struct DatedDrawdown: Hashable, Sendable {
        /// As a part of the peak, above 0.
        public let depth: Double
        public let peak: Timestamp
        public let trough: Timestamp
        /// Nil when the peak was not reached again.
        public let recovery: Timestamp?
    }

    /// What could be defined; a metric that is not, such as the win rate of no trades, is not there.
    public let values: [Metric: Double]
    /// The deepest first, at most ten.
    public let drawdowns: [DatedDrawdown]
    public let months: [MonthlyReturn]
    /// What the returns were taken from.
    public let samples: SampledEquity
    /// The main instrument sampled alike; empty without prices.
    public let benchmark: SampledEquity

    /// One metric; nil when it is not defined.
    public subscript(metric: Metric) -> Double? { values[metric] }

    /// Works out everything.
    public init(_ input: Input) {
        precondition(input.capital.isPositive && input.bar > 0)
        let period = SampledEquity.suitedPeriod(
            span: input.end.milliseconds - input.start.milliseconds, bar: input.bar)
        samples = SampledEquity(input.equity, capital: input.capital, every: period)
        benchmark = SampledEquity(
            input.benchmark, capital: input.benchmark.first?.equity ?? .zero, every: period)
        months = MonthlyReturn.table(input.equity, capital: input.capital)

        let levels = [input.capital.approximate] + input.equity.map(\.equity.approximate)
        let times = [input.start] + input.equity.map(\.time)
        let falls = Drawdown.all(in: levels)
        // Of equal ones the earlier comes first.
        drawdowns = falls.sorted { (-$0.depth, $0.peak) < (-$1.depth, $1.peak) }.prefix(10).map {
            DatedDrawdown(
                depth: $0.depth, peak: times[$0.peak], trough: times[$0.trough],
                recovery: $0.recovery.map { times[$0] })
        }

        var table = Table()
        let final = input.equity.last?.equity ?? input.capital
        table[.finalEquity] = final.approximate
        // Exact: neither is near the end of the range.
        table[.netProfit] = FixedDecimal(units: final.units &- input.capital.units).approximate
        table[.totalReturn] = input.capital.change(to: final)
        table.addReturns(samples.returns, riskFree: input.riskFree)
        table[.maximumDrawdown] = falls.map(\.depth).max() ?? 0
        table[.longestDrawdown] =
            falls.map { fall in
                let back = fall.recovery.map { times[$0] } ?? times[times.count - 1]
                return Double(back.milliseconds - times[fall.peak].milliseconds) / Double(SampledEquity.day)
            }.max() ?? 0
        if let deepest = table[.maximumDrawdown], deepest > 0 {
            table[.calmar] = table[.annualReturn].map { $0 / deepest }
            table[.recoveryFactor] = table[.totalReturn].map { $0 / deepest }
        }
        table.addBenchmark(samples, benchmark)
        table.addTrades(TradeStatistics(input.trades))
        let activity = MarketActivity(input.fills, from: input.start, to: input.end)
        table[.exposure] = activity.exposure
        let years =
            Double(input.end.milliseconds - input.start.milliseconds) / (365 * Double(SampledEquity.day))
        if let mean = Statistics.mean(levels), mean > 0, years > 0 {
            table[.turnover] = activity.volume / 2 / mean / years
        }
        values = table.values
    }
}

/// A table that takes what is defined and finite.
private struct Table {
    private(set) var values: [Metric: Double] = [:]

    subscript(metric: Metric) -> Double? {
        get { values[metric] }
        set { values[metric] = newValue.flatMap { $0.isFinite ? $0 : nil } }
    }

    mutating func addReturns(_ returns: ReturnSeries, riskFree: Double) {
        self[.annualReturn] = returns.annualReturn
        self[.volatility] = returns.volatility
        self[.sharpe] = returns.sharpe(riskFree: riskFree)
        self[.sortino] = returns.sortino(required: riskFree)
        self[.omega] = returns.omega(required: riskFree)
        self[.ulcerIndex] = returns.ulcerIndex
        self[.valueAtRisk] = returns.valueAtRisk()
        self[.conditionalValueAtRisk] = returns.conditionalValueAtRisk()
        self[.downsideDeviation] = returns.downsideDeviation(required: riskFree)
        self[.tailRatio] = returns.tailRatio
        self[.stability] = returns.stability
        self[.kelly] = returns.kelly
        self[.bestPeriod] = returns.values.max()
        self[.worstPeriod] = returns.values.min()
        self[.positivePeriods] = returns.winRate
    }

    mutating func addBenchmark(_ samples: SampledEquity, _ benchmark: SampledEquity) {
        guard let first = benchmark.values.first, let last = benchmark.values.last, first.isPositive else {
            return
        }
        self[.benchmarkReturn] = first.change(to: last)
        let pairs = samples.paired(with: benchmark)
        self[.correlation] = Statistics.correlation(pairs.own, pairs.others)
        self[.beta] = Statistics.beta(pairs.own, to: pairs.others)
    }

    mutating func addTrades(_ trades: TradeStatistics) {
        let hour = 3_600_000.0
        self[.trades] = Double(trades.count)
        self[.winRate] = trades.winRate
        self[.profitFactor] = trades.profitFactor
        self[.expectancy] = trades.expectancy
        self[.averageWin] = trades.averageWin
        self[.averageLoss] = trades.averageLoss
        self[.payoffRatio] = trades.payoffRatio
        self[.largestWin] = trades.largestWin
        self[.largestLoss] = trades.largestLoss
        self[.averageTradeReturn] = trades.averageReturn
        self[.systemQuality] = trades.systemQuality
        self[.longestWinningStreak] = Double(trades.longestWinningStreak)
        self[.longestLosingStreak] = Double(trades.longestLosingStreak)
        self[.averageDuration] = trades.averageDuration.map { $0 / hour }
        self[.medianDuration] = trades.medianDuration.map { $0 / hour }
        self[.longestDuration] = trades.longestDuration.map { $0 / hour }
        self[.adverseExcursion] = trades.averageAdverseExcursion
        self[.largestAdverseExcursion] = trades.largestAdverseExcursion
        self[.favourableExcursion] = trades.averageFavourableExcursion
        self[.fees] = trades.fees
    }
}
