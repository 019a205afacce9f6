import Synchronization

/// A few connections that only read, for threads that must not wait for the writer.
///
/// A reader sees what was committed when its query began, and never a half of a transaction.
public final class DatabaseReaders: Sendable {
    private let readers: [Reader]
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
    }

    /// Runs queries on the calling thread, all on one unchanging view of the database.
    ///
    /// Waits when every connection is in use.
    public func read<Result: Sendable>(_ body: @Sendable (Database) throws -> Result) throws -> Result {
        for reader in readers {
            if let result = try reader.database.withLockIfAvailable({ try Self.run(body, on: $0) }) {
                return result
            }
        }
        let turn = turn.wrappingAdd(1, ordering: .relaxed).newValue
        let reader = readers[Int(UInt(bitPattern: turn) % UInt(readers.count))]
        return try reader.database.withLock { try Self.run(body, on: $0) }
    }

    private static func run<Result>(
        _ body: @Sendable (Database) throws -> Result, on database: Database
    ) throws -> Result {
        try database.run("BEGIN")
        // Nothing was changed, so there is nothing that ending could lose.
        defer { database.endReading() }
        return try body(database)
    }

    private final class Reader: Sendable {
        let database: Mutex<Database>

        init(_ path: String, _ options: DatabaseOptions) throws(DatabaseFailure) {
            database = Mutex(try Database(path: path, options: options))
        }
    }
}
