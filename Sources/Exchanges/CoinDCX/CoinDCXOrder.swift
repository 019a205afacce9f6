import Trading
import Wire

/// An order as CoinDCX describes it, by answer or by stream.
///
/// Source: docs.coindcx.com, "order". Ids are text: digits since 2026, UUIDs before. Numbers come bare or as text, times
/// as milliseconds or as ISO text. The words of a status are believed for whether the order has ended, the quantities
/// for how much of it filled.
struct CoinDCXOrder: Hashable, Sendable {
    let id: VenueOrderID
    /// Nil when there is none, or none that could be ours.
    private(set) var clientID: ClientOrderID?
    let symbol: String
    let side: Side
    let quantity: FixedDecimal
    let price: FixedDecimal?
    let filled: FixedDecimal
    let averagePrice: FixedDecimal?
    let state: VenueOrder.State
    let status: String
    let time: Timestamp?

    /// Reads an order; nil when it lacks what every order has, or says what cannot be.
    init?(_ json: JSONValue, _ markets: CoinDCXMarkets?) {
        guard let id = json["id"]?.looseText, !id.isEmpty,
            let symbol = json["market"]?.stringValue, let side = Self.side(json["side"]),
            let told = json["total_quantity"]?.looseDecimal, told.isPositive,
            let status = json["status"]?.stringValue?.lowercased()
        else { return nil }
        let market = markets?.bySymbol[symbol]
        func quantity(_ name: String) -> FixedDecimal? {
            json[name]?.looseDecimal.map { market?.snapped($0) ?? $0 }
        }
        let total = market?.snapped(told) ?? told
        guard let state = Self.state(status), TradingBounds.quantity >= total else { return nil }
        self.id = VenueOrderID(id)
        clientID = json["client_order_id"]?.stringValue.flatMap { ClientOrderID($0) }
        self.symbol = symbol
        self.side = side
        self.quantity = total
        self.status = status
        price = json["price_per_unit"]?.looseDecimal.flatMap {
            $0.isPositive ? market?.snapped(price: $0) ?? $0 : nil
        }
        averagePrice = json["avg_price"]?.looseDecimal.flatMap { $0.isPositive ? $0 : nil }
        let cancelled = quantity("cancelled_quantity") ?? .zero
        // Without a word about the rest, a full order alone is known to have filled.
        let remaining = quantity("remaining_quantity") ?? (status == "filled" ? .zero : total)
        guard
            let filled = Self.filled(
                of: total, remaining: remaining, cancelled: cancelled, isOver: state != .open)
        else { return nil }
        self.filled = filled
        self.state = Self.state(state, filled: filled, of: total)
        time = json["updated_at"]?.looseTime ?? json["created_at"]?.looseTime
    }

    static func side(_ json: JSONValue?) -> Side? {
        json?.stringValue.flatMap { Side(rawValue: $0.lowercased()) }
    }

    /// Nil for a word that is not known: better no answer than a wrong one.
    private static func state(_ status: String) -> VenueOrder.State? {
        switch status {
        case "init", "open", "partially_filled", "untriggered": .open
        case "filled": .filled
        case "cancelled", "canceled", "partially_cancelled": .cancelled
        case "rejected": .rejected
        case "expired": .expired
        default: nil
        }
    }

    /// Whether the cancelled part is still counted as remaining is not documented. Nothing can remain of an order that is
    /// over, so there the larger of the two is what did not fill; of an order that stands both are.
    private static func filled(
        of total: FixedDecimal, remaining: FixedDecimal, cancelled: FixedDecimal, isOver: Bool
    ) -> FixedDecimal? {
        guard !remaining.isNegative, !cancelled.isNegative,
            // A sum beyond the range is more than any total.
            let unfilled = isOver ? max(remaining, cancelled) : try? remaining + cancelled,
            unfilled <= total
        else { return nil }
        return try? total - unfilled  // Cannot leave the range: it lies between nought and the total.
    }

    /// The quantities have the last word: a cancelled order that filled whole is filled, a rejected one with fills was
    /// not rejected, and a filled one with a rest was cut off.
    private static func state(
        _ state: VenueOrder.State, filled: FixedDecimal, of total: FixedDecimal
    ) -> VenueOrder.State {
        switch state {
        case .open, .expired: state
        case .filled: filled >= total ? .filled : .cancelled
        case .cancelled: filled >= total ? .filled : .cancelled
        case .rejected: filled.isPositive ? (filled >= total ? .filled : .cancelled) : .rejected
        }
    }

    /// As the desk hears of it.
    func venueOrder(at now: Timestamp) -> VenueOrder {
        VenueOrder(
            clientID: clientID, venueOrderID: id, symbol: symbol, side: side, quantity: quantity,
            price: price, filledQuantity: filled, averagePrice: averagePrice, state: state,
            reason: state == .open || state == .filled ? nil : "CoinDCX says \(status)", time: time ?? now)
    }

    /// The orders of an answer that may be an empty list; nil when it is no list, or one of them is no order.
    static func list(_ json: JSONValue, _ markets: CoinDCXMarkets?) -> [CoinDCXOrder]? {
        guard json.arrayValue != nil || json["orders"]?.arrayValue != nil else { return nil }
        return all(json, markets)
    }

    /// What can be read of a stream's message, which is one order or a list of them.
    static func readable(_ json: JSONValue, _ markets: CoinDCXMarkets?) -> [CoinDCXOrder] {
        (json.arrayValue ?? json["orders"]?.arrayValue ?? [json]).compactMap { CoinDCXOrder($0, markets) }
    }

    /// The orders of an answer: an object with `orders`, a bare list, a bare order. Nil when one of them is no order.
    static func all(_ json: JSONValue, _ markets: CoinDCXMarkets?) -> [CoinDCXOrder]? {
        let rows: [JSONValue]
        switch json {
        case .array(let elements): rows = elements
        case .object:
            if let elements = json["orders"]?.arrayValue {
                rows = elements
            } else {
                rows = [json]
            }
        case .null, .bool, .number, .string: return nil
        }
        var orders: [CoinDCXOrder] = []
        for row in rows {
            guard let order = CoinDCXOrder(row, markets) else { return nil }
            orders.append(order)
        }
        return orders
    }
}

/// A trade of the account as `orders/trade_history` tells it. It does not repeat the client's order id.
struct CoinDCXTrade: Hashable, Sendable {
    let id: String
    let order: VenueOrderID
    let symbol: String
    let side: Side
    let price: FixedDecimal
    let quantity: FixedDecimal
    /// In the currency that the market is paid in.
    let fee: FixedDecimal
    let time: Timestamp

    /// Reads a trade; nil when it lacks what every trade has.
    init?(_ json: JSONValue, _ markets: CoinDCXMarkets?) {
        guard let id = json["id"]?.looseText, !id.isEmpty, let order = json["order_id"]?.looseText,
            !order.isEmpty,
            let name = json["symbol"]?.stringValue, let side = CoinDCXOrder.side(json["side"]),
            let price = json["price"]?.looseDecimal, let quantity = json["quantity"]?.looseDecimal,
            let time = json["timestamp"]?.looseTime, let fee = json.looseAmount("fee_amount")
        else { return nil }
        let market = markets?.bySymbol[name] ?? markets?.byPair[name]
        self.id = id
        self.order = VenueOrderID(order)
        symbol = market?.symbol ?? name
        self.side = side
        self.price = price
        self.quantity = market?.snapped(quantity) ?? quantity
        self.fee = fee
        self.time = time
    }

    /// As the desk hears of it. CoinDCX does not say here who waited in the book.
    func venueTrade(clientID: ClientOrderID?, feeCurrency: String) -> VenueTrade {
        VenueTrade(
            trade: TradeID(id), clientID: clientID, venueOrderID: order, symbol: symbol, side: side,
            price: price, quantity: quantity, fee: fee, feeCurrency: feeCurrency, liquidity: .taker,
            time: time)
    }
}

extension CoinDCXOrder {
    /// The same order under our name, which some answers leave out.
    func named(_ id: ClientOrderID) -> CoinDCXOrder {
        var order = self
        order.clientID = order.clientID ?? id
        return order
    }
}
