internal import Catalogue
internal import Journal
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// Strategies as runs: start, stop and what lies between.
extension Host {
    /// Starts a run; a conflict while one is under way.
    public func start(
        _ strategy: String, options: StartOptions, by user: String
    ) async throws(HostError) -> RunStatusView {
        guard let record = try reading({ try StrategyStore.get(strategy, in: $0) }) else {
            throw .notFound(kind: "strategy", id: strategy)
        }
        guard let version = record.version(options.version) else {
            throw .invalid(
                FieldFailure(field: "version", reason: "there is no version \(options.version ?? "")"))
        }
        let run = try await floor { floor throws(HostError) in
            try floor.plan(record, version: version, options: options)
        }
        try await checkTrader(strategy, on: run.plan.account)
        try await checkPromotion(of: record, run.plan)
        try await writing { database in
            try StrategyStore.setDesired(run.desired, of: strategy, in: database)
        }
        audit(
            user, "strategy.start", strategy,
            "version \(run.plan.version), feed \(run.plan.feed), account \(run.plan.account), capital \(run.plan.capital)"
        )
        return try await floor { floor throws(HostError) in
            try floor.start(strategy, run)
            return floor.status(of: try floor.find(strategy))
        }
    }

    /// Asks the run to stop; nil leaves the strategy's open orders to its own policy.
    public func stop(
        _ strategy: String, orders: OrdersAtEnd?, by user: String
    ) async throws(HostError) -> RunStatusView {
        let policy = try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            // A strategy that is not running may still have orders and a position, which a stop can settle.
            guard found.isLive || found.state == .backingOff || orders != nil else {
                throw .notRunning(strategy: strategy)
            }
            return orders ?? OrdersAtEnd(found.config.ordersAtDeath)
        }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        var unwritten: HostError?
        do {
            try await writing { try FloorStore.stop(strategy, orders: policy, at: now, in: $0) }
        } catch {
            // A full disk must not keep anybody from stopping a strategy.
            unwritten = error
        }
        audit(user, "strategy.stop", strategy, orders.map { "orders: \($0.rawValue)" } ?? "")
        let status = try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            if found.isLive || found.state == .backingOff {
                floor.stop(found, orders: orders, reason: "stopped by \(user)")
            } else if let orders {
                floor.leave(found, orders: orders)
            }
            return floor.status(of: found)
        }
        if let unwritten {
            throw .unavailable("it is stopped, but the next start of the host starts it again: \(unwritten)")
        }
        return status
    }

    /// Stops, then starts again with the same options.
    public func restart(_ strategy: String, by user: String) async throws(HostError) -> RunStatusView {
        let plan = try await floor { floor throws(HostError) in try floor.find(strategy).plan }
        guard let plan else { throw .notRunning(strategy: strategy) }
        if let record = try reading({ try StrategyStore.get(strategy, in: $0) }) {
            try await checkPromotion(of: record, plan)
        }
        if var desired = try reading({ try StrategyStore.get(strategy, in: $0) })?.desired,
            !desired.shouldRun || desired.isPaused
        {
            // One that had stopped or was paused: from now on it should run again, after a crash of the host too.
            (desired.shouldRun, desired.isPaused) = (true, false)
            desired.since = Timestamp(milliseconds: WallClock.milliseconds)
            let wanted = desired
            try await writing { try StrategyStore.setDesired(wanted, of: strategy, in: $0) }
        }
        audit(user, "strategy.restart", strategy, "")
        return try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            try floor.restart(found, reason: "restarted by \(user)")
            return floor.status(of: found)
        }
    }

    /// Keeps the strategy running and denies its orders until it is resumed.
    public func pause(_ strategy: String, by user: String) async throws(HostError) -> RunStatusView {
        try await setPaused(true, strategy, by: user)
    }

    /// Ends a pause, or clears a quarantine so that it may be started.
    public func resume(_ strategy: String, by user: String) async throws(HostError) -> RunStatusView {
        try await setPaused(false, strategy, by: user)
    }

    private func setPaused(
        _ isPaused: Bool, _ strategy: String, by user: String
    ) async throws(HostError) -> RunStatusView {
        try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            switch (isPaused, found.state) {
            case (true, .running), (false, .paused): return
            case (true, .paused): throw .conflict("the strategy is paused already")
            case (false, .running): throw .conflict("the strategy is not paused")
            case (false, .quarantined):
                throw .conflict("the strategy is quarantined: look at the reason, then start it again")
            default: throw .notRunning(strategy: strategy)
            }
        }
        let now = Timestamp(milliseconds: WallClock.milliseconds)
        try await writing { try StrategyStore.setPaused(isPaused, strategy, at: now, in: $0) }
        audit(user, isPaused ? "strategy.pause" : "strategy.resume", strategy, "")
        return try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            if isPaused { found.runner?.pause() } else { found.runner?.resume() }
            return floor.status(of: found)
        }
    }

    /// What the strategy does now and what it has used.
    public func status(of strategy: String) async throws(HostError) -> RunStatusView {
        try await floor { floor throws(HostError) in floor.status(of: try floor.find(strategy)) }
    }

    /// Hands a signal to the run's `on_signal`. One that comes again under its sender's `signal_id` is not handed on again,
    /// by the next host either: the first is the answer.
    public func deliver(
        _ signal: SignalRequest, to strategy: String, by user: String
    ) async throws(HostError) -> SignalView {
        let terms = try SignalTerms(signal.data)
        if let name = terms.name, let known = try store.signal(named: name, of: strategy) { return known }
        return try await floor { floor throws(HostError) in
            try floor.deliver(signal, under: terms, to: strategy)
        }
    }
}
