import Exchanges
import Host
import Trading

/// What mutations do to what is told.
extension Schedule {
    /// A trade as a host without some handling would take it; nil when it would not at all.
    func tampered(_ trade: VenueTrade) -> VenueTrade? {
        guard let mutation else { return trade }
        let owner = books.owner(of: trade)
        let order = owner.flatMap { desk?.order($0) }
        switch mutation {
        case .tellingsAreFills:
            requests += 1
            return trade.with(id: TradeID("\(trade.trade)/\(requests)"))
        case .earlyFillsAreDropped: return order?.status == .submitted ? nil : trade
        case .lateFillsAreDropped: return order?.status.isTerminal == true ? nil : trade
        case .excessIsDropped: return trade.trade.text.hasPrefix("X") ? nil : trade
        case .strangersAreDropped: return owner == nil ? nil : trade
        case .deadStayDead: return order?.status == .notPlaced ? nil : trade
        case .feesInBaseAreFree: return trade.feeCurrency == "USDT" ? trade : trade.withoutFee
        default: return trade
        }
    }

    /// What a question about an order is answered with.
    func tampered(_ answer: Result<VenueOrder?, VenueFailure>) -> Result<VenueOrder?, VenueFailure> {
        switch (answer, mutation) {
        case (.success(nil), .absenceIsIgnored): .failure(.outcomeUnknown("no such order"))
        case (.failure, .silenceIsNothing): .success(nil)
        case (.success(let order?), .endsAreIgnored)
        where [.cancelled, .expired, .rejected].contains(order.state):
            .failure(.outcomeUnknown("not understood"))
        case (.success(let order?), .deadStayDead) where isOfTheDead(order): .success(nil)
        case (.success(let order?), .secondOrdersAreNotSeen) where isAfterItsEnd(order):
            .failure(.outcomeUnknown("not understood"))
        default: answer
        }
    }

    /// What a list of open orders is read as.
    func seen(_ orders: [VenueOrder]) -> [VenueOrder] {
        switch mutation {
        case .deadStayDead: return orders.filter { !isOfTheDead($0) }
        case .secondOrdersAreNotSeen:
            var names: Set<ClientOrderID?> = []
            return orders.filter { !isAfterItsEnd($0) && names.insert($0.clientID).inserted }
        default: return orders
        }
    }

    /// Whether the venue shows an order open that has ended here.
    private func isAfterItsEnd(_ order: VenueOrder) -> Bool {
        guard order.state == .open, let number = order.clientID?.order else { return false }
        return desk?.order(number)?.status.isTerminal == true
    }

    /// Whether an order counts as never placed, and a mutation wants it to stay so.
    private func isOfTheDead(_ order: VenueOrder) -> Bool {
        guard mutation == .deadStayDead else { return false }
        return order.clientID?.order.flatMap { desk?.order($0) }?.status == .notPlaced
    }

    func isOfTheDead(_ report: VenueReport) -> Bool {
        guard mutation == .deadStayDead else { return false }
        switch report {
        case .cancelled(let id, _, _), .expired(let id, _, _), .accepted(let id, _):
            return id.order.flatMap { desk?.order($0) }?.status == .notPlaced
        default: return false
        }
    }
}

extension VenueTrade {
    func with(id: TradeID) -> VenueTrade { changed(id: id, fee: fee) }

    var withoutFee: VenueTrade { changed(id: trade, fee: .zero) }

    private func changed(id: TradeID, fee: FixedDecimal) -> VenueTrade {
        VenueTrade(
            trade: id, clientID: clientID, venueOrderID: venueOrderID, symbol: symbol, side: side,
            price: price,
            quantity: quantity, fee: fee, feeCurrency: feeCurrency, liquidity: liquidity, time: time)
    }
}
