import Trading

/// What the adapter knows of one account. All of it can be asked for again.
final class CoinDCXAccount {
    let id: AccountID
    let opened: Timestamp
    var socket: CoinDCXSocket?
    /// Orders that stand, as last seen: what a change of price needs, and what is asked for while the stream is away.
    private(set) var orders = Recent<ClientOrderID, CoinDCXOrder>(limit: 5_000)
    /// Whose each order is; nil for somebody else's.
    private(set) var names = Recent<VenueOrderID, ClientOrderID?>(limit: 50_000)
    /// Which trades were told as news.
    var told = Recent<String, Bool>(limit: 20_000)
    /// How much of each order was told as trades, and how much of it is filled by the stream's word.
    private var toldOf = Recent<VenueOrderID, FixedDecimal>(limit: 5_000)
    private var filledOf = Recent<VenueOrderID, FixedDecimal>(limit: 5_000)
    /// Orders of which trades are missing, and are asked for again in a while.
    var awaited: Set<VenueOrderID> = []
    /// Which trades were seen in any answer, and from when on every one was.
    private var seen = Recent<String, Bool>(limit: 50_000)
    private var seenFrom: Timestamp?
    /// Where trades were first and last seen.
    private(set) var symbols: [String: Timestamp]
    private(set) var newestTrade: Timestamp?
    /// A question for new trades is under way; another must follow it.
    var isFetching = false
    var mustFetchAgain = false
    /// The stream is open, as far as anybody says.
    var isStreaming = false
    /// A look at the orders that stand is planned.
    var isPolling = false

    init(_ id: AccountID, opened: Timestamp, symbols: [String: Timestamp]) {
        self.id = id
        self.opened = opened
        self.symbols = symbols
    }

    /// Before the first trade of this host on the account.
    var start: Timestamp {
        let first = symbols.values.min().map { min($0, opened) } ?? opened
        // The clocks need not agree.
        return first.advanced(byMilliseconds: -60_000)
    }

    /// Takes note of how much of an order has filled, and of a trade of one that was told.
    func isFilled(_ order: CoinDCXOrder) {
        filledOf[order.id] = max(filledOf[order.id] ?? .zero, order.filled)
    }

    func hasTold(_ trade: VenueTrade) {
        let told = toldOf[trade.venueOrderID] ?? .zero
        // Beyond the range it is more than any order can have filled.
        toldOf[trade.venueOrderID] = (try? told + trade.quantity) ?? told
    }

    /// Whether more of an order has filled than trades of it were told.
    func isOwedTrades(of order: VenueOrderID) -> Bool {
        (filledOf[order] ?? .zero) > (toldOf[order] ?? .zero)
    }

    /// Takes note of trades that an answer from `place` on held.
    func seen(_ trades: [CoinDCXTrade], from place: Timestamp) {
        seenFrom = seenFrom ?? place
        for trade in trades {
            seen[trade.id] = true
            newestTrade = max(newestTrade ?? trade.time, trade.time)
        }
    }

    /// Whether a trade showed up after later ones had been told. Only from when on every trade was seen can that be known.
    func isLate(_ trade: CoinDCXTrade) -> Bool {
        guard let seenFrom else { return false }
        return trade.time >= seenFrom && seen[trade.id] == nil
    }

    /// Whether orders of ours are known to stand.
    var hasStanding: Bool { orders.values.contains { $0.state == .open } }

    /// Notes that a symbol is traded.
    func use(_ symbol: String, since time: Timestamp) {
        symbols[symbol] = min(symbols[symbol] ?? time, time)
    }

    /// The venue does not tell whose an order is.
    func forgo(_ id: VenueOrderID) { names[id] = .some(nil) }

    /// Learns whose an order is, and how it stands.
    func note(_ order: CoinDCXOrder) {
        names[order.id] = .some(order.clientID)
        guard let id = order.clientID else { return }
        // A status never goes back: what has ended stays so.
        if let known = orders[id], known.state != .open, order.state == .open { return }
        orders[id] = order
    }
}

/// A dictionary that forgets what was put in longest ago.
struct Recent<Key: Hashable, Value> {
    private var held: [Key: Value] = [:]
    private var order: [Key] = []
    private var start = 0
    private let limit: Int

    init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
    }

    var values: Dictionary<Key, Value>.Values { held.values }

    subscript(key: Key) -> Value? {
        get { held[key] }
        set {
            guard let newValue else {
                // Its place in the order goes when its turn comes.
                held[key] = nil
                return
            }
            if held.updateValue(newValue, forKey: key) == nil { order.append(key) }
            while held.count > limit, start < order.count {
                held[order[start]] = nil
                start += 1
            }
            if start > limit {
                order.removeFirst(start)
                start = 0
            }
        }
    }
}

extension Recent: Sendable where Key: Sendable, Value: Sendable {}
