public import Posix
import Synchronization
public import Trading
public import Wire

/// The log of one strategy: the newest lines in memory, more of them in files of bounded size.
///
/// Appending copies the line and returns; the flushing thread writes it a moment later. A crash of the host loses at
/// most the lines of that moment (``Limits/delayMilliseconds``), and the next start leaves their sequence numbers out,
/// so that a reader who goes on after the last number he saw misses nothing.
public final class LogFiles: Flushable {
    /// How much is kept.
    public struct Limits: Sendable {
        /// How large a file grows before the next is begun.
        public var fileBytes = 4 << 20
        /// How many files are kept.
        public var files = 5
        /// How many lines are kept in memory.
        public var memoryLines = 500
        /// How many bytes of messages are kept in memory.
        public var memoryBytes = 256 << 10
        /// How long a message may be; what is beyond is cut, and the line says so.
        public var messageBytes = 16 << 10
        /// How long a line waits before it is written.
        public var delayMilliseconds = 200

        /// 20 MiB in files, a quarter of one in memory.
        public init() {}
    }

    /// The most lines that wait to be written. When the disk does not keep up, the file goes without further ones.
    static let waitingLines = 1000

    let limits: Limits
    let state: Mutex<State>
    let file: Mutex<SegmentedFile>
    private let thread: FlushThread

    struct State {
        var next: Int
        var ring: [LogLine] = []
        var ringBytes = 0
        var waiting: [UInt8] = []
        var waitingLines = 0
        var lostLines = 0
        var fault: SystemCallError?
        var followers: [ObjectIdentifier: @Sendable () -> Void] = [:]
    }

    /// Opens the log, and goes on where it stopped.
    ///
    /// - Parameters:
    ///   - folder: Where the files are; it must exist.
    ///   - name: The newest file's name; older ones have `.1`, `.2` and so on after it.
    public init(
        folder: String, name: String = "log.jsonl", limits: Limits = Limits(), thread: FlushThread
    ) throws(SystemCallError) {
        self.limits = limits
        self.thread = thread
        var file = try SegmentedFile(
            path: folder + "/" + name, segmentBytes: limits.fileBytes, segments: limits.files)
        let last = try Self.lastSequence(&file)
        // Numbers may have been given to lines that were lost with the last crash, while they waited or on their
        // way to the file; step over them all.
        let next = last.map { ($0 / Self.waitingLines + 3) * Self.waitingLines + 1 } ?? 1
        state = Mutex(State(next: next))
        self.file = Mutex(file)
    }

    // MARK: - Writing

    /// Adds a line and returns its sequence number. Costs about a microsecond and never waits for the disk.
    @discardableResult
    public func append(
        _ level: StrategyLogLevel, _ source: LogSource, _ message: String,
        at time: Timestamp = Timestamp(milliseconds: WallClock.milliseconds)
    ) -> Int {
        let message = bounded(message)
        let (sequence, delay, followers) = state.withLock { state in
            let record = LogLine(
                sequence: state.next, time: time, level: level, source: source, message: message)
            state.next += 1
            let delay = Self.enqueue(record, in: &state, delay: limits.delayMilliseconds)
            remember(record, in: &state)
            return (record.sequence, delay, state.followers)
        }
        if let delay { thread.schedule(self, inMilliseconds: delay) }
        for wake in followers.values { wake() }
        return sequence
    }

    /// Writes what waits, on the calling thread.
    public func flush() {
        file.withLock { file in
            let (bytes, lines, lost) = state.withLock { state in
                defer {
                    state.waiting = []
                    state.waitingLines = 0
                }
                return (state.waiting, state.waitingLines, state.lostLines)
            }
            guard !bytes.isEmpty else { return }
            var rest = bytes[...]
            do throws(SystemCallError) {
                while !rest.isEmpty {
                    let share = file.share(of: rest)
                    _ = try file.append(rest.prefix(share))
                    rest = rest.dropFirst(share)
                }
                state.withLock { state in
                    state.fault = nil
                    state.lostLines -= lost
                }
                guard lost > 0 else { return }
                append(.warning, .host, "\(lost) lines were not kept, because the disk did not take them")
            } catch {
                let lines = rest.count == bytes.count ? lines : rest.count { $0 == UInt8(ascii: "\n") }
                state.withLock { state in
                    state.fault = error
                    if state.waitingLines + lines <= Self.waitingLines {
                        state.waiting = rest + state.waiting
                        state.waitingLines += lines
                    } else {
                        state.lostLines += lines
                    }
                }
                thread.schedule(self, inMilliseconds: 1000)
            }
        }
    }

    /// What kept the last lines from being written; nil once they were.
    public var fault: SystemCallError? { state.withLock { $0.fault } }

    private static func enqueue(_ record: LogLine, in state: inout State, delay: Int) -> Int? {
        guard state.waitingLines < waitingLines else {
            state.lostLines += 1
            return nil
        }
        record.json.write(to: &state.waiting)
        state.waiting.append(UInt8(ascii: "\n"))
        state.waitingLines += 1
        if state.waitingLines == 1 { return delay }
        return state.waitingLines == waitingLines / 2 ? 0 : nil
    }

    private func remember(_ record: LogLine, in state: inout State) {
        state.ring.append(record)
        state.ringBytes += record.message.utf8.count
        var excess = 0
        while state.ring.count - excess > limits.memoryLines
            || (state.ringBytes > limits.memoryBytes && state.ring.count - excess > 1)
        {
            state.ringBytes -= state.ring[excess].message.utf8.count
            excess += 1
        }
        if excess > 0 { state.ring.removeFirst(excess) }
    }

    private func bounded(_ message: String) -> String {
        let length = message.utf8.count
        guard length > limits.messageBytes else { return message }
        var end = message.utf8.index(message.startIndex, offsetBy: limits.messageBytes)
        while end.samePosition(in: message.unicodeScalars) == nil { end = message.utf8.index(before: end) }
        return String(message[..<end]) + " … (\(length) bytes, cut at \(limits.messageBytes))"
    }

    /// The last whole line's number; nil for a new log. Cuts off what a crash left of a line.
    private static func lastSequence(_ file: inout SegmentedFile) throws(SystemCallError) -> Int? {
        for path in file.paths.reversed() {
            let tail = try FileContents.tail(path, bytes: 256 << 10)
            let isNewest = path == file.path
            let newline = UInt8(ascii: "\n")
            if isNewest, let torn = tail.split(separator: newline, omittingEmptySubsequences: false).last,
                !torn.isEmpty
            {
                try file.truncate(file.size - torn.count)
            }
            let whole = tail[...(tail.lastIndex(of: newline) ?? tail.startIndex - 1)]
            for line in whole.split(separator: newline).reversed() {
                if let sequence = LogLine.sequence(of: line) { return sequence }
            }
        }
        return nil
    }
}
