public import Trading

/// What is wrong with one field of something that came from outside.
public struct FieldFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field's path, such as `limits.order_notional` or `candles[3].open`. Empty for the whole text.
    public let field: String
    /// What is wrong and what is allowed, in words.
    public let reason: String

    /// Names a field and what is wrong with it.
    public init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }

    /// The field and the reason.
    public var description: String { field.isEmpty ? reason : "\(field): \(reason)" }
}

/// Takes the members of a JSON object one by one and refuses whatever nobody asked for.
///
/// Take every member the object may have, then call ``finish()``.
public struct ObjectReader {
    private let members: [String: JSONValue]
    private var unread: Set<String>
    private let path: String

    /// Opens `value`, which must be an object.
    ///
    /// - Parameter path: The object's own path, which stands before its fields' names in failures.
    public init(_ value: JSONValue, path: String = "") throws(FieldFailure) {
        guard case .object(let members) = value else {
            throw FieldFailure(field: path, reason: "must be an object, not \(value.kind)")
        }
        self.members = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
        unread = Set(self.members.keys)
        self.path = path
    }

    /// A failure about the field called `name`.
    public func failure(_ name: String, _ reason: String) -> FieldFailure {
        FieldFailure(field: fullName(name), reason: reason)
    }

    /// The path of the field called `name`.
    public func fullName(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The member's value, or nil when it is absent or null.
    public mutating func optional(_ name: String) -> JSONValue? {
        unread.remove(name)
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    /// The member's value, which must be there.
    public mutating func required(_ name: String) throws(FieldFailure) -> JSONValue {
        guard let value = optional(name) else { throw failure(name, "is missing") }
        return value
    }

    /// The member's value, which must be there and may be null, where null says something of its own.
    public mutating func requiredOrNull(_ name: String) throws(FieldFailure) -> JSONValue {
        unread.remove(name)
        guard let value = members[name] else { throw failure(name, "is missing") }
        return value
    }

    /// A string of at most `bytes` bytes of UTF-8, or nil when it is absent.
    public mutating func optionalString(_ name: String, bytes: Int = 4096) throws(FieldFailure) -> String? {
        guard let value = optional(name) else { return nil }
        guard case .string(let text) = value else {
            throw failure(name, "must be a string, not \(value.kind)")
        }
        guard text.utf8.count <= bytes else {
            throw failure(name, "has \(text.utf8.count) bytes, at most \(bytes) are taken")
        }
        return text
    }

    /// A string of at most `bytes` bytes of UTF-8.
    public mutating func string(_ name: String, bytes: Int = 4096) throws(FieldFailure) -> String {
        guard let text = try optionalString(name, bytes: bytes) else { throw failure(name, "is missing") }
        return text
    }

    /// A decimal, written as a string, or nil when it is absent. Also takes a plain JSON number.
    public mutating func optionalDecimal(_ name: String) throws(FieldFailure) -> FixedDecimal? {
        guard let value = optional(name) else { return nil }
        let text: String
        switch value {
        case .string(let written), .number(let written): text = written
        case .null, .bool, .array, .object:
            throw failure(name, "must be a decimal such as \"0.01\", not \(value.kind)")
        }
        guard let decimal = FixedDecimal(text) else {
            throw failure(name, "\"\(text.prefix(64))\" is not a decimal such as \"0.01\"")
        }
        return decimal
    }

    /// A decimal, written as a string. Also takes a plain JSON number.
    public mutating func decimal(_ name: String) throws(FieldFailure) -> FixedDecimal {
        guard let value = try optionalDecimal(name) else { throw failure(name, "is missing") }
        return value
    }

    /// A whole number in `range`, or nil when it is absent.
    public mutating func optionalInteger(
        _ name: String, in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(FieldFailure) -> Int? {
        guard let value = optional(name) else { return nil }
        guard let number = value.intValue else {
            throw failure(name, "must be a whole number, not \(value.kind)\(value.numberText)")
        }
        guard range.contains(number) else {
            throw failure(name, "is \(number), allowed are \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A whole number in `range`.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int> = Int.min...Int.max
    ) throws(FieldFailure) -> Int {
        guard let value = try optionalInteger(name, in: range) else { throw failure(name, "is missing") }
        return value
    }

    /// An instant in milliseconds since the epoch, or nil when it is absent.
    public mutating func optionalTime(_ name: String) throws(FieldFailure) -> Timestamp? {
        let limit = 253_402_300_799_999  // the last millisecond of the year 9999
        guard let value = try optionalInteger(name, in: 0...limit) else { return nil }
        return Timestamp(milliseconds: Int64(value))
    }

    /// An instant in milliseconds since the epoch.
    public mutating func time(_ name: String) throws(FieldFailure) -> Timestamp {
        guard let value = try optionalTime(name) else { throw failure(name, "is missing") }
        return value
    }

    /// A truth value, or nil when it is absent.
    public mutating func optionalBool(_ name: String) throws(FieldFailure) -> Bool? {
        guard let value = optional(name) else { return nil }
        guard let bool = value.boolValue else {
            throw failure(name, "must be true or false, not \(value.kind)")
        }
        return bool
    }

    /// One of a fixed set of words, or nil when it is absent.
    public mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, as type: Choice.Type = Choice.self
    ) throws(FieldFailure) -> Choice? where Choice.RawValue == String {
        guard let text = try optionalString(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw failure(name, "\"\(text.prefix(64))\" is not one of \(allowed)")
        }
        return choice
    }

    /// One of a fixed set of words.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, as type: Choice.Type = Choice.self
    ) throws(FieldFailure) -> Choice where Choice.RawValue == String {
        guard let value = try optionalChoice(name, as: type) else { throw failure(name, "is missing") }
        return value
    }

    /// An array of at most `count` values, or nil when it is absent.
    public mutating func optionalArray(_ name: String, count: Int = 1024) throws(FieldFailure) -> [JSONValue]?
    {
        guard let value = optional(name) else { return nil }
        guard let elements = value.arrayValue else {
            throw failure(name, "must be an array, not \(value.kind)")
        }
        guard elements.count <= count else {
            throw failure(name, "has \(elements.count) elements, at most \(count) are taken")
        }
        return elements
    }

    /// A reader for the object called `name`, or nil when it is absent.
    public mutating func optionalObject(_ name: String) throws(FieldFailure) -> ObjectReader? {
        guard let value = optional(name) else { return nil }
        return try ObjectReader(value, path: fullName(name))
    }

    /// Refuses members that nobody took, naming the first of them in alphabetical order.
    public func finish() throws(FieldFailure) {
        guard let name = unread.min() else { return }
        throw failure(name.isEmpty ? "\"\"" : name, "is not a known field")
    }
}

extension JSONValue {
    /// ` 1.5` for a number, for use behind its kind; empty otherwise.
    fileprivate var numberText: String {
        if case .number(let text) = self { " \(text.prefix(32))" } else { "" }
    }
}
