extension MatchingEngine {
    /// Places an order. A client id that is known already gets that order again, and nothing happens.
    ///
    /// A refused order is kept as rejected, so that whoever asks later hears what became of it.
    public mutating func place(
        _ request: PlaceRequest, on account: AccountID, at time: Timestamp
    ) -> (order: MatchingOrder, events: [MatchingEvent]) {
        if let known = order(request.clientID, on: account) { return (known, []) }
        lastOrder += 1
        let number = lastOrder
        var new = MatchingOrder(
            number: number, account: account, clientID: request.clientID, terms: request.terms, state: .open,
            filledQuantity: .zero, filledNotional: .zero, isTriggered: false, locked: .zero, reason: nil,
            createdAt: time, updatedAt: time)
        let lock: FixedDecimal
        do throws(MatchingRefusal) {
            lock = try check(new)
        } catch {
            new.state = .rejected
            new.reason = error.description
            insert(new)
            return (new, [])
        }
        insert(new)
        setLock(of: number, to: lock)
        enter(number, at: time)
        return (orders[number] ?? new, takeEvents())
    }

    /// Cancels an open order.
    public mutating func cancel(
        _ id: ClientOrderID, on account: AccountID, at time: Timestamp
    ) throws(MatchingRefusal) -> [MatchingEvent] {
        guard let order = order(id, on: account) else { throw .unknownOrder }
        guard order.state == .open else { throw .notOpen(order.state) }
        end(order.number, .cancelled, "cancelled by request", at: time)
        return takeEvents()
    }

    /// Changes the total quantity or the price of an open order. It may trade at once at its new price.
    public mutating func amend(
        _ id: ClientOrderID, to amendment: Amendment, on account: AccountID, at time: Timestamp
    ) throws(MatchingRefusal) -> [MatchingEvent] {
        guard let order = order(id, on: account) else { throw .unknownOrder }
        guard order.state == .open else { throw .notOpen(order.state) }
        guard amendment.quantity > order.filledQuantity else {
            throw .quantityBelowFilled(order.filledQuantity)
        }
        var changed = order
        changed.terms.quantity = amendment.quantity
        if order.terms.type.needsPrice { changed.terms.price = amendment.price ?? order.terms.price }
        // Checked as if the old one were gone; it then queues anew.
        let queue = waiting(in: order.terms.symbol)
        books[order.terms.symbol]?.open.removeAll { $0 == order.number }
        setLock(of: order.number, to: .zero)
        let lock: FixedDecimal
        do throws(MatchingRefusal) {
            lock = try check(changed)
        } catch {
            books[order.terms.symbol]?.open = queue
            setLock(of: order.number, to: order.locked)
            throw error
        }
        books[order.terms.symbol]?.open.append(order.number)
        change(order.number) {
            $0.terms = changed.terms
            $0.updatedAt = time
        }
        setLock(of: order.number, to: lock)
        if changed.waitsAtLimit { enter(order.number, at: time) }
        return takeEvents()
    }

    /// Whether the order may stand, and what it must hold back.
    func check(_ order: MatchingOrder) throws(MatchingRefusal) -> FixedDecimal {
        guard let account = accounts[order.account] else { throw .unknownAccount(order.account) }
        guard let book = books[order.terms.symbol] else { throw .unknownInstrument(order.terms.symbol) }
        let normal: OrderTerms
        do throws(FilterFlaw) {
            normal = try book.instrument.normalised(order.terms, lastPrice: book.market?.last)
        } catch {
            throw .filters(error)
        }
        guard normal == order.terms else { throw .offStep }
        if order.terms.type == .market, book.market == nil { throw .noMarket(order.terms.symbol) }
        if order.terms.postOnly, let market = book.market, let price = order.terms.price {
            let other = order.terms.side == .buy ? market.ask : market.bid
            let takes = order.terms.side == .buy ? price >= other : price <= other
            guard !takes else { throw .wouldTake(price: price, market: other) }
        }
        switch account.kind {
        case .spot: return try checkSpot(order, account, book)
        case .margin(let leverage, _):
            try checkMargin(order, account, book, leverage: leverage)
            return .zero
        }
    }

    private func checkSpot(
        _ order: MatchingOrder, _ account: MatchingAccount, _ book: Book
    ) throws(MatchingRefusal) -> FixedDecimal {
        let instrument = book.instrument
        switch order.terms.side {
        case .sell:
            let free = account.free(instrument.base)
            if order.terms.reduceOnly {
                guard free.isPositive else { throw .nothingToReduce }
                // Cut to what is free when it fills, so that several exits can wait for one holding.
                return .zero
            }
            guard order.remainingQuantity <= free else {
                throw .insufficientBalance(
                    currency: instrument.base, needed: order.remainingQuantity, free: free)
            }
            return order.remainingQuantity
        case .buy:
            guard !order.terms.reduceOnly else { throw .nothingToReduce }
            let needed = moneyNeeded(order, market: book.market)
            let free = account.free(instrument.quote)
            guard needed <= free else {
                throw .insufficientBalance(currency: instrument.quote, needed: needed, free: free)
            }
            return needed
        }
    }

    /// What the rest of a buy may cost at worst, fees included.
    func moneyNeeded(_ order: MatchingOrder, market: Market?) -> FixedDecimal {
        let price: FixedDecimal
        if let limit = order.terms.price {
            price = limit
        } else {
            let reference = (order.isTriggered ? nil : order.terms.stopPrice) ?? market?.ask ?? .zero
            price = raised(
                reference, by: impact(of: order.remainingQuantity, on: market),
                instrument(of: order.terms.symbol))
        }
        let notional = FixedDecimal.product(order.remainingQuantity, price, .up)
        guard !settings.takesFeesInBase else { return notional }
        let rate = max(settings.takerFee, settings.makerFee)
        let fee = FixedDecimal.product(notional, max(.zero, rate), .up)
        return FixedDecimal.sum(notional, FixedDecimal.stepped(fee, settings.feeStep, .up))
    }

    private func checkMargin(
        _ order: MatchingOrder, _ account: MatchingAccount, _ book: Book, leverage: FixedDecimal
    ) throws(MatchingRefusal) {
        let symbol = order.terms.symbol
        let position = account.positions[symbol]?.quantity ?? .zero
        if order.terms.reduceOnly {
            let isOpposite = order.terms.side == .buy ? position.isNegative : position.isPositive
            guard isOpposite else { throw .nothingToReduce }
            return
        }
        var exposure = FixedDecimal.zero
        var exposureBefore = FixedDecimal.zero
        for (name, other) in books {
            var buys = FixedDecimal.zero
            var sells = FixedDecimal.zero
            for number in other.open {
                guard let open = orders[number], open.account == account.id, !open.terms.reduceOnly else {
                    continue
                }
                if open.terms.side == .buy {
                    buys = FixedDecimal.sum(buys, open.remainingQuantity)
                } else {
                    sells = FixedDecimal.sum(sells, open.remainingQuantity)
                }
            }
            let held = account.positions[name]?.quantity ?? .zero
            guard
                let price = other.market?.last
                    ?? (name == symbol ? order.terms.price ?? order.terms.stopPrice : nil)
            else { continue }
            exposureBefore = FixedDecimal.sum(
                exposureBefore, Self.worst(held, buys: buys, sells: sells, price: price))
            if name == symbol {
                if order.terms.side == .buy {
                    buys = FixedDecimal.sum(buys, order.remainingQuantity)
                } else {
                    sells = FixedDecimal.sum(sells, order.remainingQuantity)
                }
            }
            exposure = FixedDecimal.sum(exposure, Self.worst(held, buys: buys, sells: sells, price: price))
        }
        let equity = equity(of: account.id)
        // What makes the worst case no worse may always come.
        guard
            exposure <= FixedDecimal.product(max(.zero, equity), leverage, .down)
                || exposure <= exposureBefore
        else { throw .insufficientMargin(exposure: exposure, equity: equity, leverage: leverage) }
    }

    private static func worst(
        _ held: FixedDecimal, buys: FixedDecimal, sells: FixedDecimal, price: FixedDecimal
    ) -> FixedDecimal {
        let long = FixedDecimal.size(FixedDecimal.sum(held, buys))
        let short = FixedDecimal.size(FixedDecimal.difference(held, sells))
        return FixedDecimal.product(max(long, short), price, .up)
    }

    /// Lets an order that has just come, or changed, trade against the market as it stands.
    private mutating func enter(_ number: Int64, at time: Timestamp) {
        guard let order = orders[number], let market = currentMarket(of: order.terms.symbol) else { return }
        if order.terms.type.needsStopPrice, !order.isTriggered {
            guard Self.fires(order, low: market.bid, high: market.ask) else { return }
            change(number) { $0.isTriggered = true }
        }
        take(number, at: time)
    }

    /// Takes from the market what is there, and lets time in force decide over the rest.
    mutating func take(_ number: Int64, at time: Timestamp) {
        guard let order = orders[number], order.state == .open, order.takesAnyPrice || order.waitsAtLimit,
            let book = books[order.terms.symbol], let market = book.market
        else { return }
        let offered = order.terms.side == .buy ? market.buyable : market.sellable
        let price = takerPrice(order, market, book.instrument, most: offered)
        if let price {
            if order.terms.timeInForce == .fok, offered < order.remainingQuantity {
                end(number, .expired, "fill or kill: \(offered) was to be had", at: time)
                return
            }
            let standing = order.terms.side == .buy ? market.ask : market.bid
            fill(number, at: price, standing: standing, most: offered, .taker, at: time)
        }
        guard let left = orders[number], left.state == .open else { return }
        switch left.terms.timeInForce {
        case .gtc: break
        case .ioc: end(number, .expired, "immediate or cancel: no more was to be had", at: time)
        case .fok: end(number, .expired, "fill or kill: not to be had at this price", at: time)
        }
    }

    /// What a taker would get now: the market made worse by the slippage; nil when its limit forbids.
    private func takerPrice(
        _ order: MatchingOrder, _ market: Market, _ instrument: Instrument, most: FixedDecimal
    ) -> FixedDecimal? {
        let reference = order.terms.side == .buy ? market.ask : market.bid
        let price = slipped(
            reference, order.terms.side, min(order.remainingQuantity, most), market, instrument)
        guard let limit = order.terms.price else { return price }
        switch order.terms.side {
        case .buy: return reference <= limit ? min(price, limit) : nil
        case .sell: return reference >= limit ? max(price, limit) : nil
        }
    }

    /// The price at which a taker of so much fills where the market stands at `price`.
    func slipped(
        _ price: FixedDecimal, _ side: Side, _ quantity: FixedDecimal, _ market: Market?,
        _ instrument: Instrument
    ) -> FixedDecimal {
        let impact = impact(of: quantity, on: market)
        switch side {
        case .buy:
            return FixedDecimal.stepped(raised(price, by: impact, instrument), instrument.tickSize, .ceiling)
        case .sell:
            let part = FixedDecimal.sum(settings.slippage, impact)
            let worse = FixedDecimal.difference(
                FixedDecimal.product(price, FixedDecimal.difference(.one, part), .down),
                halfSpread(instrument))
            let rounded = FixedDecimal.stepped(worse, instrument.tickSize, .floor)
            return max(rounded, instrument.tickSize)
        }
    }

    /// What a buyer pays where the market stands at `price`, before it is rounded to the tick.
    private func raised(
        _ price: FixedDecimal, by impact: FixedDecimal, _ instrument: Instrument?
    ) -> FixedDecimal {
        let part = FixedDecimal.sum(.one, FixedDecimal.sum(settings.slippage, impact))
        let worse = FixedDecimal.product(price, part, .up)
        return instrument.map { FixedDecimal.sum(worse, halfSpread($0)) } ?? worse
    }

    private func halfSpread(_ instrument: Instrument) -> FixedDecimal {
        guard settings.halfSpreadTicks > 0 else { return .zero }
        return FixedDecimal(units: instrument.tickSize.units * Int128(settings.halfSpreadTicks))
    }

    /// By what part of the price a taker of so much fills worse for its size.
    private func impact(of quantity: FixedDecimal, on market: Market?) -> FixedDecimal {
        guard let impact = settings.impact, let market, let volume = market.volume else { return .zero }
        return impact.part(taking: FixedDecimal.sum(market.taken, quantity), of: volume)
    }

    /// Whether a trigger lies where the market has been.
    static func fires(_ order: MatchingOrder, low: FixedDecimal, high: FixedDecimal) -> Bool {
        guard let trigger = order.terms.stopPrice else { return false }
        return order.terms.waitsForFall ? low <= trigger : high >= trigger
    }
}
