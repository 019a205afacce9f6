/// What a strategy, an account, all accounts at a venue or everything together may do. Nil means no limit.
public struct RiskLimits: Hashable, Sendable {
    /// The largest value of one order, in quote currency.
    public var orderNotional: FixedDecimal?
    /// The largest worst-case value of one symbol's position, open orders included, in quote currency.
    public var positionNotional: FixedDecimal?
    /// The largest worst-case value of all positions together, open orders included, in account currency.
    public var exposure: FixedDecimal?
    /// How many symbols may have a position, or an order that could open one, at a time.
    ///
    /// For an account, a venue or everything, two strategies in one symbol count as two.
    public var openPositions: Int?
    /// How many orders may be live at a time.
    public var openOrders: Int?
    /// How many orders may pass in any 60 seconds.
    public var ordersPerMinute: Int?
    /// How far a limit price may lie from the last price, as a fraction of it.
    public var priceDistance: FixedDecimal?
    /// The loss since midnight at which risk may only be reduced, in account currency.
    public var dailyLoss: FixedDecimal?
    /// The same as a fraction of the equity at midnight. Whose midnight, the desk's settings say.
    public var dailyLossFraction: FixedDecimal?
    /// The fall from the peak of equity, as a fraction of that peak, at which risk may only be reduced.
    public var drawdown: FixedDecimal?
    /// How many orders may be sent for each trade. Over which time, and from how many orders on, the desk's settings say.
    public var orderToTrade: FixedDecimal?
    /// The most worst-case exposure over equity.
    public var leverage: FixedDecimal?
    /// The symbols that may be traded; nil means all.
    public var instruments: Set<String>?
    /// Whether orders are denied that would meet a standing order of the same account.
    public var preventsSelfTrades: Bool

    /// No limit at all.
    public static let none = RiskLimits()

    /// Describes limits; what is left out is unlimited.
    public init(
        orderNotional: FixedDecimal? = nil, positionNotional: FixedDecimal? = nil, openPositions: Int? = nil,
        openOrders: Int? = nil, ordersPerMinute: Int? = nil, priceDistance: FixedDecimal? = nil,
        dailyLoss: FixedDecimal? = nil, dailyLossFraction: FixedDecimal? = nil, leverage: FixedDecimal? = nil,
        instruments: Set<String>? = nil, preventsSelfTrades: Bool = false, exposure: FixedDecimal? = nil,
        drawdown: FixedDecimal? = nil, orderToTrade: FixedDecimal? = nil
    ) {
        self.orderNotional = orderNotional
        self.positionNotional = positionNotional
        self.openPositions = openPositions
        self.openOrders = openOrders
        self.ordersPerMinute = ordersPerMinute
        self.priceDistance = priceDistance
        self.dailyLoss = dailyLoss
        self.dailyLossFraction = dailyLossFraction
        self.leverage = leverage
        self.instruments = instruments
        self.preventsSelfTrades = preventsSelfTrades
        self.exposure = exposure
        self.drawdown = drawdown
        self.orderToTrade = orderToTrade
    }
}

/// Whose limit, money or halt it is.
public enum RiskScope: Hashable, Sendable, CustomStringConvertible {
    case strategy(StrategyID)
    case account(AccountID)
    /// All accounts at a venue together.
    case venue(VenueID)
    case everything

    var isVenue: Bool {
        if case .venue = self { true } else { false }
    }

    /// In words that follow "of" or "for".
    public var description: String {
        switch self {
        case .strategy(let id): "strategy \(id)"
        case .account(let id): "account \(id)"
        case .venue(let id): "venue \(id)"
        case .everything: "the whole host"
        }
    }
}
