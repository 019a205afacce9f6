internal import Analytics
internal import Posix
internal import Synchronization
internal import Trading
internal import Wire

/// Carrying studies out.
extension StudyService {
    /// What came of a study, also of one that was cut short.
    private struct Outcome {
        var result: JSONValue
        var isCancelled: Bool
    }

    /// Begins, or takes up, a study in a task of its own, which ``close()`` and ``cancel(_:by:)`` wait for.
    func begin(_ study: LabStudy) {
        live.withLock { $0[study.number] = Live(study: study) }
        let task = Task { await run(study) }
        live.withLock { $0[study.number]?.task = task }
        tell(study)
    }

    private func run(_ study: LabStudy) async {
        var ended = study
        do throws(SearchFailure) {
            let outcome = try await carryOut(study)
            ended.result = outcome.result
            ended.state = outcome.isCancelled ? .cancelled : .completed
            if outcome.isCancelled { ended.cause = "cancelled" }
        } catch {
            ended.state = .failed
            ended.cause = error.description
        }
        let now = live.withLock { $0[study.number] }
        ended.done = now?.study.done ?? 0
        ended.total = now?.study.total ?? study.total
        ended.endedAt = LabService.now
        // A host that ends leaves it under way, for the next.
        if isEnding.load(ordering: .relaxed), ended.state != .completed, now?.isCancelled != true {
            live.withLock { $0[study.number] = nil }
            return
        }
        do throws(LabFailure) {
            try await lab.store.endStudy(ended)
        } catch {
            lab.log.error(
                "how a study ended was not written", ["study": "\(study.number)", "cause": "\(error)"])
        }
        do throws(LabFailure) {
            try await lab.prune()
        } catch {
            lab.log.error("old results were not removed", ["cause": "\(error)"])
        }
        live.withLock { $0[study.number] = nil }
        tell(ended)
        events.end(run: study.number)
    }

    private func carryOut(_ study: LabStudy) async throws(SearchFailure) -> Outcome {
        let turns = QueuedBacktester(
            queue: lab.queue, user: study.createdBy, backtester: lab.parts.backtester)
        switch study.plan {
        case .optimisation(let plan):
            let report = try await search(plan, study.job, part: 0, of: study, turns)
            return Outcome(result: report.json, isCancelled: report.isCancelled)
        case .walkForward(let plan, let setup):
            let runner = WalkForwardRunner(
                job: study.job, plan: try setup.plan(for: study.job), backtester: turns,
                figures: StudyFigures.of,
                keep: { (window, result) async throws(SearchFailure) -> Int64? in
                    try await self.keep(result, ofWindow: window, in: study)
                })
            let report = try await runner.run { window, job throws(SearchFailure) in
                try await self.search(plan, job, part: window, of: study, turns)
            } progress: { windows in
                self.advance(study, to: windows * (plan.points + 1))
            }
            return Outcome(result: report.json(of: study.job), isCancelled: report.isCancelled)
        case .lookahead(let cuts):
            let check = LookaheadCheck(job: study.job, cuts: cuts, backtester: turns) { done, total in
                self.advance(study, to: done, of: total)
            }
            let report = try await check.run(parallel: lab.queue.cores)
            return Outcome(result: report?.json ?? .null, isCancelled: report == nil)
        case .startUp:
            let check = StartUpCheck(job: study.job, backtester: turns) { done, total in
                self.advance(study, to: done, of: total)
            }
            let report = try await check.run(parallel: lab.queue.cores)
            return Outcome(result: report?.json ?? .null, isCancelled: report == nil)
        }
    }

    /// Keeps the run by which a window's parameters were tried, to be opened like any other.
    private func keep(
        _ result: BacktestResult, ofWindow window: Int, in study: LabStudy
    ) async throws(SearchFailure) -> Int64 {
        do throws(LabFailure) {
            return try await lab.store.keep(
                result, summary: lab.parts.summarise(result), of: study, part: window,
                title: "walk forward \(study.number), window \(window + 1)", at: LabService.now)
        } catch {
            throw SearchFailure(reason: error.description)
        }
    }

    /// Searches over `job`, from where an earlier host was.
    private func search(
        _ plan: SearchPlan, _ job: BacktestJob, part: Int, of study: LabStudy, _ turns: QueuedBacktester
    ) async throws(SearchFailure) -> SearchReport {
        let known: [SearchPoint: PointOutcome]
        do throws(LabFailure) {
            known = try lab.store.points(study: study.number, part: part)
        } catch {
            throw SearchFailure(reason: error.description)
        }
        let before = part * (plan.points + 1)
        let runner = SearchRunner(
            job: job, objective: plan.objective, budget: plan.points, parallel: lab.queue.cores,
            window: plan.bookWindow, backtester: turns, figures: StudyFigures.of,
            keep: { [lab] (point, outcome) async throws(SearchFailure) in
                do throws(LabFailure) {
                    try await lab.store.keep(outcome, at: point, study: study.number, part: part)
                } catch {
                    throw SearchFailure(reason: error.description)
                }
            },
            progress: { self.advance(study, to: before + $0.done, best: $0.best) })
        switch plan.method {
        case .grid: return try await runner.run(try GridMethod(plan.space), known: known)
        case .random(_, let seed):
            return try await runner.run(RandomMethod(plan.space, seed: seed), known: known)
        case .optuna(_, let seed):
            guard let startOptimiser else {
                throw SearchFailure(reason: "there is no optimiser: bullpen runtime install optimiser")
            }
            let dialogue = try await startOptimiser("study-\(study.number)-\(part)")
            let result: Result<SearchReport, SearchFailure>
            do throws(SearchFailure) {
                let method = try await OptunaMethod(
                    plan.space, seed: seed, startUp: max(4, min(20, plan.points / 4)), dialogue: dialogue)
                result = .success(try await runner.run(method, known: known))
            } catch {
                result = .failure(error)
            }
            await dialogue.close()
            return try result.get()
        }
    }

    /// Notes how far a study is, and says whether it should go on.
    private func advance(
        _ study: LabStudy, to done: Int, of total: Int? = nil, best: SearchBook.Known? = nil
    ) -> Bool {
        let clock = MonotonicClock.nanoseconds
        let (told, goesOn) = live.withLock { live -> (LabStudy?, Bool) in
            guard var entry = live[study.number] else { return (nil, false) }
            entry.study.done = max(entry.study.done, done)
            if let total { entry.study.total = total }
            let isDue = clock >= entry.toldAt + 200_000_000
            if isDue { entry.toldAt = clock }
            live[study.number] = entry
            return (isDue ? entry.study : nil, !entry.isCancelled)
        }
        if let told {
            events.publish(
                "progress", run: study.number, owner: study.owner,
                .members([
                    "id": .string(String(study.number)), "done": .integer(told.done),
                    "total": .integer(told.total), "best": best?.json ?? .null,
                ]))
        }
        return goesOn && !isEnding.load(ordering: .relaxed)
    }
}
