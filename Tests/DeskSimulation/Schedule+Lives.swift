import Exchanges
import Host
import Trading

/// The host's lives, and the journal that outlasts them.
extension Schedule {
    func startLife() {
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
        switch mutation {
        case .deathIsUnsent: life.start(from: snapshot.withoutTheUnanswered)
        case .triggersAreForgotten: life.start(from: snapshot.withoutTriggers)
        case .bracketsDie: life.start(from: snapshot.withoutBrackets)
        default: life.start(from: snapshot)
        }
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

    func bury(_ life: HostLife) {
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
        let lost = brackets.restarted(desk)
        if mutation == nil || mutation?.isOfBrackets == true { for words in lost { flaw(words) } }
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

    /// The wall clock as the host reads it.
    func hostTime() -> Timestamp {
        guard mutation == .clockNeverFalls else { return wallClock }
        latestTime = max(latestTime, wallClock)
        return latestTime
    }

    /// Writes a group, or fails to.
    func write(_ events: [DeskEvent], fails: Bool) -> String? {
        let fault = journal.write(events, fails: fails)
        if fault == nil {
            books.durable(events)
            brackets.durable(events)
        } else if mutation == .fullDiskIsIgnored {
            return nil
        }
        return fault
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
