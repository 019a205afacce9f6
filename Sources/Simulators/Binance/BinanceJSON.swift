import Trading
import Wire

/// How Binance writes things down.
enum BinanceJSON {
    /// Prices and quantities are texts with eight decimals.
    static func amount(_ value: FixedDecimal) -> JSONValue { .string(value.text(digits: 8)) }

    static func status(_ order: BookOrder) -> String {
        switch order.state {
        case .open: order.filled.isPositive ? "PARTIALLY_FILLED" : "NEW"
        case .filled: "FILLED"
        case .cancelled: "CANCELED"
        case .expired: "EXPIRED"
        }
    }

    static func side(_ order: BookOrder) -> String { order.terms.side == .buy ? "BUY" : "SELL" }

    static func timeInForce(_ order: BookOrder) -> String {
        // A market order is shown as good till cancelled.
        order.terms.type == .market ? "GTC" : order.terms.timeInForce.rawValue.uppercased()
    }

    private static func price(_ order: BookOrder) -> JSONValue { amount(order.terms.price ?? .zero) }

    private static func common(_ order: BookOrder, clientID: String) -> [JSONValue.Member] {
        [
            .init("symbol", .string(order.terms.symbol)), .init("orderId", .integer(order.number)),
            .init("orderListId", .integer(-1)), .init("clientOrderId", .string(clientID)),
        ]
    }

    private static func state(_ order: BookOrder) -> [JSONValue.Member] {
        [
            .init("price", price(order)), .init("origQty", amount(order.terms.quantity)),
            .init("executedQty", amount(order.filled)),
            .init("origQuoteOrderQty", amount(order.quoteQuantity ?? .zero)),
            .init("cummulativeQuoteQty", amount(order.filledQuote)), .init("status", .string(status(order))),
            .init("timeInForce", .string(timeInForce(order))), .init("type", .string(order.type)),
            .init("side", .string(side(order))),
        ]
    }

    private static func stop(_ order: BookOrder) -> [JSONValue.Member] {
        order.terms.stopPrice.map { [.init("stopPrice", amount($0))] } ?? []
    }

    /// The answer to a new order.
    static func placed(_ order: BookOrder, as kind: String, _ request: BinanceRequest) -> JSONValue {
        var members =
            common(order, clientID: order.clientID) + [.init("transactTime", request.shown(order.updatedAt))]
        guard kind != "ACK" else { return .object(members) }
        members += state(order) + stop(order)
        members += [
            .init("workingTime", request.shown(order.createdAt)),
            .init("selfTradePreventionMode", .string("EXPIRE_MAKER")),
        ]
        guard kind == "FULL" else { return .object(members) }
        members.append(
            .init(
                "fills",
                .array(
                    order.trades.map {
                        .members([
                            "price": amount($0.price), "qty": amount($0.quantity),
                            "commission": amount($0.fee),
                            "commissionAsset": .string($0.feeCurrency), "tradeId": .integer($0.number),
                        ])
                    })))
        return .object(members)
    }

    /// The answer to a question for an order.
    static func order(_ order: BookOrder, _ request: BinanceRequest) -> JSONValue {
        .object(
            common(order, clientID: order.clientID) + state(order) + [
                .init("stopPrice", amount(order.terms.stopPrice ?? .zero)),
                .init("icebergQty", amount(.zero)),
                .init("time", request.shown(order.createdAt)),
                .init("updateTime", request.shown(order.updatedAt)),
                .init("isWorking", .bool(!order.terms.type.needsStopPrice || order.isTriggered)),
                .init("workingTime", request.shown(order.createdAt)),
                .init("selfTradePreventionMode", .string("EXPIRE_MAKER")),
            ])
    }

    /// The answer to a cancel: `clientOrderId` is the cancel's own.
    static func cancelled(_ order: BookOrder, by name: String, _ request: BinanceRequest) -> JSONValue {
        .object(
            [
                .init("symbol", .string(order.terms.symbol)),
                .init("origClientOrderId", .string(order.clientID)),
            ]
                + common(order, clientID: name).dropFirst() + [
                    .init("transactTime", request.shown(order.updatedAt))
                ]
                + state(order) + stop(order) + [.init("selfTradePreventionMode", .string("EXPIRE_MAKER"))])
    }

    static func trade(_ trade: BookTrade, _ request: BinanceRequest) -> JSONValue {
        .members([
            "symbol": .string(trade.order.terms.symbol), "id": .integer(trade.number),
            "orderId": .integer(trade.order.number), "orderListId": .integer(-1),
            "price": amount(trade.price),
            "qty": amount(trade.quantity), "quoteQty": amount(trade.quote), "commission": amount(trade.fee),
            "commissionAsset": .string(trade.feeCurrency), "time": request.shown(trade.time),
            "isBuyer": .bool(trade.order.terms.side == .buy), "isMaker": .bool(trade.isMaker),
            "isBestMatch": .bool(true),
        ])
    }

    /// What changed about an order, for the user data stream.
    ///
    /// - Parameters:
    ///   - kind: `NEW`, `TRADE`, `CANCELED`, `EXPIRED` or `REPLACED`.
    ///   - cancelName: The cancel's own name, which then stands where the order's stands otherwise.
    static func report(
        _ order: BookOrder, _ kind: String, _ trade: BookTrade?, cancelName: String?, execution: Int64,
        at time: Timestamp
    ) -> JSONValue {
        // Told before its first trade, an order that filled at once is new all the same.
        let isNew = kind == "NEW"
        let filled = isNew ? FixedDecimal.zero : order.filled
        let quote = isNew ? FixedDecimal.zero : order.filledQuote
        return .members([
            "e": .string("executionReport"), "E": .time(time), "s": .string(order.terms.symbol),
            "c": .string(cancelName ?? order.clientID), "S": .string(side(order)), "o": .string(order.type),
            "f": .string(timeInForce(order)), "q": amount(order.terms.quantity),
            "p": amount(order.terms.price ?? .zero),
            "P": amount(order.terms.stopPrice ?? .zero), "F": amount(.zero), "g": .integer(-1),
            "C": .string(cancelName == nil ? "" : order.clientID), "x": .string(kind),
            "X": .string(isNew ? "NEW" : status(order)), "r": .string("NONE"), "i": .integer(order.number),
            "l": amount(trade?.quantity ?? .zero), "z": amount(filled), "L": amount(trade?.price ?? .zero),
            "n": amount(trade?.fee ?? .zero), "N": trade.map { .string($0.feeCurrency) } ?? .null,
            "T": .time(trade?.time ?? order.updatedAt), "t": .integer(trade?.number ?? -1),
            "I": .integer(execution), "w": .bool(order.state == .open && order.terms.type != .market),
            "m": .bool(trade?.isMaker ?? false), "M": .bool(false), "O": .time(order.createdAt),
            "Z": amount(quote),
            "Y": amount(trade?.quote ?? .zero), "Q": amount(order.quoteQuantity ?? .zero),
            "W": .time(order.createdAt),
            "V": .string("EXPIRE_MAKER"),
        ])
    }
}
