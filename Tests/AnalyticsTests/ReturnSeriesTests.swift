import Analytics
import Testing
import Trading

@Suite struct `Returns` {
    private func days(_ values: [Double]) -> ReturnSeries { ReturnSeries(values, periodsPerYear: 365) }

    @Test func `of nothing nothing is known, and of one value little`() {
        let none = days([])
        #expect(none.growth == [1])
        #expect(none.totalReturn == nil && none.annualReturn == nil && none.sharpe() == nil)
        #expect(none.valueAtRisk() == nil && none.conditionalValueAtRisk() == nil && none.omega() == nil)
        #expect(none.stability == nil && none.ulcerIndex == nil && none.kelly == nil && none.tailRatio == nil)
        let one = days([0.01])
        #expect(isClose(one.totalReturn, 0.01))
        #expect(one.volatility == nil && one.sharpe() == nil && one.sortino() == nil && one.calmar == nil)
    }

    @Test func `a constant series has no ratio, whatever the rounding`() {
        for rate in [0.0, 0.1, -0.003, 1e-9] {
            let constant = days([Double](repeating: rate, count: 50))
            #expect(constant.volatility == 0, "\(rate)")
            #expect(constant.sharpe() == nil && constant.sharpe(riskFree: 0.05) == nil)
            #expect(constant.totalReturn.map { $0.isFinite } == true)
        }
        // 100, 110, 121: the same in exact numbers, not in floating point.
        let grown = SampledEquity(
            daily([100, 110, 121]), capital: FixedDecimal(100), every: SampledEquity.day)
        #expect(grown.returns.volatility! > 0, "the first day earned nothing")
        let steady = ReturnSeries(Array(grown.returns.values.dropFirst()), periodsPerYear: 365)
        #expect(steady.volatility == 0)
    }

    @Test func `small returns keep their digits`() {
        // (1 + 1e-12)^1000 − 1, of which a product of ones knows three digits.
        let total = days([Double](repeating: 1e-12, count: 1_000)).totalReturn
        #expect(abs(total! / 1.000_000_000_499_5e-9 - 1) < 1e-12)
    }

    @Test func `a year is compounded`() {
        let half = ReturnSeries([0.1, 0.1], periodsPerYear: 4)
        #expect(isClose(half.totalReturn, 0.21))
        #expect(isClose(half.annualReturn, 1.1 * 1.1 * 1.1 * 1.1 - 1))
        #expect(isClose(half.meanAnnualReturn, 0.4))
    }

    @Test func `a pace beyond all numbers is not told`() {
        let wild = ReturnSeries([9, 9, 9], periodsPerYear: 525_600)
        #expect(wild.annualReturn == nil)
        #expect(wild.calmar == nil)
        #expect(isClose(wild.totalReturn, 999))
    }

    @Test func `once all is lost the rest is silence`() {
        let ruined = days([0.5, -1, 0.5, 0.5])
        #expect(ruined.growth == [1, 1.5, 0, 0, 0])
        #expect(ruined.totalReturn == -1)
        #expect(ruined.annualReturn == -1)
        #expect(ruined.stability == nil)
        #expect(ruined.maximumDrawdown?.depth == 1)
        #expect(days([-1.5, 3]).totalReturn == -1.5)
    }

    @Test func `a rate without risk is taken from every period`() {
        let series = days([0.01, 0.02, -0.01, 0.005])
        let rate = 0.000_133_680_617_113_440_38  // 1.05^(1/365) − 1
        let same = days(series.values.map { $0 - rate })
        #expect(isClose(series.sharpe(riskFree: 0.05), same.sharpe()!))
        #expect(isClose(series.sortino(required: 0.05), same.sortino()!))
        #expect(isClose(series.omega(required: 0.05), same.omega()!))
    }

    @Test func `value at risk by both methods`() {
        let series = days((1...100).map { Double($0) / 100 - 0.5 })
        #expect(isClose(series.valueAtRisk(0.95), -0.4405))
        // The five worst: −0.49 to −0.45.
        #expect(isClose(series.conditionalValueAtRisk(0.95), -0.47))
        #expect(series.valueAtRisk(0.99)! < series.valueAtRisk(0.95)!)
        #expect(series.conditionalValueAtRisk(0.95, .normal)! < series.valueAtRisk(0.95, .normal)!)
    }

    @Test func `without losses there is no ratio to losses`() {
        let good = days([0.01, 0.02, 0.03])
        #expect(good.omega() == nil && good.sortino() == nil && good.calmar == nil && good.kelly == nil)
        #expect(good.winRate == 1)
        #expect(days([0, 0]).winRate == nil)
    }
}

@Suite struct `Drawdowns` {
    @Test func `a fall has its last peak, its trough and its recovery`() {
        let falls = Drawdown.all(in: [100, 110, 110, 99, 88, 95, 110, 120, 90, 100])
        #expect(falls.count == 2)
        #expect(falls[0].peak == 2 && falls[0].trough == 4 && falls[0].recovery == 6)
        #expect(falls[0].depth == 0.2)
        #expect(falls[1].peak == 7 && falls[1].trough == 8 && falls[1].recovery == nil)
        #expect(falls[1].depth == 0.25)
        #expect(Drawdown.deepest(in: [100, 110, 110, 99, 88, 95, 110, 120, 90, 100]) == falls[1])
    }

    @Test func `what only rises, one value and nothing have none`() {
        #expect(Drawdown.all(in: [1, 1, 2, 3]) == [])
        #expect(Drawdown.all(in: [1]) == [])
        #expect(Drawdown.deepest(in: []) == nil)
    }

    @Test func `of equal falls the first counts`() {
        #expect(Drawdown.deepest(in: [100, 50, 100, 50, 100])?.trough == 1)
    }

    @Test func `the curve is 0 at peaks`() {
        #expect(Drawdown.curve(of: [100, 80, 100, 120, 90]) == [0, -0.2, 0, 0, -0.25])
        #expect(Drawdown.curve(of: [0, -1, 0]) == [0, 0, 0])
    }
}

@Suite struct `Samples of equity` {
    @Test func `the last point of each day counts, and midnight belongs to the day before`() {
        let points = hourly(Array(101...148))
        let samples = SampledEquity(points, capital: FixedDecimal(100), every: SampledEquity.day)
        #expect(samples.times.map(\.milliseconds) == [0, SampledEquity.day, 2 * SampledEquity.day])
        #expect(samples.values == [100, 124, 148].map { FixedDecimal($0) })
        #expect(isClose(samples.returns.values[0], 0.24))
        #expect(samples.returns.periodsPerYear == 365)
    }

    @Test func `a day without a point earned nothing`() {
        let points = daily([110]) + daily([121], from: 4)
        let samples = SampledEquity(points, capital: FixedDecimal(100), every: SampledEquity.day)
        #expect(samples.returns.values.count == 4)
        #expect(samples.returns.values[1] == 0 && samples.returns.values[2] == 0)
    }

    @Test func `times before the epoch have their days too`() {
        let point = EquityPoint(time: Timestamp(milliseconds: -1), equity: FixedDecimal(5))
        let samples = SampledEquity([point], capital: FixedDecimal(4), every: SampledEquity.day)
        #expect(samples.times.map(\.milliseconds) == [-SampledEquity.day, 0])
    }

    @Test func `returns end where nothing is left`() {
        let samples = SampledEquity(
            daily([50, 0, 10, 20]), capital: FixedDecimal(100), every: SampledEquity.day)
        #expect(samples.returns.values == [-0.5, -1])
        #expect(SampledEquity([], capital: .one, every: 1).returns.values == [])
    }

    @Test func `two curves meet where both have a period`() {
        let first = SampledEquity(
            daily([110, 121, 133]), capital: FixedDecimal(100), every: SampledEquity.day)
        let second = SampledEquity(
            daily([20, 30], from: 2), capital: FixedDecimal(10), every: SampledEquity.day)
        let pairs = first.paired(with: second)
        #expect(pairs.own.count == 2)
        #expect(isClose(pairs.own[0], 0.1) && isClose(pairs.others[0], 1))
    }

    @Test func `periods suit the span and are no shorter than a candle`() {
        let day = SampledEquity.day
        #expect(SampledEquity.suitedPeriod(span: 365 * day, bar: 60_000) == day)
        #expect(SampledEquity.suitedPeriod(span: 60 * day - 1, bar: 60_000) == 3_600_000)
        #expect(SampledEquity.suitedPeriod(span: day, bar: 60_000) == 60_000)
        #expect(SampledEquity.suitedPeriod(span: 365 * day, bar: 7 * day) == 7 * day)
    }
}

@Suite struct `Months` {
    @Test func `a month is measured from the end of the one before, and midnight of the first belongs to it`()
    {
        // 1970-01-31 ends on day 31, February on day 59.
        let points = daily([110], from: 31) + daily([99], from: 59) + daily([198], from: 60)
        let months = MonthlyReturn.table(points, capital: FixedDecimal(100))
        #expect(months.map(\.month) == [1, 2, 3])
        #expect(
            isClose(months[0].value, 0.1) && isClose(months[1].value, -0.1) && isClose(months[2].value, 1))
        let years = MonthlyReturn.years(of: months)
        #expect(years.count == 1 && years[0].year == 1970 && isClose(years[0].value, 0.98))
    }

    @Test func `no points, no months`() {
        #expect(MonthlyReturn.table([], capital: .one).isEmpty)
        #expect(MonthlyReturn.years(of: []).isEmpty)
    }
}
