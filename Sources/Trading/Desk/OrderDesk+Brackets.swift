extension OrderDesk {
    /// A bracket, when it is still remembered.
    public func bracket(_ id: OrderID) -> Bracket? { brackets[id] }

    /// The brackets that wait or work, oldest first; of one strategy, or of all.
    public func liveBrackets(of strategy: StrategyID? = nil) -> [Bracket] {
        brackets.live.values.joined().sorted().compactMap { brackets[$0] }
            .filter { strategy == nil || $0.key.strategy == strategy }
    }

    /// Puts a position that is there under a stop-loss, a take-profit, or both: one exit, whichever is reached first.
    ///
    /// A request id that was used before gets the first answer again.
    ///
    /// - Parameters:
    ///   - side: The side of the exit: `sell` for what is held, `buy` for what is owed.
    ///   - quantity: How much of the position; at most what no other bracket protects.
    ///   - refusal: Why the host takes no orders now, in words.
    public mutating func protect(
        _ symbol: String, side: Side, quantity: FixedDecimal, prices: BracketPrices, request: RequestID,
        by strategy: StrategyID, at time: Timestamp, refusal: String? = nil
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy) else {
            return [.tell(strategy, .denied(request, .notEnrolled(strategy)))]
        }
        if let known = answer(to: request, of: number) { return known }
        var actions = roll(to: time)
        do throws(RiskDenial) {
            if let refusal { throw .refused(reason: refusal) }
            let row = try rowToProtect(symbol, side: side, quantity: quantity, prices: prices, of: number)
            let enrolment = gate.strategies[number].enrolment
            let bracket = Bracket(
                id: nextOrder(), key: gate.key(of: row), run: enrolment.run, request: request,
                hasEntry: false, side: side, prices: prices, armed: quantity, at: time)
            keep(bracket, row: row, &actions)
        } catch {
            actions.append(.tell(strategy, .denied(request, error)))
        }
        return actions
    }

    /// The row of a position that may be protected so.
    private func rowToProtect(
        _ symbol: String, side: Side, quantity: FixedDecimal, prices: BracketPrices, of number: Int
    ) throws(RiskDenial) -> Int {
        let enrolment = gate.strategies[number].enrolment
        let account = gate.strategies[number].account
        guard enrolment.isRunning else { throw .notRunning(enrolment.strategy) }
        guard let market = gate.market(symbol, for: number) else {
            throw .unknownInstrument(symbol: symbol, venue: gate.accounts[account].settings.venue)
        }
        do throws(BracketFlaw) {
            try prices.check(exit: side, reference: gate.markets[market].lastPrice)
            guard let row = gate.findRow(strategy: number, account: account, market: market) else {
                throw .notSoMuch(asked: quantity, free: .zero, symbol: symbol)
            }
            guard flattening[row] == nil else {
                throw .notSoMuch(asked: quantity, free: .zero, symbol: symbol)
            }
            var free = held(row, against: side)
            for id in brackets.live[row] ?? [] where brackets[id]?.side == side {
                free = FixedDecimal.difference(free, brackets[id]?.quantity ?? .zero)
            }
            guard quantity.isPositive, quantity <= free else {
                throw .notSoMuch(asked: quantity, free: max(.zero, free), symbol: symbol)
            }
            return row
        } catch {
            throw .bracket(error)
        }
    }

    /// How much of a row's position orders of a side close.
    func held(_ row: Int, against side: Side) -> FixedDecimal {
        let position = gate.rows[row].ledger.quantity
        return (side == .sell) == position.isPositive ? FixedDecimal.size(position) : .zero
    }

    /// What a request led to, when it was used before for an order or a bracket.
    func answer(to request: RequestID, of strategy: Int) -> [DeskAction]? {
        let name = gate.strategies[strategy].enrolment.strategy
        var actions: [DeskAction] = []
        if let known = known(request, of: strategy), let entry = entries[known] {
            actions.append(.tell(name, .order(entry.order)))
        }
        if let bracket = brackets.bracket(request, of: strategy) {
            actions.append(.tell(name, .bracket(bracket)))
        }
        return actions.isEmpty ? nil : actions
    }

    /// Whether an order may open what a bracket is to protect.
    func check(_ prices: BracketPrices, for terms: OrderTerms, row: Int) throws(RiskDenial) {
        do throws(BracketFlaw) {
            let isSpot = gate.accounts[gate.rows[row].account].settings.kind == .spot
            guard !terms.reduceOnly, terms.side == .buy || !isSpot else { throw .entryReduces }
            let market = gate.markets[gate.rows[row].market]
            try prices.check(
                exit: terms.side.opposite, reference: terms.price ?? terms.stopPrice ?? market.lastPrice)
        } catch {
            throw .bracket(error)
        }
    }

    /// Puts a bracket beside an order that has just been admitted.
    mutating func hold(_ prices: BracketPrices, for order: Order, row: Int, _ actions: inout [DeskAction]) {
        guard let request = order.intent.request else { return }
        let bracket = Bracket(
            id: order.id, key: gate.key(of: row), run: order.intent.run, request: request, hasEntry: true,
            side: order.side.opposite, prices: prices, armed: .zero, at: order.intent.createdAt)
        keep(bracket, row: row, &actions)
    }

    /// Refuses an order that could sell, or buy back, a second time what an exit on its way closes. The bracket itself may
    /// have been taken away meanwhile.
    func checkExits(_ side: Side, row: Int) throws(RiskDenial) {
        for id in gate.rows[row].live {
            guard let order = entries[id]?.order, order.side == side, order.intent.origin == .desk else {
                continue
            }
            throw .exitUnderWay(id, symbol: order.symbol)
        }
    }

    /// Refuses a change to an order that an exit on its way, or its own bracket, does not go with.
    func checkBrackets(of order: Order, becoming terms: OrderTerms, row: Int) throws(RiskDenial) {
        try checkExits(terms.side, row: row)
        guard let bracket = brackets[order.id], bracket.status.isLive, let price = terms.price else { return }
        do throws(BracketFlaw) {
            try bracket.prices.check(exit: bracket.side, reference: price)
        } catch {
            throw .bracket(error)
        }
    }

    // MARK: Changes

    /// Takes a strategy's bracket away, whatever became of its entry. Its state is told again when it is over.
    public mutating func cancelBracket(
        _ request: RequestID, by strategy: StrategyID, at time: Timestamp
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy), let bracket = brackets.bracket(request, of: number) else {
            return [.tell(strategy, .denied(request, .noSuchOrder(request)))]
        }
        guard bracket.status.isLive else { return [.tell(strategy, .bracket(bracket))] }
        return cancelBracket(bracket.id, reason: "cancelled by its strategy", at: time)
    }

    /// Takes a bracket away by its number, as the operator does. Nothing happens to one that is over.
    public mutating func cancelBracket(
        _ id: OrderID, reason: String, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        guard let bracket = brackets[id], bracket.status.isLive, let row = brackets.row(of: id) else {
            return actions
        }
        end(id, row, reason, at: time, &actions)
        if let exit = bracket.exit, entries[exit]?.order.status.isTerminal == false {
            handle(.cancelWanted, for: exit, at: time, &actions)
        }
        return actions
    }

    /// Moves the prices of a bracket none of whose legs was reached; what is not named stays, or is added.
    public mutating func amendBracket(
        _ request: RequestID, prices: BracketPrices, by strategy: StrategyID, at time: Timestamp
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy), var bracket = brackets.bracket(request, of: number),
            let row = brackets.row(of: bracket.id)
        else { return [.tell(strategy, .denied(request, .noSuchOrder(request)))] }
        var actions = roll(to: time)
        do throws(BracketFlaw) {
            guard bracket.status == .waiting || bracket.status == .held else {
                throw .over(bracket.id, bracket.status)
            }
            bracket.prices.stopLoss = prices.stopLoss ?? bracket.prices.stopLoss
            bracket.prices.takeProfit = prices.takeProfit ?? bracket.prices.takeProfit
            let entry = bracket.status == .waiting ? entries[bracket.id]?.order : nil
            let reference =
                entry.flatMap { $0.price ?? $0.intent.terms.stopPrice }
                ?? gate.markets[gate.rows[row].market].lastPrice
            try bracket.prices.check(exit: bracket.side, reference: reference)
            bracket.updatedAt = time
            keep(bracket, row: row, &actions)
        } catch {
            actions.append(.tell(strategy, .denied(request, .bracket(error))))
        }
        return actions
    }

    /// Takes away the brackets of a row. An exit that is on its way goes on.
    ///
    /// - Parameter sparesTriggered: Whether those stay whose leg was reached already.
    mutating func endBrackets(
        _ row: Int, sparesTriggered: Bool, because reason: String, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        for id in brackets.live[row] ?? [] where !sparesTriggered || brackets[id]?.leg == nil {
            end(id, row, reason, at: time, &actions)
        }
    }

    private mutating func end(
        _ id: OrderID, _ row: Int, _ reason: String, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard var bracket = brackets[id], bracket.status.isLive else { return }
        bracket.status = .cancelled
        bracket.reason = reason
        bracket.updatedAt = time
        keep(bracket, row: row, &actions)
    }

    /// Writes a bracket down as it is now, and tells its strategy.
    mutating func keep(_ bracket: Bracket, row: Int, _ actions: inout [DeskAction]) {
        brackets.put(
            bracket, row: row, strategy: gate.rows[row].strategy, market: gate.rows[row].market,
            remembering: settings.rememberedOrders)
        actions.append(.record(.bracket(bracket)))
        actions.append(.tell(bracket.key.strategy, .bracket(bracket)))
    }
}
