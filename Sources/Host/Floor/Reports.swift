internal import Trading
internal import Wire

/// The desk's words in those of the strategy protocol and of the interface.

extension OrderReport {
    /// An order as its strategy hears of it, under the feed's own symbol.
    init(_ order: Order) { self.init(order, symbol: Feed.symbol(order.symbol)) }
}

extension FillReport {
    /// A fill as its strategy hears of it.
    init(_ fill: Fill, request: RequestID?) {
        self.init(fill, request: request, symbol: Feed.symbol(fill.symbol))
    }
}

extension PositionReport {
    /// A position as its strategy hears of it.
    init(_ position: PositionSummary) {
        self.init(position, symbol: Feed.symbol(position.key.symbol))
    }
}

extension TradingReport {
    /// What a strategy may do, as it hears of it.
    init(_ notice: TradingNotice) {
        let state: State =
            switch notice.state {
            case .open: .open
            case .reduceOnly: .reduceOnly
            case .closed: .closed
            }
        self.init(
            state: state, symbol: notice.symbol.map(Feed.symbol), reason: notice.reason,
            until: notice.until, time: notice.time)
    }
}

extension OrderView {
    /// An order as people see it.
    init(_ order: Order) {
        var terms = order.intent.terms
        terms.quantity = order.quantity
        terms.price = order.price
        self.init(
            id: order.id.description, strategy: order.intent.strategy.text, run: order.intent.run.text,
            request: order.intent.request?.text ?? "", terms: terms, status: OrderReport.Status(order.status),
            filledQuantity: order.filledQuantity, averagePrice: order.averagePrice, fee: order.fee,
            reason: order.reason, createdAt: order.intent.createdAt, updatedAt: order.updatedAt)
    }
}

extension FillView {
    /// A fill as people see it.
    init(_ fill: Fill) {
        self.init(
            id: fill.key.trade.text, order: fill.order.description, strategy: fill.strategy.text,
            symbol: fill.symbol, side: fill.side, price: fill.price, quantity: fill.quantity, fee: fill.fee,
            feeCurrency: fill.feeCurrency, liquidity: fill.liquidity, time: fill.time)
    }
}

extension PositionView {
    /// A position as people see it, on an account in `currency`.
    init(_ position: PositionSummary, in currency: String) {
        self.init(
            strategy: position.key.strategy.text, account: position.key.account.text, currency: currency,
            symbol: position.key.symbol, quantity: position.quantity, averagePrice: position.averagePrice,
            lastPrice: position.lastPrice, realisedProfit: position.realised,
            unrealisedProfit: position.unrealised, fees: position.fees)
    }
}
