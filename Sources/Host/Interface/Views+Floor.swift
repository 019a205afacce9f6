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
    /// By account id.
    public var accounts: [(id: String, limits: JSONValue)]
    /// By strategy id.
    public var strategies: [(id: String, limits: JSONValue)]

    /// Describes the limits.
    public init(
        global: JSONValue, accounts: [(id: String, limits: JSONValue)],
        strategies: [(id: String, limits: JSONValue)]
    ) {
        self.global = global
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
            "accounts": .object(accounts.map { JSONValue.Member($0.id, $0.limits) }),
            "strategies": .object(strategies.map { JSONValue.Member($0.id, $0.limits) }),
        ])
    }
}

/// What is halted.
public struct HaltView: Hashable, Sendable {
    /// One halt in force.
    public struct Halt: Hashable, Sendable {
        public var scope: HaltScope
        public var reason: String?
        public var by: String
        public var since: Timestamp

        /// Describes a halt.
        public init(scope: HaltScope, reason: String?, by: String, since: Timestamp) {
            self.scope = scope
            self.reason = reason
            self.by = by
            self.since = since
        }
    }

    public var halts: [Halt]

    /// Describes what is halted; empty when nothing is.
    public init(halts: [Halt]) {
        self.halts = halts
    }

    /// Whether everything is halted.
    public var isHalted: Bool { halts.contains { $0.scope == .all } }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "halted": .bool(isHalted),
            "halts": .array(
                halts.map {
                    .members([
                        "scope": .string($0.scope.text), "reason": .optional($0.reason),
                        "by": .string($0.by), "since": .time($0.since),
                    ])
                }),
        ])
    }
}
