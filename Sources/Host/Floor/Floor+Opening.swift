internal import Catalogue
internal import Exchanges
internal import Journal
internal import MarketData
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// From what the last host left to a floor on which strategies run, and back.
extension Floor {
    /// What the last host left.
    struct Inheritance: Sendable {
        var floor: FloorStore.Beginning
        var desk: DeskSnapshot
        var strategies: [StrategyRecord]
        /// Who asked for the halts in force.
        var haltedBy: [RiskScope: String]
        /// The number of the journal's last event about orders and positions.
        var lastEvent: Int64
    }

    /// Makes a floor. No price flows and no strategy runs before ``begin()``.
    static func open(
        on loop: EventLoop, around: Surroundings, inheritance: Inheritance, paperWriter: GroupCommitWriter,
        deskStore: DeskStore
    ) throws -> Floor {
        let limits = try LimitSetup(
            global: RiskLimits(around.configuration.limits), saved: inheritance.floor.limits)
        let accounts = try AccountSetup.all(
            inheritance.floor.accounts, around.configuration,
            at: Timestamp(milliseconds: WallClock.milliseconds))
        let accountVenues = AccountVenues()
        let paper = PaperVenue(
            store: JournalPaperStore(writer: paperWriter, loop: loop), instruments: [],
            settings: MatchingSettings(around.configuration.paper),
            atLeisure: { [loop] in loop.atLeisure($0) },
            now: { Timestamp(milliseconds: WallClock.milliseconds) })
        let driver = DeskDriver(
            desk: OrderDesk(
                limits: limits.global, settings: OrderDesk.Settings(around.configuration),
                at: Timestamp(milliseconds: WallClock.milliseconds)),
            adapters: [paper], venues: { accountVenues[$0] },
            turns: EventLoopTurns(of: loop),
            now: { Timestamp(milliseconds: WallClock.milliseconds) },
            append: { events, answer in
                let answer = LoopBound(answer, on: loop)
                deskStore.append(events) { failure in
                    answer.perform { $0(failure.map { .init(reason: $0.description) }) }
                }
            })
        let floor = Floor(
            loop: loop, around: around, desk: driver, paper: paper, accountVenues: accountVenues,
            limits: limits,
            lastRun: inheritance.floor.lastRun, lastSignal: inheritance.floor.lastSignal,
            story: StoryBook(
                around.stories, on: loop, after: inheritance.lastEvent, log: around.log.part("stories")))
        for (venue, limits) in limits.venues {
            driver.decide { desk, _ in
                desk.setLimits(limits, at: VenueID(venue))
                return []
            }
        }
        for account in accounts { floor.add(account) }
        try floor.openFeeds(inheritance.floor.feeds)
        try floor.restore(inheritance.desk)
        floor.haltedBy = inheritance.haltedBy
        floor.stopsBefore = inheritance.floor.stops
        around.store.endRunsLeftOver(at: floor.now)
        for record in inheritance.strategies {
            let strategy = try floor.add(
                record, savedState: inheritance.floor.savedStates[record.id],
                violations: inheritance.floor.violations[record.id] ?? [])
            strategy.lastEnd = inheritance.floor.lastEnds[record.id]
        }
        return floor
    }

    /// Makes an account known that was not there before: of its orders the journal has none.
    func addNew(_ account: AccountSetup) {
        add(account)
        recall(account, from: DeskSnapshot())
    }

    /// Makes an account known to desk and venue.
    func add(_ account: AccountSetup) {
        accounts[account.id] = account
        accountVenues[AccountID(account.id)] = account.venue
        desk.decide { desk, _ in
            desk.setAccount(account.settings, limits: limits.accounts[account.id] ?? .none)
        }
        guard account.exchange == nil else { return serve(account) }
        paper.openAccount(
            AccountID(account.id), kind: account.settings.kind, currency: account.currency,
            balance: account.balance)
    }

    private func openFeeds(_ saved: [(id: String, settings: String, cursor: String?)]) throws {
        var definitions = try FeedDefinition.builtIn(around.configuration.market)
        var cursors: [String: String] = [:]
        for row in saved {
            let feed = try FeedDefinition(try JSONParser.parse(row.settings))
            definitions.removeAll { $0.id == feed.id }
            definitions.append(feed)
            cursors[row.id] = row.cursor
        }
        for feed in definitions {
            do {
                try open(feed, cursor: cursors[feed.id])
            } catch {
                // A file that was moved away must not keep the host and its other strategies from starting.
                around.log.error("feed \(feed.id) cannot be opened", ["reason": "\(error)"])
                around.health.report("feeds", fault: "feed \(feed.id) cannot be opened: \(error)")
            }
        }
    }

    private func restore(_ snapshot: DeskSnapshot) throws {
        // A feed that is gone leaves its markets behind; what is still held there must be known.
        let known = Set(feeds.values.flatMap { feed in feed.instruments.keys.map { feed.venueSymbol($0) } })
        for (account, symbols) in tradedSymbols(in: snapshot) {
            guard let setup = accounts[account.text], let exchange = setup.exchange else {
                for symbol in symbols.keys where !known.contains(symbol) {
                    list(.usual(symbol: Feed.symbol(symbol)), as: symbol)
                }
                continue
            }
            // Until the exchange tells its steps, which every order waits for.
            desk.decide { desk, _ in
                desk.setInstruments(symbols.keys.sorted().map { .usual(symbol: $0) }, at: exchange.id)
                return []
            }
            serve(setup, symbols: symbols)
        }
        for account in accounts.values { recall(account, from: snapshot) }
        var flaw: RestoreFlaw?
        desk.decide { desk, now in
            do throws(RestoreFlaw) {
                return try desk.restore(from: snapshot, at: now)
            } catch {
                flaw = error
                return []
            }
        }
        if let flaw { throw flaw }
    }

    /// What was traded on each account, each with a time before its first trade that may not be booked.
    private func tradedSymbols(in snapshot: DeskSnapshot) -> [AccountID: [String: Timestamp]] {
        var symbols: [AccountID: [String: Timestamp]] = [:]
        for order in snapshot.orders.values {
            let time = order.intent.createdAt.advanced(byMilliseconds: -60_000)
            let known = symbols[order.intent.account]?[order.symbol]
            symbols[order.intent.account, default: [:]][order.symbol] = min(known ?? time, time)
        }
        for key in snapshot.ledgers.keys where symbols[key.account]?[key.symbol] == nil {
            let since = accounts[key.account.text]?.exchange?.since
            symbols[key.account, default: [:]][key.symbol] = since ?? now
        }
        return symbols
    }

    /// Makes a strategy known that is in the catalogue.
    @discardableResult
    func add(
        _ record: StrategyRecord, savedState: String? = nil, violations: [ViolationLedger.Entry] = []
    ) throws -> FloorStrategy {
        let folder = around.folders.log(strategy: record.id)
        try around.folders.make(folder)
        var limits = LogFiles.Limits()
        limits.fileBytes = max(64 << 10, around.configuration.strategy.logBytes / limits.files)
        let strategy = FloorStrategy(
            record, config: try StrategyConfig(record.latest.config, around),
            log: try LogFiles(folder: folder, limits: limits, thread: around.flush),
            violations: ViolationLedger(violations))
        if let savedState { strategy.savedState = try JSONParser.parse(savedState) }
        strategies[record.id] = strategy
        return strategy
    }

    /// Lets prices flow, asks the venue about every order in doubt, and begins to look after things.
    func begin() {
        noteRecovery()
        desk.decide(on: .recovery) { desk, now in desk.reconcile(at: now) }
        for feed in feeds.values { feed.run() }
        everySecond()
    }

    /// Does with the orders of strategies that were stopped what was asked for, in case the last host did not get to it.
    /// Where it did, nothing is left to do.
    func finishStops(but running: [StrategyRecord]) {
        let running = Set(running.map(\.id))
        for (id, orders) in stopsBefore where !running.contains(id) {
            if let strategy = strategies[id] { leave(strategy, orders: orders) }
        }
        stopsBefore = [:]
    }

    /// Starts the strategies that ran when the last host ended.
    func startWhatShouldRun(_ records: [StrategyRecord]) {
        for record in records {
            guard let strategy = strategies[record.id], let desired = record.desired, desired.shouldRun,
                let version = record.version(desired.version)
            else { continue }
            do {
                let config = try StrategyConfig(version.config, around)
                    .merging(parameters: desired.parameters)
                let plan = FloorStrategy.Plan(
                    version: desired.version, feed: desired.feed, account: desired.account,
                    capital: desired.capital, parameters: config.parametersJSON)
                if let account = accounts[desired.account], let hindrance = hindrance(to: account) {
                    log(strategy, .error, .host, "not started again: \(hindrance)")
                    continue
                }
                strategy.warnings = warnings(
                    of: strategy, config: config, account: accounts[desired.account])
                strategy.plan = plan
                whenPrimed(plan.feed, for: strategy) { [self] in
                    start(strategy, plan: plan, config: config)
                    strategy.startsPaused = desired.isPaused
                }
            } catch {
                log(strategy, .error, .host, "could not be started again: \(error)")
            }
        }
    }

    /// Calls `body` once a feed has its history, unless somebody starts the strategy or takes it away before.
    private func whenPrimed(_ id: String, for strategy: FloorStrategy, _ body: @escaping () -> Void) {
        guard let feed = feeds[id], !feed.isPrimed else { return body() }
        log(strategy, .info, .host, "starts when feed \(id) has its prices")
        feed.whenPrimed { [weak self] in
            guard let self, !isDraining, strategies[strategy.id] === strategy, strategy.runner == nil else {
                return
            }
            body()
        }
    }

    /// Stops every strategy so that the next host starts it again, and calls `completion` when the last is gone.
    func drain(_ completion: @escaping @Sendable () -> Void) {
        isDraining = true
        for feed in feeds.values { feed.stop() }
        saveCursors()
        for strategy in strategies.values where strategy.isLive || strategy.state == .backingOff {
            stop(strategy, orders: .keep, reason: "the host is stopping")
        }
        whenAllGone { [self] in
            endVenues()
            // What the last strategies did must be on disk before the journal closes.
            desk.whenQuiet { [story] in
                story.flush()
                completion()
            }
        }
    }

    // MARK: - Every second

    private func everySecond() {
        loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self, !isDraining else { return }
            seconds += 1
            desk.decide(on: .review) { desk, now in desk.review(at: now) }
            lookAtUsage()
            around.metrics.show(strategies.values)
            publishProfit()
            if seconds % 10 == 0 { saveCursors() }
            if seconds % 60 == 1 { saveEquity() }
            if seconds % 60 == 30 { refreshBalances() }
            story.prune()
            pruning.step(at: now)
            everySecond()
        }
    }

    private func publishProfit() {
        guard hub.count > 0 else { return }
        for strategy in strategies.values
        where strategy.isLive || desk.desk.hasAnythingOpen(StrategyID(strategy.id)) {
            let view = status(of: strategy)
            hub.publish(.pnl, strategy: strategy.id, owner: strategy.owner, keeps: false, data: view.json)
        }
    }

    private func saveEquity() {
        let points = strategies.values.compactMap { strategy in
            desk.desk.profit(of: StrategyID(strategy.id)).map { (strategy: strategy.id, equity: $0.equity) }
        }
        around.store.save(equity: points, at: now)
    }

    private func saveCursors() {
        let cursors = feeds.values.compactMap { feed in feed.market.cursor.map { (feed: feed.id, cursor: $0) }
        }
        around.store.save(cursors: cursors)
        recordLines()
        for (feed, cursor) in cursors {
            for strategy in strategies.values where strategy.plan?.feed == feed {
                strategy.recorder?.record(feed: feed, cursor: cursor)
            }
        }
    }

    // MARK: - Waiting for the end

    /// Calls `body` once no strategy has a child any more.
    private func whenAllGone(_ body: @escaping () -> Void) {
        guard strategies.values.contains(where: \.isLive) else { return body() }
        whenEmpty.append(body)
    }

    /// A strategy's child has gone.
    func wakeWhoWaitsForTheEnd() {
        guard !whenEmpty.isEmpty, !strategies.values.contains(where: \.isLive) else { return }
        let bodies = whenEmpty
        whenEmpty = []
        for body in bodies { body() }
    }
}
