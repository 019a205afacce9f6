public import Journal
public import Trading
import Wire

/// The catalogue's tables: strategies, their versions, and what should run.
///
/// Every function works on the connection it is given, so that the host can put it into one transaction with the
/// audit entry that belongs to it: changes through `GroupCommitWriter`, reading through `DatabaseReaders`. Rows of
/// deleted strategies stay, since orders and fills name them.
public enum StrategyStore {
    /// The schema.
    ///
    /// Every row carries its owner from the first step on.
    public static let migrations = MigrationSet(
        name: "catalogue",
        [
            Migration(
                1, "Add strategies, versions and what should run",
                """
                CREATE TABLE strategies (
                    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL,
                    deleted_at INTEGER
                ) STRICT;
                CREATE UNIQUE INDEX strategies_by_name ON strategies (owner, name COLLATE NOCASE)
                    WHERE deleted_at IS NULL;
                CREATE TABLE strategy_versions (
                    strategy TEXT NOT NULL REFERENCES strategies (id), version TEXT NOT NULL,
                    number INTEGER NOT NULL, owner TEXT NOT NULL, uploaded_at INTEGER NOT NULL,
                    uploaded_by TEXT NOT NULL, kind TEXT NOT NULL, profile TEXT NOT NULL, entry TEXT NOT NULL,
                    file_count INTEGER NOT NULL, byte_count INTEGER NOT NULL, config TEXT NOT NULL,
                    warnings TEXT NOT NULL, PRIMARY KEY (strategy, version)
                ) STRICT;
                CREATE TABLE desired_runs (
                    strategy TEXT PRIMARY KEY REFERENCES strategies (id), owner TEXT NOT NULL,
                    should_run INTEGER NOT NULL, is_paused INTEGER NOT NULL, account TEXT NOT NULL,
                    feed TEXT NOT NULL, capital TEXT NOT NULL, parameters TEXT NOT NULL, version TEXT NOT NULL,
                    since INTEGER NOT NULL,
                    FOREIGN KEY (strategy, version) REFERENCES strategy_versions (strategy, version)
                ) STRICT
                """)
        ])

    // MARK: - Ids

    /// A fresh id: the name's letters and digits, then six random ones.
    public static func makeID(
        name: String, using generator: inout some RandomNumberGenerator
    ) -> String {
        var slug = ""
        for byte in name.lowercased().utf8 where slug.utf8.count < 32 {
            let isWord = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
            if isWord {
                slug.unicodeScalars.append(UnicodeScalar(byte))
            } else if !slug.isEmpty, !slug.hasSuffix("-") {
                slug += "-"
            }
        }
        while slug.hasSuffix("-") { slug.removeLast() }
        // Without letters that are taken for one another.
        let letters = Array("abcdefghjkmnpqrstuvwxyz23456789")
        let suffix = String((0..<6).map { _ in letters.randomElement(using: &generator)! })
        return (slug.isEmpty ? "strategy" : slug) + "-" + suffix
    }

    /// A fresh id from the system's random numbers.
    public static func makeID(name: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return makeID(name: name, using: &generator)
    }

    // MARK: - Changing

    /// Adds a strategy with its first version.
    ///
    /// - Throws: ``StrategyStoreFailure/nameTaken(_:)``, or the database's failure.
    public static func add(
        id: String, owner: String, name: String, version: VersionRecord, in database: Database
    ) throws {
        let other = try database.first(
            "SELECT id FROM strategies WHERE owner = ? AND name = ? COLLATE NOCASE AND deleted_at IS NULL",
            owner, name
        ) { try $0.text(0) }
        guard other == nil else { throw StrategyStoreFailure.nameTaken(name) }
        try database.run(
            "INSERT INTO strategies (id, owner, name, created_at) VALUES (?, ?, ?, ?)", id, owner, name,
            version.uploadedAt)
        try insert(version, strategy: id, owner: owner, number: 1, in: database)
    }

    /// Adds a version to a strategy.
    ///
    /// - Throws: ``StrategyStoreFailure``, or the database's failure.
    public static func addVersion(
        _ version: VersionRecord, to id: String, in database: Database
    ) throws {
        let owner = try owner(of: id, in: database)
        guard try !hasVersion(version.version, of: id, in: database) else {
            throw StrategyStoreFailure.versionExists(version.version)
        }
        let number =
            try database.first(
                "SELECT max(number) FROM strategy_versions WHERE strategy = ?", id, read: { try $0.int(0) })
            ?? 0
        try insert(version, strategy: id, owner: owner, number: number + 1, in: database)
    }

    /// Marks a strategy as deleted: it is no longer listed, should not run, and its name is free again.
    ///
    /// Whether it may be deleted is the host's to decide.
    public static func delete(_ id: String, at time: Timestamp, in database: Database) throws {
        _ = try owner(of: id, in: database)
        try database.run("UPDATE strategies SET deleted_at = ? WHERE id = ?", time, id)
        try database.run("UPDATE desired_runs SET should_run = 0, since = ? WHERE strategy = ?", time, id)
    }

    /// Writes down how a strategy should run.
    ///
    /// - Throws: ``StrategyStoreFailure``, or the database's failure.
    public static func setDesired(_ run: DesiredRun, of id: String, in database: Database) throws {
        let owner = try owner(of: id, in: database)
        guard try hasVersion(run.version, of: id, in: database) else {
            throw StrategyStoreFailure.unknownVersion(run.version)
        }
        try database.run(
            """
            INSERT INTO desired_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (strategy) DO UPDATE SET should_run = excluded.should_run, is_paused = excluded.is_paused,
                account = excluded.account, feed = excluded.feed, capital = excluded.capital,
                parameters = excluded.parameters, version = excluded.version, since = excluded.since
            """,
            id, owner, run.shouldRun, run.isPaused, run.account, run.feed, run.capital, run.parameters.text,
            run.version, run.since)
    }

    /// Writes down that a strategy should not run; how it ran last is kept.
    ///
    /// Nothing happens when it never was started.
    public static func setStopped(_ id: String, at time: Timestamp, in database: Database) throws {
        _ = try owner(of: id, in: database)
        try database.run(
            "UPDATE desired_runs SET should_run = 0, is_paused = 0, since = ? WHERE strategy = ?", time, id)
    }

    /// Writes down whether a strategy that should run should be paused.
    public static func setPaused(_ isPaused: Bool, _ id: String, at time: Timestamp, in database: Database)
        throws
    {
        _ = try owner(of: id, in: database)
        try database.run(
            "UPDATE desired_runs SET is_paused = ?, since = ? WHERE strategy = ?", isPaused, time, id)
    }

    // MARK: - Reading

    /// The strategies that are not deleted, oldest first; all of them, or one owner's.
    public static func list(owner: String? = nil, in database: Database) throws -> [StrategyRecord] {
        try records(
            where: owner == nil ? "s.deleted_at IS NULL" : "s.deleted_at IS NULL AND s.owner = ?",
            owner.map { [$0] } ?? [], in: database)
    }

    /// One strategy that is not deleted, or nil.
    public static func get(_ id: String, in database: Database) throws -> StrategyRecord? {
        try records(where: "s.deleted_at IS NULL AND s.id = ?", [id], in: database).first
    }

    /// The strategies that the host starts, oldest first.
    public static func wanted(in database: Database) throws -> [StrategyRecord] {
        try records(where: "s.deleted_at IS NULL AND d.should_run = 1", [], in: database)
    }

    /// The versions that any strategy, deleted or not, has: what may lie on disk.
    public static func versionsOnDisk(in database: Database) throws -> [String: Set<String>] {
        var versions: [String: Set<String>] = [:]
        try database.forEach("SELECT strategy, version FROM strategy_versions") { row in
            versions[try row.text(0), default: []].insert(try row.text(1))
            return true
        }
        return versions
    }

    // MARK: - Rows

    private static func insert(
        _ version: VersionRecord, strategy: String, owner: String, number: Int, in database: Database
    ) throws {
        try database.run(
            "INSERT INTO strategy_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", strategy,
            version.version, number, owner, version.uploadedAt, version.uploadedBy, version.kind.rawValue,
            version.profile, version.entry, version.fileCount, version.byteCount, version.config.text,
            JSONValue.array(version.warnings.map { .string($0) }).text)
    }

    private static func owner(of id: String, in database: Database) throws -> String {
        let owner = try database.first(
            "SELECT owner FROM strategies WHERE id = ? AND deleted_at IS NULL", id
        ) { try $0.text(0) }
        guard let owner else { throw StrategyStoreFailure.unknownStrategy(id) }
        return owner
    }

    private static func hasVersion(
        _ version: String, of id: String, in database: Database
    ) throws -> Bool {
        try database.first(
            "SELECT 1 FROM strategy_versions WHERE strategy = ? AND version = ?", id, version
        ) { try $0.int(0) } != nil
    }

    private static func records(
        where condition: String, _ values: [any SQLBindable], in database: Database
    ) throws -> [StrategyRecord] {
        var versions: [String: [VersionRecord]] = [:]
        try database.forEach(
            """
            SELECT v.strategy, v.version, v.uploaded_at, v.uploaded_by, v.kind, v.profile, v.entry, v.file_count,
                v.byte_count, v.config, v.warnings
            FROM strategy_versions v JOIN strategies s ON s.id = v.strategy
                LEFT JOIN desired_runs d ON d.strategy = s.id
            WHERE \(condition) ORDER BY v.strategy, v.number
            """, values: values
        ) { row in
            let warnings = try json(try row.text(10), database).arrayValue ?? []
            versions[try row.text(0), default: []].append(
                VersionRecord(
                    version: try row.text(1), uploadedAt: try row.time(2), uploadedBy: try row.text(3),
                    kind: try row.choice(4), profile: try row.text(5), entry: try row.text(6),
                    fileCount: try row.int(7), byteCount: try row.int(8),
                    config: try json(try row.text(9), database), warnings: warnings.compactMap(\.stringValue))
            )
            return true
        }
        return try database.all(
            """
            SELECT s.id, s.owner, s.name, s.created_at, d.should_run, d.is_paused, d.account, d.feed, d.capital,
                d.parameters, d.version, d.since
            FROM strategies s LEFT JOIN desired_runs d ON d.strategy = s.id
            WHERE \(condition) ORDER BY s.created_at, s.id
            """, values: values
        ) { row in
            var desired: DesiredRun?
            if !row.isNull(4) {
                desired = DesiredRun(
                    shouldRun: try row.bool(4), isPaused: try row.bool(5), account: try row.text(6),
                    feed: try row.text(7), capital: try row.decimal(8),
                    parameters: try json(try row.text(9), database), version: try row.text(10),
                    since: try row.time(11))
            }
            let id = try row.text(0)
            guard let own = versions[id] else {
                throw DatabaseFailure(
                    code: .unexpectedValue, reason: "the strategy \(id) has no version", path: database.path)
            }
            return StrategyRecord(
                id: id, owner: try row.text(1), name: try row.text(2), createdAt: try row.time(3),
                versions: own, desired: desired)
        }
    }

    private static func json(_ text: String, _ database: Database) throws(DatabaseFailure) -> JSONValue {
        do {
            return try JSONParser.parse(text)
        } catch {
            throw DatabaseFailure(
                code: .unexpectedValue, reason: "a column of JSON holds something else: \(error)",
                path: database.path)
        }
    }
}
