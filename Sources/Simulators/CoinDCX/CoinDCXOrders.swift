import Trading
import Wire

/// CoinDCX's signed calls. On the loop.
final class CoinDCXOrders {
    private let core: VenueCore
    private let market: CoinDCXMarket

    init(_ core: VenueCore, _ market: CoinDCXMarket) {
        self.core = core
        self.market = market
    }

    static let paths: Set<String> = [
        "users/balances", "users/info", "orders/create", "orders/create_multiple", "orders/status",
        "orders/status_multiple", "orders/active_orders", "orders/active_orders_count",
        "orders/trade_history",
        "orders/cancel", "orders/cancel_all", "orders/cancel_by_ids", "orders/edit",
    ]

    func answer(_ path: String, _ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        switch path {
        case "users/balances": return balances(request)
        case "users/info":
            return .members([
                "coindcx_id": .string(request.account.text), "first_name": .string("Simulated"),
                "last_name": .string("User"), "mobile_number": .string("0000000000"),
                "email": .string("user@example.invalid"),
            ])
        case "orders/create": return .members(["orders": .array([try create(request.body, request)])])
        case "orders/create_multiple": return try createMultiple(request)
        case "orders/status": return try status(request)
        case "orders/status_multiple": return .array(try findMany(request).map { shown($0) })
        case "orders/active_orders": return try active(request)
        case "orders/active_orders_count":
            return .members(["count": .integer(try open(request).count), "status": .integer(200)])
        case "orders/trade_history": return try trades(request)
        case "orders/cancel":
            try cancel(try find(request.body, request))
            return done
        case "orders/cancel_all":
            for order in try open(request) { try cancel(order) }
            return done
        case "orders/cancel_by_ids":
            for order in try findMany(request) where order.state == .open { try cancel(order) }
            return done
        default: return try edit(request)
        }
    }

    private var done: JSONValue {
        core.settings.text(CoinDCXSettings.cancelAnswer) == "code"
            ? .members(["message": .string("success"), "status": .string("success"), "code": .integer(200)])
            : .members(["message": .string("success"), "status": .integer(200), "code": .integer(200)])
    }

    // MARK: - Balances

    func balances(_ request: CoinDCXRequest) -> JSONValue {
        let isText = core.settings.text(CoinDCXSettings.balances) == "text"
        func amount(_ value: FixedDecimal) -> JSONValue {
            isText ? .decimal(value) : CoinDCXMarket.number(value)
        }
        return .array(
            core.books.balances(request.account).sorted { $0.key < $1.key }.map {
                .members([
                    "currency": .string($0.key), "balance": amount($0.value.total.minus($0.value.locked)),
                    "locked_balance": amount($0.value.locked),
                ])
            })
    }

    // MARK: - Placing

    private func create(_ body: JSONValue, _ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        guard request.rights.contains(.trade) else { throw .credentials }
        guard let symbol = CoinDCXRequest.text(body["market"]), let instrument = core.instrument(symbol)
        else {
            throw CoinDCXError(422, "Currency pair is not valid")
        }
        guard let side = CoinDCXRequest.text(body["side"]).flatMap({ Side(rawValue: $0) }),
            let type = CoinDCXRequest.text(body["order_type"]),
            ["limit_order", "market_order"].contains(type),
            let quantity = CoinDCXRequest.text(body["total_quantity"]).flatMap({ FixedDecimal($0) })
        else { throw CoinDCXError(400, "Invalid Request.") }
        guard type == "limit_order" || market.takesMarketOrders(instrument) else {
            throw CoinDCXError(422, "Invalid Request")
        }
        var terms = OrderTerms(
            symbol: symbol, side: side, type: .market, quantity: quantity, timeInForce: .ioc)
        if type == "limit_order" {
            guard let price = CoinDCXRequest.text(body["price_per_unit"]).flatMap({ FixedDecimal($0) }),
                price.isPositive
            else {
                throw CoinDCXError(400, "Invalid Request.")
            }
            terms.type = .limit
            terms.timeInForce = .gtc
            terms.price = price
        }
        try check(terms, instrument)
        let name = CoinDCXRequest.text(body["client_order_id"]) ?? ""
        guard name.utf8.count <= 36 else { throw CoinDCXError(400, "Invalid Request.") }
        guard name.isEmpty || core.books.orders(named: name, of: request.account).isEmpty else {
            throw CoinDCXError(
                core.settings.integer(CoinDCXSettings.duplicateStatus),
                core.settings.text(CoinDCXSettings.duplicateMessage))
        }
        let open = core.books.openOrders(of: request.account).count { $0.terms.symbol == symbol }
        guard open < core.settings.integer(CoinDCXSettings.openOrders) else {
            throw CoinDCXError(422, "You have too many open orders in this market")
        }
        switch core.books.place(terms, on: request.account, clientID: name, type: type, at: core.now) {
        case .success(let order):
            return shown(order, isNew: core.settings.text(CoinDCXSettings.createState) == "init")
        case .failure(.insufficientBalance):
            throw CoinDCXError(
                core.settings.integer(CoinDCXSettings.fundsStatus),
                core.settings.text(CoinDCXSettings.fundsMessage))
        case .failure(let refusal): throw CoinDCXError(400, refusal.description)
        }
    }

    private func check(_ terms: OrderTerms, _ instrument: Instrument) throws(CoinDCXError) {
        guard core.statuses[instrument.symbol] ?? "active" == "active" else {
            throw CoinDCXError(422, "Market is not active")
        }
        guard terms.quantity >= instrument.stepSize else {
            throw CoinDCXError(400, "Quantity should be greater than \(instrument.stepSize)", "OMS-VF-0004")
        }
        guard terms.quantity.isMultiple(of: instrument.stepSize),
            terms.price?.isMultiple(of: instrument.tickSize) ?? true
        else { throw CoinDCXError(400, "Quantity or price has too many digits", "OMS-VF-0006") }
        guard terms.quantity <= CoinDCXMarket.largestQuantity else {
            throw CoinDCXError(
                400, "Quantity should be less than \(CoinDCXMarket.largestQuantity)", "OMS-VF-0004")
        }
        guard let last = core.tape.lastPrice(terms.symbol) else { return }
        if let price = terms.price {
            guard price >= last.over(FixedDecimal(3)), price <= last.times(FixedDecimal(3)) else {
                throw CoinDCXError(400, "Price is out of range", "OMS-VF-0001")
            }
        }
        guard (terms.price ?? last).times(terms.quantity) >= instrument.minimumNotional else {
            throw CoinDCXError(
                400, "Minimum order value should be \(instrument.minimumNotional) \(instrument.quote)",
                "OMS-VF-0041")
        }
    }

    /// Markets in rupees only; each order by itself.
    private func createMultiple(_ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        guard let list = request.body["orders"]?.arrayValue, (1...10).contains(list.count) else {
            throw CoinDCXError(400, "Invalid Request.")
        }
        var answers: [JSONValue] = []
        for body in list {
            do throws(CoinDCXError) {
                guard CoinDCXRequest.text(body["ecode"]) == "I" else {
                    throw CoinDCXError(422, "Invalid Request")
                }
                answers.append(try create(body, request))
            } catch {
                answers.append(.members(["error_message": .string(error.message)]))
            }
        }
        return .members(["orders": .array(answers)])
    }

    // MARK: - Finding

    /// An order's id: digits, or a UUID made of them.
    func id(_ order: BookOrder) -> String {
        guard core.settings.text(CoinDCXSettings.orderIDs) == "uuid" else {
            return String(310_000_000 + order.number)
        }
        let digits = String(order.number, radix: 16)
        let tail = String(repeating: "0", count: 12 - min(12, digits.utf8.count)) + digits
        return "ead19992-43fd-11e8-b027-\(tail)"
    }

    private func number(_ id: String) -> Int64? {
        if let number = Int64(id) { return number &- 310_000_000 }
        return id.split(separator: "-").last.flatMap { Int64($0, radix: 16) }
    }

    private func find(_ body: JSONValue, _ request: CoinDCXRequest) throws(CoinDCXError) -> BookOrder {
        let found: BookOrder?
        if let id = CoinDCXRequest.text(body["id"]) {
            found = number(id).flatMap { core.books.orders[$0] }
        } else if let name = CoinDCXRequest.text(body["client_order_id"]) {
            found = core.books.orders(named: name, of: request.account).last
        } else {
            throw CoinDCXError(400, "Invalid Request.")
        }
        guard let found, found.account == request.account else { throw unknown }
        return found
    }

    /// What `orders/status` shows, which may lag behind.
    private func status(_ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        let found = try find(request.body, request)
        let age = core.now.milliseconds - found.createdAt.milliseconds
        guard age >= core.settings.milliseconds(CoinDCXSettings.statusLag) else { throw unknown }
        return shown(found)
    }

    private var unknown: CoinDCXError {
        CoinDCXError(
            core.settings.integer(CoinDCXSettings.unknownStatus),
            core.settings.text(CoinDCXSettings.unknownMessage))
    }

    private func findMany(_ request: CoinDCXRequest) throws(CoinDCXError) -> [BookOrder] {
        let ids = request.body["ids"] ?? request.body["orderIds"]
        let isByID = ids != nil
        guard let list = (ids ?? request.body["client_order_ids"])?.arrayValue, (1...10).contains(list.count)
        else {
            throw CoinDCXError(400, "Invalid Request.")
        }
        return list.compactMap { item in
            guard let text = CoinDCXRequest.text(item) else { return nil }
            let found =
                isByID
                ? number(text).flatMap { core.books.orders[$0] }
                : core.books.orders(named: text, of: request.account).last
            return found?.account == request.account ? found : nil
        }
    }

    /// The open orders of the market that has to be named, newest first.
    private func open(_ request: CoinDCXRequest) throws(CoinDCXError) -> [BookOrder] {
        guard let symbol = request.text("market"), core.instrument(symbol) != nil else {
            throw CoinDCXError(422, "Currency pair is not valid")
        }
        let side = request.text("side")
        return core.books.openOrders(of: request.account).reversed().filter {
            $0.terms.symbol == symbol && (side == nil || $0.terms.side.rawValue == side)
        }
    }

    private func active(_ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        let size = request.text("size").flatMap { Int($0) } ?? 200
        let page = request.text("page").flatMap { Int($0) } ?? 1
        guard (1...200).contains(size), page >= 1 else { throw CoinDCXError(400, "Invalid Request.") }
        let rows = try open(request).dropFirst((page - 1) * size).prefix(size).map {
            shown($0, isActive: true)
        }
        return core.settings.text(CoinDCXSettings.activeOrders) == "wrapped"
            ? .members(["orders": .array(rows)]) : .array(rows)
    }

    private func trades(_ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        let limit = request.text("limit").flatMap { Int($0) } ?? 500
        guard (1...500).contains(limit) else {
            throw CoinDCXError(422, "limit must be less than or equal to 500")
        }
        let from = request.text("from_id").flatMap { Int64($0) } ?? 0
        let start = request.text("from_timestamp").flatMap { Int64($0) } ?? 0
        let end = request.text("to_timestamp").flatMap { Int64($0) } ?? Int64.max
        let symbol = request.text("symbol")
        let newest = core.now.advanced(byMilliseconds: -core.settings.milliseconds(CoinDCXSettings.tradesLag))
        let fitting = (core.books.trades[request.account] ?? []).filter {
            $0.time <= newest && $0.number >= from && $0.time.milliseconds >= start
                && $0.time.milliseconds <= end
                && (symbol == nil || $0.order.terms.symbol == symbol)
        }
        let chosen = request.text("sort") == "desc" ? Array(fitting.reversed()) : fitting
        return .array(
            chosen.prefix(limit).map { trade in
                .members([
                    "id": .integer(trade.number), "order_id": .string(id(trade.order)),
                    "side": .string(trade.order.terms.side.rawValue), "fee_amount": .decimal(trade.fee),
                    "ecode": .string(
                        core.instrument(trade.order.terms.symbol).map { market.code($0) } ?? "B"),
                    "quantity": .decimal(trade.quantity), "price": .decimal(trade.price),
                    "symbol": .string(trade.order.terms.symbol), "timestamp": .time(trade.time),
                ])
            })
    }

    // MARK: - Changing

    private func cancel(_ order: BookOrder) throws(CoinDCXError) {
        guard core.books.cancel(order, at: core.now) else { throw CoinDCXError(422, "Order is not open") }
    }

    private func edit(_ request: CoinDCXRequest) throws(CoinDCXError) -> JSONValue {
        guard core.settings.text(CoinDCXSettings.edit) == "taken" else {
            throw CoinDCXError(422, "Edit order is not available yet for this exchange")
        }
        let order = try find(request.body, request)
        guard order.state == .open, order.terms.type == .limit,
            let instrument = core.instrument(order.terms.symbol),
            let price = request.text("price_per_unit").flatMap({ FixedDecimal($0) })
        else { throw CoinDCXError(422, "Invalid Request") }
        var terms = order.terms
        terms.price = price
        try check(terms, instrument)
        do throws(MatchingRefusal) {
            try core.books.amend(order, price: price, at: core.now)
        } catch {
            throw CoinDCXError(422, error.description)
        }
        return shown(order)
    }

    // MARK: - Showing

    static func state(_ order: BookOrder) -> String {
        switch order.state {
        case .open: order.filled.isPositive ? "partially_filled" : "open"
        case .filled: "filled"
        case .cancelled: order.filled.isPositive ? "partially_cancelled" : "cancelled"
        // A market order that found nothing to take.
        case .expired: order.filled.isPositive ? "partially_cancelled" : "rejected"
        }
    }

    /// An order object.
    ///
    /// - Parameters:
    ///   - isNew: Whether it is shown as just taken, whatever became of it since.
    ///   - isActive: Whether it stands in the list of active orders, which writes times and more in its own way.
    func shown(_ order: BookOrder, isNew: Bool = false, isActive: Bool = false) -> JSONValue {
        let number = CoinDCXMarket.number
        let percent = number(core.takerFee.times(FixedDecimal(100)))
        let isText = isActive && core.settings.text(CoinDCXSettings.activeTimes) == "iso"
        func time(_ time: Timestamp) -> JSONValue { isText ? .string(UTCText.text(time)) : .time(time) }
        let ended = order.state == .cancelled || order.state == .expired
        var members: [JSONValue.Member] = [
            .init("id", .string(id(order))),
            .init("client_order_id", order.clientID.isEmpty ? .null : .string(order.clientID)),
            .init("market", .string(order.terms.symbol)), .init("order_type", .string(order.type)),
            .init("side", .string(order.terms.side.rawValue)),
            .init("status", .string(isNew ? "init" : Self.state(order))),
            .init("fee_amount", number(isNew ? .zero : order.fee)), .init("fee", percent),
            .init("maker_fee", number(core.makerFee.times(FixedDecimal(100)))), .init("taker_fee", percent),
            .init("total_quantity", number(order.terms.quantity)),
            .init(
                "remaining_quantity", number(isNew ? order.terms.quantity : ended ? .zero : order.remaining)),
            .init("avg_price", number(isNew ? .zero : order.averagePrice ?? .zero)),
            .init("price_per_unit", number(order.terms.price ?? .zero)), .init("stop_price", number(.zero)),
            .init("time_in_force", .string("good_till_cancel")), .init("created_at", time(order.createdAt)),
            .init("updated_at", time(order.updatedAt)), .init("source", .string("web")),
            .init("trades", .null),
        ]
        if ended { members.append(.init("cancelled_quantity", number(order.remaining))) }
        for name in [
            "base_currency_name", "target_currency_name", "base_currency_short_name",
            "target_currency_short_name",
            "base_currency_precision", "target_currency_precision",
        ] { members.append(.init(name, .null)) }
        if isActive {
            members += [
                .init("user_id", .string(order.account.text)),
                .init("ecode", .string(core.instrument(order.terms.symbol).map { market.code($0) } ?? "B")),
                .init("market_order_locked", number(.zero)), .init("locked_spot_balance", number(.zero)),
            ]
        }
        return .object(members)
    }
}
