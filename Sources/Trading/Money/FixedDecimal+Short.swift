/// Products and quotients of the sizes that markets have, out of 64-bit parts: a division of 128 bits by 64 that fits is one
/// instruction, where the general one of 256 bits by 128 is a hundred. The results are the same to the last digit.
extension FixedDecimal {
    private static let oneUnits: UInt64 = 1_000_000_000_000_000_000

    /// The digits before and behind the point without the sign, the latter as eighteen digits; nil when what is
    /// before it does not fit 64 bits.
    public var parts: (whole: UInt64, fraction: UInt64)? { Self.parts(of: units.magnitude) }

    private static func parts(of magnitude: UInt128) -> (whole: UInt64, fraction: UInt64)? {
        let (high, low) = halves(magnitude)
        guard high < oneUnits else { return nil }
        let (whole, fraction) =
            high == 0
            ? divide(0, low, by: oneUnits)
            : split(magnitude, by: oneUnits)
        return (whole, fraction)
    }

    /// `left × right ÷ 10¹⁸` and the rest of that division; nil when the parts do not fit.
    static func shortProduct(_ left: UInt128, _ right: UInt128) -> (product: UInt128, rest: UInt64)? {
        guard let (a, b) = parts(of: left), let (c, d) = parts(of: right) else { return nil }
        let whole = a.multipliedFullWidth(by: c)
        guard whole.high == 0 else { return nil }
        // Each of the three is less than 2 × 10³⁷, so that nothing overflows.
        let product =
            wide(whole.low) &* wide(oneUnits) &+ wide(a) &* wide(d) &+ wide(b) &* wide(c)
        guard b != 0, d != 0 else { return (product, 0) }
        let (quotient, rest) = split(wide(b) &* wide(d), by: oneUnits)
        return (product &+ wide(quotient), rest)
    }

    /// `left × 10¹⁸ ÷ right` and the rest; nil when `right` or the quotient does not fit.
    static func shortQuotient(_ left: UInt128, _ right: UInt128) -> (quotient: UInt128, rest: UInt64)? {
        let (above, divisor) = halves(right)
        guard above == 0, divisor > 0 else { return nil }
        let (high, low) = halves(left)
        let lower = low.multipliedFullWidth(by: oneUnits)
        let upper = high.multipliedFullWidth(by: oneUnits)
        let (middle, carries) = upper.low.addingReportingOverflow(lower.high)
        let top = upper.high + (carries ? 1 : 0)
        guard top < divisor else { return nil }
        let (first, rest) = divide(top, middle, by: divisor)
        let (second, last) = divide(rest, lower.low, by: divisor)
        return (wide(first) &<< 64 | wide(second), last)
    }

    /// The quotient and the rest, in one instruction where the divisor allows it.
    static func divided(_ dividend: UInt128, by divisor: UInt128) -> (UInt128, UInt128) {
        let (above, short) = halves(divisor)
        let (high, low) = halves(dividend)
        guard above == 0, high < short else { return dividend.quotientAndRemainder(dividingBy: divisor) }
        let (quotient, rest) = divide(high, low, by: short)
        return (wide(quotient), wide(rest))
    }

    /// A dividend whose upper half is less than the divisor.
    private static func divide(_ high: UInt64, _ low: UInt64, by divisor: UInt64) -> (UInt64, UInt64) {
        guard high != 0 else {
            let (quotient, rest) = low.quotientAndRemainder(dividingBy: divisor)
            return (quotient, rest)
        }
        return split(wide(high) &<< 64 | wide(low), by: divisor)
    }

    private static func split(_ dividend: UInt128, by divisor: UInt64) -> (UInt64, UInt64) {
        // The rest is worked out from the quotient: asking for both divides twice.
        let quotient = UInt64(truncatingIfNeeded: dividend / wide(divisor))
        return (quotient, UInt64(truncatingIfNeeded: dividend) &- quotient &* divisor)
    }

    private static func halves(_ value: UInt128) -> (high: UInt64, low: UInt64) {
        (UInt64(truncatingIfNeeded: value &>> 64), UInt64(truncatingIfNeeded: value))
    }

    private static func wide(_ value: UInt64) -> UInt128 { UInt128(truncatingIfNeeded: value) }
}
