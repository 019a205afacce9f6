import Trading
import Wire

/// Values from the host, as people read them.
enum Words {
    /// A member as text; a dash when it is absent or null.
    static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "-"
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "yes" : "no"
        case .array(let elements): elements.isEmpty ? "-" : elements.map { text($0) }.joined(separator: ", ")
        case .object: value?.text ?? "-"
        }
    }

    /// A decimal with a thin hand: at most eight digits behind the point.
    static func amount(_ value: JSONValue?) -> String {
        let written = text(value)
        guard let decimal = FixedDecimal(written), let point = written.firstIndex(of: "."),
            written[point...].count > 9
        else { return written }
        let shift: Int128 = 10_000_000_000
        return FixedDecimal(units: decimal.units / shift * shift).description
    }

    /// An instant in UTC, such as `2026-11-20 11:15:10`.
    static func time(_ value: JSONValue?) -> String {
        guard let milliseconds = value?.intValue else { return "-" }
        return time(milliseconds: milliseconds)
    }

    static func time(milliseconds: Int) -> String {
        let seconds = floorDivide(milliseconds, 1000)
        let (days, rest) = (floorDivide(seconds, 86_400), seconds - floorDivide(seconds, 86_400) * 86_400)
        let (year, month, day) = date(daysSinceEpoch: days)
        return
            "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) "
            + "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    }

    /// Bytes in a unit that fits.
    static func bytes(_ value: JSONValue?) -> String {
        guard let count = value?.intValue else { return "-" }
        switch count {
        case ..<1024: return "\(count) B"
        case ..<1_048_576: return "\(count / 1024) KiB"
        case ..<1_073_741_824: return "\(count / 1_048_576) MiB"
        default: return "\(count / 1_073_741_824) GiB"
        }
    }

    /// Days to a date of the Gregorian calendar, by Howard Hinnant's `civil_from_days`.
    private static func date(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
