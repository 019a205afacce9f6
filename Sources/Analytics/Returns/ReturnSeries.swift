/// Returns of periods of equal length, each as a part of what there was at its start: 0.01 is one percent.
///
/// What is not defined, such as the Sharpe ratio of a constant series, is nil and never NaN or infinite. Definitions are
/// those of empyrical unless it is said otherwise; docs/METRICS.md has each as a formula.
public struct ReturnSeries: Hashable, Sendable {
    /// In order of time; all finite.
    public let values: [Double]
    /// How many periods a year has, such as 365 for days on a market that never closes. Above 0.
    public let periodsPerYear: Double

    /// Takes returns of periods, `periodsPerYear` of them a year.
    public init(_ values: [Double], periodsPerYear: Double) {
        precondition(periodsPerYear > 0 && periodsPerYear.isFinite, "a year has periods")
        precondition(values.allSatisfy { $0.isFinite }, "returns are finite")
        self.values = values
        self.periodsPerYear = periodsPerYear
    }

    /// What one became: 1, and after each period the product so far. Once all is lost it stays at what was left.
    public var growth: [Double] {
        var level = 1.0
        var levels = [level]
        levels.reserveCapacity(values.count + 1)
        for value in values {
            if level > 0 { level *= 1 + value }
            levels.append(level)
        }
        return levels
    }

    /// The sum of ln(1 + r), which keeps the digits of small returns; nil once all is lost, and of nothing.
    private var logarithm: Double? {
        guard !values.isEmpty, values.allSatisfy({ $0 > -1 }) else { return nil }
        return Statistics.sum(values.lazy.map { Mathematics.log1p($0) })
    }

    /// What was earned in all, returns put on returns.
    public var totalReturn: Double? {
        guard let last = growth.last, !values.isEmpty else { return nil }
        return finite(logarithm.map { Mathematics.expm1($0) } ?? last - 1)
    }

    /// What a year at the same pace would earn; −1 once all is lost. Nil where a short run's pace passes every number.
    public var annualReturn: Double? {
        guard !values.isEmpty else { return nil }
        guard let logarithm else { return -1 }
        return finite(Mathematics.expm1(logarithm * periodsPerYear / Double(values.count)))
    }

    /// The mean return of a period times the periods of a year.
    public var meanAnnualReturn: Double? { Statistics.mean(values).map { $0 * periodsPerYear } }

    /// The standard deviation of the returns, for a year.
    public var volatility: Double? {
        Statistics.deviation(values).map { $0 * periodsPerYear.squareRoot() }
    }

    /// The rate of a period that makes `annual` in a year, compounded.
    func periodRate(_ annual: Double) -> Double {
        precondition(annual > -1)
        return annual == 0 ? 0 : Mathematics.expm1(Mathematics.log1p(annual) / periodsPerYear)
    }

    /// The returns less the rate of a period.
    private func excess(over annual: Double) -> [Double] {
        let rate = periodRate(annual)
        return rate == 0 ? values : values.map { $0 - rate }
    }

    /// Mean over deviation of the returns above a rate without risk, for a year.
    ///
    /// - Parameter riskFree: For a year, such as 0.04. Above −1.
    public func sharpe(riskFree: Double = 0) -> Double? {
        let excess = excess(over: riskFree)
        guard let mean = Statistics.mean(excess), let deviation = Statistics.deviation(values), deviation > 0
        else { return nil }
        return finite(mean / deviation * periodsPerYear.squareRoot())
    }

    /// The root of the mean square of what returns fell short of `required`, over all periods, for a year.
    ///
    /// - Parameter required: For a year. Above −1.
    public func downsideDeviation(required: Double = 0) -> Double? {
        let short = excess(over: required).map { min($0, 0) }
        guard let square = Statistics.mean(short.map { $0 * $0 }) else { return nil }
        return square.squareRoot() * periodsPerYear.squareRoot()
    }

    /// The mean return above `required` over the ``downsideDeviation(required:)``; nil where nothing fell short.
    public func sortino(required: Double = 0) -> Double? {
        guard let mean = Statistics.mean(excess(over: required)),
            let downside = downsideDeviation(required: required), downside > 0
        else { return nil }
        return finite(mean * periodsPerYear / downside)
    }

    /// What returns were above `required`, summed, over what they were below it; nil where nothing was below.
    public func omega(required: Double = 0) -> Double? {
        let excess = excess(over: required)
        let losses = -Statistics.sum(excess.lazy.filter { $0 < 0 })
        return losses > 0 ? finite(Statistics.sum(excess.lazy.filter { $0 > 0 }) / losses) : nil
    }

    /// What the deepest fall from a peak was, with its places in ``growth``; nil when there was none.
    public var maximumDrawdown: Drawdown? { Drawdown.deepest(in: growth) }

    /// ``annualReturn`` over the depth of ``maximumDrawdown``.
    public var calmar: Double? {
        guard let annualReturn, let drawdown = maximumDrawdown else { return nil }
        return finite(annualReturn / drawdown.depth)
    }

    /// How well ln(growth) follows a straight line: the square of its correlation with time, 0 to 1.
    public var stability: Double? {
        guard values.count >= 2, values.allSatisfy({ $0 > -1 }) else { return nil }
        var level = 0.0
        let levels = values.map { value in
            level += Mathematics.log1p(value)
            return level
        }
        return Statistics.correlation((0..<levels.count).map { Double($0) }, levels).map { $0 * $0 }
    }

    /// The part of the periods that won, of those that moved at all.
    public var winRate: Double? {
        let moved = values.count { $0 != 0 }
        return moved == 0 ? nil : Double(values.count { $0 > 0 }) / Double(moved)
    }

    /// What of the capital Kelly would stake: w − (1 − w) ÷ b, with w the part of periods that won and b their mean over
    /// that of those that lost. Below 0 says not to play.
    public var kelly: Double? {
        guard let winRate, let won = Statistics.mean(values.filter { $0 > 0 }),
            let lost = Statistics.mean(values.filter { $0 < 0 })
        else { return nil }
        return finite(winRate - (1 - winRate) * -lost / won)
    }

    /// ``totalReturn`` over the depth of ``maximumDrawdown``.
    public var recoveryFactor: Double? {
        guard let totalReturn, let drawdown = maximumDrawdown else { return nil }
        return finite(totalReturn / drawdown.depth)
    }

    /// The same of the plain sum of returns, as quantstats has it, without its sign.
    public var recoveryFactorOfSum: Double? {
        maximumDrawdown.flatMap { finite(abs(Statistics.sum(values)) / $0.depth) }
    }

    /// `value`, or nil when it passed the range of numbers.
    func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}
