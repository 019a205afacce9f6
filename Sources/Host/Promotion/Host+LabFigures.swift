internal import Catalogue
internal import Journal
internal import Lab
internal import MarketData
internal import Posix
internal import Trading
internal import Wire

/// What the Lab has to do with promotion: its figures, and how a version stands there.
extension Host {
    /// The figures that speak for a version: those of the backtest that is named, or of the newest that fits, with what the
    /// newest checks and walk forward of this version found.
    ///
    /// - Parameter parameters: What the backtest must have been given, over the configuration's; nil takes any.
    func labFigures(
        _ record: StrategyRecord, _ version: VersionRecord, backtest: String?, parameters: JSONValue?
    ) throws(HostError) -> LabFigures? {
        guard let lab else { return nil }
        do throws(LabFailure) {
            var figures = LabFigures()
            if let run = try run(lab, record, version, backtest: backtest, parameters: parameters) {
                figures.take(run)
            } else if backtest != nil {
                throw .invalid(
                    FieldFailure(
                        field: "backtest",
                        reason:
                            "is no backtest of version \(version.version) with these parameters that has come to its end"
                    ))
            }
            for kind in [LabStudy.Kind.walkForward, .lookahead, .startUp] {
                let studies = try lab.store.studies(
                    StudyFilter(kinds: [kind], algorithm: record.id), before: nil, limit: 200)
                let newest = studies.studies.first {
                    $0.state == .completed && $0.job.version == version.version
                }
                if let newest { figures.take(newest) }
            }
            return figures
        } catch {
            switch error {
            case .invalid(let failure): throw .invalid(failure)
            case .notFound, .conflict, .tooManyWaiting, .unavailable: throw .unavailable(error.description)
            }
        }
    }

    private func run(
        _ lab: LabService, _ record: StrategyRecord, _ version: VersionRecord, backtest: String?,
        parameters: JSONValue?
    ) throws(LabFailure) -> LabRun? {
        // It was checked when it came in; the operator's bounds may have changed since, which is no matter here.
        let config = ConfigReader.read(version.config, bounds: ConfigBounds()).config
        func merged(_ given: JSONValue) -> JSONValue? {
            // What cannot be merged is of another version, and fits nothing.
            try? config.merging(parameters: given).parametersJSON
        }
        let wanted = parameters.flatMap(merged)
        let found = try lab.store.runs(
            LabRunFilter(algorithm: record.id, state: .completed), limit: 1_000)
        return found.runs.first { run in
            guard run.job.version == version.version, backtest == nil || backtest == String(run.number),
                let own = merged(run.job.parameters)
            else { return false }
            return wanted == nil || wanted.map { PromotionPackage.areSame($0, own) } == true
        }
    }

    /// Shows in the Lab how the package's version stands now. What counts is what the journal has; a Lab that cannot be
    /// written shows it later.
    func showStanding(of package: PromotionPackage, by user: String) async throws(HostError) {
        guard let lab else { return }
        let (promotions, deployments) = try reading { database in
            (
                try PromotionStore.promotions(of: package.strategy, in: database).filter {
                    $0.isInForce && $0.version == package.version
                },
                try PromotionStore.deployments(onlyInForce: true, in: database)
            )
        }
        let packages = Set(promotions.map(\.package))
        let isDeployed = deployments.contains { packages.contains($0.package) }
        do throws(LabFailure) {
            try await lab.store.set(
                packages.isEmpty ? .lab : isDeployed ? .deployed : .deployable, of: package.version,
                of: package.strategy, by: user, at: Timestamp(milliseconds: WallClock.milliseconds))
        } catch {
            log.warning(
                "the Lab does not show how a version stands",
                ["strategy": package.strategy, "version": package.version, "reason": "\(error)"])
        }
    }
}

extension LabFigures {
    /// Takes the figures of a backtest.
    fileprivate mutating func take(_ run: LabRun) {
        let job = run.job
        backtest = String(run.number)
        parameters = job.parameters
        data = zip(job.series, run.dataHashes).map {
            PromotionPackage.Data(series: $0.description, start: job.start, end: job.end, hash: $1)
        }
        trades = run.summary["trades"]?.intValue
        totalReturn = run.summary["total_return"]?.real
        maximumDrawdown = run.summary["max_drawdown"]?.real
        sharpe = run.summary["metrics"]?["sharpe"]?.real
        source =
            "backtest \(run.number): \(job.series.map(\.description).joined(separator: ", ")), "
            + "\(CivilDate(utcDay: job.start.utcDay)) to \(CivilDate(utcDay: job.end.utcDay)), "
            + "taker fee \(job.costs.takerFee), slippage \(job.costs.slippage)"
        if job.costs.halfSpreadTicks > 0 { source? += ", half spread \(job.costs.halfSpreadTicks) ticks" }
        if let impact = job.costs.impact {
            source? += ", \(impact.curve.rawValue) impact \(impact.coefficient)"
        }
    }

    /// Takes what a study found.
    mutating func take(_ study: LabStudy) {
        let result = study.result
        let words = "\(result["words"]?.stringValue ?? "no words"), study \(study.number)"
        switch study.plan.kind {
        case .walkForward:
            outOfSampleSharpe = result["figures"]?["sharpe"]?.real
            let runs = (result["windows"]?.arrayValue ?? []).compactMap { $0["run"]?.stringValue }
            let words = runs.isEmpty ? "" : ": \(runs.count == 1 ? "run" : "runs") \(runs.inWords)"
            outOfSampleSource = "walk forward \(study.number)\(words)"
        case .lookahead:
            switch result["verdict"]?.stringValue.flatMap(LookaheadCheck.Verdict.init) {
            case .clean: lookahead = .passed(words)
            case .peeks, .unrepeatable: lookahead = .failed(words)
            // Where there was nothing to compare, nothing is known.
            case .inconclusive, nil: break
            }
        case .startUp: startup = result["is_enough"] == .bool(true) ? .passed(words) : .failed(words)
        case .optimisation: break
        }
    }
}

extension [String] {
    /// As in `7` or `7 to 12`.
    fileprivate var inWords: String {
        guard let first, let last, first != last else { return first ?? "" }
        return count == 2 ? "\(first) and \(last)" : "\(first) to \(last)"
    }
}

extension JSONValue {
    /// The number, for figures.
    fileprivate var real: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }
}
