/// Sums and products of amounts that ``TradingBounds`` keeps small. An overflow here is our own fault and traps.
extension FixedDecimal {
    static func sum(_ left: Self, _ right: Self) -> Self { Self(units: left.units + right.units) }
    static func difference(_ left: Self, _ right: Self) -> Self { Self(units: left.units - right.units) }
    static func opposite(_ value: Self) -> Self { Self(units: -value.units) }
    static func size(_ value: Self) -> Self { value.isNegative ? opposite(value) : value }

    /// The product, held within ±10¹⁷ so that sums of products cannot overflow.
    ///
    /// Only a feed gone mad reaches the bound, and then every comparison with a limit still comes out right.
    static func product(_ left: Self, _ right: Self, _ rounding: Rounding) -> Self {
        let isNegative = left.isNegative != right.isNegative
        // Out of range is what the bound is for.
        guard let exact = try? left.multiplied(by: right, rounding: rounding), size(exact) < mostOfOne else {
            return isNegative ? opposite(mostOfOne) : mostOfOne
        }
        return exact
    }

    /// The quotient, held within ±10¹⁷; the divisor is not nought.
    static func quotient(_ left: Self, _ right: Self, _ rounding: Rounding) -> Self {
        precondition(!right.isZero, "a divisor is not nought")
        let isNegative = left.isNegative != right.isNegative
        // Out of range is what the bound is for.
        guard let exact = try? left.divided(by: right, rounding: rounding), size(exact) < mostOfOne else {
            return isNegative ? opposite(mostOfOne) : mostOfOne
        }
        return exact
    }

    /// The nearest multiple of a step that lies within the bounds; the value itself is within them.
    static func stepped(_ value: Self, _ step: Self, _ rounding: Rounding) -> Self {
        // Only a step near the end of the range could carry the value over it; then the value is below one step.
        (try? value.rounded(toMultipleOf: step, rounding)) ?? .zero
    }

    private static let mostOfOne = FixedDecimal(100_000_000_000_000_000)
}

/// What a number from outside may be at most, so that no sum of them can leave ``FixedDecimal``.
public enum TradingBounds {
    /// The highest price that the desk takes.
    public static let price = FixedDecimal(1_000_000_000_000)
    /// The largest quantity of one order or fill.
    public static let quantity = FixedDecimal(1_000_000_000_000_000)
    /// The largest price times quantity of one order or fill.
    public static let notional = FixedDecimal(1_000_000_000_000_000)

    /// Whether a price is above nought and within bounds.
    public static func allows(price: FixedDecimal) -> Bool { price.isPositive && price <= Self.price }

    /// Whether price, quantity and their product are above nought and within bounds.
    public static func allows(price: FixedDecimal, quantity: FixedDecimal) -> Bool {
        guard allows(price: price), quantity.isPositive, quantity <= Self.quantity else { return false }
        return FixedDecimal.product(price, quantity, .up) <= notional
    }
}
