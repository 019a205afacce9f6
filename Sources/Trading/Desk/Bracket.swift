/// The prices at which a position is closed.
///
/// Each is a trigger. When the market is there, the desk sends an exit at market: a limit order could stay open while the
/// price turns, and the other leg would be gone by then.
public struct BracketPrices: Hashable, Sendable {
    /// Where the position is given up.
    public var stopLoss: FixedDecimal?
    /// Where its profit is taken.
    public var takeProfit: FixedDecimal?

    /// Names one price or both.
    public init(stopLoss: FixedDecimal? = nil, takeProfit: FixedDecimal? = nil) {
        self.stopLoss = stopLoss
        self.takeProfit = takeProfit
    }

    /// Whether neither is named.
    public var isEmpty: Bool { stopLoss == nil && takeProfit == nil }

    /// The leg whose price the market has reached; the stop-loss where both have.
    ///
    /// - Parameters:
    ///   - price: What an exit would trade at.
    ///   - exit: The side of the exit: a sell closes what is held, a buy what is owed.
    public func leg(reachedAt price: FixedDecimal, exit: Side) -> Bracket.Leg? {
        switch exit {
        case .sell:
            if let stopLoss, price <= stopLoss { return .stopLoss }
            if let takeProfit, price >= takeProfit { return .takeProfit }
        case .buy:
            if let stopLoss, price >= stopLoss { return .stopLoss }
            if let takeProfit, price <= takeProfit { return .takeProfit }
        }
        return nil
    }
}

/// A stop-loss and a take-profit of which one executes and the other ends, held by the desk until then.
///
/// Nothing of it is at the venue, so nothing of it is reserved: it is one exit, however many legs it has. It lives in the
/// journal, and with it through the end of its strategy and of the host.
public struct Bracket: Hashable, Sendable {
    /// One of the two ways out.
    public enum Leg: String, Hashable, Sendable, CaseIterable {
        case stopLoss = "stop_loss"
        case takeProfit = "take_profit"
    }

    /// Where a bracket stands.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        /// Nothing of its entry has filled yet.
        case waiting
        /// It protects ``Bracket/quantity``.
        case held
        /// A leg was reached, and its exit is under way or will be tried again.
        case triggered
        /// The exit closed what was protected.
        case done
        /// Somebody took it away.
        case cancelled
        /// There is nothing left to protect.
        case expired
        /// A leg was reached, and the venue takes no order so small.
        case failed

        /// Whether it still waits or works.
        public var isLive: Bool {
            switch self {
            case .waiting, .held, .triggered: true
            case .done, .cancelled, .expired, .failed: false
            }
        }
    }

    /// The number of the order that it came with; a pair for a position that is there has its own, of the same count.
    public let id: OrderID
    /// Whose position it closes.
    public let key: LedgerKey
    public let run: RunID
    /// The strategy's own name: the entry's, or the pair's.
    public let request: RequestID
    /// Whether it came with an order that opens the position.
    public let hasEntry: Bool
    /// The side of the exit.
    public let side: Side
    public internal(set) var prices: BracketPrices
    public internal(set) var status: Status
    /// How much was put under protection in all: what of the entry filled.
    public internal(set) var armed: FixedDecimal
    /// How much its exits have closed.
    public internal(set) var closed: FixedDecimal
    /// How much of ``closed`` was closed before the latest exit.
    public internal(set) var closedBefore: FixedDecimal
    /// How much left the position by other ways, such as an order of the strategy's own or a fee.
    public internal(set) var released: FixedDecimal
    /// The leg that was reached.
    public internal(set) var leg: Leg?
    /// The latest exit order.
    public internal(set) var exit: OrderID?
    /// Why it ended, or why an exit is tried again, in words.
    public internal(set) var reason: String?
    public let createdAt: Timestamp
    public internal(set) var updatedAt: Timestamp

    /// A bracket as the journal holds it.
    public init(
        id: OrderID, key: LedgerKey, run: RunID, request: RequestID, hasEntry: Bool, side: Side,
        prices: BracketPrices, status: Status, armed: FixedDecimal, closed: FixedDecimal,
        closedBefore: FixedDecimal, released: FixedDecimal, leg: Leg?, exit: OrderID?, reason: String?,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.key = key
        self.run = run
        self.request = request
        self.hasEntry = hasEntry
        self.side = side
        self.prices = prices
        self.status = status
        self.armed = armed
        self.closed = closed
        self.closedBefore = closedBefore
        self.released = released
        self.leg = leg
        self.exit = exit
        self.reason = reason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// A new bracket; `armed` is nought for one that waits for its entry.
    init(
        id: OrderID, key: LedgerKey, run: RunID, request: RequestID, hasEntry: Bool, side: Side,
        prices: BracketPrices, armed: FixedDecimal, at time: Timestamp
    ) {
        self.init(
            id: id, key: key, run: run, request: request, hasEntry: hasEntry, side: side, prices: prices,
            status: armed.isPositive ? .held : .waiting, armed: armed, closed: .zero, closedBefore: .zero,
            released: .zero, leg: nil, exit: nil, reason: nil, createdAt: time, updatedAt: time)
    }

    /// What it protects now.
    public var quantity: FixedDecimal {
        max(.zero, FixedDecimal.difference(FixedDecimal.difference(armed, closed), released))
    }
}

/// Why a bracket cannot be.
public enum BracketFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    case noPrice
    case priceOutOfBounds(Bracket.Leg)
    /// The leg's price is on the wrong side of what the position is or will be opened at, or of the market.
    case wrongSide(Bracket.Leg, price: FixedDecimal, reference: FixedDecimal, exit: Side)
    case crossed(stopLoss: FixedDecimal, takeProfit: FixedDecimal, exit: Side)
    /// The order closes a position and opens none.
    case entryReduces
    /// There is not so much of the position that no other bracket protects.
    case notSoMuch(asked: FixedDecimal, free: FixedDecimal, symbol: String)
    case over(OrderID, Bracket.Status)

    /// In words, with the numbers.
    public var description: String {
        switch self {
        case .noPrice: "a bracket needs a stop_loss, a take_profit, or both"
        case .priceOutOfBounds(let leg):
            "\(leg.rawValue) must be above 0 and no larger than any market's price"
        case .wrongSide(let leg, let price, let reference, let exit):
            "\(leg.rawValue) \(price) must be \((leg == .stopLoss) == (exit == .sell) ? "below" : "above") "
                + "\(reference), or it would be reached at once"
        case .crossed(let stop, let take, let exit):
            "stop_loss \(stop) must be \(exit == .sell ? "below" : "above") take_profit \(take)"
        case .entryReduces:
            "stop_loss and take_profit protect what an order opens, and this one can only close; "
                + "protect a position that is there with an oco line"
        case .notSoMuch(let asked, let free, let symbol):
            "\(asked) of \(symbol) cannot be protected: \(free) of the position is under no bracket yet"
        case .over(let id, let status): "bracket \(id) is \(status.rawValue); its prices cannot be changed"
        }
    }
}

extension BracketPrices {
    /// Checks the prices against each other and against what the position is or will be opened at, where that is known.
    func check(exit: Side, reference: FixedDecimal?) throws(BracketFlaw) {
        guard !isEmpty else { throw .noPrice }
        let legs: [(Bracket.Leg, FixedDecimal?)] = [(.stopLoss, stopLoss), (.takeProfit, takeProfit)]
        for case (let leg, let price?) in legs {
            guard TradingBounds.allows(price: price) else { throw .priceOutOfBounds(leg) }
        }
        if let stopLoss, let takeProfit {
            guard exit == .sell ? stopLoss < takeProfit : stopLoss > takeProfit else {
                throw .crossed(stopLoss: stopLoss, takeProfit: takeProfit, exit: exit)
            }
        }
        guard let reference, let leg = leg(reachedAt: reference, exit: exit) else { return }
        let price = leg == .stopLoss ? stopLoss : takeProfit
        throw .wrongSide(leg, price: price ?? reference, reference: reference, exit: exit)
    }
}
