extension OrderDesk {
    /// Takes an order from a strategy: normalised, checked, reserved and handed on, or denied.
    ///
    /// A request id that was used before gets that order's present state again and places nothing.
    ///
    /// - Parameters:
    ///   - bracket: Where what it opens is closed again; held from the first fill on.
    ///   - refusal: Why the host takes no orders now, in words; the order is then recorded as denied.
    ///   - decided: Called with the desk as it is when the gate has decided and reserved, before the order is written up.
    public mutating func submit(
        _ terms: OrderTerms, bracket: BracketPrices? = nil, request: RequestID, by strategy: StrategyID,
        at time: Timestamp, refusal: String? = nil, decided: (borrowing OrderDesk) -> Void = { _ in }
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy) else {
            return [.tell(strategy, .denied(request, .notEnrolled(strategy)))]
        }
        if let known = answer(to: request, of: number) { return known }
        var actions = roll(to: time)
        let account = gate.strategies[number].account
        guard let market = gate.market(terms.symbol, for: number) else {
            // There is no row to put it in, so it is told and not recorded.
            let venue = gate.accounts[account].settings.venue
            actions.append(
                .tell(strategy, .denied(request, .unknownInstrument(symbol: terms.symbol, venue: venue))))
            return actions
        }
        let row = gate.row(strategy: number, account: account, market: market)
        place(
            terms, bracket: bracket, request: request, origin: .strategy, row: row, at: time,
            refusal: refusal, decided: decided, &actions)
        return actions
    }

    /// Asks for an order's end. Nothing happens to one that has ended; its state is told again.
    public mutating func cancel(
        _ request: RequestID, by strategy: StrategyID, at time: Timestamp
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy), let id = known(request, of: number),
            let entry = entries[id]
        else { return cancelBracket(request, by: strategy, at: time) }
        var actions: [DeskAction] = []
        if entry.order.status.isTerminal || entry.order.cancelWanted {
            actions.append(.tell(strategy, .order(entry.order)))
        } else {
            handle(.cancelWanted, for: id, at: time, &actions)
        }
        return actions
    }

    /// Asks for an order's end by its number, as the operator does.
    public mutating func cancel(_ order: OrderID, at time: Timestamp) -> [DeskAction] {
        var actions: [DeskAction] = []
        if entries[order] != nil { handle(.cancelWanted, for: order, at: time, &actions) }
        return actions
    }

    /// Asks for another total quantity or price of an open order. Both exposures stay reserved until it is settled.
    public mutating func amend(
        _ request: RequestID, quantity: FixedDecimal?, price: FixedDecimal?, by strategy: StrategyID,
        at time: Timestamp
    ) -> [DeskAction] {
        guard let number = gate.strategy(strategy), let id = known(request, of: number),
            let entry = entries[id]
        else { return [.tell(strategy, .denied(request, .noSuchOrder(request)))] }
        do throws(RiskDenial) {
            let amendment = try reserveAmendment(
                quantity: quantity, price: price, of: entry, at: time)
            var actions: [DeskAction] = []
            sendAmendment(amendment, of: id, at: time, &actions)
            return actions
        } catch {
            return [.tell(strategy, .denied(request, error))]
        }
    }

    /// Checks an amendment as the order that would be left, and reserves the larger of both.
    private mutating func reserveAmendment(
        quantity: FixedDecimal?, price: FixedDecimal?, of entry: Entry, at time: Timestamp
    ) throws(RiskDenial) -> Amendment {
        let order = entry.order
        guard order.amendment == nil else { throw .changeUnderWay(order.id) }
        guard order.status == .open || order.status == .partiallyFilled, !order.cancelWanted else {
            throw .notAmendable(order.id, status: order.status)
        }
        var terms = order.intent.terms
        terms.quantity = quantity ?? order.quantity
        terms.price = price ?? order.price
        let market = gate.markets[gate.rows[entry.row].market]
        do throws(FilterFlaw) {
            terms = try market.instrument.normalised(terms, lastPrice: market.lastPrice)
        } catch {
            throw .filters(error)
        }
        guard terms.quantity > order.filledQuantity else {
            throw .notAmendable(order.id, status: order.status)
        }
        if let price = terms.price { try checkSelfTrade(terms, at: price, row: entry.row) }
        if !brackets.all.isEmpty { try checkBrackets(of: order, becoming: terms, row: entry.row) }
        let amendment = Amendment(quantity: terms.quantity, price: terms.price)
        var changed = order
        _ = changed.handle(.amendSent(amendment), at: time)
        var claim = changed.claim
        claim.liveOrders = order.claim.liveOrders
        terms.quantity = changed.reservedQuantity
        let question = RiskQuestion(
            terms: terms, row: entry.row, claim: claim, price: changed.reservePrice, isDesks: false)
        try gate.change(question, from: order.claim, at: time)
        // The books hold the change already; `handle` will move from the old claim again.
        gate.move(entry.row, from: claim, to: order.claim)
        return amendment
    }

    private mutating func sendAmendment(
        _ amendment: Amendment, of id: OrderID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        handle(.amendSent(amendment), for: id, at: time, &actions)
        guard let order = entries[id]?.order else { return }
        actions.append(.send(order.intent.account, .amend(order.reference, amendment)))
    }

    /// Normalises, checks, reserves and records; then sends or denies.
    mutating func place(
        _ asked: OrderTerms, bracket: BracketPrices? = nil, request: RequestID?, origin: OrderOrigin,
        row: Int, at time: Timestamp,
        refusal: String? = nil, decided: (borrowing OrderDesk) -> Void = { _ in },
        _ actions: inout [DeskAction]
    ) {
        var terms = asked
        var reservePrice = asked.price ?? asked.stopPrice ?? .zero
        var denial: RiskDenial?
        do throws(RiskDenial) {
            if let refusal { throw .refused(reason: refusal) }
            if let bracket { try check(bracket, for: asked, row: row) }
            (terms, reservePrice) = try admit(asked, origin: origin, row: row, at: time)
        } catch {
            denial = error
        }
        decided(self)
        let number = gate.rows[row].strategy
        let strategy = gate.strategies[number].enrolment
        let account = gate.accounts[gate.rows[row].account].settings
        let id = nextOrder()
        let intent = OrderIntent(
            id: id, clientID: ClientOrderID(prefix: gate.strategies[number].prefix, order: id),
            strategy: strategy.strategy, run: strategy.run, account: account.id, venue: account.venue,
            request: request, origin: origin, terms: terms, reservePrice: reservePrice, createdAt: time)
        let order: Order
        if let denial {
            order = Order(denied: intent, reason: denial.description)
        } else {
            order = Order(intent: intent)
        }
        insert(order, row: row)
        actions.reserveCapacity(actions.count + 3)
        actions.append(.record(.order(order)))
        actions.append(.tell(strategy.strategy, .order(order)))
        if denial == nil {
            if let bracket { hold(bracket, for: order, row: row, &actions) }
            actions.append(.send(account.id, .place(PlaceRequest(clientID: intent.clientID, terms: terms))))
        }
    }

    /// The terms in the venue's steps and the price reserved at. The reservation is made when this returns.
    private mutating func admit(
        _ asked: OrderTerms, origin: OrderOrigin, row: Int, at time: Timestamp
    ) throws(RiskDenial) -> (OrderTerms, FixedDecimal) {
        let isDesks = origin == .desk
        // Names and numbers are read where they stand: copies of whole entries would be the larger part of the work.
        let market = gate.rows[row].market
        let account = gate.rows[row].account
        if !isDesks {
            let strategy = gate.rows[row].strategy
            guard gate.strategies[strategy].enrolment.isRunning else {
                throw .notRunning(gate.strategies[strategy].enrolment.strategy)
            }
            guard flattening.isEmpty || flattening[row] == nil else {
                let name = gate.strategies[strategy].enrolment.strategy
                throw .refused(reason: "the \(asked.symbol) position of \(name) is being closed")
            }
            if !brackets.all.isEmpty { try checkExits(asked.side, row: row) }
        }
        guard gate.markets[market].instrument.quote == gate.accounts[account].settings.currency else {
            throw .currencyMismatch(
                symbol: asked.symbol, quote: gate.markets[market].instrument.quote,
                account: gate.accounts[account].settings.id,
                currency: gate.accounts[account].settings.currency)
        }
        let lastPrice = gate.markets[market].lastPrice
        let terms: OrderTerms
        do throws(FilterFlaw) {
            terms = try gate.markets[market].instrument.normalised(asked, lastPrice: lastPrice)
        } catch {
            throw .filters(error)
        }
        let price: FixedDecimal
        if let limit = terms.price {
            price = limit
        } else {
            if !isDesks, terms.type == .market,
                let limit = gate.accounts[account].settings.priceAgeMilliseconds
            {
                let age = time.milliseconds - gate.markets[market].lastTime.milliseconds
                guard age <= limit else {
                    throw .stalePrice(symbol: asked.symbol, ageMilliseconds: age, limitMilliseconds: limit)
                }
            }
            // What a trigger or the market may cost beyond the price named.
            guard let reference = terms.stopPrice ?? lastPrice ?? (isDesks ? .one : nil) else {
                throw .noPrice(symbol: asked.symbol)
            }
            let allowance = FixedDecimal.sum(.one, gate.accounts[account].settings.marketAllowance)
            price = terms.side == .buy ? FixedDecimal.product(reference, allowance, .up) : reference
        }
        if !isDesks { try checkSelfTrade(terms, at: price, row: row) }
        // A fill at or above a sell's price is worth more; exposure is valued at the market then.
        var claim = Claim()
        claim.liveOrders = 1
        switch (terms.side, terms.reduceOnly) {
        case (.buy, false):
            claim.buys = terms.quantity
            claim.buyNotional = FixedDecimal.product(terms.quantity, price, .up)
        case (.sell, false): claim.sells = terms.quantity
        case (.buy, true): claim.exitBuys = terms.quantity
        case (.sell, true): claim.exitSells = terms.quantity
        }
        let question = RiskQuestion(terms: terms, row: row, claim: claim, price: price, isDesks: isDesks)
        do throws(RiskDenial) {
            try gate.reserve(question, at: time)
        } catch {
            if case .unresolvedOrder(_, let symbol) = error,
                let order = gate.rows[row].live.first(where: { entries[$0]?.order.status == .unknown })
            {
                throw .unresolvedOrder(order, symbol: symbol)
            }
            throw error
        }
        return (terms, price)
    }
}

extension Order {
    /// The order as the journal holds it. That it was sent is not journaled, for nothing follows from it: an order that
    /// is about to be sent may have been.
    var journaled: Order {
        guard status == .submitted else { return self }
        var order = self
        order.status = .pending
        return order
    }

    /// Every name of the order.
    var reference: OrderReference {
        OrderReference(clientID: intent.clientID, symbol: symbol, venueOrderID: venueOrderID)
    }
}
