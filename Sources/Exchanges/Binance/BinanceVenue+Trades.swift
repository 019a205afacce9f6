internal import Posix
public import Trading
import Wire

/// An account's trades, symbol by symbol.
extension BinanceVenue {
    /// A page of each symbol's trades after the cursor, in order of time.
    public func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        guard var places = cursor.map(BinanceTradeCursor.init) ?? BinanceTradeCursor() else {
            return loop.atEndOfTurn {
                completion(.failure(.refused("\(cursor ?? "") is no cursor of this venue")))
            }
        }
        for (symbol, time) in accounts[account]?.symbols ?? [:] { places.add(symbol, since: time) }
        let collection = TradeCollection(account: account, asked: cursor, places: places)
        guard !collection.symbols.isEmpty else {
            return loop.atEndOfTurn {
                completion(.success(TradePage(trades: [], cursor: cursor, isComplete: true)))
            }
        }
        collect(collection, completion)
    }

    /// One answer in the making: a page of each symbol.
    private struct TradeCollection {
        let account: AccountID
        var places: BinanceTradeCursor
        var symbols: ArraySlice<String>
        var trades: [VenueTrade] = []
        var isComplete = true

        init(account: AccountID, asked: String?, places: BinanceTradeCursor) {
            self.account = account
            self.places = places
            symbols = places.symbols[...]
        }

        var page: TradePage {
            let sorted = trades.sorted { left, right in
                left.time == right.time ? left.trade.number < right.trade.number : left.time < right.time
            }
            return TradePage(trades: sorted, cursor: places.text, isComplete: isComplete)
        }
    }

    private func collect(
        _ collection: TradeCollection, _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        guard let symbol = collection.symbols.first, let place = collection.places.places[symbol] else {
            return completion(.success(collection.page))
        }
        var query: [(name: String, value: String)] = [
            ("symbol", symbol), ("limit", String(settings.tradesPerPage)),
        ]
        switch place {
        case .trade(let id): query.append(("fromId", String(id)))
        case .time(let time): query.append(("startTime", String(max(0, time.milliseconds))))
        }
        let call = question("/api/v3/myTrades", query, weight: 20, on: collection.account)
        connection.send(call) { [weak self] result in
            guard let self else { return completion(.failure(.unsent("the host is stopping"))) }
            switch result {
            case .success(let answer):
                guard let rows = answer.body.arrayValue else {
                    return completion(.failure(.outcomeUnknown("binance: trades that cannot be read")))
                }
                take(rows, of: symbol, from: place, collection, completion)
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    private func take(
        _ rows: [JSONValue], of symbol: String, from place: BinanceTradeCursor.Place,
        _ collection: TradeCollection, _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        var collection = collection
        let known = accounts[collection.account]
        let trades = rows.compactMap { row in
            VenueTrade(
                binance: row, clientID: row.id("orderId").flatMap { known?.name(of: VenueOrderID($0)) })
        }
        guard trades.count == rows.count else {
            return completion(.failure(.outcomeUnknown("binance: trades that cannot be read")))
        }
        if let last = trades.map(\.trade.number).max() {
            collection.places.move(symbol, behind: last)
            if trades.count >= settings.tradesPerPage { collection.isComplete = false }
        } else if case .time(let time) = place {
            // The documentation leaves open whether a question without an end looks further than 24 hours.
            let next = time.advanced(byMilliseconds: 86_400_000)
            if next < connection.venueTime {
                collection.places.move(symbol, to: next)
                collection.isComplete = false
            }
        }
        collection.symbols = collection.symbols.dropFirst()
        let strangers = trades.filter { $0.clientID == nil }.compactMap { Int64($0.venueOrderID.text) }
        guard !strangers.isEmpty else {
            collection.trades += trades
            return collect(collection, completion)
        }
        askNames(in: symbol, of: strangers.sorted()[...], on: collection.account) { [weak self] failure in
            if let failure { return completion(.failure(failure)) }
            guard let self else { return completion(.failure(.unsent("the host is stopping"))) }
            let known = accounts[collection.account]
            collection.trades += trades.map { $0.named(known?.name(of: $0.venueOrderID)) }
            collect(collection, completion)
        }
    }

    /// Learns whose orders of a symbol are, given by their numbers in order. Trades tell the number alone, and one whose
    /// answer died with the host before, or that was changed then, has a number that nobody here has heard of. Between
    /// two of them lie as many orders that traded nothing as there were, so that one page may not reach the last.
    private func askNames(
        in symbol: String, of orders: ArraySlice<Int64>, on account: AccountID,
        _ completion: @escaping (VenueFailure?) -> Void
    ) {
        guard let first = orders.first else { return completion(nil) }
        let query = [
            ("symbol", symbol), ("orderId", String(first)), ("limit", String(settings.tradesPerPage)),
        ]
        let call = question("/api/v3/allOrders", query, weight: 20, on: account)
        connection.send(call) { [weak self] result in
            guard let self else { return completion(.unsent("the host is stopping")) }
            switch result {
            case .success(let answer):
                let rows = answer.body.arrayValue ?? []
                for order in rows.compactMap({ BinanceOrder($0) }) { accounts[account]?.remember(order) }
                // One that is not shown has no name to be learnt.
                let last = max(
                    first, rows.compactMap { $0.id("orderId").flatMap { Int64($0) } }.max() ?? first)
                let isAll = rows.count < settings.tradesPerPage
                askNames(in: symbol, of: isAll ? [] : orders.drop { $0 <= last }, on: account, completion)
            case .failure(let failure): completion(failure.venueFailure)
            }
        }
    }
}

extension TradeID {
    /// Binance numbers the trades of a symbol one by one.
    fileprivate var number: Int64 { Int64(text) ?? 0 }
}

extension VenueTrade {
    /// The same trade with its order's name.
    fileprivate func named(_ name: ClientOrderID?) -> VenueTrade {
        VenueTrade(
            trade: trade, clientID: name, venueOrderID: venueOrderID, symbol: symbol, side: side,
            price: price, quantity: quantity, fee: fee, feeCurrency: feeCurrency, liquidity: liquidity,
            time: time)
    }
}
