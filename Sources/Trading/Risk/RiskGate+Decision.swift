/// An order before the gate, with names already looked up.
struct RiskQuestion {
    let terms: OrderTerms
    let row: Int
    /// What the order would claim, or an amended one would claim more than now.
    let claim: Claim
    /// What it is valued at.
    let price: FixedDecimal
    /// Whether the desk itself asks, in order to close a position.
    let isDesks: Bool
}

extension RiskGate {
    /// Decides and reserves in one step; throws, and reserves nothing, when the order is denied.
    ///
    /// An order that can only make a position smaller, whatever fills first, passes the limits on notional, position,
    /// exposure, loss and instruments, and waits for no unknown outcome: a way out must stay open. Halts, rate, open
    /// orders and price distance hold for it too. The desk's own closing orders pass all of it but the account's kind.
    mutating func reserve(_ question: RiskQuestion, at time: Timestamp) throws(RiskDenial) {
        let row = rows[question.row]
        let reduces = reduces(question, row)
        try checkKind(question, row, reduces: reduces)
        if !question.isDesks {
            try checkHalts(row)
            try checkPace(question, row, at: time)
            if !reduces { try checkExposure(question, row) }
            note(row, at: time)
        }
        move(question.row, from: .none, to: question.claim)
    }

    /// Decides over a change to an order that claims `old` now; reserves the difference.
    mutating func change(_ question: RiskQuestion, from old: Claim, at time: Timestamp) throws(RiskDenial) {
        move(question.row, from: old, to: .none)
        let row = rows[question.row]
        do throws(RiskDenial) {
            let reduces = reduces(question, row)
            try checkKind(question, row, reduces: reduces)
            if !question.isDesks {
                try checkHalts(row)
                try checkPace(question, row, at: time)
                if !reduces { try checkExposure(question, row) }
                note(row, at: time)
            }
        } catch {
            move(question.row, from: .none, to: old)
            throw error
        }
        move(question.row, from: .none, to: question.claim)
    }

    /// Counts an order toward the rates that are limited.
    mutating func note(_ row: Row, at time: Timestamp) {
        if strategies[row.strategy].enrolment.limits.ordersPerMinute != nil {
            strategies[row.strategy].rate.note(time)
        }
        if accounts[row.account].limits.ordersPerMinute != nil { accounts[row.account].rate.note(time) }
        if limits.ordersPerMinute != nil { rate.note(time) }
    }

    /// Whether the order can only make the position smaller.
    private func reduces(_ question: RiskQuestion, _ row: Row) -> Bool {
        let position = row.ledger.quantity
        if question.terms.reduceOnly {
            let held = FixedDecimal.size(position)
            let isOpposite = question.terms.side == .buy ? position.isNegative : position.isPositive
            return isOpposite && question.terms.quantity <= held
        }
        switch question.terms.side {
        case .sell: return FixedDecimal.sum(row.claim.sells, question.claim.sells) <= position
        case .buy:
            return FixedDecimal.sum(row.claim.buys, question.claim.buys) <= FixedDecimal.opposite(position)
        }
    }

    private func checkKind(_ question: RiskQuestion, _ row: Row, reduces: Bool) throws(RiskDenial) {
        guard !reduces else { return }
        let symbol = question.terms.symbol
        if question.terms.reduceOnly {
            throw .nothingToReduce(
                symbol: symbol, asked: question.terms.quantity, position: row.ledger.quantity)
        }
        if accounts[row.account].settings.kind == .spot, question.terms.side == .sell {
            let free = max(.zero, FixedDecimal.difference(row.ledger.quantity, row.claim.sells))
            throw .shortOnSpot(symbol: symbol, asked: question.terms.quantity, available: free)
        }
    }

    private func checkHalts(_ row: Row) throws(RiskDenial) {
        guard !halts.isEmpty else { return }
        let scopes: [RiskScope] = [
            .everything, .account(accounts[row.account].settings.id),
            .strategy(strategies[row.strategy].enrolment.strategy),
        ]
        for scope in scopes {
            if let halt = halts[scope] { throw .halted(scope: scope, reason: halt.reason) }
        }
    }

    private mutating func checkPace(_ question: RiskQuestion, _ row: Row, at time: Timestamp)
        throws(RiskDenial)
    {
        let opens = question.claim.liveOrders
        let last = markets[row.market].lastPrice
        let strategy = RiskScope.strategy(strategies[row.strategy].enrolment.strategy)
        let account = RiskScope.account(accounts[row.account].settings.id)

        let own = strategies[row.strategy].enrolment.limits
        try Self.check(own, orders: strategies[row.strategy].liveOrders + opens, scope: strategy)
        try Self.check(own, question.terms, last: last, scope: strategy)
        if let limit = own.ordersPerMinute, strategies[row.strategy].rate.count(at: time) >= limit {
            throw .orderRate(limit: limit, scope: strategy)
        }
        let shared = accounts[row.account].limits
        try Self.check(shared, orders: accounts[row.account].liveOrders + opens, scope: account)
        try Self.check(shared, question.terms, last: last, scope: account)
        if let limit = shared.ordersPerMinute, accounts[row.account].rate.count(at: time) >= limit {
            throw .orderRate(limit: limit, scope: account)
        }
        try Self.check(limits, orders: liveOrders + opens, scope: .everything)
        try Self.check(limits, question.terms, last: last, scope: .everything)
        if let limit = limits.ordersPerMinute, rate.count(at: time) >= limit {
            throw .orderRate(limit: limit, scope: .everything)
        }
    }

    private static func check(_ limits: RiskLimits, orders: Int, scope: RiskScope) throws(RiskDenial) {
        guard let limit = limits.openOrders else { return }
        guard orders <= limit else { throw .openOrders(limit: limit, scope: scope) }
    }

    private static func check(
        _ limits: RiskLimits, _ terms: OrderTerms, last: FixedDecimal?, scope: RiskScope
    ) throws(RiskDenial) {
        guard let limit = limits.priceDistance, let price = terms.price, let last else { return }
        let distance = FixedDecimal.size(FixedDecimal.difference(price, last))
        guard distance <= FixedDecimal.product(last, limit, .down) else {
            throw .priceDistance(price: price, last: last, limit: limit, scope: scope)
        }
    }

    private func checkExposure(_ question: RiskQuestion, _ row: Row) throws(RiskDenial) {
        if row.claim.unknownOrders > 0, let order = row.live.first {
            throw .unresolvedOrder(order, symbol: question.terms.symbol)
        }
        let strategy = strategies[row.strategy]
        let account = accounts[row.account]
        let notional = FixedDecimal.product(question.terms.quantity, question.price, .up)
        try checkStrategy(strategy, question, row, notional: notional)
        try checkAccount(account, question, row, notional: notional)
        try checkEverything(account, question, row, notional: notional)
    }

    private func checkStrategy(
        _ strategy: Strategy, _ question: RiskQuestion, _ row: Row, notional: FixedDecimal
    ) throws(RiskDenial) {
        let limits = strategy.enrolment.limits
        let scope = RiskScope.strategy(strategy.enrolment.strategy)
        let settings = accounts[row.account].settings
        try Self.checkOrder(limits, question, notional: notional, currency: settings.currency, scope)
        if let limit = limits.openPositions, !isOccupied(question.row) {
            let others = strategy.rows.count { $0 != question.row && isOccupied($0) }
            guard others < limit else { throw .openPositions(limit: limit, scope: scope) }
        }
        if let limit = limits.positionNotional {
            let value = exposure(question.row, adding: question.claim, price: question.price)
            guard value <= limit else {
                throw .positionNotional(
                    symbol: question.terms.symbol, wouldBe: value, limit: limit, currency: settings.currency,
                    scope: scope)
            }
        }
        let equity = equity(ofStrategy: row.strategy)
        try Self.checkLoss(
            limits, opening: strategy.enrolment.dayOpeningEquity, equity: equity, currency: settings.currency,
            scope)
        let leverage = min(settings.kind.leverage, limits.leverage ?? settings.kind.leverage)
        switch settings.kind {
        case .spot:
            var cash = strategy.enrolment.capital
            var claimed = question.claim.buyNotional
            for number in strategy.rows where rows[number].account == row.account {
                cash = FixedDecimal.sum(cash, rows[number].ledger.cashFlow)
                claimed = FixedDecimal.sum(claimed, rows[number].claim.buyNotional)
            }
            try Self.checkFunds(
                cash: cash, claimed: claimed, by: question.claim, fee: settings.feeRate,
                currency: settings.currency, scope)
        case .margin:
            var exposure = FixedDecimal.zero
            for number in strategy.rows where rows[number].account == row.account {
                exposure = FixedDecimal.sum(
                    exposure,
                    self.exposure(
                        number, adding: number == question.row ? question.claim : .none,
                        price: rows[number].market == row.market ? question.price : nil))
            }
            try Self.checkLeverage(
                exposure: exposure, equity: equity, limit: leverage, currency: settings.currency, scope)
        }
    }

    private func checkAccount(
        _ account: Account, _ question: RiskQuestion, _ row: Row, notional: FixedDecimal
    ) throws(RiskDenial) {
        let limits = account.limits
        let scope = RiskScope.account(account.settings.id)
        let currency = account.settings.currency
        try Self.checkOrder(limits, question, notional: notional, currency: currency, scope)
        if let limit = limits.positionNotional {
            let value = exposure(ofCell: row.cell, with: question)
            guard value <= limit else {
                throw .positionNotional(
                    symbol: question.terms.symbol, wouldBe: value, limit: limit, currency: currency,
                    scope: scope)
            }
        }
        if let limit = limits.openPositions, !isOccupied(question.row) {
            guard account.occupied < limit else { throw .openPositions(limit: limit, scope: scope) }
        }
        if limits.dailyLoss != nil || limits.dailyLossFraction != nil {
            try Self.checkLoss(
                limits, opening: account.openingEquity, equity: equity(ofAccount: row.account),
                currency: currency, scope)
        }
        switch account.settings.kind {
        case .spot:
            try Self.checkFunds(
                cash: FixedDecimal.sum(account.settings.balance, account.cashFlow),
                claimed: FixedDecimal.sum(account.buyNotional, question.claim.buyNotional),
                by: question.claim, fee: account.settings.feeRate, currency: currency, scope)
        case .margin:
            var exposure = FixedDecimal.zero
            for number in account.cells {
                exposure = FixedDecimal.sum(exposure, self.exposure(ofCell: number, with: question))
            }
            let most = account.settings.kind.leverage
            try Self.checkLeverage(
                exposure: exposure, equity: equity(ofAccount: row.account),
                limit: min(most, limits.leverage ?? most),
                currency: currency, scope)
        }
    }

    /// Global limits are in the currency in which the operator thinks: each account's worth says how.
    private func checkEverything(
        _ account: Account, _ question: RiskQuestion, _ row: Row, notional: FixedDecimal
    ) throws(RiskDenial) {
        let worth = account.settings.worth
        let currency = account.settings.worth == .one ? account.settings.currency : "of the common currency"
        let value = worth == .one ? notional : FixedDecimal.product(notional, worth, .up)
        try Self.checkOrder(limits, question, notional: value, currency: currency, .everything)
        if let limit = limits.positionNotional {
            let symbol = markets[row.market].instrument.symbol
            var sum = FixedDecimal.zero
            for number in cells.indices where markets[cells[number].market].instrument.symbol == symbol {
                sum = FixedDecimal.sum(sum, globalWorth(ofCell: number, with: question))
            }
            guard sum <= limit else {
                throw .positionNotional(
                    symbol: symbol, wouldBe: sum, limit: limit, currency: currency, scope: .everything)
            }
        }
        if let limit = limits.openPositions, !isOccupied(question.row) {
            guard occupied < limit else { throw .openPositions(limit: limit, scope: .everything) }
        }
        guard limits.dailyLoss != nil || limits.dailyLossFraction != nil || limits.leverage != nil else {
            return
        }
        var (equity, opening) = (FixedDecimal.zero, FixedDecimal.zero)
        for number in accounts.indices {
            let worth = accounts[number].settings.worth
            equity = FixedDecimal.sum(
                equity, FixedDecimal.product(self.equity(ofAccount: number), worth, .floor))
            opening = FixedDecimal.sum(
                opening, FixedDecimal.product(accounts[number].openingEquity, worth, .floor))
        }
        try Self.checkLoss(limits, opening: opening, equity: equity, currency: currency, .everything)
        if let limit = limits.leverage {
            var exposure = FixedDecimal.zero
            for number in cells.indices {
                exposure = FixedDecimal.sum(exposure, globalWorth(ofCell: number, with: question))
            }
            try Self.checkLeverage(
                exposure: exposure, equity: equity, limit: limit, currency: currency, .everything)
        }
    }
}

// MARK: - Single checks

extension RiskGate {
    /// What a cell's exposure counts against global limits.
    private func globalWorth(ofCell number: Int, with question: RiskQuestion) -> FixedDecimal {
        let exposure = exposure(ofCell: number, with: question)
        let worth = accounts[cells[number].account].settings.worth
        return worth == .one ? exposure : FixedDecimal.product(exposure, worth, .up)
    }
}

extension RiskGate {
    private static func checkOrder(
        _ limits: RiskLimits, _ question: RiskQuestion, notional: FixedDecimal, currency: String,
        _ scope: RiskScope
    ) throws(RiskDenial) {
        if let allowed = limits.instruments, !allowed.contains(question.terms.symbol) {
            throw .instrumentNotAllowed(symbol: question.terms.symbol, scope: scope)
        }
        if let limit = limits.orderNotional, notional > limit {
            throw .orderNotional(asked: notional, limit: limit, currency: currency, scope: scope)
        }
    }

    private static func checkLoss(
        _ limits: RiskLimits, opening: FixedDecimal, equity: FixedDecimal, currency: String,
        _ scope: RiskScope
    ) throws(RiskDenial) {
        let lost = FixedDecimal.difference(opening, equity)
        guard lost.isPositive else { return }
        if let limit = limits.dailyLoss, lost >= limit {
            throw .dailyLoss(lost: lost, limit: limit, currency: currency, scope: scope)
        }
        if let fraction = limits.dailyLossFraction {
            let limit = FixedDecimal.product(max(.zero, opening), fraction, .down)
            guard lost < limit else {
                throw .dailyLoss(lost: lost, limit: limit, currency: currency, scope: scope)
            }
        }
    }

    private static func checkFunds(
        cash: FixedDecimal, claimed: FixedDecimal, by claim: Claim, fee: FixedDecimal, currency: String,
        _ scope: RiskScope
    ) throws(RiskDenial) {
        let rate = FixedDecimal.sum(.one, fee)
        let needed = FixedDecimal.product(claimed, rate, .up)
        guard needed > cash else { return }
        let own = FixedDecimal.product(claim.buyNotional, rate, .up)
        let others = FixedDecimal.difference(needed, own)
        throw .insufficientFunds(
            needed: own, available: max(.zero, FixedDecimal.difference(cash, others)), currency: currency,
            scope: scope)
    }

    private static func checkLeverage(
        exposure: FixedDecimal, equity: FixedDecimal, limit: FixedDecimal, currency: String,
        _ scope: RiskScope
    ) throws(RiskDenial) {
        let most = FixedDecimal.product(max(.zero, equity), limit, .down)
        guard exposure <= most else {
            throw .leverage(
                exposure: exposure, equity: equity, limit: limit, currency: currency, scope: scope)
        }
    }
}
