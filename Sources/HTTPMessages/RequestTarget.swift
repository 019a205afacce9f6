/// What a request line asks for: a path and a query, both decoded.
public struct RequestTarget: Hashable, Sendable {
    /// The path's parts between slashes, each decoded. `/` has none; a trailing slash leaves an empty last one.
    public let segments: [String]
    /// The query's names and values, decoded, in their order.
    public let query: [Parameter]
    /// The path as it came, still encoded.
    public let path: String
    /// The query as it came, still encoded and without its question mark; empty when there is none.
    public let queryText: String

    /// A name and its value.
    public struct Parameter: Hashable, Sendable {
        public let name: String
        public let value: String
    }

    /// The most names that a query may hold.
    static let queryLimit = 64

    /// Reads `/path?query`; nil when it is malformed: a bad escape, text that is not UTF-8, a control character,
    /// a part `.` or `..`.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "/") else { return nil }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        path = String(decoding: bytes[..<mark], as: UTF8.self)
        queryText = String(decoding: bytes[mark...].dropFirst(), as: UTF8.self)
        var segments: [String] = []
        for part in bytes[1..<mark].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = Self.decoded(part, plusIsSpace: false), segment != ".", segment != ".." else {
                return nil
            }
            segments.append(segment)
        }
        self.segments = segments == [""] ? [] : segments
        var query: [Parameter] = []
        if mark < bytes.endIndex {
            for pair in bytes[(mark + 1)...].split(separator: UInt8(ascii: "&")) {
                let halves = pair.split(
                    separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard query.count < Self.queryLimit,
                    let name = Self.decoded(halves[0], plusIsSpace: true),
                    let value = halves.count > 1 ? Self.decoded(halves[1], plusIsSpace: true) : ""
                else { return nil }
                query.append(Parameter(name: name, value: value))
            }
        }
        self.query = query
    }

    /// Decodes `%XX`; nil for a bad escape, a control character or text that is not UTF-8.
    public static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            var byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.endIndex, let high = hexDigit(bytes[index + 1]),
                    let low = hexDigit(bytes[index + 2])
                else { return nil }
                byte = high << 4 | low
                index += 2
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                byte = UInt8(ascii: " ")
            }
            guard byte >= 0x20, byte != 0x7F else { return nil }
            output.append(byte)
            index += 1
        }
        return String(validating: output, as: UTF8.self)
    }
}

/// The value of one hexadecimal digit.
public func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
