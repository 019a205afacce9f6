internal import Journal
internal import Synchronization
internal import Trading

/// Candles of any number of series in one SQLite file, exact, with what is known about their gaps.
///
/// Chunks of 1,024 candles lie in rows of a table, each with a checksum (``CandleChunk``). No candle is kept in memory, so
/// several processes may use one file at once; writes take turns. What a write has returned from survives the process; a power
/// loss may take back the last writes as wholes, what was asked together with what came, so that it is asked for again.
/// Only hashes of spans are remembered, beside the numbers of the writes that they are of.
///
/// Any thread may call. A call reads or writes files on the calling thread: never call on the floor's.
public final class CandleStore: CandleSource, Sendable {
    /// The database's file.
    public let path: String
    let writer: Mutex<Database?>
    let readers: DatabaseReaders
    let hashes = HashedSpans()

    /// Opens a store, and makes it when it is not there; its folder must be.
    ///
    /// - Parameters:
    ///   - readers: How many may read at once.
    ///   - isChecked: Whether the whole file is looked through first, which takes its time.
    /// - Throws: ``MarketFileFailure`` when it cannot be used. Nothing of it was changed then.
    public init(path: String, readers: Int = 3, isChecked: Bool = false) throws(MarketFileFailure) {
        self.path = path
        do {
            var options = DatabaseOptions()
            options.synchronous = .normal
            // Chunks bear checksums of their own, and a host may not wait for gigabytes to be read at its start.
            options.check = isChecked ? .full : .none
            let database = try Database(path: path, options: options)
            try database.migrate([Self.migrations])
            self.readers = try DatabaseReaders(path: path, count: readers)
            writer = Mutex(database)
        } catch {
            throw Self.failure(path, error)
        }
    }

    /// Closes it; later calls fail.
    public func close() {
        readers.close()
        writer.withLock { $0 = nil }
    }

    static let migrations = MigrationSet(
        name: "candles",
        [
            Migration(
                1, "Add series, chunks, spans asked for, refusals",
                """
                CREATE TABLE series (
                    id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL,
                    resolution INTEGER NOT NULL, price_digits INTEGER NOT NULL,
                    volume_digits INTEGER NOT NULL, highest TEXT NOT NULL, largest TEXT NOT NULL,
                    candles INTEGER NOT NULL, bytes INTEGER NOT NULL, replaced INTEGER NOT NULL,
                    keep INTEGER, UNIQUE (venue, symbol, resolution)
                ) STRICT;
                CREATE TABLE chunks (
                    id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
                    place INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
                    candles INTEGER NOT NULL, checksum INTEGER NOT NULL, columns BLOB NOT NULL,
                    UNIQUE (series, place)
                ) STRICT;
                CREATE TABLE asked (
                    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
                    start_time INTEGER NOT NULL, end_time INTEGER NOT NULL, PRIMARY KEY (series, start_time)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE refusals (
                    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, reason TEXT NOT NULL,
                    candles INTEGER NOT NULL, last_time INTEGER NOT NULL, last_words TEXT NOT NULL,
                    PRIMARY KEY (series, reason)
                ) STRICT, WITHOUT ROWID
                """),
            Migration(
                2, "Number the writes of chunks",
                """
                ALTER TABLE chunks ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
                CREATE INDEX chunks_by_revision ON chunks (series, place, revision);
                CREATE TABLE revisions (last INTEGER NOT NULL) STRICT;
                INSERT INTO revisions VALUES (0)
                """),
        ])

    // MARK: - Turns

    /// Runs `body` on one unchanging view.
    func reading<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(MarketFileFailure) -> Result {
        do {
            return try readers.read(body)
        } catch {
            throw Self.failure(path, error)
        }
    }

    /// Runs `body` in a transaction, when it is this caller's turn.
    func writing<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(MarketFileFailure) -> Result {
        do {
            return try writer.withLock { database in try Self.transact(database, path, body) }
        } catch {
            throw Self.failure(path, error)
        }
    }

    /// How long the write-ahead log may become, in pages of 4 kB.
    private static let checkpointPages = 1000

    private static func transact<Result>(
        _ database: Database?, _ path: String, _ body: @Sendable (Database) throws -> Result
    ) throws -> Result {
        guard let database else {
            throw DatabaseFailure(code: .cannotOpen, reason: "it has been closed", path: path)
        }
        let result = try database.transaction { try body(database) }
        if database.logFrames >= checkpointPages {
            // What was committed is safe in the log; the next write tries again.
            try? database.checkpoint()
        }
        return result
    }

    /// A failure in the words of this module; of the path only the file's name, since it may reach a browser.
    static func failure(_ path: String, _ error: any Error) -> MarketFileFailure {
        if let failure = error as? MarketFileFailure { return failure }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let reason = (error as? DatabaseFailure)?.reason ?? "\(error)"
        return MarketFileFailure(file: name, line: 0, reason: reason)
    }

    /// A damaged chunk in words.
    static func failure(_ flaw: ChunkFlaw, _ place: Int64, of key: SeriesKey) -> MarketFileFailure {
        let start =
            CandleChunk.origin(key.resolution) + place * CandleChunk.slots * key.resolution.milliseconds
        return MarketFileFailure(
            file: "\(key)", line: 0,
            reason: "the chunk from \(start) on is damaged: \(flaw.reason); import or download it again")
    }
}

/// A series as the store's table has it.
struct SeriesRow: Sendable {
    var id: Int64
    var key: SeriesKey
    /// How many digits any number of it has needed so far.
    var priceDigits: Int
    var volumeDigits: Int
    /// The highest price and the largest volume so far, which must fit with so many digits.
    var highest: FixedDecimal
    var largest: FixedDecimal
    var candles: Int
    var bytes: Int
    /// How many candles were replaced by other numbers.
    var replaced: Int
    /// How long candles are kept, in milliseconds; nil keeps them for good.
    var keep: Int64?

    static let columns = """
        id, venue, symbol, resolution, price_digits, volume_digits, highest, largest, candles, bytes, replaced, keep
        """

    init(_ row: borrowing Row) throws(DatabaseFailure) {
        id = try row.integer(0)
        key = SeriesKey(
            venue: try row.text(1), symbol: try row.text(2),
            resolution: Resolution(milliseconds: try row.integer(3)))
        (priceDigits, volumeDigits) = (try row.int(4), try row.int(5))
        (highest, largest) = (try row.decimal(6), try row.decimal(7))
        (candles, bytes, replaced) = (try row.int(8), try row.int(9), try row.int(10))
        keep = try row.optionalInteger(11)
    }

    /// Finds a series; nil when nothing was ever told of it.
    static func find(_ key: SeriesKey, in database: Database) throws(DatabaseFailure) -> SeriesRow? {
        try database.rows(
            "SELECT \(columns) FROM series WHERE venue = ? AND symbol = ? AND resolution = ?",
            values: [key.venue, key.symbol, key.resolution.milliseconds]
        ) { row throws(DatabaseFailure) in try SeriesRow(row) }.first
    }

    /// Finds a series, or notes a new one.
    static func findOrMake(_ key: SeriesKey, in database: Database) throws(DatabaseFailure) -> SeriesRow {
        try database.run(
            """
            INSERT INTO series (venue, symbol, resolution, price_digits, volume_digits, highest, largest, candles,
                bytes, replaced)
            VALUES (?, ?, ?, 0, 0, '0', '0', 0, 0, 0) ON CONFLICT DO NOTHING
            """, key.venue, key.symbol, key.resolution.milliseconds)
        guard let row = try find(key, in: database) else {
            throw DatabaseFailure(
                code: .other, reason: "the series \(key) cannot be noted", path: database.path)
        }
        return row
    }

    /// Every series, in order.
    static func all(in database: Database) throws(DatabaseFailure) -> [SeriesRow] {
        try database.rows("SELECT \(columns) FROM series ORDER BY venue, symbol, resolution") {
            row throws(DatabaseFailure) in try SeriesRow(row)
        }
    }

    /// Writes down what may have changed.
    func save(in database: Database) throws(DatabaseFailure) {
        try database.run(
            """
            UPDATE series SET price_digits = ?, volume_digits = ?, highest = ?, largest = ?, candles = ?, bytes = ?,
                replaced = ?, keep = ? WHERE id = ?
            """, priceDigits, volumeDigits, highest, largest, candles, bytes, replaced, keep, id)
    }

    /// When its first and its last candle opened; nil without candles.
    func bounds(in database: Database) throws(DatabaseFailure) -> (first: Int64, last: Int64)? {
        func end(_ order: String) throws(DatabaseFailure) -> (first: Int64, last: Int64)? {
            try database.rows(
                "SELECT first_time, last_time FROM chunks WHERE series = ? ORDER BY place \(order) LIMIT 1",
                values: [id]
            ) { row throws(DatabaseFailure) in (first: try row.integer(0), last: try row.integer(1)) }.first
        }
        guard let first = try end("ASC"), let last = try end("DESC") else { return nil }
        return (first.first, last.last)
    }

    /// Columns that hold any candle of it.
    func emptyColumns() -> CandleColumns {
        CandleColumns(
            symbol: key.symbol, resolution: key.resolution, priceDigits: priceDigits,
            volumeDigits: volumeDigits)
    }
}
