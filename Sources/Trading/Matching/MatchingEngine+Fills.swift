extension MatchingEngine {
    /// Fills up to `most` of an order at a price, as far as the account's money and holdings go.
    ///
    /// - Parameter standing: Where the market stands: the price without what a taker loses against it.
    mutating func fill(
        _ number: Int64, at price: FixedDecimal, standing: FixedDecimal, most: FixedDecimal,
        _ liquidity: Liquidity, at time: Timestamp
    ) {
        guard let order = orders[number], order.state == .open, let account = accounts[order.account],
            let book = books[order.terms.symbol]
        else { return }
        let instrument = book.instrument
        var quantity = min(order.remainingQuantity, most)
        let allowed = allowance(order, account, instrument, price: price, liquidity)
        let isShort = allowed < quantity
        quantity = min(quantity, allowed)
        quantity = FixedDecimal.stepped(quantity, instrument.stepSize, .down)
        if quantity.isPositive {
            draw(quantity, order.terms.side, order.terms.symbol)
            trade(order, quantity, at: price, standing: standing, liquidity, at: time)
        }
        guard let left = orders[number], left.state == .open else { return }
        if left.remainingQuantity.isZero {
            end(number, .filled, nil, at: time)
        } else if isShort {
            let reason = left.terms.reduceOnly ? "nothing is left to reduce" : "the balance does not suffice"
            end(number, .cancelled, reason, at: time)
        }
    }

    /// How much of an order the account can bear at a price.
    private func allowance(
        _ order: MatchingOrder, _ account: MatchingAccount, _ instrument: Instrument, price: FixedDecimal,
        _ liquidity: Liquidity
    ) -> FixedDecimal {
        switch account.kind {
        case .margin:
            guard order.terms.reduceOnly else { return order.remainingQuantity }
            let held = account.positions[order.terms.symbol]?.quantity ?? .zero
            let isOpposite = order.terms.side == .buy ? held.isNegative : held.isPositive
            return isOpposite ? FixedDecimal.size(held) : .zero
        case .spot:
            switch order.terms.side {
            case .sell: return FixedDecimal.sum(account.free(instrument.base), order.locked)
            case .buy:
                var money = FixedDecimal.sum(account.free(instrument.quote), order.locked)
                if settings.feeStep.units > 1 {
                    money = max(.zero, FixedDecimal.difference(money, settings.feeStep))
                }
                let rate = liquidity == .maker ? settings.makerFee : settings.takerFee
                let unit =
                    settings.takesFeesInBase
                    ? price : FixedDecimal.product(price, FixedDecimal.sum(.one, max(.zero, rate)), .up)
                let most = FixedDecimal.quotient(money, unit, .down)
                guard most < order.remainingQuantity else { return order.remainingQuantity }
                // One step less, for the fee of the whole is rounded up once more.
                return max(.zero, FixedDecimal.difference(most, FixedDecimal(units: 2)))
            }
        }
    }

    private mutating func draw(_ quantity: FixedDecimal, _ side: Side, _ symbol: String) {
        guard var market = currentMarket(of: symbol) else { return }
        if side == .buy || market.isShared {
            market.buyable = max(.zero, FixedDecimal.difference(market.buyable, quantity))
        }
        if side == .sell || market.isShared {
            market.sellable = max(.zero, FixedDecimal.difference(market.sellable, quantity))
        }
        market.taken = FixedDecimal.sum(market.taken, quantity)
        books[symbol]?.market = market
    }

    private mutating func trade(
        _ order: MatchingOrder, _ quantity: FixedDecimal, at price: FixedDecimal, standing: FixedDecimal,
        _ liquidity: Liquidity, at time: Timestamp
    ) {
        guard let account = accounts[order.account], let instrument = instrument(of: order.terms.symbol)
        else { return }
        let notional = FixedDecimal.product(price, quantity, .nearestEven)
        let rate = liquidity == .maker ? settings.makerFee : settings.takerFee
        let isInBase = settings.takesFeesInBase && account.kind == .spot && order.terms.side == .buy
        let fee = FixedDecimal.stepped(
            FixedDecimal.product(isInBase ? quantity : notional, rate, .ceiling), settings.feeStep, .ceiling)
        let feeCurrency = isInBase ? instrument.base : instrument.quote
        lastTrade += 1
        let trade = MatchingTrade(
            number: lastTrade, order: order.number, account: order.account,
            trade: VenueTrade(
                trade: TradeID("T\(lastTrade)"), clientID: order.clientID, venueOrderID: order.venueOrderID,
                symbol: order.terms.symbol, side: order.terms.side, price: price, quantity: quantity,
                fee: fee,
                feeCurrency: feeCurrency, liquidity: liquidity, time: time))
        change(order.number) {
            $0.filledQuantity = FixedDecimal.sum($0.filledQuantity, quantity)
            $0.filledNotional = FixedDecimal.sum($0.filledNotional, notional)
            $0.updatedAt = time
        }
        switch account.kind {
        case .spot: settleSpot(order, quantity, notional, fee, feeCurrency, instrument)
        case .margin: settleMargin(trade, instrument)
        }
        note(trade, standing: standing)
    }

    private mutating func settleSpot(
        _ order: MatchingOrder, _ quantity: FixedDecimal, _ notional: FixedDecimal, _ fee: FixedDecimal,
        _ feeCurrency: String, _ instrument: Instrument
    ) {
        setLock(of: order.number, to: .zero)
        changeAccount(order.account) {
            switch order.terms.side {
            case .buy:
                $0.add(FixedDecimal.opposite(notional), of: instrument.quote)
                $0.add(quantity, of: instrument.base)
            case .sell:
                $0.add(notional, of: instrument.quote)
                $0.add(FixedDecimal.opposite(quantity), of: instrument.base)
            }
            $0.add(FixedDecimal.opposite(fee), of: feeCurrency)
        }
        guard let left = orders[order.number], let account = accounts[order.account],
            left.remainingQuantity.isPositive, !left.terms.reduceOnly
        else { return }
        let needed: FixedDecimal
        let free: FixedDecimal
        switch left.terms.side {
        case .buy:
            needed = moneyNeeded(left, market: currentMarket(of: left.terms.symbol))
            free = account.free(instrument.quote)
        case .sell:
            needed = left.remainingQuantity
            free = account.free(instrument.base)
        }
        setLock(of: order.number, to: max(.zero, min(needed, free)))
    }

    private mutating func settleMargin(_ trade: MatchingTrade, _ instrument: Instrument) {
        let venueTrade = trade.trade
        let fill = Fill(
            key: FillKey(
                venue: "", account: trade.account, symbol: venueTrade.symbol, trade: venueTrade.trade),
            order: OrderID(0), strategy: .external, side: venueTrade.side, price: venueTrade.price,
            quantity: venueTrade.quantity, fee: venueTrade.fee, feeCurrency: venueTrade.feeCurrency,
            liquidity: venueTrade.liquidity, time: venueTrade.time)
        changeAccount(trade.account) { account in
            var position = account.positions[venueTrade.symbol] ?? SubLedger()
            let before = FixedDecimal.difference(position.realised, position.fees)
            position.book(fill, in: instrument)
            let after = FixedDecimal.difference(position.realised, position.fees)
            account.positions[venueTrade.symbol] = position
            account.add(FixedDecimal.difference(after, before), of: account.currency)
        }
    }
}
