internal import Journal
internal import Trading
internal import Wire

/// The tables of studies, in the Lab's database.
enum StudySchema {
    static let migrations = MigrationSet(
        name: "studies",
        [
            Migration(
                1, "Searches, walks forward and checks, and the points of searches",
                """
                CREATE TABLE studies (
                    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, algorithm TEXT NOT NULL, owner TEXT NOT NULL,
                    created_by TEXT NOT NULL, title TEXT NOT NULL,
                    state TEXT NOT NULL CHECK (state IN ('running', 'completed', 'cancelled', 'failed')),
                    cause TEXT, job TEXT NOT NULL, plan TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER,
                    done INTEGER NOT NULL, total INTEGER NOT NULL, result TEXT
                ) STRICT;
                CREATE INDEX studies_by_owner ON studies (owner, number);
                CREATE INDEX studies_under_way ON studies (number) WHERE state = 'running';
                CREATE TABLE study_points (
                    study INTEGER NOT NULL REFERENCES studies (number) ON DELETE CASCADE,
                    part INTEGER NOT NULL, point TEXT NOT NULL, outcome TEXT NOT NULL,
                    PRIMARY KEY (study, part, point)
                ) STRICT, WITHOUT ROWID;
                """)
        ])
}

/// Which studies are wanted.
public struct StudyFilter: Hashable, Sendable {
    /// One of these kinds.
    public var kinds: [LabStudy.Kind]
    /// Nil for everyone's.
    public var owner: String?
    public var algorithm: String?

    /// Filters.
    public init(kinds: [LabStudy.Kind], owner: String? = nil, algorithm: String? = nil) {
        self.kinds = kinds
        self.owner = owner
        self.algorithm = algorithm
    }
}

extension LabStore {
    /// Adds a study that is under way, and gives it its number.
    func addStudy(
        _ plan: StudyPlan, job: BacktestJob, owner: String, by user: String, title: String, total: Int,
        at now: Timestamp
    ) async throws(LabFailure) -> LabStudy {
        let (jobText, planText) = (job.json.text, plan.json.text)
        let number = try await change { database in
            try database.run(
                """
                INSERT INTO studies (kind, algorithm, owner, created_by, title, state, job, plan, created_at, done,
                    total) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, 0, ?)
                """, plan.kind.rawValue, job.strategy, owner, user, title, jobText, planText, now, total)
            return database.lastInsertedRow
        }
        return LabStudy(
            number: number, owner: owner, createdBy: user, title: title, state: .running, job: job,
            plan: plan,
            createdAt: now, done: 0, total: total, result: .null)
    }

    /// Writes how a study ended.
    func endStudy(_ study: LabStudy) async throws(LabFailure) {
        let text = study.result.text
        try await change { database in
            _ = try database.run(
                """
                UPDATE studies SET state = ?, cause = ?, ended_at = ?, done = ?, total = ?, result = ?
                WHERE number = ?
                """, study.state.rawValue, study.cause, study.endedAt, study.done, study.total, text,
                study.number)
        }
    }

    /// Keeps what came of a point, for good.
    ///
    /// - Parameter part: 0 for an optimisation; of a walk forward the window's number.
    func keep(
        _ outcome: PointOutcome, at point: SearchPoint, study: Int64, part: Int
    ) async throws(LabFailure) {
        let (pointText, outcomeText) = (point.json.text, outcome.json.text)
        try await change { database in
            _ = try database.run(
                """
                INSERT OR REPLACE INTO study_points (study, part, point, outcome) VALUES (?, ?, ?, ?)
                """, study, part, pointText, outcomeText)
        }
    }

    /// What is kept of the points of a study.
    public func points(study: Int64, part: Int) throws(LabFailure) -> [SearchPoint: PointOutcome] {
        try read { database in
            let rows = try database.all(
                "SELECT point, outcome FROM study_points WHERE study = ? AND part = ?", study, part
            ) { row in
                let members = try JSONParser.parse(try row.text(0))
                guard case .object(let values) = members else {
                    throw LabFailure.unavailable("a point of study \(study) cannot be read")
                }
                return (SearchPoint(values), try PointOutcome(reading: try JSONParser.parse(try row.text(1))))
            }
            return Dictionary(rows) { first, _ in first }
        }
    }

    /// One study, or nil.
    public func study(_ number: Int64) throws(LabFailure) -> LabStudy? {
        try read { try LabStudy.read("number = ?", [number], in: $0).first }
    }

    /// The studies that the last host left under way, oldest first.
    func studiesUnderWay() throws(LabFailure) -> [LabStudy] {
        try read { try LabStudy.read("state = 'running' ORDER BY number", [], in: $0) }
    }

    /// Studies, newest first: those below `before`, or the newest.
    public func studies(
        _ filter: StudyFilter, before: Int64?, limit: Int
    ) throws(LabFailure) -> (studies: [LabStudy], next: Int64?) {
        var conditions = ["number < ?"]
        var values: [any SQLBindable & Sendable] = [before ?? .max]
        conditions.append("kind IN (\(filter.kinds.map { _ in "?" }.joined(separator: ", ")))")
        values += filter.kinds.map(\.rawValue)
        if let owner = filter.owner {
            conditions.append("owner = ?")
            values.append(owner)
        }
        if let algorithm = filter.algorithm {
            conditions.append("algorithm = ?")
            values.append(algorithm)
        }
        values.append(limit + 1)
        let condition = conditions.joined(separator: " AND ") + " ORDER BY number DESC LIMIT ?"
        let found = try read { [values] in try LabStudy.read(condition, values, in: $0) }
        let part = Array(found.prefix(limit))
        return (part, found.count > limit ? part.last?.number : nil)
    }

    /// Forgets a study, its points and the runs that it has kept.
    func removeStudy(_ number: Int64) async throws(LabFailure) {
        try await change { database in
            try database.run("DELETE FROM backtests WHERE study = ?", number)
            _ = try database.run("DELETE FROM studies WHERE number = ?", number)
        }
    }
}

extension LabStudy {
    static func read(
        _ condition: String, _ values: [any SQLBindable], in database: Database
    ) throws -> [LabStudy] {
        try database.all(
            """
            SELECT number, kind, owner, created_by, title, state, cause, job, plan, created_at, ended_at, done, total,
                result FROM studies WHERE \(condition)
            """, values: values
        ) { row in
            let kind: Kind = try row.choice(1)
            var plan = try ObjectReader(try JSONParser.parse(try row.text(8)))
            // What was stored names its space and figures itself.
            let figures = Set(StudyFigures.names)
            return LabStudy(
                number: try row.integer(0), owner: try row.text(2), createdBy: try row.text(3),
                title: try row.text(4), state: try row.choice(5), cause: try row.optionalText(6),
                job: try BacktestJob(try JSONParser.parse(try row.text(7))),
                plan: try StudyPlan(kind, &plan, ranges: [], figures: figures), createdAt: try row.time(9),
                endedAt: try row.optionalTime(10), done: try row.int(11), total: try row.int(12),
                result: try row.optionalText(13).map {
                    try JSONParser.parse($0, limits: .init(bytes: 64 << 20))
                } ?? .null)
        }
    }
}
