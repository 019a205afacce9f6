/// The bounds within which one strategy runs.
public struct RunnerSettings: Hashable, Sendable {
    /// How long the child may take to say `ready`, in milliseconds.
    public var startMilliseconds: Int64 = 30_000
    /// How long the child may take to end after `stop`, in milliseconds.
    public var stopMilliseconds: Int64 = 5_000
    /// How often the child is pinged, in milliseconds.
    public var heartbeatMilliseconds: Int64 = 5_000
    /// How long a ping may stay without an answer, in milliseconds.
    public var heartbeatTimeoutMilliseconds: Int64 = 30_000
    /// Lines a second that are read from the child over time.
    public var linesPerSecond = 1_000.0
    /// Lines that may come at once.
    public var lineBurst = 4_000.0
    /// Bytes a second that are read from the child's standard error over time.
    public var errorBytesPerSecond = 256_000.0
    /// How many refused lines within a minute are borne.
    public var refusedLinesPerMinute = 100
    /// Candles that may wait for a child that reads slowly.
    public var candleDepth = 1_024
    /// Bytes of orders, fills and signals that may wait for a child that reads slowly.
    public var mustBytes = 4 << 20
    /// Timers that one strategy may have set at once.
    public var timers = 64

    /// The defaults.
    public init() {}
}
