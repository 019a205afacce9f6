import Posix
public import Trading
import Wire

/// Open orders, trades, balances, and the account's own stream.
extension CoinDCXVenue {
    /// Every open order of the markets that matter: active orders are told for one market at a time.
    ///
    /// Those are the markets that orders of this host were in, and those of coins that open orders hold back. An order by
    /// hand that *buys* in a market which this host never touched is seen when it trades.
    public func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
    ) {
        askBalances(on: account) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure.venueFailure))
            case .success(let balances):
                var symbols = Set(accounts[account]?.symbols.keys ?? [:].keys)
                let locked = Set(balances.filter(\.locked.isPositive).map(\.currency))
                for market in (markets?.bySymbol ?? [:]).values where locked.contains(market.instrument.base)
                {
                    // A coin is held back in one of its markets; those in use are asked already.
                    symbols.insert(market.symbol)
                }
                askActive(in: symbols.sorted()[...], on: account, []) { [weak self] result in
                    guard let self else { return }
                    let now = connection.venueTime
                    completion(
                        result.map { $0.map { $0.venueOrder(at: now) } }.mapError(\.venueFailure))
                }
            }
        }
    }

    private func askActive(
        in symbols: ArraySlice<String>, _ pages: CoinDCXOrderPages = CoinDCXOrderPages(),
        on account: AccountID, _ found: [CoinDCXOrder],
        _ completion: @escaping (Result<[CoinDCXOrder], CallFailure>) -> Void
    ) {
        guard let symbol = symbols.first else { return completion(.success(found)) }
        let call = question(
            "orders/active_orders",
            [
                .init("market", .string(symbol)), .init("page", .integer(pages.count + 1)),
                .init("size", .integer(CoinDCXOrderPages.size)),
            ], on: account, weight: 1)
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let answer):
                // An object with `orders`, or, by the older pages, a bare list.
                guard let orders = CoinDCXOrder.list(answer.body, markets) else {
                    return completion(.failure(.outcomeUnknown("open orders that cannot be read")))
                }
                for order in orders { learn(order, on: account) }
                var pages = pages
                guard pages.take(orders) else {
                    return askActive(in: symbols.dropFirst(), on: account, found + pages.open, completion)
                }
                guard pages.count < CoinDCXOrderPages.limit else {
                    return completion(.failure(.outcomeUnknown("open orders of \(symbol) without end")))
                }
                askActive(in: symbols, pages, on: account, found, completion)
            }
        }
    }

    /// An account's money.
    public func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        askBalances(on: account) { completion($0.mapError(\.venueFailure)) }
    }

    private func askBalances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], CallFailure>) -> Void
    ) {
        connection.send(question("users/balances", [], on: account)) { result in
            completion(
                result.flatMap { answer in
                    Self.balances(answer.body).map { .success($0) }
                        ?? .failure(.outcomeUnknown("balances that cannot be read"))
                })
        }
    }

    /// `balance` is the free part; numbers come bare or as text.
    private static func balances(_ body: JSONValue) -> [VenueBalance]? {
        guard let rows = body.arrayValue else { return nil }
        var balances: [VenueBalance] = []
        for row in rows {
            guard let currency = row["currency"]?.stringValue, let free = row["balance"]?.looseDecimal,
                let locked = (row["locked_balance"] ?? .number("0")).looseDecimal,
                // Sums beyond the range are nobody's money.
                let total = try? free + locked
            else { return nil }
            guard !total.isZero else { continue }
            balances.append(VenueBalance(currency: currency, total: total, locked: locked))
        }
        return balances.sorted { $0.currency < $1.currency }
    }

    // MARK: - Trades

    /// An account's trades after a cursor, oldest first.
    public func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        guard
            let place = CoinDCXTradeCursor(cursor, start: accounts[account]?.start ?? .init(milliseconds: 0))
        else {
            return loop.atEndOfTurn {
                completion(.failure(.refused("\(cursor ?? "") is no cursor of CoinDCX")))
            }
        }
        page(from: place, on: account) { result in
            completion(
                result.map { page in
                    TradePage(
                        trades: page.trades, cursor: page.next?.text ?? cursor, isComplete: page.isComplete)
                }.mapError(\.venueFailure))
        }
    }

    private struct Page {
        var trades: [VenueTrade]
        /// Where to go on; nil when nothing came.
        var next: CoinDCXTradeCursor?
        var isComplete: Bool
    }

    private func page(
        from place: CoinDCXTradeCursor, on account: AccountID,
        _ completion: @escaping (Result<Page, CallFailure>) -> Void
    ) {
        withMarkets { [weak self] result in
            guard let self else { return }
            // Without the markets nobody knows in which currency a fee is.
            if case .failure(let failure) = result { return completion(.failure(failure)) }
            // Room for the one at the place, should it be told again.
            let limit = place.isInside ? min(settings.tradesPerPage + 1, 500) : settings.tradesPerPage
            var fields: [JSONValue.Member] = [
                .init("limit", .integer(limit)), .init("sort", .string("asc")),
            ]
            fields += place.fields
            connection.send(question("orders/trade_history", fields, on: account)) { [weak self] result in
                guard let self else { return }
                switch result {
                case .failure(let failure): completion(.failure(failure))
                case .success(let answer):
                    guard let rows = answer.body.arrayValue ?? answer.body["trades"]?.arrayValue else {
                        return completion(.failure(.outcomeUnknown("trades that cannot be read")))
                    }
                    var trades: [CoinDCXTrade] = []
                    for row in rows {
                        guard let trade = CoinDCXTrade(row, markets) else {
                            return completion(.failure(.outcomeUnknown("a trade that cannot be read")))
                        }
                        trades.append(trade)
                    }
                    let fresh = place.fresh(trades) { self.accounts[account]?.isLate($0) ?? false }
                    guard place.isPassed(by: fresh) else {
                        return completion(
                            .failure(.outcomeUnknown("the trades do not go on from where asked")))
                    }
                    let isFull = rows.count >= limit && !fresh.isEmpty
                    name(fresh, isFull: isFull, from: place, on: account, completion)
                }
            }
        }
    }

    /// Puts our names to trades, which do not repeat them: what is not known of an order is asked.
    private func name(
        _ trades: [CoinDCXTrade], isFull: Bool, from place: CoinDCXTradeCursor, on account: AccountID,
        _ completion: @escaping (Result<Page, CallFailure>) -> Void
    ) {
        guard let known = accounts[account] else {
            return completion(.failure(.unsent("account \(account) is not open at \(venue)")))
        }
        var strange: [VenueOrderID] = []
        for trade in trades where known.names[trade.order] == nil && !strange.contains(trade.order) {
            strange.append(trade.order)
        }
        guard strange.isEmpty else {
            return askNames(of: strange[...], on: account) { [weak self] result in
                switch result {
                case .failure(let failure): completion(.failure(failure))
                case .success:
                    self?.name(trades, isFull: isFull, from: place, on: account, completion)
                }
            }
        }
        let named = trades.map { trade in
            let currency = markets?.bySymbol[trade.symbol]?.instrument.quote ?? ""
            return trade.venueTrade(
                clientID: known.names[trade.order] ?? nil, feeCurrency: trade.fee.isZero ? "" : currency)
        }
        known.seen(trades, from: place.time)
        completion(
            .success(Page(trades: named, next: place.next(trades, isFull: isFull), isComplete: !isFull)))
    }

    private func askNames(
        of orders: ArraySlice<VenueOrderID>, on account: AccountID,
        _ completion: @escaping (Result<Void, CallFailure>) -> Void
    ) {
        guard !orders.isEmpty else { return completion(.success(())) }
        let asked = orders.prefix(10)  // No more are taken at once.
        let call = question(
            "orders/status_multiple", [.init("ids", .array(asked.map { .string($0.text) }))], on: account)
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let answer):
                guard let found = CoinDCXOrder.list(answer.body, markets) else {
                    return completion(.failure(.outcomeUnknown("orders that cannot be read")))
                }
                for order in found { learn(order, on: account) }
                // Of an order that the venue no longer tells nothing will be learnt by asking again.
                for id in asked where accounts[account]?.names[id] == nil { accounts[account]?.forgo(id) }
                askNames(of: orders.dropFirst(10), on: account, completion)
            }
        }
    }

    /// Asks for new trades and tells them. One question at a time; one that comes meanwhile follows.
    func fetchTrades(on account: AccountID) {
        guard let known = accounts[account] else { return }
        guard !known.isFetching else {
            known.mustFetchAgain = true
            return
        }
        known.isFetching = true
        fetch(from: CoinDCXTradeCursor(since: known.newestTrade ?? known.start), on: account)
    }

    private func fetch(from place: CoinDCXTradeCursor, on account: AccountID) {
        page(from: place, on: account) { [weak self] result in
            guard let self, let known = accounts[account] else { return }
            // Silence is left to the next occasion, and to the desk's own questions.
            if case .success(let page) = result {
                for trade in page.trades where known.told[trade.trade.text] == nil {
                    known.told[trade.trade.text] = true
                    known.hasTold(trade)
                    onReport?(account, .trade(trade))
                }
                if !page.isComplete, let next = page.next { return fetch(from: next, on: account) }
            }
            known.isFetching = false
            guard known.mustFetchAgain else { return }
            known.mustFetchAgain = false
            fetchTrades(on: account)
        }
    }

    /// Asks again for trades that an order has had and that no list has shown yet; not without end, for the desk asks too.
    private func awaitTrades(of order: VenueOrderID, on account: AccountID, tries: Int = 5) {
        guard tries > 0, accounts[account]?.awaited.insert(order).inserted == true else { return }
        loop.schedule(after: settings.pollEvery) { [weak self] in
            guard let self, let known = accounts[account] else { return }
            known.awaited.remove(order)
            guard known.isOwedTrades(of: order) else { return }
            fetchTrades(on: account)
            awaitTrades(of: order, on: account, tries: tries - 1)
        }
    }

    // MARK: - The stream

    func heard(_ news: CoinDCXSocket.News, on account: AccountID) {
        switch news {
        case .joined:
            report("orders of \(account)", nil)
            accounts[account]?.isStreaming = true
            onReport?(account, .streamRestored)
            // What happened before is not repeated. Whether the channel was joined at all is not confirmed either, so that
            // questions go on beside it.
            onResumed?(account)
            fetchTrades(on: account)
        case .lost(let reason):
            if accounts[account]?.isStreaming == true { onReport?(account, .streamGap(reason: reason)) }
            accounts[account]?.isStreaming = false
            report("orders of \(account)", reason)
            poll(account)
        case .event(let name, let payload): take(name, payload, on: account)
        }
    }

    private func take(_ name: String, _ payload: JSONValue, on account: AccountID) {
        switch name {
        case "order-update":
            trace(payload, name, on: account)
            for order in CoinDCXOrder.readable(payload, markets) {
                learn(order, on: account)
                if order.filled.isPositive {
                    accounts[account]?.isFilled(order)
                    fetchTrades(on: account)
                    awaitTrades(of: order.id, on: account)
                }
                if order.state != .open && order.state != .filled { tell(order, on: account) }
                if order.clientID?.order == nil, order.state == .open { tell(order, on: account) }
            }
        case "trade-update":
            trace(payload, name, on: account)
            // It lacks the side and as a rule the fee; the same trade must read the same by every way. So it only says
            // that there is something to be asked for.
            fetchTrades(on: account)
        default: break
        }
    }

    private func trace(_ payload: JSONValue, _ event: String, on account: AccountID) {
        guard let observer else { return }
        let first = payload.arrayValue?.first ?? payload
        let id = (first["client_order_id"] ?? first["c"])?.stringValue.flatMap { ClientOrderID($0) }
        observer.adapter(
            venue,
            heard: VenueTrace(
                account: account, order: id, time: connection.venueTime, source: "stream \(event)",
                text: payload.text))
    }

    /// While the stream is away, and orders of ours stand, asks after them.
    func poll(_ account: AccountID) {
        guard let known = accounts[account], !known.isPolling, known.socket?.isJoined != true else { return }
        known.isPolling = true
        loop.schedule(after: settings.pollEvery) { [weak self] in
            guard let self, let known = accounts[account] else { return }
            known.isPolling = false
            guard known.socket?.isJoined != true else { return }
            if known.hasStanding {
                fetchTrades(on: account)
                for order in known.orders.values.filter({ $0.state == .open }).prefix(5) {
                    guard let id = order.clientID else { continue }
                    askAndTell(
                        OrderReference(clientID: id, symbol: order.symbol, venueOrderID: order.id),
                        on: account)
                }
            }
            poll(account)
        }
    }
}

/// Where in the account's trades to go on.
///
/// After a whole answer the place is the time of the last trade, with the ids of those of that very moment; in the middle
/// of many it is the id of the last. Whether the venue tells the one at the place again does not matter.
struct CoinDCXTradeCursor: Hashable, Sendable {
    private enum Place: Hashable {
        case time(Timestamp, told: [String])
        case id(String, Timestamp)
    }

    private let place: Place
    /// A trade may show up late behind another: so much before the place is read again.
    private static let overlap: Int64 = 5_000

    /// Reads `t1785000000000:28473` and `i28473@1785000000000`; nil begins at `start`.
    init?(_ text: String?, start: Timestamp) {
        guard let text else {
            place = .time(start, told: [])
            return
        }
        let rest = text.dropFirst()
        switch text.first {
        case "t":
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard let time = parts.first.flatMap({ Int64($0) }), time >= 0 else { return nil }
            place = .time(Timestamp(milliseconds: time), told: parts.dropFirst().map(String.init))
        case "i":
            guard let at = rest.lastIndex(of: "@"), let time = Int64(rest[rest.index(after: at)...]),
                time >= 0,
                at > rest.startIndex
            else { return nil }
            place = .id(String(rest[..<at]), Timestamp(milliseconds: time))
        default: return nil
        }
    }

    init(since time: Timestamp) { place = .time(time, told: []) }

    private init(_ place: Place) { self.place = place }

    var text: String {
        switch place {
        case .time(let time, let told): (["t\(time.milliseconds)"] + told).joined(separator: ":")
        case .id(let id, let time): "i\(id)@\(time.milliseconds)"
        }
    }

    /// The time of the place.
    var time: Timestamp {
        switch place {
        case .time(let time, _), .id(_, let time): time
        }
    }

    /// Whether it is in the middle of many.
    var isInside: Bool {
        if case .id = place { true } else { false }
    }

    /// What asks for the trades from here on.
    var fields: [JSONValue.Member] {
        switch place {
        case .time(let time, _):
            [.init("from_timestamp", .integer(max(0, time.milliseconds - Self.overlap)))]
        case .id(let id, _): [.init("from_id", .string(id))]
        }
    }

    /// The trades of an answer that lie beyond this place, oldest first, whatever order they came in.
    ///
    /// - Parameter isLate: Whether a trade from before the place was never told.
    func fresh(_ trades: [CoinDCXTrade], isLate: (CoinDCXTrade) -> Bool) -> [CoinDCXTrade] {
        let sorted = trades.sorted { ($0.time, $0.id.count, $0.id) < ($1.time, $1.id.count, $1.id) }
        switch place {
        case .time(let time, let told):
            let from = time.advanced(byMilliseconds: -Self.overlap)
            return sorted.filter { trade in
                // A venue that ignores the time tells of others' trades, from before this host.
                if trade.time < time { return trade.time >= from && isLate(trade) }
                return trade.time > time || !told.contains(trade.id)
            }
        case .id(let id, _): return sorted.filter { $0.id != id }
        }
    }

    /// Whether the trades lead on; a venue that ignores the id would lead in a circle.
    func isPassed(by trades: [CoinDCXTrade]) -> Bool {
        guard case .id(_, let time) = place, let last = trades.last else { return true }
        return last.time >= time
    }

    /// Where to go on after them; nil to stay.
    func next(_ trades: [CoinDCXTrade], isFull: Bool) -> CoinDCXTradeCursor? {
        guard let last = trades.last else {
            // The end was reached from the middle: from now on the time counts.
            guard case .id(let id, let time) = place else { return nil }
            return CoinDCXTradeCursor(.time(time, told: [id]))
        }
        guard !isFull else { return CoinDCXTradeCursor(.id(last.id, last.time)) }
        // Late ones do not lead back.
        guard last.time >= time else { return nil }
        var told = trades.filter { $0.time == last.time }.map(\.id)
        switch place {
        case .time(let time, let known): if time == last.time { told = known + told }
        case .id(let id, let time): if time == last.time { told.append(id) }
        }
        return CoinDCXTradeCursor(.time(last.time, told: told))
    }
}
