/// The header fields of a message, in their order. Names are kept in lower case.
public struct HTTPHeaders: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// One field.
    public struct Field: Hashable, Sendable {
        public let name: String
        public let value: String
    }

    /// Every field.
    public private(set) var fields: [Field] = []

    /// No fields.
    public init() {}

    /// The given fields.
    public init(dictionaryLiteral fields: (String, String)...) {
        for (name, value) in fields { add(name, value) }
    }

    /// Adds a field behind the others.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name.lowercased(), value: value))
    }

    /// The only field of that name; nil when there is none or more than one. `name` is in lower case.
    public subscript(name: String) -> String? {
        var found: String?
        for field in fields where field.name == name {
            guard found == nil else { return nil }
            found = field.value
        }
        return found
    }

    /// How many fields have that name, which is in lower case.
    public func count(_ name: String) -> Int { fields.count { $0.name == name } }

    /// Whether a field's comma-separated list holds `word`, in any case.
    public func lists(_ word: String, in name: String) -> Bool {
        fields.contains { field in
            field.name == name
                && field.value.split(separator: ",").contains { $0.trimmed.lowercased() == word }
        }
    }
}

extension StringProtocol {
    /// The text without spaces and tabs at its ends.
    public var trimmed: SubSequence {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = firstIndex { !isSpace($0) } ?? endIndex
        let end = lastIndex { !isSpace($0) }.map { index(after: $0) } ?? start
        return self[start..<Swift.max(start, end)]
    }
}
