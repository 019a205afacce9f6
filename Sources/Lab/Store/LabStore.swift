public import Journal
public import Trading
public import Wire

/// The Lab's database: what is kept about algorithms, and every backtest with its result.
///
/// Everything is durable when a call returns. Changes go through one writer, reading through connections of its own; what
/// stands on runs works on both with tables of its own, see ``LabSchema/all``.
public final class LabStore: Sendable {
    public let writer: GroupCommitWriter
    public let readers: DatabaseReaders

    /// Opens the database, and makes it when it is not there.
    public init(path: String) throws(DatabaseFailure) {
        writer = try GroupCommitWriter(path: path, migrations: LabSchema.all)
        readers = try DatabaseReaders(path: path, count: 2)
    }

    /// Closes it, once what waits is written.
    public func close() {
        readers.close()
        writer.close()
    }

    /// Changes the database, and waits until that is durable.
    public func change<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) async throws(LabFailure) -> Result {
        do {
            return try await writer.write(operation)
        } catch {
            if case .operation(let failure as LabFailure) = error { throw failure }
            throw .unavailable("the Lab's database could not be written: \(error)")
        }
    }

    /// Reads on one unchanging view of the database, on the calling thread.
    public func read<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(LabFailure) -> Result {
        do {
            return try readers.read(body)
        } catch {
            if let failure = error as? LabFailure { throw failure }
            throw .unavailable("the Lab's database could not be read: \(error)")
        }
    }
}

/// Runs.
extension LabStore {
    /// Writes down what the last host left under way: what ran is interrupted.
    ///
    /// - Returns: What waits still, oldest first.
    public func recover(at now: Timestamp) async throws(LabFailure) -> [LabRun] {
        try await change { database in
            try database.run(
                """
                UPDATE backtests SET state = 'interrupted', cause = 'the host ended before it', ended_at = ?
                WHERE state = 'running'
                """, now)
            return try LabRun.read("state = 'queued' ORDER BY number", [], in: database)
        }
    }

    /// Adds a run that waits, and gives it its number.
    public func add(
        _ job: BacktestJob, owner: String, by user: String, title: String, repeats: Int64? = nil,
        at now: Timestamp
    ) async throws(LabFailure) -> LabRun {
        let text = job.json.text
        let number = try await change { database in
            try database.run(
                """
                INSERT INTO backtests (algorithm, version, owner, created_by, title, state, job, repeats, created_at,
                    bars, total, is_kept) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, 0, 0, 0)
                """, job.strategy, job.version, owner, user, title, text, repeats, now)
            return database.lastInsertedRow
        }
        return LabRun(
            number: number, owner: owner, createdBy: user, title: title, state: .queued, job: job,
            repeats: repeats, createdAt: now, progress: BacktestProgress(bars: 0, total: 0), isKept: false,
            dataHashes: [], summary: .null)
    }

    /// Writes that a run has begun.
    public func began(_ number: Int64, at now: Timestamp) async throws(LabFailure) {
        try await change { database in
            _ = try database.run(
                "UPDATE backtests SET state = 'running', started_at = ? WHERE number = ?", now, number)
        }
    }

    /// Writes how a run ended, with its result and what that comes to.
    public func ended(
        _ number: Int64, _ result: BacktestResult, summary: JSONValue, at now: Timestamp
    ) async throws(LabFailure) {
        let packed = result.packed()
        let hash = result.fingerprint
        let hashes = JSONValue.array(result.dataHashes.map { .string($0) }).text
        try await change { database in
            try database.run(
                """
                UPDATE backtests SET state = ?, cause = ?, ended_at = ?, bars = ?, total = max(total, ?),
                    data_hashes = ?, result_hash = ?, summary = ? WHERE number = ?
                """, result.end.state.rawValue, result.end.cause, now, result.bars, result.bars, hashes, hash,
                summary.text, number)
            try database.run(
                "INSERT OR REPLACE INTO backtest_results (number, bytes, result) VALUES (?, ?, ?)", number,
                packed.count, packed)
        }
    }

    /// Writes that a run ended without a result.
    public func ended(
        _ number: Int64, _ state: LabRun.State, cause: String?, at now: Timestamp
    ) async throws(LabFailure) {
        try await change { database in
            _ = try database.run(
                "UPDATE backtests SET state = ?, cause = ?, ended_at = ? WHERE number = ?", state.rawValue,
                cause, now, number)
        }
    }

    /// One run, or nil.
    public func run(_ number: Int64) throws(LabFailure) -> LabRun? {
        try read { try LabRun.read("number = ?", [number], in: $0).first }
    }

    /// Runs, newest first: those below `before`, or the newest.
    public func runs(
        _ filter: LabRunFilter, before: Int64? = nil, limit: Int
    ) throws(LabFailure) -> LabRunPage {
        var conditions = ["number < ?"]
        var values: [any SQLBindable & Sendable] = [before ?? .max]
        if let owner = filter.owner {
            conditions.append("owner = ?")
            values.append(owner)
        }
        if let algorithm = filter.algorithm {
            conditions.append("algorithm = ?")
            values.append(algorithm)
        }
        if let state = filter.state {
            conditions.append("state = ?")
            values.append(state.rawValue)
        }
        if let study = filter.study {
            conditions.append("study = ?")
            values.append(study)
        } else {
            conditions.append("study IS NULL")
        }
        values.append(limit + 1)
        let condition = conditions.joined(separator: " AND ") + " ORDER BY number DESC LIMIT ?"
        let found = try read { [values] in try LabRun.read(condition, values, in: $0) }
        let part = Array(found.prefix(limit))
        return LabRunPage(runs: part, next: found.count > limit ? part.last?.number : nil)
    }

    /// What came of a run, as far as it is kept.
    public func result(_ number: Int64) throws(LabFailure) -> BacktestResult? {
        let packed = try read { database in
            try database.first("SELECT result FROM backtest_results WHERE number = ?", number) {
                try $0.blob(0)
            }
        }
        guard let packed else { return nil }
        guard let result = BacktestResult.unpack(packed) else {
            throw .unavailable("the result of run \(number) cannot be read")
        }
        return result
    }

    /// Says whether a run is spared when old ones are removed.
    public func setKept(_ isKept: Bool, _ number: Int64) async throws(LabFailure) {
        try await change { database in
            _ = try database.run("UPDATE backtests SET is_kept = ? WHERE number = ?", isKept, number)
        }
    }

    /// Forgets a run.
    public func remove(_ number: Int64) async throws(LabFailure) {
        try await change { database in
            _ = try database.run("DELETE FROM backtests WHERE number = ?", number)
        }
    }

    /// Removes the oldest runs that have ended and are not to be kept, beyond so many of each owner; and of those that
    /// stay, the oldest results beyond so many bytes of everyone's. Their figures stay. Runs of a study stay as long as it does.
    ///
    /// Results of studies' runs have at most a quarter of the bytes together, the oldest of them go first: a study brings
    /// many at once, and must not push out those that somebody asked for one by one.
    ///
    /// - Returns: How many runs, and how many results, were removed.
    public func prune(runs: Int, bytes: Int) async throws(LabFailure) -> (runs: Int, results: Int) {
        try await change { database in
            let removed = try database.run(
                """
                DELETE FROM backtests WHERE number IN (
                    SELECT number FROM (
                        SELECT number, row_number() OVER (PARTITION BY owner ORDER BY number DESC) AS place
                        FROM backtests
                        WHERE is_kept = 0 AND study IS NULL AND state NOT IN ('queued', 'running')
                    ) WHERE place > ?
                )
                """, runs)
            let ofStudies = try database.run(
                """
                DELETE FROM backtest_results WHERE number IN (
                    SELECT number FROM (
                        SELECT r.number, sum(r.bytes) OVER (ORDER BY r.number DESC) AS held
                        FROM backtest_results r JOIN backtests b ON b.number = r.number
                        WHERE b.study IS NOT NULL AND b.is_kept = 0
                    ) WHERE held > ?
                )
                """, bytes / 4)
            let emptied = try database.run(
                """
                DELETE FROM backtest_results WHERE number IN (
                    SELECT number FROM (
                        SELECT r.number, b.is_kept, sum(r.bytes) OVER (ORDER BY r.number DESC) AS held
                        FROM backtest_results r JOIN backtests b ON b.number = r.number
                    ) WHERE held > ? AND is_kept = 0
                )
                """, bytes)
            return (removed, ofStudies + emptied)
        }
    }
}

extension LabRun {
    /// Reads the rows that `condition` names; it may also say in what order.
    static func read(
        _ condition: String, _ values: [any SQLBindable], in database: Database
    ) throws -> [LabRun] {
        try database.all(
            """
            SELECT number, owner, created_by, title, state, cause, job, repeats, created_at, started_at, ended_at,
                bars, total, is_kept, data_hashes, result_hash, summary, study, part
            FROM backtests WHERE \(condition)
            """, values: values
        ) { row in
            let (study, part) = (try row.optionalInteger(17), Int(try row.optionalInteger(18) ?? 0))
            let hashes = try row.optionalText(14).map { try JSONParser.parse($0) }?.arrayValue ?? []
            return LabRun(
                number: try row.integer(0), owner: try row.text(1), createdBy: try row.text(2),
                title: try row.text(3), state: try row.choice(4), cause: try row.optionalText(5),
                job: try BacktestJob(try JSONParser.parse(try row.text(6))),
                repeats: try row.optionalInteger(7),
                study: study.map { StudyPart(study: $0, part: part) },
                createdAt: try row.time(8), startedAt: try row.optionalTime(9),
                endedAt: try row.optionalTime(10),
                progress: BacktestProgress(bars: try row.int(11), total: try row.int(12)),
                isKept: try row.bool(13), dataHashes: hashes.compactMap(\.stringValue),
                resultHash: try row.optionalText(15),
                summary: try row.optionalText(16).map { try JSONParser.parse($0) } ?? .null)
        }
    }
}
