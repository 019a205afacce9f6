/// A figure about a run: what is shown, compared, optimised for and asked of before a promotion.
///
/// The raw value is its name in the API and in criteria. docs/METRICS.md has the formula of each.
public enum Metric: String, Hashable, Sendable, CaseIterable {
    case netProfit = "net_profit"
    case finalEquity = "final_equity"
    case totalReturn = "total_return"
    case annualReturn = "annual_return"
    case volatility
    case sharpe
    case sortino
    case calmar
    case omega
    case maximumDrawdown = "max_drawdown"
    case longestDrawdown = "longest_drawdown_days"
    case ulcerIndex = "ulcer_index"
    case valueAtRisk = "value_at_risk"
    case conditionalValueAtRisk = "conditional_value_at_risk"
    case downsideDeviation = "downside_deviation"
    case tailRatio = "tail_ratio"
    case stability
    case recoveryFactor = "recovery_factor"
    case kelly
    case bestPeriod = "best_period"
    case worstPeriod = "worst_period"
    case positivePeriods = "positive_periods"
    case correlation
    case beta
    case benchmarkReturn = "benchmark_return"
    case trades
    case winRate = "win_rate"
    case profitFactor = "profit_factor"
    case expectancy
    case averageWin = "average_win"
    case averageLoss = "average_loss"
    case payoffRatio = "payoff_ratio"
    case largestWin = "largest_win"
    case largestLoss = "largest_loss"
    case averageTradeReturn = "average_trade_return"
    case systemQuality = "sqn"
    case longestWinningStreak = "longest_winning_streak"
    case longestLosingStreak = "longest_losing_streak"
    case averageDuration = "average_trade_hours"
    case medianDuration = "median_trade_hours"
    case longestDuration = "longest_trade_hours"
    case adverseExcursion = "average_mae"
    case largestAdverseExcursion = "largest_mae"
    case favourableExcursion = "average_mfe"
    case fees
    case exposure
    case turnover

    /// What its number is.
    public enum Unit: String, Hashable, Sendable {
        /// Of the account's currency.
        case money
        /// A part: 0.05 is shown as 5 %.
        case part
        /// A number without a unit.
        case ratio
        /// A whole number.
        case count
        case days
        case hours
    }

    /// Which way is better, as far as one way is.
    public enum Direction: String, Hashable, Sendable {
        case higher
        case lower
        case neither
    }

    /// A metric in words.
    public struct Explanation: Hashable, Sendable {
        /// Its name for a person.
        public let title: String
        public let unit: Unit
        public let better: Direction
        /// What it says, in a sentence.
        public let meaning: String
    }
}
