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

/// A stream of numbers that follows from its seed (Steele, Lea and Flood's SplitMix64).
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64) {
        state = seed
        state = next() ^ (stream &* 0x9E37_79B9_7F4A_7C15)
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to and without 1.
    mutating func part() -> Double { Double(next() >> 11) * 0x1p-53 }
}
