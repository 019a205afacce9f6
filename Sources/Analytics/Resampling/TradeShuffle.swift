internal import Trading

/// What might have come of the same trades in another order, or of others like them: a Monte Carlo experiment.
///
/// The profits are added to the capital one after the other, as they were traded: positions do not grow with the equity.
public struct TradeShuffle: Hashable, Sendable {
    /// How a run is drawn.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// The same trades in another order: the end is the same, the way to it is not.
        case reshuffle
        /// As many trades, each drawn anew from all of them (bootstrap): the end differs as well.
        case resample
    }

    /// Where the outcomes lie.
    public struct Spread: Hashable, Sendable {
        public let mean: Double
        /// The percentiles 5, 25, 50, 75 and 95.
        public let percentile5: Double
        public let percentile25: Double
        public let median: Double
        public let percentile75: Double
        public let percentile95: Double

        fileprivate init?(_ values: [Double]) {
            let sorted = values.sorted()
            func at(_ share: Double) -> Double { Statistics.percentile(ofSorted: sorted, share) ?? 0 }
            guard let mean = Statistics.mean(sorted) else { return nil }
            self.mean = mean
            (percentile5, percentile25, median) = (at(0.05), at(0.25), at(0.5))
            (percentile75, percentile95) = (at(0.75), at(0.95))
        }
    }

    public let method: Method
    /// How many runs were drawn.
    public let runs: Int
    /// In the account's currency.
    public let finalEquity: Spread
    /// The deepest fall of each run as a part of its peak, at least 0; percentile 95 is the bad one.
    public let maximumDrawdown: Spread
    /// The part of runs that ended below the capital.
    public let lossShare: Double
    /// The part of runs in which nothing was left at some time.
    public let ruinShare: Double
    /// The part of runs whose deepest fall was at least as deep as that of the order in which it came.
    public let worseDrawdownShare: Double

    /// Draws runs; the same seed gives the same outcome. Nil without trades.
    ///
    /// - Parameters:
    ///   - profits: What each trade earned, in order.
    ///   - capital: Above 0.
    ///   - runs: Above 0; each costs a step for each trade.
    public init?(_ profits: [Double], capital: Double, runs: Int = 1_000, seed: UInt64, method: Method) {
        precondition(capital > 0 && runs > 0)
        guard !profits.isEmpty else { return nil }
        var random = SplitMix64(seed: seed)
        var order = profits
        let own = Self.walk(profits, capital)
        var (ends, falls): ([Double], [Double]) = ([], [])
        var (lost, ruined, worse) = (0, 0, 0)
        for _ in 0..<runs {
            switch method {
            case .reshuffle:
                // Fisher and Yates; the standard library does not promise that its own stays the same.
                for index in stride(from: order.count - 1, to: 0, by: -1) {
                    order.swapAt(index, random.whole(below: index + 1))
                }
            case .resample:
                for index in order.indices { order[index] = profits[random.whole(below: profits.count)] }
            }
            let walk = Self.walk(order, capital)
            ends.append(walk.end)
            falls.append(walk.fall)
            if walk.end < capital { lost += 1 }
            if walk.isRuined { ruined += 1 }
            if walk.fall >= own.fall { worse += 1 }
        }
        guard let finalEquity = Spread(ends), let maximumDrawdown = Spread(falls) else { return nil }
        self.method = method
        self.runs = runs
        self.finalEquity = finalEquity
        self.maximumDrawdown = maximumDrawdown
        lossShare = Double(lost) / Double(runs)
        ruinShare = Double(ruined) / Double(runs)
        worseDrawdownShare = Double(worse) / Double(runs)
    }

    private static func walk(_ profits: [Double], _ capital: Double) -> (
        end: Double, fall: Double, isRuined: Bool
    ) {
        var (level, peak, fall, isRuined) = (capital, capital, 0.0, false)
        for profit in profits {
            level += profit
            peak = max(peak, level)
            fall = max(fall, (peak - level) / peak)
            isRuined = isRuined || level <= 0
        }
        return (level, fall, isRuined)
    }
}
