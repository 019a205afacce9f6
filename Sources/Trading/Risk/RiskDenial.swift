/// Why this host denied an order. The strategy and its page see the description word for word.
public enum RiskDenial: Error, Hashable, Sendable {
    case halted(scope: RiskScope, reason: String)
    /// The host cannot take orders now, such as during history or on a full disk.
    case refused(reason: String)
    case notEnrolled(StrategyID)
    case notRunning(StrategyID)
    case unknownInstrument(symbol: String, venue: VenueID)
    case filters(FilterFlaw)
    case currencyMismatch(symbol: String, quote: String, account: AccountID, currency: String)
    case noPrice(symbol: String)
    case stalePrice(symbol: String, ageMilliseconds: Int64, limitMilliseconds: Int64)
    case instrumentNotAllowed(symbol: String, scope: RiskScope)
    case orderNotional(asked: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    case positionNotional(
        symbol: String, wouldBe: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    /// All positions of the scope together.
    case exposure(wouldBe: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    case openPositions(limit: Int, scope: RiskScope)
    case openOrders(limit: Int, scope: RiskScope)
    case orderRate(limit: Int, scope: RiskScope)
    case priceDistance(price: FixedDecimal, last: FixedDecimal, limit: FixedDecimal, scope: RiskScope)
    case dailyLoss(lost: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    /// Equity has fallen too far from its peak.
    case drawdown(
        fallen: FixedDecimal, peak: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    /// Too many orders were sent for the trades that came of them.
    case orderToTrade(orders: Int, trades: Int, limit: FixedDecimal, minutes: Int, scope: RiskScope)
    case leverage(
        exposure: FixedDecimal, equity: FixedDecimal, limit: FixedDecimal, currency: String, scope: RiskScope)
    /// The order would meet a standing order of the same account.
    case selfTrade(symbol: String, order: OrderID, scope: RiskScope)
    case insufficientFunds(
        needed: FixedDecimal, available: FixedDecimal, currency: String, scope: RiskScope)
    case shortOnSpot(symbol: String, asked: FixedDecimal, available: FixedDecimal)
    case nothingToReduce(symbol: String, asked: FixedDecimal, position: FixedDecimal)
    /// The venue may not be asked now, such as under a ban.
    case venueUnavailable(AccountID, until: Timestamp?, reason: String)
    /// Something may have happened on the account that is not known yet, so risk may only be reduced.
    case accountInDoubt(AccountID, reason: String)
    /// Several orders at the venue could be one of ours; until a person says which, risk may only be reduced.
    case symbolFrozen(symbol: String, account: AccountID, order: OrderID)
    /// The venue holds another amount than the fills come to; until that is accepted, risk may only be reduced.
    case holdingDiffers(AccountID, asset: String, difference: FixedDecimal)
    /// An order of the same strategy and symbol has an unknown outcome, so risk may only be reduced.
    case unresolvedOrder(OrderID, symbol: String)
    /// The stop-loss or take-profit that came with it cannot be.
    case bracket(BracketFlaw)
    /// A bracket's exit is closing the position already.
    case exitUnderWay(OrderID, symbol: String)
    case noSuchOrder(RequestID)
    case notAmendable(OrderID, status: OrderStatus)
    /// The order was already on its way out or changing.
    case changeUnderWay(OrderID)
}

extension RiskDenial: CustomStringConvertible {
    /// A short stable word for programs.
    public var code: String {
        switch self {
        case .halted: "halted"
        case .refused: "refused"
        case .notEnrolled: "not_enrolled"
        case .notRunning: "not_running"
        case .unknownInstrument: "unknown_instrument"
        case .filters: "instrument_filter"
        case .currencyMismatch: "currency_mismatch"
        case .noPrice: "no_price"
        case .stalePrice: "stale_price"
        case .instrumentNotAllowed: "instrument_not_allowed"
        case .orderNotional: "order_notional"
        case .positionNotional: "position_notional"
        case .exposure: "exposure"
        case .openPositions: "open_positions"
        case .openOrders: "open_orders"
        case .orderRate: "order_rate"
        case .priceDistance: "price_distance"
        case .dailyLoss: "daily_loss"
        case .drawdown: "drawdown"
        case .orderToTrade: "order_to_trade"
        case .leverage: "leverage"
        case .selfTrade: "self_trade"
        case .insufficientFunds: "insufficient_funds"
        case .shortOnSpot: "short_on_spot"
        case .nothingToReduce: "nothing_to_reduce"
        case .venueUnavailable: "venue_unavailable"
        case .accountInDoubt: "account_in_doubt"
        case .symbolFrozen: "symbol_frozen"
        case .holdingDiffers: "holding_differs"
        case .unresolvedOrder: "unresolved_order"
        case .bracket: "bracket"
        case .exitUnderWay: "exit_under_way"
        case .noSuchOrder: "no_such_order"
        case .notAmendable: "not_amendable"
        case .changeUnderWay: "change_under_way"
        }
    }

    /// In words, with the numbers that a reader needs in order to act.
    public var description: String {
        switch self {
        case .halted(let scope, let reason): "trading is halted for \(scope): \(reason)"
        case .refused(let reason): reason
        case .notEnrolled(let strategy): "strategy \(strategy) has no account; start it first"
        case .notRunning(let strategy): "strategy \(strategy) is not running"
        case .unknownInstrument(let symbol, let venue): "\(symbol) is not traded on \(venue)"
        case .filters(let flaw): flaw.description
        case .currencyMismatch(let symbol, let quote, let account, let currency):
            "\(symbol) is paid in \(quote), but account \(account) holds \(currency)"
        case .noPrice(let symbol):
            "there is no price of \(symbol) yet, so a market order cannot be valued; wait for one or name a limit"
        case .stalePrice(let symbol, let age, let limit):
            "the last price of \(symbol) is \(age) ms old; orders that name no price need one of \(limit) ms at most"
        case .instrumentNotAllowed(let symbol, let scope): "\(symbol) is not on the list allowed for \(scope)"
        case .orderNotional(let asked, let limit, let currency, let scope):
            "the order is worth \(asked) \(currency); the limit of \(scope) is \(limit) \(currency) an order"
        case .positionNotional(let symbol, let wouldBe, let limit, let currency, let scope):
            "with open orders the \(symbol) position could reach \(wouldBe) \(currency); "
                + "the limit of \(scope) is \(limit) \(currency)"
        case .exposure(let wouldBe, let limit, let currency, let scope):
            "with open orders all positions of \(scope) could reach \(wouldBe) \(currency); "
                + "the limit is \(limit) \(currency)"
        case .openPositions(let limit, let scope):
            "\(scope) may hold \(limit) position\(limit == 1 ? "" : "s") at a time, and does"
        case .openOrders(let limit, let scope):
            "\(scope) may have \(limit) open order\(limit == 1 ? "" : "s"), and has"
        case .orderRate(let limit, let scope):
            "\(scope) may send \(limit) order\(limit == 1 ? "" : "s") a minute, and did"
        case .priceDistance(let price, let last, let limit, let scope):
            "the price \(price) is further from the last price \(last) than the fraction \(limit) that "
                + "\(scope) may go"
        case .dailyLoss(let lost, let limit, let currency, let scope):
            "the loss of \(scope) since midnight is \(lost) \(currency), the limit \(limit) \(currency); "
                + "until midnight only orders that reduce a position pass"
        case .drawdown(let fallen, let peak, let limit, let currency, let scope):
            "the fall of \(scope) from its peak of \(peak) \(currency) is \(fallen) \(currency), the limit the "
                + "fraction \(limit) of the peak; until it recovers, or an operator begins the peak anew, "
                + "only orders that reduce a position pass"
        case .orderToTrade(let orders, let trades, let limit, let minutes, let scope):
            "\(scope) sent \(orders) order\(orders == 1 ? "" : "s") in \(minutes) "
                + "minute\(minutes == 1 ? "" : "s") for \(trades) trade\(trades == 1 ? "" : "s"); the limit is "
                + "\(limit) a trade; until more trade, or that time is over, only orders that reduce a position pass"
        case .leverage(let exposure, let equity, let limit, let currency, let scope):
            "exposure could reach \(exposure) \(currency) on an equity of \(equity) \(currency); "
                + "the leverage limit of \(scope) is \(limit)"
        case .selfTrade(let symbol, let order, let scope):
            "the order would trade with order \(order) in \(symbol) of the same account, which \(scope) may not"
        case .insufficientFunds(let needed, let available, let currency, let scope):
            "the order needs \(needed) \(currency) with fees; \(available) \(currency) of \(scope) is free"
        case .shortOnSpot(let symbol, let asked, let available):
            "a spot account cannot sell what it does not hold: asked \(asked) of \(symbol), free "
                + "\(available); of several exits for one position, make each reduce-only"
        case .nothingToReduce(let symbol, let asked, let position):
            "reduce-only for \(asked), but the \(symbol) position is \(position)"
        case .venueUnavailable(let account, let until, let reason):
            "the venue of account \(account) may not be asked"
                + (until.map { " until \($0.utcText()) UTC" } ?? "") + ": \(reason)"
        case .accountInDoubt(let account, let reason):
            "account \(account) may have changed unseen (\(reason)); until that is known, "
                + "only orders that reduce a position pass"
        case .symbolFrozen(let symbol, let account, let order):
            "\(symbol) is frozen on account \(account): several orders there could be order \(order); until an "
                + "operator says which, only orders that reduce a position pass"
        case .holdingDiffers(let account, let asset, let difference):
            "\(HoldingRecord.words(account, asset, difference)); until an operator accepts that (bullpen reconcile "
                + "\(account) --accept), only orders that reduce a position pass"
        case .unresolvedOrder(let order, let symbol):
            "the outcome of order \(order) in \(symbol) is unknown; until the venue tells, "
                + "only orders that reduce the position pass"
        case .bracket(let flaw): flaw.description
        case .exitUnderWay(let order, let symbol):
            "order \(order) is closing the \(symbol) position; until it has ended, nothing more is sent on its side"
        case .noSuchOrder(let request): "there is no order with request id \(request)"
        case .notAmendable(let order, let status):
            "order \(order) is \(status.rawValue) and cannot be changed"
        case .changeUnderWay(let order): "order \(order) is already being changed"
        }
    }
}
