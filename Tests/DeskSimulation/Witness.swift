import Exchanges
import Trading

/// What truly happened, kept apart from the desk: which intents there were, what left, what arrived, what traded.
final class Witness {
    /// An order that the gate let pass.
    struct Intent {
        let number: OrderID
        let strategy: StrategyID
        let account: AccountID
        let symbol: String
        let terms: OrderTerms
        var hasLeft = false
        var hasArrived = false
        /// The venue once refused it for its timestamp, and did nothing.
        var wasReturned = false
        /// It can never arrive.
        var isGone = false
    }

    private struct RequestName: Hashable {
        let strategy: StrategyID
        let request: RequestID
    }

    struct HoldingName: Hashable, Comparable {
        let strategy: StrategyID
        let symbol: String

        static func < (left: Self, right: Self) -> Bool {
            (left.strategy, left.symbol) < (right.strategy, right.symbol)
        }
    }

    let plan: Plan
    let venue: ModelVenue
    private(set) var intents: [ClientOrderID: Intent] = [:]
    private var orders: [RequestName: ClientOrderID] = [:]
    private var requests: [RequestName: OrderTerms] = [:]
    private var durable: Set<ClientOrderID> = []
    private(set) var held: [HoldingName: FixedDecimal] = [:]
    private var owners: [TradeID: OrderID] = [:]
    /// Which strategy asked for an order, whoever the desk thinks it was.
    private var askers: [ClientOrderID: StrategyID] = [:]
    /// Whether something traded that no strategy asked for, and was booked on whoever held the other side.
    private(set) var hasStrangers = false
    /// When each account was last asked about.
    private var asked: [AccountID: Int64] = [:]
    private var admissions: [StrategyID: [(order: ClientOrderID, time: Int64)]] = [:]
    private var pricesTold: [Timestamp?] = [nil, nil]
    /// Orders that a halt or an operator wants gone.
    private(set) var mustEnd: Set<OrderID> = []
    /// Whether the account's books hold what no strategy asked for, such as a liquidation.
    private(set) var isBent: Bool
    /// The highest that equity was seen, and what of it the journal has.
    var peaks: [RiskScope: FixedDecimal] = [:]
    private(set) var durablePeaks: [RiskScope: FixedDecimal] = [:]
    /// When the desk first booked a trade.
    private(set) var bookedAt: [TradeID: Int64] = [:]
    var alarms: [DeskAlarm] = []
    /// What the desk knows that the venue holds otherwise than the books, and must not let strategies add to.
    var blocked: [AccountID: Set<String>] = [:]
    /// When the venue last changed its filters.
    var filtersChangedAt: Int64 = -1_000
    /// Whether the adapter has told that the stream is broken.
    var gapKnown = false
    /// Until when the desk knows that nothing may be asked.
    var bansKnownUntil: Int64 = 0

    init(_ plan: Plan, _ venue: ModelVenue) {
        self.plan = plan
        self.venue = venue
        isBent = plan.bendsLimits
    }

    // MARK: Strategies

    func asks(_ terms: OrderTerms, request: RequestID, by strategy: StrategyID) {
        requests[RequestName(strategy: strategy, request: request)] = terms
    }

    func terms(of request: RequestID, by strategy: StrategyID) -> OrderTerms? {
        requests[RequestName(strategy: strategy, request: request)]
    }

    func priceTold(_ symbol: Int, at time: Timestamp) { pricesTold[symbol] = time }

    /// Whether the order is new here.
    func isNew(_ order: Order) -> Bool { intents[order.intent.clientID] == nil }

    /// What must not be alarmed of.
    func doubts(of alarm: DeskAlarm) -> [String] {
        switch alarm {
        case .order(let id, _, .overfilled) where venue.excess.isEmpty && venue.replacing == nil:
            ["order \(id) is said to be overfilled, and is not"]
        case .stillOpen(let id, _, _) where venue.replacing == nil:
            ["order \(id) is said to be open after its end, and is not"]
        case .openTwice(let id, _, _) where venue.replacing == nil:
            ["order \(id) is said to be open twice, and is not"]
        // A venue that lists orders late may say so for a moment, and a clock set forward makes the moment seem over.
        case .order(let id, _, .contradiction(_, let told))
        where told.hasPrefix("no such order") && !plan.has(.w5) && plan.graceMilliseconds == 0:
            ["order \(id) is said to be gone"]
        default: []
        }
    }

    /// The gate let an order pass: was it right?
    func admitted(
        _ order: Order, request: RequestID, by asker: StrategyID, in desk: OrderDesk, now: Int64,
        at time: Timestamp, halted: Set<RiskScope>, instruments: [Instrument]
    ) -> [String] {
        var flaws: [String] = []
        let (strategy, account) = (order.intent.strategy, order.intent.account)
        let name = RequestName(strategy: asker, request: request)
        askers[order.intent.clientID] = asker
        if let first = orders[name] {
            flaws.append("request \(request) of \(strategy) led to order \(order.id), and before to \(first)")
        }
        orders[name] = order.intent.clientID
        take(order)
        admissions[strategy, default: []].append((order.intent.clientID, time.milliseconds))
        for scope in [.everything, .account(account), .strategy(strategy)] as [RiskScope]
        where halted.contains(scope) {
            flaws.append("order \(order.id) passed although trading is halted for \(scope)")
        }
        // The adapter asks for the venue's filters often enough to know new ones within this time.
        if now > filtersChangedAt + 600,
            let instrument = instruments.first(where: { $0.symbol == order.symbol }),
            !order.intent.terms.quantity.isMultiple(of: instrument.stepSize)
        {
            flaws.append("order \(order.id) passed in steps that the venue no longer takes")
        }
        if !plan.has(.w5), now < bansKnownUntil {
            flaws.append("order \(order.id) passed although the venue has banned us")
        }
        if order.intent.terms.type == .market, let limit = plan.priceAgeMilliseconds,
            let symbol = World.symbols.firstIndex(of: order.symbol), let told = pricesTold[symbol],
            time.milliseconds - told.milliseconds > limit
        {
            flaws.append(
                "market order \(order.id) passed on a price \(time.milliseconds - told.milliseconds) ms old")
        }
        guard !reduces(order, in: desk) else {
            return flaws + paceFlaws(strategy, account, in: desk, at: time)
        }
        if gapKnown { flaws.append("order \(order.id) passed while the stream of fills is broken") }
        for asset in [World.base(of: order.symbol), "USDT"] where blocked[account]?.contains(asset) ?? false {
            flaws.append("order \(order.id) passed although \(asset) differs on account \(account)")
        }
        flaws += paceFlaws(strategy, account, in: desk, at: time) + exposureFlaws(order, in: desk)
        flaws += venueFlaws(order, in: desk, at: time) + fallFlaws(order, in: desk)
        return flaws + ratioFlaws(order, in: desk, at: time)
    }

    private func take(_ order: Order) {
        intents[order.intent.clientID] = Intent(
            number: order.id, strategy: order.intent.strategy, account: order.intent.account,
            symbol: order.symbol, terms: order.intent.terms)
    }

    // MARK: Limits, by what truly is

    /// Whether the order can only make the position smaller, as the desk knows it.
    private func reduces(_ order: Order, in desk: OrderDesk) -> Bool {
        if order.intent.terms.reduceOnly { return true }
        var waiting = FixedDecimal.zero
        for other in desk.liveOrders(of: order.intent.strategy)
        where other.symbol == order.symbol && other.side == order.side && !other.intent.terms.reduceOnly {
            waiting = sum(waiting, other.reservedQuantity)
        }
        let position =
            desk.positions(of: order.intent.strategy, at: order.intent.createdAt)
            .first { $0.key.symbol == order.symbol }?.quantity ?? .zero
        return waiting <= (order.side == .sell ? position : difference(.zero, position))
    }

    /// What of an intent may still trade.
    func remaining(_ id: ClientOrderID, _ intent: Intent, in desk: OrderDesk) -> FixedDecimal {
        if intent.isGone { return .zero }
        guard intent.hasArrived else {
            let isDead = !intent.hasLeft && desk.order(intent.number)?.status.isTerminal == true
            return isDead ? .zero : intent.terms.quantity
        }
        guard let order = venue.order(id, on: intent.account), order.state == .open else {
            intents[id]?.isGone = true
            return .zero
        }
        // A change that is on its way may make it larger.
        let wish = desk.order(intent.number)?.amendment?.quantity ?? .zero
        return max(order.remainingQuantity, difference(wish, order.filledQuantity))
    }

    private func paceFlaws(
        _ strategy: StrategyID, _ account: AccountID, in desk: OrderDesk, at time: Timestamp
    ) -> [String] {
        guard !isBent else { return [] }
        var flaws: [String] = []
        if plan.limits.openOrders != nil || plan.accountLimits.openOrders != nil {
            var (own, shared) = (0, 0)
            for (id, intent) in intents where intent.account == account {
                guard remaining(id, intent, in: desk).isPositive else { continue }
                shared += 1
                if intent.strategy == strategy { own += 1 }
            }
            if let limit = plan.limits.openOrders, own > limit {
                flaws.append("\(strategy) has \(own) live orders, the limit is \(limit)")
            }
            if let limit = plan.accountLimits.openOrders, shared > limit {
                flaws.append("account \(account) has \(shared) live orders, the limit is \(limit)")
            }
        }
        if let limit = plan.limits.ordersPerMinute, !plan.has(.w5) {
            let count = (admissions[strategy] ?? []).count { $0.time > time.milliseconds - 60_000 }
            if count > limit {
                flaws.append("\(strategy) sent \(count) orders in a minute, the limit is \(limit)")
            }
        }
        return flaws
    }

    private func exposureFlaws(_ order: Order, in desk: OrderDesk) -> [String] {
        guard !isBent, plan.limits.positionNotional != nil || plan.accountLimits.positionNotional != nil,
            let price = desk.lastPrice(order.symbol, at: World.venue)
        else { return [] }
        var shared = FixedDecimal.zero
        var flaws: [String] = []
        for strategy in plan.strategies where plan.account(of: strategy) == order.intent.account {
            var (buys, sells) = (FixedDecimal.zero, FixedDecimal.zero)
            for (id, intent) in intents
            where intent.strategy == strategy && intent.symbol == order.symbol && !intent.terms.reduceOnly {
                let rest = remaining(id, intent, in: desk)
                if intent.terms.side == .buy { buys = sum(buys, rest) } else { sells = sum(sells, rest) }
            }
            let position = held[HoldingName(strategy: strategy, symbol: order.symbol)] ?? .zero
            let worst = max(size(sum(position, buys)), size(difference(position, sells)))
            shared = sum(shared, worst)
            if strategy == order.intent.strategy, let limit = plan.limits.positionNotional,
                product(worst, price) > limit
            {
                flaws.append(
                    "\(strategy) can come to hold \(product(worst, price)) of \(order.symbol), the limit is \(limit)"
                )
            }
        }
        if let limit = plan.accountLimits.positionNotional, product(shared, price) > limit {
            flaws.append(
                "account \(order.intent.account) can come to hold \(product(shared, price)) of \(order.symbol), "
                    + "the limit is \(limit)")
        }
        return flaws
    }

    // MARK: Halts

    /// Orders that must have ended once all is quiet.
    func wantsEnded(_ orders: [Order]) {
        for order in orders { mustEnd.insert(order.id) }
    }

    // MARK: The journal and the network

    func durable(_ events: [DeskEvent]) {
        for case .order(let order) in events where order.status == .pending {
            durable.insert(order.intent.clientID)
        }
        for case .peak(let peak) in events {
            durablePeaks[peak.scope] = sum(peak.profit, money(of: peak.scope))
        }
    }

    func booked(_ fill: Fill, at time: Int64) {
        if bookedAt[fill.key.trade] == nil { bookedAt[fill.key.trade] = time }
    }

    /// An order that a venue ended is not open there. One that filled may be: a change of it may not be known here yet.
    func flaw(inEndOf order: Order) -> String? {
        guard venue.replacing == nil, order.status == .cancelled || order.status == .expired,
            venue.order(order.intent.clientID, on: order.intent.account)?.state == .open
        else { return nil }
        return "order \(order.id) is \(order.status) here, and the venue has it open"
    }

    /// An order is about to leave: may it?
    func sends(_ request: PlaceRequest, in desk: OrderDesk?) -> [String] {
        let id = request.clientID
        guard let number = id.order, let order = desk?.order(number), order.intent.clientID == id else {
            return ["an order leaves that the desk does not have: \(id)"]
        }
        if intents[id] == nil { take(order) }
        var flaws: [String] = []
        if !durable.contains(id) { flaws.append("order \(number) leaves before the journal has it") }
        if intents[id]?.hasLeft == true { flaws.append("order \(number) leaves a second time") }
        if order.status != .pending { flaws.append("order \(number) leaves although it is \(order.status)") }
        if order.intent.terms != request.terms { flaws.append("order \(number) leaves with other terms") }
        return flaws
    }

    func left(_ id: ClientOrderID, isLost: Bool) {
        intents[id]?.hasLeft = true
        if isLost { intents[id]?.isGone = true }
    }

    func arrived(_ id: ClientOrderID) { intents[id]?.hasArrived = true }

    /// The venue refused it for its timestamp: it is where it was before it left, until it leaves once more.
    func returned(_ id: ClientOrderID) {
        intents[id]?.hasLeft = false
        intents[id]?.wasReturned = true
    }

    /// The venue is asked what is open on an account.
    func wasAsked(about account: AccountID, at now: Int64) { asked[account] = now }

    /// W5: whatever the clock does, an account that is in no doubt is looked after as often as ever.
    func paceFlaws(in desk: OrderDesk, now: Int64) -> [String] {
        guard plan.isAlone(.w5) else { return [] }
        // The audit's pace, the second in which it falls, and as much again.
        let most = 2 * (World.auditMilliseconds + 1_000)
        return plan.accounts.compactMap { account in
            guard desk.doubt(about: account) == nil, let last = asked[account], now - last > most else {
                return nil
            }
            return "account \(account) was not asked about for \(now - last) ms"
        }
    }

    /// The host died: what had not left never will.
    func died() {
        for (id, intent) in intents where !intent.hasLeft { intents[id]?.isGone = true }
        gapKnown = false
        bansKnownUntil = 0
        mustEnd = []
        peaks = durablePeaks
    }

    /// The host lives again: what was decided and not durable never was.
    func restarted(_ desk: OrderDesk) -> [String] {
        var flaws: [String] = []
        blocked = [:]
        for account in desk.reconciliations {
            blocked[account.account] = Set(account.holdings.filter(\.isBlocking).map(\.asset))
        }
        for (id, intent) in intents where desk.order(intent.number)?.intent.clientID != id {
            if intent.hasLeft {
                flaws.append("order \(intent.number) had left, and the journal does not have it")
            }
            intents[id] = nil
            // What never left and was never durable was never asked of the venue.
            admissions[intent.strategy]?.removeAll { $0.order == id }
            for (name, order) in orders where order == id { orders[name] = nil }
        }
        return flaws
    }

    // MARK: The venue

    func traded(_ trade: ModelVenue.TrueTrade, on account: AccountID) {
        guard let id = trade.order, let intent = intents[id] else {
            // It may be booked on whoever holds the other side.
            isBent = true
            hasStrangers = true
            return
        }
        owners[trade.trade.trade] = intent.number
        let name = HoldingName(strategy: askers[id] ?? intent.strategy, symbol: trade.trade.symbol)
        held[name] = sum(held[name] ?? .zero, trade.trade.change)
    }

    /// Our order that a trade is of; nil when it is of none.
    func owner(of trade: VenueTrade) -> OrderID? { owners[trade.trade] }

    /// What became of an order, for the table.
    func fate(of id: ClientOrderID, in desk: OrderDesk?) -> String {
        guard let number = id.order, let order = desk?.order(number), order.intent.clientID == id else {
            return "never journaled"
        }
        return order.status.rawValue
    }
}
