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
        try check(question, at: time)
        move(question.row, from: .none, to: question.claim)
    }

    /// Decides over a change to an order that claims `old` now; reserves the difference.
    mutating func change(_ question: RiskQuestion, from old: Claim, at time: Timestamp) throws(RiskDenial) {
        move(question.row, from: old, to: .none)
        do throws(RiskDenial) {
            try check(question, at: time)
        } catch {
            move(question.row, from: .none, to: old)
            throw error
        }
        move(question.row, from: .none, to: question.claim)
    }

    private mutating func check(_ question: RiskQuestion, at time: Timestamp) throws(RiskDenial) {
        let reduces = reduces(question)
        if !reduces { try checkKind(question) }
        guard !question.isDesks else { return }
        try checkHalts(question.row)
        try checkBlocks(question.row, reduces: reduces)
        try checkPace(question, at: time)
        if !reduces {
            try checkRatio(question, at: time)
            try checkExposure(question)
            try checkDrawdown(question, at: time)
        }
        note(question.row, at: time)
        noteRatio(question.row, orders: 1, at: time)
    }

    /// Counts an order toward the rates that are limited.
    mutating func note(_ row: Int, at time: Timestamp) {
        let (strategy, account) = (rows[row].strategy, rows[row].account)
        if strategies[strategy].enrolment.limits.ordersPerMinute != nil {
            strategies[strategy].rate.note(time)
        }
        if accounts[account].limits.ordersPerMinute != nil { accounts[account].rate.note(time) }
        let venue = accounts[account].venue
        if venues[venue].limits.ordersPerMinute != nil { venues[venue].rate.note(time) }
        if limits.ordersPerMinute != nil { rate.note(time) }
    }

    /// Whether the order can only make the position smaller.
    private func reduces(_ question: RiskQuestion) -> Bool {
        let position = rows[question.row].ledger.quantity
        if question.terms.reduceOnly {
            let held = FixedDecimal.size(position)
            let isOpposite = question.terms.side == .buy ? position.isNegative : position.isPositive
            return isOpposite && question.terms.quantity <= held
        }
        switch question.terms.side {
        case .sell:
            return FixedDecimal.sum(rows[question.row].claim.sells, question.claim.sells) <= position
        case .buy:
            return FixedDecimal.sum(rows[question.row].claim.buys, question.claim.buys)
                <= FixedDecimal.opposite(position)
        }
    }

    /// What the account's kind forbids to an order that does not reduce.
    private func checkKind(_ question: RiskQuestion) throws(RiskDenial) {
        let row = question.row
        if question.terms.reduceOnly {
            throw .nothingToReduce(
                symbol: question.terms.symbol, asked: question.terms.quantity,
                position: rows[row].ledger.quantity)
        }
        if question.terms.side == .sell, accounts[rows[row].account].settings.kind == .spot {
            let free = max(.zero, FixedDecimal.difference(rows[row].ledger.quantity, rows[row].claim.sells))
            throw .shortOnSpot(
                symbol: question.terms.symbol, asked: question.terms.quantity, available: free)
        }
    }

    /// The scope of an order's strategy, account or of everything. Made for a denial: one that passes needs no name.
    func scope(_ level: Level, of row: Int) -> RiskScope {
        switch level {
        case .strategy: .strategy(strategies[rows[row].strategy].enrolment.strategy)
        case .account: .account(accounts[rows[row].account].settings.id)
        case .venue: .venue(venues[accounts[rows[row].account].venue].id)
        case .everything: .everything
        }
    }

    /// Whose limits are looked at.
    enum Level {
        case strategy, account, venue, everything
    }

    func limits(of level: Level, _ row: Int) -> RiskLimits {
        switch level {
        case .strategy: strategies[rows[row].strategy].enrolment.limits
        case .account: accounts[rows[row].account].limits
        case .venue: venues[accounts[rows[row].account].venue].limits
        case .everything: limits
        }
    }

    private func checkHalts(_ row: Int) throws(RiskDenial) {
        guard !halts.isEmpty else { return }
        for level in [Level.everything, .venue, .account, .strategy] {
            let scope = scope(level, of: row)
            if let halt = halts[scope] { throw .halted(scope: scope, reason: halt.reason) }
        }
    }

    /// What keeps orders from passing for now though nobody halted anything. A venue that may not be asked lets nothing
    /// pass, the other reasons let reducing orders pass.
    private func checkBlocks(_ row: Int, reduces: Bool) throws(RiskDenial) {
        guard !blocks.isEmpty else { return }
        if let denial = blocks[.account(rows[row].account)] {
            if case .venueUnavailable = denial { throw denial }
            if !reduces { throw denial }
        }
        if !reduces, let denial = block(ofCell: rows[row].cell) { throw denial }
    }

    /// Why orders that add risk are denied in one symbol of an account; nil when they are not.
    func block(ofCell number: Int) -> RiskDenial? {
        if let denial = blocks[.cell(number)] { return denial }
        let (account, instrument) = (cells[number].account, markets[cells[number].market].instrument)
        return blocks[.asset(account, instrument.base)] ?? blocks[.asset(account, instrument.quote)]
    }

    private mutating func checkPace(_ question: RiskQuestion, at time: Timestamp) throws(RiskDenial) {
        let (strategy, account) = (rows[question.row].strategy, rows[question.row].account)
        let opens = question.claim.liveOrders
        try check(
            .strategy, strategies[strategy].enrolment.limits.openOrders,
            strategies[strategy].enrolment.limits.priceDistance, question,
            orders: strategies[strategy].liveOrders + opens)
        if let limit = strategies[strategy].enrolment.limits.ordersPerMinute,
            strategies[strategy].rate.count(at: time) >= limit
        {
            throw .orderRate(limit: limit, scope: scope(.strategy, of: question.row))
        }
        try check(
            .account, accounts[account].limits.openOrders, accounts[account].limits.priceDistance, question,
            orders: accounts[account].liveOrders + opens)
        if let limit = accounts[account].limits.ordersPerMinute,
            accounts[account].rate.count(at: time) >= limit
        {
            throw .orderRate(limit: limit, scope: scope(.account, of: question.row))
        }
        let venue = accounts[account].venue
        if venues[venue].isLimited { try checkPace(ofVenue: venue, question, at: time) }
        try check(
            .everything, limits.openOrders, limits.priceDistance, question, orders: liveOrders + opens)
        if let limit = limits.ordersPerMinute, rate.count(at: time) >= limit {
            throw .orderRate(limit: limit, scope: .everything)
        }
    }

    private mutating func checkPace(
        ofVenue venue: Int, _ question: RiskQuestion, at time: Timestamp
    ) throws(RiskDenial) {
        let limits = venues[venue].limits
        let live = venues[venue].accounts.reduce(question.claim.liveOrders) { $0 + accounts[$1].liveOrders }
        try check(.venue, limits.openOrders, limits.priceDistance, question, orders: live)
        if let limit = limits.ordersPerMinute, venues[venue].rate.count(at: time) >= limit {
            throw .orderRate(limit: limit, scope: scope(.venue, of: question.row))
        }
    }

    /// Checks the number of live orders and how far the price is from the last one.
    private func check(
        _ level: Level, _ openOrders: Int?, _ priceDistance: FixedDecimal?, _ question: RiskQuestion,
        orders: Int
    ) throws(RiskDenial) {
        if let openOrders, orders > openOrders {
            throw .openOrders(limit: openOrders, scope: scope(level, of: question.row))
        }
        guard let priceDistance, let price = question.terms.price,
            let last = markets[rows[question.row].market].lastPrice
        else { return }
        let distance = FixedDecimal.size(FixedDecimal.difference(price, last))
        guard distance <= FixedDecimal.product(last, priceDistance, .down) else {
            throw .priceDistance(
                price: price, last: last, limit: priceDistance, scope: scope(level, of: question.row))
        }
    }

    private func checkExposure(_ question: RiskQuestion) throws(RiskDenial) {
        if rows[question.row].claim.unknownOrders > 0, let order = rows[question.row].live.first {
            throw .unresolvedOrder(order, symbol: question.terms.symbol)
        }
        let notional = FixedDecimal.product(question.terms.quantity, question.price, .up)
        try checkStrategy(question, notional: notional)
        try checkAccount(question, notional: notional)
        let venue = accounts[rows[question.row].account].venue
        if venues[venue].isLimited {
            try checkTogether(
                .venue, venues[venue].limits, venues[venue].accounts, question, notional: notional)
        }
        try checkTogether(.everything, limits, accounts.indices, question, notional: notional)
    }

    private func checkStrategy(_ question: RiskQuestion, notional: FixedDecimal) throws(RiskDenial) {
        let (number, account) = (rows[question.row].strategy, rows[question.row].account)
        let limits = strategies[number].enrolment.limits
        try checkOrder(.strategy, limits, question, notional: notional)
        if let limit = limits.openPositions, !isOccupied(question.row) {
            let others = strategies[number].rows.count { $0 != question.row && isOccupied($0) }
            guard others < limit else {
                throw .openPositions(limit: limit, scope: scope(.strategy, of: question.row))
            }
        }
        if let limit = limits.positionNotional {
            let value = exposure(question.row, adding: question.claim, price: question.price)
            guard value <= limit else {
                throw .positionNotional(
                    symbol: question.terms.symbol, wouldBe: value, limit: limit,
                    currency: accounts[account].settings.currency, scope: scope(.strategy, of: question.row))
            }
        }
        let equity = equity(ofStrategy: number)
        try checkLoss(
            .strategy, limits, opening: strategies[number].enrolment.dayOpeningEquity, equity: equity,
            question)
        switch accounts[account].settings.kind {
        case .spot:
            var cash = strategies[number].enrolment.capital
            var claimed = question.claim.buyNotional
            for other in strategies[number].rows where rows[other].account == account {
                cash = FixedDecimal.sum(cash, rows[other].ledger.cashFlow)
                claimed = FixedDecimal.sum(claimed, rows[other].claim.buyNotional)
            }
            try checkFunds(.strategy, cash: cash, claimed: claimed, question)
        case .margin(let most, _):
            try checkLeverage(
                .strategy, exposure: exposure(ofStrategy: number, with: question), equity: equity,
                limit: min(most, limits.leverage ?? most), question)
        }
        if let limit = limits.exposure {
            try checkTotal(
                .strategy, exposure: exposure(ofStrategy: number, with: question), limit: limit, question)
        }
    }

    /// The worst-case value of what a strategy has on the account of an order, with that order.
    private func exposure(ofStrategy number: Int, with question: RiskQuestion) -> FixedDecimal {
        var exposure = FixedDecimal.zero
        for other in strategies[number].rows where rows[other].account == rows[question.row].account {
            exposure = FixedDecimal.sum(
                exposure,
                self.exposure(
                    other, adding: other == question.row ? question.claim : .none,
                    price: rows[other].market == rows[question.row].market ? question.price : nil))
        }
        return exposure
    }

    private func exposure(ofAccount number: Int, with question: RiskQuestion) -> FixedDecimal {
        var exposure = FixedDecimal.zero
        for cell in accounts[number].cells {
            exposure = FixedDecimal.sum(exposure, self.exposure(ofCell: cell, with: question))
        }
        return exposure
    }

    private func checkAccount(_ question: RiskQuestion, notional: FixedDecimal) throws(RiskDenial) {
        let number = rows[question.row].account
        let limits = accounts[number].limits
        try checkOrder(.account, limits, question, notional: notional)
        if let limit = limits.positionNotional {
            let value = exposure(ofCell: rows[question.row].cell, with: question)
            guard value <= limit else {
                throw .positionNotional(
                    symbol: question.terms.symbol, wouldBe: value, limit: limit,
                    currency: accounts[number].settings.currency, scope: scope(.account, of: question.row))
            }
        }
        if let limit = limits.openPositions, !isOccupied(question.row) {
            guard accounts[number].occupied < limit else {
                throw .openPositions(limit: limit, scope: scope(.account, of: question.row))
            }
        }
        if limits.dailyLoss != nil || limits.dailyLossFraction != nil {
            try checkLoss(
                .account, limits, opening: accounts[number].openingEquity, equity: equity(ofAccount: number),
                question)
        }
        switch accounts[number].settings.kind {
        case .spot:
            try checkFunds(
                .account,
                cash: FixedDecimal.sum(accounts[number].settings.balance, accounts[number].cashFlow),
                claimed: FixedDecimal.sum(accounts[number].buyNotional, question.claim.buyNotional), question)
        case .margin(let most, _):
            try checkLeverage(
                .account, exposure: exposure(ofAccount: number, with: question),
                equity: equity(ofAccount: number), limit: min(most, limits.leverage ?? most), question)
        }
        if let limit = limits.exposure {
            try checkTotal(
                .account, exposure: exposure(ofAccount: number, with: question), limit: limit, question)
        }
    }

    /// Limits over several accounts are in the currency in which the operator thinks: each account's worth says how.
    private func checkTogether(
        _ level: Level, _ limits: RiskLimits, _ numbers: some Sequence<Int>, _ question: RiskQuestion,
        notional: FixedDecimal
    ) throws(RiskDenial) {
        let worth = accounts[rows[question.row].account].settings.worth
        let value = worth == .one ? notional : FixedDecimal.product(notional, worth, .up)
        try checkOrder(level, limits, question, notional: value)
        if let limit = limits.positionNotional {
            let symbol = markets[rows[question.row].market].instrument.symbol
            let sum = worstValue(of: numbers, with: question, in: symbol)
            guard sum <= limit else {
                throw .positionNotional(
                    symbol: symbol, wouldBe: sum, limit: limit, currency: currency(level, question),
                    scope: scope(level, of: question.row))
            }
        }
        if let limit = limits.openPositions, !isOccupied(question.row) {
            guard numbers.reduce(0, { $0 + accounts[$1].occupied }) < limit else {
                throw .openPositions(limit: limit, scope: scope(level, of: question.row))
            }
        }
        if let limit = limits.exposure {
            try checkTotal(level, exposure: worstValue(of: numbers, with: question), limit: limit, question)
        }
        guard limits.dailyLoss != nil || limits.dailyLossFraction != nil || limits.leverage != nil else {
            return
        }
        let equity = sum(over: numbers) { self.equity(ofAccount: $0) }
        try checkLoss(
            level, limits, opening: sum(over: numbers) { accounts[$0].openingEquity }, equity: equity,
            question)
        if let limit = limits.leverage {
            try checkLeverage(
                level, exposure: worstValue(of: numbers, with: question), equity: equity, limit: limit,
                question)
        }
    }

    /// The worst-case value of what accounts have, of one symbol or of all, with an order before the gate.
    private func worstValue(
        of numbers: some Sequence<Int>, with question: RiskQuestion, in symbol: String? = nil
    ) -> FixedDecimal {
        var sum = FixedDecimal.zero
        for number in numbers {
            let worth = accounts[number].settings.worth
            for cell in accounts[number].cells
            where symbol == nil || markets[cells[cell].market].instrument.symbol == symbol {
                let exposure = exposure(ofCell: cell, with: question)
                sum = FixedDecimal.sum(
                    sum, worth == .one ? exposure : FixedDecimal.product(exposure, worth, .up))
            }
        }
        return sum
    }

    // MARK: - Single checks

    /// What the amounts of a level are in, for a denial.
    func currency(_ level: Level, _ question: RiskQuestion) -> String {
        let settings = accounts[rows[question.row].account].settings
        switch level {
        case .strategy, .account: return settings.currency
        case .venue, .everything: return settings.worth == .one ? settings.currency : "of the common currency"
        }
    }

    private func checkOrder(
        _ level: Level, _ limits: RiskLimits, _ question: RiskQuestion, notional: FixedDecimal
    ) throws(RiskDenial) {
        if let allowed = limits.instruments, !allowed.contains(question.terms.symbol) {
            throw .instrumentNotAllowed(symbol: question.terms.symbol, scope: scope(level, of: question.row))
        }
        if let limit = limits.orderNotional, notional > limit {
            throw .orderNotional(
                asked: notional, limit: limit, currency: currency(level, question),
                scope: scope(level, of: question.row))
        }
    }

    private func checkLoss(
        _ level: Level, _ limits: RiskLimits, opening: FixedDecimal, equity: FixedDecimal,
        _ question: RiskQuestion
    ) throws(RiskDenial) {
        let lost = FixedDecimal.difference(opening, equity)
        guard lost.isPositive else { return }
        let amount = limits.dailyLoss
        let share = limits.dailyLossFraction.map { FixedDecimal.product(max(.zero, opening), $0, .down) }
        for case let limit? in [amount, share] where lost >= limit {
            throw .dailyLoss(
                lost: lost, limit: limit, currency: currency(level, question),
                scope: scope(level, of: question.row))
        }
    }

    private func checkTotal(
        _ level: Level, exposure: FixedDecimal, limit: FixedDecimal, _ question: RiskQuestion
    ) throws(RiskDenial) {
        guard exposure <= limit else {
            throw .exposure(
                wouldBe: exposure, limit: limit, currency: currency(level, question),
                scope: scope(level, of: question.row))
        }
    }

    private func checkFunds(
        _ level: Level, cash: FixedDecimal, claimed: FixedDecimal, _ question: RiskQuestion
    ) throws(RiskDenial) {
        let fee = accounts[rows[question.row].account].settings.feeRate
        let rate = FixedDecimal.sum(.one, fee)
        let needed = FixedDecimal.product(claimed, rate, .up)
        guard needed > cash else { return }
        let own = FixedDecimal.product(question.claim.buyNotional, rate, .up)
        let others = FixedDecimal.difference(needed, own)
        throw .insufficientFunds(
            needed: own, available: max(.zero, FixedDecimal.difference(cash, others)),
            currency: currency(level, question), scope: scope(level, of: question.row))
    }

    private func checkLeverage(
        _ level: Level, exposure: FixedDecimal, equity: FixedDecimal, limit: FixedDecimal,
        _ question: RiskQuestion
    ) throws(RiskDenial) {
        let most = FixedDecimal.product(max(.zero, equity), limit, .down)
        guard exposure <= most else {
            throw .leverage(
                exposure: exposure, equity: equity, limit: limit, currency: currency(level, question),
                scope: scope(level, of: question.row))
        }
    }
}
