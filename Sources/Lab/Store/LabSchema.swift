public import Journal

/// The tables of the Lab's database, `lab.db`.
///
/// It is a file of its own: runs are many and large, can be made again, and must not slow down the journal of orders.
public enum LabSchema {
    /// Every owner's steps, in the order in which they run. What stands on runs adds a set of its own behind them.
    public static let all: [MigrationSet] = [migrations, StudySchema.migrations]

    /// What is kept about strategies of the catalogue, and their backtests.
    static let migrations = MigrationSet(
        name: "lab",
        [
            Migration(
                1, "Algorithms, their versions, backtests",
                """
                CREATE TABLE algorithms (
                    id TEXT PRIMARY KEY, notes TEXT NOT NULL, tags TEXT NOT NULL, changed_at INTEGER NOT NULL,
                    changed_by TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE algorithm_versions (
                    algorithm TEXT NOT NULL, version TEXT NOT NULL,
                    status TEXT NOT NULL CHECK (status IN ('lab', 'deployable', 'deployed')),
                    notes TEXT NOT NULL, changed_at INTEGER NOT NULL, changed_by TEXT NOT NULL,
                    PRIMARY KEY (algorithm, version)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE backtests (
                    number INTEGER PRIMARY KEY, algorithm TEXT NOT NULL, version TEXT NOT NULL,
                    owner TEXT NOT NULL, created_by TEXT NOT NULL, title TEXT NOT NULL,
                    state TEXT NOT NULL CHECK (state IN
                        ('queued', 'running', 'completed', 'cancelled', 'failed', 'interrupted')),
                    cause TEXT, job TEXT NOT NULL, repeats INTEGER, created_at INTEGER NOT NULL,
                    started_at INTEGER, ended_at INTEGER, bars INTEGER NOT NULL, total INTEGER NOT NULL,
                    is_kept INTEGER NOT NULL, data_hashes TEXT, result_hash TEXT, summary TEXT
                ) STRICT;
                CREATE INDEX backtests_by_algorithm ON backtests (algorithm, number);
                CREATE INDEX backtests_by_owner ON backtests (owner, number);
                CREATE INDEX backtests_under_way ON backtests (number) WHERE state IN ('queued', 'running');
                CREATE TABLE backtest_results (
                    number INTEGER PRIMARY KEY REFERENCES backtests (number) ON DELETE CASCADE,
                    bytes INTEGER NOT NULL, result BLOB NOT NULL
                ) STRICT;
                """),
            Migration(
                2, "Runs that a study has kept",
                """
                ALTER TABLE backtests ADD COLUMN study INTEGER;
                ALTER TABLE backtests ADD COLUMN part INTEGER;
                CREATE UNIQUE INDEX backtests_by_study ON backtests (study, part) WHERE study IS NOT NULL;
                """),
        ])
}
