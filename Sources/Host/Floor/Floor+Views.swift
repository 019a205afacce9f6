internal import Catalogue
internal import Exchanges
internal import MarketData
internal import Sandbox
internal import Supervisor
internal import Trading
internal import Wire

/// What people see of the floor.
extension Floor {
    /// What a strategy does now, and what it has used.
    func status(of strategy: FloorStrategy) -> RunStatusView {
        let runner = strategy.runner
        var view = RunStatusView(
            strategy: strategy.id, state: strategy.state, run: runner?.run ?? strategy.lastEnd?.run,
            since: runner.map { Timestamp(milliseconds: $0.since) } ?? strategy.lastEnd?.time
                ?? strategy.createdAt,
            reason: runner == nil ? strategy.lastEnd?.cause : runner?.state.reason)
        view.restarts = runner?.restarts ?? 0
        view.nextStart = runner?.nextStart.map { Timestamp(milliseconds: $0) }
        view.pid = runner?.pid.map(Int.init)
        view.feed = strategy.plan?.feed
        view.account = strategy.plan?.account
        let account = strategy.plan.flatMap { accounts[$0.account] }
        view.venue = account?.venue.text
        view.currency = account?.currency
        view.capital = strategy.plan?.capital
        view.version = strategy.plan?.version
        view.limits = runner?.enforcement.map { EnforcementView($0) }
        view.start = runner?.launched.map { LaunchView(isWarm: $0.door == .warm, duration: $0.duration) }
        view.usage.cpuSeconds = strategy.usage.cpuSeconds
        view.usage.memoryBytes = strategy.usage.memoryBytes
        view.usage.memoryLimitBytes = strategy.usage.memoryLimitBytes
        view.usage.memoryPeakBytes = strategy.usage.memoryPeakBytes
        view.usage.cpuThrottledSeconds = strategy.usage.throttledSeconds
        view.usage.cpuThrottledShare = strategy.isLive ? strategy.usageWatch.throttledShare : 0
        view.usage.linesIn = runner?.linesIn ?? 0
        view.usage.linesOut = runner?.linesOut ?? 0
        view.usage.linesDropped = runner?.linesDropped ?? 0
        let id = StrategyID(strategy.id)
        let profit = desk.desk.profit(of: id)
        view.equity = profit?.equity
        // After fees, so that capital, realised and unrealised add up to the equity.
        view.realisedProfit = FixedDecimal(
            units: (profit?.realised.units ?? 0) - (profit?.fees.units ?? 0))
        view.unrealisedProfit = profit?.unrealised ?? .zero
        view.positions = positions(of: strategy)
        view.metrics = strategy.metrics
        view.violations = view.run.map { strategy.violations.count(in: $0) } ?? 0
        return view
    }

    /// What a strategy was refused, the latest first.
    func violations(of strategy: FloorStrategy) -> [ViolationView] {
        let run = strategy.runner?.run ?? strategy.lastEnd?.run
        // Of one instant, the one that is newer as a kind.
        let latest = strategy.violations.entries.enumerated().sorted {
            ($0.element.last, $0.offset) > ($1.element.last, $1.offset)
        }
        return latest.map { ViolationView($0.element, run: run) }
    }

    /// What a strategy holds now.
    func positions(of strategy: FloorStrategy) -> [PositionView] {
        desk.desk.positions(of: StrategyID(strategy.id), at: now).map(view(of:))
    }

    /// A position as people see it.
    func view(of position: PositionSummary) -> PositionView {
        PositionView(position, in: accounts[position.key.account.text]?.currency ?? "")
    }

    /// A strategy as its owner and the operator see it.
    func view(of strategy: FloorStrategy) -> StrategyView {
        StrategyView(
            id: strategy.id, name: strategy.name, owner: strategy.owner, versions: strategy.versions,
            profile: strategy.config.profile ?? "", kind: strategy.config.kind == .native ? .native : .python,
            config: strategy.config.json, warnings: strategy.warnings, createdAt: strategy.createdAt,
            status: status(of: strategy))
    }

    /// A feed as people see it.
    func view(of feed: Feed) -> FeedView {
        FeedView(
            id: feed.id, kind: .init(feed.market.definition.source), symbols: feed.market.definition.symbols,
            isRunning: feed.isRunning, lastEvent: feed.lastEvent, fault: feed.fault,
            settings: feed.market.definition.json)
    }

    /// The accounts with what the venue says they hold; `completion` is called on the floor.
    func views(of wanted: [AccountSetup], _ completion: @escaping ([AccountView]) -> Void) {
        guard let account = wanted.last else { return completion([]) }
        let add = { [self] (result: Result<[VenueBalance], VenueFailure>) in
            let view = view(of: account, holding: result)
            views(of: wanted.dropLast()) { completion($0 + [view]) }
        }
        // An exchange may be slow to answer; a list shows what it said last.
        guard account.exchange == nil else { return add(.success(held[account.id] ?? [])) }
        paper.balances(on: AccountID(account.id), add)
    }

    /// An account as people see it: its money as the venue tells it, its equity as the desk counts it.
    private func view(
        of account: AccountSetup, holding result: Result<[VenueBalance], VenueFailure>
    ) -> AccountView {
        let equity = desk.desk.profit(of: AccountID(account.id))?.equity ?? account.balance
        var balances: [AccountView.Balance] = []
        if case .success(let held) = result {
            balances = held.map(AccountView.Balance.init)
        }
        let own = balances.first { $0.currency == account.currency }
        return AccountView(
            id: account.id, venue: account.exchange?.venue.rawValue ?? AccountSetup.paper.text,
            environment: account.exchange?.environment.rawValue, kind: account.kind,
            currency: account.currency, balances: balances, equity: equity,
            available: own?.available ?? .zero, leverage: account.leverage, settings: account.json)
    }

    /// The limits in force.
    var limitsView: LimitsView {
        LimitsView(
            global: limits.global.json,
            venues: limits.venues.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) },
            accounts: limits.accounts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) },
            strategies: limits.strategies.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) },
            // The desk remembers strategies that are deleted.
            drawdowns: desk.desk.drawdowns.map { DrawdownView(scope: LimitSetup.Scope($0.scope).text, $0) }
                .filter { LimitSetup.Scope($0.scope).map(exists) ?? false })
    }

    /// Profit and loss of the strategies of one owner, or of all, in the currencies they are made in.
    func profit(owner: String?) -> ProfitView {
        var total: [String: ProfitView.Sum] = [:]
        var byStrategy: [ProfitView.Sum] = []
        var bySymbol: [String: ProfitView.Sum] = [:]
        for strategy in strategies.values.sorted(by: { $0.id < $1.id })
        where owner == nil || strategy.owner == owner {
            var own: [String: ProfitView.Sum] = [:]
            for position in desk.desk.positions(of: StrategyID(strategy.id), at: now) {
                let currency = accounts[position.key.account.text]?.currency ?? ""
                own[currency, default: .nothing(strategy.id, currency)].add(position)
                total[currency, default: .nothing("", currency)].add(position)
                let symbol = position.key.symbol
                bySymbol[symbol, default: .nothing(symbol, currency)].add(position)
            }
            byStrategy += own.values.sorted { $0.currency < $1.currency }
        }
        return ProfitView(
            total: total.values.sorted { $0.currency < $1.currency }, byStrategy: byStrategy,
            bySymbol: bySymbol.values.sorted { ($0.key, $0.currency) < ($1.key, $1.currency) })
    }
}

extension AccountView.Balance {
    /// Money as people see it.
    init(_ balance: VenueBalance) {
        self.init(
            currency: balance.currency, total: balance.total,
            available: FixedDecimal(units: balance.total.units - balance.locked.units))
    }
}

extension ViolationView {
    /// An entry of the ledger as people see it.
    init(_ entry: ViolationLedger.Entry, run: String?) {
        self.init(
            rule: entry.rule.rawValue, words: entry.rule.words, advice: entry.rule.advice,
            systemCall: entry.systemCall, arguments: entry.arguments, isFatal: entry.isFatal,
            count: entry.count, inRun: entry.run == run ? entry.inRun : 0, first: entry.first,
            last: entry.last, run: entry.run)
    }
}

extension FeedView.Kind {
    /// The interface's word for a source.
    init(_ source: FeedDefinition.Source) {
        switch source {
        case .simulated: self = .simulated
        case .replay: self = .replay
        case .injected: self = .injected
        case .live(let live):
            switch live.venue {
            case .binance: self = .binance
            case .coindcx: self = .coindcx
            case .coinspot: self = .coinspot
            }
        }
    }
}

extension ProfitView.Sum {
    fileprivate static func nothing(_ key: String, _ currency: String) -> Self {
        Self(key: key, currency: currency, realised: .zero, unrealised: .zero, fees: .zero)
    }

    fileprivate mutating func add(_ position: PositionSummary) {
        // The desk keeps every amount far below the range, so that no sum of them can leave it.
        realised = FixedDecimal(units: realised.units + position.realised.units)
        unrealised = FixedDecimal(units: unrealised.units + position.unrealised.units)
        fees = FixedDecimal(units: fees.units + position.fees.units)
    }
}
