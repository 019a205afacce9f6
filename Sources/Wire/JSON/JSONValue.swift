public import Trading

/// A JSON value as it stood in the text.
///
/// Objects keep their order and numbers their exact text, so that nothing is lost between reading and writing.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number, in the text it was written with.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One name and its value in an object.
    public struct Member: Hashable, Sendable {
        public let name: String
        public let value: JSONValue

        /// Pairs a name with its value.
        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// A whole number.
    public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    /// A decimal, as a string: money is never a JSON number.
    public static func decimal(_ value: FixedDecimal) -> JSONValue { .string(value.description) }

    /// An instant, in whole milliseconds since the epoch.
    public static func time(_ value: Timestamp) -> JSONValue { .integer(value.milliseconds) }

    /// The string, or null for nil.
    public static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    /// An object of the given members; those whose value is nil are left out.
    public static func members(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    /// What kind of value this is, in words for a person.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The value of the member called `name`, when this is an object that has one.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, when this is a string.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The elements, when this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The whole number, when this is one that fits and was written without point or exponent.
    public var intValue: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    /// The truth value, when this is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }
}
