import Trading
import Wire

/// Orders, trades and accounts as Binance's REST v3 and WebSocket API have them. On the loop.
final class BinanceOrders {
    let core: VenueCore
    let gate: BinanceGate
    /// The name of the cancel under way, for the event that tells of it.
    private(set) var cancelName: String?
    /// Orders placed while they count as unfilled.
    private var counted: Set<Int64> = []

    init(_ core: VenueCore, _ gate: BinanceGate) {
        self.core = core
        self.gate = gate
    }

    // MARK: - Placing

    /// What an order would be, checked against every filter.
    private struct Draft {
        var terms: OrderTerms
        var type: String
        var quote: FixedDecimal?
        var clientID: String
        var answer: String
    }

    static let types = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"]

    func test(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        _ = try draft(request)
        return .object([])
    }

    func place(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let account = try trader(request)
        let draft = try draft(request)
        guard isFree(draft.clientID, account) else { throw .duplicate }
        try gate.admitOrder(account)
        let order = try place(draft, account)
        return BinanceJSON.placed(order, as: draft.answer, request)
    }

    private func place(_ draft: Draft, _ account: AccountID) throws(BinanceError) -> BookOrder {
        if draft.terms.type != .market, let instrument = core.instrument(draft.terms.symbol) {
            try BinanceFilters(core, instrument).checkCount(account)
        }
        let placed = core.books.place(
            draft.terms, on: account, clientID: draft.clientID, type: draft.type, quoteQuantity: draft.quote,
            at: core.now)
        switch placed {
        case .success(let order):
            if order.filled.isPositive { gate.filled(account) } else { counted.insert(order.number) }
            return order
        case .failure(let refusal): throw Self.error(refusal)
        }
    }

    /// A fill takes an order out of the count of unfilled ones; so does its end out of ours.
    func noteFill(_ order: BookOrder) {
        if counted.remove(order.number) != nil { gate.filled(order.account) }
    }

    func noteEnd(_ order: BookOrder) { counted.remove(order.number) }

    static func error(_ refusal: MatchingRefusal) -> BinanceError {
        switch refusal {
        case .insufficientBalance: .insufficient
        case .wouldTake: BinanceError(-2010, "Order would immediately match and take.")
        case .noMarket: BinanceError(-2010, "Market is closed.")
        case .unknownInstrument: .symbol
        case .filters(.notionalBelowMinimum): .filter("NOTIONAL")
        case .filters(.quantityBelowStep), .filters(.quantityNotAboveZero): .filter("LOT_SIZE")
        case .filters, .offStep: .filter("PRICE_FILTER")
        case .unknownOrder, .notOpen: .unknownOrder
        case .quantityBelowFilled: BinanceError(-2038, "Order amend (quantity) would leave nothing to fill.")
        case .unknownAccount, .insufficientMargin, .nothingToReduce:
            BinanceError(-2010, "This action is disabled on this account.")
        }
    }

    private func isFree(_ name: String, _ account: AccountID) -> Bool {
        let known = core.books.orders(named: name, of: account)
        switch core.settings.text(BinanceSettings.clientIDReuse) {
        case "never": return known.isEmpty
        case "filled": return known.allSatisfy { $0.state == .filled }
        default: return !known.contains { $0.state == .open }
        }
    }

    private func trader(_ request: BinanceRequest) throws(BinanceError) -> AccountID {
        guard let account = request.account, request.rights.contains(.trade) else {
            throw BinanceError(
                -2015, "Invalid API-key, IP, or permissions for action.",
                status: core.settings.integer(BinanceSettings.keyErrorStatus))
        }
        return account
    }

    private func draft(_ request: BinanceRequest) throws(BinanceError) -> Draft {
        let instrument = try instrument(request)
        guard let side = Side(rawValue: try request.required("side").lowercased()) else {
            throw BinanceError(-1117, "Invalid side.")
        }
        let type = try request.required("type").uppercased()
        guard Self.types.contains(type) else { throw BinanceError(-1116, "Invalid orderType.") }
        let name = try clientID(request.text("newClientOrderId"))
        let answer =
            (request.text("newOrderRespType") ?? (["LIMIT", "MARKET"].contains(type) ? "FULL" : "ACK"))
            .uppercased()
        guard ["ACK", "RESULT", "FULL"].contains(answer) else {
            throw BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        }
        let status = core.statuses[instrument.symbol] ?? "TRADING"
        guard status == "TRADING" else { throw BinanceError(-1013, "Market is closed.") }
        var terms = OrderTerms(symbol: instrument.symbol, side: side, type: .market, quantity: .zero)
        var quote: FixedDecimal?
        if type == "MARKET", request.text("quantity") == nil, request.text("quoteOrderQty") != nil {
            quote = try request.positive("quoteOrderQty")
            terms.quantity = try quantity(spending: quote ?? .zero, side, instrument)
        } else {
            guard request.text("quoteOrderQty") == nil else {
                throw BinanceError(-1106, "Parameter 'quoteOrderQty' sent when not required.")
            }
            terms.quantity = try request.positive("quantity")
        }
        try shape(&terms, type, request)
        try BinanceFilters(core, instrument).check(terms, isByQuote: quote != nil)
        return Draft(terms: terms, type: type, quote: quote, clientID: name, answer: answer)
    }

    /// Brings a type and its parameters into the engine's terms.
    private func shape(_ terms: inout OrderTerms, _ type: String, _ request: BinanceRequest)
        throws(BinanceError)
    {
        switch type {
        case "MARKET":
            terms.timeInForce = .ioc
        case "LIMIT", "STOP_LOSS_LIMIT":
            let word = try request.required("timeInForce")
            guard let time = TimeInForce(rawValue: word.lowercased()) else {
                throw BinanceError(-1115, "Invalid timeInForce.")
            }
            terms.type = type == "LIMIT" ? .limit : .stopLimit
            terms.timeInForce = time
            terms.price = try request.positive("price")
        case "LIMIT_MAKER":
            terms.type = .limit
            terms.postOnly = true
            terms.price = try request.positive("price")
        case "STOP_LOSS": terms.type = .stop
        default: terms.type = .takeProfit
        }
        guard terms.type.needsStopPrice else { return }
        terms.stopPrice = try request.positive("stopPrice")
        guard let market = core.books.market(terms.symbol), let stop = terms.stopPrice else { return }
        let isBelow = (terms.type == .takeProfit) == (terms.side == .buy)
        guard isBelow ? stop < market.last : stop > market.last else {
            throw BinanceError(-2010, "Stop price would trigger immediately.")
        }
    }

    /// How much a sum of money buys, or has to be sold for it.
    private func quantity(
        spending quote: FixedDecimal, _ side: Side, _ instrument: Instrument
    ) throws(BinanceError) -> FixedDecimal {
        guard let market = core.books.market(instrument.symbol) else {
            throw BinanceError(-2010, "Market is closed.")
        }
        let price = side == .buy ? market.ask : market.bid
        return quote.over(price, .down).stepped(instrument.stepSize, .down)
    }

    private func clientID(_ text: String?) throws(BinanceError) -> String {
        guard let text else { return core.dice.hexadecimal(22) }
        let isLegal =
            (1...36).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x3A).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/")].contains(
                        $0)
            }
        guard isLegal else {
            throw BinanceError(
                -1100,
                "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'."
            )
        }
        return text
    }

    func instrument(_ request: BinanceRequest) throws(BinanceError) -> Instrument {
        let symbol = try request.required("symbol")
        guard let instrument = core.instrument(symbol.uppercased()), symbol == symbol.uppercased() else {
            throw .symbol
        }
        return instrument
    }

    // MARK: - Finding

    /// The order that `orderId` or `origClientOrderId` names, the newest of a name.
    private func find(_ request: BinanceRequest, or absent: BinanceError, mismatch: BinanceError)
        throws(BinanceError)
        -> BookOrder
    {
        guard let account = request.account else { throw absent }
        let symbol = try instrument(request).symbol
        let number = try request.integer("orderId")
        let name = request.text("origClientOrderId")
        let found: BookOrder?
        switch (number, name) {
        case (nil, nil):
            throw BinanceError(
                -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        case (let number?, let name):
            found = core.books.orders[number]
            if let found, let name, found.clientID != name { throw mismatch }
        case (nil, let name?):
            found = core.books.orders(named: name, of: account).last { $0.terms.symbol == symbol }
        }
        guard let found, found.account == account, found.terms.symbol == symbol else { throw absent }
        return found
    }

    func status(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let order = try find(
            request, or: .noOrder,
            mismatch: BinanceError(-2039, "Client order ID is not correct for this order ID."))
        let age = core.now.milliseconds - order.createdAt.milliseconds
        guard age >= core.settings.milliseconds(BinanceSettings.queryLag) else { throw .noOrder }
        return BinanceJSON.order(order, request)
    }

    func openOrders(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = request.text("symbol") == nil ? nil : try instrument(request).symbol
        guard let account = request.account else { return .array([]) }
        return .array(
            core.books.openOrders(of: account).filter { symbol == nil || $0.terms.symbol == symbol }
                .map { BinanceJSON.order($0, request) })
    }

    func allOrders(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        let limit = try request.limit(standard: 500, most: 1000)
        let from = try request.integer("orderId")
        let (start, end) = try span(request)
        guard let account = request.account else { return .array([]) }
        let fitting = core.books.orders(of: account).filter { order in
            order.terms.symbol == symbol && (from.map { order.number >= $0 } ?? true)
                && (start.map { order.createdAt >= $0 } ?? true)
                && (end.map { order.createdAt <= $0 } ?? true)
        }
        let chosen = from == nil && start == nil ? fitting.suffix(limit) : fitting.prefix(limit)
        return .array(chosen.map { BinanceJSON.order($0, request) })
    }

    func myTrades(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        let limit = try request.limit(standard: 500, most: 1000)
        let number = try request.integer("orderId")
        let from = try request.integer("fromId")
        let (start, end) = try span(request)
        if start != nil || end != nil, number != nil || from != nil {
            throw BinanceError(-1128, "Combination of optional parameters invalid.")
        }
        guard let account = request.account else { return .array([]) }
        let newest = core.now.advanced(byMilliseconds: -core.settings.milliseconds(BinanceSettings.tradesLag))
        let fitting = core.books.trades(of: account, from: from ?? 0).filter { trade in
            trade.time <= newest && trade.order.terms.symbol == symbol
                && (number.map { trade.order.number == $0 } ?? true)
                && (start.map { trade.time >= $0 } ?? true) && (end.map { trade.time <= $0 } ?? true)
        }
        let chosen = from == nil && start == nil ? fitting.suffix(limit) : fitting.prefix(limit)
        return .array(chosen.map { BinanceJSON.trade($0, request) })
    }

    private func span(_ request: BinanceRequest) throws(BinanceError) -> (Timestamp?, Timestamp?) {
        let (start, end) = (try request.instant("startTime"), try request.instant("endTime"))
        if let start, let end {
            guard start <= end else {
                throw BinanceError(-1100, "Illegal parameters: startTime is behind endTime.")
            }
            guard end.milliseconds - start.milliseconds <= 86_400_000 else {
                throw BinanceError(-1127, "More than 24 hours between startTime and endTime.")
            }
        }
        return (start, end)
    }

    // MARK: - Cancelling and changing

    func cancel(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        _ = try trader(request)
        let order = try find(request, or: .unknownOrder, mismatch: .unknownOrder)
        if let restriction = request.text("cancelRestrictions") {
            let isAllowed = restriction == "ONLY_NEW" ? order.filled.isZero : order.filled.isPositive
            guard isAllowed else {
                throw BinanceError(-2011, "Order was not canceled due to cancel restrictions.")
            }
        }
        let name = try clientID(request.text("newClientOrderId"))
        try cancel(order, by: name)
        return BinanceJSON.cancelled(order, by: name, request)
    }

    private func cancel(_ order: BookOrder, by name: String) throws(BinanceError) {
        cancelName = name
        defer { cancelName = nil }
        guard core.books.cancel(order, at: core.now) else { throw .unknownOrder }
    }

    func cancelAll(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let account = try trader(request)
        let symbol = try instrument(request).symbol
        let open = core.books.openOrders(of: account).filter { $0.terms.symbol == symbol }
        if open.isEmpty, core.settings.text(BinanceSettings.cancelAllEmpty) == "error" { throw .unknownOrder }
        var answers: [JSONValue] = []
        for order in open {
            let name = core.dice.hexadecimal(22)
            try cancel(order, by: name)
            answers.append(BinanceJSON.cancelled(order, by: name, request))
        }
        return .array(answers)
    }

    /// Cancels one order and places another; either half may fail.
    func cancelReplace(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let account = try trader(request)
        let mode = try request.required("cancelReplaceMode")
        guard ["STOP_ON_FAILURE", "ALLOW_FAILURE"].contains(mode) else {
            throw BinanceError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        }
        let draft = try draft(request)
        var values = request.values
        values["orderId"] = request.text("cancelOrderId")
        values["origClientOrderId"] = request.text("cancelOrigClientOrderId")
        values["newClientOrderId"] = request.text("cancelNewClientOrderId")
        let cancelling = request.with(values)
        let cancelled: Result<JSONValue, BinanceError> = attempt { () throws(BinanceError) in
            try cancel(cancelling)
        }
        var replaced: Result<JSONValue, BinanceError>?
        if case .failure = cancelled, mode == "STOP_ON_FAILURE" {
            replaced = nil
        } else {
            replaced = attempt { () throws(BinanceError) in
                guard isFree(draft.clientID, account) else { throw .duplicate }
                try gate.admitOrder(account)
                return BinanceJSON.placed(try place(draft, account), as: draft.answer, request)
            }
        }
        return try Self.answer(cancelled, replaced)
    }

    private func attempt(_ body: () throws(BinanceError) -> JSONValue) -> Result<JSONValue, BinanceError> {
        do throws(BinanceError) {
            return .success(try body())
        } catch {
            return .failure(error)
        }
    }

    private static func answer(
        _ cancelled: Result<JSONValue, BinanceError>, _ replaced: Result<JSONValue, BinanceError>?
    ) throws(BinanceError) -> JSONValue {
        func word(_ result: Result<JSONValue, BinanceError>?) -> JSONValue {
            switch result {
            case .success: .string("SUCCESS")
            case .failure: .string("FAILURE")
            case nil: .string("NOT_ATTEMPTED")
            }
        }
        func body(_ result: Result<JSONValue, BinanceError>?) -> JSONValue {
            switch result {
            case .success(let value): value
            case .failure(let error): error.json
            case nil: .null
            }
        }
        let data = JSONValue.members([
            "cancelResult": word(cancelled), "newOrderResult": word(replaced),
            "cancelResponse": body(cancelled),
            "newOrderResponse": body(replaced),
        ])
        switch (cancelled, replaced) {
        case (.success, .success): return data
        case (.failure, .success), (.success, .failure), (.success, nil):
            var error = BinanceError(-2021, "Order cancel-replace partially failed.", status: 409)
            error.data = data
            throw error
        case (.failure, .failure), (.failure, nil):
            var error = BinanceError(-2022, "Order cancel-replace failed.", status: 400)
            error.data = data
            throw error
        }
    }

    /// Lowers an order's quantity.
    func amend(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        _ = try trader(request)
        let order = try find(request, or: .unknownOrder, mismatch: .unknownOrder)
        let quantity = try request.positive("newQty")
        let name = try request.text("newClientOrderId").map { (text) throws(BinanceError) in
            try clientID(text)
        }
        let instrument = try instrument(request)
        guard order.state == .open else { throw .unknownOrder }
        guard quantity.isPositive, quantity < order.terms.quantity, quantity > order.filled else {
            throw BinanceError(-2038, "Order amend (quantity increase) is not supported.")
        }
        guard quantity.isMultiple(of: instrument.stepSize) else { throw .filter("LOT_SIZE") }
        let before = order.clientID
        do throws(MatchingRefusal) {
            if let name { core.books.rename(order, to: name) }
            try core.books.amend(order, quantity: quantity, at: core.now)
        } catch {
            core.books.rename(order, to: before)
            throw Self.error(error)
        }
        return .members([
            "transactTime": request.shown(order.updatedAt), "executionId": .integer(order.number),
            "amendedOrder": .members([
                "symbol": .string(order.terms.symbol), "orderId": .integer(order.number),
                "orderListId": .integer(-1),
                "origClientOrderId": .string(before), "clientOrderId": .string(order.clientID),
                "price": BinanceJSON.amount(order.terms.price ?? .zero),
                "qty": BinanceJSON.amount(order.terms.quantity),
                "executedQty": BinanceJSON.amount(order.filled),
                "preventedQty": BinanceJSON.amount(.zero), "quoteOrderQty": BinanceJSON.amount(.zero),
                "cumulativeQuoteQty": BinanceJSON.amount(order.filledQuote),
                "status": .string(BinanceJSON.status(order)),
                "timeInForce": .string(BinanceJSON.timeInForce(order)),
                "type": .string(order.type), "side": .string(BinanceJSON.side(order)),
                "workingTime": request.shown(order.createdAt),
                "selfTradePreventionMode": .string("EXPIRE_MAKER"),
            ]),
        ])
    }
}
