internal import Catalogue
internal import Journal
public import Lab
internal import Posix
internal import Sandbox
internal import Synchronization
internal import Trading
internal import Wire

/// Past runs, told again.
extension Host {
    /// How many replays may be under way at once. Each has a strategy's process and a thread.
    static let maximumReplays = 2

    /// Runs of a strategy, the newest first, and which of them can be replayed.
    public func runs(of strategy: String, limit: Int) async throws(HostError) -> [RunView] {
        try store.runs(of: strategy, limit: limit).map { run in
            RunView(
                id: run.id, strategy: run.strategy, version: run.version, feed: run.feed,
                account: run.account, capital: run.capital, parameters: run.parameters,
                startedAt: run.startedAt, endedAt: run.endedAt, cause: run.cause, fills: run.fills,
                isRecorded: recording(of: run).exists)
        }
    }

    /// The strategy that a run is of.
    public func strategy(ofRun run: String) async throws(HostError) -> String {
        try find(run: run).strategy
    }

    /// Begins to replay a run, with another version when one is named. A conflict while others are under way.
    public func replay(
        _ run: String, version: String?, by user: String
    ) async throws(HostError) -> ReplayRecord {
        let past = try find(run: run)
        guard recording(of: past).exists else {
            throw .conflict(
                "what run \(run) was told is not there any more; strategy.records says how many runs' are kept"
            )
        }
        let (record, asked) = try find(past.strategy, version ?? past.version)
        let job = try await job(for: past, record, asked)
        guard takeReplayTurn() else {
            throw .conflict("\(Self.maximumReplays) replays are under way; wait for one of them")
        }
        let (owner, now) = (record.owner, Timestamp(milliseconds: WallClock.milliseconds))
        let id: Int64
        do throws(HostError) {
            id = try await writing { [version = asked.version] database in
                try ReplayStore.begin(
                    run: run, strategy: past.strategy, owner: owner, version: past.version,
                    replayed: version, by: user, at: now, in: database)
            }
        } catch {
            giveReplayTurnBack()
            throw error
        }
        audit(user, "replay", past.strategy, "run \(run) with version \(asked.version)")
        // The turn waits for it; who ends the host before it ends finds it marked as left over.
        Task { [self] in
            await finish(id, job)
            giveReplayTurnBack()
        }
        return try await replay(String(id))
    }

    /// A replay and what came of it.
    public func replay(_ id: String) async throws(HostError) -> ReplayRecord {
        guard let number = Int64(numberedID: id),
            let record = try reading({ try ReplayStore.replay(number, in: $0) })
        else { throw .notFound(kind: "replay", id: id) }
        return record
    }

    /// Replays of a strategy, the newest first, without their reports.
    public func replays(of strategy: String) async throws(HostError) -> [ReplayRecord] {
        try reading { try ReplayStore.replays(of: strategy, in: $0) }
    }

    // MARK: - Inside

    /// Writes how the replays ended that the last host left under way.
    func endReplaysLeftOver() async throws(HostError) {
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { try ReplayStore.endLeftOver(at: now, in: $0) }
    }

    private func finish(_ id: Int64, _ job: SandboxedReplayer.Job) async {
        let result: Result<ReplayReport, ReplayFailure>
        do throws(ReplayFailure) {
            result = .success(try await replayer.replay(job))
        } catch {
            result = .failure(error)
        }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        do throws(HostError) {
            try await writing { try ReplayStore.end(id, result, at: now, in: $0) }
        } catch {
            log.error("what came of a replay was not written", ["replay": "\(id)", "reason": "\(error)"])
        }
    }

    private func find(run id: String) throws(HostError) -> RunRecord {
        guard let run = try store.run(id) else { throw .notFound(kind: "run", id: id) }
        return run
    }

    private func recording(of run: RunRecord) -> RunRecording {
        RunRecording(folder: folders.record(strategy: run.strategy, run: run.id))
    }

    private func job(
        for run: RunRecord, _ record: StrategyRecord, _ version: VersionRecord
    ) async throws(HostError) -> SandboxedReplayer.Job {
        let before = record.version(run.version)
        let (config, old) = try await floor { floor throws(HostError) in
            try Self.checked { () throws(FieldFailure) in
                (
                    try StrategyConfig(version.config, floor.around),
                    try before.map { one throws(FieldFailure) in
                        try StrategyConfig(one.config, floor.around)
                    }
                )
            }
        }
        guard let name = config.profile, let profile = launcher.profiles[name] else {
            throw .conflict("this host has no profile \"\(config.profile ?? "")\"")
        }
        var other: SandboxedReplayer.Job.Other?
        if version.version != run.version {
            let merged = try Self.checked { () throws(FieldFailure) in
                try config.merging(parameters: Self.overrides(of: run.parameters, over: old))
            }
            other = .init(
                entry: version.entry, parameters: merged.parametersJSON, config: merged.json)
        }
        return SandboxedReplayer.Job(
            recording: recording(of: run),
            request: LaunchRequest(
                strategy: record.id, run: "replay", profile: profile,
                bundle: folders.bundle(strategy: record.id, version: version.version),
                entry: version.entry, memoryBytes: config.memoryMegabytes << 20,
                cpuShare: config.cpuShare.approximation), other: other)
    }

    /// What a run was given in place of its version's own parameters: that, and nothing else, holds for another version.
    private static func overrides(of parameters: JSONValue, over config: StrategyConfig?) -> JSONValue {
        guard case .object(let members) = parameters, let config else { return .null }
        return .object(
            members.filter { member in
                config.customParameters.first { $0.name == member.name }?.value != member.value
            })
    }

    private func takeReplayTurn() -> Bool {
        replaysUnderWay.withLock { count in
            guard count < Self.maximumReplays else { return false }
            count += 1
            return true
        }
    }

    private func giveReplayTurnBack() { replaysUnderWay.withLock { $0 -= 1 } }
}
