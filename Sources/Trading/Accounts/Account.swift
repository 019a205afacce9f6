/// What kind of account it is, and so what may be held on it.
public enum AccountKind: Hashable, Sendable {
    /// Money and coins; what is sold must be owned.
    case spot
    /// Linear margin: signed positions, settled in quote currency.
    ///
    /// - `leverage`: exposure over equity at most. At least 1.
    /// - `maintenance`: equity over exposure below which the venue liquidates, such as 0.005.
    case margin(leverage: FixedDecimal, maintenance: FixedDecimal)

    /// The most exposure per unit of equity; 1 on a spot account.
    public var leverage: FixedDecimal {
        switch self {
        case .spot: .one
        case .margin(let leverage, _): leverage
        }
    }

    /// `spot` or `margin`.
    public var name: String {
        switch self {
        case .spot: "spot"
        case .margin: "margin"
        }
    }
}

/// An account as the operator set it up.
public struct AccountSettings: Hashable, Sendable {
    public var id: AccountID
    public var venue: VenueID
    public var kind: AccountKind
    /// The currency of its money; only instruments quoted in it can be traded.
    public var currency: String
    /// The money that the strategies on it share, before their trades.
    public var balance: FixedDecimal
    /// The taker's fee as a fraction, set aside with every buy.
    public var feeRate: FixedDecimal
    /// How far beyond the last price a market order may fill, as a fraction; set aside with it.
    public var marketAllowance: FixedDecimal
    /// What one unit of ``currency`` counts against global limits.
    public var worth: FixedDecimal
    /// How long after an order's making its venue may still not list it, in milliseconds.
    ///
    /// Within this time "no such order" leaves the order unknown. Nought for a venue that answers in order.
    public var absenceGraceMilliseconds: Int64
    /// How old the last price may be for an order that names none, in milliseconds; nil for any age.
    public var priceAgeMilliseconds: Int64?
    /// Whether the venue tells each trade once and is never asked for them again, as one within a backtest; what it told is
    /// then not kept to be known again.
    public var tellsTradesOnce = false

    /// Describes an account.
    public init(
        id: AccountID, venue: VenueID, kind: AccountKind, currency: String, balance: FixedDecimal,
        feeRate: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000),
        marketAllowance: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 200),
        worth: FixedDecimal = .one, absenceGraceMilliseconds: Int64 = 0,
        priceAgeMilliseconds: Int64? = nil
    ) {
        self.id = id
        self.venue = venue
        self.kind = kind
        self.currency = currency
        self.balance = balance
        self.feeRate = feeRate
        self.marketAllowance = marketAllowance
        self.worth = worth
        self.absenceGraceMilliseconds = absenceGraceMilliseconds
        self.priceAgeMilliseconds = priceAgeMilliseconds
    }
}
