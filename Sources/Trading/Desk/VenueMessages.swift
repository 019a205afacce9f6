/// What the desk wants of a venue.
public enum VenueRequest: Hashable, Sendable {
    case place(PlaceRequest)
    case cancel(OrderReference)
    case amend(OrderReference, Amendment)
    /// What became of an order; answered by a report about it, or ``VenueReport/absent(_:)``.
    case status(OrderReference)
    /// The trades after the cursor; answered by ``VenueReport/trades(_:cursor:)``.
    case trades(after: String?)
    /// Every order that the venue holds open; answered by ``VenueReport/openOrders(_:)``.
    case openOrders
    /// What the account holds; answered by ``VenueReport/balances(_:)``.
    case balances
    /// Which of several orders is ours was decided by a person: the one of the reference's venue id, or none. For adapters
    /// that keep such a list; no answer is expected.
    case decided(OrderReference, isThere: Bool)
}

/// An order to be placed.
public struct PlaceRequest: Hashable, Sendable {
    public let clientID: ClientOrderID
    public let terms: OrderTerms

    /// Describes an order to be placed.
    public init(clientID: ClientOrderID, terms: OrderTerms) {
        self.clientID = clientID
        self.terms = terms
    }
}

/// Which order is meant, by every name that it has.
public struct OrderReference: Hashable, Sendable {
    public let clientID: ClientOrderID
    public let symbol: String
    /// Nil while the venue has not told it.
    public let venueOrderID: VenueOrderID?

    /// Names an order.
    public init(clientID: ClientOrderID, symbol: String, venueOrderID: VenueOrderID?) {
        self.clientID = clientID
        self.symbol = symbol
        self.venueOrderID = venueOrderID
    }
}

/// An order as a venue describes it.
public struct VenueOrder: Hashable, Sendable {
    /// What the venue counts an order as.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case open
        case filled
        case cancelled
        case rejected
        case expired
    }

    /// Nil or foreign when the order is not ours.
    public let clientID: ClientOrderID?
    public let venueOrderID: VenueOrderID
    public let symbol: String
    public let side: Side
    public let quantity: FixedDecimal
    public let price: FixedDecimal?
    public let filledQuantity: FixedDecimal
    public let averagePrice: FixedDecimal?
    public let state: State
    public let reason: String?
    public let time: Timestamp

    /// Describes an order.
    public init(
        clientID: ClientOrderID?, venueOrderID: VenueOrderID, symbol: String, side: Side,
        quantity: FixedDecimal, price: FixedDecimal?, filledQuantity: FixedDecimal,
        averagePrice: FixedDecimal?, state: State, reason: String?, time: Timestamp
    ) {
        self.clientID = clientID
        self.venueOrderID = venueOrderID
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.price = price
        self.filledQuantity = filledQuantity
        self.averagePrice = averagePrice
        self.state = state
        self.reason = reason
        self.time = time
    }
}

/// A trade of the account as a venue describes it.
public struct VenueTrade: Hashable, Sendable {
    public let trade: TradeID
    /// Nil when the venue does not repeat it with its trades.
    public let clientID: ClientOrderID?
    public let venueOrderID: VenueOrderID
    public let symbol: String
    public let side: Side
    public let price: FixedDecimal
    public let quantity: FixedDecimal
    public let fee: FixedDecimal
    public let feeCurrency: String
    public let liquidity: Liquidity
    public let time: Timestamp

    /// Describes a trade.
    public init(
        trade: TradeID, clientID: ClientOrderID?, venueOrderID: VenueOrderID, symbol: String, side: Side,
        price: FixedDecimal, quantity: FixedDecimal, fee: FixedDecimal, feeCurrency: String,
        liquidity: Liquidity, time: Timestamp
    ) {
        self.trade = trade
        self.clientID = clientID
        self.venueOrderID = venueOrderID
        self.symbol = symbol
        self.side = side
        self.price = price
        self.quantity = quantity
        self.fee = fee
        self.feeCurrency = feeCurrency
        self.liquidity = liquidity
        self.time = time
    }
}

/// What a venue, or its adapter, says: answers to requests and news that nobody asked for.
public enum VenueReport: Hashable, Sendable {
    /// The request to place was handed to the network.
    case sent(ClientOrderID)
    /// The request to place provably never left.
    case unsent(ClientOrderID, reason: String)
    /// The request to place may or may not have arrived.
    case outcomeUnknown(ClientOrderID, reason: String)
    case accepted(ClientOrderID, VenueOrderID)
    case rejected(ClientOrderID, reason: String)
    case cancelled(ClientOrderID, filled: FixedDecimal?, reason: String?)
    case expired(ClientOrderID, filled: FixedDecimal?, reason: String?)
    case cancelRefused(ClientOrderID, reason: String)
    case amended(ClientOrderID, Amendment)
    case amendRefused(ClientOrderID, reason: String)
    /// A trade, by stream.
    case trade(VenueTrade)
    /// The answer to a status question.
    case order(VenueOrder)
    /// The answer to a status question: open and closed history know no such order, and the grace period is over.
    case absent(ClientOrderID)
    /// The answer to a question for trades; `isComplete` when no further page follows.
    case trades([VenueTrade], cursor: String?, isComplete: Bool)
    /// The answer to a question for open orders.
    case openOrders([VenueOrder])
    /// The answer to a question for balances: everything of which the account holds something.
    case balances([VenueBalance])
    /// The stream of the account's news broke: until ``streamRestored`` something may happen that nobody tells.
    case streamGap(reason: String)
    /// The stream is whole again from here on; the desk asks for what it missed.
    case streamRestored
    /// The venue may not be asked until then, such as under a ban; nil when nobody knows until when. Streams may live on.
    case venueUnavailable(until: Timestamp?, reason: String)
    /// The venue may be asked again.
    case venueAvailable
    /// Several orders could be the one that is meant, and nothing tells which.
    case ambiguous(ClientOrderID, candidates: [VenueOrderID])
    /// A question went unanswered. Nothing is known, which is not the same as nothing being there.
    case unanswered(VenueRequest, reason: String)
}

extension VenueReport {
    /// The order, by any name, of which this tells numbers that no order can have; nil when there is none.
    var absurdOrder: String? {
        switch self {
        case .order(let order): order.isAbsurd ? order.venueOrderID.text : nil
        case .openOrders(let orders): orders.first(where: \.isAbsurd)?.venueOrderID.text
        case .cancelled(let id, let filled, _), .expired(let id, let filled, _):
            filled.map { $0.isNegative || $0 > TradingBounds.quantity } ?? false ? id.text : nil
        case .amended(let id, let amendment):
            TradingBounds.allows(price: amendment.price, quantity: amendment.quantity) ? nil : id.text
        case .sent, .unsent, .outcomeUnknown, .accepted, .rejected, .cancelRefused, .amendRefused, .trade,
            .absent,
            .streamGap, .streamRestored, .venueUnavailable, .venueAvailable, .ambiguous, .trades, .balances,
            .unanswered:
            nil
        }
    }
}

extension VenueOrder {
    fileprivate var isAbsurd: Bool {
        filledQuantity.isNegative || filledQuantity > TradingBounds.quantity
            || !TradingBounds.allows(price: price, quantity: quantity)
    }
}

extension TradingBounds {
    /// Whether terms are above nought and within bounds, those of an order without a price too.
    fileprivate static func allows(price: FixedDecimal?, quantity: FixedDecimal) -> Bool {
        quantity.isPositive && quantity <= Self.quantity && price.map { allows(price: $0) } ?? true
    }
}
