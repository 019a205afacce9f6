import Trading

/// Seeded chance (SplitMix64): the same seed throws the same.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Dice of their own for one purpose, whatever else is thrown.
    init(seed: UInt64, stream: UInt64) {
        var dice = Dice(seed: seed ^ (stream &* 0xD6E8_FEB8_6659_FD93))
        state = dice.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A whole number from nought to `bound`, that excluded; nought when `bound` is.
    mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() >> 1) % bound : 0 }

    /// Whether something of this chance, in millionths, happens now.
    mutating func happens(_ millionths: Int) -> Bool {
        millionths >= 1_000_000 || below(1_000_000) < millionths
    }

    /// So many hexadecimal digits.
    mutating func hexadecimal(_ count: Int) -> String {
        var text = ""
        while text.utf8.count < count {
            let digits = String(next(), radix: 16)
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
