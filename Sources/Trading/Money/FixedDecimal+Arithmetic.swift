extension FixedDecimal {
    /// The sum.
    public static func + (left: Self, right: Self) throws(ArithmeticFault) -> Self {
        let (sum, overflow) = left.units.addingReportingOverflow(right.units)
        guard !overflow else { throw .outOfRange }
        return Self(units: sum)
    }

    /// The difference.
    public static func - (left: Self, right: Self) throws(ArithmeticFault) -> Self {
        let (difference, overflow) = left.units.subtractingReportingOverflow(right.units)
        guard !overflow else { throw .outOfRange }
        return Self(units: difference)
    }

    /// The value with the other sign.
    public var negated: Self {
        get throws(ArithmeticFault) { try .zero - self }
    }

    /// The value without its sign.
    public var magnitude: Self {
        get throws(ArithmeticFault) { isNegative ? try negated : self }
    }

    /// The product.
    ///
    /// - Parameter rounding: What happens to digits beyond the eighteenth.
    public func multiplied(by other: Self, rounding: Rounding) throws(ArithmeticFault) -> Self {
        let isNegative = isNegative != other.isNegative
        if let (product, rest) = Self.shortProduct(units.magnitude, other.units.magnitude) {
            let rounded = Self.adjust(
                product, remainder: UInt128(rest), divisor: Self.unitsPerOne.magnitude,
                isNegative: isNegative, rounding: rounding)
            return try Self.signed(rounded, isNegative: isNegative)
        }
        let product = units.magnitude.multipliedFullWidth(by: other.units.magnitude)
        return try Self.quotient(
            of: product, by: Self.unitsPerOne.magnitude, isNegative: isNegative, rounding: rounding)
    }

    /// The quotient.
    ///
    /// - Parameter rounding: What happens to digits beyond the eighteenth.
    public func divided(by other: Self, rounding: Rounding) throws(ArithmeticFault) -> Self {
        guard !other.isZero else { throw .divisionByZero }
        let isNegative = isNegative != other.isNegative
        if let (quotient, rest) = Self.shortQuotient(units.magnitude, other.units.magnitude) {
            let rounded = Self.adjust(
                quotient, remainder: UInt128(rest), divisor: other.units.magnitude, isNegative: isNegative,
                rounding: rounding)
            return try Self.signed(rounded, isNegative: isNegative)
        }
        let product = units.magnitude.multipliedFullWidth(by: Self.unitsPerOne.magnitude)
        return try Self.quotient(
            of: product, by: other.units.magnitude, isNegative: isNegative, rounding: rounding)
    }

    /// The nearest multiple of `step`, such as a tick or a lot size.
    ///
    /// - Parameter step: Above nought.
    public func rounded(toMultipleOf step: Self, _ rounding: Rounding) throws(ArithmeticFault) -> Self {
        precondition(step.isPositive, "a step is above nought")
        guard step.units > 1 else { return self }
        let (quotient, remainder) = Self.divided(units.magnitude, by: step.units.magnitude)
        let count = Self.adjust(
            quotient, remainder: remainder, divisor: step.units.magnitude, isNegative: isNegative,
            rounding: rounding)
        let (magnitude, overflow) = count.multipliedReportingOverflow(by: step.units.magnitude)
        guard !overflow else { throw .outOfRange }
        return try Self.signed(magnitude, isNegative: isNegative)
    }

    /// Whether the value is a whole multiple of `step`, which is above nought.
    public func isMultiple(of step: Self) -> Bool {
        precondition(step.isPositive, "a step is above nought")
        return units % step.units == 0
    }

    private static func quotient(
        of dividend: (high: UInt128, low: UInt128), by divisor: UInt128, isNegative: Bool, rounding: Rounding
    ) throws(ArithmeticFault) -> Self {
        let quotient: UInt128
        let remainder: UInt128
        if dividend.high == 0 {
            (quotient, remainder) = dividend.low.quotientAndRemainder(dividingBy: divisor)
        } else {
            guard dividend.high < divisor else { throw .outOfRange }
            (quotient, remainder) = divisor.dividingFullWidth(dividend)
        }
        let rounded = adjust(
            quotient, remainder: remainder, divisor: divisor, isNegative: isNegative, rounding: rounding)
        return try signed(rounded, isNegative: isNegative)
    }

    private static func adjust(
        _ quotient: UInt128, remainder: UInt128, divisor: UInt128, isNegative: Bool, rounding: Rounding
    ) -> UInt128 {
        guard remainder != 0 else { return quotient }
        let goesAway: Bool
        switch rounding {
        case .down: goesAway = false
        case .up: goesAway = true
        case .floor: goesAway = isNegative
        case .ceiling: goesAway = !isNegative
        case .nearestEven:
            let rest = divisor - remainder
            goesAway = remainder > rest || (remainder == rest && quotient & 1 == 1)
        }
        return goesAway ? quotient + 1 : quotient
    }

    private static func signed(_ magnitude: UInt128, isNegative: Bool) throws(ArithmeticFault) -> Self {
        guard magnitude <= Int128.max.magnitude else { throw .outOfRange }
        let value = Int128(magnitude)
        return Self(units: isNegative ? -value : value)
    }
}
