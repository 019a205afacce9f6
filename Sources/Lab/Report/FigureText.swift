import Analytics
import Trading

/// Numbers and times as a person reads them in a report; a dash for what is not there.
enum FigureText {
    /// With so many digits behind the point and spaces between thousands; half is rounded away from 0.
    static func fixed(_ value: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 9e15 else { return value.description }
        let digits = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        let whole = padded.dropLast(places)
        let sign = value < 0 && scaled > 0 ? "\u{2212}" : ""
        return sign + grouped(whole) + (places > 0 ? "." + padded.suffix(places) : "")
    }

    private static func grouped(_ digits: Substring) -> String {
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "\u{2009}" }
            text.append(digit)
        }
        return text
    }

    /// 0.1234 as `12.34 %`.
    static func part(_ value: Double?) -> String {
        value.map { fixed($0 * 100, 2) + " %" } ?? "–"
    }

    /// A metric's value in its unit.
    static func metric(_ value: Double?, _ unit: MetricUnit) -> String {
        guard let value else { return "–" }
        return switch unit {
        case .money: money(value)
        case .part: part(value)
        case .ratio: fixed(value, 3)
        case .count: fixed(value, 0)
        case .days: fixed(value, 1) + " d"
        case .hours: value < 48 ? fixed(value, 1) + " h" : fixed(value / 24, 1) + " d"
        }
    }

    /// Two digits behind the point, more for small sums.
    static func money(_ value: Double) -> String {
        let size = abs(value)
        return fixed(value, size == 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 8)
    }

    /// As in `2024-07-04 12:30`, UTC.
    static func time(_ time: Timestamp) -> String { time.utcText(to: .minutes) }

    /// As in `2024-07-04`, UTC.
    static func date(_ time: Timestamp) -> String { CivilDate(utcDay: time.utcDay).description }

    static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
