/// From a price that reaches a leg to a position that is closed.
extension OrderDesk {
    /// Looks whether a price reaches legs. Nearly always it reaches none, and that costs a comparison for each.
    ///
    /// - Parameters:
    ///   - bid: What a sale would trade at.
    ///   - ask: What a purchase would trade at.
    mutating func watchBrackets(
        _ market: Int, bid: FixedDecimal, ask: FixedDecimal, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let watches = brackets.watches[market] else { return }
        for watch in watches {
            let price = watch.side == .sell ? bid : ask
            if let leg = watch.prices.leg(reachedAt: price, exit: watch.side) {
                trigger(watch.id, leg, at: price, row: watch.row, at: time, &actions)
            }
        }
    }

    /// Brings the brackets of a row in line with its orders and its position, and does what follows.
    ///
    /// Doing it twice changes nothing the second time. It is done after each fill, after each end of an order, and with
    /// every ``review(at:)``.
    mutating func tendBrackets(_ row: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard let ids = brackets.live[row] else { return }
        let before = ids.compactMap { brackets[$0] }
        var now = before
        for index in now.indices { count(&now[index]) }
        release(&now, row)
        for index in now.indices { settle(&now[index]) }
        for (index, bracket) in now.enumerated() where bracket != before[index] {
            var changed = bracket
            changed.updatedAt = time
            keep(changed, row: row, &actions)
        }
        for bracket in now where bracket.status.isLive { advance(bracket.id, row, at: time, &actions) }
    }

    /// Does the same for every row that has brackets.
    mutating func tendAllBrackets(at time: Timestamp, _ actions: inout [DeskAction]) {
        for row in brackets.live.keys.sorted() { tendBrackets(row, at: time, &actions) }
    }

    /// A fill of an entry whose bracket was over already, such as one that comes after the entry's end: it is protected all
    /// the same, unless somebody took the bracket away.
    mutating func reviveBracket(
        of order: OrderID, row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard var bracket = brackets[order], bracket.hasEntry, !bracket.status.isLive,
            bracket.status != .cancelled
        else { return }
        count(&bracket)
        guard bracket.quantity.isPositive else { return }
        bracket.status = bracket.leg == nil ? .held : .triggered
        if bracket.leg == nil { bracket.reason = nil }
        bracket.updatedAt = time
        keep(bracket, row: row, &actions)
    }

    /// How much was put under protection, and how much its exits have closed.
    private func count(_ bracket: inout Bracket) {
        if bracket.hasEntry, let entry = entries[bracket.id]?.order { bracket.armed = entry.filledQuantity }
        if let exit = bracket.exit, let order = entries[exit]?.order {
            bracket.closed = FixedDecimal.sum(bracket.closedBefore, order.filledQuantity)
        }
    }

    /// What left the position otherwise is protected no longer: a stop must not close what is bought later. The oldest
    /// brackets give way first, and those whose exit is under way last.
    private func release(_ brackets: inout [Bracket], _ row: Int) {
        for side in Side.allCases {
            let mine = brackets.indices.filter { brackets[$0].side == side }
            guard !mine.isEmpty else { continue }
            var excess = FixedDecimal.opposite(held(row, against: side))
            for index in mine { excess = FixedDecimal.sum(excess, brackets[index].quantity) }
            let order = mine.filter { brackets[$0].leg == nil } + mine.filter { brackets[$0].leg != nil }
            for index in order where excess.isPositive {
                let part = min(excess, brackets[index].quantity)
                brackets[index].released = FixedDecimal.sum(brackets[index].released, part)
                excess = FixedDecimal.difference(excess, part)
            }
        }
    }

    /// Where a bracket stands, by its amounts.
    private func settle(_ bracket: inout Bracket) {
        let isEmpty = bracket.quantity.isZero
        if bracket.leg == nil {
            bracket.status = isEmpty ? .waiting : .held
            guard isEmpty, isEntryOver(bracket) else { return }
            bracket.status = .expired
            bracket.reason =
                bracket.armed.isZero
                ? "its order ended without a fill" : "what it protected has left the position"
        } else {
            guard isEmpty, isEntryOver(bracket), !isExitUnderWay(bracket) else { return }
            bracket.status = bracket.closed.isPositive ? .done : .expired
            if bracket.closed.isZero { bracket.reason = "the position was closed before its exit" }
        }
    }

    /// Whether nothing more of the entry can fill, as far as is known.
    private func isEntryOver(_ bracket: Bracket) -> Bool {
        guard bracket.hasEntry, let entry = entries[bracket.id]?.order else { return true }
        return entry.status.isTerminal && !entry.owesTrades
    }

    private func isExitUnderWay(_ bracket: Bracket) -> Bool {
        bracket.exit.map { entries[$0]?.order.status.isTerminal == false } ?? false
    }

    private mutating func advance(
        _ id: OrderID, _ row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let bracket = brackets[id] else { return }
        switch bracket.status {
        case .held:
            guard let price = gate.markets[gate.rows[row].market].lastPrice,
                let leg = bracket.prices.leg(reachedAt: price, exit: bracket.side)
            else { return }
            trigger(id, leg, at: price, row: row, at: time, &actions)
        case .triggered:
            tellOfFailure(bracket, at: time, &actions)
            sendExit(of: id, row: row, at: time, &actions)
        case .waiting, .done, .cancelled, .expired, .failed: break
        }
    }

    /// A leg was reached: the other ends with it, and what of the entry is still open is cancelled.
    private mutating func trigger(
        _ id: OrderID, _ leg: Bracket.Leg, at price: FixedDecimal, row: Int, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard var bracket = brackets[id], bracket.status == .held else { return }
        bracket.status = .triggered
        bracket.leg = leg
        bracket.reason = "\(leg.rawValue) reached at \(price)"
        bracket.updatedAt = time
        keep(bracket, row: row, &actions)
        if bracket.hasEntry, entries[id]?.order.status.isTerminal == false {
            handle(.cancelWanted, for: id, at: time, &actions)
        }
        sendExit(of: id, row: row, at: time, &actions)
    }

    // MARK: The exit

    /// Closes what a triggered bracket protects, or as much of it as no other order holds.
    private mutating func sendExit(
        of id: OrderID, row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        // One that filled did what it could; the rest came free, or filled, later.
        if let exit = brackets[id]?.exit, entries[exit]?.order.status == .filled { brackets.tries[id] = nil }
        guard var bracket = brackets[id], bracket.status == .triggered, bracket.quantity.isPositive,
            !isExitUnderWay(bracket), flattening[row] == nil,
            !isAway(gate.accounts[gate.rows[row].account].settings.id), mayTry(id, at: time)
        else { return }
        let held = held(row, against: bracket.side)
        let free = FixedDecimal.difference(held, promised(row, bracket.side))
        // What its own strategy has open on that side holds the position at the venue.
        if free < bracket.quantity { makeWay(for: bracket, row, at: time, &actions) }
        let quantity = min(bracket.quantity, free)
        guard quantity.isPositive else { return }
        let market = gate.markets[gate.rows[row].market]
        let terms = closingTerms(
            bracket.side, quantity, row: row, attempt: (brackets.tries[id]?.count ?? 0) + 1)
        do throws(FilterFlaw) {
            _ = try market.instrument.normalised(terms, lastPrice: market.lastPrice)
        } catch {
            // Until there is a price to put a limit to.
            if case .limitOrdersOnly = error { return }
            // More may fill, or come free. When nothing can, what is left is more than nought and too small to trade.
            guard quantity == bracket.quantity, isEntryOver(bracket) else { return }
            return abandon(bracket, row, because: error, at: time, &actions)
        }
        // The bracket knows its exit before the exit leaves.
        let exit = OrderID(lastOrder.number + 1)
        bracket.closedBefore = bracket.closed
        bracket.exit = exit
        bracket.updatedAt = time
        keep(bracket, row: row, &actions)
        brackets.tries[id, default: BracketBook.Tries(at: time)].count += 1
        brackets.tries[id]?.at = time
        place(terms, request: nil, origin: .desk, row: row, at: time, &actions)
        assert(lastOrder == exit)
    }

    /// What orders of a side may still trade of a row's position, and what the venue has traded of it unseen.
    private func promised(_ row: Int, _ side: Side) -> FixedDecimal {
        var sum = FixedDecimal.zero
        for id in gate.rows[row].live {
            guard let order = entries[id]?.order, order.side == side else { continue }
            sum = FixedDecimal.sum(sum, order.reservedQuantity)
        }
        for id in owed {
            guard let entry = entries[id], entry.row == row, entry.order.side == side,
                entry.order.status.isTerminal
            else { continue }
            sum = FixedDecimal.sum(sum, entry.order.reservedQuantity)
        }
        return sum
    }

    private mutating func makeWay(
        for bracket: Bracket, _ row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        for id in gate.rows[row].live {
            guard let order = entries[id]?.order, order.side == bracket.side,
                order.intent.origin == .strategy, !order.cancelWanted
            else { continue }
            handle(.cancelWanted, for: id, at: time, &actions)
        }
    }

    /// What is left cannot be traded. When all that was protected is left, a person should know.
    private mutating func abandon(
        _ bracket: Bracket, _ row: Int, because flaw: FilterFlaw, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        var ended = bracket
        ended.status = bracket.closed.isPositive ? .done : .failed
        ended.reason = "what is left is dust: \(flaw)"
        ended.updatedAt = time
        keep(ended, row: row, &actions)
        if ended.status == .failed {
            actions.append(
                .alarm(.exitFailing(bracket.id, bracket.key, reason: "\(flaw); it is not tried again")))
        }
    }

    // MARK: Trying again

    /// A stop does not give up: it is tried again after 1, 2, 4 … seconds, and then every minute.
    private func mayTry(_ id: OrderID, at time: Timestamp) -> Bool {
        guard let tries = brackets.tries[id], tries.count > 0 else { return true }
        return isPast(tries.at, Self.pause(after: tries.count), at: time)
    }

    private static func pause(after tries: Int) -> Int64 { min(60_000, 500 << Int64(min(tries, 7))) }

    /// An exit ended and closed less than it should: a person hears of the first, second, fourth … time.
    private mutating func tellOfFailure(
        _ bracket: Bracket, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let exit = bracket.exit, let order = entries[exit]?.order, order.status.isTerminal,
            order.status != .filled, bracket.quantity.isPositive
        else { return }
        var tries = brackets.tries[bracket.id] ?? BracketBook.Tries(count: 1, at: time)
        guard tries.alarmed != exit else { return }
        tries.alarmed = exit
        brackets.tries[bracket.id] = tries
        guard tries.count & (tries.count - 1) == 0 else { return }
        let reason = order.reason.map { ": \($0)" } ?? ""
        actions.append(
            .alarm(
                .exitFailing(
                    bracket.id, bracket.key,
                    reason: "order \(exit) ended \(order.shownStatus.rawValue)\(reason); it is tried again")))
    }
}
