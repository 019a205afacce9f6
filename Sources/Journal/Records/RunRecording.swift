public import Trading
import Wire

/// What a ``RunRecorder`` recorded.
public struct RunRecording: Sendable {
    /// One thing that was recorded.
    public enum Entry: Hashable, Sendable {
        /// A line of the protocol, byte for byte, without its newline.
        case line(Timestamp, RunRecorder.Direction, [UInt8])
        /// How far a feed had come.
        case cursor(Timestamp, feed: String, cursor: String)
        /// So many lines were left out here, because the disk did not keep up.
        case lost(Timestamp, lines: Int)
        /// So many compressed bytes were given up at the beginning.
        case dropped(Timestamp, bytes: Int)
    }

    private let path: String

    /// Finds the recording in a run's folder.
    public init(folder: String) { path = folder + "/" + RunRecorder.fileName }

    /// Whether anything was recorded and is there still.
    public var exists: Bool { !SegmentedFile.paths(path).isEmpty }

    /// Hands each entry to `body`, oldest first, until it returns false.
    ///
    /// - Returns: Whether all files could be read to their end. After a crash the last block of the last file may be
    ///   incomplete; that is false, and everything before it was handed over.
    @discardableResult
    public func forEach(_ body: (Entry) throws -> Bool) throws -> Bool {
        var isWhole = true
        for path in SegmentedFile.paths(path) {
            var goesOn = true
            let reader = try GzipLineReader(path: path)
            let wasRead = try reader.forEachLine { line in
                goesOn = try body(try Self.entry(line))
                return goesOn
            }
            isWhole = isWhole && wasRead
            guard goesOn else { break }
        }
        return isWhole
    }

    /// The last cursor of each feed.
    public func lastCursors() throws -> [String: String] {
        var cursors: [String: String] = [:]
        try forEach { entry in
            if case .cursor(_, let feed, let cursor) = entry { cursors[feed] = cursor }
            return true
        }
        return cursors
    }

    /// Reads one recorded line. What stands between the frame's ends is taken as it is.
    private static func entry(_ line: ArraySlice<UInt8>) throws -> Entry {
        let start = Array("{\"time\":".utf8)
        let digits = line.dropFirst(start.count).prefix { (0x30...0x39).contains($0) }
        let rest = line.dropFirst(start.count + digits.count)
        guard line.starts(with: start), let milliseconds = Int64(String(decoding: digits, as: UTF8.self)),
            line.last == UInt8(ascii: "}")
        else { throw JSONParser.Failure(reason: "not a recorded line", offset: 0) }
        let time = Timestamp(milliseconds: milliseconds)
        for direction in [RunRecorder.Direction.toStrategy, .fromStrategy] {
            let key = Array(",\"\(direction.rawValue)\":".utf8)
            if rest.starts(with: key) {
                return .line(time, direction, Array(rest.dropFirst(key.count).dropLast()))
            }
        }
        var reader = try ObjectReader(try JSONParser.parse(line))
        _ = try reader.time("time")
        if let lines = try reader.optionalInteger("lost_lines") { return .lost(time, lines: lines) }
        if let bytes = try reader.optionalInteger("dropped_bytes") { return .dropped(time, bytes: bytes) }
        return .cursor(time, feed: try reader.string("feed"), cursor: try reader.string("cursor"))
    }
}
