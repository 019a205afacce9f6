import HTTPMessages
import Host
import Identity
import Trading
import Wire

/// What is done with one strategy, and what it says and does.
enum RunRoutes {
    static let all: [Route] = [
        Route("POST", "/strategies/:id/start", .strategy(.runStrategy), body: .json) {
            call in
            try call.noQuery()
            let options = try startOptions(call.object())
            return .json(.ok, try await call.host.start(call.strategy, options: options, by: call.actor).json)
        },
        Route("POST", "/strategies/:id/stop", .strategy(.runStrategy), body: .json) {
            call in
            try call.noQuery()
            var body = try call.object()
            let orders = try body.optionalChoice("orders", as: OrdersAtEnd.self)
            try body.finish()
            return .json(.ok, try await call.host.stop(call.strategy, orders: orders, by: call.actor).json)
        },
        Route(
            "POST", "/strategies/:id/restart", .strategy(.runStrategy), body: .json
        ) {
            call in
            try nothing(call)
            return .json(.ok, try await call.host.restart(call.strategy, by: call.actor).json)
        },
        Route("POST", "/strategies/:id/pause", .strategy(.runStrategy), body: .json) {
            call in
            try nothing(call)
            return .json(.ok, try await call.host.pause(call.strategy, by: call.actor).json)
        },
        Route(
            "POST", "/strategies/:id/resume", .strategy(.runStrategy), body: .json
        ) {
            call in
            try nothing(call)
            return .json(.ok, try await call.host.resume(call.strategy, by: call.actor).json)
        },
        Route("GET", "/strategies/:id/status", .strategy(.viewStrategy)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.status(of: call.strategy).json)
        },
        Route("GET", "/strategies/:id/logs", .strategy(.viewStrategy), handler: logs),
        Route("GET", "/strategies/:id/events", .strategy(.viewStrategy)) { call in
            try await EventRoutes.stream(.strategy(call.strategy), call)
        },
        Route("GET", "/strategies/:id/violations", .strategy(.viewStrategy)) { call in
            try call.noQuery()
            return Lists.response(Page(items: try await call.host.violations(of: call.strategy)), \.json)
        },
        Route("GET", "/strategies/:id/signals", .strategy(.viewStrategy)) { call in
            Lists.response(try await call.host.signals(of: call.strategy, page: try call.page()), \.json)
        },
        Route("POST", "/strategies/:id/signals", .strategy(.runStrategy), body: .json) { call in
            try call.noQuery()
            let signal = try signalRequest(call)
            let view = try await call.host.deliver(signal, to: call.strategy, by: call.actor)
            return .json(.accepted, view.json)
        },
        Route("GET", "/strategies/:id/orders", .strategy(.viewStrategy)) { call in
            Lists.response(try await call.host.orders(of: call.strategy, page: try call.page()), \.json)
        },
        Route("GET", "/strategies/:id/brackets", .strategy(.viewStrategy)) { call in
            Lists.response(try await call.host.brackets(of: call.strategy, page: try call.page()), \.json)
        },
        Route("GET", "/strategies/:id/fills", .strategy(.viewStrategy)) { call in
            Lists.response(try await call.host.fills(of: call.strategy, page: try call.page()), \.json)
        },
        Route("GET", "/strategies/:id/candles", .strategy(.viewStrategy), handler: candles),
        Route("GET", "/strategies/:id/equity", .strategy(.viewStrategy), handler: equity),
        Route("GET", "/signals/:id", .decidedByHandler, handler: signal),
    ]

    /// Reads the body of a start.
    static func startOptions(_ reader: ObjectReader) throws(FieldFailure) -> StartOptions {
        var body = reader
        var options = StartOptions()
        options.feed = try body.optionalString("feed", bytes: 64)
        options.account = try body.optionalString("account", bytes: 64)
        options.version = try body.optionalString("version", bytes: 128)
        if let parameters = body.optional("parameters") {
            guard case .object = parameters else {
                throw body.failure("parameters", "must be an object, not \(parameters.kind)")
            }
            options.parameters = parameters
        }
        options.capital = try body.optionalDecimal("capital")
        if let capital = options.capital, !capital.isPositive {
            throw body.failure("capital", "is \(capital), it must be above 0")
        }
        try body.finish()
        return options
    }

    private static func nothing(_ call: APICall) throws {
        try call.noQuery()
        try call.object().finish()
    }

    // MARK: - Logs and signals

    private static func logs(_ call: APICall) async throws -> HTTPResponse {
        if call.wantsEvents { return try await EventRoutes.stream(.logs(strategy: call.strategy), call) }
        let page = try call.page()
        if let after = page.after, Int(after).map({ $0 >= 0 }) != true {
            throw FieldFailure(field: "after", reason: "\"\(after.prefix(32))\" is not a line's seq")
        }
        return Lists.response(try await call.host.logs(of: call.strategy, page: page), \.json)
    }

    /// The action and the symbol; everything else the sender said is the signal's data.
    private static func signalRequest(_ call: APICall) throws -> SignalRequest {
        let json = try call.json()
        var body = try ObjectReader(json)
        let action = try body.string("action", bytes: 64)
        guard !action.isEmpty else { throw body.failure("action", "is empty") }
        let symbol = try body.optionalString("symbol", bytes: 32)
        guard case .object(let members) = json else {
            preconditionFailure("the reader took it for an object")
        }
        let data = members.filter { $0.name != "action" && $0.name != "symbol" }
        return SignalRequest(action: action, symbol: symbol, data: .object(data))
    }

    private static func signal(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        let id = call.parameter("id")
        let view = try await call.host.signal(id)
        let owner = try await call.host.owner(of: view.strategy)
        try call.check(.viewStrategy, owner: owner, else: .notFound(kind: "signal", id: id))
        return .json(.ok, view.json)
    }

    // MARK: - Charts

    private static func candles(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let symbol = try query.word("symbol", bytes: 32)
        let limit = try query.integer("limit", in: 1...5000) ?? 500
        try query.finish()
        let candles = try await call.host.candles(of: call.strategy, symbol: symbol, limit: limit)
        return Lists.response(Page(items: candles), \.json)
    }

    private static func equity(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let limit = try query.integer("limit", in: 1...5000) ?? 1000
        try query.finish()
        return Lists.response(
            Page(items: try await call.host.equity(of: call.strategy, limit: limit)), \.json)
    }
}
