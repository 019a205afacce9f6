public import Journal
public import Trading
public import Wire

/// A replay as it is kept.
public struct ReplayRecord: Hashable, Sendable {
    /// Where it stands.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case running, completed, failed
    }

    public let id: Int64
    /// The run that is replayed.
    public let run: String
    public let strategy: String
    public let owner: String
    /// The version that ran.
    public let version: String
    /// The version that is asked now.
    public let replayed: String
    public var state: State
    /// Why there is no report, in words.
    public var cause: String?
    public let startedAt: Timestamp
    public let startedBy: String
    public var endedAt: Timestamp?
    /// What ``ReplayReport/json`` wrote; null while it is under way.
    public var report: JSONValue

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(String(id)), "run": .string(run), "strategy": .string(strategy),
            "version": .string(version), "replayed_version": .string(replayed),
            "state": .string(state.rawValue), "cause": .optional(cause), "started_at": .time(startedAt),
            "started_by": .string(startedBy), "ended_at": endedAt.map { .time($0) } ?? .null,
            "report": report,
        ])
    }
}

/// The table of replays.
public enum ReplayStore {
    /// The schema.
    public static let migrations = MigrationSet(
        name: "replay",
        [
            Migration(
                1, "Add replays of runs",
                """
                CREATE TABLE replays (
                    id INTEGER PRIMARY KEY, run TEXT NOT NULL, strategy TEXT NOT NULL, owner TEXT NOT NULL,
                    version TEXT NOT NULL, replayed TEXT NOT NULL, state TEXT NOT NULL, cause TEXT,
                    started_at INTEGER NOT NULL, started_by TEXT NOT NULL, ended_at INTEGER, report TEXT,
                    differing INTEGER
                ) STRICT;
                CREATE INDEX replays_by_strategy ON replays (strategy, id);
                """)
        ])

    /// How many replays of a strategy are kept.
    static let kept = 100

    /// Writes that a replay begins, and lets go of the oldest.
    public static func begin(
        run: String, strategy: String, owner: String, version: String, replayed: String, by user: String,
        at time: Timestamp, in database: Database
    ) throws -> Int64 {
        try database.run(
            """
            INSERT INTO replays (run, strategy, owner, version, replayed, state, started_at, started_by)
            VALUES (?, ?, ?, ?, ?, 'running', ?, ?)
            """, run, strategy, owner, version, replayed, time, user)
        let id = database.lastInsertedRow
        try database.run(
            """
            DELETE FROM replays WHERE strategy = ?1 AND state <> 'running' AND id NOT IN
                (SELECT id FROM replays WHERE strategy = ?1 ORDER BY id DESC LIMIT ?2)
            """, strategy, kept)
        return id
    }

    /// Writes how a replay ended.
    public static func end(
        _ id: Int64, _ result: Result<ReplayReport, ReplayFailure>, at time: Timestamp, in database: Database
    ) throws {
        switch result {
        case .success(let report):
            try database.run(
                "UPDATE replays SET state = 'completed', ended_at = ?, report = ?, differing = ? WHERE id = ?",
                time, report.json.text, report.agrees ? 0 : max(1, report.differenceCount), id)
        case .failure(let failure):
            try database.run(
                "UPDATE replays SET state = 'failed', ended_at = ?, cause = ? WHERE id = ?", time,
                failure.reason, id)
        }
    }

    /// Writes how those ended that the last host left under way.
    public static func endLeftOver(at time: Timestamp, in database: Database) throws {
        try database.run(
            """
            UPDATE replays SET state = 'failed', ended_at = ?, cause = 'the host ended before it'
            WHERE state = 'running'
            """, time)
    }

    /// One replay, or nil.
    public static func replay(_ id: Int64, in database: Database) throws -> ReplayRecord? {
        try records("id = ?", [id], in: database).first
    }

    /// Replays of a strategy, the newest first, without their reports.
    public static func replays(of strategy: String, in database: Database) throws -> [ReplayRecord] {
        try records("strategy = ? ORDER BY id DESC LIMIT 100", [strategy], in: database, withReport: false)
    }

    /// How much differed when a run of this version was last replayed with the same version; nil when none was.
    public static func lastDifferences(
        of strategy: String, version: String, in database: Database
    ) throws -> Int? {
        try database.first(
            """
            SELECT differing FROM replays WHERE strategy = ? AND version = ? AND replayed = version
                AND state = 'completed' AND differing IS NOT NULL ORDER BY id DESC LIMIT 1
            """, strategy, version
        ) { try $0.int(0) }
    }

    private static func records(
        _ condition: String, _ values: [any SQLBindable], in database: Database, withReport: Bool = true
    ) throws -> [ReplayRecord] {
        try database.all(
            """
            SELECT id, run, strategy, owner, version, replayed, state, cause, started_at, started_by, ended_at,
                \(withReport ? "report" : "NULL") FROM replays WHERE \(condition)
            """, values: values
        ) { row in
            ReplayRecord(
                id: try row.integer(0), run: try row.text(1), strategy: try row.text(2),
                owner: try row.text(3), version: try row.text(4), replayed: try row.text(5),
                state: try row.choice(6), cause: try row.optionalText(7), startedAt: try row.time(8),
                startedBy: try row.text(9), endedAt: try row.optionalTime(10),
                report: try row.optionalText(11).map {
                    try JSONParser.parse($0, limits: JSONParser.Limits(bytes: 16 << 20))
                } ?? .null)
        }
    }
}
