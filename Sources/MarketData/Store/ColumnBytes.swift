/// Puts whole numbers one after another, small ones in few bytes.
///
/// Seven bits a byte, the lowest first; the eighth says that more follow.
struct ColumnWriter {
    private(set) var bytes: [UInt8] = []

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A number that may be negative: 0, -1, 1, -2 … become 0, 1, 2, 3 …
    mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }
}

/// Takes apart what ``ColumnWriter`` put together.
struct ColumnReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Whether everything was taken.
    var isAtEnd: Bool { position == bytes.count }

    mutating func unsigned() throws(ChunkFlaw) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw ChunkFlaw("its columns end early, or hold a number that is too large")
    }

    mutating func signed() throws(ChunkFlaw) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

/// What is wrong with a stored chunk, in words that follow on its name.
struct ChunkFlaw: Error, Hashable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
