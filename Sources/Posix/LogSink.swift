internal import Glibc
internal import Synchronization

/// Takes log lines from any thread without making it wait, and writes them on a thread of its own.
///
/// The queue is bounded: when the disk is slower than the talk, lines are dropped and a line says how many.
/// A file is rotated by size to `path.1`, `path.2` and so on.
public final class LogSink: Sendable {
    private struct Queue {
        var lines: [[UInt8]] = []
        var bytes = 0
        var dropped = 0
        var isAwake = false
        var isClosed = false
    }

    /// Where lines end up: in a file, in `kept`, or on standard error when there is neither.
    private struct Target: ~Copyable, Sendable {
        var file: FileDescriptor?
        var path = ""
        var size = 0
        var kept: [String]?
    }

    /// The least level that is written.
    public let level: HostLog.Level
    private let queueLimit: Int
    private let fileLimit: Int
    private let fileCount: Int
    private let queue = Mutex(Queue())
    private let target: Mutex<Target>
    private let wakePipe: Pipe

    /// Writes to a file.
    ///
    /// - Parameters:
    ///   - path: The file; its folder must exist. Older ones get `.1`, `.2` behind their names.
    ///   - level: The least level that is written.
    ///   - fileLimit: How many bytes a file may hold.
    ///   - fileCount: How many older files are kept.
    ///   - queueLimit: How many bytes may wait for the disk.
    public static func file(
        _ path: String, level: HostLog.Level = .info, fileLimit: Int = 16 << 20, fileCount: Int = 5,
        queueLimit: Int = 4 << 20
    ) throws(SystemCallError) -> LogSink {
        let file = try FileDescriptor.open(path, openFlags)
        let size = try file.size()
        return try LogSink(
            Target(file: file, path: path, size: size), level: level, fileLimit: fileLimit,
            fileCount: fileCount, queueLimit: queueLimit)
    }

    /// Writes to standard error.
    public static func standardError(level: HostLog.Level = .info) throws(SystemCallError) -> LogSink {
        try LogSink(Target(), level: level, fileLimit: .max, fileCount: 0, queueLimit: 4 << 20)
    }

    /// Keeps the lines, for tests.
    public static func memory(level: HostLog.Level = .debug) throws(SystemCallError) -> LogSink {
        try LogSink(Target(kept: []), level: level, fileLimit: .max, fileCount: 0, queueLimit: 4 << 20)
    }

    private init(
        _ target: consuming sending Target, level: HostLog.Level, fileLimit: Int, fileCount: Int,
        queueLimit: Int
    ) throws(SystemCallError) {
        self.level = level
        self.fileLimit = fileLimit
        self.fileCount = fileCount
        self.queueLimit = queueLimit
        self.target = Mutex(target)
        wakePipe = try Pipe(writesWithoutWaiting: true)
        try Thread.start(name: "log") { [self] in run() }
    }

    /// Writes what is waiting and ends the thread. Lines given later are written at once by whoever gives them.
    public func close() {
        queue.withLock { $0.isClosed = true }
        wake()
        flush()
    }

    /// Writes what is waiting, on the caller's thread.
    public func flush() {
        target.withLock { target in
            let (lines, dropped) = queue.withLock { queue in
                defer {
                    queue.lines = []
                    queue.bytes = 0
                    queue.dropped = 0
                }
                return (queue.lines, queue.dropped)
            }
            for line in lines { write(line, to: &target) }
            if dropped > 0 { write(Self.droppedLine(dropped), to: &target) }
        }
    }

    /// The lines kept by a memory sink.
    public var lines: [String] {
        flush()
        return target.withLock { $0.kept ?? [] }
    }

    func take(_ line: [UInt8]) {
        let (mustWake, isClosed) = queue.withLock { queue in
            guard queue.bytes + line.count <= queueLimit else {
                queue.dropped += 1
                return (false, queue.isClosed)
            }
            queue.lines.append(line)
            queue.bytes += line.count
            defer { queue.isAwake = true }
            return (!queue.isAwake, queue.isClosed)
        }
        if isClosed { flush() } else if mustWake { wake() }
    }

    private func wake() {
        // A full pipe means that the thread is awake already; there is nothing to do about other failures here.
        _ = try? wakePipe.writeEnd.write([1])
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 64)
        while true {
            // The pipe ends when the sink does; any other fault leaves nothing to wait for either.
            guard let count = try? wakePipe.readEnd.read(into: &buffer), count > 0 else { return }
            let isClosed = queue.withLock { queue in
                queue.isAwake = false
                return queue.isClosed
            }
            flush()
            if isClosed { return }
        }
    }

    private static let openFlags = O_WRONLY | O_CREAT | O_APPEND

    /// A line that the disk does not take is lost: the log must not stop the host.
    private func write(_ line: [UInt8], to target: inout Target) {
        if target.kept != nil {
            target.kept?.append(String(decoding: line.dropLast(), as: UTF8.self))
            return
        }
        if target.size > 0, target.size + line.count > fileLimit { rotate(&target) }
        let isWritten: Bool
        if target.file != nil {
            // A line that cannot be written is counted as lost: there is no log to put the reason into.
            isWritten = (try? target.file?.writeAll(line[...])) != nil
        } else {
            isWritten = unsafe line.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) } > 0
        }
        if isWritten { target.size += line.count }
    }

    private func rotate(_ target: inout Target) {
        for index in stride(from: fileCount - 1, through: 1, by: -1) {
            _ = unsafe rename("\(target.path).\(index)", "\(target.path).\(index + 1)")
        }
        if fileCount > 0 {
            _ = unsafe rename(target.path, "\(target.path).1")
        } else {
            _ = unsafe unlink(target.path)
        }
        // Without a new file the old one is written on, under its new name.
        guard let file = try? FileDescriptor.open(target.path, Self.openFlags) else { return }
        target.file = consume file
        target.size = 0
    }

    private static func droppedLine(_ count: Int) -> [UInt8] {
        var line = LogLineText()
        line.add("time", number: WallClock.milliseconds)
        line.add("level", "warning")
        line.add("part", "log")
        line.add("message", "\(count) lines were dropped: the disk was slower than the talk")
        return line.finished
    }
}
