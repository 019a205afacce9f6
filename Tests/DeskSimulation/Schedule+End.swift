import Exchanges
import Host
import Trading

/// Whether all is well in the end.
extension Schedule {
    func checkBooks() {
        guard let life, let driver = life.driver else { return flaw("there is no host") }
        reconcile(driver, life)
        for words in books.disagreements(with: driver.desk) { flaw(words) }
        checkFirstSight(driver.desk)
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
        if mutation != .noReconciliation {
            driver.decide { desk, now in
                let actions = desk.reconcile(at: now)
                guard mutation == .findingsAreFacts else { return actions }
                return actions + desk.liveOrders().map { .record(.order($0)) }
            }
        }
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
