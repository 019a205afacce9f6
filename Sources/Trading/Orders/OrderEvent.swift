/// Something that happens to an order.
public enum OrderEvent: Hashable, Sendable {
    /// The request was handed to the network.
    case sent
    /// It is proven that nothing left the host, such as a refused connection.
    case unsent(reason: String)
    /// The venue acknowledged the order.
    case accepted(VenueOrderID)
    /// The venue refused the order.
    case rejected(reason: String)
    /// No answer, or one that cannot be believed: timeout, reset, 5xx, torn body.
    case outcomeUnknown(reason: String)
    /// The venue, asked after the grace period, knows no such order.
    case absent
    /// The venue, asked, holds the order; `filled` is its cumulative quantity.
    case foundOpen(VenueOrderID, filled: FixedDecimal)
    /// Somebody wants the order gone. The cancel leaves at once, or when the venue has acknowledged the order.
    case cancelWanted
    /// The venue will not or cannot cancel it.
    case cancelRefused(reason: String)
    /// The venue ended the order by a cancel; `filled` is its cumulative quantity when it told.
    case cancelled(filled: FixedDecimal?, reason: String?)
    /// The venue ended the order by its rules; `filled` is its cumulative quantity when it told.
    case expired(filled: FixedDecimal?, reason: String?)
    /// The venue says that all of it filled; the trades may come later.
    case reportedFilled(FixedDecimal)
    /// A trade of the order, new to us.
    case filled(Fill, feeInQuote: FixedDecimal)
    /// A trade came that an inferred fill had stood for; that much of the inferred fill is taken back.
    case inferredUndone(Fill, feeInQuote: FixedDecimal)
    /// A change was handed to the network.
    case amendSent(Amendment)
    /// The venue changed the order.
    case amended(Amendment)
    /// The venue left the order as it was.
    case amendRefused(reason: String)
}

/// What an event made of an order, and what must be done about it.
public struct OrderTransition: Hashable, Sendable {
    /// Whether anything about the order is different now.
    public var changed = false
    /// What a person should see.
    public var alarm: OrderAlarm?
    /// Whether the venue must be asked about the order.
    public var asksStatus = false
    /// Whether the venue must be asked for trades.
    public var asksTrades = false
    /// Whether a cancel should leave now.
    public var sendsCancel = false
}

/// What went otherwise than it should with an order.
public enum OrderAlarm: Hashable, Sendable, CustomStringConvertible {
    /// More filled than was ordered. It is booked, for the money is real.
    case overfilled(ordered: FixedDecimal, filled: FixedDecimal)
    /// An order counted as never placed is at the venue after all.
    case resurrected
    /// What the venue says cannot be, after what was known.
    case contradiction(was: OrderStatus, told: String)

    /// In words.
    public var description: String {
        switch self {
        case .overfilled(let ordered, let filled):
            "more was filled than ordered: \(filled) of \(ordered); it is booked"
        case .resurrected:
            "the order counted as never placed, but the venue has it"
        case .contradiction(let was, let told):
            "the order was \(was.rawValue), and the venue now says: \(told)"
        }
    }
}
