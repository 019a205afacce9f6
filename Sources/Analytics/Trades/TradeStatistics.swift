import Trading

/// What the round trips of a run say, all after fees. Nil stands for what is not defined, such as the mean of no wins.
public struct TradeStatistics: Hashable, Sendable {
    public let count: Int
    /// How many earned more than nothing.
    public let wins: Int
    /// How many lost.
    public let losses: Int
    /// ``wins`` over ``count``: a trade that came out even is none that won.
    public let winRate: Double?
    /// What the wins earned over what the losses lost; nil without a loss.
    public let profitFactor: Double?
    /// The mean profit of a trade, in quote currency.
    public let expectancy: Double?
    /// The mean profit of those that won, in quote currency.
    public let averageWin: Double?
    /// The mean profit of those that lost, in quote currency; below 0.
    public let averageLoss: Double?
    /// ``averageWin`` over what ``averageLoss`` loses.
    public let payoffRatio: Double?
    public let largestWin: Double?
    /// Below 0.
    public let largestLoss: Double?
    /// The mean of profit over what was paid at the entry.
    public let averageReturn: Double?
    /// √n times the mean profit over its deviation (Van Tharp's system quality number, without his cap at 100 trades);
    /// nil below two trades, and when all are alike.
    public let systemQuality: Double?
    /// How many wins, and how many losses, came in a row at most, in the order of exits.
    public let longestWinningStreak: Int
    public let longestLosingStreak: Int
    /// From entry to exit, in milliseconds.
    public let averageDuration: Double?
    public let medianDuration: Double?
    public let longestDuration: Double?
    /// The mean over the trades that know it, as parts of the entry price: how far the price went against them, and in
    /// their favour.
    public let averageAdverseExcursion: Double?
    public let averageFavourableExcursion: Double?
    /// How far the price went against a trade at most.
    public let largestAdverseExcursion: Double?
    /// The fees of all, in quote currency.
    public let fees: Double

    /// Looks at round trips, in the order of their exits.
    public init(_ trades: [ClosedTrade]) {
        let profits = trades.map(\.profit.approximate)
        let won = profits.filter { $0 > 0 }
        let lost = profits.filter { $0 < 0 }
        count = trades.count
        wins = won.count
        losses = lost.count
        winRate = trades.isEmpty ? nil : Double(won.count) / Double(trades.count)
        let lostSum = -Statistics.sum(lost)
        profitFactor = lostSum > 0 ? Statistics.sum(won) / lostSum : nil
        expectancy = Statistics.mean(profits)
        let (meanWin, meanLoss) = (Statistics.mean(won), Statistics.mean(lost))
        averageWin = meanWin
        averageLoss = meanLoss
        payoffRatio = meanWin.flatMap { win in meanLoss.map { win / -$0 } }
        largestWin = won.max()
        largestLoss = lost.min()
        averageReturn = Statistics.mean(trades.compactMap(\.returnOnEntry))
        if let deviation = Statistics.deviation(profits), deviation > 0, let expectancy {
            systemQuality = Double(profits.count).squareRoot() * expectancy / deviation
        } else {
            systemQuality = nil
        }
        longestWinningStreak = Self.longestRun(profits) { $0 > 0 }
        longestLosingStreak = Self.longestRun(profits) { $0 < 0 }
        let durations = trades.map { Double($0.exitTime.milliseconds - $0.entryTime.milliseconds) }.sorted()
        averageDuration = Statistics.mean(durations)
        medianDuration = Statistics.percentile(ofSorted: durations, 0.5)
        longestDuration = durations.last
        let adverse = trades.compactMap(\.adverseExcursion)
        averageAdverseExcursion = Statistics.mean(adverse)
        largestAdverseExcursion = adverse.max()
        averageFavourableExcursion = Statistics.mean(trades.compactMap(\.favourableExcursion))
        fees = Statistics.sum(trades.lazy.map(\.fees.approximate))
    }

    private static func longestRun(_ profits: [Double], _ belongs: (Double) -> Bool) -> Int {
        var (longest, current) = (0, 0)
        for profit in profits {
            current = belongs(profit) ? current + 1 : 0
            longest = max(longest, current)
        }
        return longest
    }
}

extension ClosedTrade {
    /// The profit as a part of what was paid at the entry; nil where that is nothing.
    public var returnOnEntry: Double? {
        let paid = entryPrice.approximate * quantity.approximate
        return paid > 0 ? profit.approximate / paid : nil
    }
}
