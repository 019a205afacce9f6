internal import Trading

/// Whether one strategy did better than another in the same periods: a stationary bootstrap of pairs (Politis and
/// Romano, 1994), two-sided.
///
/// Pairs are drawn in blocks of random length, so that what periods have in common with their neighbours, and strategies
/// with each other, stays.
public struct PairedBootstrap: Hashable, Sendable {
    /// What is compared.
    public enum Figure: String, Hashable, Sendable, CaseIterable {
        /// The mean return of a period.
        case mean
        /// Mean over standard deviation of a period: the Sharpe ratio, not made a year's.
        case sharpe
    }

    public let figure: Figure
    /// The second's figure less the first's.
    public let difference: Double
    /// Where 95 % of the drawn differences lie.
    public let low: Double
    public let high: Double
    /// How likely a difference at least as large is when there is none: (k + 1) ÷ (runs + 1), with k of the drawn
    /// differences at least so far from the one found.
    public let probability: Double
    /// How many pairs there are.
    public let pairs: Int
    /// The mean length of a block: the cube root of the pairs, at least 1.
    public let blockLength: Double

    /// Compares returns of the same periods; the same seed gives the same outcome. Nil below ten pairs, and where a
    /// figure is not defined.
    ///
    /// - Parameter runs: Above 0; each costs a step for each pair.
    public init?(
        _ first: [Double], _ second: [Double], figure: Figure = .sharpe, runs: Int = 2_000, seed: UInt64 = 1
    ) {
        precondition(first.count == second.count, "pairs are of the same periods")
        precondition(runs > 0)
        let count = first.count
        guard count >= 10, let own = Self.figure(figure, first), let other = Self.figure(figure, second)
        else { return nil }
        let found = other - own
        let length = max(1, Mathematics.expm1(Mathematics.log(Double(count)) / 3) + 1)
        var random = SplitMix64(seed: seed)
        var (a, b) = (first, second)
        var drawn: [Double] = []
        var far = 0
        for _ in 0..<runs {
            var place = random.whole(below: count)
            for index in 0..<count {
                (a[index], b[index]) = (first[place], second[place])
                place = random.uniform() < 1 / length ? random.whole(below: count) : (place + 1) % count
            }
            // A draw in which nothing moves says nothing about a ratio.
            guard let x = Self.figure(figure, a), let y = Self.figure(figure, b) else { continue }
            drawn.append(y - x)
            if abs(y - x - found) >= abs(found) { far += 1 }
        }
        drawn.sort()
        guard let low = Statistics.percentile(ofSorted: drawn, 0.025),
            let high = Statistics.percentile(ofSorted: drawn, 0.975)
        else { return nil }
        self.figure = figure
        self.low = low
        self.high = high
        difference = found
        probability = Double(far + 1) / Double(drawn.count + 1)
        pairs = count
        blockLength = length
    }

    private static func figure(_ figure: Figure, _ values: [Double]) -> Double? {
        guard let mean = Statistics.mean(values) else { return nil }
        guard figure == .sharpe else { return mean }
        guard let deviation = Statistics.deviation(values), deviation > 0 else { return nil }
        return mean / deviation
    }
}
