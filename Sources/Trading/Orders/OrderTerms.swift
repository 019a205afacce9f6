/// Whether an order buys or sells.
public enum Side: String, Hashable, Sendable, CaseIterable {
    case buy
    case sell

    /// The other side.
    public var opposite: Side { self == .buy ? .sell : .buy }
}

/// How an order finds its price.
public enum OrderType: String, Hashable, Sendable, CaseIterable {
    /// At the best price there is.
    case market
    /// At `price` or better.
    case limit
    /// Becomes a market order once the last price is at or beyond `stopPrice`, against the position.
    case stop
    /// Becomes a limit order at `price` once the last price is at or beyond `stopPrice`.
    case stopLimit = "stop_limit"
    /// Becomes a market order once the last price is at or beyond `stopPrice`, in the position's favour.
    case takeProfit = "take_profit"

    /// Whether the order must name a limit price.
    public var needsPrice: Bool { self == .limit || self == .stopLimit }

    /// Whether the order must name a trigger price.
    public var needsStopPrice: Bool { self == .stop || self == .stopLimit || self == .takeProfit }
}

/// How long an order stands.
public enum TimeInForce: String, Hashable, Sendable, CaseIterable {
    /// Good till cancelled.
    case gtc
    /// Immediate or cancel: what cannot fill at once is cancelled.
    case ioc
    /// Fill or kill: all at once or nothing.
    case fok
}

/// What an order asks for, free of who asks and where it goes.
public struct OrderTerms: Hashable, Sendable {
    public var symbol: String
    public var side: Side
    public var type: OrderType
    /// In base currency. Above nought.
    public var quantity: FixedDecimal
    /// The limit price; exactly when ``OrderType/needsPrice``.
    public var price: FixedDecimal?
    /// The trigger price; exactly when ``OrderType/needsStopPrice``.
    public var stopPrice: FixedDecimal?
    public var timeInForce: TimeInForce
    /// Refuse rather than take liquidity.
    public var postOnly: Bool
    /// Never open or enlarge a position.
    public var reduceOnly: Bool

    /// Describes an order; the desk checks that the terms fit together.
    public init(
        symbol: String, side: Side, type: OrderType, quantity: FixedDecimal, price: FixedDecimal? = nil,
        stopPrice: FixedDecimal? = nil, timeInForce: TimeInForce = .gtc, postOnly: Bool = false,
        reduceOnly: Bool = false
    ) {
        self.symbol = symbol
        self.side = side
        self.type = type
        self.quantity = quantity
        self.price = price
        self.stopPrice = stopPrice
        self.timeInForce = timeInForce
        self.postOnly = postOnly
        self.reduceOnly = reduceOnly
    }
}
