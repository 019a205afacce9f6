/// How lively a market was, beside the rest of the same span.
public enum VolatilityRegime: String, Hashable, Sendable, CaseIterable {
    case low
    case normal
    case high
}

/// Which way a market went.
public enum TrendLabel: String, Hashable, Sendable, CaseIterable {
    case down
    case sideways
    case up
}

/// Labels of a market's periods by the volatility and trend of the window that ends with each.
///
/// They describe what was: where low ends and high begins is known only at the end of the span, so that a strategy could
/// not have traded on them.
public struct Regimes: Hashable, Sendable {
    /// How many periods a label looks back.
    public let window: Int
    /// By period; nil for those before the first whole window.
    public let volatility: [VolatilityRegime?]
    public let trend: [TrendLabel?]

    /// Labels periods by their returns.
    ///
    /// Volatility: the standard deviation of ln(1 + r) in the window; the lowest third of all windows is low, the highest
    /// high. Trend: up or down where the mean of ln(1 + r) in the window is at least its standard error away from 0,
    /// |mean| ≥ deviation ÷ √window; else sideways.
    ///
    /// Nil when there are fewer than three windows or a return of −1 or less.
    ///
    /// - Parameter window: At least 2.
    public init?(_ returns: [Double], window: Int = 20) {
        precondition(window >= 2)
        guard returns.count >= window + 2, returns.allSatisfy({ $0 > -1 }) else { return nil }
        let logarithms = returns.map { Mathematics.log1p($0) }
        var deviations: [Double] = []
        var trends: [TrendLabel] = []
        for end in window...logarithms.count {
            let part = Array(logarithms[(end - window)..<end])
            let deviation = Statistics.deviation(part) ?? 0
            let mean = Statistics.mean(part) ?? 0
            deviations.append(deviation)
            let isMoving = mean != 0 && abs(mean) >= deviation / Double(window).squareRoot()
            trends.append(!isMoving ? .sideways : mean > 0 ? .up : .down)
        }
        let sorted = deviations.sorted()
        let low = Statistics.percentile(ofSorted: sorted, 1.0 / 3) ?? 0
        let high = Statistics.percentile(ofSorted: sorted, 2.0 / 3) ?? 0
        let unknown = window - 1
        self.window = window
        // In a market that is equally lively throughout, all is normal.
        let regimes = deviations.map { (value: Double) -> VolatilityRegime? in
            value < low ? .low : value > high ? .high : .normal
        }
        volatility = [VolatilityRegime?](repeating: nil, count: unknown) + regimes
        trend = [TrendLabel?](repeating: nil, count: unknown) + trends.map { Optional($0) }
    }

    /// What a strategy did in the periods of one label.
    public struct Row: Hashable, Sendable {
        public let label: String
        public let periods: Int
        /// The mean return of a period.
        public let meanReturn: Double
        /// For a year; nil where it is not defined.
        public let sharpe: Double?
        /// The part of its periods that won, of those that moved.
        public let winRate: Double?
    }

    /// What `returns`, of the same periods, did in each regime: volatility from low to high, then trend from down to up.
    /// Labels that no period has are left out.
    public func rows(of returns: ReturnSeries) -> [Row] {
        let byVolatility = VolatilityRegime.allCases.compactMap { label in
            Self.row("\(label.rawValue) volatility", returns, volatility.map { $0 == label })
        }
        let byTrend = TrendLabel.allCases.compactMap { label in
            let name = label == .sideways ? "sideways" : "trend \(label.rawValue)"
            return Self.row(name, returns, trend.map { $0 == label })
        }
        return byVolatility + byTrend
    }

    private static func row(_ label: String, _ returns: ReturnSeries, _ belongs: [Bool]) -> Row? {
        let values = zip(returns.values, belongs).compactMap { value, isIn in isIn ? value : nil }
        let part = ReturnSeries(values, periodsPerYear: returns.periodsPerYear)
        guard let mean = Statistics.mean(part.values) else { return nil }
        return Row(
            label: label, periods: part.values.count, meanReturn: mean, sharpe: part.sharpe(),
            winRate: part.winRate)
    }
}
