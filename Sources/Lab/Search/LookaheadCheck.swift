internal import MarketData
internal import Trading

/// Finds out whether a strategy decides by candles that it could not have: its decisions are compared with those that
/// it takes when later candles are not there at all.
///
/// Three things are held against a run over the whole span: a strict run, in which no later candle is ever in the
/// strategy's process; runs that end right behind a candle at which it decided; and runs that end at candles between.
public struct LookaheadCheck: Sendable {
    /// What was found.
    public enum Verdict: String, Hashable, Sendable, CaseIterable {
        /// Every comparison came out equal.
        case clean
        /// It decided differently when later candles were missing.
        case peeks
        /// It decided differently when nothing was: chance or a clock decides.
        case unrepeatable
        /// There was nothing to compare.
        case inconclusive
    }

    /// What came of a check.
    public struct Report: Hashable, Sendable {
        public let verdict: Verdict
        /// What was found, in words.
        public let words: String
        /// The first candle that was answered differently.
        public let difference: DecisionDifference?
        /// How many runs were held against the one over the whole span.
        public let comparisons: Int
        /// What the strategy decided on the whole span.
        public let decisions: Int
    }

    /// What is checked, over the whole span.
    public let job: BacktestJob
    /// How many runs over a part are compared. 1 to 100.
    public let cuts: Int
    private let backtester: any Backtester
    private let progress: @Sendable (_ done: Int, _ total: Int) -> Bool

    /// Describes a check.
    ///
    /// - Parameter progress: Called after each run; false cancels.
    public init(
        job: BacktestJob, cuts: Int = 12, backtester: any Backtester,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    ) {
        precondition((1...100).contains(cuts))
        self.job = job
        self.cuts = cuts
        self.backtester = backtester
        self.progress = progress
    }

    /// Runs everything, at most `parallel` runs at once.
    ///
    /// - Returns: What was found; nil when it was cancelled.
    public func run(parallel: Int = 1) async throws(SearchFailure) -> Report? {
        let bench = CheckBench(backtester: backtester, parallel: parallel, progress: progress)
        let ends = 2 + cuts
        var strict = job
        strict.mode = .strict
        guard let firsts = try await bench.run([job, strict], total: ends) else { return nil }
        let (whole, careful) = (firsts[0], firsts[1])
        if case .failed(let reason) = whole.end {
            throw SearchFailure(reason: "the strategy failed on the whole span: \(reason)")
        }
        if let difference = whole.difference(to: careful, upTo: job.end) {
            return try await judge(
                difference, "with many candles at hand", "with one at a time", whole, 1, bench)
        }
        let times = Self.cutTimes(whole.decisions, job: job, count: cuts)
        let parts = times.map { time in
            var part = job
            part.end = time
            return part
        }
        guard let results = try await bench.run(parts, total: 2 + parts.count) else { return nil }
        for (time, part) in zip(times, results) {
            let span = "with candles up to \(InstantWords.text(time)) only"
            if case .failed(let reason) = part.end {
                return Report(
                    verdict: .peeks,
                    words: "\(span) it failed, though on the whole span it did not: \(reason)",
                    difference: nil, comparisons: 1 + results.count, decisions: whole.decisions.count)
            }
            if let difference = whole.difference(to: part, upTo: time) {
                return try await judge(
                    difference, "on the whole span", span, whole, 1 + results.count, bench)
            }
        }
        let count = whole.decisions.count
        return Report(
            verdict: count == 0 ? .inconclusive : .clean,
            words: count == 0
                ? "it decided nothing on the whole span, nor on parts of it"
                : "\(count) decisions were the same in a strict run and in \(results.count) runs over parts",
            difference: nil, comparisons: 1 + results.count, decisions: count)
    }

    /// Tells looking ahead from chance by doing the whole run again.
    private func judge(
        _ difference: DecisionDifference, _ one: String, _ other: String, _ whole: BacktestResult,
        _ comparisons: Int, _ bench: CheckBench
    ) async throws(SearchFailure) -> Report? {
        guard let again = try await bench.run([job], total: 3 + cuts)?.first else { return nil }
        if let chance = whole.difference(to: again, upTo: job.end) {
            return Report(
                verdict: .unrepeatable,
                words: chance.words("in the first run", "in the second, which was the same"),
                difference: chance, comparisons: comparisons + 1, decisions: whole.decisions.count)
        }
        return Report(
            verdict: .peeks, words: difference.words(one, other), difference: difference,
            comparisons: comparisons, decisions: whole.decisions.count)
    }

    /// Where runs over a part end: half of them behind candles at which something was decided, the others evenly
    /// between, all behind a candle of the main series.
    static func cutTimes(
        _ decisions: [BacktestResult.Decision], job: BacktestJob, count: Int
    ) -> [Timestamp] {
        var seen: Set<Timestamp> = []
        let decided = decisions.map(\.time).filter {
            $0 > job.start && $0 < job.end && seen.insert($0).inserted
        }
        let wanted = decided.isEmpty ? 0 : min(decided.count, (count + 1) / 2)
        var times = Set((0..<wanted).map { decided[($0 * 2 + 1) * decided.count / (wanted * 2)] })
        let length = job.series[0].resolution.milliseconds
        let candles = (job.end.milliseconds - job.start.milliseconds) / length
        let others = Int64(count - wanted)
        if candles > 1 {
            for number in 0..<others {
                var candle = 1 + (candles - 1) * (2 * number + 1) / (2 * others)
                while candle < candles,
                    !times.insert(job.start.advanced(byMilliseconds: candle * length)).inserted
                { candle += 1 }
            }
        }
        return times.sorted()
    }
}

extension BacktestResult {
    /// The first difference to another run's decisions.
    func difference(to other: BacktestResult, after start: Timestamp? = nil, upTo end: Timestamp)
        -> DecisionDifference?
    {
        DecisionDifference.find(decisions, other.decisions, after: start, upTo: end)
    }
}
