public import Trading
public import Wire

/// The value of one setting.
public enum SettingValue: Hashable, Sendable {
    case integer(Int)
    case decimal(FixedDecimal)
    case boolean(Bool)
    case text(String)
    case texts([String])
    case duration(Duration)

    /// The value as it stands in the configuration file.
    public var fileText: String {
        switch self {
        case .integer(let value): String(value)
        case .decimal(let value): value.description
        case .boolean(let value): value ? "true" : "false"
        case .text(let value): Self.quoted(value)
        case .texts(let values): "[\(values.map(Self.quoted).joined(separator: ", "))]"
        case .duration(let value): Self.quoted(DurationText(value).description)
        }
    }

    /// The value as JSON: decimals and lengths of time as strings.
    public var json: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .decimal(let value): .decimal(value)
        case .boolean(let value): .bool(value)
        case .text(let value): .string(value)
        case .texts(let values): .array(values.map { .string($0) })
        case .duration(let value): .string(DurationText(value).description)
        }
    }

    private static func quoted(_ text: String) -> String {
        // JSON's escapes are a subset of TOML's.
        JSONValue.string(text).text
    }
}

/// A length of time as an operator writes it: `500ms`, `30s`, `10m`, `12h`.
public struct DurationText: CustomStringConvertible, Sendable {
    private let duration: Duration

    /// Wraps a duration of whole milliseconds.
    public init(_ duration: Duration) {
        self.duration = duration
    }

    /// Reads such a text; nil when it is not one.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...9).contains(digits.count), let number = Int64(digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        default: return nil
        }
    }

    /// The text in the largest unit that is exact.
    public var description: String {
        let milliseconds = duration / .milliseconds(1)
        let whole = Int64(milliseconds)
        switch whole {
        case _ where whole % 3_600_000 == 0 && whole > 0: return "\(whole / 3_600_000)h"
        case _ where whole % 60_000 == 0 && whole > 0: return "\(whole / 60_000)m"
        case _ where whole % 1000 == 0: return "\(whole / 1000)s"
        default: return "\(whole)ms"
        }
    }
}
