import Exchanges
import Host
import Trading

/// One seed, one history: a host, its strategies, a disk, a network and a venue, and everything that goes wrong between
/// them. The same seed gives the same history on every machine.
final class Schedule {
    let seed: UInt64
    let plan: Plan
    let mutation: Mutation?
    var random: SeededRandom
    let clock: Clockwork
    let venue: ModelVenue
    private(set) var journal: any ModelJournal
    private(set) var life: HostLife?
    private var lives = 0
    /// Whether nothing goes wrong any more.
    private(set) var isCalm = false
    private(set) var flaws: [String] = []
    private(set) var tally = FaultTally()
    var isTraced = false
    /// How many facts were decided on.
    var records = 0
    /// What the venue trades as of now, and as the host knows it.
    private(set) var instruments = World.instruments
    let books: Witness
    var market = MarketModel()

    private var struck: [(row: FaultRow, order: ClientOrderID)] = []
    private var clockOffset: Int64 = 0
    private var bannedUntil: Int64 = 0
    private var killsLeft: Int
    private var streamIsUp = true
    /// The stream keeps the order of what it tells, unless E5 says otherwise.
    private var lastNews: Int64 = 0
    private var requests = 0
    private var actionsLeft: Int
    /// Fills that the stream lost with nothing else wrong, and when.
    private var dropped: [(account: AccountID, trade: TradeID, at: Int64)] = []
    /// What may be one of several at the venue.
    private var confused: [ClientOrderID: (account: AccountID, twin: ClientOrderID)] = [:]
    private var twins = 0
    private var halted: Set<RiskScope> = []

    init(seed: UInt64, only: FaultRow?, mutation: Mutation?, journal: any ModelJournal) {
        self.seed = seed
        self.mutation = mutation
        plan = Plan(seed: seed, only: only)
        random = SeededRandom(seed: seed)
        clock = Clockwork(seed: seed)
        venue = ModelVenue(plan)
        self.journal = journal
        books = Witness(plan, venue)
        let plan = self.plan
        killsLeft = [FaultRow.r1, .r2, .r3, .r4, .r5, .r8].contains { plan.has($0) } ? 3 : 0
        actionsLeft = plan.orders
        if let memory = journal as? MemoryJournal {
            memory.honoursTornGroups = mutation == .tornGroupsAreWhole
        }
    }

    // MARK: Running

    /// Runs the whole history.
    ///
    /// - Returns: What must not have happened, in words; empty when all is well.
    func run() -> [String] {
        connectVenue()
        for symbol in World.symbols.indices { movePrice(symbol) }
        plantTrouble()
        startLife()
        scheduleAction()
        scheduleReview()
        let horizon = Int64(plan.orders * 160 + 2_000)
        while flaws.isEmpty, clock.step(until: horizon) { endEvent() }
        calmDown()
        settle()
        if flaws.isEmpty { checkBooks() }
        for (row, id) in struck { tally.note(row, outcome: books.fate(of: id, in: desk)) }
        life?.bury()
        return flaws
    }

    /// The desk of the present life, or what would be restored.
    var desk: OrderDesk? { life?.driver?.desk }

    /// Prints what happens, when somebody wants to know.
    func trace(_ words: @autoclosure () -> String) {
        if isTraced { print(clock.now, lives, words()) }
    }

    func flaw(_ words: String) {
        trace("FLAW \(words)")
        if flaws.count < 5 { flaws.append(words) }
    }

    /// Ends the loop's turn after each event, and carries a death through.
    private func endEvent() {
        guard let life else { return }
        life.endTurn()
        if life.isDead { bury(life) }
    }

    /// Lets whatever is under way come to its end, with nothing going wrong.
    private func settle() {
        // Questions wait for their time, and unseen trades are inferred only after several.
        for second in 0..<120 where flaws.isEmpty {
            let end = clock.now + 1_000
            // A position is closed at market, which needs one.
            for symbol in World.symbols.indices { movePrice(symbol) }
            while flaws.isEmpty, clock.step(until: end) { endEvent() }
            clock.advance(to: end)
            guard let life, let driver = life.driver else { continue }
            driver.decide { desk, now in desk.review(at: now) }
            life.endTurn()
            let isListed = clock.now > venue.lastListing + World.auditMilliseconds + 1_000
            if second >= 4, isListed, clock.isEmpty, isAtRest(driver) { break }
            if second == 119 { flaw("it does not come to rest: \(unrest(driver))") }
        }
    }

    private func isAtRest(_ driver: DeskDriver) -> Bool { unrest(driver).isEmpty }

    private func unrest(_ driver: DeskDriver) -> String {
        var words: [String] = []
        if let fault = driver.fault { words.append("the journal refuses: \(fault.reason)") }
        for order in driver.desk.liveOrders() {
            switch order.status {
            case .pending, .submitted, .unknown, .pendingCancel:
                words.append("order \(order.id) is \(order.status.rawValue)")
            case .open, .partiallyFilled:
                if order.cancelWanted || order.amendment != nil { words.append("order \(order.id) changes") }
            case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced: break
            }
        }
        if driver.desk.isOwedTrades { words.append("trades are owed") }
        if !driver.desk.snapshot.flattening.isEmpty { words.append("a position is being closed") }
        for account in plan.accounts where driver.desk.doubt(about: account) != nil {
            words.append("account \(account) is in doubt")
        }
        return words.joined(separator: ", ")
    }

    private func calmDown() {
        isCalm = true
        trace("calm")
        bannedUntil = 0
        journal.isFull = false
        if life == nil { startLife() }
        if !streamIsUp { restoreStream() }
        // With coarser steps than it was made with, a rest can never fill.
        instruments = World.instruments
        books.filtersChangedAt = clock.now
        venue.setInstruments(instruments)
        refreshFilters()
        for account in plan.accounts { life?.adapter.onReport?(account, .venueAvailable) }
        life?.endTurn()
    }

    // MARK: The host's lives

    private func startLife() {
        lives += 1
        clock.life = lives
        let life = HostLife(self, number: lives)
        self.life = life
        streamIsUp = true
        lastNews = clock.now
        let snapshot: DeskSnapshot
        do {
            snapshot = try journal.recovered()
        } catch {
            return flaw("the journal could not be read: \(error)")
        }
        life.start(from: mutation == .deathIsUnsent ? snapshot.withoutTheUnanswered : snapshot)
    }

    /// Kills the host at this very point, if the seed wants it.
    @discardableResult
    func dies(_ row: FaultRow, _ id: ClientOrderID?) -> Bool {
        guard let life, !life.isDead else { return true }
        guard killsLeft > 0, strikes(row, id) else { return false }
        killsLeft -= 1
        life.die()
        trace("killed: \(row.name)")
        return true
    }

    private func bury(_ life: HostLife) {
        let downtime = Int64(plan.has(.r5) ? random.between(400, 2_500) : random.between(5, 400))
        books.died()
        journal.crash(handedOver: life.handedOver, roll: random.next())
        life.bury()
        self.life = nil
        // What had been said to the dead is said to nobody.
        clock.life = lives + 1
        clock.after(downtime) { [unowned self] in
            if self.life == nil { startLife() }
        }
    }

    func isAlive(_ number: Int) -> Bool { life.map { $0.number == number && !$0.isDead } ?? false }

    /// A life has begun with what an earlier one left.
    func restarted(_ desk: OrderDesk) {
        for words in books.restarted(desk) { flaw(words) }
        // A halt that was not durable was lost, and whoever asked for it was not answered.
        halted = Set(desk.halts.map(\.scope))
        if !desk.liveOrders().isEmpty { tally.note(.r4) }
        for account in plan.accounts {
            let cursor = desk.snapshot.tradeCursors[account].flatMap { Int($0) } ?? 0
            if (venue.trades[account]?.count ?? 0) - cursor > plan.pageSize { tally.note(.r5) }
        }
    }

    func account(of strategy: StrategyID) -> AccountID { plan.account(of: strategy) }

    var wallClock: Timestamp {
        let start: Int64 = plan.isLate ? 43_200_000 - 3_000 : 0
        return World.time(start + clock.now + clockOffset)
    }

    // MARK: Faults

    /// Whether a fault strikes here; counted when it does.
    func strikes(_ row: FaultRow, _ id: ClientOrderID?) -> Bool {
        let rate = plan.rate(row)
        guard rate > 0, !isCalm, random.below(1_000) < rate else { return false }
        meets(row, id)
        return true
    }

    /// Counts a fault that is there.
    func meets(_ row: FaultRow, _ id: ClientOrderID?) {
        trace("\(row.name) strikes \(id?.text ?? "")")
        tally.note(row)
        if let id { struck.append((row, id)) }
    }

    var isBanned: Bool { clock.now < bannedUntil && !isCalm }

    func latency() -> Int64 {
        isCalm ? Int64(random.between(1, 5)) : Int64(random.between(1, plan.latency))
    }

    func answerDelay(_ latency: Int64) -> Int64 {
        plan.has(.e1) && !isCalm ? latency + Int64(random.between(0, 400)) : latency
    }

    func diskDelay() -> Int64 { Int64(random.below(4)) }

    /// Writes a group, or fails to.
    func write(_ events: [DeskEvent], fails: Bool) -> String? {
        let fault = journal.write(events, fails: fails)
        if fault == nil {
            books.durable(events)
        } else if mutation == .fullDiskIsIgnored {
            return nil
        }
        return fault
    }

    /// Lets a few things go wrong at moments that the seed decides.
    private func times(_ row: FaultRow, _ most: Int, counts: Bool = true, _ body: @escaping () -> Void) {
        guard plan.has(row) else { return }
        for _ in 0..<random.between(1, most) {
            clock.after(Int64(random.below(plan.orders * 160))) { [unowned self] in
                guard !isCalm else { return }
                if counts { tally.note(row) }
                body()
            }
        }
    }

    private func plantTrouble() {
        times(.s7, 2) { [unowned self] in ban(for: Int64(random.between(300, 1_500))) }
        times(.s13, 2) { [unowned self] in changeFilters() }
        times(.e14, 3) { [unowned self] in tradeByHand() }
        times(.r8, 2) { [unowned self] in fillDisk(for: Int64(random.between(100, 1_500))) }
        times(.w1, 2) { [unowned self] in breakStream(for: Int64(random.between(200, 1_500))) }
        times(.w4, 2) { [unowned self] in market.silence(until: clock.now + Int64(random.between(900, 2_000)))
        }
        times(.w5, 2) { [unowned self] in
            clockOffset += Int64(random.one(of: [-3_600_000, -5_000, -1, 1, 5_000, 3_600_000]))
        }
        for row in [FaultRow.r4, .r5, .r8] { times(row, 2, counts: false) { [unowned self] in killNow() } }
        times(.c5, 2) { [unowned self] in haltSomething() }
    }

    private func killNow() {
        guard let life, !life.isDead, killsLeft > 0 else { return }
        killsLeft -= 1
        life.die()
    }

    private func ban(for duration: Int64) {
        bannedUntil = max(bannedUntil, clock.now + duration)
        if life != nil { books.bansKnownUntil = bannedUntil }
        guard mutation != .bansAreIgnored, let life else { return }
        for account in plan.accounts {
            let until = wallClock.advanced(byMilliseconds: duration)
            life.adapter.onReport?(account, .venueUnavailable(until: until, reason: "418"))
        }
    }

    private func changeFilters() {
        let coarse = instruments == World.instruments
        venue.setInstruments(coarse ? World.coarseInstruments : World.instruments)
        instruments = coarse ? World.coarseInstruments : World.instruments
        books.filtersChangedAt = clock.now
        clock.after(Int64(random.between(50, 600))) { [unowned self] in refreshFilters() }
    }

    /// What the adapter's refresh of instruments comes to.
    private func refreshFilters() {
        guard mutation != .filtersAreOld, let life else { return }
        let instruments = self.instruments
        life.driver?.decide { desk, _ in
            desk.setInstruments(instruments, at: World.venue)
            return []
        }
    }

    private func fillDisk(for duration: Int64) {
        journal.isFull = true
        clock.after(duration) { [unowned self] in journal.isFull = false }
    }

    private func breakStream(for duration: Int64) {
        guard streamIsUp, let life else { return }
        streamIsUp = false
        let number = life.number
        // It takes a moment until somebody notices.
        clock.after(Int64(random.between(0, 100)), life: number) { [unowned self] in
            guard !streamIsUp, mutation != .gapsAreIgnored else { return }
            for account in plan.accounts { life.adapter.onReport?(account, .streamGap(reason: "closed")) }
        }
        clock.after(101, life: number) { [unowned self] in
            if !streamIsUp { books.gapKnown = true }
        }
        clock.after(102 + duration, life: number) { [unowned self] in restoreStream() }
    }

    private func restoreStream() {
        guard !streamIsUp else { return }
        streamIsUp = true
        books.gapKnown = false
        guard mutation != .gapsAreIgnored, let life else { return }
        for account in plan.accounts { life.adapter.onReport?(account, .streamRestored) }
    }

    private func tradeByHand() {
        let account = random.one(of: plan.accounts)
        twins += 1
        guard let id = ClientOrderID("hand-\(twins)") else { return }
        let terms = OrderTerms(
            symbol: random.one(of: World.symbols), side: random.percent(50) ? .buy : .sell, type: .market,
            quantity: FixedDecimal(random.between(1, 4)))
        _ = venue.place(PlaceRequest(clientID: id, terms: terms), on: account, at: clock.now)
    }

    // MARK: S11: which of them is ours?

    /// Somebody places the same order by hand at the same moment, and the venue tells no client ids.
    func confuse(_ request: PlaceRequest, on account: AccountID) {
        twins += 1
        guard let twin = ClientOrderID("twin-\(twins)") else { return }
        confused[request.clientID] = (account, twin)
        clock.after(latency()) { [unowned self] in
            _ = venue.place(PlaceRequest(clientID: twin, terms: request.terms), on: account, at: clock.now)
        }
    }

    /// The orders that could be the one that is asked about; nil when there is no question.
    func candidates(for id: ClientOrderID) -> [VenueOrder]? {
        guard let (account, twin) = confused[id] else { return nil }
        let now = clock.now
        return [twin, id].compactMap { venue.status(of: $0, on: account, at: now) }
    }

    /// The operator looks at the venue's own page and decides.
    func operatorDecides(on id: ClientOrderID) {
        guard let (account, _) = confused[id] else { return }
        clock.after(Int64(random.between(200, 1_500)), life: lives) { [unowned self] in
            guard let life, let number = id.order else { return }
            confused[id] = nil
            let found = venue.status(of: id, on: account, at: clock.now)
            life.driver?.decide { desk, now in
                desk.settleAmbiguity(of: number, as: found?.venueOrderID, at: now)
            }
        }
    }

    // MARK: The market

    private func movePrice(_ symbol: Int) {
        defer { life?.endTurn() }
        let event = market.next(symbol, at: clock.now, &random)
        if let event {
            life?.driver?.decide { desk, now in desk.priceMoved(event, on: World.venue, at: now) }
            books.priceTold(symbol, at: wallClock)
            venue.marketMoved(event, at: clock.now)
        }
        let again = Int64(random.between(60, 300))
        clock.after(again) { [unowned self] in
            if !isCalm { movePrice(symbol) }
        }
    }

    // MARK: The venue's news

    private func connectVenue() {
        venue.namesClients = mutation != .venueIDsAlone
        venue.idCount = plan.has(.r9) ? 12 : 0
        let grace = plan.graceMilliseconds
        venue.orderLag = { [unowned self] in grace == 0 || isCalm ? 0 : Int64(random.below(Int(grace))) }
        venue.tradeLag = { [unowned self] in
            strikes(.e13, nil) ? Int64(random.between(2_000, 8_000)) : 0
        }
        venue.onTrade = { [unowned self] account, trade in traded(trade, on: account) }
        venue.onEnd = { [unowned self] account, order in ended(order, on: account) }
    }

    private func traded(_ trade: ModelVenue.TrueTrade, on account: AccountID) {
        trace(
            "venue: \(trade.trade.trade) \(trade.trade.side) \(trade.trade.quantity) of \(trade.order?.text ?? "-")"
        )
        books.traded(trade, on: account)
        let id = trade.order
        if venue.idCount > 0, venue.arrivals.count > venue.idCount { tally.note(.r9) }
        if trade.trade.feeCurrency != "USDT" { tally.note(.e15) }
        if trade.listedAt > clock.now { return }  // Shown neither by stream nor by page.
        if strikes(.w2, id) {
            dropped.append((account, trade.trade.trade, clock.now))
            return
        }
        let late = strikes(.e8, id) ? Int64(random.between(300, 2_000)) : 0
        tell(account, .trade(trade.trade), isInOrder: late == 0, later: late)
        if strikes(.e2, id) { tell(account, .trade(trade.trade), isInOrder: false, later: 5) }
        if strikes(.e3, id) { tellOtherwise(trade, on: account) }
    }

    private func overfillLater(_ id: ClientOrderID, _ account: AccountID) {
        clock.after(Int64(random.between(1, 300))) { [unowned self] in
            venue.overfill(id, on: account, by: FixedDecimal(random.between(1, 20)), at: clock.now)
        }
    }

    /// The same trade with another price, once the true one has been heard.
    private func tellOtherwise(_ trade: ModelVenue.TrueTrade, on account: AccountID) {
        let told = trade.trade
        let price = sum(told.price, .one)
        clock.after(Int64(random.between(500, 900)), life: lives) { [unowned self] in
            let id = mutation == .tellingsAreFills ? TradeID("\(told.trade)!") : told.trade
            guard let desk, desk.hasBooked(told.trade, in: told.symbol, on: account) else { return }
            defer {
                // One of nobody's order may have been booked in parts, which cannot be compared.
                if mutation == nil, books.owner(of: told) != nil, books.alarms.last?.isChangedFill != true {
                    flaw("a changed trade was taken in silence")
                }
            }
            life?.adapter.onReport?(
                account,
                .trade(
                    VenueTrade(
                        trade: id, clientID: told.clientID, venueOrderID: told.venueOrderID,
                        symbol: told.symbol, side: told.side, price: price, quantity: told.quantity,
                        fee: told.fee, feeCurrency: told.feeCurrency, liquidity: told.liquidity,
                        time: told.time)))
        }
    }

    private func ended(_ order: MatchingOrder, on account: AccountID) {
        trace("venue: order \(order.clientID?.text ?? "-") \(order.state), filled \(order.filledQuantity)")
        guard let id = order.clientID else { return }
        if order.state == .cancelled, order.filledQuantity.isPositive { tally.note(.e7) }
        switch order.state {
        case .cancelled:
            tell(account, .cancelled(id, filled: order.filledQuantity, reason: order.reason))
        case .expired:
            tell(account, .expired(id, filled: order.filledQuantity, reason: order.reason))
        case .filled:
            // Its trades say it.
            if strikes(.e6, id) { overfillLater(id, account) }
        case .open, .rejected: break
        }
    }

    /// Sends news over the stream, if there is one.
    private func tell(
        _ account: AccountID, _ report: VenueReport, isInOrder: Bool = true, later: Int64 = 0
    ) {
        guard let life, !life.isDead, streamIsUp else { return }
        var arrival = clock.now + latency() + later
        if strikes(.e5, nil) {
            arrival += Int64(random.between(50, 600))
        } else if isInOrder {
            arrival = max(arrival, lastNews)
            lastNews = arrival
        }
        clock.after(arrival - clock.now, life: life.number) { [unowned self] in
            if case .trade(let trade) = report {
                noteOutrun(trade, on: account)
                guard let told = tampered(trade) else { return }
                life.adapter.onReport?(account, .trade(told))
            } else if mutation != .endsAreIgnored, !isOfTheDead(report) {
                life.adapter.onReport?(account, report)
            }
        }
    }

    private func noteOutrun(_ trade: VenueTrade, on account: AccountID) {
        guard plan.has(.e1), let id = books.owner(of: trade), let order = desk?.order(id),
            order.status == .submitted
        else { return }
        tally.note(.e1)
    }

    /// A page of trades is about to be answered.
    func listed(_ page: TradePage, on account: AccountID) {
        guard let desk else { return }
        for trade in page.trades where desk.hasBooked(trade.trade, in: trade.symbol, on: account) {
            tally.note(.e4)
        }
    }

    // MARK: What mutations do to what is told

    /// A trade as a host without some handling would take it; nil when it would not at all.
    func tampered(_ trade: VenueTrade) -> VenueTrade? {
        guard let mutation else { return trade }
        let owner = books.owner(of: trade)
        let order = owner.flatMap { desk?.order($0) }
        switch mutation {
        case .tellingsAreFills:
            requests += 1
            return trade.with(id: TradeID("\(trade.trade)/\(requests)"))
        case .earlyFillsAreDropped: return order?.status == .submitted ? nil : trade
        case .lateFillsAreDropped: return order?.status.isTerminal == true ? nil : trade
        case .excessIsDropped: return trade.trade.text.hasPrefix("X") ? nil : trade
        case .strangersAreDropped: return owner == nil ? nil : trade
        case .deadStayDead: return order?.status == .notPlaced ? nil : trade
        case .feesInBaseAreFree: return trade.feeCurrency == "USDT" ? trade : trade.withoutFee
        default: return trade
        }
    }

    /// What a question about an order is answered with.
    func tampered(_ answer: Result<VenueOrder?, VenueFailure>) -> Result<VenueOrder?, VenueFailure> {
        switch (answer, mutation) {
        case (.success(nil), .absenceIsIgnored): .failure(.outcomeUnknown("no such order"))
        case (.failure, .silenceIsNothing): .success(nil)
        case (.success(let order?), .endsAreIgnored)
        where [.cancelled, .expired, .rejected].contains(order.state):
            .failure(.outcomeUnknown("not understood"))
        case (.success(let order?), .deadStayDead) where isOfTheDead(order): .success(nil)
        default: answer
        }
    }

    /// Whether an order counts as never placed, and a mutation wants it to stay so.
    func isOfTheDead(_ order: VenueOrder) -> Bool {
        guard mutation == .deadStayDead else { return false }
        return order.clientID?.order.flatMap { desk?.order($0) }?.status == .notPlaced
    }

    private func isOfTheDead(_ report: VenueReport) -> Bool {
        guard mutation == .deadStayDead else { return false }
        switch report {
        case .cancelled(let id, _, _), .expired(let id, _, _), .accepted(let id, _):
            return id.order.flatMap { desk?.order($0) }?.status == .notPlaced
        default: return false
        }
    }

    // MARK: Strategies, and the operator

    private func scheduleAction() {
        clock.after(Int64(random.between(10, 300))) { [unowned self] in
            guard !isCalm, actionsLeft > 0 else { return }
            actionsLeft -= 1
            if let life, let driver = life.driver { act(driver, life) }
            scheduleAction()
        }
    }

    private func scheduleReview() {
        clock.after(1_000) { [unowned self] in
            guard !isCalm else { return }
            life?.driver?.decide { desk, now in desk.review(at: now) }
            scheduleReview()
        }
    }

    private func act(_ driver: DeskDriver, _ life: HostLife) {
        let strategy = random.one(of: plan.strategies)
        switch dice() {
        case 0..<58: submit(by: strategy, driver)
        case 58..<74:
            if let order = anyLiveOrder(of: strategy, driver), let request = order.intent.request {
                driver.decide { desk, now in desk.cancel(request, by: strategy, at: now) }
            }
        case 74..<84:
            if let order = anyLiveOrder(of: strategy, driver) { amend(order, by: strategy, driver) }
        case 84..<88: if plan.has(.c2), requests > 0 { submitAgain(by: strategy, driver) }
        case 88..<91:
            driver.decide { desk, now in desk.strategyDied(strategy, orders: .cancel, at: now) }
            life.enrol(strategy, limits: mutation == .noLimits ? .none : plan.limits)
        case 91..<93: driver.decide { desk, now in desk.flatten(.strategy(strategy), at: now) }
        case 93..<96:
            for scope in halted.sorted(by: { "\($0)" < "\($1)" }).prefix(1) { resume(scope, driver) }
        default: break
        }
    }

    /// What a strategy does next. Where only changes or cancels go wrong, there are more of them.
    private func dice() -> Int {
        let dice = random.below(100)
        guard (38..<58).contains(dice) else { return dice }
        if plan.isAlone(.e12) { return 74 }
        if plan.isAlone(.e9) || plan.isAlone(.e10) { return 58 }
        return dice
    }

    private func anyLiveOrder(of strategy: StrategyID, _ driver: DeskDriver) -> Order? {
        let orders = driver.desk.liveOrders(of: strategy).filter { $0.intent.request != nil }
        return orders.isEmpty ? nil : random.one(of: orders)
    }

    private func terms() -> OrderTerms {
        let symbol = random.below(World.symbols.count)
        let (price, quantity) = market.offer(symbol, &random)
        let side: Side = random.percent(50) ? .buy : .sell
        var terms = OrderTerms(
            symbol: World.symbols[symbol], side: side, type: .market, quantity: quantity,
            reduceOnly: random.percent(12))
        switch random.below(20) {
        case 0..<7: break
        case 7..<15:
            terms.type = .limit
            terms.price = price
            terms.postOnly = random.percent(15)
        case 15..<17:
            terms.type = .limit
            terms.price = price
            terms.timeInForce = random.percent(50) ? .ioc : .fok
        case 17: (terms.type, terms.stopPrice) = (.stop, price)
        case 18: (terms.type, terms.stopPrice) = (.takeProfit, price)
        default: (terms.type, terms.stopPrice, terms.price) = (.stopLimit, price, price)
        }
        return terms
    }

    private func submit(by strategy: StrategyID, _ driver: DeskDriver) {
        requests += 1
        submit(terms(), request: RequestID("\(requests)"), by: strategy, driver)
    }

    private func submitAgain(by strategy: StrategyID, _ driver: DeskDriver) {
        let request = RequestID("\(random.between(1, requests))")
        guard let old = books.terms(of: request, by: strategy) else { return }
        tally.note(.c2)
        submit(old, request: request, by: strategy, driver)
    }

    private func submit(
        _ terms: OrderTerms, request: RequestID, by strategy: StrategyID, _ driver: DeskDriver
    ) {
        books.asks(terms, request: request, by: strategy)
        var name = request
        if mutation == .repeatsAreNew {
            requests += 1
            name = RequestID("\(request)/\(requests)")
        }
        let refusal = driver.fault.map { "the journal cannot take it: \($0.reason)" }
        driver.decide { desk, now in
            desk.submit(terms, request: name, by: strategy, at: now, refusal: refusal)
        }
        guard let order = driver.desk.order(request: name, of: strategy), books.isNew(order) else { return }
        if order.status == .denied {
            if order.reason?.contains("account") == true { tally.note(.c6) }
            return
        }
        for words in books.admitted(
            order, request: request, in: driver.desk, now: clock.now, at: wallClock, halted: halted,
            instruments: instruments)
        {
            flaw(words)
        }
    }

    private func amend(_ order: Order, by strategy: StrategyID, _ driver: DeskDriver) {
        guard let request = order.intent.request,
            let symbol = World.symbols.firstIndex(of: order.symbol)
        else { return }
        let (price, quantity) = market.offer(symbol, &random)
        driver.decide { desk, now in
            desk.amend(
                request, quantity: quantity, price: order.price == nil ? nil : price, by: strategy, at: now)
        }
    }

    private func haltSomething() {
        guard let driver = life?.driver else { return }
        let scope: RiskScope =
            random.percent(30)
            ? .everything : .strategy(random.one(of: plan.strategies))
        halted.insert(scope)
        books.wantsEnded(driver.desk.liveOrders().filter { scope.covers($0) && $0.intent.origin != .desk })
        guard mutation != .haltsAreIgnored else { return }
        let policy: OpenOrderPolicy = random.percent(60) ? .cancel : .flatten
        driver.decide { desk, now in desk.halt(scope, reason: "by hand", orders: policy, at: now) }
    }

    private func resume(_ scope: RiskScope, _ driver: DeskDriver) {
        halted.remove(scope)
        driver.decide { desk, now in desk.resume(scope, at: now) }
    }

    // MARK: What the adapter and the desk tell

    func asked(toPlace request: PlaceRequest) {
        for words in books.sends(request, in: desk) { flaw(words) }
    }

    func left(_ id: ClientOrderID, isLost: Bool) { books.left(id, isLost: isLost) }

    func arrived(_ id: ClientOrderID) { books.arrived(id) }

    func heard(_ alarm: DeskAlarm) {
        books.alarms.append(alarm)
        if mutation == nil || mutation == .amendsFailSilently || mutation == .silenceIsNothing {
            for words in books.doubts(of: alarm) { flaw(words) }
        }
        if case .halted(let scope, _) = alarm { halted.insert(scope) }
    }

    // MARK: In the end

    private func checkBooks() {
        guard let life, let driver = life.driver else { return flaw("there is no host") }
        reconcile(driver, life)
        for words in books.disagreements(with: driver.desk) { flaw(words) }
        do {
            if try journal.recovered() != driver.desk.snapshot {
                flaw("the journal does not hold what the desk does")
            }
        } catch {
            flaw("the journal could not be read: \(error)")
        }
        if plan.strategies.count > 1 { noteOpposites(driver.desk) }
        // R7: once more changes nothing. Midnight does, so it is waited for when it comes meanwhile.
        let later = wallClock.advanced(byMilliseconds: 10_000)
        if later.utcDay != driver.desk.day {
            clock.advance(to: clock.now + 10_000)
            reconcile(driver, life)
        }
        let (before, known) = (driver.desk.snapshot, records)
        tally.note(.r7)
        reconcile(driver, life)
        if driver.desk.snapshot != before { flaw("a second reconciliation changed something") }
        if records != known { flaw("a second reconciliation wrote \(records - known) facts") }
        for drop in dropped where plan.isAlone(.w2) { checkFound(drop) }
    }

    /// What the audit finds, it finds in time.
    private func checkFound(_ drop: (account: AccountID, trade: TradeID, at: Int64)) {
        guard let found = books.bookedAt[drop.trade] else { return }
        // The audit's pace, the second in which it falls, and the way there and back.
        let most = World.auditMilliseconds + 1_000 + 4 * Int64(plan.latency) + 20
        if found - drop.at > most {
            flaw("trade \(drop.trade) was dropped and found after \(found - drop.at) ms, not \(most)")
        }
    }

    private func reconcile(_ driver: DeskDriver, _ life: HostLife) {
        if mutation != .noReconciliation { driver.decide { $0.reconcile(at: $1) } }
        life.endTurn()
        let end = clock.now + 5_000
        while flaws.isEmpty, clock.step(until: end) { endEvent() }
        if flaws.isEmpty, !clock.isEmpty { flaw("a reconciliation does not come to its end") }
        clock.advance(to: end)
    }

    private func noteOpposites(_ desk: OrderDesk) {
        for symbol in World.symbols {
            let held = desk.positions(at: wallClock).filter { $0.key.symbol == symbol }.map(\.quantity)
            if held.contains(where: \.isPositive), held.contains(where: \.isNegative) { tally.note(.c7) }
        }
    }
}

extension VenueTrade {
    func with(id: TradeID) -> VenueTrade { changed(id: id, fee: fee) }

    var withoutFee: VenueTrade { changed(id: trade, fee: .zero) }

    private func changed(id: TradeID, fee: FixedDecimal) -> VenueTrade {
        VenueTrade(
            trade: id, clientID: clientID, venueOrderID: venueOrderID, symbol: symbol, side: side,
            price: price,
            quantity: quantity, fee: fee, feeCurrency: feeCurrency, liquidity: liquidity, time: time)
    }
}

extension DeskSnapshot {
    /// As if no order without an answer had ever left.
    var withoutTheUnanswered: DeskSnapshot {
        var snapshot = self
        for (id, order) in orders where order.status == .pending {
            var gone = order
            _ = gone.handle(.unsent(reason: "the host died"), at: order.updatedAt)
            snapshot.orders[id] = gone
        }
        return snapshot
    }
}

extension RiskScope {
    /// Whether an order is in it.
    func covers(_ order: Order) -> Bool {
        switch self {
        case .everything: true
        case .account(let id): order.intent.account == id
        case .strategy(let id): order.intent.strategy == id
        }
    }
}

extension DeskAlarm {
    var isChangedFill: Bool {
        if case .fillChanged = self { true } else { false }
    }
}
