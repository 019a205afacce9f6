/// What makes a fill the same fill, however often and by whatever way it is told.
public struct FillKey: Hashable, Sendable {
    public let venue: VenueID
    public let account: AccountID
    public let symbol: String
    public let trade: TradeID

    /// Names a fill.
    public init(venue: VenueID, account: AccountID, symbol: String, trade: TradeID) {
        self.venue = venue
        self.account = account
        self.symbol = symbol
        self.trade = trade
    }
}

/// Whether a fill waited in the book or came to it.
public enum Liquidity: String, Hashable, Sendable, CaseIterable {
    case maker
    case taker
}

/// A part of an order that was traded.
public struct Fill: Hashable, Sendable {
    public let key: FillKey
    public let order: OrderID
    public let strategy: StrategyID
    public let side: Side
    public let price: FixedDecimal
    /// In base currency. Above nought.
    public let quantity: FixedDecimal
    /// What the venue took, in ``feeCurrency``. Below nought is a rebate.
    public let fee: FixedDecimal
    public let feeCurrency: String
    public let liquidity: Liquidity
    public let time: Timestamp
    /// Whether the venue said "filled" but showed no trade, so that price and fee are our best knowledge.
    public let isInferred: Bool

    /// Describes a fill.
    public init(
        key: FillKey, order: OrderID, strategy: StrategyID, side: Side, price: FixedDecimal,
        quantity: FixedDecimal, fee: FixedDecimal, feeCurrency: String, liquidity: Liquidity, time: Timestamp,
        isInferred: Bool = false
    ) {
        self.key = key
        self.order = order
        self.strategy = strategy
        self.side = side
        self.price = price
        self.quantity = quantity
        self.fee = fee
        self.feeCurrency = feeCurrency
        self.liquidity = liquidity
        self.time = time
        self.isInferred = isInferred
    }

    /// The instrument's symbol.
    public var symbol: String { key.symbol }

    /// Price times quantity in quote currency, to the eighteenth digit.
    public var notional: FixedDecimal { FixedDecimal.product(price, quantity, .nearestEven) }

    /// Whether the venue's data for the same trade agree; who it belongs to is ours to say.
    func tellsTheSame(as other: Fill) -> Bool {
        side == other.side && price == other.price && quantity == other.quantity && fee == other.fee
            && feeCurrency == other.feeCurrency
    }
}
