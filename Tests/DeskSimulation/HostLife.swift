import Host
import Trading

/// One life of the host, from a start to a death: the desk, its driver, and the turns of a loop.
final class HostLife: LoopTurns {
    let number: Int
    private(set) var adapter: ModelAdapter
    private(set) var driver: DeskDriver?
    /// Everything that it does from here on has no effect.
    private(set) var isDead = false
    /// A group that was handed to the journal, and whose writing has not happened yet.
    private(set) var handedOver: [DeskEvent]?
    /// What strategies were last told of an order.
    private var told: [OrderID: FixedDecimal] = [:]
    private var turnEnd: [() -> Void] = []
    private unowned let schedule: Schedule

    init(_ schedule: Schedule, number: Int) {
        self.schedule = schedule
        self.number = number
        adapter = ModelAdapter(schedule, life: number)
    }

    /// Starts as the host does: read the journal, restore, ask the venue about everything in doubt, let strategies run.
    func start(from snapshot: DeskSnapshot) {
        let schedule = self.schedule
        let (plan, mutation) = (schedule.plan, schedule.mutation)
        let audits = mutation.map { ![.noAudit, .noReconciliation, .onePage].contains($0) } ?? true
        var desk = OrderDesk(
            settings: OrderDesk.Settings(
                questionMilliseconds: 900, auditMilliseconds: audits ? World.auditMilliseconds : nil,
                orderToTradeMinutes: 1, orderToTradeMinimum: Plan.ratioMinimum,
                // Trades may be missing from the list for so many seconds.
                balanceReviews: plan.has(.e13) && mutation != .differencesCountAtOnce ? 9 : 1),
            at: schedule.wallClock)
        desk.setInstruments(schedule.instruments, at: World.venue)
        desk.setLimits(mutation == .noLimits ? .none : plan.venueLimits, at: World.venue)
        for account in plan.accounts {
            desk.setAccount(
                AccountSettings(
                    id: account, venue: World.venue, kind: plan.isMargin ? World.margin : .spot,
                    currency: "USDT", balance: World.balance,
                    absenceGraceMilliseconds: mutation == .oldTermsAreRefusals
                        ? plan.graceMilliseconds : plan.absenceGraceMilliseconds,
                    priceAgeMilliseconds: mutation == .noPriceAge ? nil : plan.priceAgeMilliseconds),
                limits: mutation == .noLimits ? .none : plan.accountLimits)
        }
        let driver = DeskDriver(
            desk: desk, adapters: [adapter], venues: { _ in World.venue }, turns: self,
            now: { [unowned schedule] in schedule.hostTime() },
            append: { [unowned self] events, answer in append(events, answer) })
        self.driver = driver
        driver.onNotice = { [unowned self] strategy, notice in hear(strategy, notice) }
        driver.onAlarm = { [unowned self] alarm in
            schedule.trace("alarm \(alarm)")
            if !isDead { schedule.heard(alarm) }
        }
        driver.onRecord = { [unowned self] event in
            guard !isDead else { return }
            schedule.trace("record \(event.short)")
            schedule.records += 1
            let flaws = schedule.brackets.recorded(event)
            if schedule.mutation == nil || schedule.mutation?.isOfBrackets == true {
                for words in flaws { schedule.flaw(words) }
            }
            switch event {
            case .fill(let fill): schedule.books.booked(fill, at: schedule.clock.now)
            case .order(let order):
                if let words = schedule.books.flaw(inEndOf: order) { schedule.flaw(words) }
            default: break
            }
        }
        var snapshot = snapshot
        if mutation == .peaksAreForgotten { snapshot.peaks = [:] }
        driver.decide { desk, now in
            do throws(RestoreFlaw) {
                return try desk.restore(from: snapshot, at: now)
            } catch {
                schedule.flaw("the desk could not be restored: \(error)")
                return []
            }
        }
        if number > 1 { schedule.restarted(driver.desk) }
        if mutation != .noReconciliation { driver.decide { $0.reconcile(at: $1) } }
        for strategy in plan.strategies {
            enrol(strategy, limits: mutation == .noLimits ? .none : plan.limits)
        }
        endTurn()
    }

    /// Puts a strategy on its account, for a new run.
    func enrol(_ strategy: StrategyID, limits: RiskLimits) {
        let schedule = self.schedule
        driver?.decide { desk, now in
            do throws(EnrolmentFlaw) {
                return try desk.enrol(
                    strategy, run: RunID("run\(number)"), on: schedule.account(of: strategy),
                    capital: World.capital, limits: limits, at: now)
            } catch {
                schedule.flaw("\(strategy) could not be enrolled: \(error)")
                return []
            }
        }
    }

    /// Nothing that it does from here on has an effect.
    func die() { isDead = true }

    /// Lets go of everything, so that nothing of it stays.
    func bury() {
        turnEnd = []
        driver = nil
    }

    // MARK: LoopTurns

    func atEndOfTurn(_ body: @escaping () -> Void) { turnEnd.append(body) }

    func later(_ delay: Duration, _ body: @escaping () -> Void) {
        let (seconds, attoseconds) = delay.components
        schedule.clock.after(seconds * 1_000 + attoseconds / 1_000_000_000_000_000, life: number, body)
    }

    /// Ends a turn: what gathered in it is done.
    func endTurn() {
        while !turnEnd.isEmpty, !isDead {
            let bodies = turnEnd
            turnEnd = []
            for body in bodies { body() }
        }
    }

    // MARK: The journal

    private func append(_ events: [DeskEvent], _ answer: @escaping (DeskDriver.JournalFault?) -> Void) {
        guard !isDead, !schedule.dies(.r1, nil) else { return }
        let schedule = self.schedule
        handedOver = events
        // The disk has taken a part of it, perhaps.
        guard !schedule.dies(.r8, nil) else { return }
        if schedule.mutation == .sendsBeforeDurable {
            schedule.clock.after(0, life: number) { answer(nil) }
        }
        schedule.clock.after(schedule.diskDelay(), life: number) { [unowned self] in
            handedOver = nil
            let fails = schedule.strikes(.r8, nil)
            let fault = schedule.write(events, fails: fails)
            guard !schedule.dies(.r2, nil), schedule.mutation != .sendsBeforeDurable else { return }
            schedule.clock.after(schedule.diskDelay(), life: number) {
                answer(fault.map { DeskDriver.JournalFault(reason: $0) })
            }
        }
    }

    // MARK: What strategies hear

    private func hear(_ strategy: StrategyID, _ notice: StrategyNotice) {
        guard !isDead, case .order(let order) = notice else { return }
        if order.filledQuantity < told[order.id] ?? .zero {
            schedule.flaw("\(strategy) was told that order \(order.id) has less filled than before")
        }
        told[order.id] = order.filledQuantity
    }
}

extension DeskEvent {
    /// In a few words, for a trace.
    fileprivate var short: String {
        switch self {
        case .order(let order):
            "order \(order.id) \(order.intent.strategy) \(order.symbol) \(order.side) \(order.quantity): "
                + "\(order.status), filled \(order.filledQuantity) of \(order.venueFilledQuantity) "
                + "\(order.cancelWanted ? "unwanted " : "")\(order.reason ?? "")"
        case .fill(let fill): "fill \(fill.key.trade) of order \(fill.order) \(fill.side) \(fill.quantity)"
        case .ledger(let record):
            "ledger \(record.key.strategy) \(record.key.symbol) \(record.ledger.quantity)"
        default: "\(self)"
        }
    }
}
