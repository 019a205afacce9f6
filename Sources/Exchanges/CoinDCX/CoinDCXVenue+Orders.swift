import Posix
public import Trading
import Wire

/// Placing, changing and asking after orders.
extension CoinDCXVenue {
    /// Places an order, once whatever it might be confused with or refused for is known.
    public func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        let terms = request.terms
        accounts[account]?.use(terms.symbol, since: connection.venueTime)
        withMarkets { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure):
                completion(.failure(.unsent("the markets of CoinDCX are not known: \(failure)")))
            case .success(let markets):
                guard let market = markets.bySymbol[terms.symbol] else {
                    return completion(.failure(.refused("CoinDCX has no market \(terms.symbol)")))
                }
                if let flaw = market.flaw(in: terms, isFresh: isFresh) {
                    doubtMarkets()
                    return completion(.failure(.refused(flaw)))
                }
                create(request, on: account, completion)
            }
        }
    }

    private func create(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        let terms = request.terms
        var fields: [JSONValue.Member] = [
            .init("side", .string(terms.side.rawValue)),
            .init("order_type", .string(terms.type == .limit ? "limit_order" : "market_order")),
            .init("market", .string(terms.symbol)),
        ]
        if let price = terms.price { fields.append(.init("price_per_unit", .decimal(price))) }
        fields.append(.init("total_quantity", .decimal(terms.quantity)))
        fields.append(.init("client_order_id", .string(request.clientID.text)))
        let call = call(
            "orders/create", fields, on: account, group: "orders", urgency: terms.urgency,
            isRepeatable: false, orders: 1, deadline: settings.orderDeadline, order: request.clientID)
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer): takeCreated(answer, request, on: account, completion)
            case .failure(.refused(let refusal)):
                // What a client id used twice is answered with, nobody says: any refusal may be that one. Whether the
                // order is there can be asked.
                guard refusal.status != 401, refusal.status != 403 else {
                    return completion(.failure(.refused(refusal.description)))
                }
                adoptOrRefuse(refusal.description, request, on: account, completion)
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    private func takeCreated(
        _ answer: VenueAnswer, _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        if let words = answer.body["orders"]?.arrayValue?.first?["error_message"]?.stringValue {
            return adoptOrRefuse(String(words.prefix(300)), request, on: account, completion)
        }
        guard let orders = CoinDCXOrder.all(answer.body, markets), orders.count == 1,
            let order = orders.first,
            order.clientID == nil || order.clientID == request.clientID,
            order.symbol == request.terms.symbol, order.side == request.terms.side
        else {
            return completion(.failure(.outcomeUnknown("an answer to the order that cannot be read")))
        }
        learn(order.named(request.clientID), on: account)
        guard order.state != .rejected else {
            return completion(.failure(.refused("CoinDCX rejected the order")))
        }
        completion(.success(order.id))
        if order.filled.isPositive || order.state != .open { fetchTrades(on: account) }
        if order.state != .open { tell(order.named(request.clientID), on: account) }
        poll(account)
    }

    /// After a refusal: is the order there all the same?
    private func adoptOrRefuse(
        _ words: String, _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        doubtMarkets()
        let reference = OrderReference(
            clientID: request.clientID, symbol: request.terms.symbol, venueOrderID: nil)
        find(reference, on: account) { [weak self] result in
            switch result {
            case .success(.some(let order)) where order.state != .rejected:
                completion(.success(order.id))
                self?.tell(order, on: account)
            case .success: completion(.failure(.refused(words)))
            case .failure(let failure):
                completion(
                    .failure(.outcomeUnknown("refused (\(words)), and whether it is there: \(failure)")))
            }
        }
    }

    /// Cancels an order; its end is a report.
    public func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void
    ) {
        accounts[account]?.use(order.symbol, since: connection.venueTime)
        let call = call(
            "orders/cancel", [order.name], on: account, group: "orders", urgency: .cancel,
            isRepeatable: true, order: order.clientID)
        connection.send(call) { [weak self] result in
            completion(result.map { _ in }.mapError(\.venueFailure))
            guard let self, case .success = result, accounts[account]?.socket?.isJoined != true else {
                return
            }
            // Without the stream nobody else says that it ended.
            askAndTell(order, on: account)
        }
    }

    /// Changes the price of an order; a change of its quantity is refused.
    public func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        if let known = accounts[account]?.orders[order.clientID] {
            let held = known
            return loop.atEndOfTurn { [weak self] in
                self?.edit(order, held, to: amendment, on: account, completion)
            }
        }
        find(order, on: account) { [weak self] result in
            switch result {
            case .success(.some(let held)): self?.edit(order, held, to: amendment, on: account, completion)
            case .success(.none): completion(.failure(.refused("CoinDCX knows no such order")))
            // Nothing but a question has left.
            case .failure(let failure): completion(.failure(.unsent(failure.description)))
            }
        }
    }

    private func edit(
        _ order: OrderReference, _ held: CoinDCXOrder, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        guard amendment.quantity == held.quantity else {
            return completion(
                .failure(.refused("CoinDCX changes the price of an order and never its quantity")))
        }
        guard let price = amendment.price, held.price != nil else {
            return completion(.failure(.refused("only the price of a limit order can be changed at CoinDCX")))
        }
        if let flaw = markets?.bySymbol[held.symbol]?
            .flaw(ofPrice: price, quantity: amendment.quantity, isFresh: isFresh)
        {
            return completion(.failure(.refused(flaw)))
        }
        let call = call(
            "orders/edit", [order.name, .init("price_per_unit", .decimal(price))], on: account,
            group: "orders", urgency: .order, isRepeatable: false, deadline: settings.orderDeadline,
            order: order.clientID)
        connection.send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer):
                guard let changed = CoinDCXOrder.all(answer.body, markets)?.first,
                    changed.id == held.id
                        || changed.clientID == order.clientID
                else {
                    return completion(
                        .failure(.outcomeUnknown("an answer to the change that cannot be read")))
                }
                learn(changed.named(order.clientID), on: account)
                completion(.success(Amendment(quantity: changed.quantity, price: changed.price)))
            case .failure(let failure): completion(.failure(failure.venueFailure))
            }
        }
    }

    /// What became of an order, open or closed; nil when it is proven not to be there.
    public func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        accounts[account]?.use(order.symbol, since: connection.venueTime)
        find(order, on: account) { [weak self] result in
            guard let self else { return }
            let now = connection.venueTime
            completion(result.map { $0?.venueOrder(at: now) }.mapError(\.venueFailure))
        }
    }

    // MARK: - Finding

    /// What the venue says of an order; nil when it says, twice, that there is none.
    ///
    /// What `orders/status` answers to a client id that nobody used is not documented: 404, another refusal, or nothing.
    /// So whatever is no order is asked again as a list, whose answer without the order is proof.
    func find(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<CoinDCXOrder?, CallFailure>) -> Void
    ) {
        withMarkets { [weak self] _ in
            guard let self else { return }
            let ours = question(
                "orders/status", [.init("client_order_id", .string(order.clientID.text))], on: account,
                order: order.clientID)
            connection.send(ours) { [weak self] result in
                guard let self else { return }
                switch result {
                case .success(let answer) where Self.isNothing(answer.body):
                    confirmAbsence(of: order, nil, on: account, completion)
                case .success(let answer):
                    guard let found = CoinDCXOrder.all(answer.body, markets)?.first, isMeant(found, by: order)
                    else {
                        return completion(.failure(.outcomeUnknown("an order's status that cannot be read")))
                    }
                    learn(found.named(order.clientID), on: account)
                    completion(.success(found.named(order.clientID)))
                case .failure(.refused(let refusal)) where refusal.status != 401 && refusal.status != 403:
                    confirmAbsence(of: order, refusal, on: account, completion)
                case .failure(let failure): completion(.failure(failure))
                }
            }
        }
    }

    /// Asks a second time, by every name that the order has, in the form whose answer can be empty.
    private func confirmAbsence(
        of order: OrderReference, _ refusal: VenueRefusal?, on account: AccountID,
        _ completion: @escaping (Result<CoinDCXOrder?, CallFailure>) -> Void
    ) {
        let names: JSONValue.Member
        if let id = order.venueOrderID {
            names = .init("ids", .array([.string(id.text)]))
        } else {
            names = .init("client_order_ids", .array([.string(order.clientID.text)]))
        }
        let again = question("orders/status_multiple", [names], on: account, order: order.clientID)
        connection.send(again) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer):
                guard let found = CoinDCXOrder.all(answer.body, markets) ?? Self.none(answer.body) else {
                    return completion(.failure(.outcomeUnknown("a list of orders that cannot be read")))
                }
                guard let held = found.first(where: { self.isMeant($0, by: order) }) else {
                    return completion(.success(nil))
                }
                learn(held.named(order.clientID), on: account)
                completion(.success(held.named(order.clientID)))
            // Two refusals: of a 404 that speaks of the order, and not of the path, that is proof too.
            case .failure(.refused(let second)) where Self.saysNoOrder(refusal) && Self.saysNoOrder(second):
                completion(.success(nil))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    private func isMeant(_ found: CoinDCXOrder, by order: OrderReference) -> Bool {
        guard found.symbol == order.symbol else { return false }
        if let id = found.clientID { return id == order.clientID }
        return order.venueOrderID == nil || order.venueOrderID == found.id
    }

    private static func isNothing(_ body: JSONValue) -> Bool {
        switch body {
        case .null: true
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty || body["orders"]?.arrayValue?.isEmpty == true
        case .bool, .number, .string: false
        }
    }

    private static func none(_ body: JSONValue) -> [CoinDCXOrder]? { isNothing(body) ? [] : nil }

    private static func saysNoOrder(_ refusal: VenueRefusal?) -> Bool {
        guard let refusal else { return true }  // An answer that held nothing.
        guard refusal.status == 404, refusal.answer.isJSON else { return false }
        // Whole words: paths have "orders" in them, and pages "border".
        let words = refusal.message.lowercased().split { !$0.isLetter && $0 != "/" }
        return words.contains("order") || words.contains("orders")
    }

    // MARK: - Telling

    /// Keeps what was learnt of an order.
    func learn(_ order: CoinDCXOrder, on account: AccountID) {
        accounts[account]?.note(order)
        accounts[account]?.use(order.symbol, since: connection.venueTime)
    }

    /// Tells the desk how an order stands.
    func tell(_ order: CoinDCXOrder, on account: AccountID) {
        // Somebody else's: the desk takes note of it.
        guard let id = order.clientID, id.order != nil else {
            onReport?(account, .order(order.venueOrder(at: connection.venueTime)))
            return
        }
        let reason = "CoinDCX says \(order.status)"
        switch order.state {
        case .open: onReport?(account, .order(order.venueOrder(at: connection.venueTime)))
        case .filled: onReport?(account, .order(order.venueOrder(at: connection.venueTime)))
        case .cancelled: onReport?(account, .cancelled(id, filled: order.filled, reason: reason))
        case .expired: onReport?(account, .expired(id, filled: order.filled, reason: reason))
        case .rejected: onReport?(account, .rejected(id, reason: reason))
        }
    }

    /// Asks after an order and tells what it hears.
    func askAndTell(_ order: OrderReference, on account: AccountID) {
        find(order, on: account) { [weak self] result in
            // Silence is left to the desk, which asks again.
            guard let self, case .success(.some(let found)) = result else { return }
            if found.filled.isPositive { fetchTrades(on: account) }
            if found.state != .open { tell(found, on: account) }
        }
    }
}

extension OrderReference {
    /// The name by which CoinDCX takes requests about the order: its own, where it is known.
    fileprivate var name: JSONValue.Member {
        venueOrderID.map { .init("id", .string($0.text)) }
            ?? .init("client_order_id", .string(clientID.text))
    }
}
