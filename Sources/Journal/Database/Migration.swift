import Posix

/// One numbered step of a schema. Once released it never changes; a new step is added instead.
public struct Migration: Hashable, Sendable {
    /// Counted from 1 within its set, without gaps.
    public let number: Int
    /// What it does, in a few words.
    public let title: String
    /// The statements. Every table they make is STRICT.
    public let sql: String
    /// What SQL cannot do, after the statements and in the same transaction.
    public let work: MigrationWork?

    /// Describes a step.
    public init(_ number: Int, _ title: String, _ sql: String, then work: MigrationWork? = nil) {
        self.number = number
        self.title = title
        self.sql = sql
        self.work = work
    }

    /// The hash of what the step does, which tells when somebody has changed it after it ran.
    var hash: String {
        SHA256.hexadecimal(of: Array((sql + (work.map { "\0\($0.name)" } ?? "")).utf8))
    }
}

/// A part of a step that is written in Swift, such as one that needs a hash.
public struct MigrationWork: Hashable, Sendable {
    /// What tells it from another; a version of it that does something else has another name.
    public let name: String
    /// Changes the database. It must not begin or end a transaction.
    public let run: @Sendable (Database) throws(DatabaseFailure) -> Void

    /// Names a piece of work.
    public init(_ name: String, run: @escaping @Sendable (Database) throws(DatabaseFailure) -> Void) {
        self.name = name
        self.run = run
    }

    /// Same name, same work.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name }

    /// By the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The steps that one target owns.
public struct MigrationSet: Hashable, Sendable {
    /// The owner, such as `identity`.
    public let name: String
    /// The steps, in order.
    public let migrations: [Migration]

    /// Gathers a target's steps, numbered 1, 2, 3 and so on.
    public init(name: String, _ migrations: [Migration]) {
        precondition(migrations.map(\.number).elementsEqual(1..<migrations.count + 1), "numbered 1, 2, 3 …")
        self.name = name
        self.migrations = migrations
    }
}

extension Database {
    /// Brings the schema up to what `sets` describe, in the order given, in one transaction.
    ///
    /// - Returns: The steps that ran now, such as `identity 2: Add tokens`. Empty when nothing was left to do.
    /// - Throws: ``DatabaseFailure`` with ``DatabaseFailure/Code/version`` when the database knows steps that `sets`
    ///   do not, or a step was changed after it ran; nothing has changed then.
    @discardableResult
    public func migrate(_ sets: [MigrationSet]) throws(DatabaseFailure) -> [String] {
        precondition(Set(sets.map(\.name)).count == sets.count, "two sets have one name")
        try begin()
        let applied: [String]
        do throws(DatabaseFailure) {
            applied = try applyMigrations(sets)
            try refuseLooseTables()
        } catch {
            rollBack()
            throw error
        }
        try commit()
        return applied
    }

    private func applyMigrations(_ sets: [MigrationSet]) throws(DatabaseFailure) -> [String] {
        try run(
            script: """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    owner TEXT NOT NULL, number INTEGER NOT NULL, title TEXT NOT NULL, hash TEXT NOT NULL,
                    applied_at INTEGER NOT NULL, PRIMARY KEY (owner, number)
                ) STRICT, WITHOUT ROWID
                """)
        let known = try rows(
            "SELECT owner, number, title, hash FROM schema_migrations ORDER BY owner, number"
        ) {
            row throws(DatabaseFailure) in
            try (owner: row.text(0), number: row.int(1), title: row.text(2), hash: row.text(3))
        }
        for step in known {
            let migration = sets.first { $0.name == step.owner }?.migrations
                .first { $0.number == step.number }
            guard let migration else {
                throw versionFailure(
                    "was written by a newer version of this program: it has the step "
                        + "\(step.owner) \(step.number) (\(step.title)), which this version does not know")
            }
            guard migration.hash == step.hash else {
                throw versionFailure(
                    "does not fit this version of the program: the step \(step.owner) \(step.number) "
                        + "(\(step.title)) was another one when it ran here")
            }
        }
        var applied: [String] = []
        for set in sets {
            let done = known.filter { $0.owner == set.name }.count
            for migration in set.migrations.dropFirst(done) {
                try run(script: migration.sql)
                try migration.work?.run(self)
                try run(
                    "INSERT INTO schema_migrations VALUES (?, ?, ?, ?, ?)", set.name, migration.number,
                    migration.title, migration.hash, WallClock.milliseconds)
                applied.append("\(set.name) \(migration.number): \(migration.title)")
            }
        }
        return applied
    }

    /// A table that is not STRICT takes a floating-point number for money without a word.
    private func refuseLooseTables() throws(DatabaseFailure) {
        let loose = try rows(
            """
            SELECT name FROM pragma_table_list
            WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            """
        ) { row throws(DatabaseFailure) in try row.text(0) }
        guard loose.isEmpty else {
            throw DatabaseFailure(
                code: .statement, reason: "tables must be STRICT: \(loose.joined(separator: ", "))",
                path: path)
        }
    }

    private func versionFailure(_ reason: String) -> DatabaseFailure {
        DatabaseFailure(code: .version, reason: "the database \(reason)", path: path)
    }
}
