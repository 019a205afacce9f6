public import Trading

/// How the connections of a venue are, for the health page.
public struct VenueHealth: Hashable, Sendable {
    /// What is wrong in words, by what it concerns, such as `orders of acct-1`; empty when all is well.
    public var faults: [String: String]

    /// Describes how connections are.
    public init(faults: [String: String] = [:]) {
        self.faults = faults
    }

    /// All of it in one sentence, or nil when all is well.
    public var fault: String? {
        guard !faults.isEmpty else { return nil }
        return faults.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    }
}

/// A venue beyond this machine: an adapter that keeps streams open, a clock in step and instruments fresh.
///
/// Like every adapter it lives on the floor's event loop; what it reports comes there.
public protocol LiveVenue: ExchangeAdapter {
    /// Hears how the connections are, whenever that changes.
    var onHealth: ((VenueHealth) -> Void)? { get set }

    /// Hears that an account's stream is open, again or for the first time: what happened while it was not must be asked
    /// for.
    var onResumed: ((AccountID) -> Void)? { get set }

    /// Hears instruments when they come for the first time and whenever one has changed.
    var onInstruments: (([Instrument]) -> Void)? { get set }

    /// Serves an account from now on: opens its stream and counts its trades.
    ///
    /// - Parameters:
    ///   - symbols: What was traded on it so far, each with a time before its first trade.
    func open(_ account: AccountID, symbols: [String: Timestamp])

    /// Lets an account's stream go.
    func close(_ account: AccountID)

    /// An account's credential came, changed or went: it is used from the next request on, and its stream begins anew.
    func credentialChanged(_ account: AccountID)

    /// Keeps the instruments of these symbols fresh, besides those that it was told before.
    func follow(_ symbols: Set<String>)

    /// A source of the venue's prices; each feed has its own.
    func market() -> any MarketSource

    /// Ends every connection for good.
    func end()
}

/// What a feed wants of a venue's market.
public struct MarketWish: Hashable, Sendable {
    public var symbols: [String]
    public var resolutions: [Resolution]
    /// How many closed candles of each series to begin with.
    public var history: Int
    /// Whether trades and the top of the book are wanted besides the candles.
    public var prices: Bool

    /// Describes what a feed wants.
    public init(symbols: [String], resolutions: [Resolution], history: Int, prices: Bool = true) {
        self.symbols = symbols
        self.resolutions = resolutions
        self.history = history
        self.prices = prices
    }
}

/// What a venue's market says.
public enum MarketNews: Hashable, Sendable {
    /// The instruments of the wish, at first and whenever one has changed.
    case instruments([Instrument])
    /// Closed candles of one series from before the stream, oldest first.
    case history([Candle])
    /// Something that happened now. Closed candles of a series come in order and without gaps that the venue can fill.
    case event(MarketEvent)
    /// Instruments and history of the whole wish are there.
    case primed
    /// Nothing comes, for this reason; nil when it comes again.
    case fault(String?)
}

/// The live prices of a venue, on the floor's event loop.
public protocol MarketSource: AnyObject {
    /// When what is being told reached this host, on the monotonic clock in nanoseconds; nil when nobody noted it.
    var arrival: UInt64? { get }

    /// Begins to give what a feed wants, and goes on through every loss of connection until ``end()``.
    func begin(_ wish: MarketWish, _ news: @escaping (MarketNews) -> Void)

    /// Stops for good.
    func end()
}

extension MarketSource {
    /// Nobody noted it.
    public var arrival: UInt64? { nil }
}
