/// A candle in steps, for the Lab, where orders arrive at its open and the way of the price inside it can be chosen.
///
/// First ``candleOpened(_:at:)``, then any number of sweeps and orders, then ``candleClosed(_:)``. All of them draw on one
/// volume, as in ``marketMoved(_:)``, which is these steps with the worst way assumed and no orders in between.
extension MatchingEngine {
    /// What may be reached in one sweep over a part of a candle's range.
    public struct Reach: OptionSet, Hashable, Sendable {
        /// Which of the two.
        public let rawValue: Int
        /// Stops, at their trigger prices.
        public static let stops = Reach(rawValue: 1)
        /// Limits and take-profits, at their own prices, where the market traded beyond them.
        public static let targets = Reach(rawValue: 2)

        /// Takes the bits as they are.
        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The market stands at a candle's open, with its share of the candle's volume to be had: orders that take any price
    /// fill, and so do stops and limits that were jumped over.
    public mutating func candleOpened(_ candle: Candle, at time: Timestamp) -> [MatchingEvent] {
        guard let instrument = instrument(of: candle.symbol), candle.flaw == nil,
            TradingBounds.allows(price: candle.high)
        else { return [] }
        let (symbol, open) = (candle.symbol, candle.open)
        let volume = share(of: candle.volume, instrument)
        books[symbol]?.market = Market(
            time: time, last: open, ask: open, bid: open, buyable: volume, sellable: volume, isShared: true,
            volume: candle.volume)
        let waiting = waiting(in: symbol)
        guard !waiting.isEmpty || isHeld(symbol) else { return [] }
        let limits = waiting.filter { orders[$0]?.waitsAtLimit == true }
        takeAll(waiting, at: time)
        fire(waiting, at: time) { Self.fires($0, low: open, high: open) ? open : nil }
        fillLimits(limits, standing: open, at: time) { limit, side in
            side == .buy ? limit > open : limit < open
        }
        liquidate(symbol, low: open, high: open, at: time)
        return takeEvents()
    }

    /// The market goes over a part of the candle's range; margin accounts are checked at its worse end.
    ///
    /// A stop-limit that fires waits for the next sweep: its best prices may be over.
    public mutating func candleSwept(
        _ symbol: String, low: FixedDecimal, high: FixedDecimal, _ reach: Reach, at time: Timestamp
    ) -> [MatchingEvent] {
        let waiting = waiting(in: symbol)
        guard !waiting.isEmpty || isHeld(symbol) else { return [] }
        let limits = waiting.filter { orders[$0]?.waitsAtLimit == true }
        if reach.contains(.stops) {
            fire(waiting, at: time) { order in
                guard order.terms.type != .takeProfit, Self.fires(order, low: low, high: high) else {
                    return nil
                }
                return order.terms.stopPrice
            }
            liquidate(symbol, low: low, high: high, at: time)
        }
        if reach.contains(.targets) {
            fillLimits(limits, at: time) { limit, side in side == .buy ? limit > low : limit < high }
            fire(waiting, at: time) { order in
                guard order.terms.type == .takeProfit, let trigger = order.terms.stopPrice else { return nil }
                let isBeyond = order.terms.waitsForFall ? low < trigger : high > trigger
                return isBeyond ? trigger : nil
            }
        }
        return takeEvents()
    }

    /// The candle is over; its close is the price from here on.
    public mutating func candleClosed(_ candle: Candle) -> [MatchingEvent] {
        guard currentMarket(of: candle.symbol) != nil, candle.flaw == nil,
            TradingBounds.allows(price: candle.high)
        else { return [] }
        books[candle.symbol]?.market?.stand(at: candle.close, since: candle.closeTime)
        guard isHeld(candle.symbol) else { return [] }
        liquidate(candle.symbol, low: candle.close, high: candle.close, at: candle.closeTime)
        return takeEvents()
    }

    /// A candle went by in which nothing happens, which whoever calls this knows: its close is the price from here on.
    public mutating func candlePassed(_ candle: Candle) {
        guard let instrument = instrument(of: candle.symbol), candle.flaw == nil,
            TradingBounds.allows(price: candle.high)
        else { return }
        let (close, volume) = (candle.close, share(of: candle.volume, instrument))
        books[candle.symbol]?.market = Market(
            time: candle.closeTime, last: close, ask: close, bid: close, buyable: volume, sellable: volume,
            isShared: true, volume: candle.volume)
    }

    /// Places an order as if the market stood at `price`; afterwards it stands where it stood, with less volume.
    public mutating func place(
        _ request: PlaceRequest, on account: AccountID, at time: Timestamp, price: FixedDecimal
    ) -> (order: MatchingOrder, events: [MatchingEvent]) {
        guard let before = currentMarket(of: request.terms.symbol) else {
            return place(request, on: account, at: time)
        }
        setMarket(request.terms.symbol, price: price)
        let outcome = place(request, on: account, at: time)
        if let now = currentMarket(of: request.terms.symbol) {
            books[request.terms.symbol]?.market = now.at(pricesOf: before)
        }
        return outcome
    }

    /// Whether no order is open anywhere.
    public var isIdle: Bool { !books.hasAny { !$0.open.isEmpty } }
}
