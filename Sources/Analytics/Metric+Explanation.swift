extension Metric {
    /// What it is called, measured in and says.
    public var explanation: Explanation {
        switch self {
        case .netProfit: made("Net profit", .money, .higher, "Final equity less the capital, after fees.")
        case .finalEquity: made("Final equity", .money, .higher, "Cash and positions at the end.")
        case .totalReturn: made("Total return", .part, .higher, "Net profit as a part of the capital.")
        case .annualReturn:
            made("Annual return", .part, .higher, "What a year at the same pace would earn, compounded.")
        case .volatility:
            made("Volatility", .part, .lower, "How much returns vary: their standard deviation, for a year.")
        case .sharpe:
            made("Sharpe", .ratio, .higher, "Mean return for each unit of volatility, for a year.")
        case .sortino:
            made("Sortino", .ratio, .higher, "As Sharpe, but only falls count as risk.")
        case .calmar:
            made("Calmar", .ratio, .higher, "Annual return over the maximum drawdown.")
        case .omega:
            made(
                "Omega", .ratio, .higher, "The sum of gains over the sum of losses of all periods; 1 is even."
            )
        case .maximumDrawdown:
            made("Maximum drawdown", .part, .lower, "The deepest fall of the equity, as a part of its peak.")
        case .longestDrawdown:
            made(
                "Longest drawdown", .days, .lower, "The longest time from a peak until it was reached again.")
        case .ulcerIndex:
            made(
                "Ulcer index", .part, .lower, "How deep and how long drawdowns were: their root mean square.")
        case .valueAtRisk:
            made("Value at risk", .part, .higher, "95 % of periods did better than this (historical).")
        case .conditionalValueAtRisk:
            made("CVaR", .part, .higher, "The mean of the worst 5 % of periods (historical).")
        case .downsideDeviation:
            made("Downside deviation", .part, .lower, "The deviation of the falls alone, for a year.")
        case .tailRatio:
            made("Tail ratio", .ratio, .higher, "The 95th percentile of returns over the 5th, without signs.")
        case .stability:
            made("Stability", .ratio, .higher, "How straight the equity grew: R² of its logarithm, 0 to 1.")
        case .recoveryFactor:
            made("Recovery factor", .ratio, .higher, "Total return over the maximum drawdown.")
        case .kelly:
            made(
                "Kelly", .part, .higher,
                "The stake that the Kelly criterion would allow, of periods' returns.")
        case .bestPeriod: made("Best period", .part, .higher, "The best return of one period.")
        case .worstPeriod: made("Worst period", .part, .higher, "The worst return of one period.")
        case .positivePeriods:
            made("Winning periods", .part, .higher, "The part of periods that won, of those that moved.")
        case .correlation:
            made("Correlation", .ratio, .neither, "With the returns of the main instrument, −1 to 1.")
        case .beta:
            made("Beta", .ratio, .neither, "How much equity moves for one of the main instrument.")
        case .benchmarkReturn:
            made("Buy and hold", .part, .neither, "What the main instrument itself did in the time.")
        default: tradeExplanation
        }
    }

    private var tradeExplanation: Explanation {
        switch self {
        case .trades: made("Trades", .count, .neither, "Round trips: what was opened and closed again.")
        case .winRate:
            made("Win rate", .part, .higher, "The part of trades that earned something after fees.")
        case .profitFactor:
            made("Profit factor", .ratio, .higher, "What winning trades earned over what losing trades lost.")
        case .expectancy: made("Expectancy", .money, .higher, "The mean profit of a trade.")
        case .averageWin: made("Average win", .money, .higher, "The mean profit of trades that won.")
        case .averageLoss: made("Average loss", .money, .higher, "The mean of trades that lost; below 0.")
        case .payoffRatio: made("Payoff ratio", .ratio, .higher, "The average win over the average loss.")
        case .largestWin: made("Largest win", .money, .higher, "The best trade.")
        case .largestLoss: made("Largest loss", .money, .higher, "The worst trade; below 0.")
        case .averageTradeReturn:
            made(
                "Average trade", .part, .higher, "The mean profit of a trade as a part of its entry's worth.")
        case .systemQuality:
            made("SQN", .ratio, .higher, "√n times the mean profit of a trade over its deviation.")
        case .longestWinningStreak:
            made("Longest winning streak", .count, .higher, "Wins in a row at most.")
        case .longestLosingStreak: made("Longest losing streak", .count, .lower, "Losses in a row at most.")
        case .averageDuration: made("Average duration", .hours, .neither, "From entry to exit, on average.")
        case .medianDuration: made("Median duration", .hours, .neither, "Half of the trades were shorter.")
        case .longestDuration: made("Longest duration", .hours, .neither, "The longest trade.")
        case .adverseExcursion:
            made("Average MAE", .part, .lower, "How far prices went against trades, on average.")
        case .largestAdverseExcursion:
            made("Largest MAE", .part, .lower, "How far a price went against a trade at most.")
        case .favourableExcursion:
            made("Average MFE", .part, .higher, "How far prices went in favour of trades, on average.")
        case .fees: made("Fees", .money, .lower, "What all trades cost in fees.")
        case .exposure: made("Exposure", .part, .neither, "The part of the time with a position open.")
        case .turnover:
            made("Turnover", .ratio, .neither, "How often a year the mean equity was bought and sold again.")
        default: preconditionFailure("\(rawValue) has a description above")
        }
    }

    private func made(_ title: String, _ unit: Unit, _ better: Direction, _ meaning: String) -> Explanation {
        Explanation(title: title, unit: unit, better: better, meaning: meaning)
    }
}
