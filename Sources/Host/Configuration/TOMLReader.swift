/// A value in the configuration file.
enum TOMLValue: Hashable, Sendable {
    /// A number or a truth value, as written.
    case bare(String)
    case string(String)
    case strings([String])
}

/// One `key = value` of the configuration file.
struct TOMLEntry: Hashable, Sendable {
    let section: String
    let key: String
    let value: TOMLValue
    let line: Int
}

/// What is wrong with the text of a configuration file.
struct TOMLFailure: Error, Hashable, Sendable {
    let line: Int
    let reason: String
}

/// Reads the part of TOML 1.0 that a configuration needs: sections, comments, and keys with a string, a number, a
/// truth value or an array of strings.
///
/// Debian 12 packages no TOML library for C. What TOML has beyond this is refused with its line, never
/// misread: dotted keys, inline tables, dates, multi-line strings.
struct TOMLReader {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var section = ""
    private var entries: [TOMLEntry] = []
    private var seen: Set<String> = []

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads a whole file of at most one megabyte.
    static func entries(of bytes: [UInt8]) throws(TOMLFailure) -> [TOMLEntry] {
        guard bytes.count <= 1 << 20 else { throw TOMLFailure(line: 1, reason: "is larger than 1 MiB") }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw TOMLFailure(line: 1, reason: "is not UTF-8")
        }
        var reader = TOMLReader(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
        while reader.position < bytes.count { try reader.statement() }
        return reader.entries
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> TOMLFailure { TOMLFailure(line: line, reason: reason) }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D { position += 1 }
    }

    private mutating func skipComment() {
        guard next == UInt8(ascii: "#") else { return }
        while let byte = next, byte != 0x0A { position += 1 }
    }

    private mutating func statement() throws(TOMLFailure) {
        skipBlanks()
        switch next {
        case nil, UInt8(ascii: "#"), 0x0A:
            break
        case UInt8(ascii: "["):
            position += 1
            skipBlanks()
            section = try name("the name of a section")
            skipBlanks()
            guard next == UInt8(ascii: "]") else { throw failure("a section is written [name]") }
            position += 1
        default:
            try assignment()
        }
        try endOfLine()
    }

    private mutating func endOfLine() throws(TOMLFailure) {
        skipBlanks()
        skipComment()
        switch next {
        case nil: return
        case 0x0A:
            position += 1
            line += 1
        default: throw failure("there is more on the line than one key and its value")
        }
    }

    private mutating func assignment() throws(TOMLFailure) {
        let start = line
        let key = try name("a key")
        skipBlanks()
        guard next == UInt8(ascii: "=") else { throw failure("\(key): expected = behind the key") }
        guard !section.isEmpty else { throw failure("\(key) stands before the first [section]") }
        position += 1
        skipBlanks()
        guard seen.insert("\(section).\(key)").inserted else {
            throw failure("\(section).\(key) stands twice")
        }
        entries.append(TOMLEntry(section: section, key: key, value: try value(), line: start))
    }

    private mutating func name(_ what: String) throws(TOMLFailure) -> String {
        let start = position
        while let byte = next, byte.isLetterOrDigit || byte == 0x5F || byte == 0x2D { position += 1 }
        guard position > start else { throw failure("expected \(what)") }
        guard next != UInt8(ascii: ".") else { throw failure("dotted names are not taken; use a [section]") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func value() throws(TOMLFailure) -> TOMLValue {
        switch next {
        case nil, 0x0A, UInt8(ascii: "#"): throw failure("a value is missing")
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return .strings(try array())
        case UInt8(ascii: "{"): throw failure("inline tables are not taken")
        default:
            let start = position
            while let byte = next, byte > 0x20, byte != UInt8(ascii: "#"), byte != UInt8(ascii: ",") {
                position += 1
            }
            return .bare(String(decoding: bytes[start..<position], as: UTF8.self))
        }
    }

    private mutating func array() throws(TOMLFailure) -> [String] {
        position += 1
        var elements: [String] = []
        while true {
            skipSpaceAndLines()
            switch next {
            case nil: throw failure("an array without an end")
            case UInt8(ascii: "]"):
                position += 1
                return elements
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                elements.append(try string())
                skipSpaceAndLines()
                if next == UInt8(ascii: ",") {
                    position += 1
                } else if next != UInt8(ascii: "]") {
                    throw failure("expected , or ] in the array")
                }
            default: throw failure("an array holds strings in quotation marks")
            }
        }
    }

    private mutating func skipSpaceAndLines() {
        while true {
            skipBlanks()
            skipComment()
            guard next == 0x0A else { return }
            position += 1
            line += 1
        }
    }

    private mutating func string() throws(TOMLFailure) -> String {
        let mark = bytes[position]
        position += 1
        var collected: [UInt8] = []
        while let byte = next, byte != 0x0A {
            position += 1
            if byte == mark {
                guard !(collected.isEmpty && next == mark) else {
                    throw failure("multi-line strings are not taken")
                }
                return String(decoding: collected, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\"), mark == UInt8(ascii: "\"") {
                collected.append(contentsOf: try escape())
            } else {
                collected.append(byte)
            }
        }
        throw failure("a string without an end")
    }

    private mutating func escape() throws(TOMLFailure) -> [UInt8] {
        guard let byte = next else { throw failure("a string without an end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try scalar(digits: 4)
        case UInt8(ascii: "U"): return try scalar(digits: 8)
        default: throw failure("an unknown escape; write \\\\ for a backslash")
        }
    }

    private mutating func scalar(digits: Int) throws(TOMLFailure) -> [UInt8] {
        let end = position + digits
        guard end <= bytes.count else { throw failure("an escape that is no character") }
        let text = String(decoding: bytes[position..<end], as: UTF8.self)
        // A number may have a sign, an escape may not.
        guard text.allSatisfy(\.isHexDigit), let number = UInt32(text, radix: 16),
            let scalar = UnicodeScalar(number)
        else { throw failure("an escape that is no character") }
        position = end
        return Array(String(Character(scalar)).utf8)
    }
}
