internal import Catalogue
internal import Journal
internal import Lab
internal import MarketData
internal import Posix
internal import Sandbox
internal import Supervisor
internal import Trading
internal import Wire

/// Starting, stopping and what happens in between.
extension Floor {
    /// Starts a strategy as planned. The plan has been checked.
    func start(_ strategy: FloorStrategy, plan: FloorStrategy.Plan, config: StrategyConfig) {
        strategy.plan = plan
        strategy.config = config
        strategy.ordersAtStop = nil
        let settings = RunnerSettings(around.configuration.strategy)
        let policy = Supervisor.RestartPolicy(config.restart)
        let launcher = around.launcher
        let bundle = around.folders.bundle(strategy: strategy.id, version: plan.version)
        let runner = StrategyRunner(
            strategy: strategy.id, policy: policy, settings: settings, loop: loop, scratch: scratch,
            nextRun: { [weak self, weak strategy] in
                guard let self, let strategy else { return "" }
                return newRun(of: strategy)
            },
            launch: { [id = strategy.id] run, answer in
                launcher.launch(id, config: config, bundle: bundle, run: run, answer: answer)
            })
        runner.delegate = self
        runner.subject = strategy
        strategy.runner = runner
        runner.start()
    }

    /// Asks a strategy to stop.
    func stop(_ strategy: FloorStrategy, orders: OrdersAtEnd?, reason: String, thenStart: Bool = false) {
        strategy.ordersAtStop = orders ?? OrdersAtEnd(strategy.config.ordersAtDeath)
        strategy.runner?.stop(reason: reason, thenStart: thenStart)
    }

    /// Numbers a new run, and writes down that it begins.
    private func newRun(of strategy: FloorStrategy) -> String {
        let run = "r\(nextRunNumber)"
        around.store.runBegan(run, number: nextRunNumber, of: strategy, at: now)
        nextRunNumber += 1
        strategy.metrics = [:]
        strategy.violations.runBegan()
        strategy.usageWatch = UsageWatch()
        strategy.busyWatch = BusyWatch()
        do {
            strategy.recorder = try recorder(of: strategy, run: run)
        } catch {
            around.log.with(strategy: strategy.id).error("what it is told cannot be recorded: \(error)")
        }
        return run
    }

    /// Where everything is kept that the run is told.
    private func recorder(of strategy: FloorStrategy, run: String) throws(SystemCallError) -> RunRecorder {
        let folder = around.folders.record(strategy: strategy.id, run: run)
        try around.folders.make(folder)
        try RunRecordings.removeOldest(
            in: around.folders.log(strategy: strategy.id), keeping: around.configuration.strategy.records)
        var limits = RunRecorder.Limits()
        limits.fileBytes = max(64 << 10, around.configuration.strategy.recordBytes / limits.files)
        return try RunRecorder(folder: folder, limits: limits, thread: around.flush)
    }

    /// Records what strategies were told, and what they asked for.
    func recordLines() {
        for (recorder, direction, line, time) in unrecorded {
            recorder.record(direction, line[...], at: time)
        }
        unrecorded.removeAll(keepingCapacity: true)
    }

    /// A child is gone: what it listened to and what was recorded of it ends with it.
    private func runEnded(_ strategy: FloorStrategy) {
        unsubscribe(strategy)
        recordLines()
        do { try strategy.recorder?.synchronize() } catch {
            around.log.with(strategy: strategy.id).warning("its recording is not on disk: \(error)")
        }
        strategy.recorder = nil
        if let words = strategy.violations.summary() { log(strategy, .warning, .host, words) }
        saveViolations(of: strategy)
        guard let run = strategy.runner?.run else { return }
        let reason = strategy.runner?.state.reason ?? "ended"
        let isQuarantined = strategy.state == .quarantined
        around.store.runEnded(run, cause: isQuarantined ? "quarantined: \(reason)" : reason, at: now)
    }

    /// Writes down what was refused since this was last done.
    func saveViolations(of strategy: FloorStrategy) {
        let changed = strategy.violations.takeChanged()
        if !changed.isEmpty { around.store.save(violations: changed, of: strategy.id) }
    }

    /// A strategy that ended for good by itself, or was put in quarantine, is not for the next host to start.
    private func noteOwnEnd(of strategy: FloorStrategy, _ state: RunLifecycle.State) {
        let isOver =
            switch state {
            // Otherwise a person stopped it, and that is written already.
            case .stopped: strategy.ordersAtStop == nil
            case .quarantined: true
            case .launching, .starting, .ready, .running, .paused, .stopping, .abandoning, .dying,
                .backingOff:
                false
            }
        guard isOver, !isDraining else { return }
        around.store.stopped(strategy.id, orders: OrdersAtEnd(strategy.config.ordersAtDeath), at: now)
    }

    /// What becomes of orders at an end that a person asked for. An end of the host keeps them: it comes back.
    private func ordersAfterEnd(of strategy: FloorStrategy) -> OrdersAtEnd {
        guard !isDraining, let policy = strategy.ordersAtStop else { return .keep }
        strategy.ordersAtStop = nil
        return policy
    }

    /// What a run is told first.
    private func greeting(_ strategy: FloorStrategy, run: String) -> Hello {
        let plan = strategy.plan!
        let feed = feeds[plan.feed]
        let account = accounts[plan.account]
        let settings = around.configuration.strategy
        let id = StrategyID(strategy.id)
        let books = desk.desk
        return Hello(
            strategy: strategy.id, run: run, mode: account?.exchange == nil ? .paper : .live, time: now,
            entry: strategy.config.entry ?? "",
            parameters: plan.parameters, config: strategy.config.json,
            instruments: feed?.market.instruments ?? [],
            account: Wire.AccountView(
                currency: account?.currency ?? "", equity: books.profit(of: id)?.equity ?? plan.capital,
                available: books.enrolment(of: id) == nil ? plan.capital : books.available(to: id),
                kind: account?.kind == .margin ? .margin : .spot,
                leverage: account.map { min($0.leverage, strategyLimits(strategy).leverage ?? $0.leverage) }
                    ?? .one),
            positions: books.positions(of: id, at: now).map { PositionReport($0) },
            // Orders of the desk itself, such as exits, have no name that the strategy knows.
            orders: books.liveOrders(of: id).filter { $0.intent.request != nil }.map { OrderReport($0) },
            brackets: books.liveBrackets(of: id).map { BracketReport($0) }, state: strategy.savedState,
            heartbeatMilliseconds: Int(settings.heartbeatInterval.milliseconds))
    }
}

extension Floor: StrategyRunnerDelegate {
    func hello(for runner: StrategyRunner) -> Hello {
        greeting(strategies[runner.strategy]!, run: runner.run ?? "")
    }

    func deliverHistory(to runner: StrategyRunner) {
        guard let strategy = strategies[runner.strategy], let plan = strategy.plan,
            let feed = feeds[plan.feed]
        else { return runner.quarantine(cause: "the feed that it was started on is gone") }
        let config = strategy.config
        let key = Subscriptions.Key.candles(symbol: config.symbol, resolution: config.resolution)
        let run = runner.run
        withPast(of: config.symbol, config.resolution, count: config.lookbackPeriod, of: feed) {
            [weak self, weak runner, weak strategy] in
            guard let self, let runner, let strategy, strategy.runner === runner, runner.run == run,
                runner.state == .ready
            else { return }
            subscribe(strategy, to: key, of: feed, lookback: config.lookbackPeriod)
            enrol(strategy, plan: plan, run: run ?? "")
            runner.historySent()
        }
    }

    func deliverMissed(to runner: StrategyRunner) {
        guard let strategy = strategies[runner.strategy], let feed = strategy.plan.flatMap({ feeds[$0.feed] })
        else { return }
        deliverMissed(to: strategy, from: feed)
        feed.strategyCame()
        if strategy.startsPaused {
            strategy.startsPaused = false
            runner.pause()
        }
    }

    func runner(_ runner: StrategyRunner, received message: StrategyMessage) {
        guard let strategy = subject(of: runner) else { return }
        around.metrics.linesIn.increment()
        switch message {
        case .order(let request, let terms, let bracket):
            submit(terms, bracket: bracket, request: request, by: strategy)
        case .oco(let request, let symbol, let side, let quantity, let prices):
            protect(symbol, side: side, quantity: quantity, prices: prices, request: request, by: strategy)
        case .cancel(let request):
            note(RequestID(request), of: strategy, .askedCancel)
            desk.decide(on: .strategy) {
                $0.cancel(RequestID(request), by: StrategyID(strategy.id), at: $1)
            }
        case .cancelBracket(let request):
            desk.decide(on: .strategy) {
                $0.cancelBracket(RequestID(request), by: StrategyID(strategy.id), at: $1)
            }
        case .amendBracket(let request, let prices):
            desk.decide(on: .strategy) {
                $0.amendBracket(RequestID(request), prices: prices, by: StrategyID(strategy.id), at: $1)
            }
        case .amend(let request, let quantity, let price):
            note(RequestID(request), of: strategy, .askedAmendment(quantity: quantity, price: price))
            desk.decide(on: .strategy) {
                $0.amend(
                    RequestID(request), quantity: quantity, price: price, by: StrategyID(strategy.id), at: $1)
            }
        case .signal(let action, let symbol, let data):
            take(signal: action, symbol: symbol, data: data ?? .object([]), from: strategy)
        case .metric(let name, let value):
            // Bounded, since the names are the strategy's own choice.
            if strategy.metrics.count < 64 || strategy.metrics[name] != nil { strategy.metrics[name] = value }
        case .state(let state):
            strategy.savedState = state
            around.store.save(state: state, of: strategy.id, at: now)
        case .subscribe(let symbol, let resolution, let trades, let quotes):
            subscribe(strategy, symbol: symbol, resolution: resolution, trades: trades, quotes: quotes)
        case .ready, .log, .timer, .pong, .done, .bye: break  // The runner keeps these to itself.
        }
        // A replay holds against it what is asked for then. The order has gone its way by now.
        if message.isDecision, let recorder = strategy.recorder {
            recordAtLeisure(recorder, .fromStrategy, message.line)
        }
    }

    func runner(_ runner: StrategyRunner, refused failure: LineFailure) {
        around.metrics.linesRefused.increment()
        guard failure.type == .order || failure.type == .oco, let request = failure.request else { return }
        runner.send(.order(.denied(request: request, reason: "the line was refused: \(failure)", at: now)))
    }

    func runner(
        _ runner: StrategyRunner, logged level: StrategyLogLevel, _ source: LogSource, _ message: String
    ) {
        guard let strategy = strategies[runner.strategy] else { return }
        log(strategy, level, source, message)
    }

    func runnerChangedState(_ runner: StrategyRunner) {
        guard let strategy = strategies[runner.strategy], strategy.runner === runner else { return }
        switch runner.state {
        case .stopped, .backingOff, .quarantined:
            strategy.usage = runner.usage()
            around.metrics.show(GroupUsage(), throttled: 0, of: strategy)
            noteOwnEnd(of: strategy, runner.state)
            leave(strategy, orders: ordersAfterEnd(of: strategy))
            runEnded(strategy)
            wakeWhoWaitsForTheEnd()
        case .launching:
            if runner.restarts > 0 { around.metrics.restarts.increment() }
        case .starting, .ready, .running, .paused, .stopping, .abandoning, .dying: break
        }
        publishStatus(strategy)
    }

    func settleOrders(of runner: StrategyRunner, cause: String) {
        guard let strategy = strategies[runner.strategy] else { return }
        strategy.ordersAtStop = nil
        leave(strategy, orders: OrdersAtEnd(strategy.config.ordersAtDeath))
    }

    func runner(_ runner: StrategyRunner, violated violation: Violation) {
        guard let strategy = strategies[runner.strategy] else { return }
        around.metrics.countViolation(violation, of: strategy)
        switch strategy.violations.note(violation, run: runner.run ?? "", at: now) {
        case .first(let violation):
            log(
                strategy, violation.isFatal ? .error : .warning, .host, "refused by the sandbox: \(violation)"
            )
            around.audit(
                "sandbox", violation.isFatal ? "strategy.violation.fatal" : "strategy.violation", strategy.id,
                "\(violation)")
            publishStatus(strategy)
        case .again(let violation, let times):
            log(
                strategy, .warning, .host,
                "refused by the sandbox \(times) times in this run: \(violation.call): \(violation.rule.advice)"
            )
        case .quiet: break
        }
    }

    func runnerWasQuarantined(_ runner: StrategyRunner, reason: String) {
        guard let strategy = strategies[runner.strategy] else { return }
        around.metrics.quarantines.increment()
        around.log.with(strategy: strategy.id).error("quarantined", ["reason": reason])
        around.audit("host", "strategy.quarantine", strategy.id, reason)
        around.hooks.quarantined(strategy: strategy.id, owner: strategy.owner, reason: reason)
    }

    private func subject(of runner: StrategyRunner) -> FloorStrategy? { runner.subject as? FloorStrategy }

    func runner(_ runner: StrategyRunner, wrote line: [UInt8]) {
        around.metrics.linesOut.increment()
        guard let recorder = subject(of: runner)?.recorder else { return }
        // The strategy is at work on the line by now, and its answer is more urgent than the copy.
        recordAtLeisure(recorder, .toStrategy, line)
    }

    private func recordAtLeisure(
        _ recorder: RunRecorder, _ direction: RunRecorder.Direction, _ line: [UInt8]
    ) {
        unrecorded.append((recorder, direction, line, now))
        if unrecorded.count == 1 { loop.atLeisure { [weak self] in self?.recordLines() } }
    }
}

extension Floor {
    /// Adds what a strategy asked to hear, or says in its log why not.
    private func subscribe(
        _ strategy: FloorStrategy, symbol: String, resolution: Resolution?, trades: Bool, quotes: Bool
    ) {
        guard let feed = strategy.plan.flatMap({ feeds[$0.feed] }) else { return }
        guard feed.instruments[symbol] != nil else {
            let known = feed.instruments.keys.sorted().joined(separator: ", ")
            return log(
                strategy, .warning, .host, "subscribe: feed \(feed.id) has no \(symbol); it has \(known)")
        }
        guard strategy.subscribed.count < 64 else {
            return log(strategy, .warning, .host, "subscribe: 64 subscriptions are the most")
        }
        if let resolution {
            guard feed.market.gives(symbol: symbol, resolution: resolution) else {
                let words =
                    "subscribe: feed \(feed.id) has no \(resolution) candles; it has \(feed.offered(symbol))"
                return log(strategy, .warning, .host, words)
            }
            let key = Subscriptions.Key.candles(symbol: symbol, resolution: resolution)
            subscribe(strategy, to: key, of: feed, lookback: strategy.config.lookbackPeriod)
        }
        if trades { subscribe(strategy, to: .trades(symbol: symbol), of: feed, lookback: 0) }
        if quotes { subscribe(strategy, to: .quotes(symbol: symbol), of: feed, lookback: 0) }
    }

    /// Takes a signal that a strategy gave.
    private func take(signal action: String, symbol: String?, data: JSONValue, from strategy: FloorStrategy) {
        keep(
            SignalView(
                id: "", strategy: strategy.id, run: strategy.runner?.run, direction: .outgoing,
                action: action, symbol: symbol, data: data, time: now), of: strategy)
    }

    /// Numbers a signal, writes it down and tells those who watch.
    @discardableResult
    func keep(
        _ unnumbered: SignalView, named name: String? = nil, of strategy: FloorStrategy
    ) -> SignalView {
        lastSignal += 1
        var signal = unnumbered
        signal.id = String(lastSignal)
        around.store.save(signal, number: lastSignal, named: name, owner: strategy.owner)
        hub.publish(.signal, strategy: strategy.id, owner: strategy.owner, data: signal.json)
        return signal
    }
}

extension Duration {
    /// In whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

extension OrdersAtEnd {
    /// The author's word for it.
    init(_ policy: OrdersAtDeath) {
        switch policy {
        case .keep: self = .keep
        case .cancel: self = .cancel
        case .flatten: self = .flatten
        }
    }
}

extension Supervisor.RestartPolicy {
    /// What the author asked for; the waits are the host's.
    init(_ restart: StrategyConfig.Restart) {
        self.init(
            kind: Kind(rawValue: restart.policy.rawValue) ?? .transient, intensity: restart.intensity,
            periodMilliseconds: Int64(restart.periodSeconds) * 1_000)
    }
}

extension RunnerSettings {
    /// The bounds that the configuration sets.
    init(_ settings: Configuration.Strategy) {
        self.init()
        startMilliseconds = settings.startTimeout.milliseconds
        stopMilliseconds = settings.stopTimeout.milliseconds
        heartbeatMilliseconds = settings.heartbeatInterval.milliseconds
        heartbeatTimeoutMilliseconds = settings.heartbeatTimeout.milliseconds
        linesPerSecond = Double(settings.linesPerSecond)
        lineBurst = 4 * Double(settings.linesPerSecond)
        candleDepth = settings.queueDepth
    }
}
