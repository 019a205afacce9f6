import Synchronization

/// A few connections that only read, for threads that must not wait for the writer.
///
/// A reader sees what was committed when its query began, and never a half of a transaction.
public final class DatabaseReaders: Sendable {
    private let readers: [Reader]
    private let path: String
    private let turn = Atomic<Int>(0)

    /// Opens `count` connections to a database that a writer has opened before.
    public init(
        path: String, count: Int = 2, options: DatabaseOptions = .reader
    ) throws(DatabaseFailure) {
        precondition(count > 0)
        var options = options
        options.readsOnly = true
        options.check = .none
        var readers: [Reader] = []
        for _ in 0..<count { readers.append(try Reader(path, options)) }
        self.readers = readers
        self.path = path
    }

    /// Runs queries on the calling thread, all on one unchanging view of the database.
    ///
    /// Waits when every connection is in use.
    public func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        for reader in readers {
            if let result = try reader.database.withLockIfAvailable({ try run(body, on: $0) }) {
                return result
            }
        }
        let turn = turn.wrappingAdd(1, ordering: .relaxed).newValue
        let reader = readers[Int(UInt(bitPattern: turn) % UInt(readers.count))]
        return try reader.database.withLock { try run(body, on: $0) }
    }

    /// Closes the connections, so that the last one to close, the writer's, puts everything into one file. Waits for
    /// queries under way; later ones fail.
    public func close() {
        for reader in readers { reader.database.withLock { $0 = nil } }
    }

    private func run<Result>(
        _ body: @Sendable (Database) throws -> Result, on database: Database?
    ) throws -> Result {
        guard let database else {
            throw DatabaseFailure(code: .cannotOpen, reason: "it has been closed", path: path)
        }
        try database.run("BEGIN")
        // Nothing was changed, so there is nothing that ending could lose.
        defer { database.endReading() }
        return try body(database)
    }

    private final class Reader: Sendable {
        let database: Mutex<Database?>

        init(_ path: String, _ options: DatabaseOptions) throws(DatabaseFailure) {
            database = Mutex(try Database(path: path, options: options))
        }
    }
}
