/// A strict, bounded reader of JSON text (RFC 8259).
///
/// It refuses what lenient readers let through: duplicate names, lone surrogates, bad UTF-8, control characters in
/// strings, numbers such as `01`, `NaN` or `1.`, text after the value, nesting and sizes beyond the given limits.
public struct JSONParser {
    /// How much one text may hold.
    public struct Limits: Sendable {
        /// Bytes of text.
        public var bytes: Int
        /// Arrays and objects inside each other.
        public var depth: Int
        /// Digits, sign, point and exponent of one number.
        public var numberBytes: Int

        /// Sets limits.
        public init(bytes: Int = 1 << 20, depth: Int = 64, numberBytes: Int = 64) {
            self.bytes = bytes
            self.depth = depth
            self.numberBytes = numberBytes
        }

        /// What one line of the strategy protocol may hold: 64 KiB, 16 deep.
        public static let line = Limits(bytes: 64 << 10, depth: 16, numberBytes: 64)
    }

    /// Why a text is not JSON that this reader takes.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, in words.
        public let reason: String
        /// Where, in bytes from the start.
        public let offset: Int

        /// Names a reason and a place.
        public init(reason: String, offset: Int) {
            self.reason = reason
            self.offset = offset
        }

        /// The reason and the place.
        public var description: String { "\(reason) at byte \(offset)" }
    }

    private let bytes: ArraySlice<UInt8>
    private let limits: Limits
    private var position: Int

    private init(_ bytes: ArraySlice<UInt8>, limits: Limits) {
        self.bytes = bytes
        self.limits = limits
        position = bytes.startIndex
    }

    /// Reads one value that fills the whole text.
    public static func parse(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(Failure)
        -> JSONValue
    {
        var parser = JSONParser(bytes, limits: limits)
        guard bytes.count <= limits.bytes else {
            throw Failure(
                reason: "text of \(bytes.count) bytes, at most \(limits.bytes) are taken", offset: 0)
        }
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.endIndex else { throw parser.failure("text after the value") }
        return value
    }

    /// Reads one value that fills the whole text.
    public static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(Failure) -> JSONValue {
        try parse(bytes[...], limits: limits)
    }

    /// Reads one value that fills the whole text.
    public static func parse(_ text: String, limits: Limits = Limits()) throws(Failure) -> JSONValue {
        try parse(Array(text.utf8)[...], limits: limits)
    }

    private func failure(_ reason: String) -> Failure {
        Failure(reason: reason, offset: position - bytes.startIndex)
    }

    private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard let byte = next else { throw failure("text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
        default: throw failure("unexpected character")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let expected = Array("\(text)".utf8)
        guard bytes[position...].starts(with: expected) else { throw failure("unexpected character") }
        position += expected.count
        return value
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
        position += 1
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a member's name must be a string") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else {
                position = start
                throw failure("\"\(name.prefix(64))\" stands twice")
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("expected ':'") }
            position += 1
            skipSpace()
            members.append(JSONValue.Member(name, try value(depth: depth)))
            skipSpace()
            if try closes(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth))
            skipSpace()
            if try closes(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    /// After an element: true at the closing mark, false at a comma.
    private mutating func closes(with mark: UInt8) throws(Failure) -> Bool {
        switch next {
        case mark:
            position += 1
            return true
        case UInt8(ascii: ","):
            position += 1
            return false
        default:
            throw failure("expected ',' or '\(Character(UnicodeScalar(mark)))'")
        }
    }

    private mutating func digits() throws(Failure) {
        guard let byte = next, (0x30...0x39).contains(byte) else { throw failure("expected a digit") }
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    }

    private mutating func number() throws(Failure) -> String {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") {
            position += 1
            if let byte = next, (0x30...0x39).contains(byte) { throw failure("a number starts with 0") }
        } else {
            try digits()
        }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        guard position - start <= limits.numberBytes else {
            throw failure("a number longer than \(limits.numberBytes) bytes")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            guard byte >= 0x20 else { throw failure("a control character in a string") }
            position += 1
        }
        if next == UInt8(ascii: "\"") {
            let text = try validated(bytes[start..<position])
            position += 1
            return text
        }
        var collected = Array(bytes[start..<position])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let text = try validated(collected[...])
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &collected)
            case ..<0x20:
                throw failure("a control character in a string")
            default:
                collected.append(byte)
                position += 1
            }
        }
        throw failure("a string without an end")
    }

    private func validated(_ text: ArraySlice<UInt8>) throws(Failure) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("a string that is not UTF-8")
        }
        return string
    }

    private mutating func escape(into collected: inout [UInt8]) throws(Failure) {
        guard let byte = next else { throw failure("a string without an end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): collected.append(byte)
        case UInt8(ascii: "b"): collected.append(0x08)
        case UInt8(ascii: "f"): collected.append(0x0C)
        case UInt8(ascii: "n"): collected.append(0x0A)
        case UInt8(ascii: "r"): collected.append(0x0D)
        case UInt8(ascii: "t"): collected.append(0x09)
        case UInt8(ascii: "u"): collected.append(contentsOf: String(try escapedScalar()).utf8)
        default:
            position -= 1
            throw failure("an unknown escape")
        }
    }

    private mutating func escapedScalar() throws(Failure) -> Character {
        let first = try hexadecimal()
        if let scalar = UnicodeScalar(first) { return Character(scalar) }
        guard (0xD800..<0xDC00).contains(first), next == UInt8(ascii: "\\") else {
            throw failure("half a surrogate pair")
        }
        position += 1
        guard next == UInt8(ascii: "u") else { throw failure("half a surrogate pair") }
        position += 1
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = UnicodeScalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw failure("half a surrogate pair") }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
