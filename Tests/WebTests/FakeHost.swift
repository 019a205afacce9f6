import Host
import MarketData
import Synchronization
import Trading
import Wire

/// A host that keeps everything in memory and notes what it was asked.
final class FakeHost: HostService {
    struct State {
        var strategies: [String: StrategyView] = [:]
        var calls: [String] = []
        var uploads: [BundleUpload] = []
        var lines: [LogLine] = []
        var sinks: [(topic: EventTopic, after: Int?, sink: any EventSink)] = []
        var halts: [HaltView.Halt] = []
        var injected: [MarketEvent] = []
        var markets: [(topic: MarketTopic, sink: any MarketSink)] = []
    }

    let state = Mutex(State())
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    var calls: [String] { state.withLock { $0.calls } }

    init(owners: [String: String] = [:]) {
        for (id, owner) in owners { add(id, owner: owner) }
    }

    func add(_ id: String, owner: String) {
        let status = RunStatusView(strategy: id, state: .stopped, since: now)
        let view = StrategyView(
            id: id, name: id, owner: owner,
            versions: [.init(version: String(repeating: "a", count: 64), uploadedAt: now)],
            profile: "python", kind: .python, config: .object([]), createdAt: now, status: status)
        state.withLock { $0.strategies[id] = view }
    }

    func note(_ call: String) { state.withLock { $0.calls.append(call) } }

    private func find(_ id: String) throws(HostError) -> StrategyView {
        guard let view = state.withLock({ $0.strategies[id] }) else {
            throw .notFound(kind: "strategy", id: id)
        }
        return view
    }

    private func change(_ id: String, to new: RunStatusView.State, _ call: String) throws(HostError)
        -> RunStatusView
    {
        note(call)
        var view = try find(id)
        view.status.state = new
        let changed = view
        state.withLock { $0.strategies[id] = changed }
        return changed.status
    }

    func owner(of strategy: String) async throws(HostError) -> String { try find(strategy).owner }

    func strategies(owner: String?, page: PageRequest) async throws(HostError) -> Page<StrategyView> {
        let all = state.withLock { $0.strategies.values.sorted { $0.id < $1.id } }
        return Page(items: Array(all.filter { owner == nil || $0.owner == owner }.prefix(page.limit)))
    }

    func strategy(_ id: String) async throws(HostError) -> StrategyView { try find(id) }

    func source(of strategy: String, version: String?) async throws(HostError) -> [SourceFileView] {
        [SourceFileView(path: "strategy.py", size: 4, text: "pass")]
    }

    func validate(_ upload: BundleUpload) async throws(HostError) -> ValidationReport {
        state.withLock { $0.uploads.append(upload) }
        return report(upload)
    }

    private func report(_ upload: BundleUpload) -> ValidationReport {
        guard upload.content.starts(with: "bad".utf8) else {
            return ValidationReport(problems: [], config: .object([]))
        }
        return ValidationReport(problems: [
            .init(
                code: "python_syntax", message: "invalid syntax", field: "strategy.py", line: 1, source: "bad"
            )
        ])
    }

    func upload(_ upload: BundleUpload, by: String) async throws(HostError) -> StrategyView {
        state.withLock { $0.uploads.append(upload) }
        let report = report(upload)
        guard report.isValid else { throw .refused(report) }
        let id = "new-\(state.withLock { $0.strategies.count })"
        add(id, owner: by)
        return try find(id)
    }

    func uploadVersion(_ upload: BundleUpload, of strategy: String, by: String) async throws(HostError)
        -> StrategyView
    {
        state.withLock { $0.uploads.append(upload) }
        return try find(strategy)
    }

    func takeIn(_ upload: BundleUpload, by: String) async throws(HostError) -> TakenIn {
        let made = try await self.upload(upload, by: by)
        return TakenIn(strategy: made.id, version: made.versions[0].version, isNew: true)
    }

    func delete(_ strategy: String, by: String) async throws(HostError) {
        guard try find(strategy).status.state == .stopped else {
            throw .conflict("it is running; stop it first")
        }
        state.withLock { $0.strategies[strategy] = nil }
    }

    func start(_ strategy: String, options: StartOptions, by: String) async throws(HostError) -> RunStatusView
    {
        guard try find(strategy).status.state == .stopped else { throw .conflict("it runs already") }
        return try change(
            strategy, to: .running,
            "start \(strategy) \(options.capital?.description ?? "-") \(options.parameters.text) by \(by)")
    }

    func stop(_ strategy: String, orders: OrdersAtEnd?, by: String) async throws(HostError) -> RunStatusView {
        guard try find(strategy).status.state != .stopped else { throw .notRunning(strategy: strategy) }
        return try change(strategy, to: .stopped, "stop \(strategy) \(orders?.rawValue ?? "-") by \(by)")
    }

    func restart(_ strategy: String, by: String) async throws(HostError) -> RunStatusView {
        try change(strategy, to: .running, "restart")
    }

    func pause(_ strategy: String, by: String) async throws(HostError) -> RunStatusView {
        try change(strategy, to: .paused, "pause")
    }

    func resume(_ strategy: String, by: String) async throws(HostError) -> RunStatusView {
        try change(strategy, to: .running, "resume")
    }

    func status(of strategy: String) async throws(HostError) -> RunStatusView { try find(strategy).status }

    func logs(of strategy: String, page: PageRequest) async throws(HostError) -> Page<LogLine> {
        let after = page.after.flatMap { Int($0) } ?? 0
        return Page(items: state.withLock { $0.lines.filter { $0.sequence > after } })
    }

    func violations(of strategy: String) async throws(HostError) -> [ViolationView] {
        [
            ViolationView(
                rule: "network", words: "network is not available to strategies", advice: "use `subscribe`",
                systemCall: "socket", arguments: "AF_INET, SOCK_STREAM", isFatal: false, count: 3, inRun: 1,
                first: .init(milliseconds: 1), last: .init(milliseconds: 2), run: "r1")
        ]
    }

    func signals(of strategy: String, page: PageRequest) async throws(HostError) -> Page<SignalView> {
        Page(items: [], next: page.after)
    }

    func orders(of strategy: String, page: PageRequest) async throws(HostError) -> Page<OrderView> {
        let terms = OrderTerms(symbol: "BTCUSDT", side: .buy, type: .limit, quantity: .one, price: .one)
        return Page(items: [
            OrderView(
                id: "o1", strategy: strategy, run: "r1", request: "1", terms: terms, status: .open,
                createdAt: now,
                updatedAt: now)
        ])
    }

    func fills(of strategy: String, page: PageRequest) async throws(HostError) -> Page<FillView> {
        Page(items: [
            FillView(
                id: "t1", order: "o1", strategy: strategy, symbol: "BTCUSDT", side: .buy, price: .one,
                quantity: .one,
                fee: .zero, feeCurrency: "USDT", liquidity: .taker, time: now)
        ])
    }

    func signal(_ id: String) async throws(HostError) -> SignalView {
        let parts = id.split(separator: "@")
        guard parts.count == 2 else { throw .notFound(kind: "signal", id: id) }
        return SignalView(
            id: id, strategy: String(parts[1]), run: nil, direction: .outgoing, action: "BUY", symbol: nil,
            data: .object([]), time: now)
    }

    func deliver(_ signal: SignalRequest, to strategy: String, by: String) async throws(HostError)
        -> SignalView
    {
        note("deliver \(signal.action) \(signal.data.text)")
        return SignalView(
            id: "s1@\(strategy)", strategy: strategy, run: nil, direction: .incoming, action: signal.action,
            symbol: signal.symbol, data: signal.data, time: now)
    }

    func candles(of strategy: String, symbol: String?, limit: Int) async throws(HostError) -> [CandleView] {
        let candle = Candle(
            symbol: symbol ?? "BTCUSDT", resolution: Resolution(milliseconds: 60_000), openTime: now,
            open: .one,
            high: .one, low: .one, close: .one, volume: .zero)
        return [CandleView(candle)]
    }

    func equity(of strategy: String, limit: Int) async throws(HostError) -> [EquityPoint] {
        [EquityPoint(time: now, equity: .one)]
    }

    func positions(owner: String?) async throws(HostError) -> [PositionView] {
        let all = state.withLock { $0.strategies.values.sorted { $0.id < $1.id } }
        return all.filter { owner == nil || $0.owner == owner }.map {
            PositionView(
                strategy: $0.id, account: "paper", currency: "USDT", symbol: "BTCUSDT", quantity: .one,
                averagePrice: .one,
                lastPrice: nil, realisedProfit: .zero, unrealisedProfit: .zero, fees: .zero)
        }
    }

    func openOrders(owner: String?, page: PageRequest) async throws(HostError) -> Page<OrderView> {
        note("open orders of \(owner ?? "all")")
        return Page(items: [])
    }

    func brackets(of strategy: String, page: PageRequest) async throws(HostError) -> Page<BracketView> {
        _ = try await owner(of: strategy)
        return Page(items: [bracket])
    }

    func openBrackets(owner: String?, page: PageRequest) async throws(HostError) -> Page<BracketView> {
        note("open brackets of \(owner ?? "all")")
        return Page(items: [bracket])
    }

    func cancelBracket(_ id: String, by: String) async throws(HostError) -> BracketView {
        note("cancel bracket \(id) by \(by)")
        guard id == bracket.id else { throw .notFound(kind: "bracket", id: id) }
        return bracket
    }

    private var bracket: BracketView {
        BracketView(
            Bracket(
                id: OrderID(7), key: LedgerKey(strategy: "alpha", account: "paper", symbol: "BTCUSDT"),
                run: "r1", request: "1", hasEntry: true, side: .sell,
                prices: BracketPrices(stopLoss: .one, takeProfit: nil), status: .held, armed: .one,
                closed: .zero, closedBefore: .zero, released: .zero, leg: nil, exit: nil, reason: nil,
                createdAt: now, updatedAt: now))
    }

    func profit(owner: String?) async throws(HostError) -> ProfitView {
        let sum = ProfitView.Sum(key: "x", currency: "USDT", realised: .one, unrealised: .zero, fees: .zero)
        return ProfitView(total: [sum], byStrategy: [sum], bySymbol: [sum])
    }

    func follow(_ topic: EventTopic, after: Int?, sink: any EventSink) async throws(HostError) {
        if case .strategy(let id) = topic { _ = try find(id) }
        let lines = state.withLock { state in
            state.sinks.append((topic, after, sink))
            return state.lines
        }
        guard case .logs = topic else { return }
        for line in lines where line.sequence > after ?? 0 {
            _ = sink.offer(HostEvent(.log, strategy: "s", sequence: line.sequence, data: line.json))
        }
    }

    func inject(_ body: JSONValue, by: String) async throws(HostError) -> Int {
        do throws(FieldFailure) {
            var injection = FeedInjection(symbols: ["BTCUSDT"])
            let events = try injection.take(body).events
            state.withLock { $0.injected += events }
            return events.count
        } catch {
            throw .invalid(error)
        }
    }

    private var feed: FeedView {
        FeedView(id: "simulated", kind: .simulated, symbols: ["BTCUSDT"], isRunning: true)
    }

    func feeds() async throws(HostError) -> [FeedView] { [feed] }

    func addFeed(_ settings: JSONValue, by: String) async throws(HostError) -> FeedView {
        try named(settings)
        return feed
    }

    private func named(_ settings: JSONValue) throws(HostError) {
        guard settings["id"]?.stringValue != nil else {
            throw .invalid(FieldFailure(field: "id", reason: "is missing"))
        }
    }

    func changeFeed(_ id: String, _ settings: JSONValue, by: String) async throws(HostError) -> FeedView {
        guard id == "simulated" else { throw .notFound(kind: "feed", id: id) }
        return try settled(settings, feed)
    }

    /// Takes `{"speed": "…"}` and nothing else.
    private func settled<View>(_ settings: JSONValue, _ view: View) throws(HostError) -> View {
        do {
            var reader = try ObjectReader(settings)
            _ = try reader.optionalDecimal("speed")
            try reader.finish()
        } catch {
            throw .invalid(error)
        }
        return view
    }

    private var account: Host::AccountView {
        Host::AccountView(
            id: "paper", venue: "paper", kind: .spot, currency: "USDT",
            balances: [.init(currency: "USDT", total: .one, available: .one)], equity: .one, available: .one,
            leverage: .one)
    }

    func accounts() async throws(HostError) -> [Host::AccountView] { [account] }

    func balances(of account: String) async throws(HostError) -> [Host::AccountView.Balance] {
        guard account == self.account.id else { throw .notFound(kind: "account", id: account) }
        return self.account.balances
    }

    func addAccount(_ settings: JSONValue, by: String) async throws(HostError) -> Host::AccountView {
        try named(settings)
        return account
    }

    func changeAccount(
        _ id: String, _ settings: JSONValue, by: String
    ) async throws(HostError) -> Host::AccountView {
        guard id == "paper" else { throw .notFound(kind: "account", id: id) }
        return try settled(settings, account)
    }

    func limits() async throws(HostError) -> LimitsView {
        let drawdown = Drawdown(
            scope: .account("paper"), peak: FixedDecimal(1_000), equity: FixedDecimal(900),
            limit: FixedDecimal(1), since: now)
        return LimitsView(
            global: .members(["open_orders": .integer(10)]), accounts: [], strategies: [],
            drawdowns: [DrawdownView(scope: "account:paper", drawdown)])
    }

    func beginPeak(of scope: String, by: String) async throws(HostError) -> LimitsView {
        guard scope == "account:paper" else { throw .conflict("\(scope) has no limit on its drawdown") }
        note("peak of \(scope) by \(by)")
        return try await limits()
    }

    func changeLimits(_ changes: JSONValue, by: String) async throws(HostError) -> LimitsView {
        do {
            var reader = try ObjectReader(changes)
            if var global = try reader.optionalObject("global") {
                for name in [
                    "order_notional", "position_notional", "open_positions", "open_orders",
                    "orders_per_minute",
                    "price_distance", "daily_loss", "daily_loss_fraction", "leverage", "instruments",
                    "self_trade_prevention", "exposure", "drawdown", "order_to_trade",
                ] {
                    _ = global.optional(name)
                }
                try global.finish()
            }
            for name in ["venues", "accounts", "strategies"] { try reader.optionalObject(name)?.finish() }
            try reader.finish()
        } catch {
            throw .invalid(error)
        }
        note("limits \(changes.text) by \(by)")
        return try await limits()
    }

    func ambiguousOrders() async throws(HostError) -> [AmbiguityView] { [] }

    func orderStory(_ id: String) async throws(HostError) -> StoryView {
        throw .notFound(kind: "order", id: id)
    }

    func settleOrder(
        _ id: String, as venueOrder: String?, by: String
    ) async throws(HostError) -> OrderView {
        note("settle \(id) as \(venueOrder ?? "not placed") by \(by)")
        throw .notFound(kind: "order", id: id)
    }

    func reconciliations() async throws(HostError) -> [ReconciliationView] { [] }

    func reconcile(
        _ account: String, _ request: ReconcileRequest, by: String
    ) async throws(HostError) -> ReconciliationView {
        note("reconcile \(account) \(request.accepts ? "and accept" : "only") by \(by)")
        throw .notFound(kind: "account", id: account)
    }

    func halt(_ request: HaltRequest, by: String) async throws(HostError) -> HaltView {
        let halt = HaltView.Halt(scope: request.scope, reason: request.reason, by: by, since: now)
        state.withLock { $0.halts.append(halt) }
        return try await haltState(owner: nil)
    }

    func resumeTrading(_ scope: HaltScope, by: String) async throws(HostError) -> HaltView {
        state.withLock { $0.halts.removeAll { $0.scope == scope } }
        return try await haltState(owner: nil)
    }

    func haltState(owner: String?) async throws(HostError) -> HaltView {
        HaltView(halts: state.withLock { $0.halts }, flatten: FlattenView(items: []))
    }

    func profiles() async throws(HostError) -> [ProfileView] {
        [
            ProfileView(
                name: "python", description: "Python", isAvailable: true, problems: [], details: .object([]))
        ]
    }

    func doctor() async throws(HostError) -> [CheckView] {
        [CheckView(name: "seccomp", state: .ok, detail: "there")]
    }

    func configuration() async throws(HostError) -> JSONValue { .members(["server": .object([])]) }
}
