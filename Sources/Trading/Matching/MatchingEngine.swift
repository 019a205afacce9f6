/// The book of a simulated venue: orders in, trades out, money moved.
///
/// A pure value, deterministic: the same calls give the same trades to the last digit. It serves the paper venue and
/// the Lab.
///
/// **How a candle fills.** Nobody knows in which order its prices came, so the worst is assumed:
/// 1. At the open, orders that take any price fill, stops jumped over fire at the open, and limits jumped over fill.
/// 2. Stops inside the candle fire next, those nearest the open first, each at its trigger price.
/// 3. Margin accounts are checked at the extreme that is worse for what they hold.
/// 4. Only then limits and take-profits fill, at their own price, and only when the market traded beyond it: a touch
///    is not enough, for we may have been last in the queue.
/// 5. The close is the price from here on.
/// All of them together get at most ``MatchingSettings/participation`` of the volume; what is left of that share serves
/// orders that come before the next event. A trade works the same at its one price. A quote offers its sizes: buyers
/// take at the ask, sellers at the bid, and a waiting limit fills when the other side reaches it.
///
/// Takers fill at the market's price made worse by the slippage (``MatchingSettings/slippage``,
/// ``MatchingSettings/halfSpreadTicks`` and ``MatchingSettings/impact`` together) and rounded against them to the tick, but
/// never beyond their limit. Fees are rounded up.
public struct MatchingEngine: Sendable {
    /// An instrument with its market and its open orders.
    struct Book: Sendable {
        var instrument: Instrument
        var market: Market?
        /// Open orders, oldest first.
        var open: [Int64] = []
    }

    /// What can be had now.
    struct Market: Sendable {
        /// When it was last heard of, by its own clock.
        var time: Timestamp
        var last: FixedDecimal
        /// What a buyer pays and a seller gets, before slippage.
        var ask: FixedDecimal
        var bid: FixedDecimal
        var buyable: FixedDecimal
        var sellable: FixedDecimal
        /// Whether buyers and sellers draw on one volume.
        var isShared: Bool
        /// All that was traded, of which orders are a share; nil where that is not known, as of a quote.
        var volume: FixedDecimal?
        /// What orders have taken of it.
        var taken = FixedDecimal.zero

        /// The prices of an earlier market, with what is left of the volume now.
        func at(pricesOf before: Market) -> Market {
            var market = self
            (market.time, market.last, market.ask, market.bid) = (
                before.time, before.last, before.ask, before.bid
            )
            return market
        }

        /// Moves all three prices.
        mutating func stand(at price: FixedDecimal) { (last, ask, bid) = (price, price, price) }

        mutating func stand(at price: FixedDecimal, since time: Timestamp) {
            stand(at: price)
            self.time = time
        }
    }

    struct ClientName: Hashable {
        let account: AccountID
        let id: ClientOrderID
    }

    public let settings: MatchingSettings
    var books = NameTable<String, Book>()
    var accounts = NameTable<AccountID, MatchingAccount>()
    var orders: [Int64: MatchingOrder] = [:]
    var lastOrder: Int64 = 0
    var lastTrade: Int64 = 0
    private var clientNames: [ClientName: Int64] = [:]
    private var ended = Queue<Int64>()
    private var changedOrders: Set<Int64> = []
    private var changedAccounts: Set<AccountID> = []
    private var newTrades: [MatchingTrade] = []
    var events: [MatchingEvent] = []

    /// A venue without accounts or markets.
    public init(settings: MatchingSettings = MatchingSettings()) {
        self.settings = settings
    }

    /// Adds instruments, or changes their filters.
    public mutating func setInstruments(_ instruments: [Instrument]) {
        for instrument in instruments {
            books[instrument.symbol, default: Book(instrument: instrument)].instrument = instrument
        }
    }

    /// Opens an account with money on it, or changes the kind of one that is there and leaves its money.
    public mutating func openAccount(
        _ id: AccountID, kind: AccountKind, currency: String, balance: FixedDecimal
    ) {
        if accounts[id] == nil {
            accounts[id] = MatchingAccount(
                id: id, kind: kind, currency: currency,
                balances: [currency: MatchingAccount.Balance(total: balance, locked: .zero)])
        } else {
            accounts[id]?.kind = kind
        }
        if settings.keepsChanges { changedAccounts.insert(id) }
    }

    /// Takes up what a database holds. Call it before anything else but ``setInstruments(_:)``.
    public mutating func restore(
        accounts: [MatchingAccount], orders: [MatchingOrder], lastOrder: Int64, lastTrade: Int64
    ) {
        precondition(self.orders.isEmpty && self.accounts.isEmpty, "an engine is restored before it is used")
        for account in accounts { self.accounts[account.id] = account }
        for order in orders.sorted(by: { $0.number < $1.number }) { insert(order) }
        self.lastOrder = max(lastOrder, self.lastOrder)
        self.lastTrade = lastTrade
        changedOrders = []
    }

    /// What changed since the last call. Nobody may hear of an event before its change is durable.
    public mutating func takeChanges() -> MatchingChanges {
        var changes = MatchingChanges()
        changes.orders = changedOrders.sorted().compactMap { orders[$0] }
        changes.accounts = changedAccounts.sorted().compactMap { accounts[$0] }
        changes.trades = newTrades
        changedOrders.removeAll(keepingCapacity: true)
        changedAccounts.removeAll(keepingCapacity: true)
        newTrades.removeAll(keepingCapacity: true)
        return changes
    }

    /// Forgets what ``takeChanges()`` would tell, for those who keep no database.
    public mutating func dropChanges() {
        changedOrders.removeAll(keepingCapacity: true)
        changedAccounts.removeAll(keepingCapacity: true)
        newTrades.removeAll(keepingCapacity: true)
    }

    // MARK: Asking

    /// The instruments.
    public var instruments: [Instrument] {
        books.map { $0.value.instrument }.sorted { $0.symbol < $1.symbol }
    }

    /// An account.
    public func account(_ id: AccountID) -> MatchingAccount? { accounts[id] }

    /// An order by the client's name for it, when it is open or recent.
    public func order(_ id: ClientOrderID, on account: AccountID) -> MatchingOrder? {
        clientNames[ClientName(account: account, id: id)].flatMap { orders[$0] }
    }

    /// The open orders of an account, oldest first.
    public func openOrders(on account: AccountID) -> [MatchingOrder] {
        guard !isIdle else { return [] }
        return books.flatMap { $0.value.open }.sorted().compactMap { orders[$0] }.filter {
            $0.account == account
        }
    }

    /// Money and the worth of positions at the last prices.
    public func equity(of account: AccountID) -> FixedDecimal {
        guard let account = accounts[account] else { return .zero }
        var sum = account.balances[account.currency]?.total ?? .zero
        for (symbol, position) in account.positions {
            guard let price = currentMarket(of: symbol)?.last else { continue }
            sum = FixedDecimal.sum(sum, position.unrealised(at: price))
        }
        return sum
    }

    // MARK: The tables

    func instrument(of symbol: String) -> Instrument? { books.part(of: symbol) { $0.instrument } }

    func currentMarket(of symbol: String) -> Market? { books.part(of: symbol) { $0.market } ?? nil }

    /// The open orders in an instrument, oldest first.
    func waiting(in symbol: String) -> [Int64] { books.part(of: symbol) { $0.open } ?? [] }

    mutating func insert(_ order: MatchingOrder) {
        orders[order.number] = order
        lastOrder = max(lastOrder, order.number)
        if let id = order.clientID { clientNames[ClientName(account: order.account, id: id)] = order.number }
        if settings.keepsChanges { changedOrders.insert(order.number) }
        if order.state == .open {
            books[order.terms.symbol]?.open.append(order.number)
        } else {
            forget(after: order.number)
        }
    }

    mutating func change(_ number: Int64, _ body: (inout MatchingOrder) -> Void) {
        guard orders.change(number, body) else { return }
        if settings.keepsChanges { changedOrders.insert(number) }
    }

    mutating func changeAccount(_ id: AccountID, _ body: (inout MatchingAccount) -> Void) {
        guard accounts[id]?.change(by: body) != nil else { return }
        if settings.keepsChanges { changedAccounts.insert(id) }
    }

    mutating func note(_ trade: MatchingTrade, standing: FixedDecimal) {
        if settings.keepsChanges { newTrades.append(trade) }
        events.append(.traded(trade, market: standing))
    }

    mutating func takeEvents() -> [MatchingEvent] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }

    /// Ends an open order and frees what it held.
    mutating func end(_ number: Int64, _ state: VenueOrder.State, _ reason: String?, at time: Timestamp) {
        guard let order = orders[number], order.state == .open else { return }
        setLock(of: number, to: .zero)
        change(number) {
            $0.state = state
            $0.reason = reason
            $0.updatedAt = time
        }
        books[order.terms.symbol]?.open.removeAll { $0 == number }
        if let order = orders[number] { events.append(.ended(order)) }
        forget(after: number)
    }

    /// Sets how much of the account an order holds back.
    mutating func setLock(of number: Int64, to amount: FixedDecimal) {
        guard let order = orders[number], let instrument = instrument(of: order.terms.symbol),
            amount != order.locked
        else { return }
        let currency = order.terms.side == .buy ? instrument.quote : instrument.base
        changeAccount(order.account) {
            $0.lock(FixedDecimal.difference(amount, order.locked), of: currency)
        }
        change(number) { $0.locked = amount }
    }

    private mutating func forget(after number: Int64) {
        ended.append(number)
        // What is not durable yet stays until it has been taken.
        while ended.count > settings.remembered, let oldest = ended.first, !changedOrders.contains(oldest) {
            _ = ended.popFirst()
            guard let order = orders.removeValue(forKey: oldest), let id = order.clientID else { continue }
            clientNames[ClientName(account: order.account, id: id)] = nil
        }
    }
}

extension MatchingEngine {
    /// Goes on at the prices that another engine knew.
    public mutating func takeMarkets(from other: MatchingEngine) {
        for (symbol, book) in other.books { books[symbol]?.market = book.market }
    }
}
