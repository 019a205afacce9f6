internal import Glibc
internal import Trading

/// Steps that are even by their logarithm.
enum Logarithm {
    /// The number at `part`, 0 to 1, of the way from `low` to `high`, which are above 0.
    static func between(_ low: Double, _ high: Double, part: Double) -> Double {
        exp(log(low) + part * (log(high) - log(low)))
    }
}

extension FixedDecimal {
    /// A finite number, rounded to six digits that count; nought where it is too small to be written, the largest
    /// value where it is too large.
    init(sixDigits number: Double) {
        guard number != 0, number.isFinite else {
            self = .zero
            return
        }
        let shift = 5 - Int(log10(abs(number)).rounded(.down))
        let scaled = (number * pow(10, Double(shift))).rounded()
        var text = String(Int(scaled))
        text += "e\(-shift)"
        self = FixedDecimal(text) ?? (abs(number) < 1 ? .zero : FixedDecimal(units: .max))
    }
}

extension SplitMix64 {
    /// The stream of this number among those of a seed.
    init(seed: UInt64, stream: UInt64) {
        var first = SplitMix64(seed: seed)
        self.init(seed: first.next() ^ (stream &* 0x9E37_79B9_7F4A_7C15))
        _ = next()
    }
}
