/// Finds out whether a strategy's decisions depend on how much history it got before the first candle that it may
/// trade on: a moving mean needs as many candles as it is long, an exponential one forgets its start only slowly.
public struct StartUpCheck: Sendable {
    /// One amount of history.
    public struct Row: Hashable, Sendable {
        /// Candles of history.
        public let warmUp: Int
        /// The first candle that was answered differently than with the most history; nil for none.
        public let difference: DecisionDifference?
        /// Why the strategy failed with it.
        public let failure: String?

        /// Whether it decided as with the most history.
        public var isSame: Bool { difference == nil && failure == nil }
    }

    /// What came of a check.
    public struct Report: Hashable, Sendable {
        /// From the least history to the most, which the others are compared with.
        public let rows: [Row]
        /// The least history from which on all decisions are the same; nil when only the most itself is.
        public let enough: Int?
        /// Whether the job's own amount is enough.
        public let isEnough: Bool
        /// What was found, in words.
        public let words: String
    }

    /// What is checked.
    public let job: BacktestJob
    private let backtester: any Backtester
    private let progress: @Sendable (_ done: Int, _ total: Int) -> Bool

    /// Describes a check.
    ///
    /// - Parameter progress: Called after each run; false cancels.
    public init(
        job: BacktestJob, backtester: any Backtester,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    ) {
        self.job = job
        self.backtester = backtester
        self.progress = progress
    }

    /// The amounts of history that are compared: a quarter and a half of the job's own, it, twice and four times it.
    public static func amounts(_ own: Int) -> [Int] {
        own == 0 ? [0, 50, 100, 200, 400] : Array(Set([own / 4, own / 2, own, 2 * own, 4 * own])).sorted()
    }

    /// Runs everything, at most `parallel` runs at once.
    ///
    /// - Returns: What was found; nil when it was cancelled.
    public func run(parallel: Int = 1) async throws(SearchFailure) -> Report? {
        let amounts = Self.amounts(job.warmUp)
        let jobs = amounts.map { amount in
            var job = job
            job.warmUp = amount
            return job
        }
        let bench = CheckBench(backtester: backtester, parallel: parallel, progress: progress)
        guard let results = try await bench.run(jobs, total: jobs.count), let most = results.last else {
            return nil
        }
        if case .failed(let reason) = most.end {
            throw SearchFailure(
                reason: "the strategy failed with \(amounts.last ?? 0) candles of history: \(reason)")
        }
        let rows = zip(amounts, results).map { amount, result in
            var failure: String?
            if case .failed(let reason) = result.end { failure = reason }
            return Row(
                warmUp: amount, difference: result.difference(to: most, upTo: job.end), failure: failure)
        }
        return Self.report(rows, own: job.warmUp, decided: !most.decisions.isEmpty)
    }

    private static func report(_ rows: [Row], own: Int, decided: Bool) -> Report {
        let most = rows.last?.warmUp ?? own
        let firstSame = rows.indices.last { !rows[$0].isSame }.map { $0 + 1 } ?? 0
        let enough = firstSame < rows.count - 1 ? rows[firstSame].warmUp : nil
        let isEnough = enough.map { $0 <= own } ?? false
        let words: String
        if !decided {
            words = "it decided nothing, however much history it had"
        } else if let enough {
            words =
                "with \(enough) candles of history or more it decides the same"
                + (isEnough ? "" : ", the configured \(own) are too few")
        } else if let row = rows.last(where: { !$0.isSame }) {
            let found =
                row.difference?.words("with \(row.warmUp) candles of history", "with \(most)")
                ?? "with \(row.warmUp) candles of history it failed: \(row.failure ?? "")"
            words = "no amount tried was enough: \(found)"
        } else {
            words = "only one amount was tried"
        }
        return Report(rows: rows, enough: enough, isEnough: isEnough, words: words)
    }
}
