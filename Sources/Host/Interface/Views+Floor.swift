public import Trading
public import Wire

/// A source of prices.
public struct FeedView: Hashable, Sendable {
    /// Where its prices come from.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case simulated, replay, injected, binance, coindcx, coinspot
    }

    public var id: String
    public var kind: Kind
    public var symbols: [String]
    public var isRunning: Bool
    /// When its last event was, or nil before the first.
    public var lastEvent: Timestamp?
    /// What is wrong with it, in words.
    public var fault: String?
    /// What can be changed, such as `speed` or `seed`: an object.
    public var settings: JSONValue

    /// Describes a feed.
    public init(
        id: String, kind: Kind, symbols: [String], isRunning: Bool, lastEvent: Timestamp? = nil,
        fault: String? = nil, settings: JSONValue = .object([])
    ) {
        self.id = id
        self.kind = kind
        self.symbols = symbols
        self.isRunning = isRunning
        self.lastEvent = lastEvent
        self.fault = fault
        self.settings = settings
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "kind": .string(kind.rawValue),
            "symbols": .array(symbols.map { .string($0) }), "running": .bool(isRunning),
            "last_event": .orNull(lastEvent), "fault": .optional(fault), "settings": settings,
        ])
    }
}

/// An account that strategies trade on.
public struct AccountView: Hashable, Sendable {
    /// How it holds positions.
    public enum Kind: String, Hashable, Sendable, CaseIterable { case spot, margin }

    public var id: String
    public var venue: String
    /// Which of an exchange's worlds, `testnet` or `live`; nil for the paper venue.
    public var environment: String?
    public var kind: Kind
    public var currency: String
    /// What it holds, by currency.
    public var balances: [Balance]
    public var equity: FixedDecimal
    public var available: FixedDecimal
    public var leverage: FixedDecimal
    /// What else can be changed, such as fees: an object.
    public var settings: JSONValue

    /// How much of one currency.
    public struct Balance: Hashable, Sendable {
        public var currency: String
        public var total: FixedDecimal
        public var available: FixedDecimal

        /// Describes a balance.
        public init(currency: String, total: FixedDecimal, available: FixedDecimal) {
            self.currency = currency
            self.total = total
            self.available = available
        }

        /// As the API writes it.
        public var json: JSONValue {
            .members([
                "currency": .string(currency), "total": .decimal(total), "available": .decimal(available),
            ])
        }
    }

    /// Describes an account.
    public init(
        id: String, venue: String, environment: String? = nil, kind: Kind, currency: String,
        balances: [Balance], equity: FixedDecimal, available: FixedDecimal, leverage: FixedDecimal,
        settings: JSONValue = .object([])
    ) {
        self.id = id
        self.venue = venue
        self.environment = environment
        self.kind = kind
        self.currency = currency
        self.balances = balances
        self.equity = equity
        self.available = available
        self.leverage = leverage
        self.settings = settings
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "venue": .string(venue), "environment": .optional(environment),
            "kind": .string(kind.rawValue), "currency": .string(currency),
            "balances": .array(balances.map(\.json)), "equity": .decimal(equity),
            "available": .decimal(available),
            "leverage": .decimal(leverage), "settings": settings,
        ])
    }
}

/// The risk limits in force. Each set is an object of limit name and value; null means no limit.
public struct LimitsView: Hashable, Sendable {
    public var global: JSONValue
    /// By venue, over all accounts at it.
    public var venues: [(id: String, limits: JSONValue)]
    /// By account id.
    public var accounts: [(id: String, limits: JSONValue)]
    /// By strategy id.
    public var strategies: [(id: String, limits: JSONValue)]
    /// How far what has a limit on its drawdown has fallen.
    public var drawdowns: [DrawdownView]

    /// Describes the limits.
    public init(
        global: JSONValue, venues: [(id: String, limits: JSONValue)] = [],
        accounts: [(id: String, limits: JSONValue)], strategies: [(id: String, limits: JSONValue)],
        drawdowns: [DrawdownView] = []
    ) {
        self.global = global
        self.venues = venues
        self.drawdowns = drawdowns
        self.accounts = accounts
        self.strategies = strategies
    }

    /// Whether both hold the same limits in the same order.
    public static func == (left: Self, right: Self) -> Bool { left.json == right.json }

    /// Feeds the whole value.
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "global": global,
            "venues": .object(venues.map { JSONValue.Member($0.id, $0.limits) }),
            "accounts": .object(accounts.map { JSONValue.Member($0.id, $0.limits) }),
            "strategies": .object(strategies.map { JSONValue.Member($0.id, $0.limits) }),
            "drawdowns": .array(drawdowns.map(\.json)),
        ])
    }
}

/// How far the equity of something has fallen from its peak.
public struct DrawdownView: Hashable, Sendable {
    /// `global`, `venue:ID`, `account:ID` or `strategy:ID`.
    public var scope: String
    public var drawdown: Drawdown

    /// Wraps what the desk knows.
    public init(scope: String, _ drawdown: Drawdown) {
        self.scope = scope
        self.drawdown = drawdown
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "scope": .string(scope), "peak": .decimal(drawdown.peak), "equity": .decimal(drawdown.equity),
            "fallen": .decimal(drawdown.fallen), "fraction": .decimal(drawdown.fraction),
            "limit": .decimal(drawdown.limit), "since": .time(drawdown.since),
            "passed": .bool(drawdown.isPassed),
        ])
    }
}
