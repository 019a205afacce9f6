import Trading
import Wire

/// From Binance's objects to ours. Nil stands for an object that lacks what its kind always has; whoever asked treats that
/// as no answer.

extension ClientOrderID {
    /// What stands between an order's name and the number of its replacement. No name of ours holds it.
    private static let mark = "_"

    /// The name of the order's `number`th replacement; nil when there is no room for it.
    func replacement(_ number: Int) -> ClientOrderID? {
        number == 0 ? self : ClientOrderID("\(text)\(Self.mark)\(number)")
    }

    /// The order that a name at Binance belongs to, replacement or not, and the replacement's number. Foreign names stay
    /// as they are; one that no order of ours could have is nil.
    static func atBinance(_ text: String) -> (id: ClientOrderID, replacement: Int)? {
        let parts = text.split(separator: Character(mark), omittingEmptySubsequences: false)
        if text.hasPrefix("bp-"), parts.count == 2, let number = Int(parts[1]), number > 0,
            let id = ClientOrderID(String(parts[0]))
        {
            return (id, number)
        }
        return ClientOrderID(text).map { ($0, 0) }
    }
}

extension Side {
    /// Binance's word.
    var binanceWord: String { self == .buy ? "BUY" : "SELL" }

    init?(binance word: String?) {
        switch word {
        case "BUY": self = .buy
        case "SELL": self = .sell
        default: return nil
        }
    }
}

extension VenueOrder.State {
    /// What a `status` means. EXPIRED may have filled in part; PENDING_NEW waits in an order list.
    init?(binance status: String?) {
        switch status {
        case "NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL": self = .open
        case "FILLED": self = .filled
        case "CANCELED": self = .cancelled
        case "REJECTED": self = .rejected
        case "EXPIRED", "EXPIRED_IN_MATCH": self = .expired
        default: return nil
        }
    }
}

/// An order as Binance describes it, with what only Binance's adapter needs.
struct BinanceOrder: Hashable, Sendable {
    let order: VenueOrder
    /// How often it was replaced so far.
    let replacement: Int

    /// Reads an answer of GET order, openOrders or allOrders, or one of POST order with a status.
    init?(_ json: JSONValue) {
        guard let symbol = json["symbol"]?.stringValue, let id = json.id("orderId"),
            let name = json["clientOrderId"]?.stringValue,
            let side = Side(binance: json["side"]?.stringValue),
            let quantity = json.decimal("origQty"), let filled = json.decimal("executedQty"),
            let status = json["status"]?.stringValue, let state = VenueOrder.State(binance: status),
            let time = json.time("updateTime") ?? json.time("transactTime") ?? json.time("time")
        else { return nil }
        let known = ClientOrderID.atBinance(name)
        replacement = known?.replacement ?? 0
        var average: FixedDecimal?
        if filled.isPositive, let worth = json.positiveDecimal("cummulativeQuoteQty") {
            // Both are a market's numbers, so the quotient is a price; if not, none is told.
            average = try? worth.divided(by: filled, rounding: .nearestEven)
        }
        order = VenueOrder(
            clientID: known?.id, venueOrderID: VenueOrderID(id), symbol: symbol, side: side,
            quantity: quantity, price: json.positiveDecimal("price"), filledQuantity: filled,
            averagePrice: average, state: state, reason: state.reason(status: status, json), time: time)
    }
}

extension VenueOrder.State {
    fileprivate func reason(status: String, _ json: JSONValue) -> String? {
        switch self {
        case .open, .filled, .cancelled: nil
        case .rejected: "rejected by binance"
        case .expired:
            status == "EXPIRED_IN_MATCH"
                ? "expired: it would have traded with an order of the same account"
                : "expired" + (json["expiryReason"]?.stringValue.map { ": \($0.prefix(100))" } ?? "")
        }
    }
}

extension VenueTrade {
    /// Reads an element of myTrades; it does not repeat the client id.
    init?(binance json: JSONValue, clientID: ClientOrderID?) {
        guard let symbol = json["symbol"]?.stringValue, let id = json.id("id"),
            let order = json.id("orderId"), let price = json.decimal("price"),
            let quantity = json.decimal("qty"), let fee = json.decimal("commission"),
            let currency = json["commissionAsset"]?.stringValue, let time = json.time("time"),
            let isBuyer = json["isBuyer"]?.boolValue
        else { return nil }
        self.init(
            trade: TradeID(id), clientID: clientID, venueOrderID: VenueOrderID(order), symbol: symbol,
            side: isBuyer ? .buy : .sell, price: price, quantity: quantity, fee: fee,
            feeCurrency: Self.currency(currency, of: fee),
            liquidity: json["isMaker"]?.boolValue == true ? .maker : .taker, time: time)
    }

    /// Reads an element of `fills` in the answer to an order, which took what it found in the book.
    init?(binanceFill json: JSONValue, of order: BinanceOrder) {
        guard let id = json.id("tradeId"), let price = json.decimal("price"),
            let quantity = json.decimal("qty"), let fee = json.decimal("commission"),
            let currency = json["commissionAsset"]?.stringValue
        else { return nil }
        let order = order.order
        self.init(
            trade: TradeID(id), clientID: order.clientID, venueOrderID: order.venueOrderID,
            symbol: order.symbol, side: order.side, price: price, quantity: quantity, fee: fee,
            feeCurrency: Self.currency(currency, of: fee), liquidity: .taker, time: order.time)
    }

    /// Without a fee the stream names no currency and myTrades does: the same trade must read the same both ways.
    static func currency(_ currency: String, of fee: FixedDecimal) -> String {
        fee.isZero ? "" : currency
    }
}

extension VenueBalance {
    /// Reads an element of `balances`.
    init?(binance json: JSONValue) {
        guard let currency = json["asset"]?.stringValue, let free = json.decimal("free"),
            let locked = json.decimal("locked"),
            // Sums beyond the range are nobody's money.
            let total = try? free + locked
        else { return nil }
        self.init(currency: currency, total: total, locked: locked)
    }
}

extension Candle {
    /// Reads an element of klines: open time, open, high, low, close, volume, close time and more.
    init?(binance json: JSONValue, symbol: String, resolution: Resolution) {
        guard let fields = json.arrayValue, fields.count >= 7, let time = fields[0].intValue,
            let open = fields[1].stringValue.flatMap({ FixedDecimal($0) }),
            let high = fields[2].stringValue.flatMap({ FixedDecimal($0) }),
            let low = fields[3].stringValue.flatMap({ FixedDecimal($0) }),
            let close = fields[4].stringValue.flatMap({ FixedDecimal($0) }),
            let volume = fields[5].stringValue.flatMap({ FixedDecimal($0) })
        else { return nil }
        self.init(
            symbol: symbol, resolution: resolution, openTime: Timestamp(milliseconds: Int64(time)),
            open: open, high: high, low: low, close: close, volume: volume)
        guard flaw == nil else { return nil }
    }
}
