public import Trading
public import Wire

/// One line of a strategy's log.
public struct LogRecord: Hashable, Sendable {
    /// Who wrote a line.
    public enum Source: String, Hashable, Sendable, CaseIterable {
        /// The strategy's `log` message.
        case strategy
        /// The strategy's standard error.
        case stderr
        /// The host, about the strategy.
        case host
    }

    /// Counts up over all runs of the strategy; leaves a gap whenever the host starts.
    public let sequence: Int
    public let time: Timestamp
    public let level: StrategyLogLevel
    public let source: Source
    public let message: String

    /// Describes a line.
    public init(sequence: Int, time: Timestamp, level: StrategyLogLevel, source: Source, message: String) {
        self.sequence = sequence
        self.time = time
        self.level = level
        self.source = source
        self.message = message
    }

    /// As the file and the API write it.
    public var json: JSONValue {
        .members([
            "seq": .integer(sequence), "time": .time(time), "level": .string(level.rawValue),
            "source": .string(source.rawValue), "message": .string(message),
        ])
    }

    /// Reads a line of the file.
    init(line: ArraySlice<UInt8>) throws {
        let value = try JSONParser.parse(line, limits: JSONParser.Limits(bytes: 1 << 20, depth: 4))
        var reader = try ObjectReader(value)
        sequence = try reader.integer("seq", in: 1...Int.max)
        time = try reader.time("time")
        level = try reader.choice("level")
        source = try reader.choice("source")
        message = try reader.string("message", bytes: 1 << 20)
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

/// Some lines of a log, in order.
public struct LogPage: Hashable, Sendable {
    /// The lines.
    public var records: [LogRecord]
    /// Whether lines between the place asked for and the first one here have been given up for room.
    public var hasGap: Bool
}
