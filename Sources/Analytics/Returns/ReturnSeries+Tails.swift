extension ReturnSeries {
    /// How a loss that is rarely passed is found.
    public enum TailMethod: String, Hashable, Sendable, CaseIterable {
        /// From the returns as they were: a percentile, and the mean of the worst of them.
        case historical
        /// From the normal distribution that has their mean and deviation.
        case normal
    }

    /// The return of a period that all but 1 − `confidence` of them pass; below 0 for a loss (value at risk).
    ///
    /// - Parameter confidence: Above 0 and below 1, such as 0.95.
    public func valueAtRisk(_ confidence: Double = 0.95, _ method: TailMethod = .historical) -> Double? {
        precondition(confidence > 0 && confidence < 1)
        switch method {
        case .historical:
            return Statistics.percentile(values, 1 - confidence)
        case .normal:
            guard let mean = Statistics.mean(values), let deviation = Statistics.deviation(values) else {
                return nil
            }
            return finite(mean + Mathematics.normalQuantile(1 - confidence) * deviation)
        }
    }

    /// The mean return of the periods that do no better than ``valueAtRisk(_:_:)`` (expected shortfall).
    ///
    /// Historical: of the ⌊(n − 1)(1 − confidence)⌋ + 1 worst, as empyrical counts them. Normal: mean less deviation times
    /// φ(z) ÷ (1 − confidence), z the quantile.
    ///
    /// - Parameter confidence: Above 0 and below 1, such as 0.95.
    public func conditionalValueAtRisk(
        _ confidence: Double = 0.95, _ method: TailMethod = .historical
    ) -> Double? {
        precondition(confidence > 0 && confidence < 1)
        guard !values.isEmpty else { return nil }
        let share = 1 - confidence
        switch method {
        case .historical:
            let count = Int(Double(values.count - 1) * share) + 1
            return Statistics.mean(Array(values.sorted().prefix(count)))
        case .normal:
            guard let mean = Statistics.mean(values), let deviation = Statistics.deviation(values) else {
                return nil
            }
            let density = Mathematics.normalDensity(Mathematics.normalQuantile(share))
            return finite(mean - deviation * density / share)
        }
    }

    /// How far the 95th percentile lies from 0, over how far the 5th does.
    public var tailRatio: Double? {
        let sorted = values.sorted()
        guard let high = Statistics.percentile(ofSorted: sorted, 0.95),
            let low = Statistics.percentile(ofSorted: sorted, 0.05), low != 0
        else { return nil }
        return finite(abs(high) / abs(low))
    }

    /// The root of the mean square of the falls from the peak at each period's end, over n − 1 as quantstats has it (Peter
    /// Martin's own has n); nil below two periods.
    public var ulcerIndex: Double? {
        guard values.count >= 2 else { return nil }
        let falls = Drawdown.curve(of: growth).dropFirst()
        return (Statistics.sum(falls.lazy.map { $0 * $0 }) / Double(values.count - 1)).squareRoot()
    }
}
