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
        Timestamp(milliseconds: Int64(milliseconds)).utcText()
    }

    /// An instant in UTC to the millisecond, such as `2026-11-20 11:15:10.042`.
    static func instant(_ value: JSONValue?) -> String {
        guard let milliseconds = value?.intValue else { return "-" }
        return Timestamp(milliseconds: Int64(milliseconds)).utcText(to: .milliseconds)
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
}
