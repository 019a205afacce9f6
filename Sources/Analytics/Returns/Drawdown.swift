/// A fall from a peak, and the way back.
///
/// Places are indices into the values that it was found in.
public struct Drawdown: Hashable, Sendable {
    /// Where the values stood highest for the last time before they fell.
    public let peak: Int
    /// Where they stood lowest.
    public let trough: Int
    /// Where they stood at the peak's height again; nil when they did not.
    public let recovery: Int?
    /// The fall as a part of the peak, above 0: 0.2 from 100 to 80.
    public let depth: Double

    /// All falls, in order of time. Peaks of 0 and less have none.
    public static func all(in values: [Double]) -> [Drawdown] {
        var found: [Drawdown] = []
        guard var height = values.first else { return [] }
        var (peak, trough) = (0, 0)
        for (index, value) in values.enumerated().dropFirst() {
            if value >= height {
                if trough > peak, height > 0 {
                    found.append(make(values, peak, trough, recovery: index))
                }
                (height, peak, trough) = (value, index, index)
            } else if trough == peak || value < values[trough] {
                trough = index
            }
        }
        if trough > peak, height > 0 { found.append(make(values, peak, trough, recovery: nil)) }
        return found
    }

    /// The deepest fall, the first of equal ones; nil when there is none.
    public static func deepest(in values: [Double]) -> Drawdown? {
        all(in: values).reduce(nil as Drawdown?) { best, one in
            best.map { one.depth > $0.depth ? one : $0 } ?? one
        }
    }

    /// How far below the peak so far each value is, as a part of it: 0 at peaks, below 0 elsewhere.
    public static func curve(of values: [Double]) -> [Double] {
        var peak = values.first ?? 0
        return values.map { value in
            peak = max(peak, value)
            return peak > 0 ? (value - peak) / peak : 0
        }
    }

    private static func make(_ values: [Double], _ peak: Int, _ trough: Int, recovery: Int?) -> Drawdown {
        Drawdown(
            peak: peak, trough: trough, recovery: recovery,
            depth: (values[peak] - values[trough]) / values[peak])
    }
}
