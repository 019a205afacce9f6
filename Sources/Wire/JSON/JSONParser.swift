/// A strict, bounded reader of JSON text (RFC 8259).
///
/// It refuses what lenient readers let through: duplicate names, lone surrogates, bad UTF-8, control characters in
/// strings, numbers such as `01`, `NaN` or `1.`, text after the value, nesting and sizes beyond the given limits.
public enum JSONParser {
    /// How much one text may hold.
    public struct Limits: Sendable {
        /// Bytes of text.
        public var bytes: Int
        /// Arrays and objects inside each other.
        public var depth: Int
        /// Digits, sign, point and exponent of one number.
        public var numberBytes: Int

        /// Sets limits.
        public init(bytes: Int = 1 << 20, depth: Int = 64, numberBytes: Int = 128) {
            self.bytes = bytes
            self.depth = depth
            self.numberBytes = numberBytes
        }

        /// What one line of the strategy protocol may hold: 64 KiB, 16 deep.
        public static let line = Limits(bytes: 64 << 10, depth: 16)
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

    /// Reads one value that fills the whole text.
    public static func parse(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(Failure)
        -> JSONValue
    {
        let text = bytes.span
        var cursor = JSONCursor(limits: limits)
        try cursor.checkSize(of: text)
        cursor.skipSpace(in: text)
        let value = try cursor.value(in: text, depth: 0)
        cursor.skipSpace(in: text)
        guard cursor.position == text.count else { throw cursor.failure("text after the value") }
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
}
