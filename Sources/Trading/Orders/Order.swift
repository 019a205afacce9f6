/// Who wanted an order.
public enum OrderOrigin: String, Hashable, Sendable, CaseIterable {
    /// The strategy asked for it.
    case strategy
    /// The desk closes a position, by the operator's wish or a policy.
    case desk
    /// It appeared at the venue without us: a liquidation, or somebody's hand.
    case external
}

/// What never changes about an order. Shared by every copy of it.
public final class OrderIntent: Hashable, Sendable {
    public let id: OrderID
    public let clientID: ClientOrderID
    public let strategy: StrategyID
    public let run: RunID
    public let account: AccountID
    public let venue: VenueID
    /// The strategy's own name for it; nil unless the strategy asked.
    public let request: RequestID?
    public let origin: OrderOrigin
    /// As they are sent: already in the venue's steps.
    public let terms: OrderTerms
    /// The price at which exposure was reserved: the limit, or the worst that a market order should meet.
    public let reservePrice: FixedDecimal
    public let createdAt: Timestamp

    /// Describes an order to be.
    public init(
        id: OrderID, clientID: ClientOrderID, strategy: StrategyID, run: RunID, account: AccountID,
        venue: VenueID, request: RequestID?, origin: OrderOrigin, terms: OrderTerms,
        reservePrice: FixedDecimal, createdAt: Timestamp
    ) {
        self.id = id
        self.clientID = clientID
        self.strategy = strategy
        self.run = run
        self.account = account
        self.venue = venue
        self.request = request
        self.origin = origin
        self.terms = terms
        self.reservePrice = reservePrice
        self.createdAt = createdAt
    }

    /// Same in every field.
    public static func == (left: OrderIntent, right: OrderIntent) -> Bool {
        left === right
            || (left.id == right.id && left.clientID == right.clientID && left.strategy == right.strategy
                && left.run == right.run && left.account == right.account && left.venue == right.venue
                && left.request == right.request && left.origin == right.origin && left.terms == right.terms
                && left.reservePrice == right.reservePrice && left.createdAt == right.createdAt)
    }

    /// The number tells orders apart.
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// A change to quantity or price that the venue has not confirmed yet.
public struct Amendment: Hashable, Sendable {
    /// The new total quantity, filled part included.
    public let quantity: FixedDecimal
    public let price: FixedDecimal?

    /// Describes a change.
    public init(quantity: FixedDecimal, price: FixedDecimal?) {
        self.quantity = quantity
        self.price = price
    }
}

/// An order and all that is known about it.
public struct Order: Hashable, Sendable {
    public let intent: OrderIntent
    public internal(set) var status: OrderStatus
    /// The total quantity, as last confirmed by the venue.
    public internal(set) var quantity: FixedDecimal
    /// The limit price, as last confirmed by the venue.
    public internal(set) var price: FixedDecimal?
    public internal(set) var filledQuantity: FixedDecimal
    /// Sum of price times quantity over the fills.
    public internal(set) var filledNotional: FixedDecimal
    /// Sum of the fees, in quote currency.
    public internal(set) var fee: FixedDecimal
    public internal(set) var venueOrderID: VenueOrderID?
    /// Why it was denied, rejected, cancelled or is unknown, in words.
    public internal(set) var reason: String?
    /// Whether somebody wants it gone; a cancel leaves as soon as the venue holds the order.
    public internal(set) var cancelWanted: Bool
    /// The change under way, if any; of an order that has ended, one of which the venue has not said whether it came first.
    public internal(set) var amendment: Amendment?
    /// How much the venue says is filled, when it said so; fills may still be on their way.
    public internal(set) var venueFilledQuantity: FixedDecimal
    /// How much of ``filledQuantity`` was inferred and not yet shown by trades.
    public internal(set) var inferredQuantity: FixedDecimal
    public internal(set) var updatedAt: Timestamp

    /// A new order whose intent is about to be journaled.
    public init(intent: OrderIntent) {
        self.init(intent: intent, status: .pending, reason: nil)
    }

    /// A new order that the host denies.
    init(denied intent: OrderIntent, reason: String) {
        self.init(intent: intent, status: .denied, reason: reason)
    }

    private init(intent: OrderIntent, status: OrderStatus, reason: String?) {
        self.init(
            intent: intent, status: status, quantity: intent.terms.quantity, price: intent.terms.price,
            filledQuantity: .zero, filledNotional: .zero, fee: .zero, venueOrderID: nil, reason: reason,
            cancelWanted: false, amendment: nil, venueFilledQuantity: .zero, inferredQuantity: .zero,
            updatedAt: intent.createdAt)
    }

    /// An order as the journal holds it.
    public init(
        intent: OrderIntent, status: OrderStatus, quantity: FixedDecimal, price: FixedDecimal?,
        filledQuantity: FixedDecimal, filledNotional: FixedDecimal, fee: FixedDecimal,
        venueOrderID: VenueOrderID?, reason: String?, cancelWanted: Bool, amendment: Amendment?,
        venueFilledQuantity: FixedDecimal, inferredQuantity: FixedDecimal, updatedAt: Timestamp
    ) {
        self.intent = intent
        self.status = status
        self.quantity = quantity
        self.price = price
        self.filledQuantity = filledQuantity
        self.filledNotional = filledNotional
        self.fee = fee
        self.venueOrderID = venueOrderID
        self.reason = reason
        self.cancelWanted = cancelWanted
        self.amendment = amendment
        self.venueFilledQuantity = venueFilledQuantity
        self.inferredQuantity = inferredQuantity
        self.updatedAt = updatedAt
    }

    /// The host's number.
    public var id: OrderID { intent.id }
    /// The instrument's symbol.
    public var symbol: String { intent.terms.symbol }
    /// Buys or sells.
    public var side: Side { intent.terms.side }

    /// What has not filled; nought once overfilled.
    public var remainingQuantity: FixedDecimal {
        max(.zero, FixedDecimal.difference(quantity, filledQuantity))
    }

    /// The status in the words of the strategy protocol and the API, which leave out what is between host and venue.
    public var shownStatus: OrderStatus {
        switch status {
        case .submitted: .pending
        case .pendingCancel: filledQuantity.isPositive ? .partiallyFilled : .open
        case .pending, .open, .partiallyFilled, .filled, .cancelled, .rejected, .denied, .expired, .unknown,
            .notPlaced:
            status
        }
    }

    /// Whether the venue has ever spoken of it.
    var wasHeardOf: Bool {
        venueOrderID != nil || filledQuantity.isPositive || venueFilledQuantity.isPositive
    }

    /// Whether the venue says that more filled than we have trades for.
    public var owesTrades: Bool { venueFilledQuantity > filledQuantity }

    /// The mean price of the fills, to the eighteenth digit; nil before the first.
    public var averagePrice: FixedDecimal? {
        guard filledQuantity.isPositive else { return nil }
        return FixedDecimal.quotient(filledNotional, filledQuantity, .nearestEven)
    }

    /// What may still trade, or has traded without our having seen the fill: what the risk gate holds reserved.
    public var reservedQuantity: FixedDecimal {
        let unseen = max(.zero, FixedDecimal.difference(venueFilledQuantity, filledQuantity))
        guard !status.isTerminal else { return unseen }
        let total = max(quantity, amendment?.quantity ?? quantity)
        return max(unseen, max(.zero, FixedDecimal.difference(total, filledQuantity)))
    }

    /// The price at which ``reservedQuantity`` is valued: the worst of the terms in play.
    public var reservePrice: FixedDecimal {
        let now = price ?? intent.reservePrice
        return max(now, max(intent.reservePrice, amendment?.price ?? now))
    }

    /// ``reservedQuantity`` times ``reservePrice``, rounded up.
    public var reservedNotional: FixedDecimal {
        FixedDecimal.product(reservedQuantity, reservePrice, .up)
    }
}
