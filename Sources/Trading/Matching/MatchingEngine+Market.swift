extension MatchingEngine {
    /// Lets the market move, and fills what it reaches.
    public mutating func marketMoved(_ event: MarketEvent) -> [MatchingEvent] {
        guard let instrument = instrument(of: event.symbol) else { return [] }
        switch event {
        case .candle(let candle):
            guard candle.flaw == nil, TradingBounds.allows(price: candle.high) else { return [] }
            move(candle, instrument)
        case .trade(let trade):
            guard TradingBounds.allows(price: trade.price), !trade.quantity.isNegative else { return [] }
            move(trade, instrument)
        case .quote(let quote):
            guard TradingBounds.allows(price: quote.bid), TradingBounds.allows(price: quote.ask),
                quote.bid <= quote.ask, !quote.bidQuantity.isNegative, !quote.askQuantity.isNegative
            else { return [] }
            move(quote)
        }
        return takeEvents()
    }

    /// When the symbol's last price was, by the market's own clock; nil before the first.
    public func marketTime(of symbol: String) -> Timestamp? { currentMarket(of: symbol)?.time }

    func share(of volume: FixedDecimal, _ instrument: Instrument) -> FixedDecimal {
        guard !settings.hasAnyVolume else { return TradingBounds.quantity }
        let share = FixedDecimal.product(min(volume, TradingBounds.quantity), settings.participation, .down)
        return FixedDecimal.stepped(share, instrument.stepSize, .down)
    }

    mutating func setMarket(_ symbol: String, price: FixedDecimal) {
        books[symbol]?.market?.stand(at: price)
    }

    private mutating func move(_ candle: Candle, _ instrument: Instrument) {
        let (symbol, time) = (candle.symbol, candle.closeTime)
        let volume = share(of: candle.volume, instrument)
        books[symbol]?.market = Market(
            time: time, last: candle.open, ask: candle.open, bid: candle.open, buyable: volume,
            sellable: volume,
            isShared: true, volume: candle.volume)
        let waiting = waiting(in: symbol)
        guard !waiting.isEmpty || isHeld(symbol) else { return setMarket(symbol, price: candle.close) }

        // A stop-limit that fires inside the candle waits for the next event: its best prices may be over.
        let limits = waiting.filter { orders[$0]?.waitsAtLimit == true }
        // 1. The open.
        takeAll(waiting, at: time)
        fire(waiting, at: time) { Self.fires($0, low: candle.open, high: candle.open) ? candle.open : nil }
        fillLimits(limits, standing: candle.open, at: time) { limit, side in
            side == .buy ? limit > candle.open : limit < candle.open
        }
        liquidate(symbol, low: candle.open, high: candle.open, at: time)
        // 2. Stops, nearest the open first.
        fire(waiting, at: time) { order in
            guard order.terms.type != .takeProfit, Self.fires(order, low: candle.low, high: candle.high)
            else {
                return nil
            }
            return order.terms.stopPrice
        }
        // 3. The worse extreme.
        liquidate(symbol, low: candle.low, high: candle.high, at: time)
        // 4. What waits for a better price.
        fillLimits(limits, at: time) { limit, side in side == .buy ? limit > candle.low : limit < candle.high
        }
        fire(waiting, at: time) { order in
            guard order.terms.type == .takeProfit, let trigger = order.terms.stopPrice else { return nil }
            let isBeyond = order.terms.waitsForFall ? candle.low < trigger : candle.high > trigger
            return isBeyond ? trigger : nil
        }
        // 5. The close.
        setMarket(symbol, price: candle.close)
        liquidate(symbol, low: candle.close, high: candle.close, at: time)
    }

    private mutating func move(_ trade: MarketTrade, _ instrument: Instrument) {
        let volume = share(of: trade.quantity, instrument)
        books[trade.symbol]?.market = Market(
            time: trade.time, last: trade.price, ask: trade.price, bid: trade.price, buyable: volume,
            sellable: volume,
            isShared: true, volume: trade.quantity)
        let waiting = waiting(in: trade.symbol)
        guard !waiting.isEmpty || isHeld(trade.symbol) else { return }
        let limits = waiting.filter { orders[$0]?.waitsAtLimit == true }
        takeAll(waiting, at: trade.time)
        fire(waiting, at: trade.time) {
            Self.fires($0, low: trade.price, high: trade.price) ? trade.price : nil
        }
        liquidate(trade.symbol, low: trade.price, high: trade.price, at: trade.time)
        fillLimits(limits, standing: trade.price, at: trade.time) { limit, side in
            side == .buy ? limit > trade.price : limit < trade.price
        }
    }

    private mutating func move(_ quote: Quote) {
        let middle = FixedDecimal(units: quote.bid.units / 2 + quote.ask.units / 2)
        books[quote.symbol]?.market = Market(
            time: quote.time, last: middle, ask: quote.ask, bid: quote.bid, buyable: quote.askQuantity,
            sellable: quote.bidQuantity, isShared: false)
        let waiting = waiting(in: quote.symbol)
        guard !waiting.isEmpty || isHeld(quote.symbol) else { return }
        let limits = waiting.filter { orders[$0]?.waitsAtLimit == true }
        takeAll(waiting, at: quote.time)
        fire(waiting, at: quote.time) { order in
            // A stop fires on the price at which it would trade.
            let price = order.terms.side == .buy ? quote.ask : quote.bid
            return Self.fires(order, low: price, high: price) ? price : nil
        }
        liquidate(quote.symbol, low: quote.bid, high: quote.ask, at: quote.time)
        fillLimits(limits, at: quote.time) { limit, side in
            side == .buy ? quote.ask <= limit : quote.bid >= limit
        }
    }

    func isHeld(_ symbol: String) -> Bool {
        accounts.hasAny { $0.positions[symbol].map { !$0.quantity.isZero } ?? false }
    }

    /// Lets what takes any price have what is there.
    mutating func takeAll(_ waiting: [Int64], at time: Timestamp) {
        for number in waiting {
            guard let order = orders[number], order.state == .open, order.takesAnyPrice else { continue }
            take(number, at: time)
        }
    }

    /// Fires triggers; `price` says where one fires, or nil.
    mutating func fire(
        _ waiting: [Int64], at time: Timestamp, price: (MatchingOrder) -> FixedDecimal?
    ) {
        var firing: [(number: Int64, price: FixedDecimal, distance: FixedDecimal)] = []
        for number in waiting {
            guard let order = orders[number], order.state == .open, order.terms.type.needsStopPrice,
                !order.isTriggered, let place = price(order),
                let market = currentMarket(of: order.terms.symbol)
            else { continue }
            firing.append((number, place, FixedDecimal.size(FixedDecimal.difference(place, market.last))))
        }
        firing.sort { $0.distance == $1.distance ? $0.number < $1.number : $0.distance < $1.distance }
        for (number, place, _) in firing {
            guard let order = orders[number], order.state == .open else { continue }
            change(number) {
                $0.isTriggered = true
                $0.updatedAt = time
            }
            let before = currentMarket(of: order.terms.symbol)
            setMarket(order.terms.symbol, price: place)
            take(number, at: time)
            // The volume taken stays taken, the price goes back.
            if let before, let now = currentMarket(of: order.terms.symbol) {
                books[order.terms.symbol]?.market = now.at(pricesOf: before)
            }
        }
    }

    /// Fills limits that the market went through, best price first, at their own price.
    ///
    /// - Parameter standing: Where the market stands; nil where it comes by each of their prices.
    mutating func fillLimits(
        _ waiting: [Int64], standing: FixedDecimal? = nil, at time: Timestamp,
        reached: (FixedDecimal, Side) -> Bool
    ) {
        var filling: [(number: Int64, price: FixedDecimal, side: Side)] = []
        for number in waiting {
            guard let order = orders[number], order.state == .open, order.waitsAtLimit,
                let limit = order.terms.price, reached(limit, order.terms.side)
            else { continue }
            filling.append((number, limit, order.terms.side))
        }
        filling.sort { left, right in
            guard left.side == right.side, left.price != right.price else {
                return left.number < right.number
            }
            return left.side == .buy ? left.price > right.price : left.price < right.price
        }
        for (number, price, side) in filling {
            guard let market = books[orders[number]?.terms.symbol ?? ""]?.market else { continue }
            fill(
                number, at: price, standing: standing ?? price,
                most: side == .buy ? market.buyable : market.sellable, .maker, at: time)
        }
    }

    // MARK: Liquidation

    /// Closes every margin account that holds the symbol and no longer has its maintenance margin at these prices.
    mutating func liquidate(
        _ symbol: String, low: FixedDecimal, high: FixedDecimal, at time: Timestamp
    ) {
        for id in accounts.names.count > 1 ? accounts.names.sorted() : accounts.names {
            guard let account = accounts[id], case .margin(_, let maintenance) = account.kind,
                let held = account.positions[symbol]?.quantity, !held.isZero
            else { continue }
            let worse = held.isPositive ? low : high
            var (equity, exposure) = (account.balances[account.currency]?.total ?? .zero, FixedDecimal.zero)
            for (name, position) in account.positions {
                guard let price = name == symbol ? worse : currentMarket(of: name)?.last else { continue }
                equity = FixedDecimal.sum(equity, position.unrealised(at: price))
                exposure = FixedDecimal.sum(exposure, FixedDecimal.size(position.value(at: price)))
            }
            guard equity < FixedDecimal.product(exposure, maintenance, .up) else { continue }
            close(id, symbol: symbol, at: worse, time)
        }
    }

    private mutating func close(_ id: AccountID, symbol: String, at worse: FixedDecimal, _ time: Timestamp) {
        for order in openOrders(on: id) {
            end(order.number, .cancelled, "the account was liquidated", at: time)
        }
        for (name, position) in (accounts[id]?.positions ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard !position.quantity.isZero, let book = books[name],
                let price = name == symbol ? worse : book.market?.last
            else { continue }
            let side: Side = position.quantity.isPositive ? .sell : .buy
            let quantity = FixedDecimal.size(position.quantity)
            lastOrder += 1
            let number = lastOrder
            insert(
                MatchingOrder(
                    number: number, account: id, clientID: nil,
                    terms: OrderTerms(
                        symbol: name, side: side, type: .market, quantity: quantity, reduceOnly: true),
                    state: .open, filledQuantity: .zero, filledNotional: .zero, isTriggered: false,
                    locked: .zero, reason: "liquidation", createdAt: time, updatedAt: time))
            let worse = slipped(price, side, quantity, book.market, book.instrument)
            fill(number, at: worse, standing: price, most: quantity, .taker, at: time)
        }
        var shortfall = FixedDecimal.zero
        changeAccount(id) { account in
            let total = account.balances[account.currency]?.total ?? .zero
            guard total.isNegative else { return }
            shortfall = FixedDecimal.opposite(total)
            account.add(shortfall, of: account.currency)
        }
        events.append(.liquidated(id, shortfall: shortfall))
    }
}
