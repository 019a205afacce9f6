internal import Trading
internal import Wire

/// The desk's words in those of the strategy protocol and of the interface.

extension OrderReport {
    /// An order as its strategy hears of it, under the feed's own symbol.
    init(_ order: Order) {
        let terms = order.intent.terms
        self.init(
            request: order.intent.request?.text ?? "", order: order.id.description,
            symbol: Feed.symbol(order.symbol), side: order.side, type: terms.type, quantity: order.quantity,
            price: order.price, stopPrice: terms.stopPrice, timeInForce: terms.timeInForce,
            status: Status(order.status), filledQuantity: order.filledQuantity,
            averagePrice: order.averagePrice, reason: order.reason, time: order.updatedAt)
    }
}

extension OrderReport {
    /// The answer to a line that was no order, or to a change that was denied.
    static func denied(request: String, reason: String, at time: Timestamp) -> OrderReport {
        OrderReport(
            request: request, order: "", symbol: "", side: .buy, type: .market, quantity: .zero,
            timeInForce: .gtc, status: .denied, filledQuantity: .zero, reason: reason, time: time)
    }
}

extension OrderReport.Status {
    /// What a strategy needs to tell apart.
    init(_ status: OrderStatus) {
        switch status {
        case .pending, .submitted: self = .pending
        case .open, .pendingCancel: self = .open
        case .partiallyFilled: self = .partiallyFilled
        case .filled: self = .filled
        case .cancelled: self = .cancelled
        case .rejected: self = .rejected
        case .denied: self = .denied
        case .expired: self = .expired
        case .unknown: self = .unknown
        case .notPlaced: self = .notPlaced
        }
    }
}

extension FillReport {
    /// A fill as its strategy hears of it.
    init(_ fill: Fill, request: RequestID?) {
        self.init(
            order: fill.order.description, request: request?.text ?? "", trade: fill.key.trade.text,
            symbol: Feed.symbol(fill.symbol), side: fill.side, price: fill.price, quantity: fill.quantity,
            fee: fill.fee, feeCurrency: fill.feeCurrency,
            liquidity: fill.liquidity == .maker ? .maker : .taker,
            time: fill.time)
    }
}

extension PositionReport {
    /// A position as its strategy hears of it.
    init(_ position: PositionSummary) {
        self.init(
            symbol: Feed.symbol(position.key.symbol), quantity: position.quantity,
            averagePrice: position.averagePrice, realisedProfit: position.realised,
            unrealisedProfit: position.unrealised, fees: position.fees, time: position.time)
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
            request: order.intent.request?.text ?? "", terms: terms, status: Status(order.status),
            filledQuantity: order.filledQuantity, averagePrice: order.averagePrice, fee: order.fee,
            reason: order.reason, createdAt: order.intent.createdAt, updatedAt: order.updatedAt)
    }
}

extension OrderView.Status {
    /// What people need to tell apart.
    init(_ status: OrderStatus) {
        self = OrderView.Status(rawValue: OrderReport.Status(status).rawValue) ?? .unknown
    }
}

extension FillView {
    /// A fill as people see it.
    init(_ fill: Fill) {
        self.init(
            id: fill.key.trade.text, order: fill.order.description, strategy: fill.strategy.text,
            symbol: fill.symbol, side: fill.side, price: fill.price, quantity: fill.quantity, fee: fill.fee,
            feeCurrency: fill.feeCurrency, liquidity: fill.liquidity == .maker ? .maker : .taker,
            time: fill.time)
    }
}

extension PositionView {
    /// A position as people see it.
    init(_ position: PositionSummary) {
        self.init(
            strategy: position.key.strategy.text, account: position.key.account.text,
            symbol: position.key.symbol, quantity: position.quantity, averagePrice: position.averagePrice,
            lastPrice: position.lastPrice, realisedProfit: position.realised,
            unrealisedProfit: position.unrealised, fees: position.fees)
    }
}
