import CSQLite

/// One connection to one SQLite file.
///
/// A connection belongs to one thread at a time and is not `Sendable`: writing goes through ``GroupCommitWriter``,
/// reading from elsewhere through ``DatabaseReaders``. Statements are compiled once and kept.
@safe
public final class Database {
    /// Where the file is.
    public let path: String
    /// What the check at opening found out.
    public let integrity: IntegrityOutcome
    let handle: OpaquePointer
    private let frames: UnsafeMutablePointer<Int32>
    private var statements: [String: Statement] = [:]
    private var depth = 0
    private let statementLimit: Int

    /// Opens the file, and makes it when it is not there.
    ///
    /// - Throws: ``DatabaseFailure`` with ``DatabaseFailure/Code/corrupt`` when the file is damaged. It, and its
    ///   write-ahead log, are then left byte for byte as they were.
    public init(path: String, options: DatabaseOptions = DatabaseOptions()) throws(DatabaseFailure) {
        integrity = try IntegrityCheck.run(path: path, options: options)
        self.path = path
        statementLimit = options.statementLimit
        unsafe handle = try Self.open(path, options)
        unsafe frames = .allocate(capacity: 1)
        unsafe frames.initialize(to: 0)
        do throws(DatabaseFailure) {
            try configure(options)
        } catch {
            // An initialiser that throws after all members are set runs `deinit`, which closes.
            throw error
        }
    }

    deinit {
        statements.removeAll()
        // All statements are finalised by now, so closing cannot fail.
        unsafe sqlite3_close_v2(handle)
        unsafe frames.deallocate()
    }

    // MARK: - Running statements

    /// Runs one statement and returns how many rows it changed.
    @discardableResult
    public func run(_ sql: String, _ values: any SQLBindable...) throws(DatabaseFailure) -> Int {
        try run(sql, values: values)
    }

    /// Runs one statement and returns how many rows it changed.
    @discardableResult
    public func run(_ sql: String, values: [any SQLBindable]) throws(DatabaseFailure) -> Int {
        let statement = try take(sql)
        defer { put(statement) }
        try statement.bind(values)
        while try statement.step() {}
        return unsafe Int(sqlite3_changes64(handle))
    }

    /// Runs statements without values, separated by semicolons.
    public func run(script: String) throws(DatabaseFailure) {
        let result = unsafe sqlite3_exec(handle, script, nil, nil, nil)
        guard result == SQLITE_OK else { throw failure(result, script) }
    }

    /// Collects what `read` makes of each row.
    ///
    /// - Throws: ``DatabaseFailure``, or whatever `read` throws.
    public func all<Element>(
        _ sql: String, _ values: any SQLBindable..., read: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        try all(sql, values: values, read: read)
    }

    /// Collects what `read` makes of each row.
    ///
    /// - Throws: ``DatabaseFailure``, or whatever `read` throws.
    public func all<Element>(
        _ sql: String, values: [any SQLBindable], read: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        var elements: [Element] = []
        try forEach(sql, values: values) {
            elements.append(try read($0))
            return true
        }
        return elements
    }

    /// What `read` makes of the first row, or nil when there is none.
    ///
    /// - Throws: ``DatabaseFailure``, or whatever `read` throws.
    public func first<Element>(
        _ sql: String, _ values: any SQLBindable..., read: (borrowing Row) throws -> Element
    ) throws -> Element? {
        var element: Element?
        try forEach(sql, values: values) {
            element = try read($0)
            return false
        }
        return element
    }

    /// Hands each row to `body` until it returns false, without collecting them.
    ///
    /// - Throws: ``DatabaseFailure``, or whatever `body` throws.
    public func forEach(
        _ sql: String, values: [any SQLBindable] = [], body: (borrowing Row) throws -> Bool
    ) throws {
        let statement = try take(sql)
        defer { put(statement) }
        try statement.bind(values)
        while try statement.step() {
            guard try body(Row(statement)) else { return }
        }
    }

    /// As ``all(_:_:read:)``, for reading that fails as the database does.
    public func rows<Element>(
        _ sql: String, values: [any SQLBindable] = [],
        read: (borrowing Row) throws(DatabaseFailure) -> Element
    ) throws(DatabaseFailure) -> [Element] {
        let statement = try take(sql)
        defer { put(statement) }
        try statement.bind(values)
        var elements: [Element] = []
        while try statement.step() { elements.append(try read(Row(statement))) }
        return elements
    }

    /// The row id of the last row inserted by this connection.
    public var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    // MARK: - Transactions

    /// Runs `body` in a transaction: all of it happens, or nothing when it throws. Inside another transaction it is
    /// a savepoint, whose failure leaves the outer one as it was.
    public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try begin()
        let result: Result
        do {
            result = try body()
        } catch {
            rollBack()
            throw error
        }
        try commit()
        return result
    }

    /// Whether a transaction is open. SQLite may end one by itself when the disk is full or reading fails.
    public var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Opens a transaction that may write, or a savepoint inside one.
    func begin() throws(DatabaseFailure) {
        try run(depth == 0 ? "BEGIN IMMEDIATE" : Self.savepoints[depth].set)
        depth += 1
    }

    /// Ends what the last ``begin()`` opened. When the outermost fails, nothing of it remains.
    func commit() throws(DatabaseFailure) {
        precondition(depth > 0)
        do {
            try run(depth == 1 ? "COMMIT" : Self.savepoints[depth - 1].release)
            depth -= 1
        } catch {
            rollBack()
            throw error
        }
    }

    /// Undoes what the last ``begin()`` opened. When SQLite has ended the transaction itself there is nothing to undo.
    func rollBack() {
        precondition(depth > 0)
        depth -= 1
        guard isInTransaction else { return }
        // A rollback works in memory. Should it fail all the same, the next statement on this connection says so.
        let script = depth == 0 ? "ROLLBACK" : Self.savepoints[depth].undo
        unsafe sqlite3_exec(handle, script, nil, nil, nil)
    }

    /// Undoes transactions until `target` are left open.
    func rollBack(toDepth target: Int) {
        while depth > target { rollBack() }
    }

    /// Ends a transaction that only read.
    func endReading() {
        if isInTransaction { unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    private static let savepoints = (0..<8).map {
        (set: "SAVEPOINT s\($0)", release: "RELEASE s\($0)", undo: "ROLLBACK TO s\($0); RELEASE s\($0)")
    }

    // MARK: - The write-ahead log

    /// How many pages the write-ahead log held after the last commit of this connection.
    public var logFrames: Int { unsafe Int(frames.pointee) }

    /// Copies committed pages from the write-ahead log into the file, as far as readers allow. Nobody else does it while the
    /// connection is open: whoever writes calls it when ``logFrames`` has become large.
    ///
    /// - Parameter truncating: Waits for readers, within the busy timeout, and empties the log.
    public func checkpoint(truncating: Bool = false) throws(DatabaseFailure) {
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let result = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        // Readers that hold a checkpoint back are no failure: it goes on next time.
        guard result == SQLITE_OK || result == SQLITE_BUSY else { throw failure(result) }
        unsafe frames.pointee = 0
    }

    // MARK: - Opening

    static func open(_ path: String, _ options: DatabaseOptions) throws(DatabaseFailure) -> OpaquePointer {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = unsafe sqlite3_open_v2(path, &opened, flags, options.vfs)
        guard result == SQLITE_OK, let handle = unsafe opened else {
            let failure = unsafe Statement.failure(result, connection: opened, path: path)
            unsafe sqlite3_close(opened)
            throw failure
        }
        return unsafe handle
    }

    private func configure(_ options: DatabaseOptions) throws(DatabaseFailure) {
        unsafe sqlite3_busy_timeout(handle, Int32(options.busyMilliseconds))
        unsafe csqlite_configure(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        unsafe csqlite_configure(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        unsafe csqlite_configure(handle, SQLITE_DBCONFIG_DQS_DML, 0)
        unsafe csqlite_configure(handle, SQLITE_DBCONFIG_DQS_DDL, 0)
        // A new file's switch to the write-ahead log goes through a rollback journal once. Only EXTRA makes sure that
        // this journal is gone for good; should it come back after a power loss, SQLite would empty the file with it
        // and throw the log away, acknowledged commits included.
        try run(script: "PRAGMA synchronous = EXTRA")
        let mode = try rows("PRAGMA journal_mode = WAL") { row throws(DatabaseFailure) in try row.text(0) }
            .first
        guard mode == "wal" else {
            throw DatabaseFailure(
                code: .cannotOpen,
                reason: "this file system has no write-ahead log (journal mode \(mode ?? "?"))",
                path: path)
        }
        try run(
            script: """
                PRAGMA synchronous = \(options.synchronous.rawValue);
                PRAGMA foreign_keys = ON;
                PRAGMA temp_store = MEMORY;
                PRAGMA journal_size_limit = 67108864;
                PRAGMA cell_size_check = ON;
                PRAGMA query_only = \(options.readsOnly ? "ON" : "OFF");
                """)
        unsafe csqlite_count_frames(handle, frames)
    }

    // MARK: - Statements

    /// Takes a statement out of the store, so that a second use of the same text meanwhile gets one of its own.
    private func take(_ sql: String) throws(DatabaseFailure) -> Statement {
        if let statement = statements.removeValue(forKey: sql) { return statement }
        return try unsafe Statement(sql, connection: handle, path: path)
    }

    private func put(_ statement: Statement) {
        statement.reset()
        if statements.count >= statementLimit { statements.removeAll(keepingCapacity: true) }
        statements[statement.sql] = statement
    }

    func failure(_ result: Int32, _ sql: String? = nil) -> DatabaseFailure {
        unsafe Statement.failure(result, connection: handle, path: path, sql: sql)
    }
}
