import HTTPMessages
import Trading
import Wire

/// Binance spot: REST v3, market streams and the WebSocket API. On the loop.
final class BinanceVenue: WireVenue {
    /// One thing that can be asked, by REST, by the WebSocket API or by both.
    struct Operation {
        /// Such as `GET /api/v3/order`.
        var rest: String?
        /// Such as `order.status`.
        var socket: String?
        var isSigned = false
        var weight: (BinanceRequest) -> Int
        /// What a success costs less.
        var isFreeOnSuccess = false
        let run: (BinanceRequest) throws(BinanceError) -> JSONValue

        init(
            _ rest: String?, _ socket: String?, signed: Bool = false, free: Bool = false,
            weight: @escaping (BinanceRequest) -> Int,
            _ run: @escaping (BinanceRequest) throws(BinanceError) -> JSONValue
        ) {
            self.rest = rest
            self.socket = socket
            isSigned = signed
            isFreeOnSuccess = free
            self.weight = weight
            self.run = run
        }

        init(
            _ rest: String?, _ socket: String?, signed: Bool = false, free: Bool = false, _ weight: Int,
            _ run: @escaping (BinanceRequest) throws(BinanceError) -> JSONValue
        ) {
            self.init(rest, socket, signed: signed, free: free, weight: { _ in weight }, run)
        }
    }

    let core: VenueCore
    let gate: BinanceGate
    let orders: BinanceOrders
    let market: BinanceMarket
    private var byREST: [String: Operation] = [:]
    private var bySocket: [String: Operation] = [:]
    private var paths: Set<String> = []
    private(set) var users: BinanceUserStreams
    private var streams: BinanceStreams

    init(_ core: VenueCore) {
        self.core = core
        gate = BinanceGate(core)
        orders = BinanceOrders(core, gate)
        market = BinanceMarket(core)
        users = BinanceUserStreams(core)
        streams = BinanceStreams(core, market)
        for operation in Self.operations(core, orders, market) {
            if let rest = operation.rest {
                byREST[rest] = operation
                paths.insert(String(rest.split(separator: " ")[1]))
            }
            if let socket = operation.socket { bySocket[socket] = operation }
        }
    }

    private static func operations(
        _ core: VenueCore, _ orders: BinanceOrders, _ market: BinanceMarket
    ) -> [Operation] {
        func perSymbols(_ one: Int, _ all: Int) -> (BinanceRequest) -> Int {
            { $0.text("symbol") == nil ? all : one }
        }
        let depthWeight: (BinanceRequest) -> Int = { request in
            switch request.text("limit").flatMap({ Int($0) }) ?? 100 {
            case ...100: 5
            case ...500: 25
            case ...1000: 50
            default: 250
            }
        }
        return [
            Operation("GET /api/v3/ping", "ping", 1) { _ in .object([]) },
            Operation("GET /api/v3/time", "time", 1) { .members(["serverTime": $0.shown(core.now)]) },
            Operation("GET /api/v3/exchangeInfo", "exchangeInfo", 20, market.exchangeInfo),
            Operation("GET /api/v3/depth", "depth", weight: depthWeight, market.depth),
            Operation("GET /api/v3/trades", "trades.recent", 25, market.trades),
            Operation("GET /api/v3/aggTrades", "trades.aggregate", 4, market.aggregateTrades),
            Operation("GET /api/v3/klines", "klines", 2, market.klines),
            Operation("GET /api/v3/avgPrice", "avgPrice", 2, market.average),
            Operation("GET /api/v3/ticker/24hr", "ticker.24hr", weight: perSymbols(2, 80), market.day),
            Operation("GET /api/v3/ticker/price", "ticker.price", weight: perSymbols(2, 4), market.price),
            Operation("GET /api/v3/ticker/bookTicker", "ticker.book", weight: perSymbols(2, 4), market.best),
            Operation("POST /api/v3/order", "order.place", signed: true, free: true, 1, orders.place),
            Operation("POST /api/v3/order/test", "order.test", signed: true, 1, orders.test),
            Operation("GET /api/v3/order", "order.status", signed: true, 4, orders.status),
            Operation("DELETE /api/v3/order", "order.cancel", signed: true, free: true, 1, orders.cancel),
            Operation(
                "POST /api/v3/order/cancelReplace", "order.cancelReplace", signed: true, free: true, 1,
                orders.cancelReplace),
            Operation(
                "PUT /api/v3/order/amend/keepPriority", "order.amend.keepPriority", signed: true, 4,
                orders.amend),
            Operation(
                "GET /api/v3/openOrders", "openOrders.status", signed: true, weight: perSymbols(6, 80),
                orders.openOrders),
            Operation(
                "DELETE /api/v3/openOrders", "openOrders.cancelAll", signed: true, free: true, 1,
                orders.cancelAll),
            Operation("GET /api/v3/allOrders", "allOrders", signed: true, 20, orders.allOrders),
            Operation(
                "GET /api/v3/myTrades", "myTrades", signed: true,
                weight: { $0.text("orderId") == nil ? 20 : 5 }, orders.myTrades),
            Operation("GET /api/v3/account", "account.status", signed: true, 20, orders.account),
            Operation(
                "GET /api/v3/account/commission", "account.commission", signed: true, 20, orders.commission),
            Operation("GET /sapi/v1/account/apiRestrictions", nil, signed: true, 1, orders.restrictions),
            Operation(
                "GET /api/v3/rateLimit/order", "account.rateLimits.orders", signed: true, 40,
                orders.orderLimits),
        ]
    }

    // MARK: - REST

    func answer(_ call: Call) -> Answer? {
        switch call.head.target.segments.first {
        case "ws", "stream":
            streams.connect(call)
            return nil
        case "ws-api":
            guard let socket = call.upgrade() else { return nil }
            BinanceSocketAPI(
                socket, self, isInMicroseconds: call.query("timeUnit")?.uppercased() == "MICROSECOND"
            ).begin()
            return nil
        case "sapi" where core.settings.text(BinanceSettings.permissions) == "absent": return .html(404)
        default: break
        }
        guard let operation = byREST["\(call.method) \(call.path)"] else {
            return paths.contains(call.path)
                ? error(
                    BinanceError(-1000, "Request method '\(call.method)' not supported", status: 405), call)
                : Answer.html(404)
        }
        do throws(BinanceError) {
            var request = try BinanceRequest(call)
            let result = try run(operation, &request, peer: call.peer)
            var answer = Answer.json(result)
            addHeaders(&answer, call)
            if operation.rest == "POST /api/v3/order", let account = request.account {
                let counts = gate.orderCount(account)
                answer.headers.append(("X-MBX-ORDER-COUNT-10S", String(counts.short)))
                answer.headers.append(("X-MBX-ORDER-COUNT-1D", String(counts.day)))
            }
            return answer
        } catch {
            return self.error(error, call)
        }
    }

    /// Counts, checks and carries out a request.
    func run(_ operation: Operation, _ request: inout BinanceRequest, peer: String) throws(BinanceError)
        -> JSONValue
    {
        let weight = operation.weight(request)
        try gate.admit(peer, weight: weight)
        if operation.isSigned { try gate.authenticate(&request) }
        let result = try operation.run(request)
        if operation.isFreeOnSuccess { gate.giveBack(peer, weight: weight) }
        return result
    }

    func operation(ofSocket method: String) -> Operation? { bySocket[method] }

    private func error(_ error: BinanceError, _ call: Call) -> Answer {
        var answer = Answer.json(error.json, status: error.status)
        if let seconds = error.retryAfter { answer.headers.append(("Retry-After", String(seconds))) }
        addHeaders(&answer, call)
        return answer
    }

    private func addHeaders(_ answer: inout Answer, _ call: Call) {
        let used = String(gate.usedWeight(call.peer))
        answer.headers += [("X-MBX-USED-WEIGHT", used), ("X-MBX-USED-WEIGHT-1M", used)]
    }

    func faultAnswer(_ fault: FaultRule) -> Answer {
        var answer: Answer
        if fault.isHTML {
            answer = .html(fault.status)
        } else {
            let usual = Self.usual(fault.status)
            answer = .json(
                .members([
                    "code": .integer(fault.code ?? usual.code),
                    "msg": .string(fault.message ?? usual.message),
                ]),
                status: fault.status)
        }
        if let seconds = fault.retryAfter ?? (fault.status == 429 || fault.status == 418 ? 1 : nil) {
            answer.headers.append(("Retry-After", String(seconds)))
        }
        return answer
    }

    /// What Binance says with a status, when nobody ordered something else.
    static func usual(_ status: Int) -> (code: Int, message: String) {
        switch status {
        case 418: (-1003, "Way too much request weight used; IP banned.")
        case 429: (-1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.")
        case 503:
            (-1006, "An unexpected response was received from the message bus. Execution status unknown.")
        case 500...:
            (
                -1007,
                "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
            )
        default: (-1000, "An unknown error occurred while processing the request.")
        }
    }

    // MARK: - Events

    func booksChanged(_ event: BookEvent) {
        switch event {
        case .traded(let order, _): orders.noteFill(order)
        case .ended(let order): orders.noteEnd(order)
        case .opened, .amended, .balances, .deposited: break
        }
        users.tell(event, cancelName: orders.cancelName)
    }

    func marketMoved(_ event: Tape.Event) {
        if case .quote(let quote) = event { market.noteQuote(quote.symbol) }
        streams.tell(event)
    }

    func disconnectStreams(isAnnounced: Bool) {
        users.disconnect(isAnnounced: isAnnounced)
        streams.disconnect(isAnnounced: isAnnounced)
    }

    func stop() {
        streams.stop()
    }
}
