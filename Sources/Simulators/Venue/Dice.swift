import Trading

/// Seeded chance: the same seed throws the same.
struct Dice {
    private var numbers: SplitMix64

    init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

    /// Dice of their own for one purpose, whatever else is thrown.
    init(seed: UInt64, stream: UInt64) {
        var first = SplitMix64(seed: seed ^ (stream &* 0xD6E8_FEB8_6659_FD93))
        self.init(seed: first.next())
    }

    /// A whole number from nought to `bound`, that excluded; nought when `bound` is.
    mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(numbers.next() >> 1) % bound : 0 }

    /// Whether something of this chance, in millionths, happens now.
    mutating func happens(_ millionths: Int) -> Bool {
        millionths >= 1_000_000 || below(1_000_000) < millionths
    }

    /// So many hexadecimal digits.
    mutating func hexadecimal(_ count: Int) -> String {
        var text = ""
        while text.utf8.count < count {
            let digits = String(numbers.next(), radix: 16)
            text += String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        return String(text.prefix(count))
    }
}

extension FixedDecimal {
    /// The value with exactly so many digits after the point; what is finer is cut off.
    func text(digits: Int) -> String {
        let scale = FixedDecimal.scale - digits
        var divisor: Int128 = 1
        for _ in 0..<scale { divisor *= 10 }
        let cut = units / divisor
        let magnitude = String(cut.magnitude)
        let padded = String(repeating: "0", count: max(0, digits + 1 - magnitude.utf8.count)) + magnitude
        let sign = cut < 0 ? "-" : ""
        guard digits > 0 else { return sign + padded }
        return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    /// The product, cut to what fits; only amounts within ``TradingBounds`` come here.
    func times(_ other: FixedDecimal, _ rounding: Rounding = .nearestEven) -> FixedDecimal {
        // Out of range would need amounts beyond every bound.
        (try? multiplied(by: other, rounding: rounding)) ?? .zero
    }

    /// The quotient; nought when there is none.
    func over(_ other: FixedDecimal, _ rounding: Rounding = .nearestEven) -> FixedDecimal {
        // A divisor of nought has no quotient.
        (try? divided(by: other, rounding: rounding)) ?? .zero
    }

    /// The sum of amounts within ``TradingBounds``.
    func plus(_ other: FixedDecimal) -> FixedDecimal { FixedDecimal(units: units + other.units) }

    /// The difference of amounts within ``TradingBounds``.
    func minus(_ other: FixedDecimal) -> FixedDecimal { FixedDecimal(units: units - other.units) }

    /// The nearest multiple of a step.
    func stepped(_ step: FixedDecimal, _ rounding: Rounding) -> FixedDecimal {
        // Only a step near the end of the range could fail.
        (try? rounded(toMultipleOf: step, rounding)) ?? .zero
    }
}
