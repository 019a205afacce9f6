internal import Journal
internal import Posix
public import Trading
internal import Wire

/// Where collectors, what they have done and the prices of coins are kept: a database of its own.
public final class CollectorStore: Sendable {
    private let writer: GroupCommitWriter
    private let readers: DatabaseReaders

    /// One row of `price_data_5min`.
    public struct PriceRow: Hashable, Sendable {
        /// The beginning of the five minutes, UTC.
        public let timestamp: Timestamp
        public let price: CoinPrice
        /// When the venue said so.
        public let received: Timestamp
    }

    /// A collector as it was kept.
    struct Kept: Sendable {
        let definition: CollectorDefinition
        let figures: CollectorFigures
    }

    static let migrations = MigrationSet(
        name: "collectors",
        [
            Migration(
                1, "Add collectors and prices",
                """
                CREATE TABLE collectors (
                    id TEXT PRIMARY KEY, settings TEXT NOT NULL, succeeded INTEGER NOT NULL DEFAULT 0,
                    failed INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0,
                    refused TEXT NOT NULL DEFAULT '{}', last_success INTEGER, last_failure INTEGER,
                    last_reason TEXT
                ) STRICT;
                CREATE TABLE price_data_5min (
                    timestamp INTEGER NOT NULL, coin_type TEXT NOT NULL, bid TEXT NOT NULL, ask TEXT NOT NULL,
                    last TEXT NOT NULL, received_at INTEGER NOT NULL, PRIMARY KEY (coin_type, timestamp)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX price_data_5min_by_time ON price_data_5min (timestamp)
                """)
        ])

    /// Opens the database, and makes it when it is not there.
    ///
    /// - Throws: What is wrong with the file, in words.
    public init(path: String) throws {
        writer = try GroupCommitWriter(path: path, migrations: [Self.migrations])
        readers = try DatabaseReaders(path: path, count: 1)
    }

    /// Ends it, with everything that was handed over.
    public func close() {
        readers.close()
        writer.close()
    }

    // MARK: - Collectors

    /// Every collector, by id.
    func all() throws -> [Kept] {
        try readers.read { database in
            try database.all(
                """
                SELECT settings, succeeded, failed, stored, refused, last_success, last_failure, last_reason
                FROM collectors ORDER BY id
                """
            ) { row in
                var figures = CollectorFigures()
                figures.succeeded = try row.int(1)
                figures.failed = try row.int(2)
                figures.stored = try row.int(3)
                if case .object(let counts) = try JSONParser.parse(try row.text(4)) {
                    for count in counts {
                        if let reason = Refusal(rawValue: count.name), let number = count.value.intValue {
                            figures.refused[reason] = number
                        }
                    }
                }
                figures.lastSuccess = try row.optionalTime(5)
                figures.lastFailure = try row.optionalTime(6)
                figures.lastReason = try row.optionalText(7)
                return Kept(
                    definition: try CollectorDefinition(try JSONParser.parse(try row.text(0))),
                    figures: figures)
            }
        }
    }

    /// Keeps a collector, new or changed, until it is durable.
    func save(_ definition: CollectorDefinition) async throws(CollectFailure) {
        let (id, text) = (definition.id, definition.json.text)
        try await write { database in
            _ = try database.run(
                """
                INSERT INTO collectors (id, settings) VALUES (?, ?)
                ON CONFLICT (id) DO UPDATE SET settings = excluded.settings
                """, id, text)
        }
    }

    /// Forgets a collector; what it has collected stays.
    func remove(_ id: String) async throws(CollectFailure) {
        try await write { database in _ = try database.run("DELETE FROM collectors WHERE id = ?", id) }
    }

    private func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws(CollectFailure) {
        do throws(WriteFailure) {
            try await writer.write(body)
        } catch {
            throw CollectFailure(.storage, "the collectors' database: \(error)")
        }
    }

    /// Keeps what a collector has done, without waiting: figures may be lost, and nothing depends on them.
    func save(_ figures: CollectorFigures, of id: String) {
        submit { database in
            _ = try database.run(
                """
                UPDATE collectors SET succeeded = ?, failed = ?, stored = ?, refused = ?, last_success = ?,
                    last_failure = ?, last_reason = ? WHERE id = ?
                """, figures.succeeded, figures.failed, figures.stored, figures.refusedJSON.text,
                figures.lastSuccess, figures.lastFailure, figures.lastReason, id)
        } completion: { _ in
        }
    }

    private func submit<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result,
        completion: @escaping @Sendable (Swift.Result<Result, WriteFailure>) -> Void
    ) {
        do throws(WriteFailure) {
            try writer.submit(operation, completion: completion)
        } catch {
            completion(.failure(error))
        }
    }

    // MARK: - Prices

    /// Keeps the prices of one moment. Of one coin in one five minutes the first stays.
    ///
    /// - Parameter completion: Called on the writer's thread with the number of rows that are new.
    func keep(
        _ prices: [CoinPrice], slot: Timestamp, received: Timestamp,
        _ completion: @escaping @Sendable (Result<Int, CollectFailure>) -> Void
    ) {
        submit { database in
            var added = 0
            for price in prices {
                added += try database.run(
                    "INSERT OR IGNORE INTO price_data_5min VALUES (?, ?, ?, ?, ?, ?)", slot, price.coin,
                    price.bid, price.ask, price.last, received)
            }
            return added
        } completion: { result in
            completion(result.mapError { CollectFailure(.storage, "the collectors' database: \($0)") })
        }
    }

    /// Prices, newest first.
    ///
    /// - Parameter coin: Of this one alone; nil takes every coin.
    public func prices(
        of coin: String?, from start: Timestamp, to end: Timestamp, limit: Int
    ) throws -> [PriceRow] {
        let condition = coin == nil ? "" : "coin_type = ? AND "
        return try readers.read { database in
            var values: [any SQLBindable] = coin.map { [$0] } ?? []
            values += [start, end, limit]
            return try database.all(
                """
                SELECT timestamp, coin_type, bid, ask, last, received_at FROM price_data_5min
                WHERE \(condition)timestamp >= ? AND timestamp < ?
                ORDER BY timestamp DESC, coin_type LIMIT ?
                """, values: values
            ) { row in
                PriceRow(
                    timestamp: try row.time(0),
                    price: CoinPrice(
                        coin: try row.text(1), bid: try row.decimal(2), ask: try row.decimal(3),
                        last: try row.decimal(4)),
                    received: try row.time(5))
            }
        }
    }
}
