internal import Posix
internal import Sandbox
internal import Wire

/// The pipes to one child, and what was seen on them.
final class ChildConnection {
    let child: ConfinedChild
    var outgoing: OutgoingQueue
    var lines = LineSplitter(limit: StrategyProtocol.lineBytes)
    static let errorLineBytes = 8 << 10
    var errorLines = LineSplitter(limit: errorLineBytes)
    var lineBucket: TokenBucket
    var errorBucket: TokenBucket
    var processWatch: EventLoop.Watch?
    var outputWatch: EventLoop.Watch?
    var errorsWatch: EventLoop.Watch?
    var inputWatch: EventLoop.Watch?
    var violationsWatch: EventLoop.Watch?
    var resumeOutput: EventLoop.Timer?
    var resumeErrors: EventLoop.Timer?
    var resumeViolations: EventLoop.Timer?
    var timers: [String: EventLoop.Timer] = [:]
    var isInputClosed = false
    /// Lines that leave together at the end of this turn.
    var gathered: [[UInt8]] = []
    /// It is being killed: nothing that it says counts any more.
    var isCondemned = false
    var unansweredSince: UInt64?
    /// Whether it was asked where it is, since it does not answer.
    var isAskedWhere = false
    var pingsSent = 0
    /// The ping whose answer says that the history was taken.
    var pingBehindHistory: Int?
    var farewell: String?
    var lastWords: [String] = []
    /// What it was refused last.
    var lastRefusal: Violation?
    /// The processor time it had used when a ping was first found unanswered, in seconds.
    var usedWhenSilent: Double?
    var refusals = 0
    var refusalsSince: UInt64
    var lastFloodWarning: UInt64 = 0

    init(_ child: ConfinedChild, settings: RunnerSettings) {
        self.child = child
        let now = MonotonicClock.nanoseconds
        outgoing = OutgoingQueue(mustBytesLimit: settings.mustBytes, candleDepth: settings.candleDepth)
        lineBucket = TokenBucket(rate: settings.linesPerSecond, burst: settings.lineBurst, now: now)
        errorBucket = TokenBucket(
            rate: settings.errorBytesPerSecond, burst: 4 * settings.errorBytesPerSecond, now: now)
        refusalsSince = now
    }
}

/// A buffer that all readers of one event loop share, since only one of them reads at a time.
public final class ReadBuffer {
    /// The bytes.
    public var bytes: [UInt8]

    /// Makes a buffer of `size` bytes.
    public init(size: Int = 64 << 10) {
        bytes = [UInt8](repeating: 0, count: size)
    }
}
