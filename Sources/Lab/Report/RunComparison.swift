public import Analytics
import MarketData
import Trading
public import Wire

/// Several runs side by side: their figures, their growth, how alike they were, and whether one is better by more than
/// chance.
public struct RunComparison: Sendable {
    /// One of the runs.
    public struct Entry: Sendable {
        public let id: String
        public let title: String
        public let result: BacktestResult
        public let performance: PerformanceSummary

        /// Works out a run's figures.
        ///
        /// - Parameter prices: Of its main instrument, to compare with holding that; see ``RunReport/prices(of:in:)``.
        public init(id: String, title: String, result: BacktestResult, prices: PriceHistory = .none) {
            self.id = id
            self.title = title
            self.result = result
            performance = RunReport.performance(of: result, prices: prices)
        }

        /// How alike the run was to buying its main instrument at the start and holding it; nil without prices.
        public var holding: Holding? {
            guard let series = result.job.series.first, let own = performance[.benchmarkReturn] else {
                return nil
            }
            return Holding(
                symbol: series.symbol, totalReturn: own, correlation: performance[.correlation],
                beta: performance[.beta])
        }
    }

    /// What holding an instrument came to, and how a run went along with it.
    public struct Holding: Hashable, Sendable {
        public let symbol: String
        public let totalReturn: Double
        /// Of the run's returns with the instrument's, in the periods that both have.
        public let correlation: Double?
        /// How much of the instrument's moves the run made, on average.
        public let beta: Double?
    }

    /// How two of the runs differ.
    public struct Pair: Sendable {
        /// Places in ``entries``.
        public let first: Int
        public let second: Int
        /// Of their returns in the periods that both have.
        public let correlation: Double?
        /// Of their Sharpe ratios; nil where too few periods are shared.
        public let bootstrap: PairedBootstrap?
        /// Of their mean returns.
        public let welch: WelchTest?

        /// What the bootstrap says, in a sentence.
        public var verdict: String {
            guard let bootstrap else {
                return "They share too few periods to be compared."
            }
            guard bootstrap.probability < 0.05, bootstrap.difference != 0 else {
                return "The difference is not beyond chance (p \(Self.text(bootstrap.probability)))."
            }
            let better = bootstrap.difference > 0 ? "second" : "first"
            return
                "The \(better) is better by more than chance explains (p \(Self.text(bootstrap.probability)))."
        }

        private static func text(_ probability: Double) -> String {
            probability < 0.001 ? "below 0.001" : FigureText.fixed(probability, 3)
        }
    }

    public let entries: [Entry]
    /// Each run with each later one.
    public let pairs: [Pair]

    /// How many runs are compared at once.
    public static let runLimit = 2...8

    /// Compares runs; their number is within ``runLimit``.
    public init(_ entries: [Entry]) {
        precondition(Self.runLimit.contains(entries.count))
        self.entries = entries
        // Samples of one length meet; the longest of the periods suits all.
        let period = entries.map(\.performance.samples.period).max() ?? SampledEquity.day
        let samples = entries.map { entry in
            SampledEquity(entry.result.equity, capital: entry.result.job.capital, every: period)
        }
        var pairs: [Pair] = []
        for first in entries.indices {
            for second in entries.indices where second > first {
                let (own, others) = samples[first].paired(with: samples[second])
                pairs.append(
                    Pair(
                        first: first, second: second, correlation: Statistics.correlation(own, others),
                        bootstrap: PairedBootstrap(own, others, runs: 1_000),
                        welch: WelchTest(own, others)))
            }
        }
        self.pairs = pairs
    }

    /// A run's equity over its capital, thinned to what can be drawn.
    func growth(of entry: Entry, limit: Int) -> (times: [Timestamp], values: [Double]) {
        let capital = entry.result.job.capital.approximate
        let times = [entry.result.job.start] + entry.result.equity.map(\.time)
        let values = [1] + entry.result.equity.map { $0.equity.approximate / capital }
        let places = CurveThinning.places(values, limit: limit)
        return (places.map { times[$0] }, places.map { values[$0] })
    }

    /// Which of the values is the best; nil where one way is not better, or all are the same.
    func best(of metric: Metric) -> Double? {
        let values = entries.compactMap { $0.performance[metric] }
        guard let low = values.min(), let high = values.max(), low < high else { return nil }
        return switch metric.explanation.better {
        case .higher: high
        case .lower: low
        case .neither: nil
        }
    }
}

extension RunComparison {
    /// The comparison as the page reads it.
    public var json: JSONValue {
        .members([
            "runs": .array(entries.map(json)),
            "metrics": .array(Metric.allCases.map(json)),
            "holdings": .array(
                entries.map { entry in
                    .members([
                        "run": .string(entry.id),
                        "symbol": .optional(entry.result.job.series.first?.symbol),
                        "return": .real(entry.holding?.totalReturn),
                        "correlation": .real(entry.holding?.correlation), "beta": .real(entry.holding?.beta),
                    ])
                }),
            "pairs": .array(
                pairs.map { pair in
                    .members([
                        "first": .string(entries[pair.first].id), "second": .string(entries[pair.second].id),
                        "correlation": .real(pair.correlation), "verdict": .string(pair.verdict),
                        "bootstrap": pair.bootstrap.map(Self.json) ?? .null,
                        "welch": pair.welch.map(Self.json) ?? .null,
                    ])
                }),
        ])
    }

    private func json(_ entry: Entry) -> JSONValue {
        let curve = growth(of: entry, limit: 2_000)
        return .members([
            "id": .string(entry.id), "title": .string(entry.title), "job": entry.result.job.json,
            "state": .string(entry.result.end.state.rawValue), "cause": .optional(entry.result.end.cause),
            "growth": .members([
                "times": .array(curve.times.map { .time($0) }),
                "values": .array(curve.values.map { .real($0) }),
            ]),
        ])
    }

    private func json(_ metric: Metric) -> JSONValue {
        let words = metric.explanation
        return .members([
            "name": .string(metric.rawValue), "title": .string(words.title),
            "unit": .string(words.unit.rawValue), "better": .string(words.better.rawValue),
            "meaning": .string(words.meaning),
            "values": .array(entries.map { metric.number($0.performance[metric]) }),
            "best": metric.number(best(of: metric)),
        ])
    }

    private static func json(_ test: PairedBootstrap) -> JSONValue {
        .members([
            "method": .string("stationary bootstrap of pairs"), "figure": .string(test.figure.rawValue),
            "difference": .real(test.difference), "low": .real(test.low), "high": .real(test.high),
            "probability": .real(test.probability), "pairs": .integer(test.pairs),
        ])
    }

    private static func json(_ test: WelchTest) -> JSONValue {
        .members([
            "method": .string("Welch's t-test of mean returns"), "difference": .real(test.difference),
            "t": .real(test.t), "degrees_of_freedom": .real(test.degreesOfFreedom),
            "probability": .real(test.probability),
        ])
    }
}
