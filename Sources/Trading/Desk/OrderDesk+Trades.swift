extension OrderDesk {
    /// Books a trade once, on the order and the sub-ledger that it belongs to.
    ///
    /// - Parameter isPaged: Whether it came as the answer to a question for trades, and not by stream.
    mutating func book(
        _ trade: VenueTrade, isPaged: Bool, on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let number = gate.account(account), !isUndecided(trade, on: account) else { return }
        let venue = gate.accounts[number].settings.venue
        let key = FillKey(venue: venue, account: account, symbol: trade.symbol, trade: trade.trade)
        let owner = owner(of: trade, on: account)
        let fill = trade.fill(
            key, order: owner?.order.id ?? OrderID(0), strategy: owner?.order.intent.strategy ?? .external)
        guard gate.accounts[number].settings.tellsTradesOnce || isNew(fill, owner, isPaged, &actions) else {
            return
        }
        guard TradingBounds.allows(price: trade.price, quantity: trade.quantity),
            FixedDecimal.size(trade.fee) <= TradingBounds.notional
        else {
            actions.append(.alarm(.absurdTrade(key)))
            return
        }
        guard let owner else {
            bookExternal(fill, on: number, at: time, &actions)
            return
        }
        if owner.order.inferredQuantity.isPositive {
            undoInferred(fill.quantity, because: fill, of: owner, at: time, &actions)
        }
        book(fill, row: owner.row, at: time, &actions)
    }

    /// Whether a trade was not told before; notes by which way it came.
    private mutating func isNew(
        _ fill: Fill, _ owner: Entry?, _ isPaged: Bool, _ actions: inout [DeskAction]
    ) -> Bool {
        let (key, account) = (fill.key, fill.key.account)
        let known = fills[key]
        if isPaged {
            tails[account]?.streamed.remove(key)
        } else if known == nil {
            tails[account, default: TradeTail()].streamed.insert(key)
        }
        guard let known else { return true }
        // A trade of nobody's order may have been booked in parts, which cannot be compared.
        if owner != nil, !known.tellsTheSame(as: fill) { actions.append(.alarm(.fillChanged(key))) }
        return false
    }

    /// Whether nobody can say yet whose a trade is: it has no name of ours on it, and there is an order of ours that it may be
    /// of and whose number at the venue is not known, because its answer is missing or it is being changed. Booked as
    /// nobody's, it would be missing from that order for good. Once the order is accounted for the venue tells it again,
    /// since until then the cursor does not move.
    ///
    /// Of an order about which a person is asked the adapter has found out what can be found out.
    func isUndecided(_ trade: VenueTrade, on account: AccountID) -> Bool {
        guard trade.clientID == nil, let number = gate.account(account), owner(of: trade, on: account) == nil
        else { return false }
        let key = FillKey(
            venue: gate.accounts[number].settings.venue, account: account, symbol: trade.symbol,
            trade: trade.trade)
        guard fills[key] == nil else { return false }
        return gate.accounts[number].rows.contains { row in
            gate.rows[row].live.contains { id in
                guard let order = entries[id]?.order, ambiguities[id] == nil, order.symbol == trade.symbol,
                    order.side == trade.side
                else { return false }
                return order.amendment != nil || order.venueOrderID == nil && order.status != .pending
            }
        }
    }

    private func owner(of trade: VenueTrade, on account: AccountID) -> Entry? {
        let id: OrderID?
        if let clientID = trade.clientID {
            id = order(named: clientID, on: account)
        } else {
            id = order(named: trade.venueOrderID, on: account)
        }
        guard let id, let entry = entries[id], entry.order.symbol == trade.symbol,
            entry.order.side == trade.side
        else { return nil }
        return entry
    }

    /// Puts a fill into its order and its row, and says so to everyone concerned.
    private mutating func book(
        _ fill: Fill, row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        // All that follows from a trade, in one piece of memory.
        actions.reserveCapacity(actions.count + 6)
        if !gate.accounts[gate.rows[row].account].settings.tellsTradesOnce { remember(fill) }
        actions.append(.record(.fill(fill)))
        let fee = gate.book(fill, into: row)
        if fee == nil { actions.append(.alarm(.feeNotCounted(fill.key, currency: fill.feeCurrency))) }
        noteChange(by: fill, of: row, fee: fee, at: time, &actions)
        actions.append(.record(.ledger(gate.ledgerRecord(of: row, at: time))))
        let order = entries[fill.order]?.order
        actions.append(.tell(fill.strategy, .fill(fill, request: order?.intent.request)))
        if order != nil {
            handle(.filled(fill, feeInQuote: fee ?? .zero), for: fill.order, at: time, &actions)
        }
        noteTrade(fill, on: row, at: time, &actions)
        actions.append(.tell(fill.strategy, .position(summary(of: row, at: time))))
        fitReduceOnly(row, at: time, &actions)
        guard !brackets.all.isEmpty else { return }
        reviveBracket(of: fill.order, row: row, at: time, &actions)
        tendBrackets(row, at: time, &actions)
    }

    /// Takes back as much of inferred fills as a real one now explains, each part at the price at which it was booked.
    private mutating func undoInferred(
        _ quantity: FixedDecimal, because fill: Fill, of owner: Entry, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        var rest = min(quantity, owner.order.inferredQuantity)
        for (inferred, left) in inferredFills(of: owner.order) where rest.isPositive {
            let undone = min(rest, left)
            rest = FixedDecimal.difference(rest, undone)
            let key = FillKey(
                venue: fill.key.venue, account: fill.key.account, symbol: fill.symbol,
                trade: TradeID("undone:\(fill.key.trade):\(inferred.key.trade)"))
            let reversal = Fill(
                key: key, order: fill.order, strategy: fill.strategy, side: fill.side.opposite,
                price: inferred.price, quantity: undone, fee: .zero, feeCurrency: inferred.feeCurrency,
                liquidity: .taker, time: fill.time, isInferred: true)
            remember(reversal)
            actions.append(.record(.fill(reversal)))
            _ = gate.book(reversal, into: owner.row)
            noteChange(by: reversal, of: owner.row, fee: .zero, at: time, &actions)
            actions.append(.record(.ledger(gate.ledgerRecord(of: owner.row, at: time))))
            handle(.inferredUndone(reversal, feeInQuote: .zero), for: fill.order, at: time, &actions)
        }
    }

    /// The inferred fills of an order with what is left of each, in an order that is always the same.
    private func inferredFills(of order: Order) -> [(fill: Fill, left: FixedDecimal)] {
        let known = fills.values.filter { $0.order == order.id && $0.isInferred }
        return known.filter { $0.side == order.side }.sorted { $0.key.trade < $1.key.trade }.compactMap {
            inferred in
            let undone = known.filter {
                $0.side != order.side && $0.key.trade.text.hasSuffix(inferred.key.trade.text)
            }
            let left = undone.reduce(inferred.quantity) { FixedDecimal.difference($0, $1.quantity) }
            return left.isPositive ? (inferred, left) : nil
        }
    }

    /// Books what the venue says is filled but shows no trades for, after it was asked often enough.
    mutating func inferOwedFills(on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]) {
        for id in owed.sorted() {
            guard let entry = entries[id], entry.order.intent.account == account else { continue }
            let since = entry.owedSince ?? time
            entries[id]?.owedSince = since
            entries[id]?.tradeQuestions += 1
            guard entry.tradeQuestions + 1 >= settings.tradeQuestions,
                time >= since.advanced(byMilliseconds: settings.questionMilliseconds)
            else { continue }
            infer(entry, at: time, &actions)
        }
    }

    private mutating func infer(_ entry: Entry, at time: Timestamp, _ actions: inout [DeskAction]) {
        let order = entry.order
        let quantity = FixedDecimal.difference(order.venueFilledQuantity, order.filledQuantity)
        let market = gate.markets[gate.rows[entry.row].market]
        let price = order.price ?? market.lastPrice ?? order.intent.reservePrice
        guard TradingBounds.allows(price: price, quantity: quantity) else { return }
        let key = FillKey(
            venue: order.intent.venue, account: order.intent.account, symbol: order.symbol,
            trade: TradeID("inferred:\(order.intent.clientID):\(order.venueFilledQuantity)"))
        guard fills[key] == nil else { return }
        let fill = Fill(
            key: key, order: order.id, strategy: order.intent.strategy, side: order.side, price: price,
            quantity: quantity, fee: .zero, feeCurrency: market.instrument.quote, liquidity: .taker,
            time: time,
            isInferred: true)
        actions.append(.alarm(.fillInferred(order.id, order.intent.strategy, quantity: quantity)))
        book(fill, row: entry.row, at: time, &actions)
    }

    /// Books a trade that no order of ours explains, such as a liquidation.
    ///
    /// It first closes what strategies hold the other way, the largest first, for that is what a liquidation does; the
    /// rest is held under ``StrategyID/external``.
    private mutating func bookExternal(
        _ fill: Fill, on account: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        let settings = gate.accounts[account].settings
        guard let market = gate.market(fill.symbol, at: settings.venue) else {
            actions.append(.alarm(.absurdTrade(fill.key)))
            return
        }
        let closes = gate.accounts[account].rows.filter { number in
            let quantity = gate.rows[number].ledger.quantity
            return gate.rows[number].market == market
                && (fill.side == .sell ? quantity.isPositive : quantity.isNegative)
        }.sorted { left, right in
            let sizes = (
                FixedDecimal.size(gate.rows[left].ledger.quantity),
                FixedDecimal.size(gate.rows[right].ledger.quantity)
            )
            return sizes.0 == sizes.1 ? left < right : sizes.0 > sizes.1
        }
        var parts: [(row: Int, quantity: FixedDecimal)] = []
        var rest = fill.quantity
        for row in closes where rest.isPositive {
            let part = min(rest, FixedDecimal.size(gate.rows[row].ledger.quantity))
            parts.append((row, part))
            rest = FixedDecimal.difference(rest, part)
        }
        if rest.isPositive {
            parts.append((externalRow(account: account, market: market, at: time, &actions), rest))
        }
        let strategies = parts.map { gate.key(of: $0.row).strategy }
        actions.append(.alarm(.externalTrade(fill.key, bookedOn: strategies)))
        var feeLeft = fill.fee
        for (number, part) in parts.enumerated() {
            let isLast = number == parts.count - 1
            // A share of a fill lies between nought and one, and a fill is never of nought.
            let share = FixedDecimal.quotient(part.quantity, fill.quantity, .down)
            let fee = isLast ? feeLeft : FixedDecimal.product(fill.fee, share, .down)
            feeLeft = FixedDecimal.difference(feeLeft, fee)
            book(
                fill.part(number, strategy: strategies[number], quantity: part.quantity, fee: fee),
                row: part.row, at: time, &actions)
        }
    }

    private mutating func externalRow(
        account: Int, market: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) -> Int {
        let settings = gate.accounts[account].settings
        let id = StrategyID("\(StrategyID.external):\(settings.id)")
        let number: Int
        if let known = gate.strategy(id) {
            number = known
        } else {
            let enrolment = Enrolment(
                strategy: id, run: RunID(""), account: settings.id, capital: .zero, limits: .none,
                isRunning: false, day: today, dayOpeningEquity: .zero)
            number = gate.addStrategy(enrolment, account: account)
            actions.append(.record(.enrolment(enrolment)))
        }
        return gate.row(strategy: number, account: account, market: market)
    }

    /// Keeps reduce-only orders within the position, so that one strategy's exit never sells another's holding.
    private mutating func fitReduceOnly(_ row: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        for id in gate.rows[row].live {
            guard let order = entries[id]?.order, order.intent.terms.reduceOnly else { continue }
            let position = gate.rows[row].ledger.quantity
            let held = (order.side == .sell) == position.isPositive ? FixedDecimal.size(position) : .zero
            guard order.remainingQuantity > held else { continue }
            if held.isZero {
                handle(.cancelWanted, for: id, at: time, &actions)
            } else if order.status == .open || order.status == .partiallyFilled, order.amendment == nil,
                !order.cancelWanted
            {
                let step = gate.markets[gate.rows[row].market].instrument.stepSize
                let total = FixedDecimal.sum(order.filledQuantity, held)
                let fitting = FixedDecimal.stepped(total, step, .down)
                guard fitting > order.filledQuantity else {
                    handle(.cancelWanted, for: id, at: time, &actions)
                    continue
                }
                let amendment = Amendment(quantity: fitting, price: order.price)
                handle(.amendSent(amendment), for: id, at: time, &actions)
                actions.append(.send(order.intent.account, .amend(order.reference, amendment)))
            }
        }
    }
}

extension VenueTrade {
    fileprivate func fill(_ key: FillKey, order: OrderID, strategy: StrategyID) -> Fill {
        Fill(
            key: key, order: order, strategy: strategy, side: side, price: price, quantity: quantity,
            fee: fee,
            feeCurrency: feeCurrency, liquidity: liquidity, time: time)
    }
}

extension Fill {
    /// The share of one strategy in a trade of the account. The first keeps the venue's trade id, so that the trade is
    /// known when it is told again.
    fileprivate func part(
        _ number: Int, strategy: StrategyID, quantity: FixedDecimal, fee: FixedDecimal
    ) -> Fill {
        let trade = number == 0 ? key.trade : TradeID("\(key.trade)#\(number + 1)")
        return Fill(
            key: FillKey(venue: key.venue, account: key.account, symbol: key.symbol, trade: trade),
            order: order, strategy: strategy, side: side, price: price, quantity: quantity, fee: fee,
            feeCurrency: feeCurrency, liquidity: liquidity, time: time)
    }
}
