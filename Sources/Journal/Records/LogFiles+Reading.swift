import Synchronization
import Wire

extension LogFiles {
    /// The newest `count` lines, oldest first.
    public func last(_ count: Int) throws -> LogPage {
        precondition(count > 0)
        let (recent, next) = state.withLock { ($0.ring.suffix(count), $0.next) }
        guard recent.count < count else { return LogPage(records: Array(recent), hasGap: false) }
        var records = Array(recent)
        let before = records.first?.sequence ?? next
        flush()
        try file.withLock { file in
            for path in file.paths.reversed() where records.count < count {
                let older = try Self.lines(path).reversed().lazy
                    .filter { LogLine.sequence(of: $0).map { $0 < before } ?? false }
                    .prefix(count - records.count)
                records = try older.reversed().map { try LogLine(line: $0) } + records
            }
        }
        return LogPage(records: records, hasGap: false)
    }

    /// At most `limit` lines that follow the one numbered `sequence`, oldest first. Nought starts at the beginning; the number
    /// comes from outside and may be any, `Int.max` too.
    public func after(_ sequence: Int, limit: Int) throws -> LogPage {
        precondition(limit > 0)
        if let recent = state.withLock({ Self.recent(after: sequence, limit: limit, in: $0) }) {
            return LogPage(records: recent, hasGap: false)
        }
        flush()
        let (records, oldest) = try file.withLock { file in
            try Self.read(file.paths, after: sequence, limit: limit)
        }
        guard let first = records.first?.sequence else {
            // The files have nothing of it: the disk does not take lines. The newest are still in memory.
            let newer = state.withLock { $0.ring.filter { $0.sequence > sequence }.prefix(limit) }
            return LogPage(records: Array(newer), hasGap: true)
        }
        return LogPage(records: records, hasGap: first == oldest && oldest - 1 > sequence && oldest > 1)
    }

    /// The lines from memory when they begin early enough.
    private static func recent(after sequence: Int, limit: Int, in state: State) -> [LogLine]? {
        guard let oldest = state.ring.first else { return sequence >= state.next - 1 ? [] : nil }
        guard oldest.sequence - 1 <= sequence || oldest.sequence == 1 else { return nil }
        // Numbers leave gaps only where a host started, so the place is found by halving.
        var (low, high) = (0, state.ring.count)
        while low < high {
            let middle = (low + high) / 2
            if state.ring[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
        }
        return Array(state.ring[low...].prefix(limit))
    }

    private static func read(
        _ paths: [String], after sequence: Int, limit: Int
    ) throws -> (records: [LogLine], oldest: Int) {
        let firsts = try paths.map { path in
            LogLine.sequence(of: try FileContents.head(path, bytes: 64)[...])
        }
        var records: [LogLine] = []
        for (index, path) in paths.enumerated() where records.count < limit {
            // A file whose successor begins at or before the place has nothing to give.
            if index + 1 < firsts.count, let next = firsts[index + 1], next - 1 <= sequence { continue }
            for line in try lines(path) {
                guard let number = LogLine.sequence(of: line), number > sequence else { continue }
                records.append(try LogLine(line: line))
                if records.count == limit { break }
            }
        }
        return (records, firsts.compactMap { $0 }.first ?? 1)
    }

    private static func lines(_ path: String) throws -> [ArraySlice<UInt8>] {
        try FileContents.tail(path, bytes: 1 << 30).split(separator: UInt8(ascii: "\n"))
    }

    // MARK: - Following

    /// Calls `wake` after every new line until the follower ends. `wake` runs on the appending thread, so it only
    /// passes the word on; the lines are fetched with ``after(_:limit:)``.
    public func follow(_ wake: @escaping @Sendable () -> Void) -> LogFollower {
        let follower = LogFollower(self)
        state.withLock { $0.followers[ObjectIdentifier(follower)] = wake }
        return follower
    }
}

/// Somebody's interest in a log. It ends with the value.
public final class LogFollower: Sendable {
    private let log: LogFiles

    init(_ log: LogFiles) { self.log = log }

    deinit { log.state.withLock { _ = $0.followers.removeValue(forKey: ObjectIdentifier(self)) } }
}
