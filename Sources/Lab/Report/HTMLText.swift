/// Text of a page that was put together from markup and escaped words; words never become markup.
struct HTMLText: ExpressibleByStringInterpolation {
    private(set) var text: String

    /// Markup as it stands in the source.
    init(stringLiteral text: String) {
        self.text = text
    }

    init(stringInterpolation: Interpolation) {
        text = stringInterpolation.text
    }

    /// What is put in is escaped, unless it is markup itself.
    struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }

        mutating func appendInterpolation(_ words: String) { text += HTMLText.escaped(words) }

        mutating func appendInterpolation(_ number: Int) { text += String(number) }

        mutating func appendInterpolation(_ markup: HTMLText) { text += markup.text }

        mutating func appendInterpolation(_ parts: [HTMLText]) {
            for part in parts { text += part.text }
        }
    }

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.text += right.text
        return sum
    }

    private static func escaped(_ words: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.utf8.count)
        for byte in words.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case UInt8(ascii: "'"): bytes += "&#39;".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
