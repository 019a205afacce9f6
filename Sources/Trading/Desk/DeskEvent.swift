/// A fact for the journal.
///
/// Every event carries the whole new state of the thing that it is about, so that the journal can append it and
/// overwrite the matching row in one transaction, and a start needs the rows alone: see ``DeskSnapshot/apply(_:)``.
public enum DeskEvent: Hashable, Sendable {
    /// A new order, or all of what an order is now. Row key: ``Order/id``.
    case order(Order)
    /// A new fill. Row key: ``Fill/key``; never overwritten.
    case fill(Fill)
    /// What a strategy holds now. Row key: ``LedgerKey``.
    case ledger(LedgerRecord)
    /// A strategy's place on an account. Row key: strategy.
    case enrolment(Enrolment)
    /// An account's equity at the start of a UTC day. Row key: account.
    case accountDay(AccountDay)
    /// Trading stops for a scope. Row key: scope.
    case halted(HaltRecord)
    /// Trading may go on; the scope's row goes.
    case resumed(RiskScope, at: Timestamp)
    /// A position is to be closed. Row key: ``LedgerKey``.
    case flattenBegan(LedgerKey, at: Timestamp)
    /// The position is closed, or cannot be closed further; the row goes.
    case flattenEnded(LedgerKey, reason: String, at: Timestamp)
    /// Trades up to here are booked. Row key: account.
    case tradeCursor(AccountID, String)
    /// The highest that the profit of a scope has been. Row key: scope.
    case peak(EquityPeak)
    /// A peak counts no more; the scope's row goes.
    case peakEnded(RiskScope, at: Timestamp)
    /// A new bracket, or all of what one is now. Row key: ``Bracket/id``.
    case bracket(Bracket)
    /// What an account holds beside its sub-ledgers. Row key: account and asset.
    case holding(HoldingRecord)
}

/// Which sub-ledger is meant.
public struct LedgerKey: Hashable, Comparable, Sendable {
    public let strategy: StrategyID
    public let account: AccountID
    public let symbol: String

    /// Names a sub-ledger.
    public init(strategy: StrategyID, account: AccountID, symbol: String) {
        self.strategy = strategy
        self.account = account
        self.symbol = symbol
    }

    /// By strategy, then account, then symbol.
    public static func < (left: Self, right: Self) -> Bool {
        (left.strategy.text, left.account.text, left.symbol)
            < (right.strategy.text, right.account.text, right.symbol)
    }
}

/// A sub-ledger with its name.
public struct LedgerRecord: Hashable, Sendable {
    public let key: LedgerKey
    public let ledger: SubLedger
    /// The price at the time, with which profit is reckoned after a start until a new one comes.
    public let mark: FixedDecimal?
    public let time: Timestamp

    /// Describes a sub-ledger.
    public init(key: LedgerKey, ledger: SubLedger, mark: FixedDecimal?, time: Timestamp) {
        self.key = key
        self.ledger = ledger
        self.mark = mark
        self.time = time
    }
}

/// A strategy's place on an account.
public struct Enrolment: Hashable, Sendable {
    public let strategy: StrategyID
    public let run: RunID
    public let account: AccountID
    /// What it may work with, in the account's currency.
    public let capital: FixedDecimal
    public let limits: RiskLimits
    /// Whether a child process is there to ask for orders.
    public internal(set) var isRunning: Bool
    /// The UTC day, see ``Timestamp/utcDay``, that ``dayOpeningEquity`` is of.
    public internal(set) var day: Int64
    public internal(set) var dayOpeningEquity: FixedDecimal

    /// Describes a place on an account.
    public init(
        strategy: StrategyID, run: RunID, account: AccountID, capital: FixedDecimal, limits: RiskLimits,
        isRunning: Bool, day: Int64, dayOpeningEquity: FixedDecimal
    ) {
        self.strategy = strategy
        self.run = run
        self.account = account
        self.capital = capital
        self.limits = limits
        self.isRunning = isRunning
        self.day = day
        self.dayOpeningEquity = dayOpeningEquity
    }
}

/// An account's equity at the start of a UTC day.
public struct AccountDay: Hashable, Sendable {
    public let account: AccountID
    public let day: Int64
    public let openingEquity: FixedDecimal

    /// Describes a day's start.
    public init(account: AccountID, day: Int64, openingEquity: FixedDecimal) {
        self.account = account
        self.day = day
        self.openingEquity = openingEquity
    }
}

/// A halt in force.
public struct HaltRecord: Hashable, Sendable {
    public let scope: RiskScope
    public let reason: String
    public let time: Timestamp

    /// Describes a halt.
    public init(scope: RiskScope, reason: String, time: Timestamp) {
        self.scope = scope
        self.reason = reason
        self.time = time
    }
}
