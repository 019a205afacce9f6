import Trading
import Wire

/// What the user data stream says.
///
/// Source: binance-spot-api-docs, user-data-stream.md. Names differ in case alone (`c` and `C`, `t` and `T`).
enum BinanceUserEvent: Hashable, Sendable {
    /// Something happened to an order.
    case execution(BinanceExecution)
    /// The stream ends here: open another.
    case ended
    /// Nothing that concerns orders.
    case other

    /// Reads an event; nil for an execution report that lacks what every one has, after which only asking helps.
    init?(_ event: JSONValue) {
        switch event["e"]?.stringValue {
        case "executionReport":
            guard let execution = BinanceExecution(event) else { return nil }
            self = .execution(execution)
        case "eventStreamTerminated", "serverShutdown": self = .ended
        default: self = .other
        }
    }
}

/// An execution report.
struct BinanceExecution: Hashable, Sendable {
    /// Why it was sent.
    enum Kind: String, Hashable, Sendable {
        case new = "NEW"
        case cancelled = "CANCELED"
        case replaced = "REPLACED"
        case rejected = "REJECTED"
        case trade = "TRADE"
        case expired = "EXPIRED"
        case prevented = "TRADE_PREVENTION"
    }

    let kind: Kind
    let order: VenueOrder
    /// The order's own name at Binance, its replacement's number included.
    let name: String
    let replacement: Int
    /// The trade, when there was one.
    let trade: VenueTrade?

    init?(_ json: JSONValue) {
        guard let kind = json["x"]?.stringValue.flatMap(Kind.init), let symbol = json["s"]?.stringValue,
            let id = json.id("i"), let side = Side(binance: json["S"]?.stringValue),
            let status = json["X"]?.stringValue, let state = VenueOrder.State(binance: status),
            let current = json["c"]?.stringValue, let quantity = json.decimal("q"),
            let filled = json.decimal("z"), let time = json.time("T") ?? json.time("E")
        else { return nil }
        self.kind = kind
        // On a cancel `c` names the cancel and `C` the order.
        let original = json["C"]?.stringValue ?? ""
        name = original.isEmpty ? current : original
        let known = ClientOrderID.atBinance(name)
        replacement = known?.replacement ?? 0
        var average: FixedDecimal?
        if filled.isPositive, let worth = json.positiveDecimal("Z") {
            // Both are a market's numbers, so the quotient is a price; if not, none is told.
            average = try? worth.divided(by: filled, rounding: .nearestEven)
        }
        order = VenueOrder(
            clientID: known?.id, venueOrderID: VenueOrderID(id), symbol: symbol, side: side,
            quantity: quantity, price: json.positiveDecimal("p"), filledQuantity: filled,
            averagePrice: average, state: state, reason: Self.reason(kind, status, json), time: time)
        guard kind == .trade else {
            trade = nil
            return
        }
        guard let number = json.id("t"), let price = json.decimal("L"), let size = json.decimal("l"),
            size.isPositive, let fee = json.looseAmount("n")
        else { return nil }
        trade = VenueTrade(
            trade: TradeID(number), clientID: known?.id, venueOrderID: VenueOrderID(id), symbol: symbol,
            side: side, price: price, quantity: size, fee: fee,
            feeCurrency: VenueTrade.currency(json["N"]?.stringValue ?? "", of: fee),
            liquidity: json["m"]?.boolValue == true ? .maker : .taker, time: time)
    }

    private static func reason(_ kind: Kind, _ status: String, _ json: JSONValue) -> String? {
        switch kind {
        case .new, .trade, .replaced: nil
        case .cancelled: "cancelled"
        case .rejected: "rejected by binance: \((json["r"]?.stringValue ?? "no reason").prefix(100))"
        case .expired, .prevented:
            status == "EXPIRED_IN_MATCH"
                ? "expired: it would have traded with an order of the same account"
                : "expired" + (json["eR"]?.stringValue.map { ": \($0.prefix(100))" } ?? "")
        }
    }
}
