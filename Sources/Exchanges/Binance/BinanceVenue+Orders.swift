internal import Posix
public import Trading
import Wire

/// Placing, cancelling and asking.
extension BinanceVenue {
    /// Places an order once. One that Binance calls a duplicate was placed before, and is adopted.
    public func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        let terms = request.terms
        if let flaw = symbols[terms.symbol]?.flaw(in: terms) {
            return loop.atEndOfTurn { completion(.failure(.refused(flaw))) }
        }
        accounts[account]?.trades(
            terms.symbol, since: connection.venueTime.advanced(byMilliseconds: -60_000))
        accounts[account]?.settle(request.clientID)
        let call = accountCall(
            "POST", "/api/v3/order", Self.parameters(of: terms, name: request.clientID), weight: 1,
            orders: 1, group: "orders", urgency: terms.urgency, isRepeatable: false,
            deadline: settings.orderDeadline, on: account, order: request.clientID)
        connection.send(call) { [weak self] result in
            guard let self else { return completion(.failure(.outcomeUnknown("the host is stopping"))) }
            switch result {
            case .success(let answer):
                guard let id = answer.body.id("orderId") else {
                    return completion(.failure(.outcomeUnknown("binance: an answer without orderId")))
                }
                accounts[account]?.remember(VenueOrderID(id), as: request.clientID)
                completion(.success(VenueOrderID(id)))
                tell(answer.body, of: account)
            // Our own order, sent before: its client id belongs to this intent alone.
            case .failure(let failure) where failure.isDuplicateOrder:
                adopt(request, on: account, completion)
            case .failure(let failure):
                if failure.isFilter { refreshInstruments() }
                completion(.failure(failure.venueFailure))
            }
        }
    }

    /// The parameters of a new order. Numbers are text without exponent; the fills of the answer save a question.
    static func parameters(
        of terms: OrderTerms, name: ClientOrderID
    ) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = [
            ("symbol", terms.symbol), ("side", terms.side.binanceWord), ("type", terms.binanceType),
        ]
        let hasTimeInForce = (terms.type == .limit && !terms.postOnly) || terms.type == .stopLimit
        if hasTimeInForce { parameters.append(("timeInForce", terms.timeInForce.rawValue.uppercased())) }
        parameters.append(("quantity", terms.quantity.description))
        if let price = terms.price { parameters.append(("price", price.description)) }
        if let price = terms.stopPrice { parameters.append(("stopPrice", price.description)) }
        parameters.append(("newClientOrderId", name.text))
        parameters.append(("newOrderRespType", "FULL"))
        return parameters
    }

    /// Tells what an answer to a new order holds beyond its number: trades, and an end.
    func tell(_ json: JSONValue, of account: AccountID) {
        guard let placed = BinanceOrder(json) else { return }
        accounts[account]?.remember(placed)
        for fill in json["fills"]?.arrayValue ?? [] {
            if let trade = VenueTrade(binanceFill: fill, of: placed) { onReport?(account, .trade(trade)) }
        }
        guard let id = placed.order.clientID, placed.order.state == .expired else { return }
        onReport?(
            account, .expired(id, filled: placed.order.filledQuantity, reason: placed.order.reason))
    }

    private func adopt(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        ask(request.clientID, 0, in: request.terms.symbol, on: account) { [weak self] result in
            switch result {
            case .success(.some(let found)):
                let order = found.order
                let terms = request.terms
                guard order.side == terms.side, order.quantity == terms.quantity, order.price == terms.price
                else {
                    return completion(
                        .failure(.refused("binance holds another order under the id \(request.clientID)")))
                }
                completion(.success(order.venueOrderID))
                self?.onReport?(account, .order(order))
            case .success(.none):
                completion(
                    .failure(.outcomeUnknown("binance calls the order a duplicate and does not show it")))
            case .failure(let failure):
                completion(.failure(.outcomeUnknown("the order is a duplicate: \(failure)")))
            }
        }
    }

    /// Cancels an order, or what stands in its place.
    public func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void
    ) {
        let number = accounts[account]?.replacement(of: order.clientID) ?? 0
        guard let name = order.clientID.replacement(number) else {
            return loop.atEndOfTurn { completion(.failure(.refused("the order has no name at binance"))) }
        }
        let call = accountCall(
            "DELETE", "/api/v3/order", [("symbol", order.symbol), ("origClientOrderId", name.text)],
            weight: 1, group: "cancels", urgency: .cancel, isRepeatable: true, on: account,
            order: order.clientID)
        connection.send(call) { [weak self] result in
            switch result {
            case .success(let answer):
                completion(.success(()))
                // `clientOrderId` is the cancel's own here; status and quantity are the order's.
                guard answer.body["status"]?.stringValue == "CANCELED",
                    let filled = answer.body.decimal("executedQty")
                else { return }
                // It was there to be cancelled, so that nothing else can cancel and replace it any more.
                self?.accounts[account]?.settle(order.clientID)
                self?.accounts[account]?.drop(number + 1, of: order.clientID)
                self?.onReport?(
                    account, .cancelled(order.clientID, filled: filled, reason: "cancelled by request"))
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    /// What became of an order, through every replacement; what may still turn up is no answer.
    public func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        let number = accounts[account]?.replacement(of: order.clientID) ?? 0
        ask(order.clientID, number, in: order.symbol, on: account) { [weak self] result in
            guard let self else { return completion(.failure(.unsent("the host is stopping"))) }
            switch result {
            case .success(.some(let found)):
                follow(found, order, on: account, completion)
            case .success(.none):
                // A replacement that was seen does not vanish; until it shows, nothing is known.
                guard number == 0 else {
                    return completion(.failure(.outcomeUnknown("binance does not show the order now")))
                }
                completion(.success(nil))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// Answers a question for an order with what was found of it, or of what took its place.
    private func follow(
        _ found: BinanceOrder, _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        // Only a limit order that traded nothing is ever replaced.
        guard found.order.state == .cancelled, found.order.filledQuantity.isZero, found.order.price != nil
        else { return completion(.success(found.order)) }
        let number = found.replacement + 1
        ask(order.clientID, number, in: order.symbol, on: account) { [weak self] result in
            guard let self else { return completion(.failure(.unsent("the host is stopping"))) }
            switch result {
            case .success(.some(let next)): follow(next, order, on: account, completion)
            case .success(.none):
                guard isReplacementInDoubt(found, of: order.clientID, on: account) else {
                    accounts[account]?.drop(number, of: order.clientID)
                    return completion(.success(found.order))
                }
                completion(.failure(.outcomeUnknown("what replaces the order may not have come through yet")))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// Whether a replacement that the venue does not show may still turn up: one was asked for just now, here or by the
    /// host before this one.
    private func isReplacementInDoubt(
        _ found: BinanceOrder, of order: ClientOrderID, on account: AccountID
    ) -> Bool {
        let now = connection.venueTime
        if accounts[account]?.mayBeReplaced(found.replacement, of: order, at: now) == true { return true }
        guard accounts[account]?.mayHavePast(order) ?? true else { return false }
        let doubt = settings.doubt.wholeMilliseconds
        return opened > found.order.time.advanced(byMilliseconds: -doubt)
            && now < found.order.time.advanced(byMilliseconds: doubt)
    }

    /// Asks for one version of an order.
    func ask(
        _ order: ClientOrderID, _ replacement: Int, in symbol: String, on account: AccountID,
        _ completion: @escaping (Result<BinanceOrder?, VenueFailure>) -> Void
    ) {
        askRaw(order, replacement, in: symbol, on: account) { [weak self] result in
            switch result {
            case .success(.some(let json)):
                guard let found = BinanceOrder(json) else {
                    return completion(.failure(.outcomeUnknown("binance: an order that cannot be read")))
                }
                self?.accounts[account]?.remember(found)
                completion(.success(found))
            case .success(.none): completion(.success(nil))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// Asks for one version of an order, as it stands in the answer.
    func askRaw(
        _ order: ClientOrderID, _ replacement: Int, in symbol: String, on account: AccountID,
        _ completion: @escaping (Result<JSONValue?, VenueFailure>) -> Void
    ) {
        guard let name = order.replacement(replacement) else {
            return loop.atEndOfTurn { completion(.success(nil)) }
        }
        let call = question(
            "/api/v3/order", [("symbol", symbol), ("origClientOrderId", name.text)], weight: 4, on: account,
            order: order)
        connection.send(call) { result in
            switch result {
            case .success(let answer): completion(.success(answer.body))
            // -2026: ended more than 90 days ago with nothing traded.
            case .failure(let failure) where [-2013, -2026].contains(failure.binanceCode):
                completion(.success(nil))
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    /// Every open order of an account, of every symbol and whoever placed it.
    public func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
    ) {
        // Of every symbol: what is not ours may be anywhere.
        connection.send(question("/api/v3/openOrders", [], weight: 80, on: account)) { [weak self] result in
            switch result {
            case .success(let answer):
                let listed = answer.body.arrayValue
                let orders = (listed ?? []).compactMap { BinanceOrder($0) }
                guard let listed, orders.count == listed.count else {
                    return completion(.failure(.outcomeUnknown("binance: open orders that cannot be read")))
                }
                for order in orders { self?.accounts[account]?.remember(order) }
                completion(.success(orders.map(\.order)))
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    /// An account's money, without currencies of which there is none.
    public func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        let call = question("/api/v3/account", [("omitZeroBalances", "true")], weight: 20, on: account)
        connection.send(call) { result in
            switch result {
            case .success(let answer):
                let listed = answer.body["balances"]?.arrayValue
                let balances = (listed ?? []).compactMap { VenueBalance(binance: $0) }
                guard let listed, balances.count == listed.count else {
                    return completion(.failure(.outcomeUnknown("binance: balances that cannot be read")))
                }
                completion(
                    .success(
                        balances.filter { !$0.total.isZero }.sorted { $0.currency < $1.currency }))
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }
}
