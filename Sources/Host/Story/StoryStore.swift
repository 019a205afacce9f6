internal import Glibc
internal import Journal
internal import Posix
internal import Synchronization
internal import Trading
internal import Wire

/// Where orders' stories are kept: what the journal does not hold, in a database of its own.
///
/// Nothing waits for it: it has its own writer, asks the disk for no confirmation, and what it cannot take is dropped and
/// counted. A crash of the host loses at most what was noted in the last moments, a crash of the machine somewhat more.
final class StoryStore: Sendable {
    private let writer: GroupCommitWriter
    private let readers: DatabaseReaders
    private let bounds: Bounds
    private let isPruning = Atomic(false)

    /// What is kept at most.
    struct Bounds: Hashable, Sendable {
        /// The first lines of each order, and the last: what is between is left out.
        var firstLines = 100
        var lastLines = 300
        /// How long lines are kept, in milliseconds.
        var age: Int64 = 30 * 86_400_000
        /// How large the database may become; the oldest lines go first.
        var bytes = 512 << 20
    }

    static let migrations = MigrationSet(
        name: "stories",
        [
            Migration(
                1, "Add lines, starts, losses",
                """
                CREATE TABLE lines (
                    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, start INTEGER NOT NULL,
                    after INTEGER NOT NULL, time INTEGER NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
                    text TEXT NOT NULL, details TEXT
                ) STRICT;
                CREATE INDEX lines_by_order ON lines (order_id, id);
                CREATE TABLE starts (id INTEGER PRIMARY KEY, after INTEGER NOT NULL) STRICT;
                CREATE TABLE left_out (order_id INTEGER PRIMARY KEY, lines INTEGER NOT NULL) STRICT;
                CREATE TABLE losses (time INTEGER NOT NULL, lines INTEGER NOT NULL) STRICT
                """)
        ])

    /// Opens the database; one that cannot be used is moved aside, since it holds nothing that trading needs.
    init(path: String, bounds: Bounds = Bounds(), log: HostLog) throws(DatabaseFailure) {
        self.bounds = bounds
        do throws(DatabaseFailure) {
            writer = try Self.open(path)
        } catch {
            log.error("orders' stories are damaged and begin anew", ["reason": "\(error)"])
            for suffix in ["", "-wal", "-shm"] {
                _ = unsafe rename(path + suffix, "\(path).damaged\(suffix)")
            }
            writer = try Self.open(path)
        }
        readers = try DatabaseReaders(path: path, count: 1)
    }

    private static func open(_ path: String) throws(DatabaseFailure) -> GroupCommitWriter {
        var options = DatabaseOptions()
        options.synchronous = .normal
        // Looking through hundreds of megabytes would hold up the start for what nothing depends on.
        options.check = .none
        let database = try Database(path: path, options: options)
        try database.migrate([migrations])
        return try GroupCommitWriter(taking: database, limit: 64)
    }

    /// Ends it, with everything that was handed over.
    func close() {
        readers.close()
        writer.close()
    }

    // MARK: - Writing

    /// Notes a start of the host: lines from here on belong to it.
    ///
    /// - Parameter after: The number of the journal's last event then.
    func begin(start: Int64, after: Int64) {
        submit { try $0.run("INSERT OR REPLACE INTO starts VALUES (?, ?)", start, after) }
    }

    /// Writes notes down, without waiting.
    ///
    /// - Parameter lost: How many others could not be kept since the last call.
    /// - Returns: Whether they were taken.
    @discardableResult
    func write(_ notes: [StoryNote], lost: Int, start: Int64) -> Bool {
        let bounds = bounds
        return submit { database in
            if lost > 0, let time = notes.first?.time {
                try database.run("INSERT INTO losses VALUES (?, ?)", time, lost)
            }
            for note in notes {
                for line in note.lines {
                    try database.run(
                        """
                        INSERT INTO lines (order_id, start, after, time, source, kind, text, details)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """, note.order.number, start, note.after, line.time, line.source.rawValue,
                        line.kind.rawValue, line.text, line.details?.text)
                }
            }
            for order in Set(notes.map(\.order.number)) { try Self.bound(order, bounds, in: database) }
        }
    }

    /// Takes lines out of the middle of a story that has become too long.
    private static func bound(_ order: Int64, _ bounds: Bounds, in database: Database) throws {
        let count = try database.first("SELECT count(*) FROM lines WHERE order_id = ?", order) {
            try $0.int(0)
        }
        let extra = (count ?? 0) - bounds.firstLines - bounds.lastLines
        guard extra > 0 else { return }
        try database.run(
            """
            DELETE FROM lines WHERE id IN (
                SELECT id FROM lines WHERE order_id = ? ORDER BY id LIMIT ? OFFSET ?)
            """, order, extra, bounds.firstLines)
        try database.run(
            """
            INSERT INTO left_out VALUES (?, ?)
            ON CONFLICT (order_id) DO UPDATE SET lines = lines + excluded.lines
            """, order, extra)
    }

    /// Lets go of what is too old or too much, ``pruneLines`` at most. Call it each second.
    ///
    /// In steps, between which notes are written. Each can be undone by itself: for that SQLite keeps a copy of every page
    /// that it changes in memory, of which a long one would take more than the host has otherwise.
    func prune(at now: Int64) {
        guard !isPruning.exchange(true, ordering: .relaxed) else { return }
        prune(at: now, steps: Self.pruneSteps)
    }

    /// How much goes at once: twice what 500 orders a second write.
    static let pruneLines = pruneSteps * pruneStep
    private static let (pruneSteps, pruneStep) = (10, 1_000)

    private func prune(at now: Int64, steps: Int) {
        do throws(WriteFailure) {
            try writer.submit { [bounds] in
                try Self.prune(bounds, at: now, in: $0)
            } completion: { [self] result in
                // What failed is tried again the next time.
                if case .success(true) = result, steps > 1 {
                    prune(at: now, steps: steps - 1)
                } else {
                    isPruning.store(false, ordering: .relaxed)
                }
            }
        } catch {
            isPruning.store(false, ordering: .relaxed)
        }
    }

    /// One step. Returns whether there may be more.
    private static func prune(_ bounds: Bounds, at now: Int64, in database: Database) throws -> Bool {
        let oldest = try database.first("SELECT time FROM lines ORDER BY id LIMIT 1") { try $0.integer(0) }
        guard let oldest else { return false }
        let used =
            try database.first(
                """
                SELECT ((SELECT page_count FROM pragma_page_count())
                    - (SELECT freelist_count FROM pragma_freelist_count()))
                    * (SELECT page_size FROM pragma_page_size())
                """
            ) { try $0.int(0) } ?? 0
        let end = used > bounds.bytes ? Int64.max : now - bounds.age
        guard oldest < end else { return false }
        let gone = try database.run(
            "DELETE FROM lines WHERE id IN (SELECT id FROM lines ORDER BY id LIMIT ?) AND time < ?",
            pruneStep, end)
        try database.run("DELETE FROM losses WHERE time < ?", now - bounds.age)
        try database.run(
            "DELETE FROM left_out WHERE order_id < (SELECT coalesce(min(order_id), 0) FROM lines)")
        // The start before the oldest line is needed still.
        try database.run(
            """
            DELETE FROM starts WHERE id < (SELECT coalesce(min(start), 0) FROM (
                SELECT start FROM lines ORDER BY id LIMIT 1))
            """)
        return gone == pruneStep
    }

    @discardableResult
    private func submit(_ operation: @escaping @Sendable (Database) throws -> Void) -> Bool {
        do throws(WriteFailure) {
            // A failure is a story that lacks lines; the floor counts what was not taken, the disk's own troubles are
            // told by the journal.
            try writer.submit(operation) { _ in }
            return true
        } catch {
            return false
        }
    }

    // MARK: - Reading

    /// The lines of one order, oldest first, each with the number of the journal's last event before it.
    struct Lines: Sendable {
        var lines: [(after: Int64, line: StoryLine)] = []
        var leftOut = 0
        var lost = 0
    }

    /// Returns once what was handed over before can be read.
    func settle() async {
        // What could not be written is missing, and that is all.
        _ = try? await writer.write { _ in }
    }

    /// Reads an order's lines.
    func lines(of order: OrderID) throws -> Lines {
        try readers.read { database in
            var result = Lines()
            let starts = try database.all("SELECT id, after FROM starts ORDER BY id") {
                (id: try $0.integer(0), after: try $0.integer(1))
            }
            result.lines = try database.all(
                """
                SELECT start, after, time, source, kind, text, details FROM lines WHERE order_id = ?
                ORDER BY id
                """, order.number
            ) { row in
                let start = try row.integer(0)
                // Events that were decided and never written down have their numbers given out again by the next start.
                let bound = starts.first { $0.id > start }?.after ?? .max
                let details = try row.optionalText(6).map { try JSONParser.parse($0) }
                let line = StoryLine(
                    try row.integer(2), try row.choice(3), try row.choice(4), try row.text(5), details)
                return (after: min(try row.integer(1), bound), line: line)
            }
            result.leftOut =
                try database.first("SELECT lines FROM left_out WHERE order_id = ?", order.number) {
                    try $0.int(0)
                } ?? 0
            if let first = result.lines.first?.line.time, let last = result.lines.last?.line.time {
                result.lost =
                    try database.first(
                        "SELECT coalesce(sum(lines), 0) FROM losses WHERE time BETWEEN ? AND ?", first, last
                    ) { try $0.int(0) } ?? 0
            }
            return result
        }
    }
}
