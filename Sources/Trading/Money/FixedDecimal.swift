/// An exact decimal with eighteen digits after the point.
///
/// Every price, quantity, amount and rate in Bullpen is one of these. The range is about ±1.7 × 10²⁰; an
/// operation whose exact result does not fit throws ``ArithmeticFault`` and never wraps, and an operation whose
/// result needs more digits asks for a named ``Rounding``.
public struct FixedDecimal: Hashable, Comparable, Sendable {
    /// The value times 10¹⁸.
    public let units: Int128

    /// How many digits stand after the point.
    public static let scale = 18

    /// Units in one.
    public static let unitsPerOne: Int128 = 1_000_000_000_000_000_000

    /// Nought.
    public static let zero = FixedDecimal(units: 0)

    /// One.
    public static let one = FixedDecimal(units: unitsPerOne)

    /// Makes a value from its raw units.
    public init(units: Int128) {
        self.units = units
    }

    /// Makes a whole number. Every `Int` fits.
    public init(_ whole: Int) {
        units = Int128(whole) * Self.unitsPerOne
    }

    /// Whether the value is below nought.
    public var isNegative: Bool { units < 0 }

    /// Whether the value is above nought.
    public var isPositive: Bool { units > 0 }

    /// Whether the value is nought.
    public var isZero: Bool { units == 0 }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.units < right.units }
}

/// What an exact operation could not do.
public enum ArithmeticFault: Error, Hashable, Sendable {
    /// The exact result lies outside the range of ``FixedDecimal``.
    case outOfRange
    /// The divisor was nought.
    case divisionByZero
}

/// Where a result goes that lies between two representable ones.
public enum Rounding: Hashable, Sendable {
    /// Toward nought.
    case down
    /// Away from nought.
    case up
    /// Toward minus infinity.
    case floor
    /// Toward plus infinity.
    case ceiling
    /// To the nearest; a tie goes to the even neighbour.
    case nearestEven
}
