internal import Trading

/// Sums and products of amounts in the account's currency, which the bounds of orders and prices keep far within range.
extension FixedDecimal {
    static func adding(_ left: Self, _ right: Self) -> Self { Self(units: left.units + right.units) }
    static func subtracting(_ left: Self, _ right: Self) -> Self { Self(units: left.units - right.units) }
    static func flipped(_ value: Self) -> Self { Self(units: -value.units) }
    static func absolute(_ value: Self) -> Self { value.isNegative ? flipped(value) : value }

    /// The product to the eighteenth digit.
    static func times(_ left: Self, _ right: Self, _ rounding: Rounding = .nearestEven) -> Self {
        do { return try left.multiplied(by: right, rounding: rounding) } catch {
            preconditionFailure("an amount out of range: \(left) times \(right)")
        }
    }

    /// The quotient to the eighteenth digit; the divisor is not nought.
    static func ratio(_ left: Self, _ right: Self) -> Self {
        do { return try left.divided(by: right, rounding: .nearestEven) } catch {
            preconditionFailure("an amount out of range: \(left) by \(right)")
        }
    }
}
