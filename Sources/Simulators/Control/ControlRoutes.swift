import HTTPMessages
import MarketData
import Posix
import Trading
import Wire

/// The door for whoever orders faults and looks into the books: `/_control/…`, JSON, this machine only. On the loop.
final class ControlRoutes {
    private let core: VenueCore
    private let venue: any WireVenue
    private let door: FrontDoor
    private let about: JSONValue

    init(_ core: VenueCore, _ venue: any WireVenue, _ door: FrontDoor, about: JSONValue) {
        self.core = core
        self.venue = venue
        self.door = door
        self.about = about
    }

    static let prefix = "/_control"

    /// What can be asked, in the words of its own page.
    private static let routes = [
        "GET /_control": "what this is, and what has happened",
        "GET /_control/faults": "the faults in force and how often each struck",
        "POST /_control/faults": "order a fault, or an array of them",
        "DELETE /_control/faults": "take all back",
        "DELETE /_control/faults/<id>": "take one back",
        "POST /_control/next?status=&code=&msg=&retry=&html=1":
            "the next request of the exchange's own gets that answer",
        "GET /_control/settings": "what can be set, and how it is",
        "PUT /_control/settings": "set: {\"name\":\"value\"}",
        "GET /_control/books?after=<trade>&from=<order>&orders=open":
            "all accounts: balances, deposits, orders, trades",
        "POST /_control/orders": "the user trades by hand: account, symbol, side, type, quantity, price",
        "DELETE /_control/orders/<number>?as=expired":
            "the user cancels by hand, or the exchange ends it by its own rules",
        "POST /_control/overfills": "more of an order trades than was ordered: order, quantity",
        "PUT /_control/trades": "a trade is listed otherwise than it was told: number, price",
        "POST /_control/deposits": "money in, or out when negative: account, currency, amount",
        "POST /_control/liquidations": "the exchange cancels and sells all: account, symbol",
        "PUT /_control/instruments": "change filters: symbol, tick_size, step_size, minimum_notional, status",
        "PUT /_control/market":
            "hold a price: symbol, bid, ask, bid_quantity, ask_quantity; or release: symbol, release",
        "POST /_control/disconnect?announced=1": "cut every WebSocket; Binance can say so before",
    ]

    func answer(_ call: Call) -> Answer {
        guard isAllowed(call) else {
            return failure(403, "the control door is for this machine, and not for web pages")
        }
        do throws(FieldFailure) {
            return try route(call)
        } catch {
            return failure(400, error.description)
        }
    }

    /// From this machine, under its name, and not by a page in a browser.
    private func isAllowed(_ call: Call) -> Bool {
        guard call.peer == "::1" || call.peer.hasPrefix("127.") || call.peer.hasPrefix("::ffff:127.") else {
            return false
        }
        guard call.head.headers.count("origin") == 0, let host = call.head.headers["host"] else {
            return false
        }
        let name = host.hasPrefix("[") ? "[::1]" : String(host.prefix { $0 != ":" }).lowercased()
        return ["localhost", "[::1]"].contains(name) || name.hasPrefix("127.")
    }

    private func failure(_ status: Int, _ words: String) -> Answer {
        .json(.members(["error": .string(words)]), status: status)
    }

    private func done(_ members: KeyValuePairs<String, JSONValue?> = [:]) -> Answer {
        guard case .object(let given) = JSONValue.members(members) else { return .json(.object([])) }
        return .json(.object([.init("done", .bool(true))] + given))
    }

    private func route(_ call: Call) throws(FieldFailure) -> Answer {
        let parts = Array(call.head.target.segments.dropFirst())
        switch (call.method, parts.first ?? "", parts.count) {
        case ("GET", "", _): return .json(overview())
        case ("GET", "faults", 1): return .json(core.faults.json)
        case ("POST", "faults", 1): return try addFaults(call)
        case ("DELETE", "faults", 1):
            core.faults.removeAll()
            return done()
        case ("DELETE", "faults", 2):
            guard let id = Int(parts[1]), core.faults.remove(id) else {
                return failure(404, "there is no such fault")
            }
            return done()
        case ("POST", "next", 1): return try next(call)
        case ("GET", "settings", 1): return .json(core.settings.json)
        case ("PUT", "settings", 1): return try set(call)
        case ("GET", "books", 1):
            return .json(
                BooksView.json(
                    core, after: call.query("after").flatMap { Int64($0) } ?? 0,
                    from: call.query("from").flatMap { Int64($0) } ?? 0,
                    onlyOpen: call.query("orders") == "open"))
        case ("POST", "orders", 1): return try order(call)
        case ("DELETE", "orders", 2):
            return try end(parts[1], call)
        case ("POST", "overfills", 1): return try overfill(call)
        case ("PUT", "trades", 1): return try retell(call)
        case ("POST", "deposits", 1): return try deposit(call)
        case ("POST", "liquidations", 1): return try liquidate(call)
        case ("PUT", "instruments", 1): return try change(call)
        case ("PUT", "market", 1): return try hold(call)
        case ("POST", "disconnect", 1):
            venue.disconnectStreams(isAnnounced: call.query("announced") == "1")
            return done()
        default: return failure(404, "there is no such thing here; GET /_control lists what there is")
        }
    }

    private func overview() -> JSONValue {
        .members([
            "simulator": about, "time": .time(core.now), "requests": .integer(door.requests),
            "orders": .integer(core.books.orderCount), "trades": .integer(core.books.tradeCount),
            "routes": .object(
                Self.routes.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
        ])
    }

    private func body(_ call: Call) throws(FieldFailure) -> JSONValue {
        do throws(JSONParser.Failure) {
            return try JSONParser.parse(call.body)
        } catch {
            throw FieldFailure(field: "", reason: "the body is not JSON: \(error)")
        }
    }

    private func addFaults(_ call: Call) throws(FieldFailure) -> Answer {
        let value = try body(call)
        var ids: [JSONValue] = []
        for rule in value.arrayValue ?? [value] { ids.append(.integer(try core.faults.add(rule))) }
        return done(["ids": .array(ids)])
    }

    /// The same as a fault of kind `status` that strikes once, in a form that needs no JSON.
    private func next(_ call: Call) throws(FieldFailure) -> Answer {
        var members: [JSONValue.Member] = [.init("kind", .string("status")), .init("times", .integer(1))]
        for (name, field) in [("status", "status"), ("code", "code"), ("retry", "retry_after")] {
            if let text = call.query(name) { members.append(.init(field, .number(text))) }
        }
        if let text = call.query("msg") { members.append(.init("message", .string(text))) }
        if call.query("html") == "1" { members.append(.init("html", .bool(true))) }
        return done(["id": .integer(try core.faults.add(.object(members)))])
    }

    private func set(_ call: Call) throws(FieldFailure) -> Answer {
        guard case .object(let members) = try body(call) else {
            throw FieldFailure(field: "", reason: "must be an object of names and values")
        }
        for member in members {
            switch member.value {
            case .string(let text), .number(let text): try core.settings.set(member.name, text)
            case .null, .bool, .array, .object:
                throw FieldFailure(field: member.name, reason: "must be text or a number")
            }
        }
        return done()
    }

    private func account(_ reader: inout ObjectReader) throws(FieldFailure) -> AccountID {
        let name = try reader.optionalString("account", bytes: 64)
        guard let name else { return core.books.accounts.first ?? "main" }
        guard core.books.accounts.contains(AccountID(name)) else {
            throw reader.failure(
                "account", "there are \(core.books.accounts.map(\.text).joined(separator: ", "))")
        }
        return AccountID(name)
    }

    private func symbol(_ reader: inout ObjectReader) throws(FieldFailure) -> Instrument {
        let name = try reader.string("symbol", bytes: 32)
        guard let instrument = core.instrument(name) else {
            throw reader.failure(
                "symbol", "there are \(core.instruments.map(\.symbol).joined(separator: ", "))")
        }
        return instrument
    }

    private func order(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let account = try account(&reader)
        let instrument = try symbol(&reader)
        guard let side = try reader.optionalChoice("side", as: Side.self) else {
            throw reader.failure("side", "is missing")
        }
        let price = try reader.optionalDecimal("price")
        let quantity = try reader.decimal("quantity")
        try reader.finish()
        let terms = OrderTerms(
            symbol: instrument.symbol, side: side, type: price == nil ? .market : .limit, quantity: quantity,
            price: price, timeInForce: price == nil ? .ioc : .gtc)
        let placed = core.books.place(
            terms, on: account, clientID: "web_" + core.dice.hexadecimal(24),
            type: price == nil ? "MARKET" : "LIMIT",
            origin: .website, at: core.now)
        switch placed {
        case .success(let order): return done(["order": BooksView.json(order)])
        case .failure(let refusal): return failure(400, refusal.description)
        }
    }

    private func end(_ number: String, _ call: Call) throws(FieldFailure) -> Answer {
        let word = call.query("as") ?? "cancelled"
        guard ["cancelled", "expired"].contains(word) else {
            throw FieldFailure(field: "as", reason: "is \"cancelled\" or \"expired\"")
        }
        guard let number = Int64(number), let order = core.books.orders[number],
            word == "expired"
                ? core.books.expire(order, at: core.now) : core.books.cancel(order, at: core.now)
        else { return failure(404, "there is no such open order") }
        return done()
    }

    private func overfill(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let number = Int64(try reader.integer("order", in: 0...Int.max))
        let quantity = try reader.decimal("quantity")
        try reader.finish()
        guard quantity.isPositive else { throw reader.failure("quantity", "must be above 0") }
        guard let order = core.books.orders[number],
            core.books.overfill(order, by: quantity, at: core.now)
        else { return failure(404, "there is no such order that has traded, or not the money for it") }
        return done()
    }

    private func retell(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let number = Int64(try reader.integer("number", in: 0...Int.max))
        let price = try reader.decimal("price")
        try reader.finish()
        guard TradingBounds.allows(price: price) else {
            throw reader.failure("price", "must be above 0 and at most \(TradingBounds.price)")
        }
        guard core.books.retell(number, price: price) else { return failure(404, "there is no such trade") }
        return done()
    }

    private func deposit(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let account = try account(&reader)
        let currency = try reader.string("currency", bytes: 16)
        let amount = try reader.decimal("amount")
        try reader.finish()
        do throws(MatchingRefusal) {
            try core.books.deposit(amount, of: currency, on: account)
            return done()
        } catch {
            return failure(400, error.description)
        }
    }

    private func liquidate(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let account = try account(&reader)
        let instrument = try symbol(&reader)
        try reader.finish()
        let now = core.now
        for order in core.books.openOrders(of: account) where order.terms.symbol == instrument.symbol {
            _ = core.books.cancel(order, at: now)
        }
        let held = core.books.free(instrument.base, of: account).stepped(instrument.stepSize, .down)
        guard held.isPositive else { return failure(400, "there is nothing to sell") }
        let terms = OrderTerms(
            symbol: instrument.symbol, side: .sell, type: .market, quantity: held, timeInForce: .ioc)
        let placed = core.books.place(
            terms, on: account, clientID: "autoclose-" + core.dice.hexadecimal(16), type: "MARKET",
            origin: .exchange,
            at: now)
        switch placed {
        case .success(let order): return done(["order": BooksView.json(order)])
        case .failure(let refusal): return failure(400, refusal.description)
        }
    }

    private func change(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let old = try symbol(&reader)
        let tick = try reader.optionalDecimal("tick_size") ?? old.tickSize
        let step = try reader.optionalDecimal("step_size") ?? old.stepSize
        let least = try reader.optionalDecimal("minimum_notional") ?? old.minimumNotional
        let isTrading = try reader.optionalString("status", bytes: 16)
        try reader.finish()
        guard tick.isPositive, step.isPositive, !least.isNegative else {
            throw reader.failure("tick_size", "steps are above 0 and the least value is not below it")
        }
        if let isTrading { core.statuses[old.symbol] = isTrading }
        core.books.list(
            Instrument(
                symbol: old.symbol, base: old.base, quote: old.quote, tickSize: tick, stepSize: step,
                minimumNotional: least))
        return done()
    }

    private func hold(_ call: Call) throws(FieldFailure) -> Answer {
        var reader = try ObjectReader(try body(call))
        let instrument = try symbol(&reader)
        if try reader.optionalBool("release") == true {
            try reader.finish()
            core.tape.release(instrument.symbol)
            return done()
        }
        let bid = try reader.decimal("bid")
        let ask = try reader.decimal("ask")
        let bidQuantity = try reader.optionalDecimal("bid_quantity") ?? FixedDecimal(1000)
        let askQuantity = try reader.optionalDecimal("ask_quantity") ?? FixedDecimal(1000)
        try reader.finish()
        guard bid.isPositive, bid <= ask, ask <= TradingBounds.price, !bidQuantity.isNegative,
            !askQuantity.isNegative
        else {
            throw reader.failure("bid", "must be above 0 and not above ask, and quantities not below 0")
        }
        core.tape.hold(
            Quote(
                symbol: instrument.symbol, time: core.now, bid: bid, bidQuantity: bidQuantity, ask: ask,
                askQuantity: askQuantity))
        return done()
    }
}

/// The books as the control door shows them: what an independent witness saw.
enum BooksView {
    static func json(
        _ core: VenueCore, after trade: Int64, from order: Int64 = 0, onlyOpen: Bool
    ) -> JSONValue {
        func orders(_ account: AccountID) -> [BookOrder] {
            if onlyOpen { return core.books.openOrders(of: account).filter { $0.number >= order } }
            return order > 0
                ? core.books.orders(of: account, from: order) : core.books.orders(of: account)
        }
        return .members([
            "time": .time(core.now),
            "accounts": .array(
                core.books.accounts.map { account in
                    .members([
                        "account": .string(account.text),
                        "balances": .object(
                            core.books.balances(account).sorted { $0.key < $1.key }.map {
                                .init(
                                    $0.key,
                                    .members([
                                        "total": .decimal($0.value.total),
                                        "locked": .decimal($0.value.locked),
                                    ]))
                            }),
                        "deposits": .object(
                            (core.books.deposits[account] ?? [:]).sorted { $0.key < $1.key }.map {
                                .init($0.key, .decimal($0.value))
                            }),
                        "orders": .array(orders(account).map { json($0) }),
                        "trades": .array(
                            core.books.trades(of: account, from: min(trade, .max - 1) + 1).map { json($0) }),
                    ])
                }),
        ])
    }

    static func json(_ order: BookOrder) -> JSONValue {
        .members([
            "number": .integer(order.number), "account": .string(order.account.text),
            "client_id": .string(order.clientID),
            "origin": .string(order.origin.rawValue), "symbol": .string(order.terms.symbol),
            "side": .string(order.terms.side.rawValue), "type": .string(order.terms.type.rawValue),
            "quantity": .decimal(order.terms.quantity), "price": order.terms.price.map { .decimal($0) },
            "stop_price": order.terms.stopPrice.map { .decimal($0) }, "filled": .decimal(order.filled),
            "filled_quote": .decimal(order.filledQuote), "state": .string("\(order.state)"),
            "reason": order.reason.map { .string($0) }, "created": .time(order.createdAt),
            "updated": .time(order.updatedAt),
        ])
    }

    static func json(_ trade: BookTrade) -> JSONValue {
        .members([
            "number": .integer(trade.number), "order": .integer(trade.order.number),
            "client_id": .string(trade.order.clientID), "symbol": .string(trade.order.terms.symbol),
            "side": .string(trade.order.terms.side.rawValue), "price": .decimal(trade.price),
            "quantity": .decimal(trade.quantity), "quote": .decimal(trade.quote), "fee": .decimal(trade.fee),
            "fee_currency": .string(trade.feeCurrency), "maker": .bool(trade.isMaker),
            "time": .time(trade.time),
        ])
    }
}
