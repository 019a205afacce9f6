extension OrderDesk {
    /// Refuses an order that could meet a standing order of the same account at once, where a limit says so.
    ///
    /// Orders that wait for a trigger are let pass: what stands when they fire is not known yet. So are
    /// reduce-only orders: a way out must stay open.
    ///
    /// - Parameter price: The limit, or the worst that a market order should meet.
    func checkSelfTrade(_ terms: OrderTerms, at price: FixedDecimal, row: Int) throws(RiskDenial) {
        guard let scope = gate.selfTradeScope(of: row), !terms.type.needsStopPrice, !terms.reduceOnly else {
            return
        }
        var bound = price
        if terms.type == .market, terms.side == .sell {
            let allowance = gate.accounts[gate.rows[row].account].settings.marketAllowance
            bound = FixedDecimal.product(price, max(.zero, FixedDecimal.difference(.one, allowance)), .down)
        }
        let cell = gate.rows[row].cell
        for other in gate.accounts[gate.rows[row].account].rows where gate.rows[other].cell == cell {
            for id in gate.rows[other].live {
                guard let order = entries[id]?.order, order.side != terms.side,
                    !order.intent.terms.type.needsStopPrice, let standing = order.price
                else { continue }
                // A change that is on its way may have reached the venue.
                let changed = order.amendment?.price ?? standing
                let meets =
                    terms.side == .buy
                    ? bound >= min(standing, changed) : bound <= max(standing, changed)
                if meets { throw .selfTrade(symbol: terms.symbol, order: id, scope: scope) }
            }
        }
    }
}

extension RiskGate {
    /// Whose limits forbid trades of an account with itself; nil where they are allowed.
    func selfTradeScope(of row: Int) -> RiskScope? {
        let (strategy, account) = (rows[row].strategy, rows[row].account)
        if limits.preventsSelfTrades { return .everything }
        if accounts[account].limits.preventsSelfTrades { return .account(accounts[account].settings.id) }
        let venue = accounts[account].venue
        if venues[venue].limits.preventsSelfTrades { return .venue(venues[venue].id) }
        guard strategies[strategy].enrolment.limits.preventsSelfTrades else { return nil }
        return .strategy(strategies[strategy].enrolment.strategy)
    }
}
