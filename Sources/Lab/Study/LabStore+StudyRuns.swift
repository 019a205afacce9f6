import Journal
internal import Trading
internal import Wire

/// Runs that studies keep: those by which what a walk forward found was tried.
extension LabStore {
    /// Keeps a run with its result. One that is there for this part already, of the same job, stays as it is: a study that
    /// goes on in the next host comes by again.
    ///
    /// - Returns: The run's number.
    func keep(
        _ result: BacktestResult, summary: JSONValue, of study: LabStudy, part: Int, title: String,
        at now: Timestamp
    ) async throws(LabFailure) -> Int64 {
        let packed = result.packed()
        let (job, hash) = (result.job.json.text, result.fingerprint)
        let hashes = JSONValue.array(result.dataHashes.map { .string($0) }).text
        let place = StudyPart(study: study.number, part: part)
        let (owner, user) = (study.owner, study.createdBy)
        return try await change { database in
            let known = try database.first(
                "SELECT number FROM backtests WHERE study = ? AND part = ? AND job = ?", place.study,
                place.part, job
            ) { try $0.integer(0) }
            if let known { return known }
            try database.run("DELETE FROM backtests WHERE study = ? AND part = ?", place.study, place.part)
            try database.run(
                """
                INSERT INTO backtests (algorithm, version, owner, created_by, title, state, cause, job, created_at,
                    started_at, ended_at, bars, total, is_kept, data_hashes, result_hash, summary, study, part)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)
                """, result.job.strategy, result.job.version, owner, user, title, result.end.state.rawValue,
                result.end.cause, job, now, now, now, result.bars, result.bars, hashes, hash, summary.text,
                place.study, place.part)
            let number = database.lastInsertedRow
            try database.run(
                "INSERT INTO backtest_results (number, bytes, result) VALUES (?, ?, ?)", number,
                packed.count, packed)
            return number
        }
    }
}
