import Trading

/// Limits of a venue, on drawdown and on orders for each trade, by what truly is.
extension Witness {
    /// Takes note of what everything with a limit on its drawdown is worth.
    func watch(_ desk: OrderDesk) {
        for strategy in plan.strategies where plan.limits.drawdown != nil {
            note(desk.profit(of: strategy)?.equity, of: .strategy(strategy))
        }
        for account in plan.accounts where plan.accountLimits.drawdown != nil {
            note(desk.profit(of: account)?.equity, of: .account(account))
        }
    }

    private func note(_ equity: FixedDecimal?, of scope: RiskScope) {
        guard let equity else { return }
        peaks[scope] = max(peaks[scope] ?? equity, equity)
    }

    /// The equity without any trade.
    func money(of scope: RiskScope) -> FixedDecimal {
        switch scope {
        case .strategy: World.capital
        case .account: World.balance
        case .venue, .everything: .zero
        }
    }

    /// An order that opens a position passed: had equity fallen too far?
    func fallFlaws(_ order: Order, in desk: OrderDesk) -> [String] {
        watch(desk)
        let (strategy, account) = (order.intent.strategy, order.intent.account)
        let all: [(RiskScope, FixedDecimal?, FixedDecimal?)] = [
            (.strategy(strategy), plan.limits.drawdown, desk.profit(of: strategy)?.equity),
            (.account(account), plan.accountLimits.drawdown, desk.profit(of: account)?.equity),
        ]
        return all.compactMap { scope, limit, equity in
            guard let limit, let equity, let peak = peaks[scope] else { return nil }
            let fallen = difference(peak, equity)
            guard fallen.isPositive, fallen > product(peak, limit) else { return nil }
            return "order \(order.id) passed although \(scope) has fallen by \(fallen) from \(peak)"
        }
    }

    /// An order that opens a position passed: were there trades enough for the orders before it?
    ///
    /// The desk counts in slices of a second, from the time at which it heard; this looks a little less far back for
    /// orders, and counts every trade of the schedule.
    func ratioFlaws(_ order: Order, in desk: OrderDesk, at time: Timestamp) -> [String] {
        guard let limit = plan.limits.orderToTrade, !plan.has(.w5) else { return [] }
        let strategy = order.intent.strategy
        var sent = 0
        for intent in intents.values where intent.strategy == strategy {
            guard let made = desk.order(intent.number)?.intent,
                made.createdAt > time.advanced(byMilliseconds: -58_000), made.origin == .strategy
            else { continue }
            sent += 1
        }
        let traded = (venue.trades[order.intent.account] ?? []).count { trade in
            trade.order.flatMap { intents[$0]?.strategy } == strategy
        }
        guard sent > Plan.ratioMinimum, FixedDecimal(sent) > product(limit, FixedDecimal(traded)) else {
            return []
        }
        return ["\(strategy) sent \(sent) orders in a minute for \(traded) trades, the limit is \(limit)"]
    }

    /// An order that opens a position passed: do all accounts at the venue together keep the venue's limits?
    func venueFlaws(_ order: Order, in desk: OrderDesk, at time: Timestamp) -> [String] {
        var flaws: [String] = []
        if let limit = plan.venueLimits.ordersPerMinute, !plan.has(.w5) {
            let count = intents.values.count { intent in
                guard let made = desk.order(intent.number)?.intent else { return false }
                return made.createdAt > time.advanced(byMilliseconds: -60_000) && made.origin == .strategy
            }
            if count > limit {
                flaws.append("\(count) orders in a minute at the venue, the limit is \(limit)")
            }
        }
        guard let limit = plan.venueLimits.exposure, !isBent else { return flaws }
        var exposure = FixedDecimal.zero
        for symbol in World.symbols {
            guard let price = desk.lastPrice(symbol, at: World.venue) else { return flaws }
            for strategy in plan.strategies {
                exposure = sum(exposure, product(worst(symbol, of: strategy, in: desk), price))
            }
        }
        if exposure > limit {
            flaws.append("the accounts at the venue can come to hold \(exposure), the limit is \(limit)")
        }
        return flaws
    }

    /// The largest position, by size, that open orders could lead to.
    private func worst(_ symbol: String, of strategy: StrategyID, in desk: OrderDesk) -> FixedDecimal {
        var (buys, sells) = (FixedDecimal.zero, FixedDecimal.zero)
        for (id, intent) in intents
        where intent.strategy == strategy && intent.symbol == symbol && !intent.terms.reduceOnly {
            let rest = remaining(id, intent, in: desk)
            if intent.terms.side == .buy { buys = sum(buys, rest) } else { sells = sum(sells, rest) }
        }
        let position = held[HoldingName(strategy: strategy, symbol: symbol)] ?? .zero
        return max(size(sum(position, buys)), size(difference(position, sells)))
    }
}
