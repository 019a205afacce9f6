public import Trading

/// One line that the host says to a strategy.
public enum HostMessage: Hashable, Sendable {
    /// The first line: everything that the strategy starts from.
    case hello(Hello)
    /// A closed candle; `isHistory` for those from before the start, during which orders are denied.
    case candle(Candle, isHistory: Bool)
    case trade(MarketTrade)
    case quote(Quote)
    case signal(IncomingSignal)
    /// An order of this strategy changed.
    case order(OrderReport)
    /// An order of this strategy traded.
    case fill(FillReport)
    /// A position of this strategy, each time it changed.
    case position(PositionReport)
    /// A bracket of this strategy changed.
    case bracket(BracketReport)
    /// What may be done on the strategy's account changed.
    case trading(TradingReport)
    /// Funding was paid on a position of this strategy, or received.
    case funding(FundingReport)
    /// A timer that the strategy set went off.
    case timer(id: String, time: Timestamp)
    /// Asks for `pong` with the same id.
    case ping(id: Int)
    /// Many candles of a backtest, to be gone through when `go` says how far.
    case candles(CandleBatch)
    /// Asks for the candles up to and including this number, one after the other, until the strategy acts; answered by `done`.
    case go(until: Int)
    /// The last line: say `bye` and end within the deadline.
    case stop(reason: String, deadlineMilliseconds: Int)
}

/// What a strategy starts from.
public struct Hello: Hashable, Sendable {
    /// How a run's orders are carried out.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        case paper
        case live
        case lab
    }

    public var strategy: String
    public var run: String
    public var mode: Mode
    public var time: Timestamp
    /// The file to run, relative to the bundle's folder.
    public var entry: String
    /// The parameters of this run: an object.
    public var parameters: JSONValue
    /// The fields of `strategy.json`, defaults filled in: an object.
    public var config: JSONValue
    public var instruments: [Instrument]
    public var account: AccountView
    public var positions: [PositionReport]
    /// The orders that still stand from an earlier run.
    public var orders: [OrderReport]
    /// The brackets that the host holds for it.
    public var brackets: [BracketReport]
    /// What the strategy saved last, or null.
    public var state: JSONValue
    /// How often the host pings; a strategy that misses a few is taken for hung.
    public var heartbeatMilliseconds: Int
    /// What random numbers begin with in a backtest; nil outside.
    public var seed: Int?

    /// Gathers what a strategy starts from.
    public init(
        strategy: String, run: String, mode: Mode, time: Timestamp, entry: String, parameters: JSONValue,
        config: JSONValue, instruments: [Instrument], account: AccountView, positions: [PositionReport],
        orders: [OrderReport], brackets: [BracketReport] = [], state: JSONValue,
        heartbeatMilliseconds: Int, seed: Int? = nil
    ) {
        self.seed = seed
        self.strategy = strategy
        self.run = run
        self.mode = mode
        self.time = time
        self.entry = entry
        self.parameters = parameters
        self.config = config
        self.instruments = instruments
        self.account = account
        self.positions = positions
        self.orders = orders
        self.brackets = brackets
        self.state = state
        self.heartbeatMilliseconds = heartbeatMilliseconds
    }
}

/// The account as one strategy sees it: its own capital, not the whole of it.
public struct AccountView: Hashable, Sendable {
    /// Whether short positions and leverage exist.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case spot
        case margin
    }

    public var currency: String
    public var equity: FixedDecimal
    public var available: FixedDecimal
    public var kind: Kind
    public var leverage: FixedDecimal

    /// Describes the account.
    public init(
        currency: String, equity: FixedDecimal, available: FixedDecimal, kind: Kind, leverage: FixedDecimal
    ) {
        self.currency = currency
        self.equity = equity
        self.available = available
        self.kind = kind
        self.leverage = leverage
    }
}

/// A signal from outside, on its way to a strategy.
public struct IncomingSignal: Hashable, Sendable {
    public var id: String
    public var time: Timestamp
    public var action: String
    /// What the sender's object held besides the action: an object.
    public var data: JSONValue

    /// Describes a signal.
    public init(id: String, time: Timestamp, action: String, data: JSONValue) {
        self.id = id
        self.time = time
        self.action = action
        self.data = data
    }
}

/// An order as its strategy sees it after a change.
public struct OrderReport: Hashable, Sendable {
    /// Where an order stands.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        /// Passed the risk gate; the venue has not answered yet.
        case pending
        case open
        case partiallyFilled = "partially_filled"
        case filled
        case cancelled
        /// The venue said no.
        case rejected
        /// The host said no.
        case denied
        case expired
        /// The venue's answer was lost; the order may be live and is being looked for.
        case unknown
        /// Looked for and not found on the venue: it never stood there.
        case notPlaced = "not_placed"

        /// Whether nothing more can happen to the order.
        public var isFinal: Bool {
            switch self {
            case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced: true
            case .pending, .open, .partiallyFilled, .unknown: false
            }
        }
    }

    /// The id that the strategy chose.
    public var request: String
    /// The host's own id. Empty when the order was denied before it got one.
    public var order: String
    public var symbol: String
    public var side: Side
    public var type: OrderType
    public var quantity: FixedDecimal
    public var price: FixedDecimal?
    public var stopPrice: FixedDecimal?
    public var timeInForce: TimeInForce
    public var status: Status
    public var filledQuantity: FixedDecimal
    public var averagePrice: FixedDecimal?
    /// In words, for a denial, rejection, expiry or cancellation that the strategy did not ask for.
    public var reason: String?
    public var time: Timestamp

    /// Describes an order.
    public init(
        request: String, order: String, symbol: String, side: Side, type: OrderType, quantity: FixedDecimal,
        price: FixedDecimal? = nil, stopPrice: FixedDecimal? = nil, timeInForce: TimeInForce, status: Status,
        filledQuantity: FixedDecimal, averagePrice: FixedDecimal? = nil, reason: String? = nil,
        time: Timestamp
    ) {
        self.request = request
        self.order = order
        self.symbol = symbol
        self.side = side
        self.type = type
        self.quantity = quantity
        self.price = price
        self.stopPrice = stopPrice
        self.timeInForce = timeInForce
        self.status = status
        self.filledQuantity = filledQuantity
        self.averagePrice = averagePrice
        self.reason = reason
        self.time = time
    }
}

/// One trade of one order.
public struct FillReport: Hashable, Sendable {
    public var order: String
    public var request: String
    /// The venue's own id of the trade.
    public var trade: String
    public var symbol: String
    public var side: Side
    public var price: FixedDecimal
    public var quantity: FixedDecimal
    public var fee: FixedDecimal
    public var feeCurrency: String
    public var liquidity: Liquidity
    public var time: Timestamp

    /// Describes a fill.
    public init(
        order: String, request: String, trade: String, symbol: String, side: Side, price: FixedDecimal,
        quantity: FixedDecimal, fee: FixedDecimal, feeCurrency: String, liquidity: Liquidity, time: Timestamp
    ) {
        self.order = order
        self.request = request
        self.trade = trade
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

/// What one strategy holds of one instrument.
public struct PositionReport: Hashable, Sendable {
    public var symbol: String
    /// Below nought when short.
    public var quantity: FixedDecimal
    /// Nought when nothing is held.
    public var averagePrice: FixedDecimal
    public var realisedProfit: FixedDecimal
    public var unrealisedProfit: FixedDecimal
    public var fees: FixedDecimal
    public var time: Timestamp

    /// Describes a position.
    public init(
        symbol: String, quantity: FixedDecimal, averagePrice: FixedDecimal, realisedProfit: FixedDecimal,
        unrealisedProfit: FixedDecimal, fees: FixedDecimal, time: Timestamp
    ) {
        self.symbol = symbol
        self.quantity = quantity
        self.averagePrice = averagePrice
        self.realisedProfit = realisedProfit
        self.unrealisedProfit = unrealisedProfit
        self.fees = fees
        self.time = time
    }
}

/// A stop-loss and a take-profit as their strategy sees them after a change.
public struct BracketReport: Hashable, Sendable {
    /// The id that the strategy chose: the entry's, or the pair's.
    public var request: String
    /// The host's own id.
    public var bracket: String
    public var symbol: String
    /// The side of the exit.
    public var side: Side
    /// What it protects now.
    public var quantity: FixedDecimal
    public var prices: BracketPrices
    public var status: Bracket.Status
    /// The leg that was reached.
    public var leg: Bracket.Leg?
    /// The host's id of the latest exit order.
    public var exit: String?
    /// In words, for an end that the strategy did not ask for.
    public var reason: String?
    public var time: Timestamp

    /// Describes a bracket.
    public init(
        request: String, bracket: String, symbol: String, side: Side, quantity: FixedDecimal,
        prices: BracketPrices, status: Bracket.Status, leg: Bracket.Leg? = nil, exit: String? = nil,
        reason: String? = nil, time: Timestamp
    ) {
        self.request = request
        self.bracket = bracket
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.prices = prices
        self.status = status
        self.leg = leg
        self.exit = exit
        self.reason = reason
        self.time = time
    }
}

/// What a strategy may do on its account from now on.
public struct TradingReport: Hashable, Sendable {
    /// How much is allowed.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case open
        /// Only orders that make a position smaller, and cancels.
        case reduceOnly = "reduce_only"
        /// Nothing: the venue cannot be asked.
        case closed
    }

    public var state: State
    /// Nil when it is about every symbol.
    public var symbol: String?
    /// Why, in words; nil when it is open.
    public var reason: String?
    /// When it is expected to be open again, where that is known.
    public var until: Timestamp?
    public var time: Timestamp

    /// Describes what may be done.
    public init(
        state: State, symbol: String? = nil, reason: String? = nil, until: Timestamp? = nil, time: Timestamp
    ) {
        self.state = state
        self.symbol = symbol
        self.reason = reason
        self.until = until
        self.time = time
    }
}
