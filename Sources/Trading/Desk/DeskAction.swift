/// What the host must do for the desk, in this order.
public enum DeskAction: Hashable, Sendable {
    /// Append to the journal, in one transaction with the other records of the same call.
    case record(DeskEvent)
    /// Ask the venue, but only once every record before this action is durable.
    case send(AccountID, VenueRequest)
    /// Tell the strategy. Needs no waiting.
    case tell(StrategyID, StrategyNotice)
    /// Tell the operator.
    case alarm(DeskAlarm)
}

/// News for a strategy.
public enum StrategyNotice: Hashable, Sendable {
    /// All of what one of its orders is now.
    case order(Order)
    /// A part of one of its orders traded; `request` is its own name for the order.
    case fill(Fill, request: RequestID?)
    /// What it holds of a symbol now.
    case position(PositionSummary)
    /// All of what one of its brackets is now.
    case bracket(Bracket)
    /// What may be done on its account changed.
    case trading(TradingNotice)
    /// A cancel or amend that it asked for was denied.
    case denied(RequestID, RiskDenial)
}

/// What a strategy holds of one symbol, with the worth of it at the last price.
public struct PositionSummary: Hashable, Sendable {
    public let key: LedgerKey
    /// Above nought is long, below is short.
    public let quantity: FixedDecimal
    public let averagePrice: FixedDecimal
    /// Nil before the first price.
    public let lastPrice: FixedDecimal?
    public let realised: FixedDecimal
    public let unrealised: FixedDecimal
    public let fees: FixedDecimal
    public let time: Timestamp
}

/// Something that a person should see.
public enum DeskAlarm: Hashable, Sendable, CustomStringConvertible {
    case order(OrderID, StrategyID, OrderAlarm)
    /// The same trade id came with other data; the first is kept.
    case fillChanged(FillKey)
    /// A fill's fee is in a currency whose worth is not known; it is not in the ledger.
    case feeNotCounted(FillKey, currency: String)
    /// The venue said "filled" and shows no trades; a fill at its mean price was booked.
    case fillInferred(OrderID, StrategyID, quantity: FixedDecimal)
    /// Something traded on the account that is no order of ours. It is booked, where it can be, on these.
    case externalTrade(FillKey, bookedOn: [StrategyID])
    /// An order that is not ours is open on the account.
    case externalOrder(AccountID, symbol: String, VenueOrderID)
    /// A report is about an order that this desk never had.
    case strangeOrder(AccountID, String)
    /// A fill's numbers are no market's; it was not booked.
    case absurdTrade(FillKey)
    /// The venue told of an order in numbers that no order can have; it counts as not told.
    case absurdReport(AccountID, order: String)
    case halted(RiskScope, reason: String)
    /// Equity has fallen from its peak as far as the limit; only orders that reduce a position pass.
    case drawdown(Drawdown)
    /// A position could not be closed all the way.
    case flattenStopped(LedgerKey, reason: String)
    /// A bracket's leg was reached, and its exit did not close the position.
    case exitFailing(OrderID, LedgerKey, reason: String)
    /// A question to the venue went unanswered; what it was about stays unknown.
    case unanswered(AccountID, String)
    /// A cancel was refused again and again.
    case cancelFailing(OrderID, StrategyID, reason: String)
    /// What is known of an account may be incomplete, for this reason.
    case accountDoubted(AccountID, reason: String)
    /// The venue may not be asked about an account.
    case venueAway(AccountID, until: Timestamp?, reason: String)
    /// It may again.
    case venueBack(AccountID)
    /// Several orders at the venue could be one of ours; a person must say which.
    case ambiguous(OrderID, StrategyID, [VenueOrderID])
    /// An order has ended here, and the venue shows it open whenever it is asked; it is being cancelled.
    case stillOpen(OrderID, StrategyID, VenueOrderID)
    /// The venue shows an order open under two names: a change of it was placed, and the old one is not gone.
    case openTwice(OrderID, StrategyID, [VenueOrderID])
    /// The venue holds more (above nought) or less of something than the fills come to; beyond the tolerance orders that
    /// add risk with it are denied.
    case external(AccountID, asset: String, difference: FixedDecimal, isBlocking: Bool)
    /// Venue and books agree again.
    case externalGone(AccountID, asset: String)

    /// In words.
    public var description: String {
        switch self {
        case .order(let order, let strategy, let alarm): "order \(order) of \(strategy): \(alarm)"
        case .fillChanged(let key):
            "trade \(key.trade) in \(key.symbol) on \(key.account) was told again with other data; the first is kept"
        case .feeNotCounted(let key, let currency):
            "the fee of trade \(key.trade) in \(key.symbol) is in \(currency), whose worth is not known here; it is not in the"
                + " ledger (a feed of that market would tell it)"
        case .fillInferred(let order, let strategy, let quantity):
            "order \(order) of \(strategy) is filled, but the venue shows no trade for \(quantity); inferred"
        case .externalTrade(let key, let strategies):
            "trade \(key.trade) in \(key.symbol) on \(key.account) is of no order of this host; booked on "
                + strategies.map(\.text).joined(separator: ", ")
        case .externalOrder(let account, let symbol, let id):
            "order \(id) in \(symbol) is open on account \(account) and is not of this host"
        case .strangeOrder(let account, let id):
            "the venue of account \(account) reports order \(id), which this host never had"
        case .absurdTrade(let key):
            "trade \(key.trade) in \(key.symbol) on \(key.account) has impossible numbers; it was not booked"
        case .absurdReport(let account, let order):
            "order \(order) on \(account) was told of with impossible numbers; that counts as no answer"
        case .halted(let scope, let reason): "trading halted for \(scope): \(reason)"
        case .drawdown(let drawdown):
            "\(drawdown.scope) has fallen by \(drawdown.fallen) from its peak of \(drawdown.peak), the limit is the "
                + "fraction \(drawdown.limit); only orders that reduce a position pass"
        case .flattenStopped(let key, let reason):
            "the \(key.symbol) position of \(key.strategy) is not closed: \(reason)"
        case .exitFailing(let bracket, let key, let reason):
            "the \(key.symbol) position of \(key.strategy) is not closed by bracket \(bracket): \(reason)"
        case .unanswered(let account, let reason): "the venue of account \(account) did not answer: \(reason)"
        case .cancelFailing(let order, let strategy, let reason):
            "order \(order) of \(strategy) cannot be cancelled: \(reason)"
        case .accountDoubted(let account, let reason):
            "what is known of account \(account) may be incomplete: \(reason)"
        case .venueAway(let account, _, let reason):
            "the venue of account \(account) may not be asked: \(reason)"
        case .venueBack(let account): "the venue of account \(account) may be asked again"
        case .ambiguous(let order, let strategy, let candidates):
            "order \(order) of \(strategy) may be any of \(candidates.map(\.text).joined(separator: ", ")) "
                + "at the venue, or none; say which"
        case .stillOpen(let order, let strategy, let id):
            "order \(order) of \(strategy) has ended, and the venue shows \(id) open; it is being cancelled"
        case .openTwice(let order, let strategy, let ids):
            "order \(order) of \(strategy) is open more than once at the venue: "
                + ids.map(\.text).joined(separator: ", ")
        case .external(let account, let asset, let difference, let isBlocking):
            "EXTERNAL: \(HoldingRecord.words(account, asset, difference)); "
                + (isBlocking
                    ? "orders that add risk with \(asset) are denied there until it is accepted"
                    : "that is within the tolerance, and nothing is denied")
        case .externalGone(let account, let asset):
            "the venue holds as much \(asset) on account \(account) as its fills come to again"
        }
    }
}

/// What becomes of open orders and positions when a strategy ends or is halted.
public enum OpenOrderPolicy: String, Hashable, Sendable, CaseIterable {
    /// They stay.
    case keep
    /// Orders are cancelled, positions stay.
    case cancel
    /// Orders are cancelled and positions closed.
    case flatten
}
