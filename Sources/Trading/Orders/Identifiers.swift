/// A name that is text and nothing more; each kind is a type of its own, so that they cannot be mixed up.
public protocol TextIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The name itself.
    var text: String { get }
    /// Takes the name as it is.
    init(_ text: String)
}

extension TextIdentifier {
    /// The name itself.
    public var description: String { text }

    /// Takes the name as it is.
    public init(stringLiteral text: String) { self.init(text) }

    /// Alphabetic order.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// A strategy that runs, or ran, in this host.
public struct StrategyID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }

    /// Whom positions belong to that no strategy opened, such as a manual trade at the venue.
    public static let external: StrategyID = "external"
}

/// One run of a strategy.
public struct RunID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// A place where orders are matched, such as `paper` or `binance`.
public struct VenueID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// An account at a venue, under the name that the operator gave it.
public struct AccountID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// The strategy's own name for one of its orders.
public struct RequestID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// The venue's own name for an order.
public struct VenueOrderID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// The venue's own name for a trade.
public struct TradeID: TextIdentifier {
    public let text: String
    public init(_ text: String) { self.text = text }
}

/// The host's number for an order: 1, 2, 3 … over the life of a data folder.
public struct OrderID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Above nought.
    public let number: Int64

    /// Takes a number that the desk gave out before.
    public init(_ number: Int64) { self.number = number }

    /// The number in decimal.
    public var description: String { String(number) }

    /// Earlier is less.
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
