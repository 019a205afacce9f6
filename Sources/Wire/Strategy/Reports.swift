public import Trading

/// The desk's words in those of the strategy protocol.

extension OrderReport {
    /// An order as its strategy hears of it.
    public init(_ order: Order, symbol: String) {
        let terms = order.intent.terms
        self.init(
            request: order.intent.request?.text ?? "", order: order.id.description, symbol: symbol,
            side: order.side, type: terms.type, quantity: order.quantity, price: order.price,
            stopPrice: terms.stopPrice, timeInForce: terms.timeInForce, status: Status(order.status),
            filledQuantity: order.filledQuantity, averagePrice: order.averagePrice, reason: order.reason,
            time: order.updatedAt)
    }

    /// The answer to a line that was no order, or to a change that was denied.
    public static func denied(request: String, reason: String, at time: Timestamp) -> OrderReport {
        OrderReport(
            request: request, order: "", symbol: "", side: .buy, type: .market, quantity: .zero,
            timeInForce: .gtc, status: .denied, filledQuantity: .zero, reason: reason, time: time)
    }
}

extension OrderReport.Status {
    /// What a strategy needs to tell apart.
    public init(_ status: OrderStatus) {
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
    public init(_ fill: Fill, request: RequestID?, symbol: String) {
        self.init(
            order: fill.order.description, request: request?.text ?? "", trade: fill.key.trade.text,
            symbol: symbol, side: fill.side, price: fill.price, quantity: fill.quantity, fee: fill.fee,
            feeCurrency: fill.feeCurrency, liquidity: fill.liquidity, time: fill.time)
    }
}

extension PositionReport {
    /// A position as its strategy hears of it.
    public init(_ position: PositionSummary, symbol: String) {
        self.init(
            symbol: symbol, quantity: position.quantity, averagePrice: position.averagePrice,
            realisedProfit: position.realised, unrealisedProfit: position.unrealised, fees: position.fees,
            time: position.time)
    }
}

extension BracketReport {
    /// A bracket as its strategy hears of it.
    public init(_ bracket: Bracket, symbol: String) {
        self.init(
            request: bracket.request.text, bracket: bracket.id.description, symbol: symbol,
            side: bracket.side, quantity: bracket.quantity, prices: bracket.prices, status: bracket.status,
            leg: bracket.leg, exit: bracket.exit?.description, reason: bracket.reason,
            time: bracket.updatedAt)
    }
}
