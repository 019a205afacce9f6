/// How a simulated venue fills and what it charges.
public struct MatchingSettings: Hashable, Sendable {
    /// Charged on what waited in the book, as a fraction of its value.
    public var makerFee: FixedDecimal
    /// Charged on what came to the book, as a fraction of its value.
    public var takerFee: FixedDecimal
    /// How much worse than the market a taker fills, as a fraction of the price.
    public var slippage: FixedDecimal
    /// The share of a candle's or a trade's volume that our orders may have, together.
    public var participation: FixedDecimal
    /// Whether a spot buyer pays the fee out of what was bought.
    public var takesFeesInBase: Bool
    /// How many ended orders, and how many trades, are kept in memory.
    public var remembered: Int
    /// Fees are rounded up to whole multiples of this. Above nought; the finest is the default.
    public var feeStep = FixedDecimal(units: 1)
    /// Whether a candle or a trade serves orders of any size, whatever its volume.
    public var hasAnyVolume = false
    /// By how many ticks a taker fills worse than the market, beside ``slippage``: half of a fixed spread. 0 to 10,000.
    public var halfSpreadTicks = 0
    /// How much worse a taker fills for taking much of what is traded; nil when its size makes no difference.
    public var impact: MarketImpact?
    /// Whether ``MatchingEngine/takeChanges()`` is asked for what changed.
    public var keepsChanges = true

    /// Describes a venue; the defaults are a usual venue's.
    public init(
        makerFee: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000),
        takerFee: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000),
        slippageBasisPoints: Int = 2,
        participation: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 10),
        takesFeesInBase: Bool = false, remembered: Int = 20_000
    ) {
        self.makerFee = makerFee
        self.takerFee = takerFee
        self.slippage = FixedDecimal(units: FixedDecimal.unitsPerOne / 10_000 * Int128(slippageBasisPoints))
        self.participation = participation
        self.takesFeesInBase = takesFeesInBase
        self.remembered = remembered
    }
}

/// An order at the simulated venue.
public struct MatchingOrder: Hashable, Sendable {
    /// The venue's own number.
    public let number: Int64
    public let account: AccountID
    /// Nil for the venue's own orders, such as a liquidation's.
    public let clientID: ClientOrderID?
    /// With quantity and price as last amended.
    public internal(set) var terms: OrderTerms
    public internal(set) var state: VenueOrder.State
    public internal(set) var filledQuantity: FixedDecimal
    public internal(set) var filledNotional: FixedDecimal
    /// Whether a stop has fired.
    public internal(set) var isTriggered: Bool
    /// What the order holds back of the account's money or coins. Spot only.
    public internal(set) var locked: FixedDecimal
    public internal(set) var reason: String?
    public let createdAt: Timestamp
    public internal(set) var updatedAt: Timestamp

    /// Describes an order, as the venue's database holds it.
    public init(
        number: Int64, account: AccountID, clientID: ClientOrderID?, terms: OrderTerms,
        state: VenueOrder.State,
        filledQuantity: FixedDecimal, filledNotional: FixedDecimal, isTriggered: Bool, locked: FixedDecimal,
        reason: String?, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.number = number
        self.account = account
        self.clientID = clientID
        self.terms = terms
        self.state = state
        self.filledQuantity = filledQuantity
        self.filledNotional = filledNotional
        self.isTriggered = isTriggered
        self.locked = locked
        self.reason = reason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// What has not filled.
    public var remainingQuantity: FixedDecimal { FixedDecimal.difference(terms.quantity, filledQuantity) }

    /// The order in the words that every venue shares.
    public var venueOrder: VenueOrder {
        VenueOrder(
            clientID: clientID, venueOrderID: venueOrderID, symbol: terms.symbol, side: terms.side,
            quantity: terms.quantity, price: terms.price, filledQuantity: filledQuantity,
            averagePrice: filledQuantity.isPositive
                ? FixedDecimal.quotient(filledNotional, filledQuantity, .nearestEven) : nil,
            state: state, reason: reason, time: updatedAt)
    }

    /// The venue's own name for it.
    public var venueOrderID: VenueOrderID { VenueOrderID("P\(number)") }

    /// Whether it fills at whatever price there is.
    var takesAnyPrice: Bool {
        switch terms.type {
        case .market: true
        case .stop, .takeProfit: isTriggered
        case .limit, .stopLimit: false
        }
    }

    /// Whether it waits in the book at its limit.
    var waitsAtLimit: Bool {
        switch terms.type {
        case .limit: true
        case .stopLimit: isTriggered
        case .market, .stop, .takeProfit: false
        }
    }
}

/// A trade at the simulated venue.
public struct MatchingTrade: Hashable, Sendable {
    /// The venue's own number, counting up over all accounts.
    public let number: Int64
    public let order: Int64
    public let account: AccountID
    public let trade: VenueTrade

    /// Describes a trade, as the venue's database holds it.
    public init(number: Int64, order: Int64, account: AccountID, trade: VenueTrade) {
        self.number = number
        self.order = order
        self.account = account
        self.trade = trade
    }
}

/// An account at the simulated venue.
public struct MatchingAccount: Hashable, Sendable {
    /// Money or coins of one currency.
    public struct Balance: Hashable, Sendable {
        public internal(set) var total: FixedDecimal
        public internal(set) var locked: FixedDecimal

        /// Describes money.
        public init(total: FixedDecimal, locked: FixedDecimal) {
            self.total = total
            self.locked = locked
        }
    }

    public let id: AccountID
    public internal(set) var kind: AccountKind
    /// The currency that a margin account settles in.
    public let currency: String
    public internal(set) var balances: [String: Balance]
    /// The signed positions of a margin account; empty on spot.
    public internal(set) var positions: [String: SubLedger]

    /// Describes an account.
    public init(
        id: AccountID, kind: AccountKind, currency: String, balances: [String: Balance],
        positions: [String: SubLedger] = [:]
    ) {
        self.id = id
        self.kind = kind
        self.currency = currency
        self.balances = balances
        self.positions = positions
    }

    func free(_ currency: String) -> FixedDecimal {
        guard let balance = balances[currency] else { return .zero }
        return FixedDecimal.difference(balance.total, balance.locked)
    }

    mutating func add(_ amount: FixedDecimal, of currency: String) {
        let total = balances[currency]?.total ?? .zero
        balances[currency, default: Balance(total: .zero, locked: .zero)].total = FixedDecimal.sum(
            total, amount)
    }

    /// Changes the account where it stands.
    mutating func change(by body: (inout MatchingAccount) -> Void) { body(&self) }

    mutating func lock(_ amount: FixedDecimal, of currency: String) {
        let locked = balances[currency]?.locked ?? .zero
        balances[currency, default: Balance(total: .zero, locked: .zero)].locked = FixedDecimal.sum(
            locked, amount)
    }
}

/// Something that happened at the simulated venue.
public enum MatchingEvent: Hashable, Sendable {
    /// `market` is where the market stood: a taker's own price is worse by the slippage, and a maker's may have been jumped over.
    case traded(MatchingTrade, market: FixedDecimal)
    /// Filled, cancelled or expired.
    case ended(MatchingOrder)
    /// The venue closed all positions of a margin account; what it was short of is the venue's loss.
    case liquidated(AccountID, shortfall: FixedDecimal)
}

/// Why the simulated venue refuses.
public enum MatchingRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownAccount(AccountID)
    case unknownInstrument(String)
    case filters(FilterFlaw)
    case offStep
    case noMarket(String)
    case wouldTake(price: FixedDecimal, market: FixedDecimal)
    case insufficientBalance(currency: String, needed: FixedDecimal, free: FixedDecimal)
    case insufficientMargin(exposure: FixedDecimal, equity: FixedDecimal, leverage: FixedDecimal)
    case nothingToReduce
    case unknownOrder
    case notOpen(VenueOrder.State)
    case quantityBelowFilled(FixedDecimal)

    /// In words.
    public var description: String {
        switch self {
        case .unknownAccount(let id): "no account \(id)"
        case .unknownInstrument(let symbol): "\(symbol) is not traded here"
        case .filters(let flaw): flaw.description
        case .offStep: "quantity or price is not a whole multiple of the instrument's step"
        case .noMarket(let symbol): "there is no market in \(symbol) yet"
        case .wouldTake(let price, let market):
            "post-only at \(price) would trade at once, the market is \(market)"
        case .insufficientBalance(let currency, let needed, let free):
            "insufficient balance: needs \(needed) \(currency), free \(free)"
        case .insufficientMargin(let exposure, let equity, let leverage):
            "insufficient margin: exposure \(exposure) on equity \(equity) at leverage \(leverage)"
        case .nothingToReduce: "reduce-only, and there is no position to reduce"
        case .unknownOrder: "no such order"
        case .notOpen(let state): "the order is \(state.rawValue)"
        case .quantityBelowFilled(let filled): "\(filled) is filled already"
        }
    }
}

/// What changed since it was last asked, to be made durable before anybody hears of it.
public struct MatchingChanges: Hashable, Sendable {
    public var orders: [MatchingOrder] = []
    public var trades: [MatchingTrade] = []
    public var accounts: [MatchingAccount] = []

    /// Whether nothing changed.
    public var isEmpty: Bool { orders.isEmpty && trades.isEmpty && accounts.isEmpty }
}
