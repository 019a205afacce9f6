internal import Catalogue
internal import Journal
internal import MarketData
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// What people ask of the floor, checked against how things stand.
extension Floor {
    /// A start that has been checked, and what the catalogue keeps of it.
    struct PlannedRun: Sendable {
        var plan: FloorStrategy.Plan
        var config: StrategyConfig
        var desired: DesiredRun
    }

    /// Checks how a strategy is to be started; what is not said stays as it was the last time.
    func plan(
        _ record: StrategyRecord, version: VersionRecord, options: StartOptions
    ) throws(HostError) -> PlannedRun {
        let strategy = try find(record.id)
        guard !isDraining else { throw .unavailable("the host is stopping") }
        guard !strategy.isLive, strategy.state != .backingOff else {
            throw .conflict("the strategy is \(strategy.state.rawValue); stop or restart it")
        }
        let config: StrategyConfig
        do throws(FieldFailure) {
            config = try StrategyConfig(version.config, around).merging(parameters: options.parameters)
        } catch {
            throw .invalid(error)
        }
        let wanted = (options.account ?? record.desired?.account).flatMap { accounts[$0] }
        let usualFeed = wanted?.exchange.flatMap { exchange in
            feeds.values.filter { $0.exchange == exchange.id && $0.instruments[config.symbol] != nil }
                .map(\.id).min()
        }
        let feed = try feed(
            options.feed ?? record.desired?.feed ?? usualFeed ?? Feed.principal, for: config)
        let instrument = feed.instruments[config.symbol]!
        let account = try account(options.account ?? record.desired?.account, for: instrument)
        try check(feed, suits: account)
        let capital = options.capital ?? record.desired?.capital ?? min(FixedDecimal(10_000), account.balance)
        guard capital.isPositive, capital <= account.balance else {
            throw .invalid(
                FieldFailure(
                    field: "capital",
                    reason:
                        "is \(capital), allowed are amounts above 0 up to the account's \(account.balance)"))
        }
        let id = StrategyID(strategy.id)
        if let enrolment = desk.desk.enrolment(of: id), enrolment.account.text != account.id,
            desk.desk.hasAnythingOpen(id)
        {
            throw .conflict(
                "the strategy has something open on account \(enrolment.account); close it before moving on")
        }
        let plan = FloorStrategy.Plan(
            version: version.version, feed: feed.id, account: account.id, capital: capital,
            parameters: config.parametersJSON)
        let desired = DesiredRun(
            shouldRun: true, isPaused: false, account: account.id, feed: feed.id, capital: capital,
            parameters: options.parameters, version: version.version, since: now)
        return PlannedRun(plan: plan, config: config, desired: desired)
    }

    private func feed(_ id: String, for config: StrategyConfig) throws(HostError) -> Feed {
        guard let feed = feeds[id] else {
            let known = feeds.keys.sorted().joined(separator: ", ")
            throw .invalid(
                FieldFailure(field: "feed", reason: "there is no feed \"\(id)\"; there are \(known)"))
        }
        guard feed.instruments[config.symbol] != nil else {
            let known = feed.instruments.keys.sorted().joined(separator: ", ")
            throw .invalid(
                FieldFailure(field: "feed", reason: "feed \(id) has no \(config.symbol); it has \(known)"))
        }
        guard feed.market.gives(symbol: config.symbol, resolution: config.resolution) else {
            throw .invalid(
                FieldFailure(
                    field: "feed",
                    reason:
                        "feed \(id) has no \(config.resolution) candles; it has \(feed.offered(config.symbol))"
                ))
        }
        return feed
    }

    /// An account at an exchange trades at that exchange's prices, and with a credential.
    private func check(_ feed: Feed, suits account: AccountSetup) throws(HostError) {
        if let exchange = account.exchange, feed.exchange != exchange.id {
            let fitting = feeds.values.filter { $0.exchange == exchange.id }.map(\.id).sorted()
            let advice =
                fitting.isEmpty
                ? "add a feed of kind \(exchange.venue.rawValue), environment \(exchange.environment.rawValue)"
                : "take \(fitting.joined(separator: ", "))"
            throw .invalid(
                FieldFailure(
                    field: "feed",
                    reason: "feed \(feed.id) does not give the prices of \(exchange.words), where account "
                        + "\(account.id) is; \(advice)"))
        }
        if let hindrance = hindrance(to: account) { throw .conflict(hindrance) }
        guard feed.isPrimed else {
            throw .conflict("feed \(feed.id) has no prices yet: \(feed.fault ?? "they are on their way")")
        }
    }

    private func account(_ id: String?, for instrument: Instrument) throws(HostError) -> AccountSetup {
        let fitting = accounts.values.filter { $0.currency == instrument.quote }.sorted { $0.id < $1.id }
        guard let id else {
            // Real money is never taken unasked.
            guard let first = fitting.first(where: { $0.exchange == nil }) else {
                throw .invalid(
                    FieldFailure(field: "account", reason: "no account is in \(instrument.quote); make one"))
            }
            return first
        }
        guard let account = accounts[id] else {
            let known = accounts.keys.sorted().joined(separator: ", ")
            throw .invalid(
                FieldFailure(field: "account", reason: "there is no account \"\(id)\"; there are \(known)"))
        }
        guard account.currency == instrument.quote else {
            let words = fitting.map(\.id).joined(separator: ", ")
            throw .invalid(
                FieldFailure(
                    field: "account",
                    reason: "account \(id) is in \(account.currency), but \(instrument.symbol) is paid in "
                        + "\(instrument.quote); take \(words.isEmpty ? "another" : words)"))
        }
        return account
    }

    /// Starts a strategy as planned, unless it was started meanwhile.
    func start(_ id: String, _ run: PlannedRun) throws(HostError) {
        let strategy = try find(id)
        guard !strategy.isLive, strategy.state != .backingOff else {
            throw .conflict("the strategy is \(strategy.state.rawValue) already")
        }
        strategy.warnings = warnings(of: strategy, config: run.config, account: accounts[run.plan.account])
        start(strategy, plan: run.plan, config: run.config)
    }

    /// Stops and starts again, or starts anew what is stopped, as it was started before.
    func restart(_ strategy: FloorStrategy, reason: String) throws(HostError) {
        guard !isDraining else { throw .unavailable("the host is stopping") }
        guard let plan = strategy.plan else { throw .notRunning(strategy: strategy.id) }
        if strategy.isLive {
            stop(strategy, orders: .keep, reason: reason, thenStart: true)
        } else {
            start(strategy, plan: plan, config: strategy.config)
        }
    }

    /// Hands a signal from outside to a strategy. One that was handed on before under its sender's name is not again.
    func deliver(
        _ request: SignalRequest, under terms: SignalTerms = SignalTerms(), to id: String
    ) throws(HostError) -> SignalView {
        let strategy = try find(id)
        if let name = terms.name, let known = strategy.namedSignals[name] { return known }
        try terms.checkAge(at: now)
        guard let runner = strategy.runner, runner.state.mayTrade else { throw .notRunning(strategy: id) }
        var data = request.data
        if let symbol = request.symbol, case .object(let members) = data, data["symbol"] == nil {
            data = .object(members + [.init("symbol", .string(symbol))])
        }
        let signal = keep(
            SignalView(
                id: "", strategy: id, run: runner.run, direction: .incoming, action: request.action,
                symbol: request.symbol, data: data, time: now), named: terms.name, of: strategy)
        if let name = terms.name { strategy.namedSignals.add(signal, named: name) }
        runner.send(
            .signal(IncomingSignal(id: signal.id, time: signal.time, action: signal.action, data: data)))
        return signal
    }

    // MARK: - Deleting

    /// Checks that a strategy may go, and keeps it from being started while it goes.
    func prepareToDelete(_ id: String) throws(HostError) {
        let strategy = try find(id)
        guard !strategy.isLive, strategy.state != .backingOff else {
            throw .conflict("the strategy is \(strategy.state.rawValue); stop it first")
        }
        guard !desk.desk.hasAnythingOpen(StrategyID(id)) else {
            throw .conflict("the strategy has open orders or a position; stop it with orders: flatten first")
        }
        strategies[id] = nil
        deleting[id] = strategy
    }

    /// Takes a strategy back that could not be deleted.
    func keepAfterAll(_ id: String) {
        strategies[id] = deleting.removeValue(forKey: id)
    }

    /// The strategy is gone from the catalogue.
    func forget(_ id: String) {
        guard let strategy = deleting.removeValue(forKey: id) else { return }
        limits.strategies[id] = nil
        around.store.forget(strategy: id)
        around.metrics.forget(strategy)
        let view = status(of: strategy)
        hub.publish(.status, strategy: id, owner: strategy.owner, data: view.json)
    }

    /// Makes a strategy known as the catalogue has it now; one that is known learns of its new versions.
    func know(_ record: StrategyRecord) throws -> FloorStrategy {
        guard let strategy = strategies[record.id] else { return try add(record) }
        strategy.versions = record.versions.reversed().map {
            .init(version: $0.version, uploadedAt: $0.uploadedAt)
        }
        if !strategy.isLive { strategy.config = try StrategyConfig(record.latest.config, around) }
        strategy.bundleWarnings = record.latest.warnings
        strategy.warnings = warnings(
            of: strategy, config: strategy.config, account: strategy.plan.flatMap { accounts[$0.account] })
        return strategy
    }

    /// What the author should know of a configuration on an account.
    func warnings(of strategy: FloorStrategy, config: StrategyConfig, account: AccountSetup?) -> [String] {
        strategy.bundleWarnings + config.warnings(isSpot: account?.kind != .margin)
    }

    // MARK: - Feeds

    /// Opens a feed that was added while the host runs.
    func openAnew(_ definition: FeedDefinition) throws(HostError) {
        try open(definition, cursor: nil).run()
    }

    /// Changes a feed. A replay or simulation that becomes another is opened anew, with nobody listening.
    func change(_ feed: Feed, to definition: FeedDefinition) throws(HostError) {
        let old = feed.market.definition
        if old.source == definition.source, old.instruments == definition.instruments {
            return feed.setSpeed(definition.speed)
        }
        let listeners = strategies.values.filter { $0.isLive && $0.plan?.feed == feed.id }.map(\.id).sorted()
        guard listeners.isEmpty else {
            throw .conflict("strategies run on it: \(listeners.joined(separator: ", ")); stop them first")
        }
        feed.stop()
        try openAnew(definition)
    }

    /// Puts the events of a request into the feed that it names, all or none.
    func inject(_ body: JSONValue) throws(HostError) -> Int {
        let feed = try takingFeed(body["feed"]?.stringValue ?? Feed.injected)
        do throws(FieldFailure) {
            return try feed.inject(body)
        } catch {
            throw .invalid(error)
        }
    }

    /// Puts events that were made in this process into a feed.
    func inject(_ events: [MarketEvent], into id: String) throws(HostError) -> Int {
        let feed = try takingFeed(id)
        if let stranger = events.first(where: { feed.instruments[$0.symbol] == nil }) {
            throw .conflict("feed \(id) has no \(stranger.symbol)")
        }
        feed.inject(events)
        return events.count
    }

    private func takingFeed(_ id: String) throws(HostError) -> Feed {
        guard let feed = feeds[id] else {
            let known = feeds.keys.sorted().joined(separator: ", ")
            throw .invalid(
                FieldFailure(field: "feed", reason: "there is no feed \"\(id)\"; there are \(known)"))
        }
        guard feed.market.takesEvents else {
            throw .conflict(
                "feed \(id) makes its own prices; inject into \"\(Feed.injected)\" or a feed of that kind")
        }
        return feed
    }

    // MARK: - Limits and halts

    /// Whether there is what a limit is set for.
    func exists(_ scope: LimitSetup.Scope) -> Bool {
        switch scope {
        case .global: true
        case .venue(let id): VenueID(id) == AccountSetup.paper || KnownVenue.ids.contains(VenueID(id))
        case .account(let id): accounts[id] != nil
        case .strategy(let id): strategies[id] != nil
        }
    }

    /// Puts changed limits in force.
    func take(_ changes: [LimitSetup.Change]) {
        for change in changes {
            limits[change.scope] = change.limits
            switch change.scope {
            case .global:
                desk.decide { desk, _ in
                    desk.setLimits(change.limits)
                    return []
                }
            case .venue(let id):
                desk.decide { desk, _ in
                    desk.setLimits(change.limits, at: VenueID(id))
                    return []
                }
            case .account(let id):
                if let account = accounts[id] { add(account) }
            case .strategy(let id):
                guard let strategy = strategies[id] else { continue }
                let limits = strategyLimits(strategy)
                desk.decide { desk, _ in desk.setLimits(limits, of: StrategyID(id)) }
            }
        }
    }

    /// Begins the peak of a scope's equity anew, so that its drawdown counts from now.
    func beginPeak(of scope: LimitSetup.Scope) throws(HostError) {
        let limited = desk.desk.drawdowns.contains { LimitSetup.Scope($0.scope) == scope }
        guard limited else { throw .conflict("\(scope.text) has no limit on its drawdown") }
        desk.decide { desk, now in desk.beginPeak(of: RiskScope(scope), at: now) }
    }

    /// The orders of which the venue shows several that could be ours, oldest first.
    var ambiguousOrders: [AmbiguityView] {
        desk.desk.ambiguousOrders.sorted { $0.key < $1.key }.compactMap { order, candidates in
            desk.desk.order(order).map {
                AmbiguityView(order: OrderView($0), candidates: candidates.map(\.text))
            }
        }
    }

    /// Takes an operator's word for which of the venue's orders one of ours is, or that it is none of them.
    func settle(
        _ order: OrderID, as venueOrder: VenueOrderID?, by user: String
    ) throws(HostError) -> OrderView {
        guard desk.desk.order(order) != nil else { throw .notFound(kind: "order", id: "\(order)") }
        guard let candidates = desk.desk.ambiguousOrders[order] else {
            throw .conflict("order \(order) is not in question")
        }
        if let venueOrder, !candidates.contains(venueOrder) {
            let known = candidates.map(\.text).joined(separator: ", ")
            throw .invalid(FieldFailure(field: "venue_order", reason: "is not one of \(known)"))
        }
        let word = venueOrder.map { "it is \($0) at the venue" } ?? "it was never placed"
        note(order, .person(name: user, did: word))
        desk.decide(on: .person(user)) { desk, now in
            desk.settleAmbiguity(of: order, as: venueOrder, at: now)
        }
        guard let settled = desk.desk.order(order) else { throw .notFound(kind: "order", id: "\(order)") }
        return OrderView(settled)
    }

    /// Denies every new order in a scope at once. What is open stays, and with it the stops that protect a position,
    /// unless it is to be flattened.
    func halt(_ request: HaltRequest, reason: String, by user: String) throws(HostError) {
        let scope = try scope(request.scope)
        // A halt that is in force stays its first asker's, as its reason and its time do.
        if !desk.desk.halts.contains(where: { $0.scope == scope }) {
            haltedBy[scope] = user
            let log = around.log
            // The desk writes the halt itself down at the end of this turn, which is after this.
            around.deskStore.haltAsked(HaltRecord(scope: scope, reason: reason, time: now), by: user) {
                failure in
                if let failure { log.error("who halted was not written: \(failure)") }
            }
        }
        desk.decide(on: .person(user)) { desk, now in
            desk.halt(scope, reason: reason, orders: request.flatten ? .flatten : .keep, at: now)
        }
        publishHalt(request.scope)
    }

    /// Lifts a halt.
    func resume(_ request: HaltScope) throws(HostError) {
        let scope = try scope(request)
        guard desk.desk.halts.contains(where: { $0.scope == scope }) else {
            throw .conflict("\(request.text) is not halted")
        }
        haltedBy[scope] = nil
        desk.decide { desk, now in desk.resume(scope, at: now) }
        publishHalt(request)
    }

    /// Tells those who watch. What is being closed is not in it, for it is not everybody's to see.
    private func publishHalt(_ scope: HaltScope) {
        let view = haltView
        hub.publish(.halt, strategy: scope.strategy, owner: "", data: view.json)
    }

    private func scope(_ request: HaltScope) throws(HostError) -> RiskScope {
        switch request {
        case .all: return .everything
        case .venue(let id):
            guard exists(.venue(id)) else { throw .notFound(kind: "venue", id: id) }
            return .venue(VenueID(id))
        case .account(let id):
            guard accounts[id] != nil else { throw .notFound(kind: "account", id: id) }
            return .account(AccountID(id))
        case .strategy(let id):
            _ = try find(id)
            return .strategy(StrategyID(id))
        }
    }
}

extension HaltScope {
    /// The strategy it is about; nil for everything.
    fileprivate var strategy: String? {
        if case .strategy(let id) = self { id } else { nil }
    }
}
