/// How often values fall into bins of equal width.
public struct Histogram: Hashable, Sendable {
    /// Where the first bin begins.
    public let lowest: Double
    /// How wide each bin is; 0 when all values are the same, which then lie in one bin.
    public let width: Double
    /// How many values each bin holds. A value at an inner edge belongs to the bin above it.
    public let counts: [Int]

    /// Puts values into bins: as many as the finer of Sturges' rule and that of Freedman and Diaconis says, within `bins`.
    /// Nil of nothing.
    public init?(_ values: [Double], bins: ClosedRange<Int> = 5...40) {
        let sorted = values.sorted()
        guard let low = sorted.first, let high = sorted.last else { return nil }
        lowest = low
        let span = high - low
        guard span > 0, span.isFinite else {
            (width, counts) = (0, [sorted.count])
            return
        }
        let count = Double(sorted.count)
        var wanted = (Mathematics.log(count) / Mathematics.log(2)).rounded(.up) + 1
        if let lower = Statistics.percentile(ofSorted: sorted, 0.25),
            let upper = Statistics.percentile(ofSorted: sorted, 0.75), upper > lower
        {
            let cubeRoot = Mathematics.expm1(Mathematics.log(count) / 3) + 1
            wanted = max(wanted, (span * cubeRoot / (2 * (upper - lower))).rounded(.up))
        }
        let number = Int(min(max(wanted, Double(bins.lowerBound)), Double(bins.upperBound)))
        let width = span / Double(number)
        var counts = [Int](repeating: 0, count: number)
        for value in sorted { counts[min(Int((value - low) / width), number - 1)] += 1 }
        self.width = width
        self.counts = counts
    }
}
