import Host
import Trading

/// R6: money and coins that come and go without a trade.
extension Schedule {
    /// The journal of a host that has seen the accounts before.
    func noteBaselines() {
        let records = plan.accounts.map { account in
            DeskEvent.holding(
                HoldingRecord(account: account, asset: "USDT", unowned: World.balance, time: wallClock))
        }
        if let fault = journal.write(records, fails: false) {
            flaw("the beginning was not written: \(fault)")
        }
    }

    /// Somebody deposits, withdraws or converts at the venue.
    func moveMoney() {
        let account = random.one(of: plan.accounts)
        let asset = random.one(of: World.assets)
        // Far more than is tolerated of any holding here.
        let amount = FixedDecimal(asset == "USDT" ? 50 * random.between(-18, 18) : random.between(-5, 5))
        if venue.move(amount, of: asset, on: account) {
            trace("venue: \(amount) \(asset) without a trade on \(account)")
            tally.note(.r6)
        }
        guard asset != "USDT", random.percent(40) else { return }
        // A conversion.
        _ = venue.move(difference(.zero, product(amount, FixedDecimal(100))), of: "USDT", on: account)
    }

    func acceptDifferences(_ driver: DeskDriver) {
        let account = random.one(of: plan.accounts)
        driver.decide { desk, now in desk.acceptDifferences(on: account, at: now) }
        books.blocked[account] = nil
    }

    /// Keeps what the desk says of differences, and looks whether it is true that there are any.
    func heardOfBalances(_ alarm: DeskAlarm) {
        switch alarm {
        case .external(let account, let asset, let difference, let isBlocking):
            books.blocked[account, default: []].remove(asset)
            if isBlocking { books.blocked[account, default: []].insert(asset) }
            guard venue.moved[account]?[asset] == nil else { return }
            if mutation == nil || mutation == .differencesCountAtOnce || mutation == .silenceIsNothing {
                flaw("\(difference) \(asset) on \(account) are said to be external, and nothing was")
            }
        case .externalGone(let account, let asset): books.blocked[account]?.remove(asset)
        default: break
        }
    }

    /// Looks whether it became known what the accounts held before.
    func checkFirstSight(_ desk: OrderDesk) {
        for seen in desk.reconciliations where mutation == nil && seen.isFirstSight {
            flaw("what account \(seen.account) held before is not known")
        }
    }
}
