import Posix
import Synchronization
import Trading
import Wire

/// Backtests.
extension LabService {
    /// Asks for a backtest of a strategy. It waits for its turn.
    ///
    /// - Throws: ``LabFailure/invalid(_:)`` with the field that is wrong; nothing is written down then.
    public func request(
        _ request: BacktestRequest, of strategy: String, by user: String
    ) async throws(LabFailure) -> LabRun {
        let (job, owner) = try job(of: request, strategy: strategy)
        return try await add(job, owner: owner, by: user, title: request.title)
    }

    /// Runs a job again that was run before: same code, same candles, same seed.
    ///
    /// What comes of it has the same ``LabRun/resultHash`` as before, unless the stored candles have changed.
    public func repeatRun(_ number: Int64, by user: String) async throws(LabFailure) -> LabRun {
        let before = try run(number)
        return try await add(
            before.job, owner: before.owner, by: user, title: before.title, repeats: number)
    }

    private func add(
        _ job: BacktestJob, owner: String, by user: String, title: String, repeats: Int64? = nil
    ) async throws(LabFailure) -> LabRun {
        guard !isEnding.load(ordering: .relaxed) else { throw .unavailable("the host is shutting down") }
        guard queue.load(of: user).waiting < settings.waitingPerUser else {
            throw .tooManyWaiting(limit: settings.waitingPerUser)
        }
        let run = try await store.add(
            job, owner: owner, by: user, title: title, repeats: repeats, at: Self.now)
        parts.audit(user, "lab.backtest", job.strategy, "run \(run.number) of version \(job.version)")
        enqueue(run)
        return run
    }

    func enqueue(_ run: LabRun) {
        live.withLock { $0[run.number] = Live(run: run) }
        tell(run)
        let ticket = queue.submit(for: run.createdBy) { [self] core in
            await LabQueue.$core.withValue(core) { await execute(run.number) }
        }
        live.withLock { $0[run.number]?.ticket = ticket }
    }

    private func execute(_ number: Int64) async {
        let begun = live.withLock { live -> LabRun? in
            guard var entry = live[number], !entry.isCancelled else { return nil }
            entry.run.state = .running
            entry.run.startedAt = Self.now
            live[number] = entry
            return entry.run
        }
        guard let begun, !isEnding.load(ordering: .relaxed) else { return }
        do throws(LabFailure) {
            try await store.began(number, at: begun.startedAt ?? Self.now)
            tell(begun)
            await end(number, await outcome(of: begun))
        } catch {
            await end(number, .failure(BacktestFailure(reason: "\(error)")))
        }
    }

    private func outcome(of run: LabRun) async -> Result<BacktestResult, BacktestFailure> {
        do throws(BacktestFailure) {
            let result = try await parts.backtester.run(run.job) { [self] in progress($0, run.number) }
            return .success(result)
        } catch {
            return .failure(error)
        }
    }

    /// Notes how far a run is, and says whether it should go on.
    private func progress(_ progress: BacktestProgress, _ number: Int64) -> Bool {
        let clock = MonotonicClock.nanoseconds
        let (told, goesOn) = live.withLock { live -> (LabRun?, Bool) in
            guard var entry = live[number] else { return (nil, false) }
            entry.run.progress = progress
            let isDue = clock >= entry.toldAt + 200_000_000
            if isDue { entry.toldAt = clock }
            live[number] = entry
            return (isDue ? entry.run : nil, !entry.isCancelled)
        }
        if let told {
            events.publish(
                "progress", run: number, owner: told.owner,
                .members([
                    "id": .string(String(number)), "bars": .integer(progress.bars),
                    "total": .integer(progress.total),
                ]))
        }
        return goesOn && !isEnding.load(ordering: .relaxed)
    }

    private func end(_ number: Int64, _ outcome: Result<BacktestResult, BacktestFailure>) async {
        do throws(LabFailure) {
            switch outcome {
            case .success(let result) where isEnding.load(ordering: .relaxed) && result.end != .completed:
                try await store.ended(
                    number, .interrupted, cause: "the host was stopped before its end", at: Self.now)
            case .success(let result):
                try await store.ended(number, result, summary: parts.summarise(result), at: Self.now)
            case .failure(let failure):
                try await store.ended(number, .failed, cause: "\(failure)", at: Self.now)
            }
            if ended.wrappingAdd(1, ordering: .relaxed).newValue % 16 == 0 { try await prune() }
        } catch {
            log.error("how a run ended was not written", ["run": "\(number)", "cause": "\(error)"])
        }
        live.withLock { $0[number] = nil }
        do throws(LabFailure) {
            if let run = try store.run(number) { tell(run) }
        } catch {
            log.error("a run cannot be read", ["run": "\(number)", "cause": "\(error)"])
        }
        events.end(run: number)
    }

    /// Lets go of the oldest runs and results, see ``LabStore/prune(runs:bytes:)``.
    func prune() async throws(LabFailure) {
        _ = try await store.prune(runs: settings.runsKept, bytes: settings.resultBytes)
    }

    private func tell(_ run: LabRun) {
        events.publish("run", run: run.number, owner: run.owner, run.json)
    }

    // MARK: - Looking

    /// One run, with its progress now.
    public func run(_ number: Int64) throws(LabFailure) -> LabRun {
        if let run = live.withLock({ $0[number]?.run }) { return run }
        guard let run = try store.run(number) else {
            throw .notFound(kind: "backtest", id: String(number))
        }
        return run
    }

    /// Runs, newest first, with their progress now.
    public func runs(
        _ filter: LabRunFilter, before: Int64?, limit: Int
    ) throws(LabFailure) -> LabRunPage {
        var page = try store.runs(filter, before: before, limit: limit)
        live.withLock { live in
            for index in page.runs.indices {
                if let now = live[page.runs[index].number]?.run { page.runs[index] = now }
            }
        }
        return page
    }

    /// What came of a run.
    public func result(_ number: Int64) throws(LabFailure) -> BacktestResult {
        if let known = recent.withLock({ $0.first { $0.number == number }?.result }) { return known }
        let run = try run(number)
        guard !run.state.isUnderWay else { throw .conflict("run \(number) is \(run.state.rawValue) still") }
        guard let result = try store.result(number) else {
            throw .conflict("run \(number) has no result\(run.cause.map { ": \($0)" } ?? "")")
        }
        recent.withLock { recent in
            recent.removeAll { $0.number == number }
            recent.append((number, result))
            if recent.count > 4 { recent.removeFirst() }
        }
        return result
    }

    /// Sends what happens to `sink` from now on; of one run first how it is, and nothing more when it has ended.
    public func follow(_ topic: LabTopic, sink: any LabEventSink) throws(LabFailure) {
        guard case .run(let number) = topic else { return events.follow(topic, sink: sink, first: []) }
        let now = try run(number)
        events.follow(topic, sink: sink, first: [("run", now.json)])
        // It may have ended between the two looks.
        let later = try run(number)
        guard !later.state.isUnderWay else { return }
        if later.state != now.state { tell(later) }
        events.end(run: number)
    }

    // MARK: - Ending

    /// Cancels a run that is under way: what came until then is kept.
    public func cancel(_ number: Int64, by user: String) async throws(LabFailure) -> LabRun {
        let entry = live.withLock { live -> Live? in
            live[number]?.isCancelled = true
            return live[number]
        }
        guard let entry else {
            let run = try run(number)
            throw .conflict("run \(number) is \(run.state.rawValue) already")
        }
        parts.audit(user, "lab.backtest.cancel", entry.run.job.strategy, "run \(number)")
        if entry.run.state == .queued {
            if let ticket = entry.ticket { queue.withdraw(ticket) }
            try await store.ended(number, .cancelled, cause: "cancelled before it began", at: Self.now)
            live.withLock { $0[number] = nil }
            let run = try run(number)
            tell(run)
            events.end(run: number)
        }
        return try run(number)
    }

    /// Forgets a run that has ended.
    public func remove(_ number: Int64, by user: String) async throws(LabFailure) {
        let run = try run(number)
        guard !run.state.isUnderWay else { throw .conflict("run \(number) is \(run.state.rawValue) still") }
        guard !run.isKept else { throw .conflict("run \(number) is kept; say first that it need not be") }
        try await store.remove(number)
        recent.withLock { $0.removeAll { $0.number == number } }
        parts.audit(user, "lab.backtest.remove", run.job.strategy, "run \(number)")
    }

    /// Says whether a run is spared when old ones are removed.
    public func setKept(_ isKept: Bool, _ number: Int64) async throws(LabFailure) -> LabRun {
        _ = try run(number)
        try await store.setKept(isKept, number)
        live.withLock { $0[number]?.run.isKept = isKept }
        return try run(number)
    }
}
