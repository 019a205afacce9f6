internal import Posix
public import Trading
import Wire

/// Changing orders.
///
/// Binance lowers a quantity in place and keeps the order's turn; anything else is a cancel and a new order in one request
/// (cancelReplace). The new one gets a name of its own that follows from the order's, so that no question can ever be
/// answered by the wrong one of the two, and the host after this one finds it by asking. It is asked for only while
/// nothing has traded, which the venue checks with the cancel: what trades in between would come on top otherwise.
extension BinanceVenue {
    /// Changes an order in place where Binance can, and by a cancel and a new order in one where nothing has traded.
    public func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        let number = accounts[account]?.replacement(of: order.clientID) ?? 0
        askRaw(order.clientID, number, in: order.symbol, on: account) { [weak self] result in
            guard let self else { return completion(.failure(.unsent("the host is stopping"))) }
            switch result {
            case .success(.some(let json)):
                guard let found = BinanceOrder(json) else {
                    return completion(.failure(.unsent("binance: an order that cannot be read")))
                }
                accounts[account]?.remember(found)
                change(found, json, to: amendment, on: account, completion)
            case .success(.none):
                completion(.failure(.refused("binance does not show the order")))
            // Nothing was changed, whatever became of the question.
            case .failure(let failure): completion(.failure(.unsent(failure.description)))
            }
        }
    }

    private func change(
        _ found: BinanceOrder, _ json: JSONValue, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        let order = found.order
        guard order.state == .open else {
            return completion(.failure(.refused("the order is \(order.state.rawValue)")))
        }
        let price = amendment.price ?? order.price
        let wish = Amendment(quantity: amendment.quantity, price: price)
        let listed = symbols[order.symbol]
        switch (price == order.price, amendment.quantity) {
        case (true, order.quantity): completion(.success(wish))
        case (true, ..<order.quantity) where listed?.mayAmend ?? true:
            lower(found, to: wish, on: account, completion)
        default:
            guard order.filledQuantity.isZero else {
                let words =
                    "binance changes only orders of which nothing has traded; this one traded \(order.filledQuantity)"
                return completion(.failure(.refused(words)))
            }
            guard listed?.mayReplace ?? true, price != nil else {
                return completion(
                    .failure(.refused("binance does not change such orders in \(order.symbol)")))
            }
            replace(found, json, with: wish, on: account, completion)
        }
    }

    private func lower(
        _ found: BinanceOrder, to wish: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        let order = found.order
        guard let id = order.clientID, let name = id.replacement(found.replacement) else {
            return completion(.failure(.refused("the order has no name of this host at binance")))
        }
        let call = accountCall(
            "PUT", "/api/v3/order/amend/keepPriority",
            [
                ("symbol", order.symbol), ("origClientOrderId", name.text),
                ("newQty", wish.quantity.description),
                // Without it the venue would make a name up.
                ("newClientOrderId", name.text),
            ], weight: 4, group: "orders", urgency: .cancel, isRepeatable: false,
            deadline: settings.orderDeadline, on: account, order: id)
        connection.send(call) { result in
            completion(result.map { _ in wish }.mapError(\.venueFailure))
        }
    }

    private func replace(
        _ found: BinanceOrder, _ json: JSONValue, with wish: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        let order = found.order
        let number = found.replacement + 1
        guard let id = order.clientID, let old = id.replacement(found.replacement),
            let new = id.replacement(number), let type = json["type"]?.stringValue
        else { return completion(.failure(.refused("the order has no name of this host at binance"))) }
        var query: [(name: String, value: String)] = [
            ("symbol", order.symbol), ("side", order.side.binanceWord), ("type", type),
            ("cancelReplaceMode", "STOP_ON_FAILURE"), ("cancelOrigClientOrderId", old.text),
            ("cancelRestrictions", "ONLY_NEW"),
        ]
        if type != "LIMIT_MAKER", let time = json["timeInForce"]?.stringValue {
            query.append(("timeInForce", time))
        }
        query.append(("quantity", wish.quantity.description))
        if let price = wish.price { query.append(("price", price.description)) }
        if let stop = json.positiveDecimal("stopPrice") { query.append(("stopPrice", stop.description)) }
        query += [("newClientOrderId", new.text), ("newOrderRespType", "FULL")]
        let call = accountCall(
            "POST", "/api/v3/order/cancelReplace", query, weight: 1, orders: 1, group: "orders",
            urgency: .order, isRepeatable: false, deadline: settings.orderDeadline, on: account, order: id)
        let until = connection.venueTime.advanced(
            byMilliseconds: (settings.orderDeadline + settings.doubt).wholeMilliseconds)
        accounts[account]?.ask(number, of: id, until: until)
        connection.send(call) { [weak self] result in
            guard let self else { return completion(.failure(.outcomeUnknown("the host is stopping"))) }
            switch result {
            case .success(let answer):
                replaced(order, number, wish, answer.body, on: account, completion)
            case .failure(let failure):
                notReplaced(order, number, failure, on: account, completion)
            }
        }
    }

    private func replaced(
        _ order: VenueOrder, _ number: Int, _ wish: Amendment, _ json: JSONValue, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        guard let id = order.clientID, let answer = json["newOrderResponse"],
            let venueID = answer.id("orderId")
        else { return completion(.failure(.outcomeUnknown("binance: a change that cannot be read"))) }
        accounts[account]?.note(number, of: id)
        accounts[account]?.remember(VenueOrderID(venueID), as: id)
        completion(.success(wish))
        // So that the desk knows the new number, which trades may tell alone.
        if let placed = BinanceOrder(answer), placed.order.state == .open {
            onReport?(account, .order(placed.order))
        }
        tell(answer, of: account)
    }

    private func notReplaced(
        _ order: VenueOrder, _ number: Int, _ failure: CallFailure, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        guard let id = order.clientID else { return completion(.failure(failure.venueFailure)) }
        guard case .refused(let refusal) = failure else {
            if case .unsent = failure { accounts[account]?.drop(number, of: id) }
            return completion(.failure(failure.venueFailure))
        }
        let data = refusal.answer.body["data"]
        let wasCancelled = data?["cancelResult"]?.stringValue == "SUCCESS"
        let wasPlaced = data?["newOrderResult"]?.stringValue == "SUCCESS"
        let reason = data?["newOrderResponse"]?["msg"]?.stringValue ?? refusal.message
        switch (wasCancelled, wasPlaced) {
        case (false, false):
            // As it was before.
            accounts[account]?.drop(number, of: id)
            let words = data?["cancelResponse"]?["msg"]?.stringValue ?? refusal.message
            completion(.failure(.refused("binance: \(words.prefix(200))")))
        case (true, false):
            accounts[account]?.drop(number, of: id)
            let words = "cancelled to be changed, and the new order was refused: \(reason.prefix(200))"
            completion(.failure(.refused("binance: \(words)")))
            onReport?(account, .cancelled(id, filled: order.filledQuantity, reason: words))
        case (true, true), (false, true):
            // Said with an error: only asking tells. That both stand cannot be with STOP_ON_FAILURE.
            completion(.failure(.outcomeUnknown("binance: \(reason.prefix(200))")))
        }
    }
}
