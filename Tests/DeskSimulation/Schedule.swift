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
    var life: HostLife?
    var lives = 0
    /// Whether nothing goes wrong any more.
    private(set) var isCalm = false
    private(set) var flaws: [String] = []
    var tally = FaultTally()
    var isTraced = false
    /// How many facts were decided on.
    var records = 0
    /// What the venue trades as of now, and as the host knows it.
    var instruments = World.instruments
    let books: Witness
    let brackets: BracketWitness
    /// Dice for brackets alone.
    var legRandom: SeededRandom
    var bracketRequests = 0
    var market = MarketModel()

    var struck: [(row: FaultRow, order: ClientOrderID)] = []
    var clockOffset: Int64 = 0
    /// The latest time that the clock has shown.
    var latestTime = World.time(0)
    var bannedUntil: Int64 = 0
    var killsLeft: Int
    var streamIsUp = true
    /// The stream keeps the order of what it tells, unless E5 says otherwise.
    var lastNews: Int64 = 0
    var requests = 0
    var actionsLeft: Int
    /// Fills that the stream lost with nothing else wrong, and when.
    var dropped: [(account: AccountID, trade: TradeID, at: Int64)] = []
    /// What may be one of several at the venue.
    var confused: [ClientOrderID: (account: AccountID, twin: ClientOrderID)] = [:]
    var twins = 0
    var halted: Set<RiskScope> = []

    init(seed: UInt64, only: FaultRow?, mutation: Mutation?, journal: any ModelJournal) {
        self.seed = seed
        self.mutation = mutation
        plan = Plan(seed: seed, only: only)
        random = SeededRandom(seed: seed)
        clock = Clockwork(seed: seed)
        venue = ModelVenue(plan)
        self.journal = journal
        books = Witness(plan, venue)
        brackets = BracketWitness(plan)
        legRandom = SeededRandom(seed: seed ^ 0x00B7_AC5E)
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
        if plan.knowsAccounts { noteBaselines() }
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
    func endEvent() {
        guard let life else { return }
        life.endTurn()
        if life.isDead { return bury(life) }
        checkBrackets()
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
            // What is asked from here on is asked again and again when an order cannot be cancelled.
            let isQuiet = clock.isEmpty
            guard let life, let driver = life.driver else { continue }
            driver.decide { desk, now in desk.review(at: now) }
            life.endTurn()
            checkPace()
            let isListed = clock.now > venue.lastListing + World.auditMilliseconds + 1_000
            let reached = bracketUnrest(after: second, driver)
            if second >= 4, isListed, isQuiet, isAtRest(driver), reached.isEmpty { break }
            if second == 119 {
                flaw("it does not come to rest: \(unrest(driver)) \(reached.joined(separator: ", "))")
            }
        }
    }

    private func isAtRest(_ driver: DeskDriver) -> Bool { unrest(driver).isEmpty }

    private func unrest(_ driver: DeskDriver) -> String {
        var words: [String] = []
        if let fault = driver.fault { words.append("the journal refuses: \(fault.reason)") }
        for order in driver.desk.liveOrders() {
            switch order.status {
            case .pendingCancel where books.isGivenUp(order.id): break
            case .pending, .submitted, .unknown, .pendingCancel:
                words.append("order \(order.id) is \(order.status.rawValue)")
            case .open, .partiallyFilled:
                if order.cancelWanted || order.amendment != nil { words.append("order \(order.id) changes") }
            case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced: break
            }
        }
        if driver.desk.isOwedTrades { words.append("trades are owed") }
        for order in books.openAfterTheirEnd(in: driver.desk) {
            words.append("order \(order) has ended here and is open at the venue")
        }
        if !driver.desk.snapshot.flattening.isEmpty { words.append("a position is being closed") }
        for account in plan.accounts where driver.desk.doubt(about: account) != nil {
            words.append("account \(account) is in doubt")
        }
        // Without this handling nothing is ever found out.
        for account in plan.accounts
        where mutation != .balancesAreNotAsked && driver.desk.isAuditing(account) {
            words.append("account \(account) is being compared")
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

    // MARK: What the adapter and the desk tell

    func asked(toPlace request: PlaceRequest) {
        for words in books.sends(request, in: desk) { flaw(words) }
    }

    func left(_ id: ClientOrderID, isLost: Bool) { books.left(id, isLost: isLost) }

    func arrived(_ id: ClientOrderID) { books.arrived(id) }

    func returned(_ id: ClientOrderID) { books.returned(id) }

    func heard(_ alarm: DeskAlarm) {
        books.alarms.append(alarm)
        if mutation == nil || mutation == .amendsFailSilently || mutation == .silenceIsNothing {
            for words in books.doubts(of: alarm) { flaw(words) }
        }
        if case .halted(let scope, _) = alarm { halted.insert(scope) }
        heardOfBalances(alarm)
    }
}
