import Analytics
import Testing
import Trading

@Suite struct `A run in figures` {
    private func summary(
        _ equity: [EquityPoint], trades: [ClosedTrade] = [], fills: [Fill] = [], benchmark: [EquityPoint] = []
    ) -> PerformanceSummary {
        PerformanceSummary(
            PerformanceSummary.Input(
                capital: FixedDecimal(100), equity: equity, trades: trades, fills: fills,
                start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 365 * SampledEquity.day),
                bar: SampledEquity.day, benchmark: benchmark))
    }

    @Test func `a year's run`() {
        let values = (1...365).map { 100 + $0 % 10 + $0 / 5 }
        let run = summary(
            daily(values), trades: [trade(10), trade(-4)], benchmark: daily([100], from: 0) + daily(values))
        #expect(run[.finalEquity] == 178)
        #expect(run[.netProfit] == 78)
        #expect(isClose(run[.totalReturn], 0.78))
        #expect(isClose(run[.annualReturn], 0.78))
        #expect(run[.trades] == 2 && run[.winRate] == 0.5)
        #expect(isClose(run[.correlation], 1) && isClose(run[.beta], 1))
        #expect(run[.sharpe]! > 1)
        #expect(isClose(run[.calmar], run[.annualReturn]! / run[.maximumDrawdown]!))
        #expect(run.drawdowns.count == 10)
        #expect(run.drawdowns[0].depth == run[.maximumDrawdown])
        #expect(run.months.count == 12)
    }

    @Test func `drawdowns within a day count, though returns are by day`() {
        let hour = { (number: Int64, value: Int) in
            EquityPoint(time: Timestamp(milliseconds: number * 3_600_000), equity: FixedDecimal(value))
        }
        let run = summary([hour(1, 100), hour(2, 60), hour(3, 110), hour(48, 120)])
        #expect(run[.maximumDrawdown] == 0.4)
        #expect(run.samples.returns.maximumDrawdown == nil)
        #expect(run.drawdowns[0].peak.milliseconds == 3_600_000)
        #expect(run.drawdowns[0].recovery?.milliseconds == 10_800_000)
        #expect(isClose(run[.longestDrawdown], 2.0 / 24))
    }

    @Test func `a run in which nothing happened has no NaN, and says only what it can`() {
        for run in [summary([]), summary(daily([100])), summary(daily([100, 100, 100]))] {
            #expect(run.values.values.allSatisfy { $0.isFinite })
            #expect(run[.totalReturn] == 0 && run[.trades] == 0 && run[.exposure] == 0)
            #expect(run[.sharpe] == nil && run[.winRate] == nil && run[.calmar] == nil)
            #expect(run[.maximumDrawdown] == 0)
        }
    }

    @Test func `turnover is half of what was traded over the mean equity, for a year`() {
        let run = summary(
            daily([100, 100]), fills: [fill(.buy, 1, at: 100, hour: 0), fill(.sell, 1, at: 100, hour: 876)])
        #expect(isClose(run[.turnover], 1))
        #expect(isClose(run[.exposure], 0.1))
    }

    @Test func `every metric has its words, and its name is a small word`() {
        for metric in Metric.allCases {
            #expect(!metric.explanation.title.isEmpty && metric.explanation.meaning.hasSuffix("."))
            #expect(metric.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
        }
        #expect(Set(Metric.allCases.map(\.explanation.title)).count == Metric.allCases.count)
    }
}
