import Trading
import Wire

/// CoinSpot's signed calls. On the loop.
final class CoinSpotOrders {
    private typealias Members = [JSONValue.Member]

    private let core: VenueCore
    private let market: CoinSpotMarket

    init(_ core: VenueCore, _ market: CoinSpotMarket) {
        self.core = core
        self.market = market
    }

    private func refused(_ words: String) -> CoinSpotError {
        CoinSpotError(status: core.settings.integer(CoinSpotSettings.refusedStatus), message: words)
    }

    // MARK: - Routes

    /// Version 2; `path` is without its door and without `ro`.
    func second(_ path: String, isReadOnly: Bool, _ request: CoinSpotRequest) throws(CoinSpotError)
        -> [JSONValue.Member]
    {
        if path == "status" { return [] }
        return isReadOnly ? try read(path, request) : try act(path, request)
    }

    private func act(_ path: String, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member] {
        switch path {
        case "my/buy": return shown(try rest(.buy, request))
        case "my/sell": return shown(try rest(.sell, request))
        case "my/buy/edit": return try edit(.buy, request)
        case "my/sell/edit": return try edit(.sell, request)
        case "my/buy/now": return try instant(.buy, request)
        case "my/sell/now": return try instant(.sell, request)
        case "my/buy/cancel": return try cancel(.buy, request)
        case "my/sell/cancel": return try cancel(.sell, request)
        case "my/buy/cancel/all": return cancelAll(.buy, request)
        case "my/sell/cancel/all": return cancelAll(.sell, request)
        case "quote/buy/now": return try quote(.buy, request)
        case "quote/sell/now": return try quote(.sell, request)
        case "my/buy/now/coinlist", "my/sell/now/coinlist":
            let coins = core.instruments.filter { $0.quote == "AUD" }.map(\.base)
            return [.init("coins", .array(coins.map { .string($0) }))]
        default: throw CoinSpotError(status: 404, message: "Not found")
        }
    }

    private func read(_ path: String, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member]
    {
        switch path {
        case "orders/market/open": return market.book(try instrument(request))
        case "orders/market/completed": return market.completed(try instrument(request))
        case "my/balances": return [.init("balances", .array(balances(request).map { .object([$0]) }))]
        case "my/orders/market/open": return open(request)
        case "my/orders/limit/open": return [.init("buyorders", .array([])), .init("sellorders", .array([]))]
        case "my/orders/completed": return try completed(request, onlyMarket: false)
        case "my/orders/market/completed": return try completed(request, onlyMarket: true)
        case "my/sendreceive":
            return [.init("sendtransactions", .array([])), .init("receivetransactions", .array([]))]
        case "my/deposits": return [.init("deposits", .array([]))]
        case "my/withdrawals": return [.init("withdrawals", .array([]))]
        default:
            let prefix = "my/balance/"
            guard path.hasPrefix(prefix) else { throw CoinSpotError(status: 404, message: "Not found") }
            let coin = path.dropFirst(prefix.count).uppercased()
            let showsAvailable = request.call.query("available") == "yes"
            return [.init("balance", .object([balance(coin, request, showsAvailable: showsAvailable)]))]
        }
    }

    /// Version 1, as far as ccxt uses it.
    func first(_ path: String, isReadOnly: Bool, _ request: CoinSpotRequest) throws(CoinSpotError)
        -> [JSONValue.Member]
    {
        switch (path, isReadOnly) {
        case ("my/balances", false):
            let held = core.books.balances(request.account).sorted { $0.key < $1.key }
            return [
                .init(
                    "balance",
                    .object(held.map { .init($0.key.lowercased(), CoinSpotMarket.number($0.value.total)) }))
            ]
        case ("my/balances", true):
            return [.init("balances", .array(balances(request).map { .object([$0]) }))]
        case ("orders", false): return market.book(try instrument(request))
        case ("orders/history", false): return market.history(try instrument(request))
        case ("my/transactions", true): return try transactions(request)
        case ("my/buy", false):
            _ = try rest(.buy, request)
            return []
        case ("my/sell", false):
            _ = try rest(.sell, request)
            return []
        case ("my/buy/cancel", false): return try cancel(.buy, request)
        case ("my/sell/cancel", false): return try cancel(.sell, request)
        default: throw CoinSpotError(status: 404, message: "Not found")
        }
    }

    private func instrument(_ request: CoinSpotRequest) throws(CoinSpotError) -> Instrument {
        try market.instrument(try request.required("cointype"), request.text("markettype"))
    }

    // MARK: - Placing

    /// An id of 24 hexadecimal digits, or the number as it is.
    private func id(_ order: BookOrder) -> String {
        guard core.settings.text(CoinSpotSettings.orderIDs) == "hex" else { return String(order.number) }
        let digits = String(order.number, radix: 16)
        return "6710f3a2" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// The number of an order by either kind of id.
    private func number(_ id: String) -> Int64? {
        guard id.utf8.count == 24, id.hasPrefix("6710f3a2") else { return Int64(id) }
        return Int64(id.dropFirst(8), radix: 16)
    }

    private func order(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> BookOrder {
        let text = try request.required("id")
        guard let number = number(text), let order = core.books.orders[number],
            order.account == request.account, order.terms.side == side,
            order.state == .open
        else { throw refused(core.settings.text(CoinSpotSettings.orderMessage)) }
        return order
    }

    private func place(
        _ terms: OrderTerms, _ type: String, _ request: CoinSpotRequest
    ) throws(CoinSpotError) -> BookOrder {
        switch core.books.place(terms, on: request.account, clientID: "", type: type, at: core.now) {
        case .success(let order): return order
        case .failure(.insufficientBalance): throw refused(core.settings.text(CoinSpotSettings.fundsMessage))
        case .failure(let refusal): throw refused(refusal.description)
        }
    }

    /// An order that rests in the book, though the exchange's page calls it a market order.
    private func rest(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> BookOrder {
        let instrument = try instrument(request)
        return try place(
            OrderTerms(
                symbol: instrument.symbol, side: side, type: .limit, quantity: try request.amount("amount"),
                price: try request.amount("rate")), "market", request)
    }

    private func shown(_ order: BookOrder) -> [JSONValue.Member] {
        let instrument = core.instrument(order.terms.symbol)
        return [
            .init("coin", .string(instrument?.base ?? "")),
            .init("market", .string(instrument.map { market.name($0) } ?? "")),
            .init("amount", CoinSpotMarket.number(order.terms.quantity)),
            .init("rate", CoinSpotMarket.number(order.terms.price ?? .zero)), .init("id", .string(id(order))),
        ]
    }

    private func edit(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member] {
        let order = try order(side, request)
        let rate = try request.amount("rate")
        let newRate = try request.amount("newrate")
        guard rate == order.terms.price else { throw refused("The rate is not that of the order") }
        do throws(MatchingRefusal) {
            try core.books.amend(order, price: newRate, at: core.now)
        } catch {
            throw refused(error.description)
        }
        return [
            .init("updated", .bool(true)), .init("id", .string(id(order))),
            .init("coin", .string(core.instrument(order.terms.symbol)?.base ?? "")),
            .init("rate", CoinSpotMarket.number(rate)), .init("newrate", CoinSpotMarket.number(newRate)),
            .init("amount", CoinSpotMarket.number(order.remaining)),
            .init("total", CoinSpotMarket.number(order.remaining.times(newRate))),
        ]
    }

    /// An order that fills at once, as far as it can. Its answer has no id.
    private func instant(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member]
    {
        let instrument = try market.instrument(try request.required("cointype"), nil)
        guard let best = core.books.market(instrument.symbol) else { throw refused("Market is closed") }
        let price = side == .buy ? best.ask : best.bid
        try guardRate(price, side, request)
        let quantity = try quantity(instrument, price, request)
        let order = try place(
            OrderTerms(
                symbol: instrument.symbol, side: side, type: .market, quantity: quantity, timeInForce: .ioc),
            "instant",
            request)
        return [
            .init("coin", .string(instrument.base)), .init("amount", CoinSpotMarket.number(order.filled)),
            .init("market", .string(market.name(instrument))),
            .init("rate", CoinSpotMarket.number(order.averagePrice ?? price)),
            .init("total", CoinSpotMarket.number(order.filledQuote)),
        ]
    }

    private func quantity(
        _ instrument: Instrument, _ price: FixedDecimal, _ request: CoinSpotRequest
    ) throws(CoinSpotError) -> FixedDecimal {
        switch try request.required("amounttype").lowercased() {
        case "coin": return try request.amount("amount")
        case "aud":
            return try request.amount("amount", digits: 2).over(price, .down).stepped(
                instrument.stepSize, .down)
        default: throw refused("Invalid amounttype")
        }
    }

    /// The guard against slippage: refuses when the price has gone more than a threshold from a rate.
    private func guardRate(_ price: FixedDecimal, _ side: Side, _ request: CoinSpotRequest)
        throws(CoinSpotError)
    {
        guard request.text("rate") != nil else { return }
        let rate = try request.amount("rate")
        let threshold = request.text("threshold").flatMap { FixedDecimal($0) } ?? .zero
        guard !threshold.isNegative, threshold <= FixedDecimal(1000) else {
            throw refused("Invalid threshold")
        }
        let direction = (request.text("direction") ?? (side == .buy ? "UP" : "DOWN")).uppercased()
        guard ["UP", "DOWN", "BOTH"].contains(direction) else { throw refused("Invalid direction") }
        let room = rate.times(threshold).over(FixedDecimal(100))
        if direction != "DOWN", price > rate.plus(room) {
            throw refused("Rate has moved beyond the threshold")
        }
        if direction != "UP", price < rate.minus(room) {
            throw refused("Rate has moved beyond the threshold")
        }
    }

    private func quote(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member] {
        let instrument = try market.instrument(try request.required("cointype"), nil)
        guard let best = core.books.market(instrument.symbol) else { throw refused("Market is closed") }
        let price = side == .buy ? best.ask : best.bid
        _ = try quantity(instrument, price, request)
        // The fee is inside what a seller is offered.
        let rate =
            side == .buy
            ? price : price.times(FixedDecimal.one.minus(core.takerFee)).stepped(instrument.tickSize, .down)
        return [.init("rate", .decimal(rate))]
    }

    private func cancel(_ side: Side, _ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member]
    {
        _ = core.books.cancel(try order(side, request), at: core.now)
        return []
    }

    private func cancelAll(_ side: Side, _ request: CoinSpotRequest) -> [JSONValue.Member] {
        let coin = request.text("coin")?.uppercased()
        for order in core.books.openOrders(of: request.account)
        where order.terms.side == side && (coin == nil || core.instrument(order.terms.symbol)?.base == coin) {
            _ = core.books.cancel(order, at: core.now)
        }
        return []
    }

    // MARK: - Reading

    private func balances(_ request: CoinSpotRequest) -> [JSONValue.Member] {
        core.books.balances(request.account).keys.sorted().map { balance($0, request, showsAvailable: false) }
    }

    private func balance(_ coin: String, _ request: CoinSpotRequest, showsAvailable: Bool) -> JSONValue.Member
    {
        let held = core.books.balances(request.account)[coin] ?? .init(total: .zero, locked: .zero)
        let rate = market.worth(coin)
        var members: [JSONValue.Member] = [.init("balance", CoinSpotMarket.number(held.total))]
        if showsAvailable {
            members.append(.init("available", CoinSpotMarket.number(held.total.minus(held.locked))))
        }
        members += [
            .init("audbalance", .number(held.total.times(rate).text(digits: 2))),
            .init("rate", CoinSpotMarket.number(rate)),
        ]
        return .init(coin, .object(members))
    }

    private func open(_ request: CoinSpotRequest) -> [JSONValue.Member] {
        let coin = request.text("cointype")?.uppercased()
        let quote = request.text("markettype")?.uppercased()
        let isOriginal = core.settings.text(CoinSpotSettings.openAmount) == "original"
        let lag = core.settings.milliseconds(CoinSpotSettings.openLag)
        let newest = core.now.advanced(byMilliseconds: -lag)
        func rows(_ side: Side) -> JSONValue {
            .array(
                core.books.openOrders(of: request.account).filter { order in
                    let instrument = core.instrument(order.terms.symbol)
                    return order.terms.side == side && (coin == nil || instrument?.base == coin)
                        && (quote == nil || instrument?.quote == quote) && order.createdAt <= newest
                }.map { order in
                    let amount = isOriginal ? order.terms.quantity : order.remaining
                    let instrument = core.instrument(order.terms.symbol)
                    return .members([
                        "id": .string(id(order)), "coin": .string(instrument?.base ?? ""),
                        "market": .string(instrument.map { market.name($0) } ?? ""),
                        "amount": CoinSpotMarket.number(amount),
                        "created": .string(UTCText.text(order.createdAt)),
                        "rate": CoinSpotMarket.number(order.terms.price ?? .zero),
                        "total": CoinSpotMarket.number(amount.times(order.terms.price ?? .zero)),
                    ])
                })
        }
        return [.init("buyorders", rows(.buy)), .init("sellorders", rows(.sell))]
    }

    /// What is done: fills, or orders that have ended with some, newest first.
    private struct Done {
        let order: BookOrder
        let price, quantity, quote, fee: FixedDecimal
        let time: Timestamp
    }

    private func done(_ request: CoinSpotRequest) throws(CoinSpotError) -> [Done] {
        let lag = core.settings.milliseconds(CoinSpotSettings.completedLag)
        let newest = core.now.advanced(byMilliseconds: -lag)
        func date(_ name: String) throws(CoinSpotError) -> Timestamp? {
            guard let text = request.text(name) else { return nil }
            guard let time = UTCText.time(text) else { throw refused("Invalid \(name)") }
            return time
        }
        let start = try date("startdate")
        // A day named as the end is in.
        var end = try date("enddate")
        if let last = end, request.text("enddate")?.contains("-") == true {
            end = last.advanced(byMilliseconds: 86_399_999)
        }
        let coin = request.text("cointype")?.uppercased()
        let all: [Done]
        if core.settings.text(CoinSpotSettings.completedRows) == "trades" {
            all = (core.books.trades[request.account] ?? []).map {
                Done(
                    order: $0.order, price: $0.price, quantity: $0.quantity, quote: $0.quote, fee: $0.fee,
                    time: $0.time)
            }
        } else {
            all = core.books.orders(of: request.account).filter { $0.state != .open && $0.filled.isPositive }
                .map {
                    Done(
                        order: $0, price: $0.averagePrice ?? .zero, quantity: $0.filled,
                        quote: $0.filledQuote, fee: $0.fee,
                        time: $0.updatedAt)
                }
        }
        return all.reversed().filter { row in
            row.time <= newest && (start.map { row.time >= $0 } ?? true)
                && (end.map { row.time <= $0 } ?? true)
                && (coin == nil || core.instrument(row.order.terms.symbol)?.base == coin)
        }
    }

    private func completed(_ request: CoinSpotRequest, onlyMarket: Bool) throws(CoinSpotError) -> [JSONValue
        .Member]
    {
        let limit = request.text("limit").flatMap { Int($0) } ?? 200
        guard (1...500).contains(limit) else { throw refused("Invalid limit") }
        let rows = try done(request).filter { !onlyMarket || $0.order.type == "market" }.prefix(limit)
        func list(_ side: Side) -> JSONValue {
            .array(rows.filter { $0.order.terms.side == side }.map { row($0) })
        }
        return [.init("buyorders", list(.buy)), .init("sellorders", list(.sell))]
    }

    /// The tenth that is tax, and the rest.
    private func fees(_ done: Done) -> (withoutTax: FixedDecimal, tax: FixedDecimal) {
        let finest = FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000_000)
        let tax = done.fee.over(FixedDecimal(11), .down).stepped(finest, .down)
        return (done.fee.minus(tax), tax)
    }

    private func row(_ done: Done) -> JSONValue {
        let instrument = core.instrument(done.order.terms.symbol)
        let fees = fees(done)
        let showsID = core.settings.text(CoinSpotSettings.completedIDs) == "present"
        return .members([
            "id": showsID && done.order.type == "market" ? .string(id(done.order)) : nil,
            "coin": .string(instrument?.base ?? ""), "type": .string(done.order.type),
            "market": .string(instrument.map { market.name($0) } ?? ""),
            "rate": CoinSpotMarket.number(done.price),
            "amount": CoinSpotMarket.number(done.quantity), "total": CoinSpotMarket.number(done.quote),
            "solddate": .string(UTCText.text(done.time)),
            "audfeeExGst": CoinSpotMarket.number(fees.withoutTax),
            "audGst": CoinSpotMarket.number(fees.tax), "audtotal": CoinSpotMarket.number(done.quote),
            "otc": .bool(false),
        ])
    }

    private func transactions(_ request: CoinSpotRequest) throws(CoinSpotError) -> [JSONValue.Member] {
        let rows = try done(request).prefix(500)
        func list(_ side: Side) -> JSONValue {
            .array(
                rows.filter { $0.order.terms.side == side }.map { done in
                    let fees = fees(done)
                    return .members([
                        "market": .string(
                            core.instrument(done.order.terms.symbol).map { market.name($0) } ?? ""),
                        "amount": CoinSpotMarket.number(done.quantity),
                        "created": .string(UTCText.text(done.time)),
                        "total": CoinSpotMarket.number(done.quote),
                        "audtotal": CoinSpotMarket.number(done.quote),
                        "audfeeExGst": CoinSpotMarket.number(fees.withoutTax),
                        "audGst": CoinSpotMarket.number(fees.tax), "otc": .bool(false),
                    ])
                })
        }
        return [.init("buyorders", list(.buy)), .init("sellorders", list(.sell))]
    }
}
