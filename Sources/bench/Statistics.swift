/// What a heap of samples says.
struct Samples {
    private let sorted: [Double]

    /// - Parameter values: At least one.
    init(_ values: [Double]) {
        precondition(!values.isEmpty)
        sorted = values.sorted()
    }

    /// The value that `share` of the samples do not exceed; 0.5 is the median.
    func quantile(_ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.up)) - (share > 0 ? 1 : 0))]
    }

    var median: Double { quantile(0.5) }
    var least: Double { sorted[0] }

    /// Calls `body` so often and measures each call in microseconds.
    static func microseconds(of count: Int, _ body: () throws -> Void) rethrows -> Samples {
        let clock = ContinuousClock()
        var values: [Double] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try clock.measure(body) / .microseconds(1)) }
        return Samples(values)
    }
}
