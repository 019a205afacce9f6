public import Journal
public import Trading

/// Two deployments side by side, with a capital each, held against each other.
public struct Trial: Hashable, Sendable {
    /// Given when it is kept.
    public var id: Int64 = 0
    public let owner: String
    /// The deployments' numbers.
    public let first: Int64
    public let second: Int64
    public let beganAt: Timestamp
    public let beganBy: String
    /// Nil while it is under way.
    public var endedAt: Timestamp?
    public var endedBy: String?

    /// Describes a trial.
    public init(owner: String, first: Int64, second: Int64, beganAt: Timestamp, beganBy: String) {
        self.owner = owner
        self.first = first
        self.second = second
        self.beganAt = beganAt
        self.beganBy = beganBy
    }
}

/// The table of trials.
public enum TrialStore {
    /// The schema.
    public static let migrations = MigrationSet(
        name: "trial",
        [
            Migration(
                1, "Add trials of two deployments side by side",
                """
                CREATE TABLE trials (
                    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, first INTEGER NOT NULL,
                    second INTEGER NOT NULL, began_at INTEGER NOT NULL, began_by TEXT NOT NULL,
                    ended_at INTEGER, ended_by TEXT
                ) STRICT;
                """)
        ])

    /// Writes a trial and gives it its number.
    public static func add(_ trial: Trial, in database: Database) throws -> Trial {
        try database.run(
            "INSERT INTO trials (owner, first, second, began_at, began_by) VALUES (?, ?, ?, ?, ?)",
            trial.owner, trial.first, trial.second, trial.beganAt, trial.beganBy)
        var numbered = trial
        numbered.id = database.lastInsertedRow
        return numbered
    }

    /// Ends a trial.
    public static func end(_ id: Int64, by user: String, at time: Timestamp, in database: Database) throws {
        try database.run(
            "UPDATE trials SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL", time, user, id)
    }

    /// Trials, the newest first.
    public static func trials(in database: Database) throws -> [Trial] {
        try database.all(
            """
            SELECT id, owner, first, second, began_at, began_by, ended_at, ended_by FROM trials
            ORDER BY id DESC LIMIT 1000
            """
        ) { row in
            var trial = Trial(
                owner: try row.text(1), first: try row.integer(2), second: try row.integer(3),
                beganAt: try row.time(4), beganBy: try row.text(5))
            trial.id = try row.integer(0)
            trial.endedAt = try row.optionalTime(6)
            trial.endedBy = try row.optionalText(7)
            return trial
        }
    }
}
