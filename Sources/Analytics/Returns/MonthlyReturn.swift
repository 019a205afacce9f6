public import Trading

/// What a calendar month earned, in UTC.
public struct MonthlyReturn: Hashable, Sendable {
    public let year: Int
    /// From 1.
    public let month: Int
    /// As a part of what there was at the month's beginning.
    public let value: Double

    /// The months of an equity curve, in order; the first and last may be parts of months, and one without a point is not
    /// there. A point at midnight of the first belongs to the month before. Ends where nothing is left.
    ///
    /// - Parameter points: In order of time.
    public static func table(_ points: [EquityPoint], capital: FixedDecimal) -> [MonthlyReturn] {
        var table: [MonthlyReturn] = []
        var opening = capital
        var closing = capital
        var current: CivilDate?
        func close() {
            guard let current, opening.isPositive else { return }
            table.append(
                MonthlyReturn(year: current.year, month: current.month, value: opening.change(to: closing)))
        }
        for point in points {
            let date = CivilDate(utcDay: point.time.advanced(byMilliseconds: -1).utcDay)
            if let known = current, known.year != date.year || known.month != date.month {
                close()
                opening = closing
            }
            current = date
            closing = point.equity
        }
        close()
        return table
    }

    /// What each year of a table earned, its months put on each other.
    public static func years(of table: [MonthlyReturn]) -> [(year: Int, value: Double)] {
        var years: [(year: Int, value: Double)] = []
        for month in table {
            if let last = years.last, last.year == month.year {
                years[years.count - 1].value = (1 + last.value) * (1 + month.value) - 1
            } else {
                years.append((month.year, month.value))
            }
        }
        return years
    }
}
