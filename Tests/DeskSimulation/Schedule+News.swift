import Exchanges
import Host
import Trading

/// The market's prices, and the venue's news on their way to the host.
extension Schedule {
    func movePrice(_ symbol: Int) {
        defer { life?.endTurn() }
        let event = market.next(symbol, at: clock.now, &random)
        if let event {
            life?.driver?.decide { desk, now in desk.priceMoved(event, on: World.venue, at: now) }
            books.priceTold(symbol, at: wallClock)
            if let desk { books.watch(desk) }
            venue.marketMoved(event, at: clock.now)
        }
        let again = Int64(random.between(60, 300))
        clock.after(again) { [unowned self] in
            if !isCalm { movePrice(symbol) }
        }
    }

    func connectVenue() {
        venue.namesClients = mutation != .venueIDsAlone
        venue.idCount = plan.has(.r9) ? 12 : 0
        let grace = plan.graceMilliseconds
        venue.orderLag = { [unowned self] in grace == 0 || isCalm ? 0 : Int64(random.below(Int(grace))) }
        venue.tradeLag = { [unowned self] in
            strikes(.e13, nil) ? Int64(random.between(2_000, 8_000)) : 0
        }
        if plan.replaces {
            venue.replacing = ModelVenue.Replacing(
                lingering: { [unowned self] id in
                    guard strikes(.e12, id) else { return 0 }
                    return Int64(
                        random.percent(50) ? random.between(6_100, 12_000) : random.between(50, 3_000))
                },
                later: { [unowned self] delay, body in
                    clock.after(delay) { [unowned self] in body(clock.now) }
                })
        }
        venue.onTrade = { [unowned self] account, trade in traded(trade, on: account) }
        venue.onEnd = { [unowned self] account, order in ended(order, on: account) }
    }

    private func traded(_ trade: ModelVenue.TrueTrade, on account: AccountID) {
        trace(
            "venue: \(trade.trade.trade) \(trade.trade.side) \(trade.trade.quantity) of \(trade.order?.text ?? "-")"
        )
        books.traded(trade, on: account)
        let id = trade.order
        if venue.idCount > 0, venue.arrivals.count > venue.idCount { tally.note(.r9) }
        if trade.trade.feeCurrency != "USDT" { tally.note(.e15) }
        if trade.listedAt > clock.now { return }  // Shown neither by stream nor by page.
        if strikes(.w2, id) {
            dropped.append((account, trade.trade.trade, clock.now))
            return
        }
        let late = strikes(.e8, id) ? Int64(random.between(300, 2_000)) : 0
        tell(account, .trade(trade.trade), isInOrder: late == 0, later: late)
        if strikes(.e2, id) { tell(account, .trade(trade.trade), isInOrder: false, later: 5) }
        if strikes(.e3, id) { tellOtherwise(trade, on: account) }
    }

    private func overfillLater(_ id: ClientOrderID, _ account: AccountID) {
        clock.after(Int64(random.between(1, 300))) { [unowned self] in
            venue.overfill(id, on: account, by: FixedDecimal(random.between(1, 20)), at: clock.now)
        }
    }

    /// The same trade with another price, once the true one has been heard.
    private func tellOtherwise(_ trade: ModelVenue.TrueTrade, on account: AccountID) {
        let told = trade.trade
        let price = sum(told.price, .one)
        clock.after(Int64(random.between(500, 900)), life: lives) { [unowned self] in
            let id = mutation == .tellingsAreFills ? TradeID("\(told.trade)!") : told.trade
            guard let desk, desk.hasBooked(told.trade, in: told.symbol, on: account) else { return }
            defer {
                // One of nobody's order may have been booked in parts, which cannot be compared.
                if mutation == nil, books.owner(of: told) != nil, books.alarms.last?.isChangedFill != true {
                    flaw("a changed trade was taken in silence")
                }
            }
            life?.adapter.onReport?(
                account,
                .trade(
                    VenueTrade(
                        trade: id, clientID: told.clientID, venueOrderID: told.venueOrderID,
                        symbol: told.symbol, side: told.side, price: price, quantity: told.quantity,
                        fee: told.fee, feeCurrency: told.feeCurrency, liquidity: told.liquidity,
                        time: told.time)))
        }
    }

    private func ended(_ order: MatchingOrder, on account: AccountID) {
        trace("venue: order \(order.clientID?.text ?? "-") \(order.state), filled \(order.filledQuantity)")
        guard let id = venue.first(order.clientID) else { return }
        if order.state == .cancelled, order.filledQuantity.isPositive { tally.note(.e7) }
        switch order.state {
        case .cancelled:
            tell(account, .cancelled(id, filled: order.filledQuantity, reason: order.reason))
        case .expired:
            tell(account, .expired(id, filled: order.filledQuantity, reason: order.reason))
        case .filled:
            // Its trades say it.
            if strikes(.e6, id) { overfillLater(id, account) }
        case .open, .rejected: break
        }
    }

    /// Sends news over the stream, if there is one.
    private func tell(
        _ account: AccountID, _ report: VenueReport, isInOrder: Bool = true, later: Int64 = 0
    ) {
        guard let life, !life.isDead, streamIsUp else { return }
        var arrival = clock.now + latency() + later
        if strikes(.e5, nil) {
            arrival += Int64(random.between(50, 600))
        } else if isInOrder {
            arrival = max(arrival, lastNews)
            lastNews = arrival
        }
        clock.after(arrival - clock.now, life: life.number) { [unowned self] in
            if case .trade(let trade) = report {
                noteOutrun(trade, on: account)
                guard let told = tampered(trade) else { return }
                life.adapter.onReport?(account, .trade(told))
            } else if mutation != .endsAreIgnored, !isOfTheDead(report) {
                life.adapter.onReport?(account, report)
            }
        }
    }

    private func noteOutrun(_ trade: VenueTrade, on account: AccountID) {
        guard plan.has(.e1), let id = books.owner(of: trade), let order = desk?.order(id),
            order.status == .submitted
        else { return }
        tally.note(.e1)
    }

    /// A page of trades is about to be answered.
    func listed(_ page: TradePage, on account: AccountID) {
        guard let desk else { return }
        for trade in page.trades where desk.hasBooked(trade.trade, in: trade.symbol, on: account) {
            tally.note(.e4)
        }
    }
}

extension DeskAlarm {
    var isChangedFill: Bool {
        if case .fillChanged = self { true } else { false }
    }
}
