import Testing
import Trading

@testable import Analytics

@Suite struct `What statistics is made of` {
    @Test func `a sum keeps what single additions lose`() {
        #expect(Statistics.sum([1, 1e100, 1, -1e100]) == 2)
        #expect(Statistics.sum([Double](repeating: 0.1, count: 10)) == 1)
        #expect(Statistics.sum([]) == 0)
    }

    @Test func `of nothing there is no mean, and of one value no deviation`() {
        #expect(Statistics.mean([]) == nil)
        #expect(Statistics.deviation([]) == nil)
        #expect(Statistics.deviation([3]) == nil)
        #expect(Statistics.percentile([], 0.5) == nil)
    }

    @Test func `values that lie far from 0 keep the deviation of their differences`() {
        // One pass over squares gives 0 or the root of a negative number here.
        #expect(isClose(Statistics.deviation([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]), 30.0.squareRoot()))
    }

    @Test func `values that differ by rounding alone do not deviate`() {
        #expect(Statistics.deviation([0.1, 0.1, 0.1]) == 0)
        #expect(Statistics.deviation([0.1, 0.1 + 1e-17, 0.30000000000000004 / 3]) == 0)
        #expect(Statistics.deviation([1e-6, 2e-6])! > 0)
    }

    @Test func `percentiles lie on straight lines between neighbours`() {
        #expect(Statistics.percentile([4, 1, 3, 2], 0.5) == 2.5)
        #expect(Statistics.percentile([4, 1, 3, 2], 0) == 1)
        #expect(Statistics.percentile([4, 1, 3, 2], 1) == 4)
        #expect(isClose(Statistics.percentile([1, 2, 3, 4], 0.05), 1.15))
    }

    @Test func `correlation is 1 along a line, −1 against it, and unknown of a constant`() {
        #expect(isClose(Statistics.correlation([1, 2, 3], [2, 4, 6]), 1))
        #expect(isClose(Statistics.correlation([1, 2, 3], [3, 2, 1]), -1))
        #expect(Statistics.correlation([1, 2, 3], [5, 5, 5]) == nil)
        #expect(Statistics.beta([2, 4, 6], to: [1, 2, 3]) == 2)
        #expect(Statistics.beta([2, 4, 6], to: [1, 1, 1]) == nil)
    }

    // scipy.stats: norm.ppf, t.sf · 2, gammaln.
    @Test func `distributions are those of the tables`() {
        #expect(isClose(Mathematics.normalQuantile(0.05), -1.644_853_626_951_472_7, 1e-15))
        #expect(isClose(Mathematics.normalQuantile(0.975), 1.959_963_984_540_054, 1e-15))
        #expect(isClose(Mathematics.normalQuantile(1e-12), -7.034_483_825_301_131, 1e-14))
        #expect(isClose(Mathematics.studentTails(2, degreesOfFreedom: 10), 0.073_388_034_770_740_39))
        #expect(isClose(Mathematics.studentTails(0.5, degreesOfFreedom: 3.5), 0.6468504393225509))
        #expect(isClose(Mathematics.studentTails(-4, degreesOfFreedom: 1458), 6.651833093868671e-05))
        #expect(isClose(Mathematics.logGamma(0.5), 0.572_364_942_924_700_1))
        #expect(isClose(Mathematics.logGamma(101), 363.739_375_555_563_5))
    }

    @Test func `whole numbers below a bound are spread evenly`() {
        var stream = SplitMix64(seed: 1_234_567)
        var counts = [0, 0, 0]
        for _ in 0..<3_000 { counts[stream.whole(below: 3)] += 1 }
        #expect(counts.allSatisfy { (900...1_100).contains($0) })
    }

    @Test func `a histogram counts every value once, the last edge included`() throws {
        let histogram = try #require(Histogram((0...100).map { Double($0) }))
        #expect(histogram.counts.reduce(0, +) == 101)
        #expect(histogram.lowest == 0)
        #expect(isClose(histogram.lowest + histogram.width * Double(histogram.counts.count), 100))
        #expect(Histogram([7, 7])?.counts == [2])
        #expect(Histogram([]) == nil)
        // One far outlier does not make a million bins.
        #expect(try #require(Histogram([0, 0.001, 0.002, 0.003, 1e9])).counts.count <= 40)
    }
}
