import Host
import Trading

/// Strategies that ask for stop-losses and take-profits, and what of them must have come to its end.
extension Schedule {
    /// Where what an order opens is closed again; nil for most orders.
    ///
    /// It rolls dice of its own, so that a seed without brackets has the history that it had before there were any.
    func legs(for terms: OrderTerms) -> BracketPrices? {
        guard plan.hasBrackets, legRandom.percent(45), !terms.reduceOnly,
            plan.isMargin || terms.side == .buy
        else { return nil }
        return prices(terms.symbol, exit: terms.side.opposite)
    }

    private func prices(_ symbol: String, exit: Side) -> BracketPrices {
        let number = World.symbols.firstIndex(of: symbol) ?? 0
        let below = market.away(number, ticks: -legRandom.between(16, 60))
        let above = market.away(number, ticks: legRandom.between(16, 60))
        var prices =
            exit == .sell
            ? BracketPrices(stopLoss: below, takeProfit: above)
            : BracketPrices(stopLoss: above, takeProfit: below)
        if legRandom.percent(20) { prices.takeProfit = nil }
        return prices
    }

    /// A strategy protects what it holds, moves its legs or takes them away.
    func actOnBrackets(by strategy: StrategyID, _ driver: DeskDriver) {
        guard plan.hasBrackets else { return }
        let owned = driver.desk.liveBrackets(of: strategy)
        switch legRandom.below(4) {
        case 0, 1:
            let held = driver.desk.positions(of: strategy, at: wallClock).filter { !$0.quantity.isZero }
            guard !held.isEmpty else { return }
            let position = legRandom.one(of: held)
            let side: Side = position.quantity.isPositive ? .sell : .buy
            bracketRequests += 1
            let request = RequestID("oco\(bracketRequests)")
            let prices = prices(position.key.symbol, exit: side)
            driver.decide { desk, now in
                desk.protect(
                    position.key.symbol, side: side, quantity: size(position.quantity), prices: prices,
                    request: request, by: strategy, at: now)
            }
        case 2:
            guard !owned.isEmpty else { return }
            let bracket = legRandom.one(of: owned)
            let prices = prices(bracket.key.symbol, exit: bracket.side)
            driver.decide { desk, now in
                desk.amendBracket(bracket.request, prices: prices, by: strategy, at: now)
            }
        default:
            guard !owned.isEmpty, legRandom.percent(40) else { return }
            let bracket = legRandom.one(of: owned)
            driver.decide { desk, now in desk.cancelBracket(bracket.request, by: strategy, at: now) }
        }
    }

    /// Compares brackets with orders and positions, after each event.
    func checkBrackets() {
        guard plan.hasBrackets, mutation == nil || mutation?.isOfBrackets == true, let desk else { return }
        for words in brackets.flaws(in: desk, at: wallClock) { flaw(words) }
    }

    /// What is reached and not closed. Where the venue refuses to close it, such as a reduce-only order that is larger than
    /// the account's own position, an operator takes the bracket away after a minute.
    func bracketUnrest(after seconds: Int, _ driver: DeskDriver) -> [String] {
        let open = driver.desk.liveBrackets().filter { $0.status == .triggered }
        guard seconds >= 70, plan.isMargin || plan.bendsLimits else {
            return open.map { "bracket \($0.id) was reached and still protects \($0.quantity)" }
        }
        for bracket in open {
            driver.decide { $0.cancelBracket(bracket.id, reason: "by hand", at: $1) }
        }
        return []
    }
}

extension DeskSnapshot {
    /// As if no leg had ever been reached: the other one lives on.
    var withoutTriggers: DeskSnapshot {
        var snapshot = self
        for (id, bracket) in brackets where bracket.leg != nil {
            snapshot.brackets[id] = Bracket(
                id: id, key: bracket.key, run: bracket.run, request: bracket.request,
                hasEntry: bracket.hasEntry, side: bracket.side, prices: bracket.prices, status: .held,
                armed: bracket.armed, closed: bracket.closed, closedBefore: bracket.closedBefore,
                released: bracket.released, leg: nil, exit: bracket.exit, reason: nil,
                createdAt: bracket.createdAt, updatedAt: bracket.updatedAt)
        }
        return snapshot
    }

    /// As if brackets ended with the host.
    var withoutBrackets: DeskSnapshot {
        var snapshot = self
        snapshot.brackets = [:]
        return snapshot
    }
}
