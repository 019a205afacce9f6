import CSQLite
import Glibc
import Posix

/// What the check of a database file found. Damage is a ``DatabaseFailure``.
public enum IntegrityOutcome: Hashable, Sendable {
    /// Not asked for.
    case notChecked
    /// There was no file, or an empty one.
    case new
    /// Everything that was asked for is in order.
    case sound
    /// What was looked at is in order, but the time was up before everything was, or history was left for later.
    case unfinished
}

/// Looks at a database file without changing a byte of it or of its write-ahead log.
enum IntegrityCheck {
    static func run(path: String, options: DatabaseOptions) throws(DatabaseFailure) -> IntegrityOutcome {
        guard options.check != .none else { return .notChecked }
        if options.vfs == nil, try isNew(path) { return .new }

        do throws(DatabaseFailure) {
            return try inspect(path, options, alone: true)
        } catch {
            // Another connection has the file open; whoever opened it first has checked it alone.
            guard error.code == .busy else { throw error }
            return try inspect(path, options, alone: false)
        }
    }

    private static func inspect(
        _ path: String, _ options: DatabaseOptions, alone: Bool
    ) throws(DatabaseFailure) -> IntegrityOutcome {
        let handle = try unsafe Database.open(path, options)
        defer { unsafe sqlite3_close_v2(handle) }
        // Closing the last connection would fold the log into the file.
        unsafe csqlite_configure(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        unsafe sqlite3_busy_timeout(handle, alone ? 0 : Int32(options.busyMilliseconds))
        do throws(DatabaseFailure) {
            // Exclusive from the first access on: the log's index is then kept in memory and not in a file.
            if alone { _ = try unsafe answers("PRAGMA locking_mode = EXCLUSIVE", handle, path) }
            // Reading the schema finds a file that is no database at all.
            _ = try unsafe answers("PRAGMA schema_version", handle, path)
            guard let tables = try unsafe tablesBesideHistory(handle, path, options) else {
                try unsafe demand(verdict(handle, path, options.check), path)
                return .sound
            }
            for table in tables {
                try unsafe demand(verdict(handle, path, options.check, of: table), path)
            }
            return .unfinished
        } catch {
            switch error.code {
            case .interrupted: return .unfinished
            case .corrupt: throw damage(path, error.reason, number: error.number)
            default: throw error
            }
        }
    }

    /// The tables to look at when there is too much history to look at everything; nil when there is not.
    private static func tablesBesideHistory(
        _ handle: OpaquePointer, _ path: String, _ options: DatabaseOptions
    ) throws(DatabaseFailure) -> [String]? {
        guard case .quick = options.check, !options.history.isEmpty, size(path) > options.wholeCheckBytes
        else { return nil }
        let all = try unsafe answers(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", handle, path)
        return all.filter { !options.history.contains($0) }
    }

    /// Looks at everything without a limit of time, over a connection that is open.
    static func inspectWhole(_ handle: OpaquePointer, _ path: String) throws(DatabaseFailure) {
        do throws(DatabaseFailure) {
            try unsafe demand(answers("PRAGMA quick_check(10)", handle, path), path)
        } catch {
            guard error.code == .corrupt else { throw error }
            throw damage(path, error.reason, number: error.number)
        }
    }

    private static func demand(_ words: [String], _ path: String) throws(DatabaseFailure) {
        guard words == ["ok"] else { throw damage(path, words.prefix(3).joined(separator: "; ")) }
    }

    private static func verdict(
        _ handle: OpaquePointer, _ path: String, _ check: DatabaseOptions.Check, of table: String? = nil
    ) throws(DatabaseFailure) -> [String] {
        guard case .quick(let milliseconds) = check else {
            return try unsafe answers("PRAGMA integrity_check(10)", handle, path)
        }
        let deadline = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
        unsafe deadline.initialize(to: Int64(MonotonicClock.nanoseconds) + Int64(milliseconds) * 1_000_000)
        unsafe csqlite_limit_time(handle, deadline)
        defer {
            unsafe csqlite_limit_time(handle, nil)
            unsafe deadline.deallocate()
        }
        let what = table.map { "\"\($0)\"" } ?? "10"
        return try unsafe answers("PRAGMA quick_check(\(what))", handle, path)
    }

    private static func answers(
        _ sql: String, _ handle: OpaquePointer, _ path: String
    ) throws(DatabaseFailure) -> [String] {
        let statement = try unsafe Statement(sql, connection: handle, path: path)
        var answers: [String] = []
        while try statement.step() { answers.append(statement.text(0)) }
        return answers
    }

    private static func damage(_ path: String, _ words: String, number: Int32 = 0) -> DatabaseFailure {
        let marker = "the database is damaged and was left as it is: "
        let reason = words.hasPrefix(marker) ? words : marker + words
        return DatabaseFailure(code: .corrupt, number: number, reason: reason, path: path)
    }

    /// Whether there is nothing to check yet.
    ///
    /// SQLite throws a write-ahead log away when its database is empty or gone. Nothing of ours leaves such a pair
    /// behind, so it is damage, and somebody may still want the log.
    private static func isNew(_ path: String) throws(DatabaseFailure) -> Bool {
        guard size(path) == 0 else { return false }
        let log = size(path + "-wal")
        guard log == 0 else {
            throw DatabaseFailure(
                code: .corrupt,
                reason: "the file is empty or missing, but its write-ahead log has \(log) bytes; "
                    + "both were left as they are", path: path)
        }
        return true
    }

    private static func size(_ path: String) -> Int {
        var information = stat()
        return unsafe stat(path, &information) == 0 ? Int(information.st_size) : 0
    }
}
