/// What statistics is made of. Nil stands for what is not defined, such as the mean of nothing; no result is NaN.
public enum Statistics {
    /// The sum by Neumaier's way, which carries what each addition loses.
    public static func sum(_ values: some Sequence<Double>) -> Double {
        var (total, lost) = (0.0, 0.0)
        for value in values {
            let next = total + value
            lost += abs(total) >= abs(value) ? (total - next) + value : (value - next) + total
            total = next
        }
        return total + lost
    }

    /// The arithmetic mean; nil of nothing.
    public static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : sum(values) / Double(values.count)
    }

    /// The standard deviation of a sample, over n − 1; nil below two values.
    ///
    /// Two passes over the distances from the mean, so that nothing cancels. Values that differ only by what the last
    /// places of floating point hold deviate by 0.
    public static func deviation(_ values: [Double]) -> Double? {
        guard values.count >= 2, let mean = mean(values) else { return nil }
        let squares = sum(values.lazy.map { ($0 - mean) * ($0 - mean) })
        let rest = sum(values.lazy.map { $0 - mean })
        let count = Double(values.count)
        let deviation = (max(0, squares - rest * rest / count) / (count - 1)).squareRoot()
        let largest = values.lazy.map { abs($0) }.max() ?? 0
        return deviation <= largest * 1e-14 ? 0 : deviation
    }

    /// The value below which `share` of the values lie, 0 to 1, with straight lines between neighbours (the `linear` way
    /// of numpy); nil of nothing.
    public static func percentile(_ values: [Double], _ share: Double) -> Double? {
        percentile(ofSorted: values.sorted(), share)
    }

    /// As ``percentile(_:_:)``, of values that are in order already.
    public static func percentile(ofSorted values: [Double], _ share: Double) -> Double? {
        precondition((0...1).contains(share))
        guard let last = values.indices.last else { return nil }
        let place = share * Double(last)
        let lower = min(Int(place), last)
        let part = place - Double(lower)
        let (below, above) = (values[lower], values[min(lower + 1, last)])
        let step = above - below
        return part < 0.5 ? below + step * part : above - step * (1 - part)
    }

    /// Pearson's correlation of two rows of equal length, −1 to 1; nil below two pairs, and when a row is constant.
    public static func correlation(_ first: [Double], _ second: [Double]) -> Double? {
        precondition(first.count == second.count, "rows are of equal length")
        guard let (products, left, right) = moments(first, second), left > 0, right > 0 else { return nil }
        return max(-1, min(1, products / left.squareRoot() / right.squareRoot()))
    }

    /// By how much `values` move for one of `reference`: covariance over the reference's variance; nil as with
    /// ``correlation(_:_:)``.
    public static func beta(_ values: [Double], to reference: [Double]) -> Double? {
        precondition(values.count == reference.count, "rows are of equal length")
        guard let (products, _, right) = moments(values, reference), right > 0 else { return nil }
        return products / right
    }

    /// The sums of the products and squares of distances from the means; a constant row has exactly 0.
    private static func moments(_ first: [Double], _ second: [Double]) -> (Double, Double, Double)? {
        guard let left = deviation(first), let right = deviation(second), let a = mean(first),
            let b = mean(second)
        else { return nil }
        let products = sum(zip(first, second).lazy.map { ($0 - a) * ($1 - b) })
        let freedom = Double(first.count - 1)
        return (products, left * left * freedom, right * right * freedom)
    }
}
