public import Trading

/// Who wrote a line of a strategy's log.
public enum LogSource: String, Hashable, Sendable, CaseIterable {
    /// The strategy's `log` message.
    case strategy
    /// The strategy's standard error.
    case stderr
    /// The host, about the strategy.
    case host
}

/// One line of a strategy's log, as it is kept and as people see it.
public struct LogLine: Hashable, Sendable {
    /// Counts up from 1 over all runs of the strategy; leaves a gap whenever the host starts.
    public let sequence: Int
    public let time: Timestamp
    public let level: StrategyLogLevel
    public let source: LogSource
    public let message: String

    /// Describes a line.
    public init(
        sequence: Int, time: Timestamp, level: StrategyLogLevel, source: LogSource, message: String
    ) {
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
}
