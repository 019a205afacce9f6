import Trading
import Wire

extension JSONValue {
    /// The decimal, or null for nil.
    static func orNull(_ value: FixedDecimal?) -> JSONValue { value.map { .decimal($0) } ?? .null }

    /// The instant, or null for nil.
    static func orNull(_ value: Timestamp?) -> JSONValue { value.map { .time($0) } ?? .null }

    /// The whole number, or null for nil.
    static func orNull(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }

    /// A span of time in seconds with three digits after the point, from 0 to a billion.
    static func seconds(_ value: Double) -> JSONValue {
        let thousandths = value.isFinite ? Int((min(max(0, value), 1e9) * 1000).rounded()) : 0
        let fraction = String(thousandths % 1000)
        return .number(
            "\(thousandths / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)")
    }
}
