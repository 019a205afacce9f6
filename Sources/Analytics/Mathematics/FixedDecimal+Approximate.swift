public import Trading

extension FixedDecimal {
    /// The nearest floating point number, to one unit in its last place: for statistics and charts, never for orders.
    public var approximate: Double { Self.nearest(units) / 1e18 }

    /// By which part of itself this becomes `later`, as 0.1 for 100 and 110. It is not 0.
    ///
    /// The difference is taken exactly, so that a small change of a large sum keeps its digits.
    func change(to later: FixedDecimal) -> Double {
        let (difference, overflow) = later.units.subtractingReportingOverflow(units)
        let exact =
            overflow ? Self.nearest(later.units) - Self.nearest(units) : Self.nearest(difference)
        return exact / Self.nearest(units)
    }

    /// What `Double(units)` is, which takes a long and general way for 128 bits.
    static func nearest(_ units: Int128) -> Double {
        let magnitude = units.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude &>> 64)
        let low = UInt64(truncatingIfNeeded: magnitude)
        guard high != 0 else { return units < 0 ? -Double(low) : Double(low) }
        // The topmost 64 bits. The last of them stands for all that is cut off, so that they round as the whole would.
        let shift = UInt64(high.leadingZeroBitCount)
        let top = shift == 0 ? high : high &<< shift | low &>> (64 - shift)
        let rounded = Double(low &<< shift == 0 ? top : top | 1)
        let value = rounded * Double(bitPattern: (1_023 + 64 - shift) &<< 52)
        return units < 0 ? -value : value
    }
}
