public import Posix
import Synchronization
public import Trading
import Wire

/// Records one run: every line written to the strategy (and, when asked, by it) and every feed cursor, compressed.
///
/// Recording copies the line and returns, some hundred nanoseconds. The flushing thread compresses what has come
/// together into a gzip member of its own, every ``Limits/delayMilliseconds`` or ``Limits/blockBytes``, whichever comes
/// first; a crash of the host loses at most that much. `zcat record.jsonl.gz.1 record.jsonl.gz` shows a recording.
public final class RunRecorder: Flushable {
    /// How much is kept.
    public struct Limits: Sendable {
        /// How large a compressed file grows before the next is begun.
        public var fileBytes = 16 << 20
        /// How many files are kept; the oldest is given up for a new one.
        public var files = 4
        /// How long a line waits before it is written.
        public var delayMilliseconds = 2000
        /// How many bytes wait before they are written at once.
        public var blockBytes = 64 << 10
        /// How many bytes may wait; beyond it lines are left out, and the recording says how many.
        public var waitingBytes = 1 << 20

        /// 64 MiB compressed.
        public init() {}
    }

    /// Which way a line went.
    public enum Direction: String, Hashable, Sendable {
        /// From the host to the strategy.
        case toStrategy = "to"
        /// From the strategy to the host.
        case fromStrategy = "from"
    }

    /// The file's name in a run's folder.
    public static let fileName = "record.jsonl.gz"

    private let limits: Limits
    private let state = Mutex(State())
    private let file: Mutex<SegmentedFile>
    private let thread: FlushThread

    private struct State {
        var waiting: [UInt8] = []
        var isScheduled = false
        var lostLines = 0
        var droppedBytes = 0
        var fault: SystemCallError?
    }

    /// Begins or continues the recording in `folder`, which must exist.
    public init(folder: String, limits: Limits = Limits(), thread: FlushThread) throws(SystemCallError) {
        self.limits = limits
        self.thread = thread
        var file = try SegmentedFile(
            path: folder + "/" + Self.fileName, segmentBytes: limits.fileBytes, segments: limits.files)
        // A crash may have left half a member, behind which nothing could be read: begin another file.
        if file.size > 0 { _ = try file.rotate() }
        self.file = Mutex(file)
    }

    // MARK: - Recording

    /// Records one line of the protocol. A newline at its end is left out.
    public func record(
        _ direction: Direction, _ line: ArraySlice<UInt8>,
        at time: Timestamp = Timestamp(milliseconds: WallClock.milliseconds)
    ) {
        append(time) { output in
            output.append(contentsOf: (direction == .toStrategy ? ",\"to\":" : ",\"from\":").utf8)
            output.append(contentsOf: line.last == UInt8(ascii: "\n") ? line.dropLast() : line)
        }
    }

    /// Records how far a feed has come, in the feed's own words.
    public func record(
        feed: String, cursor: String, at time: Timestamp = Timestamp(milliseconds: WallClock.milliseconds)
    ) {
        append(time) { output in
            output.append(contentsOf: ",\"feed\":".utf8)
            JSONValue.writeString(feed, to: &output)
            output.append(contentsOf: ",\"cursor\":".utf8)
            JSONValue.writeString(cursor, to: &output)
        }
    }

    private func append(_ time: Timestamp, _ body: (inout [UInt8]) -> Void) {
        let delay: Int? = state.withLock { state in
            guard state.waiting.count < limits.waitingBytes else {
                state.lostLines += 1
                return nil
            }
            state.waiting.append(contentsOf: "{\"time\":".utf8)
            state.waiting.append(contentsOf: String(time.milliseconds).utf8)
            body(&state.waiting)
            state.waiting.append(contentsOf: [UInt8(ascii: "}"), UInt8(ascii: "\n")])
            if state.waiting.count >= limits.blockBytes, state.waiting.count < limits.blockBytes * 2 {
                return 0
            }
            defer { state.isScheduled = true }
            return state.isScheduled ? nil : limits.delayMilliseconds
        }
        if let delay { thread.schedule(self, inMilliseconds: delay) }
    }

    // MARK: - Writing

    /// Compresses and writes what waits, on the calling thread.
    public func flush() {
        file.withLock { file in
            var (block, lost) = state.withLock { state in
                state.isScheduled = false
                defer {
                    state.waiting = []
                    state.lostLines = 0
                }
                return (state.waiting, state.lostLines)
            }
            if lost > 0 {
                block += Array("{\"time\":\(WallClock.milliseconds),\"lost_lines\":\(lost)}\n".utf8)
            }
            guard !block.isEmpty else { return }
            let member = thread.compressor.withLock { $0.member(block) }
            do throws(SystemCallError) {
                let dropped = try file.append(member[...])
                state.withLock { state in
                    state.fault = nil
                    state.droppedBytes += dropped
                }
                guard dropped > 0 else { return }
                append(Timestamp(milliseconds: WallClock.milliseconds)) { output in
                    output.append(contentsOf: ",\"dropped_bytes\":\(dropped)".utf8)
                }
            } catch {
                let lines = block.count { $0 == UInt8(ascii: "\n") }
                state.withLock { state in
                    state.fault = error
                    state.lostLines += lines
                }
            }
        }
    }

    /// Writes what waits and makes it durable. The recorder may still be used.
    public func synchronize() throws(SystemCallError) {
        flush()
        try file.withLock { file throws(SystemCallError) in try file.synchronize() }
    }

    /// Compressed bytes of this run that were given up for newer ones.
    public var droppedBytes: Int { state.withLock { $0.droppedBytes } }

    /// What kept the last block from being written; nil once one was. Its lines are counted as lost.
    public var fault: SystemCallError? { state.withLock { $0.fault } }
}
