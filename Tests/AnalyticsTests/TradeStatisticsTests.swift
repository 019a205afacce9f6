import Analytics
import Testing
import Trading

@Suite struct `Statistics of trades` {
    @Test func `wins, losses and what they say`() {
        let trades = [
            trade(10, hours: 1, adverse: 0.01, favourable: 0.2),
            trade(-5, hours: 2, adverse: 0.06, favourable: 0),
            trade(20, hours: 3), trade(0, hours: 10), trade(-5, hours: 4), trade(-10, hours: 4),
        ]
        let found = TradeStatistics(trades)
        #expect(found.count == 6 && found.wins == 2 && found.losses == 3)
        #expect(isClose(found.winRate, 2.0 / 6))
        #expect(isClose(found.profitFactor, 1.5))
        #expect(isClose(found.expectancy, 10.0 / 6))
        #expect(found.averageWin == 15)
        #expect(isClose(found.averageLoss, -20.0 / 3))
        #expect(isClose(found.payoffRatio, 2.25))
        #expect(found.largestWin == 20 && found.largestLoss == -10)
        #expect(isClose(found.averageReturn, 0.1 / 6))
        #expect(found.longestWinningStreak == 1 && found.longestLosingStreak == 2)
        #expect(found.averageDuration == 4 * 3_600_000 && found.medianDuration == 3.5 * 3_600_000)
        #expect(isClose(found.averageAdverseExcursion, 0.035) && found.largestAdverseExcursion == 0.06)
        #expect(isClose(found.averageFavourableExcursion, 0.1))
        #expect(found.fees == 3)
        // √6 · mean ÷ deviation of [10, −5, 20, 0, −5, −10].
        #expect(isClose(found.systemQuality, 6.0.squareRoot() * (10.0 / 6) / 11.254_628_677_422_755))
    }

    @Test func `no trades, one trade, only wins`() {
        let none = TradeStatistics([])
        #expect(none.count == 0 && none.winRate == nil && none.expectancy == nil && none.profitFactor == nil)
        #expect(none.averageDuration == nil && none.fees == 0)
        let one = TradeStatistics([trade(10)])
        #expect(one.winRate == 1 && one.systemQuality == nil && one.profitFactor == nil)
        #expect(one.payoffRatio == nil)
        #expect(TradeStatistics([trade(10), trade(10)]).systemQuality == nil)
    }
}

@Suite struct `Market activity` {
    private let hour: Int64 = 3_600_000

    @Test func `positions of several instruments that overlap count once`() {
        let fills = [
            fill(.buy, 2, at: 100, hour: 1), fill(.buy, 1, at: 10, hour: 2, symbol: "ETHUSDT"),
            fill(.sell, 2, at: 110, hour: 3), fill(.sell, 1, at: 10, hour: 4, symbol: "ETHUSDT"),
            fill(.sell, 1, at: 100, hour: 8),
        ]
        let activity = MarketActivity(
            fills, from: Timestamp(milliseconds: 0), to: Timestamp(milliseconds: 10 * hour))
        // From 1 to 4, and short from 8 to the end.
        #expect(isClose(activity.exposure, 0.5))
        #expect(isClose(activity.volume, 540))
    }

    @Test func `a position that turns stays open`() {
        let fills = [fill(.buy, 1, at: 100, hour: 0), fill(.sell, 2, at: 100, hour: 5)]
        let activity = MarketActivity(
            fills, from: Timestamp(milliseconds: 0), to: Timestamp(milliseconds: 10 * hour))
        #expect(activity.exposure == 1)
        #expect(
            MarketActivity([], from: Timestamp(milliseconds: 0), to: Timestamp(milliseconds: 0)).exposure
                == nil)
    }
}

@Suite struct `Shuffled trades` {
    private let profits = [100.0, -50, 30, -80, 60, 20, -10, 5, 40, -30]

    @Test func `another order ends where the first did, and the same seed gives the same`() throws {
        let shuffle = try #require(
            TradeShuffle(profits, capital: 1_000, runs: 200, seed: 7, method: .reshuffle))
        #expect(isClose(shuffle.finalEquity.percentile5, 1_085))
        #expect(isClose(shuffle.finalEquity.percentile95, 1_085))
        #expect(shuffle.lossShare == 0 && shuffle.ruinShare == 0)
        #expect(shuffle.maximumDrawdown.percentile5 < shuffle.maximumDrawdown.percentile95)
        // The deepest possible: all losses in a row.
        #expect(shuffle.maximumDrawdown.percentile95 <= 170.0 / 1_000)
        #expect(shuffle == TradeShuffle(profits, capital: 1_000, runs: 200, seed: 7, method: .reshuffle))
        #expect(shuffle != TradeShuffle(profits, capital: 1_000, runs: 200, seed: 8, method: .reshuffle))
    }

    @Test func `trades drawn anew end elsewhere, around the same mean`() throws {
        let shuffle = try #require(
            TradeShuffle(profits, capital: 1_000, runs: 4_000, seed: 7, method: .resample))
        #expect(abs(shuffle.finalEquity.mean - 1_085) < 10)
        #expect(shuffle.finalEquity.percentile5 < 1_000)
        #expect((0.2...0.4).contains(shuffle.lossShare))
    }

    @Test func `ruin is seen, and without trades there is nothing to shuffle`() throws {
        let shuffle = try #require(
            TradeShuffle([-60, -60, 200], capital: 100, runs: 600, seed: 1, method: .reshuffle))
        // Both losses before the win in one order of three.
        #expect((0.25...0.42).contains(shuffle.ruinShare))
        #expect(TradeShuffle([], capital: 100, seed: 1, method: .resample) == nil)
    }
}

@Suite struct `Significance` {
    // scipy.stats.ttest_ind(b, a, equal_var=False).
    @Test func `Welch's test is the published one`() throws {
        let test = try #require(WelchTest([2.1, 3.4, 1.9, 5.5, 4.2], [1, 2, 2.5, 0.3, 1.7, 2.2]))
        #expect(isClose(test.t, -2.404_776_979_808_651))
        #expect(isClose(test.degreesOfFreedom, 5.961_973_032_031_125))
        #expect(isClose(test.probability, 0.053_211_382_029_997_85))
        #expect(isClose(test.difference, 9.7 / 6 - 3.42))
    }

    @Test func `what cannot be compared is not`() {
        #expect(WelchTest([1], [1, 2]) == nil)
        #expect(WelchTest([1, 1], [2, 2]) == nil)
        #expect(PairedBootstrap([1, 2, 3], [1, 2, 3]) == nil)
        #expect(PairedBootstrap([Double](repeating: 1, count: 20), [Double](repeating: 2, count: 20)) == nil)
    }

    @Test func `the bootstrap tells a clear difference from none, and the same seed gives the same`() throws {
        // A market that both follow, and one of them a little more each day.
        let market = (0..<300).map { Double(($0 * 7_919) % 101) / 5_000 - 0.01 }
        let noise = (0..<300).map { Double(($0 * 104_729) % 89) / 40_000 - 0.0011 }
        let better = zip(market, noise).map { $0 + $1 + 0.001 }
        let alike = zip(market, noise).map { $0 + $1 }
        let clear = try #require(PairedBootstrap(market, better, figure: .mean, runs: 500))
        #expect(clear.probability < 0.01 && clear.low > 0 && clear.high > clear.difference)
        let none = try #require(PairedBootstrap(market, alike, figure: .sharpe, runs: 500))
        #expect(none.probability > 0.05)
        #expect(none == PairedBootstrap(market, alike, figure: .sharpe, runs: 500))
    }
}

@Suite struct `Regimes of a market` {
    @Test func `a calm rise, a wild fall and a flat time get their labels`() throws {
        let calm = (0..<30).map { $0 % 2 == 0 ? 0.004 : 0.002 }
        let wild = (0..<30).map { $0 % 2 == 0 ? -0.05 : 0.02 }
        let flat = (0..<30).map { $0 % 2 == 0 ? 0.01 : -0.01 }
        let regimes = try #require(Regimes(calm + wild + flat, window: 10))
        #expect(regimes.volatility[8] == nil && regimes.trend[8] == nil)
        #expect(regimes.volatility[20] == .low && regimes.trend[20] == .up)
        #expect(regimes.volatility[45] == .high && regimes.trend[45] == .down)
        #expect(regimes.trend[80] == .sideways)
        let rows = regimes.rows(of: ReturnSeries(calm + wild + flat, periodsPerYear: 365))
        #expect(rows.prefix { $0.label.hasSuffix("volatility") }.map(\.periods).reduce(0, +) == 81)
        #expect(rows.contains { $0.label == "trend up" && $0.meanReturn > 0 })
    }

    @Test func `too short a time and a ruin have none`() {
        #expect(Regimes([0.1, 0.2], window: 20) == nil)
        #expect(Regimes([Double](repeating: -1, count: 40), window: 5) == nil)
        #expect(Regimes([Double](repeating: 0, count: 40), window: 5)?.volatility.last == .normal)
    }
}
