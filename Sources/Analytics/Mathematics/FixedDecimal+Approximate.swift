public import Trading

extension FixedDecimal {
    /// The nearest floating point number, to one unit in its last place: for statistics and charts, never for orders.
    public var approximate: Double { Double(units) / 1e18 }

    /// By which part of itself this becomes `later`, as 0.1 for 100 and 110. It is not 0.
    ///
    /// The difference is taken exactly, so that a small change of a large sum keeps its digits.
    func change(to later: FixedDecimal) -> Double {
        let (difference, overflow) = later.units.subtractingReportingOverflow(units)
        let exact = overflow ? Double(later.units) - Double(units) : Double(difference)
        return exact / Double(units)
    }
}
