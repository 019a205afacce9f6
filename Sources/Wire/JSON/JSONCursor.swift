/// A place in a JSON text, and the rules for moving on from it.
///
/// The text itself is passed to each call: a `Span` cannot be stored, and need not be.
struct JSONCursor {
    /// A string as it stands in the text, between its quotation marks.
    struct RawString {
        let range: Range<Int>
        let hasEscapes: Bool
    }

    private let limits: JSONParser.Limits
    /// Bytes from the start of the text.
    private(set) var position = 0

    init(limits: JSONParser.Limits) {
        self.limits = limits
    }

    func failure(_ reason: String) -> JSONParser.Failure {
        JSONParser.Failure(reason: reason, offset: position)
    }

    func failure(_ reason: String, at offset: Int) -> JSONParser.Failure {
        JSONParser.Failure(reason: reason, offset: offset)
    }

    func checkSize(of text: Span<UInt8>) throws(JSONParser.Failure) {
        guard text.count <= limits.bytes else {
            throw failure("text of \(text.count) bytes, at most \(limits.bytes) are taken", at: 0)
        }
    }

    /// The byte at the cursor; 0, which no JSON text holds outside a string, at the end.
    func next(in text: Span<UInt8>) -> UInt8 { position < text.count ? text[position] : 0 }

    mutating func skipSpace(in text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// Takes `byte`, which must come next.
    mutating func take(_ byte: UInt8, in text: Span<UInt8>) throws(JSONParser.Failure) {
        guard next(in: text) == byte else { throw failure("expected '\(Character(UnicodeScalar(byte)))'") }
        position += 1
    }

    /// After an element: true at the closing mark, false at a comma. Takes either.
    mutating func closes(with mark: UInt8, in text: Span<UInt8>) throws(JSONParser.Failure) -> Bool {
        switch next(in: text) {
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

    mutating func value(in text: Span<UInt8>, depth: Int) throws(JSONParser.Failure) -> JSONValue {
        switch next(in: text) {
        case UInt8(ascii: "{"): return try object(in: text, depth: depth + 1)
        case UInt8(ascii: "["): return try array(in: text, depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string(in: text))
        case UInt8(ascii: "t"):
            try word("true", in: text)
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false", in: text)
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null", in: text)
            return .null
        case UInt8(ascii: "-"), 0x30...0x39:
            let range = try number(in: text)
            return .number(try decoded(RawString(range: range, hasEscapes: false), in: text))
        default:
            throw failure(
                position == text.count ? "text ends where a value should be" : "unexpected character")
        }
    }

    private mutating func object(in text: Span<UInt8>, depth: Int) throws(JSONParser.Failure) -> JSONValue {
        guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
        position += 1
        var members: [JSONValue.Member] = []
        var names = NameSet()
        skipSpace(in: text)
        if next(in: text) == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            skipSpace(in: text)
            let start = position
            let name = try decoded(try memberName(in: text), in: text)
            guard names.insert(name, beside: members) else {
                throw failure("\"\(name.prefix(64))\" stands twice", at: start)
            }
            members.append(JSONValue.Member(name, try value(in: text, depth: depth)))
            skipSpace(in: text)
            if try closes(with: UInt8(ascii: "}"), in: text) { return .object(members) }
        }
    }

    /// A member's name, its colon, and the space up to its value.
    mutating func memberName(in text: Span<UInt8>) throws(JSONParser.Failure) -> RawString {
        guard next(in: text) == UInt8(ascii: "\"") else { throw failure("a member's name must be a string") }
        let name = try rawString(in: text)
        skipSpace(in: text)
        try take(UInt8(ascii: ":"), in: text)
        skipSpace(in: text)
        return name
    }

    private mutating func array(in text: Span<UInt8>, depth: Int) throws(JSONParser.Failure) -> JSONValue {
        guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
        position += 1
        var elements: [JSONValue] = []
        skipSpace(in: text)
        if next(in: text) == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            skipSpace(in: text)
            elements.append(try value(in: text, depth: depth))
            skipSpace(in: text)
            if try closes(with: UInt8(ascii: "]"), in: text) { return .array(elements) }
        }
    }

    /// Takes `true`, `false` or `null`, as far as it stands there.
    mutating func word(_ word: String, in text: Span<UInt8>) throws(JSONParser.Failure) {
        let start = position
        for byte in word.utf8 {
            guard next(in: text) == byte else { throw failure("unexpected character", at: start) }
            position += 1
        }
    }

    /// Takes a number and says where it stands.
    mutating func number(in text: Span<UInt8>) throws(JSONParser.Failure) -> Range<Int> {
        let start = position
        if next(in: text) == UInt8(ascii: "-") { position += 1 }
        if next(in: text) == UInt8(ascii: "0") {
            position += 1
            if Self.isDigit(next(in: text)) { throw failure("a number starts with 0") }
        } else {
            try digits(in: text)
        }
        if next(in: text) == UInt8(ascii: ".") {
            position += 1
            try digits(in: text)
        }
        if next(in: text) | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = next(in: text)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits(in: text)
        }
        guard position - start <= limits.numberBytes else {
            throw failure("a number longer than \(limits.numberBytes) bytes")
        }
        return start..<position
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private mutating func digits(in text: Span<UInt8>) throws(JSONParser.Failure) {
        guard Self.isDigit(next(in: text)) else { throw failure("expected a digit") }
        while Self.isDigit(next(in: text)) { position += 1 }
    }

    /// Takes a string; its text is checked when it is decoded.
    mutating func rawString(in text: Span<UInt8>) throws(JSONParser.Failure) -> RawString {
        position += 1
        let start = position
        var hasEscapes = false
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return RawString(range: start..<position - 1, hasEscapes: hasEscapes)
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                position += 1
            }
            guard byte >= 0x20 else { throw failure("a control character in a string") }
            position += 1
        }
        position = text.count
        throw failure("a string without an end")
    }

    private mutating func string(in text: Span<UInt8>) throws(JSONParser.Failure) -> String {
        try decoded(try rawString(in: text), in: text)
    }

    /// The text of a string: its escapes resolved, its UTF-8 checked.
    func decoded(_ raw: RawString, in text: Span<UInt8>) throws(JSONParser.Failure) -> String {
        guard raw.hasEscapes else {
            return try validated(text.extracting(raw.range), at: raw.range.lowerBound)
        }
        var escapes = EscapeReader(position: raw.range.lowerBound, end: raw.range.upperBound)
        let collected = try escapes.resolve(in: text)
        return try validated(collected.span, at: raw.range.lowerBound)
    }

    private func validated(_ bytes: Span<UInt8>, at offset: Int) throws(JSONParser.Failure) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw failure("a string that is not UTF-8", at: offset)
        }
    }
}

/// Which member names an object has had: compared one by one while they are few, hashed beyond.
private struct NameSet {
    private static let few = 12
    private var names: Set<String> = []

    /// False when `name` is already among `members`. Call it once before each member is added.
    mutating func insert(_ name: String, beside members: [JSONValue.Member]) -> Bool {
        if members.count < Self.few {
            return !members.contains { $0.name == name }
        }
        if names.isEmpty { names = Set(members.map(\.name)) }
        return names.insert(name).inserted
    }
}

/// Resolves the escapes of one string.
private struct EscapeReader {
    var position: Int
    let end: Int

    private func failure(_ reason: String) -> JSONParser.Failure {
        JSONParser.Failure(reason: reason, offset: position)
    }

    mutating func resolve(in text: Span<UInt8>) throws(JSONParser.Failure) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(end - position)
        while position < end {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "\\") {
                try escape(in: text, to: &output)
            } else {
                output.append(byte)
            }
        }
        return output
    }

    private mutating func escape(in text: Span<UInt8>, to output: inout [UInt8]) throws(JSONParser.Failure) {
        let byte = text[position]  // the string's end was found behind it
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            output.append(contentsOf: String(try scalar(in: text)).utf8)
            return
        default: throw failure("an unknown escape")
        }
        position += 1
    }

    private mutating func scalar(in text: Span<UInt8>) throws(JSONParser.Failure) -> Character {
        let first = try hexadecimal(in: text)
        if let scalar = UnicodeScalar(first) { return Character(scalar) }
        guard first < 0xDC00, position + 1 < end, text[position] == UInt8(ascii: "\\"),
            text[position + 1] == UInt8(ascii: "u")
        else { throw failure("half a surrogate pair") }
        position += 2
        let second = try hexadecimal(in: text)
        guard (0xDC00..<0xE000).contains(second),
            let scalar = UnicodeScalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw failure("half a surrogate pair") }
        return Character(scalar)
    }

    private mutating func hexadecimal(in text: Span<UInt8>) throws(JSONParser.Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < end else { throw failure("expected four hexadecimal digits") }
            let digit: UInt8
            switch text[position] {
            case let byte where byte >= 0x30 && byte <= 0x39: digit = byte - 0x30
            case let byte where byte >= 0x41 && byte <= 0x46: digit = byte - 0x41 + 10
            case let byte where byte >= 0x61 && byte <= 0x66: digit = byte - 0x61 + 10
            default: throw failure("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
