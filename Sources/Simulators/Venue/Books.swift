import Trading

/// An order at the simulated exchange, with what its own wire protocol says of it.
final class BookOrder {
    enum State { case open, filled, cancelled, expired }

    /// Who placed it.
    enum Origin: String {
        case client
        /// The user, by hand, at the exchange's own site.
        case website
        /// The exchange: a forced sale.
        case exchange
    }

    /// The exchange's number for it.
    let number: Int64
    let account: AccountID
    let origin: Origin
    /// The client's name for it as it came, or one of the exchange's.
    fileprivate(set) var clientID: String
    fileprivate(set) var terms: OrderTerms
    /// What the wire protocol calls its type, such as `LIMIT_MAKER`.
    let type: String
    /// The money that a market order was to spend or bring, when that is how it was asked for.
    let quoteQuantity: FixedDecimal?
    let createdAt: Timestamp
    fileprivate(set) var updatedAt: Timestamp
    fileprivate(set) var state = State.open
    fileprivate(set) var filled = FixedDecimal.zero
    fileprivate(set) var filledQuote = FixedDecimal.zero
    fileprivate(set) var trades: [BookTrade] = []
    fileprivate(set) var isTriggered = false
    fileprivate(set) var reason: String?
    /// The engine's name for it, ours alone: the exchange's rules for names are not the engine's.
    fileprivate let engineID: ClientOrderID

    fileprivate init(
        number: Int64, account: AccountID, origin: Origin, clientID: String, terms: OrderTerms, type: String,
        quoteQuantity: FixedDecimal?, at time: Timestamp, engineID: ClientOrderID
    ) {
        self.number = number
        self.account = account
        self.origin = origin
        self.clientID = clientID
        self.terms = terms
        self.type = type
        self.quoteQuantity = quoteQuantity
        self.engineID = engineID
        createdAt = time
        updatedAt = time
    }

    /// Nought once more than all of it has filled.
    var remaining: FixedDecimal { max(.zero, terms.quantity.minus(filled)) }

    /// The mean price of what filled; nil before.
    var averagePrice: FixedDecimal? { filled.isPositive ? filledQuote.over(filled) : nil }

    /// All fees; nought before the first trade.
    var fee: FixedDecimal { trades.reduce(.zero) { $0.plus($1.fee) } }
}

/// A trade of one of the exchange's users.
struct BookTrade {
    let number: Int64
    let order: BookOrder
    let price: FixedDecimal
    let quantity: FixedDecimal
    let quote: FixedDecimal
    let fee: FixedDecimal
    let feeCurrency: String
    let isMaker: Bool
    let time: Timestamp
}

/// Something that changed in the books.
enum BookEvent {
    case opened(BookOrder)
    case traded(BookOrder, BookTrade)
    /// Cancelled or expired; what filled is told by its trades.
    case ended(BookOrder)
    case amended(BookOrder)
    /// Money that may have changed.
    case balances(AccountID, [String])
    case deposited(AccountID, currency: String, amount: FixedDecimal)
}

/// The exchange's books: the matching engine with the history that a wire protocol shows. On the loop.
final class Books {
    private var engine: MatchingEngine
    private(set) var orders: [Int64: BookOrder] = [:]
    /// Each account's trades, oldest first.
    private(set) var trades: [AccountID: [BookTrade]] = [:]
    private(set) var open: [AccountID: [Int64: BookOrder]] = [:]
    private(set) var deposits: [AccountID: [String: FixedDecimal]] = [:]
    private var names: [AccountID: [String: [Int64]]] = [:]
    private var ended: [Int64] = []
    private var endedFirst = 0
    private var sequence: Int64 = 0
    private var lastNumber: Int64 = 0
    /// How many trades there were that the engine knows nothing of; their numbers are between the engine's.
    private var oddTrades: Int64 = 0
    private var lastTrade: Int64 = 0
    /// The open order that is about to end by the exchange's own rules.
    private var expiring: Int64?
    private(set) var listing: [String: Instrument] = [:]
    /// Counted from the start, forgotten ones included.
    private(set) var orderCount = 0
    private(set) var tradeCount = 0
    let accounts: [AccountID]
    /// How many ended orders are kept, with their trades.
    private let remembered: Int
    var onEvent: (BookEvent) -> Void = { _ in }

    init(
        _ settings: MatchingSettings, instruments: [Instrument], accounts: [AccountID],
        balances: [String: FixedDecimal], remembered: Int = 200_000
    ) {
        engine = MatchingEngine(settings: settings)
        engine.setInstruments(instruments)
        engine.restore(
            accounts: accounts.map { id in
                MatchingAccount(
                    id: id, kind: .spot, currency: balances.keys.min() ?? "USDT",
                    balances: balances.mapValues { .init(total: $0, locked: .zero) })
            }, orders: [], lastOrder: 0, lastTrade: 0)
        self.accounts = accounts
        self.remembered = remembered
        for instrument in instruments { listing[instrument.symbol] = instrument }
        for account in accounts { deposits[account] = balances }
    }

    // MARK: - Asking

    /// An account's money and coins.
    func balances(_ account: AccountID) -> [String: MatchingAccount.Balance] {
        engine.account(account)?.balances ?? [:]
    }

    /// Money that is there and not held back.
    func free(_ currency: String, of account: AccountID) -> FixedDecimal {
        guard let balance = balances(account)[currency] else { return .zero }
        return balance.total.minus(balance.locked)
    }

    func market(_ symbol: String) -> (bid: FixedDecimal, ask: FixedDecimal, last: FixedDecimal)? {
        engine.market(of: symbol)
    }

    /// The orders to which a client gave a name, the newest last.
    func orders(named name: String, of account: AccountID) -> [BookOrder] {
        (names[account]?[name] ?? []).compactMap { orders[$0] }
    }

    /// Every order of an account that is still known, oldest first.
    func orders(of account: AccountID) -> [BookOrder] {
        orders.values.filter { $0.account == account }.sorted { $0.number < $1.number }
    }

    /// The orders of an account from a number on that are still known, oldest first; at the cost of those alone.
    func orders(of account: AccountID, from number: Int64) -> [BookOrder] {
        guard number <= lastNumber else { return [] }
        return (max(1, number)...lastNumber).compactMap { orders[$0] }.filter { $0.account == account }
    }

    /// An account's trades from a number on, oldest first.
    func trades(of account: AccountID, from number: Int64) -> ArraySlice<BookTrade> {
        let all = trades[account] ?? []
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return all[low...]
    }

    func openOrders(of account: AccountID) -> [BookOrder] {
        (open[account] ?? [:]).values.sorted { $0.number < $1.number }
    }

    /// Why an order would be refused now; nil when it would not.
    func refusal(of terms: OrderTerms, on account: AccountID, at time: Timestamp) -> MatchingRefusal? {
        engine.refusal(of: terms, on: account, at: time)
    }

    // MARK: - Changing

    /// Places an order, or says why not; then nothing happened.
    func place(
        _ terms: OrderTerms, on account: AccountID, clientID: String, type: String,
        quoteQuantity: FixedDecimal? = nil, origin: BookOrder.Origin = .client, at time: Timestamp
    ) -> Result<BookOrder, MatchingRefusal> {
        if let refusal = engine.refusal(of: terms, on: account, at: time) { return .failure(refusal) }
        sequence += 1
        guard let engineID = ClientOrderID("s-\(sequence)") else {
            preconditionFailure("a name of our own is fit")
        }
        let (placed, events) = engine.place(
            PlaceRequest(clientID: engineID, terms: terms), on: account, at: time)
        let order = BookOrder(
            number: placed.number, account: account, origin: origin, clientID: clientID, terms: terms,
            type: type,
            quoteQuantity: quoteQuantity, at: time, engineID: engineID)
        orders[order.number] = order
        lastNumber = max(lastNumber, order.number)
        open[account, default: [:]][order.number] = order
        if !clientID.isEmpty { names[account, default: [:]][clientID, default: []].append(order.number) }
        orderCount += 1
        onEvent(.opened(order))
        apply(events)
        if events.isEmpty, let instrument = listing[terms.symbol] {
            onEvent(.balances(account, [terms.side == .buy ? instrument.quote : instrument.base]))
        }
        return .success(order)
    }

    /// Cancels an open order; false when it is not open.
    func cancel(_ order: BookOrder, at time: Timestamp) -> Bool {
        guard order.state == .open else { return false }
        do throws(MatchingRefusal) {
            apply(try engine.cancel(order.engineID, on: order.account, at: time))
            return true
        } catch {
            return false
        }
    }

    /// Ends an open order by the exchange's own rules; false when it is not open.
    func expire(_ order: BookOrder, at time: Timestamp) -> Bool {
        expiring = order.number
        defer { expiring = nil }
        return cancel(order, at: time)
    }

    /// Lets more of an order trade than was ordered, at the price of its last trade and without a fee; false when nothing of
    /// it has traded.
    func overfill(_ order: BookOrder, by quantity: FixedDecimal, at time: Timestamp) -> Bool {
        guard let last = order.trades.last, let instrument = listing[order.terms.symbol],
            TradingBounds.allows(price: last.price, quantity: quantity)
        else { return false }
        let quote = last.price.times(quantity)
        let isBuy = order.terms.side == .buy
        do throws(MatchingRefusal) {
            try engine.deposit(
                isBuy ? quantity : FixedDecimal.zero.minus(quantity), of: instrument.base, on: order.account)
            try engine.deposit(
                isBuy ? FixedDecimal.zero.minus(quote) : quote, of: instrument.quote, on: order.account)
        } catch {
            return false
        }
        _ = engine.takeChanges()
        oddTrades += 1
        let trade = BookTrade(
            number: lastTrade + 1, order: order, price: last.price, quantity: quantity, quote: quote,
            fee: .zero, feeCurrency: instrument.quote, isMaker: last.isMaker, time: time)
        keep(trade)
        onEvent(.traded(order, trade))
        onEvent(.balances(order.account, [instrument.base, instrument.quote].sorted()))
        return true
    }

    /// Tells a trade with another price from now on, wherever it is listed; the money stays as it was. False when there is no
    /// such trade.
    func retell(_ number: Int64, price: FixedDecimal) -> Bool {
        for account in accounts {
            guard let index = trades[account]?.firstIndex(where: { $0.number == number }),
                let old = trades[account]?[index],
                TradingBounds.allows(price: price, quantity: old.quantity)
            else { continue }
            let new = BookTrade(
                number: number, order: old.order, price: price, quantity: old.quantity,
                quote: price.times(old.quantity), fee: old.fee, feeCurrency: old.feeCurrency,
                isMaker: old.isMaker, time: old.time)
            trades[account]?[index] = new
            if let place = old.order.trades.firstIndex(where: { $0.number == number }) {
                old.order.trades[place] = new
            }
            return true
        }
        return false
    }

    /// Changes an open order's quantity or price.
    func amend(
        _ order: BookOrder, quantity: FixedDecimal? = nil, price: FixedDecimal? = nil, at time: Timestamp
    ) throws(MatchingRefusal) {
        let events = try engine.amend(
            order.engineID,
            to: Amendment(quantity: quantity ?? order.terms.quantity, price: price ?? order.terms.price),
            on: order.account, at: time)
        order.terms.quantity = quantity ?? order.terms.quantity
        order.terms.price = price ?? order.terms.price
        order.updatedAt = time
        onEvent(.amended(order))
        apply(events)
    }

    /// Gives an order another name of the client's.
    func rename(_ order: BookOrder, to name: String) {
        guard order.clientID != name else { return }
        names[order.account]?[order.clientID]?.removeAll { $0 == order.number }
        order.clientID = name
        names[order.account, default: [:]][name, default: []].append(order.number)
    }

    /// Pays in, or with a negative amount out.
    func deposit(_ amount: FixedDecimal, of currency: String, on account: AccountID) throws(MatchingRefusal) {
        try engine.deposit(amount, of: currency, on: account)
        _ = engine.takeChanges()
        deposits[account, default: [:]][currency] = (deposits[account]?[currency] ?? .zero).plus(amount)
        onEvent(.deposited(account, currency: currency, amount: amount))
        onEvent(.balances(account, [currency]))
    }

    /// Lists an instrument, or changes its filters.
    func list(_ instrument: Instrument) {
        listing[instrument.symbol] = instrument
        engine.setInstruments([instrument])
    }

    /// Lets the market move; what waited may fill.
    func marketMoved(_ quote: Quote) {
        let events = engine.marketMoved(.quote(quote))
        guard !events.isEmpty else {
            // A stop may have fired and found nothing.
            note(engine.takeChanges())
            return
        }
        apply(events)
    }

    // MARK: - Inside

    private func apply(_ events: [MatchingEvent]) {
        note(engine.takeChanges())
        var moved: [AccountID: Set<String>] = [:]
        for event in events {
            switch event {
            case .traded(let trade, _): add(trade)
            case .ended(let ended): end(ended)
            case .liquidated: break  // Margin accounts only, which there are none of.
            }
        }
        for event in events {
            guard case .traded(let trade, _) = event, let instrument = listing[trade.trade.symbol] else {
                continue
            }
            moved[trade.account, default: []].formUnion([
                instrument.base, instrument.quote, trade.trade.feeCurrency,
            ])
        }
        for (account, currencies) in moved.sorted(by: { $0.key < $1.key }) {
            onEvent(.balances(account, currencies.sorted()))
        }
    }

    private func note(_ changes: MatchingChanges) {
        for changed in changes.orders { orders[changed.number]?.isTriggered = changed.isTriggered }
    }

    private func add(_ trade: MatchingTrade) {
        guard let order = orders[trade.order] else { return }
        let told = trade.trade
        let shown = BookTrade(
            number: trade.number + oddTrades, order: order, price: told.price, quantity: told.quantity,
            quote: told.price.times(told.quantity), fee: told.fee, feeCurrency: told.feeCurrency,
            isMaker: told.liquidity == .maker, time: told.time)
        keep(shown)
        if order.remaining.isZero {
            order.state = .filled
            close(order)
        }
        onEvent(.traded(order, shown))
    }

    private func keep(_ trade: BookTrade) {
        let order = trade.order
        order.filled = order.filled.plus(trade.quantity)
        order.filledQuote = order.filledQuote.plus(trade.quote)
        order.trades.append(trade)
        order.updatedAt = trade.time
        lastTrade = trade.number
        trades[order.account, default: []].append(trade)
        tradeCount += 1
        if trades[order.account]?.count ?? 0 > 2 * remembered {
            trades[order.account]?.removeFirst(remembered)
        }
    }

    private func end(_ ended: MatchingOrder) {
        guard let order = orders[ended.number], order.state == .open else { return }
        order.updatedAt = ended.updatedAt
        order.reason = ended.reason
        switch ended.state {
        case .cancelled, .rejected: order.state = expiring == order.number ? .expired : .cancelled
        case .expired: order.state = .expired
        case .filled, .open: return
        }
        close(order)
        onEvent(.ended(order))
        if let instrument = listing[order.terms.symbol] {
            onEvent(.balances(order.account, [order.terms.side == .buy ? instrument.quote : instrument.base]))
        }
    }

    private func close(_ order: BookOrder) {
        open[order.account]?[order.number] = nil
        ended.append(order.number)
        while ended.count - endedFirst > remembered { forgetOldest() }
        if endedFirst > 4096, endedFirst > ended.count / 2 {
            ended.removeFirst(endedFirst)
            endedFirst = 0
        }
    }

    private func forgetOldest() {
        let number = ended[endedFirst]
        endedFirst += 1
        guard let order = orders.removeValue(forKey: number) else { return }
        names[order.account]?[order.clientID]?.removeAll { $0 == number }
        if names[order.account]?[order.clientID]?.isEmpty == true {
            names[order.account]?[order.clientID] = nil
        }
    }
}
