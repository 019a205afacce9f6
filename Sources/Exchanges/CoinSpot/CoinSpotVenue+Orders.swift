import Posix
public import Trading
import Wire

/// Placing, changing and asking after orders.
extension CoinSpotVenue {
    /// Places an order, once whatever it might be confused with or refused for is known.
    public func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        withMarkets { [weak self] result in
            guard let self else { return }
            guard let known = accounts[account] else {
                return completion(.failure(.unsent("account \(account) is not open at \(venue)")))
            }
            if let answer = answer(to: request.clientID, in: known) { return completion(answer) }
            guard known.mayTrade != false else {
                return completion(.failure(.refused("the key of account \(account) may only read")))
            }
            switch result {
            case .failure(let failure):
                completion(.failure(.unsent("the markets of CoinSpot are not known: \(failure)")))
            case .success(let markets):
                guard let market = markets.bySymbol[request.terms.symbol] else {
                    return completion(
                        .failure(.refused("CoinSpot has no order book for \(request.terms.symbol)")))
                }
                if let flaw = market.flaw(in: request.terms) { return completion(.failure(.refused(flaw))) }
                known.queue.append(
                    .init(
                        request: request,
                        until: MonotonicClock.nanoseconds
                            + UInt64(settings.orderDeadline.wholeNanoseconds),
                        completion: completion))
                loop.schedule(after: settings.orderDeadline) { [weak self] in self?.drain(account) }
                drain(account)
            }
        }
    }

    /// What is known of an order that is asked for again; nil when it was never sent.
    private func answer(
        to id: ClientOrderID, in account: CoinSpotAccount
    ) -> Result<VenueOrderID, VenueFailure>? {
        guard let placement = account.ledger.placements[id] else { return nil }
        switch placement.state {
        case .placed, .ended:
            if placement.state == .ended(.rejected) { return .failure(.refused("it was rejected")) }
            return placement.venueID.map { .success(VenueOrderID($0)) }
                ?? .failure(.outcomeUnknown("it is known without an id of the venue's"))
        case .preparing, .sending, .unanswered:
            return .failure(.outcomeUnknown("its answer is still missing"))
        case .notPlaced:
            return .failure(.refused("it was looked for and not found, and is not sent again"))
        }
    }

    /// Sends what may be sent, in order; what waited for too long for another is given back unsent.
    func drain(_ account: AccountID) {
        guard let known = accounts[account] else { return }
        let waiting = known.queue
        known.queue = []
        for item in waiting {
            let terms = item.request.terms
            guard let market = markets?.bySymbol[terms.symbol] else {
                item.completion(.failure(.unsent("the markets of CoinSpot are not known")))
                continue
            }
            guard let obstacle = known.ledger.obstacle(to: market.pair, terms.side) else {
                begin(item, market, known)
                continue
            }
            if case .unanswered = obstacle, MonotonicClock.nanoseconds < item.until {
                known.queue.append(item)
            } else {
                item.completion(.failure(.unsent(obstacle.description)))
            }
        }
    }

    /// Takes the side of the market for the order, makes sure that what is there already is known, and sends it.
    private func begin(_ item: CoinSpotAccount.Waiting, _ market: CoinSpotMarket, _ known: CoinSpotAccount) {
        let (id, terms, account) = (item.request.clientID, item.request.terms, known.id)
        known.ledger.preparing(
            id, market.pair, terms.side, rate: terms.price, amount: terms.quantity, at: connection.venueTime)
        withFreshLook(of: account) { [weak self] result in
            guard let self, let known = accounts[account] else { return }
            if case .failure(let failure) = result {
                known.ledger.dropped(id)
                item.completion(
                    .failure(.unsent("what is there already could not be read: \(failure)")))
                return drain(account)
            }
            // The time from which it can be there counts from now.
            known.ledger.sending(id, at: connection.venueTime)
            if let rate = terms.price {
                sendLimit(item, market, rate, account)
            } else {
                sendInstant(item, market, account)
            }
        }
    }

    private func sendLimit(
        _ item: CoinSpotAccount.Waiting, _ market: CoinSpotMarket, _ rate: FixedDecimal, _ account: AccountID
    ) {
        let (id, terms) = (item.request.clientID, item.request.terms)
        let call = call(
            "/api/v2/my/\(terms.side.rawValue)",
            [
                .init("cointype", .string(market.code)), .init("amount", .decimal(terms.quantity)),
                .init("rate", .decimal(rate)), .init("markettype", .string(market.pair.market)),
            ], on: account, group: "orders", urgency: terms.urgency, isRepeatable: false,
            deadline: settings.orderDeadline, order: id)
        send(call) { [weak self] result in
            self?.took(result, of: item, on: account) { answer in
                // Without an id it is looked for like one whose answer was lost.
                answer.body["id"]?.looseText.flatMap { $0.isEmpty ? nil : $0 }
            }
        }
    }

    /// A market order is an instant one at the price of now, which is refused when the price moved too far.
    private func sendInstant(
        _ item: CoinSpotAccount.Waiting, _ market: CoinSpotMarket, _ account: AccountID
    ) {
        let (id, terms) = (item.request.clientID, item.request.terms)
        let path = "/pubapi/v2/\(terms.side.rawValue)price/\(market.code)"
        var asked = publicCall(path)
        asked.urgency = .order
        connection.send(asked) { [weak self] result in
            guard let self, let known = accounts[account] else { return }
            guard case .success(let answer) = result, let rate = answer.body["rate"]?.looseDecimal,
                TradingBounds.allows(price: rate, quantity: terms.quantity)
            else {
                known.ledger.dropped(id)
                item.completion(.failure(.unsent("CoinSpot gave no price to guard a market order with")))
                return drain(account)
            }
            let call = call(
                "/api/v2/my/\(terms.side.rawValue)/now",
                [
                    .init("cointype", .string(market.code)), .init("amounttype", .string("coin")),
                    .init("amount", .decimal(terms.quantity)), .init("rate", .decimal(rate)),
                    .init("threshold", .decimal(settings.slippagePercent)),
                    .init("direction", .string(terms.side == .buy ? "UP" : "DOWN")),
                ], on: account, group: "orders", urgency: terms.urgency, isRepeatable: false,
                deadline: settings.orderDeadline, order: id)
            send(call) { [weak self] result in
                self?.took(result, of: item, on: account) { _ in CoinSpotLedger.instant + id.text }
            }
        }
    }

    private func took(
        _ result: Result<VenueAnswer, CallFailure>, of item: CoinSpotAccount.Waiting, on account: AccountID,
        id read: (VenueAnswer) -> String?
    ) {
        let id = item.request.clientID
        switch result {
        case .success(let answer):
            if let venueID = read(answer) {
                accounts[account]?.ledger.placed(id, as: venueID)
                item.completion(.success(VenueOrderID(venueID)))
            } else {
                accounts[account]?.ledger.lostAnswer(id, at: connection.venueTime)
                item.completion(.failure(.outcomeUnknown("an answer to the order without an id")))
            }
        case .failure(.outcomeUnknown(let reason)):
            accounts[account]?.ledger.lostAnswer(id, at: connection.venueTime)
            item.completion(.failure(.outcomeUnknown(reason)))
        case .failure(let failure):
            accounts[account]?.ledger.dropped(id)
            item.completion(.failure(failure.venueFailure))
        }
        poll(account, after: .milliseconds(200))
        drain(account)
    }

    /// Cancels an order; its end is a report.
    public func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void
    ) {
        guard let placement = accounts[account]?.ledger.placements[order.clientID],
            let id = placement.venueID, !placement.isInstant
        else {
            return refuse("CoinSpot has no order of that name that could be cancelled", completion)
        }
        let call = call(
            "/api/v2/my/\(placement.side.rawValue)/cancel", [.init("id", .string(id))], on: account,
            group: "orders", urgency: .cancel, isRepeatable: true, order: order.clientID)
        send(call) { [weak self] result in
            guard let self else { return }
            if case .success = result { accounts[account]?.ledger.cancelled(order.clientID) }
            completion(result.map { _ in }.mapError(\.venueFailure))
            poll(account, after: .milliseconds(200))
        }
    }

    /// Changes the price of an order; a change of its quantity is refused.
    public func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        guard let placement = accounts[account]?.ledger.placements[order.clientID],
            placement.state == .placed, let id = placement.venueID, let rate = placement.rate,
            let market = markets?.bySymbol[placement.pair.symbol]
        else {
            return refuse("CoinSpot has no open order of that name", completion)
        }
        guard amendment.quantity == placement.amount, let newRate = amendment.price else {
            return refuse("CoinSpot changes the rate of an order and never its amount", completion)
        }
        if let flaw = market.flaw(ofPrice: newRate, quantity: placement.amount) {
            return refuse(flaw, completion)
        }
        let call = call(
            "/api/v2/my/\(placement.side.rawValue)/edit",
            [
                .init("cointype", .string(market.code)), .init("id", .string(id)),
                .init("rate", .decimal(rate)), .init("newrate", .decimal(newRate)),
            ], on: account, group: "orders", urgency: .order, isRepeatable: false,
            deadline: settings.orderDeadline, order: order.clientID)
        send(call) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let answer):
                let held = answer.body["newrate"]?.looseDecimal ?? newRate
                let now = answer.body["id"]?.looseText
                accounts[account]?.ledger.edited(order.clientID, to: held, as: now)
                completion(.success(Amendment(quantity: placement.amount, price: held)))
                if let now, now != id { tellState(of: order.clientID, on: account) }
            case .failure(let failure):
                if case .outcomeUnknown = failure {
                    accounts[account]?.ledger.lostEdit(order.clientID, to: newRate)
                }
                completion(.failure(failure.venueFailure))
            }
            poll(account, after: .milliseconds(200))
        }
    }

    func refuse<Value>(
        _ reason: String, _ completion: @escaping (Result<Value, VenueFailure>) -> Void
    ) {
        loop.atEndOfTurn { completion(.failure(.refused(reason))) }
    }

    // MARK: - Asking after them

    /// What became of an order, open or closed; nil when it is proven not to be there.
    public func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        look(at: account) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure.venueFailure))
            case .success: completion(state(of: order, on: account))
            }
        }
    }

    /// What the last look says of an order.
    private func state(of order: OrderReference, on account: AccountID) -> Result<VenueOrder?, VenueFailure> {
        guard let known = accounts[account] else {
            return .failure(.unsent("account \(account) is not open at \(venue)"))
        }
        guard let placement = known.ledger.placements[order.clientID] else {
            guard known.isRestored, order.venueOrderID == nil else {
                return .failure(
                    .outcomeUnknown(
                        "CoinSpot takes no names of ours, and the journal's order was not told"))
            }
            return .success(nil)
        }
        switch placement.state {
        case .placed, .ended: return .success(placement.venueOrder)
        case .notPlaced: return .success(nil)
        case .preparing, .sending: return .failure(.unsent("it is on its way"))
        case .unanswered where !placement.candidates.isEmpty:
            return .failure(.outcomeUnknown(Self.question(placement)))
        case .unanswered:
            return .failure(.outcomeUnknown("it is being looked for in the lists of orders"))
        }
    }

    /// What a person is asked.
    static func question(_ placement: CoinSpotLedger.Placement) -> String {
        "order \(placement.clientID) got no answer, and \(placement.candidates.joined(separator: ", ")) all fit it;"
            + " \(placement.pair.symbol) is frozen until somebody says which it is"
    }

    func tellState(of id: ClientOrderID, on account: AccountID) {
        guard let placement = accounts[account]?.ledger.placements[id],
            let order = placement.venueOrder
        else { return }
        onReport?(account, .order(order))
    }
}

extension CoinSpotLedger.Placement {
    /// As the desk hears of it; nil before the venue is known to have it.
    var venueOrder: VenueOrder? {
        guard let venueID else { return nil }
        let filled: FixedDecimal
        let state: VenueOrder.State
        switch self.state {
        case .placed where isInstant: (filled, state) = (amount, .filled)
        case .placed: (filled, state) = (accounted.plus(owed), .open)
        case .ended(let end): (filled, state) = (end == .filled ? amount : accounted.plus(owed), end)
        case .preparing, .sending, .unanswered, .notPlaced: return nil
        }
        let isFilled = state != .open && filled >= amount
        return VenueOrder(
            clientID: clientID, venueOrderID: VenueOrderID(venueID), symbol: pair.symbol, side: side,
            quantity: amount, price: rate, filledQuantity: min(filled, amount), averagePrice: averageRate,
            state: isFilled ? .filled : state,
            reason: state == .cancelled && !isFilled ? "CoinSpot no longer lists it" : nil,
            time: lastDeal ?? sentAt)
    }
}
