public import Trading
public import Wire

/// Which part of a list is wanted.
public struct PageRequest: Hashable, Sendable {
    /// How many items at most.
    public var limit: Int
    /// The cursor that the page before gave as `next`; nil for the first page.
    public var after: String?

    /// The most items one page may hold.
    public static let maximum = 1000

    /// Asks for a page. `limit` is from 1 to ``maximum``.
    public init(limit: Int = 100, after: String? = nil) {
        precondition((1...Self.maximum).contains(limit))
        self.limit = limit
        self.after = after
    }
}

/// One part of a list.
public struct Page<Item: Sendable>: Sendable {
    public var items: [Item]
    /// The cursor of the next page, or nil when this is the last.
    public var next: String?

    /// Makes a page.
    public init(items: [Item], next: String? = nil) {
        self.items = items
        self.next = next
    }

    /// The same page of something made of its items.
    func map<Other: Sendable>(_ transform: (Item) -> Other) -> Page<Other> {
        Page<Other>(items: items.map(transform), next: next)
    }
}

/// A strategy's files as they came in.
public struct BundleUpload: Hashable, Sendable {
    /// What was uploaded, told by its first bytes: a Python file, a zip archive or an ELF program.
    public var content: [UInt8]
    /// The file's name without folders, such as `grid.py`; nil when the sender gave none.
    public var fileName: String?
    /// The strategy's name when `config` has none.
    public var name: String?
    /// The text of a `strategy.json` that stands beside a single file.
    public var config: [UInt8]?

    /// Describes an upload.
    public init(content: [UInt8], fileName: String? = nil, name: String? = nil, config: [UInt8]? = nil) {
        self.content = content
        self.fileName = fileName
        self.name = name
        self.config = config
    }
}

/// Where files that were taken in have gone.
public struct TakenIn: Hashable, Sendable {
    public var strategy: String
    /// The hash of the files.
    public var version: String
    /// Whether they were not there before.
    public var isNew: Bool

    /// Describes what became of an upload.
    public init(strategy: String, version: String, isNew: Bool) {
        self.strategy = strategy
        self.version = version
        self.isNew = isNew
    }
}

/// How a run is started.
public struct StartOptions: Hashable, Sendable {
    /// The feed's id; nil takes the strategy's last or the default.
    public var feed: String?
    /// The account's id; nil takes the strategy's last or the default.
    public var account: String?
    /// What `parameter()` answers in the strategy: an object, over `custom_params`.
    public var parameters: JSONValue
    /// What the strategy may use of the account, in the account's currency.
    public var capital: FixedDecimal?
    /// The version's hash; nil takes the newest.
    public var version: String?

    /// Describes a start.
    public init(
        feed: String? = nil, account: String? = nil, parameters: JSONValue = .object([]),
        capital: FixedDecimal? = nil, version: String? = nil
    ) {
        self.feed = feed
        self.account = account
        self.parameters = parameters
        self.capital = capital
        self.version = version
    }
}

/// What becomes of a strategy's open orders when its run ends.
public enum OrdersAtEnd: String, Hashable, Sendable, CaseIterable {
    case keep
    case cancel
    /// Cancel, then close the position at the market.
    case flatten
}

/// A signal for a strategy, from outside.
public struct SignalRequest: Hashable, Sendable {
    /// What the sender wants, such as `BUY`.
    public var action: String
    /// The instrument, when the sender named one.
    public var symbol: String?
    /// Whatever else the sender's object held: an object.
    public var data: JSONValue

    /// Describes a signal.
    public init(action: String, symbol: String? = nil, data: JSONValue = .object([])) {
        self.action = action
        self.symbol = symbol
        self.data = data
    }
}

/// What a halt stops.
public enum HaltScope: Hashable, Sendable {
    case all
    /// Every account at a venue.
    case venue(String)
    case account(String)
    case strategy(String)

    /// `all`, `venue:ID`, `account:ID` or `strategy:ID`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count > 1 ? String(parts[1]) : "") {
        case ("all", "") where parts.count == 1: self = .all
        case ("venue", let id) where !id.isEmpty: self = .venue(id)
        case ("account", let id) where !id.isEmpty: self = .account(id)
        case ("strategy", let id) where !id.isEmpty: self = .strategy(id)
        default: return nil
        }
    }

    /// `all`, `venue:ID`, `account:ID` or `strategy:ID`.
    public var text: String {
        switch self {
        case .all: "all"
        case .venue(let id): "venue:\(id)"
        case .account(let id): "account:\(id)"
        case .strategy(let id): "strategy:\(id)"
        }
    }
}

/// The emergency stop, as asked for.
public struct HaltRequest: Hashable, Sendable {
    public var scope: HaltScope
    /// Why, in the presser's words.
    public var reason: String?
    /// Whether to cancel open orders and close positions too.
    public var flatten: Bool

    /// Describes a halt.
    public init(scope: HaltScope = .all, reason: String? = nil, flatten: Bool = false) {
        self.scope = scope
        self.reason = reason
        self.flatten = flatten
    }
}
