/// Where a part of the host writes what happened: one JSON object a line.
///
/// A small value, handed to whoever logs. It knows its part and whom its lines are about; making a narrower one
/// is ``with(strategy:run:order:)``. Never log a key, a token, a password or a venue's raw answer.
public struct HostLog: Sendable {
    /// How much a line matters.
    public enum Level: Int, Hashable, Comparable, Sendable, CaseIterable {
        case debug, info, warning, error

        /// The word in the log and in the configuration.
        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        /// Less matters less.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private let sink: LogSink
    private let part: String
    private var strategy: String?
    private var run: String?
    private var order: String?

    /// A log for `part`, such as `web` or `supervisor`.
    public init(part: String, sink: LogSink) {
        self.part = part
        self.sink = sink
    }

    /// The same log for another part.
    public func part(_ name: String) -> HostLog { HostLog(part: name, sink: sink) }

    /// The same log, whose lines are about these.
    public func with(strategy: String? = nil, run: String? = nil, order: String? = nil) -> HostLog {
        var log = self
        log.strategy = strategy ?? self.strategy
        log.run = run ?? self.run
        log.order = order ?? self.order
        return log
    }

    /// For whoever looks for a fault in the host itself.
    public func debug(_ message: @autoclosure () -> String, _ details: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, details)
    }

    /// What happened in the ordinary course.
    public func info(_ message: @autoclosure () -> String, _ details: KeyValuePairs<String, String> = [:]) {
        write(.info, message, details)
    }

    /// What the operator should look at some time.
    public func warning(
        _ message: @autoclosure () -> String, _ details: KeyValuePairs<String, String> = [:]
    ) {
        write(.warning, message, details)
    }

    /// What the operator should look at now.
    public func error(_ message: @autoclosure () -> String, _ details: KeyValuePairs<String, String> = [:]) {
        write(.error, message, details)
    }

    private func write(_ level: Level, _ message: () -> String, _ details: KeyValuePairs<String, String>) {
        guard level >= sink.level else { return }
        var line = LogLineText()
        line.add("time", number: WallClock.milliseconds)
        line.add("level", level.name)
        line.add("part", part)
        if let strategy { line.add("strategy", strategy) }
        if let run { line.add("run", run) }
        if let order { line.add("order", order) }
        line.add("message", message())
        for (name, value) in details { line.add(name, value) }
        sink.take(line.finished)
    }
}

/// One line of JSON in the making. `Wire` lies above this target, so the few bytes needed are written here.
struct LogLineText {
    /// A value longer than this is cut: a log line is for reading.
    static let valueLimit = 8192

    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func add(_ name: String, number: Int64) {
        key(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func add(_ name: String, _ value: String) {
        key(name)
        let masked = Self.maskingTokens(value)
        text(masked.utf8.prefix(Self.valueLimit))
    }

    var finished: [UInt8] { bytes + [UInt8(ascii: "}"), UInt8(ascii: "\n")] }

    private mutating func key(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        text(name.utf8.prefix(64))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func text(_ value: Substring.UTF8View) {
        bytes.append(UInt8(ascii: "\""))
        // A cut inside a character would leave half of it behind; decoding mends that.
        for byte in String(decoding: value, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case ..<0x20, 0x7F:
                let digits = Array("0123456789abcdef".utf8)
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The last line of defence: an API token that slipped into a message is cut behind its first letters.
    static func maskingTokens(_ value: String) -> String {
        guard value.utf8.count > 16 else { return value }
        let utf8 = Array(value.utf8)
        var output: [UInt8] = []
        var index = 0
        while index < utf8.count {
            let rest = utf8[index...]
            if rest.starts(with: Array("bp_".utf8)) {
                let end = rest.dropFirst(3).firstIndex { !isTokenByte($0) } ?? utf8.count
                if end - index > 16 {
                    output += utf8[index..<index + 6] + Array("…".utf8)
                    index = end
                    continue
                }
            }
            output.append(utf8[index])
            index += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
