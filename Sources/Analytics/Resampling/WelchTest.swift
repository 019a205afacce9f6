/// Whether the means of two samples differ: Welch's t-test, two-sided, for samples that need not be of one length or vary
/// alike.
///
/// It takes the values of a sample for independent. Returns of two strategies on one market in the same periods are not:
/// for those ``PairedBootstrap`` is the better judge.
public struct WelchTest: Hashable, Sendable {
    /// The second mean less the first.
    public let difference: Double
    /// The difference in standard errors.
    public let t: Double
    /// By Welch and Satterthwaite.
    public let degreesOfFreedom: Double
    /// How likely a difference at least as large is when there is none.
    public let probability: Double

    /// Compares samples; nil below two values each, and when both are constant.
    public init?(_ first: [Double], _ second: [Double]) {
        guard let a = Statistics.mean(first), let b = Statistics.mean(second),
            let s = Statistics.deviation(first), let r = Statistics.deviation(second)
        else { return nil }
        let (n, m) = (Double(first.count), Double(second.count))
        let (left, right) = (s * s / n, r * r / m)
        let variance = left + right
        guard variance > 0 else { return nil }
        difference = b - a
        t = difference / variance.squareRoot()
        degreesOfFreedom = variance * variance / (left * left / (n - 1) + right * right / (m - 1))
        probability = Mathematics.studentTails(t, degreesOfFreedom: degreesOfFreedom)
    }
}
