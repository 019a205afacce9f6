import CSQLite

/// A database as it was at one moment, held still while others go on writing.
final class DatabaseSnapshot {
    private let source: Database

    /// Fixes the view. Cheap; what costs is ``copy(to:)``.
    init(of path: String) throws(DatabaseFailure) {
        source = try Database(path: path, options: .reader)
        try source.run("BEGIN")
        // A transaction begins to see at its first reading, not at BEGIN.
        _ = try source.rows("SELECT count(*) FROM sqlite_schema") { row throws(DatabaseFailure) in
            try row.int(0)
        }
    }

    /// Writes the view into a new file, durably.
    func copy(to path: String) throws(DatabaseFailure) {
        var options = DatabaseOptions()
        options.check = .none
        let target = try unsafe Database.open(path, options)
        defer { unsafe sqlite3_close_v2(target) }
        guard let backup = unsafe sqlite3_backup_init(target, "main", source.handle, "main") else {
            throw unsafe Statement.failure(sqlite3_errcode(target), connection: target, path: path)
        }
        let copied = unsafe sqlite3_backup_step(backup, -1)
        let finished = unsafe sqlite3_backup_finish(backup)
        guard copied == SQLITE_DONE, finished == SQLITE_OK else {
            throw unsafe Statement.failure(
                finished == SQLITE_OK ? copied : finished, connection: target, path: path)
        }
    }
}
