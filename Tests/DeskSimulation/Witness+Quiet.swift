import Exchanges
import Trading

/// What must hold once all is quiet.
extension Witness {
    /// Where the desk's books and the truth differ. Call it once nothing is under way any more.
    func disagreements(with desk: OrderDesk) -> [String] {
        let snapshot = desk.snapshot
        return orderFlaws(desk) + moneyFlaws(snapshot) + holdingFlaws(snapshot)
            + reservationFlaws(desk, snapshot) + (plan.isMargin ? [] : balanceFlaws(desk, snapshot))
    }

    private func orderFlaws(_ desk: OrderDesk) -> [String] {
        var flaws: [String] = []
        for (id, intent) in intents.sorted(by: { $0.value.number < $1.value.number }) {
            guard let order = desk.order(intent.number), order.intent.clientID == id else {
                flaws.append("the desk has forgotten order \(intent.number)")
                continue
            }
            if mustEnd.contains(order.id), !order.status.isTerminal {
                flaws.append("order \(order.id) should be gone and is \(order.status)")
            }
            if order.filledQuantity > order.quantity, !plan.has(.e12), !isAlarmed(order.id) {
                flaws.append("nobody was told that order \(order.id) filled for more than it asked")
            }
            if venue.rejected[id] != nil {
                if order.status != .rejected, order.status != .notPlaced {
                    flaws.append("order \(order.id) was rejected and is \(order.status)")
                }
                continue
            }
            if intent.wasReturned, !intent.hasArrived, order.status == .rejected {
                flaws.append("order \(order.id) was given up for a wrong timestamp alone")
            }
            guard let known = venue.order(id, on: intent.account) else {
                switch order.status {
                case .notPlaced, .rejected, .denied: break
                default: flaws.append("order \(order.id) never arrived and is \(order.status)")
                }
                continue
            }
            flaws += differences(
                order, known, excess: venue.excess[id] ?? .zero,
                before: venue.filledBefore(id, on: intent.account))
            flaws += doubleFlaws(order)
        }
        return flaws
    }

    /// E12: an order that is open twice for longer than the desk may take to look is told of.
    private func doubleFlaws(_ order: Order) -> [String] {
        guard plan.isAlone(.e12), let overlap = venue.replacing?.overlaps[order.intent.clientID],
            overlap > 2 * (World.auditMilliseconds + 1_000)
        else { return [] }
        let isTold = alarms.contains { alarm in
            if case .openTwice(order.id, _, _) = alarm { true } else { false }
        }
        return isTold ? [] : ["order \(order.id) was open twice for \(overlap) ms, and nobody was told"]
    }

    /// Whether the operator was told that an order cannot be cancelled: then it may stay.
    func isGivenUp(_ id: OrderID) -> Bool {
        alarms.contains { alarm in
            if case .cancelFailing(id, _, _) = alarm { true } else { false }
        }
    }

    /// Orders that have ended here and of which a part is open at the venue.
    func openAfterTheirEnd(in desk: OrderDesk) -> [OrderID] {
        guard venue.replacing != nil else { return [] }
        return intents.values.filter { intent in
            guard let order = desk.order(intent.number), order.status.isTerminal else { return false }
            return venue.order(order.intent.clientID, on: intent.account)?.state == .open
        }.map(\.number).sorted()
    }

    private func isAlarmed(_ id: OrderID) -> Bool {
        alarms.contains { alarm in
            if case .order(id, _, .overfilled) = alarm { true } else { false }
        }
    }

    /// - Parameters:
    ///   - excess: What filled beyond what was ordered.
    ///   - before: What filled under earlier names, at a venue that replaces orders.
    private func differences(
        _ order: Order, _ known: MatchingOrder, excess: FixedDecimal, before: FixedDecimal
    ) -> [String] {
        var flaws: [String] = []
        let excess = sum(excess, before)
        let filled = sum(known.filledQuantity, excess)
        if order.filledQuantity != filled {
            flaws.append("order \(order.id): \(order.filledQuantity) of \(filled) booked")
        }
        let isRight: Bool
        // It came late and ended without a trade, and the stream that would have told was broken: nobody asks any more.
        if order.status == .notPlaced, filled.isZero, known.state != .open { return flaws }
        switch known.state {
        case .open:
            isRight =
                order.status == .open || order.status == .partiallyFilled
                || order.status == .pendingCancel && isGivenUp(order.id)
        case .filled: isRight = order.status == .filled
        case .cancelled:
            isRight = order.status == .cancelled || (order.status == .filled && excess.isPositive)
        case .expired: isRight = order.status == .expired || (order.status == .filled && excess.isPositive)
        case .rejected: isRight = order.status == .rejected
        }
        if !isRight { flaws.append("order \(order.id) is \(known.state) there and \(order.status) here") }
        if known.state != .rejected, before.isZero,
            order.quantity != known.terms.quantity || order.price != known.terms.price
        {
            flaws.append(
                "order \(order.id) is for \(known.terms.quantity) at \(words(known.terms.price)) there and for "
                    + "\(order.quantity) at \(words(order.price)) here")
        }
        return flaws
    }

    private func words(_ price: FixedDecimal?) -> String { price.map(\.description) ?? "any price" }

    private func moneyFlaws(_ snapshot: DeskSnapshot) -> [String] {
        var flaws: [String] = []
        for account in plan.accounts {
            var money = FixedDecimal.zero
            var quantities: [String: FixedDecimal] = [:]
            var withoutExcess = FixedDecimal.zero
            for trade in venue.trades[account] ?? [] {
                let flow = trade.trade.flow
                money = sum(money, flow)
                if !trade.trade.trade.text.hasPrefix("X") { withoutExcess = sum(withoutExcess, flow) }
                quantities[trade.trade.symbol] = sum(
                    quantities[trade.trade.symbol] ?? .zero, trade.trade.change)
            }
            var here = FixedDecimal.zero
            var booked: [String: FixedDecimal] = [:]
            for record in snapshot.ledgers.values where record.key.account == account {
                here = sum(here, record.ledger.cashFlow)
                booked[record.key.symbol] = sum(booked[record.key.symbol] ?? .zero, record.ledger.quantity)
            }
            if here != money { flaws.append("account \(account): \(here) USDT moved here, \(money) there") }
            for symbol in World.symbols where booked[symbol] ?? .zero != quantities[symbol] ?? .zero {
                flaws.append(
                    "account \(account) holds \(booked[symbol] ?? .zero) \(symbol) here, "
                        + "\(quantities[symbol] ?? .zero) there")
            }
            if !plan.isMargin, let total = venue.engine.account(account)?.balances["USDT"]?.total,
                total != sum(World.balance, withoutExcess)
            {
                flaws.append("the venue's own money of \(account) is not what its trades come to")
            }
        }
        return flaws
    }

    /// Each strategy's own holdings, and not the account's sum alone.
    private func holdingFlaws(_ snapshot: DeskSnapshot) -> [String] {
        guard !hasStrangers else { return [] }
        var booked: [HoldingName: FixedDecimal] = [:]
        for record in snapshot.ledgers.values {
            let name = HoldingName(strategy: record.key.strategy, symbol: record.key.symbol)
            booked[name] = sum(booked[name] ?? .zero, record.ledger.quantity)
        }
        return Set(held.keys).union(booked.keys).sorted().compactMap { name in
            let (here, there) = (booked[name] ?? .zero, held[name] ?? .zero)
            return here == there
                ? nil : "\(name.strategy) holds \(here) \(name.symbol) here, and traded for \(there)"
        }
    }

    /// What nothing holds back any more must be free.
    private func reservationFlaws(_ desk: OrderDesk, _ snapshot: DeskSnapshot) -> [String] {
        guard !plan.isMargin else { return [] }
        var flaws: [String] = []
        for strategy in plan.strategies where desk.liveOrders(of: strategy).isEmpty {
            var cash = World.capital
            for record in snapshot.ledgers.values where record.key.strategy == strategy {
                cash = sum(cash, record.ledger.cashFlow)
            }
            let free = desk.available(to: strategy)
            if free != max(.zero, cash) {
                flaws.append("\(strategy) has nothing open, and \(free) of \(cash) is free")
            }
        }
        return flaws
    }
}
