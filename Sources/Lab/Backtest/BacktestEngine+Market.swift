internal import Trading

/// How orders, and the brackets that the desk holds, meet a candle.
extension BacktestEngine {
    /// Whether anything could come of a candle of this symbol.
    func hasWork(in symbol: String) -> Bool {
        !arrivals.isEmpty || desk.holdsBrackets || !matching.isIdle || couldBeLiquidated
    }

    /// Whether a margin account holds something: its maintenance is looked at in each candle.
    private var couldBeLiquidated: Bool {
        if case .margin = kind { heldCount > 0 } else { false }
    }

    mutating func matchOrders(with candle: Candle) {
        let symbol = candle.symbol
        let opened = max(clock, candle.openTime)
        let closed = max(clock, candle.closeTime)
        instant = opened
        defer { (instant, standing) = (nil, nil) }
        report(matching.candleOpened(candle, at: opened), at: opened)
        if hasWork(in: symbol) {
            // What reached the venue before the candle opened meets its open.
            if desk.holdsBrackets { move(to: candle.open, symbol, at: opened) }
            takeArrivals(symbol, upTo: candle.openTime, at: opened)
            instant = closed
            walk(through: candle, at: closed)
            // Exits of brackets that were tried in vain are tried again.
            if desk.hasExits { carry(desk.review(at: closed)) }
        }
        instant = closed
        report(matching.candleClosed(candle), at: closed)
        carry(desk.priceMoved(.candle(candle), on: Self.venue, at: closed))
    }

    private mutating func takeArrivals(_ symbol: String, upTo open: Timestamp, at time: Timestamp) {
        guard !arrivals.isEmpty else { return }
        var here: [Arrival] = []
        swap(&here, &arrivals)
        if !here.allSatisfy({ $0.symbol == symbol && $0.time <= open }) {
            arrivals = here.filter { $0.symbol != symbol || $0.time > open }
            here.removeAll { $0.symbol != symbol || $0.time > open }
        }
        for arrival in here { arrive(arrival.request, at: time) }
    }

    /// The way of the price inside the candle, as far as it matters.
    private mutating func walk(through candle: Candle, at time: Timestamp) {
        let (low, high) = (candle.low, candle.high)
        switch costs.intrabar {
        case .pessimistic:
            sweep(candle, low, high, .stops, at: time)
            sweep(candle, low, high, .targets, at: time)
            // What an entry has opened only now can still have been stopped.
            sweepBrackets(candle, low, high, .stops, only: nil, at: time)
        case .optimistic:
            sweep(candle, low, high, .targets, at: time)
            sweep(candle, low, high, .stops, at: time)
        case .byDirection:
            let rises = candle.close >= candle.open
            let (first, last) = rises ? (low, candle.open) : (candle.open, high)
            sweep(candle, first, last, [.stops, .targets], at: time)
            // What an entry has opened on this way can be stopped further on it.
            sweepBrackets(candle, first, last, .stops, only: nil, exits: rises ? .sell : .buy, at: time)
            sweep(candle, low, high, [.stops, .targets], at: time)
        }
    }

    private mutating func sweep(
        _ candle: Candle, _ low: FixedDecimal, _ high: FixedDecimal, _ reach: MatchingEngine.Reach,
        at time: Timestamp
    ) {
        // A target counts only for what was held when the sweep began.
        let held = desk.holdsBrackets ? Set(heldBrackets(in: candle.symbol).map(\.id)) : []
        report(matching.candleSwept(candle.symbol, low: low, high: high, reach, at: time), at: time)
        sweepBrackets(candle, low, high, reach, only: held, at: time)
    }

    private func heldBrackets(in symbol: String) -> [OrderDesk.HeldBracket] {
        desk.heldBrackets(in: symbol, at: Self.venue)
    }

    /// Lets the price go to each leg of the brackets that lies in the range, those nearest the open first; with `exits` only
    /// of those that leave by such an order.
    private mutating func sweepBrackets(
        _ candle: Candle, _ low: FixedDecimal, _ high: FixedDecimal, _ reach: MatchingEngine.Reach,
        only held: Set<OrderID>?, exits: Side? = nil, at time: Timestamp
    ) {
        guard desk.holdsBrackets else { return }
        var legs: [(id: OrderID, price: FixedDecimal, distance: FixedDecimal)] = []
        for bracket in heldBrackets(in: candle.symbol)
        where held?.contains(bracket.id) ?? true && exits ?? bracket.side == bracket.side {
            if reach.contains(.stops), let stop = bracket.prices.stopLoss, low <= stop, stop <= high {
                legs.append((bracket.id, stop, .absolute(.subtracting(stop, candle.open))))
            }
            if reach.contains(.targets), let target = bracket.prices.takeProfit,
                bracket.side == .sell ? low <= target && target < high : low < target && target <= high
            {
                legs.append((bracket.id, target, .absolute(.subtracting(target, candle.open))))
            }
        }
        legs.sort { $0.distance == $1.distance ? $0.id < $1.id : $0.distance < $1.distance }
        for leg in legs where desk.bracket(leg.id)?.status == .held {
            move(to: leg.price, candle.symbol, at: time)
        }
    }
}
