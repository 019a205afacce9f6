internal import Catalogue
internal import Journal
internal import Lab
internal import Posix
internal import Trading
internal import Wire

/// What is known of a version: its time with play money, its limits, and what the Lab found.
extension Host {
    /// What the floor and the journal know; what the Lab knows is added to it.
    func evidence(
        _ record: StrategyRecord, _ version: VersionRecord, _ parameters: JSONValue
    ) async throws(HostError) -> PromotionEvidence {
        var (evidence, paper) = try await floor { floor throws(HostError) in
            (
                try floor.limitEvidence(of: record.id, version),
                Set(floor.accounts.values.filter { $0.exchange?.environment != .live }.map(\.id))
            )
        }
        let copies = try reading { database in
            try PromotionStore.deployments(onlyInForce: false, in: database)
                .filter { $0.strategy == record.id }.map(\.runsAs)
        }
        let now = WallClock.milliseconds
        var time = TimeOnPaper(accounts: paper, parameters: parameters)
        for strategy in Set(copies + [record.id]).sorted() {
            for run in try store.runs(of: strategy, version: version.version) { time.add(run, now: now) }
        }
        evidence.daysOnPaper = time.days
        evidence.paperFills = time.fills
        evidence.replayDifferences = try reading { [id = version.version] database in
            try ReplayStore.lastDifferences(of: record.id, version: id, in: database)
        }
        return evidence
    }
}

extension Floor {
    /// Which limits are set for a strategy alone. Those for everything hold beside them and are nobody's in particular.
    fileprivate func limitEvidence(
        of strategy: String, _ version: VersionRecord
    ) throws(HostError) -> PromotionEvidence {
        let config: StrategyConfig
        do throws(FieldFailure) {
            config = try StrategyConfig(version.config, around)
        } catch {
            throw .conflict("the configuration of version \(version.version) is not taken any more: \(error)")
        }
        let own = limits.strategies[strategy] ?? .none
        var evidence = PromotionEvidence()
        evidence.positionLimit =
            own.positionNotional.map { "\($0) a position" } ?? own.exposure.map { "\($0) in all" }
        evidence.dailyLossLimit =
            own.dailyLoss.map { "\($0) a day" }
            ?? (own.dailyLossFraction ?? config.maximumDailyLoss).words(" of its equity a day")
        evidence.stopLimit = own.drawdown?.words(" below its peak")
        return evidence
    }
}

extension FixedDecimal {
    /// A part in per cent, as in `5 % of its equity`; nil for nought.
    fileprivate func words(_ rest: String) -> String? {
        guard isPositive else { return nil }
        let (percent, overflow) = units.multipliedReportingOverflow(by: 100)
        return overflow ? nil : "\(FixedDecimal(units: percent)) %\(rest)"
    }
}
