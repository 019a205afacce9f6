/// Writes a zip archive of stored files: enough to send a folder of sources.
struct ZipWriter {
    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    /// Adds a file; false when the archive would outgrow the format without its 64-bit extension.
    mutating func add(_ path: String, _ content: [UInt8]) -> Bool {
        let name = Array(path.utf8)
        guard count < .max, name.count < 65_536, bytes.count + content.count + 65_536 < Int(UInt32.max) else {
            return false
        }
        // Version 2.0, names in UTF-8, stored, midnight on the first day of 1980, checksum, sizes, name's length.
        var head: [UInt8] = []
        for field: UInt16 in [20, 1 << 11, 0, 0, 0x21] { Self.append(field, to: &head) }
        for field in [Self.checksum(content), UInt32(content.count), UInt32(content.count)] {
            Self.append(field, to: &head)
        }
        Self.append(UInt16(name.count), to: &head)
        Self.append(UInt16(0), to: &head)

        Self.append(0x0201_4B50 as UInt32, to: &directory)
        Self.append(0x031E as UInt16, to: &directory)  // Made on Unix.
        directory += head
        for field: UInt16 in [0, 0, 0] { Self.append(field, to: &directory) }
        Self.append(0o100644 << 16 as UInt32, to: &directory)
        Self.append(UInt32(bytes.count), to: &directory)
        directory += name

        Self.append(0x0403_4B50 as UInt32, to: &bytes)
        bytes += head + name + content
        count += 1
        return true
    }

    /// The whole archive.
    func finished() -> [UInt8] {
        var end: [UInt8] = []
        Self.append(0x0605_4B50 as UInt32, to: &end)
        for field: UInt16 in [0, 0, count, count] { Self.append(field, to: &end) }
        Self.append(UInt32(directory.count), to: &end)
        Self.append(UInt32(bytes.count), to: &end)
        Self.append(0 as UInt16, to: &end)
        return bytes + directory + end
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    private static func checksum(_ content: [UInt8]) -> UInt32 {
        ~content.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
}
