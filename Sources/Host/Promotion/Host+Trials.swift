internal import Analytics
internal import Journal
internal import Lab
internal import Posix
internal import Trading
internal import Wire

/// Two versions side by side.
extension Host {
    /// Trials, the newest first, those that have ended among them.
    public func trials(owner: String?) async throws(HostError) -> [TrialView] {
        let all = try reading { try TrialStore.trials(in: $0) }
        var views: [TrialView] = []
        for trial in all where owner == nil || trial.owner == owner {
            views.append(try await view(of: trial))
        }
        return views
    }

    /// One trial.
    public func trial(_ id: String) async throws(HostError) -> TrialView {
        try await view(of: try find(trial: id))
    }

    /// Deploys two packages side by side.
    public func beginTrial(
        _ request: TrialRequest, by user: String
    ) async throws(HostError) -> TrialView {
        let first = try await deploy(try await side(request.first, request), by: user)
        let second: DeploymentView
        let trial: Trial
        do throws(HostError) {
            second = try await deploy(try await side(request.second, request), by: user)
            let wanted = Trial(
                owner: first.deployment.owner, first: first.deployment.id, second: second.deployment.id,
                beganAt: Timestamp(milliseconds: WallClock.milliseconds), beganBy: user)
            trial = try await writing { try TrialStore.add(wanted, in: $0) }
        } catch {
            // One side alone is no trial.
            _ = try await endDeployment(String(first.deployment.id), orders: nil, by: user)
            throw error
        }
        audit(
            user, "trial.begin", String(trial.id),
            "\(first.deployment.runsAs) beside \(second.deployment.runsAs) on \(request.account), "
                + "\(request.capital) each")
        return try await view(of: trial)
    }

    /// Ends both deployments of a trial.
    public func endTrial(
        _ id: String, orders: OrdersAtEnd?, by user: String
    ) async throws(HostError) -> TrialView {
        let trial = try find(trial: id)
        guard trial.endedAt == nil else { throw .conflict("trial \(id) has ended already") }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        for side in [trial.first, trial.second] {
            let view = try await deployment(String(side))
            if view.deployment.endedAt == nil {
                _ = try await endDeployment(String(side), orders: orders, by: user)
            }
        }
        try await writing { try TrialStore.end(trial.id, by: user, at: now, in: $0) }
        audit(user, "trial.end", String(trial.id), "")
        return try await self.trial(id)
    }

    // MARK: - Inside

    /// How one side is deployed: as a copy when its strategy is busy.
    private func side(
        _ package: String, _ request: TrialRequest
    ) async throws(HostError) -> DeployRequest {
        let strategy = try await strategy(ofPackage: package)
        let inForce = try reading { try PromotionStore.deployments(onlyInForce: true, in: $0) }
        let isBusy = try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            return found.isLive || found.state == .backingOff
        }
        return DeployRequest(
            package: package, account: request.account, feed: request.feed, capital: request.capital,
            isBeside: isBusy || inForce.contains { $0.runsAs == strategy })
    }

    private func find(trial id: String) throws(HostError) -> Trial {
        let found = try reading { database in
            try TrialStore.trials(in: database).first { String($0.id) == id }
        }
        guard let found else { throw .notFound(kind: "trial", id: id) }
        return found
    }

    private func view(of trial: Trial) async throws(HostError) -> TrialView {
        let (first, second) = (
            try await deployment(String(trial.first)), try await deployment(String(trial.second))
        )
        let comparison = TrialComparison(
            first: try curve(of: first.deployment, trial), capital: first.deployment.capital,
            second: try curve(of: second.deployment, trial), capital: second.deployment.capital)
        return TrialView(trial: trial, first: first, second: second, comparison: comparison)
    }

    /// Equity of one side while the trial lasted, at every instant that was kept.
    private func curve(
        of deployment: Deployment, _ trial: Trial
    ) throws(HostError) -> [Analytics.EquityPoint] {
        try store.equity(
            of: deployment.runsAs, from: trial.beganAt,
            to: trial.endedAt ?? Timestamp(milliseconds: WallClock.milliseconds))
    }
}

extension FloorStore {
    /// A strategy's equity in a span, oldest first, at most half a year of minutes.
    func equity(
        of strategy: String, from start: Timestamp, to end: Timestamp
    ) throws(HostError) -> [Analytics.EquityPoint] {
        try read { database in
            try database.all(
                """
                SELECT time, equity FROM equity WHERE strategy = ? AND time BETWEEN ? AND ?
                ORDER BY time LIMIT 262144
                """, strategy, start, end
            ) { Analytics.EquityPoint(time: try $0.time(0), equity: try $0.decimal(1)) }
        }
    }
}
