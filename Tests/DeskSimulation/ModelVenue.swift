import Exchanges
import Trading

/// A venue's books, as they truly are: the matching engine's, and what a real venue does beyond matching.
///
/// It never dies and never forgets. Everything that it tells goes over a network that may lose it.
final class ModelVenue {
    /// A trade of an account, as the venue would tell it.
    struct TrueTrade {
        let trade: VenueTrade
        /// Whose order it was of; kept even where the venue does not tell it.
        let order: ClientOrderID?
        /// From when on the list of trades shows it.
        var listedAt: Int64
    }

    var engine: MatchingEngine
    /// Every trade of an account, oldest first.
    private(set) var trades: [AccountID: [TrueTrade]] = [:]
    /// What filled beyond what was ordered.
    private(set) var excess: [ClientOrderID: FixedDecimal] = [:]
    /// Orders that were acknowledged and then rejected.
    private(set) var rejected: [ClientOrderID: VenueOrder] = [:]
    /// How often each client id was asked to be placed, and when first.
    private(set) var arrivals: [ClientOrderID: Int64] = [:]
    /// When the last trade of all is listed.
    private(set) var lastListing: Int64 = 0
    /// Tells of a trade or an order's end, as it happens.
    var onTrade: (AccountID, TrueTrade) -> Void = { _, _ in }
    var onEnd: (AccountID, MatchingOrder) -> Void = { _, _ in }
    /// After how long an order is listed, and a trade.
    var orderLag: () -> Int64 = { 0 }
    var tradeLag: () -> Int64 = { 0 }
    /// Whether trades carry the client's name for their order.
    var namesClients = false
    /// What came and went without a trade.
    private(set) var moved: [AccountID: [String: FixedDecimal]] = [:]
    /// How many order ids there are before they begin again; nought for no end.
    var idCount = 0
    /// What is different at a venue that places another order to change one; nil at one that changes orders in place.
    var replacing: Replacing?

    /// What each account holds, trades that nobody was told of included.
    private var held: [AccountID: [String: FixedDecimal]] = [:]
    private var listed: [ClientOrderID: Int64] = [:]
    private var names: [Int64: VenueOrderID] = [:]
    private var lastName = 0
    var now: Int64 = 0

    init(_ plan: Plan) {
        // Slippage would make a market order cost more than its market; the desk's allowance is for that.
        var settings = MatchingSettings(
            slippageBasisPoints: 1, participation: FixedDecimal(units: FixedDecimal.unitsPerOne * 3 / 10))
        settings.takesFeesInBase = plan.has(.e15)
        engine = MatchingEngine(settings: settings)
        engine.setInstruments(World.instruments)
        for account in plan.accounts {
            engine.openAccount(
                account, kind: plan.isMargin ? World.marginAtVenue : .spot, currency: "USDT",
                balance: World.balance)
            trades[account] = []
            held[account] = ["USDT": World.balance]
        }
        _ = engine.takeChanges()
    }

    func setInstruments(_ instruments: [Instrument]) { engine.setInstruments(instruments) }

    func marketMoved(_ event: MarketEvent, at time: Int64) {
        now = time
        absorb(engine.marketMoved(event))
    }

    // MARK: What can be asked

    func place(
        _ request: PlaceRequest, on account: AccountID, at time: Int64, rejectsLater: Bool = false
    ) -> Result<VenueOrderID, VenueFailure> {
        now = time
        let id = request.clientID
        if let known = rejected[id] { return .success(known.venueOrderID) }
        if arrivals[id] == nil { arrivals[id] = time }
        if rejectsLater, engine.order(id, on: account) == nil {
            lastName += 1
            let name = VenueOrderID("R\(lastName)")
            rejected[id] = VenueOrder(
                clientID: id, venueOrderID: name, symbol: request.terms.symbol, side: request.terms.side,
                quantity: request.terms.quantity, price: request.terms.price, filledQuantity: .zero,
                averagePrice: nil, state: .rejected, reason: "rejected after all", time: World.time(time))
            return .success(name)
        }
        if listed[id] == nil { listed[id] = time + orderLag() }
        let (order, events) = engine.place(request, on: account, at: World.time(time))
        let name = name(of: order.number)
        absorb(events)
        guard order.state == .rejected else { return .success(name) }
        return .failure(.refused(order.reason ?? "rejected"))
    }

    func cancel(_ id: ClientOrderID, on account: AccountID, at time: Int64) -> Result<Void, VenueFailure> {
        now = time
        do throws(MatchingRefusal) {
            absorb(try engine.cancel(latest(id), on: account, at: World.time(time)))
            return .success(())
        } catch {
            return .failure(.refused(error.description))
        }
    }

    func amend(
        _ id: ClientOrderID, to amendment: Amendment, on account: AccountID, at time: Int64
    ) -> Result<Amendment, VenueFailure> {
        now = time
        if replacing != nil { return replace(id, with: amendment, on: account) }
        do throws(MatchingRefusal) {
            absorb(try engine.amend(id, to: amendment, on: account, at: World.time(time)))
            let held = engine.order(id, on: account)
            return .success(
                Amendment(quantity: held?.terms.quantity ?? amendment.quantity, price: held?.terms.price))
        } catch {
            return .failure(.refused(error.description))
        }
    }

    func status(of id: ClientOrderID, on account: AccountID, at time: Int64) -> VenueOrder? {
        if let order = rejected[id] { return order }
        guard let order = order(id, on: account), time >= listed[id] ?? 0 else { return nil }
        return told(order)
    }

    func openOrders(on account: AccountID, at time: Int64) -> [VenueOrder] {
        engine.openOrders(on: account).filter { time >= $0.clientID.flatMap { listed[$0] } ?? 0 }.map(told)
    }

    /// A page of trades. It ends before the first that is not listed yet.
    func page(on account: AccountID, after cursor: String?, limit: Int, at time: Int64) -> TradePage {
        let all = trades[account] ?? []
        let start = cursor.flatMap { Int($0) } ?? 0
        var end = start
        while end < all.count, end - start < limit, all[end].listedAt <= time { end += 1 }
        return TradePage(
            trades: all[start..<end].map(\.trade), cursor: end == 0 ? cursor : String(end),
            isComplete: end == all.count || all[end].listedAt > time)
    }

    /// An order as it is now, whatever it was placed as.
    func order(_ id: ClientOrderID, on account: AccountID) -> MatchingOrder? {
        engine.order(latest(id), on: account)
    }

    // MARK: What a venue does by itself

    /// Fills more of an order than was ordered.
    func overfill(_ id: ClientOrderID, on account: AccountID, by quantity: FixedDecimal, at time: Int64) {
        now = time
        guard let order = order(id, on: account),
            let last = trades[account]?.last(where: { $0.order == id })
        else { return }
        let number = excess.count + 1
        excess[id] = sum(excess[id] ?? .zero, quantity)
        keep(
            VenueTrade(
                trade: TradeID("X\(number)"), clientID: namesClients ? id : nil,
                venueOrderID: name(of: order.number), symbol: order.terms.symbol, side: order.terms.side,
                price: last.trade.price, quantity: quantity, fee: .zero, feeCurrency: "USDT",
                liquidity: .taker,
                time: World.time(time)),
            of: id, on: account)
    }

    /// Lets money or coins come (above nought) or go without a trade, if so much is there.
    ///
    /// The matching engine is not told: orders are matched as if nothing had happened.
    ///
    /// - Returns: Whether anything did.
    func move(_ amount: FixedDecimal, of asset: String, on account: AccountID) -> Bool {
        let rest = sum(held[account]?[asset] ?? .zero, amount)
        guard !amount.isZero, amount.isPositive || !rest.isNegative else { return false }
        moved[account, default: [:]][asset] = sum(moved[account]?[asset] ?? .zero, amount)
        held[account, default: [:]][asset] = sum(held[account]?[asset] ?? .zero, amount)
        return true
    }

    /// What a spot account holds.
    func balances(of account: AccountID) -> [VenueBalance] {
        (held[account] ?? [:]).filter { !$0.value.isZero }.sorted { $0.key < $1.key }
            .map { VenueBalance(currency: $0.key, total: $0.value, locked: .zero) }
    }

    // MARK: Inside

    func absorb(_ events: [MatchingEvent]) {
        _ = engine.takeChanges()
        for event in events {
            switch event {
            case .traded(let trade, _):
                let told = trade.trade
                keep(
                    VenueTrade(
                        trade: told.trade, clientID: namesClients ? first(told.clientID) : nil,
                        venueOrderID: name(of: trade.order), symbol: told.symbol, side: told.side,
                        price: told.price, quantity: told.quantity, fee: told.fee,
                        feeCurrency: told.feeCurrency, liquidity: told.liquidity, time: told.time),
                    of: first(told.clientID), on: trade.account)
            case .ended(let order): if !isReplaced(order) { onEnd(order.account, order) }
            case .liquidated: break  // Its trades say it.
            }
        }
    }

    private func keep(_ trade: VenueTrade, of order: ClientOrderID?, on account: AccountID) {
        let new = TrueTrade(trade: trade, order: order, listedAt: now + tradeLag())
        trades[account, default: []].append(new)
        let base = World.base(of: trade.symbol)
        held[account, default: [:]][base] = sum(held[account]?[base] ?? .zero, trade.change)
        held[account, default: [:]]["USDT"] = sum(held[account]?["USDT"] ?? .zero, trade.flow)
        lastListing = max(lastListing, new.listedAt)
        onTrade(account, new)
    }

    private func told(_ order: MatchingOrder) -> VenueOrder {
        let id = first(order.clientID)
        let extra = id.flatMap { excess[$0] } ?? .zero
        let known = order.venueOrder
        return VenueOrder(
            clientID: id, venueOrderID: name(of: order.number), symbol: known.symbol, side: known.side,
            quantity: known.quantity, price: known.price,
            filledQuantity: sum(known.filledQuantity, extra), averagePrice: known.averagePrice,
            state: known.state, reason: known.reason, time: known.time)
    }

    /// The venue's name for an order. Names may begin again; one that an open order bears is left out.
    func name(of number: Int64) -> VenueOrderID {
        if let name = names[number] { return name }
        let name: VenueOrderID
        if idCount == 0 {
            name = VenueOrderID("P\(number)")
        } else {
            let taken = Set(
                trades.keys.flatMap { engine.openOrders(on: $0) }.compactMap { names[$0.number] })
            repeat { lastName += 1 } while taken.contains(VenueOrderID("P\(lastName % idCount)"))
            name = VenueOrderID("P\(lastName % idCount)")
        }
        names[number] = name
        return name
    }
}
