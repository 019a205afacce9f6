public import Wire

/// Some lines of a log, in order.
public struct LogPage: Hashable, Sendable {
    /// The lines.
    public var records: [LogLine]
    /// Whether lines between the place asked for and the first one here have been given up for room.
    public var hasGap: Bool
}

extension LogLine {
    /// Reads a line of the file.
    init(line: ArraySlice<UInt8>) throws {
        let value = try JSONParser.parse(line, limits: JSONParser.Limits(bytes: 1 << 20, depth: 4))
        var reader = try ObjectReader(value)
        self.init(
            sequence: try reader.integer("seq", in: 1...Int.max), time: try reader.time("time"),
            level: try reader.choice("level"), source: try reader.choice("source"),
            message: try reader.string("message", bytes: 1 << 20))
        try reader.finish()
    }

    /// The sequence number at the start of a line that ``json`` wrote; nil for anything else.
    static func sequence(of line: ArraySlice<UInt8>) -> Int? {
        let prefix = Array("{\"seq\":".utf8)
        guard line.starts(with: prefix) else { return nil }
        let digits = line.dropFirst(prefix.count).prefix { (0x30...0x39).contains($0) }
        return Int(String(decoding: digits.prefix(19), as: UTF8.self))
    }
}
