import HTTPMessages
import Host
import Identity
import Trading
import Wire

/// The whole floor: positions, profit, market data, accounts, limits, halt.
enum FloorRoutes {
    static let all: [Route] = [
        Route("GET", "/positions", .permitted(.list)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.positions(owner: call.visibleOwner), page, \.json)
        },
        Route("GET", "/positions/orders", .permitted(.list)) { call in
            let page = try call.page()
            return Lists.response(
                try await call.host.openOrders(owner: call.visibleOwner, page: page), \.json)
        },
        Route("GET", "/positions/pnl", .permitted(.list)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.profit(owner: call.visibleOwner).json)
        },
        Route("GET", "/events", .permitted(.list)) { call in
            try await EventRoutes.stream(.overview(owner: call.visibleOwner), call)
        },
        Route("POST", "/market-data/feed", .permitted(.injectMarketData), body: .json, handler: inject),
        Route("GET", "/feeds", .permitted(.viewFeeds)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.feeds(), page, \.json)
        },
        Route("POST", "/feeds", .permitted(.changeFeeds), body: .json) { call in
            try call.noQuery()
            return .json(.created, try await call.host.addFeed(try settings(call), by: call.actor).json)
        },
        Route("PATCH", "/feeds/:id", .permitted(.changeFeeds), body: .json) { call in
            try call.noQuery()
            let view = try await call.host.changeFeed(
                call.parameter("id"), try settings(call), by: call.actor)
            return .json(.ok, view.json)
        },
        Route("GET", "/accounts", .permitted(.viewAccounts)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.accounts(), page, \.json)
        },
        Route("POST", "/accounts", .permitted(.changeAccounts), body: .json) { call in
            try call.noQuery()
            return .json(.created, try await call.host.addAccount(try settings(call), by: call.actor).json)
        },
        Route("PATCH", "/accounts/:id", .permitted(.changeAccounts), body: .json) {
            call in
            try call.noQuery()
            let view = try await call.host.changeAccount(
                call.parameter("id"), try settings(call), by: call.actor)
            return .json(.ok, view.json)
        },
        Route("GET", "/accounts/:id/balance", .permitted(.viewAccounts)) { call in
            try call.noQuery()
            let id = call.parameter("id")
            let balances = try await call.host.balances(of: id)
            return .json(
                .ok, .members(["account": .string(id), "balances": .array(balances.map(\.json))]))
        },
        Route("GET", "/limits", .permitted(.viewLimits)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.limits().json)
        },
        Route("PATCH", "/limits", .permitted(.changeLimits), body: .json) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.changeLimits(try settings(call), by: call.actor).json)
        },
        Route("POST", "/limits/peak", .permitted(.changeLimits), body: .json) { call in
            try call.noQuery()
            var body = try call.object()
            let scope = try body.string("scope", bytes: 128)
            try body.finish()
            return .json(.ok, try await call.host.beginPeak(of: scope, by: call.actor).json)
        },
        Route("GET", "/orders/ambiguous", .permitted(.viewLimits)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.ambiguousOrders(), page, \.json)
        },
        Route("GET", "/orders/:id/story", .permitted(.viewAudit)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.orderStory(call.parameter("id")).json)
        },
        Route("POST", "/orders/:id/settle", .permitted(.resumeTrading), body: .json, handler: settle),
        Route("GET", "/brackets", .permitted(.list)) { call in
            let page = try call.page()
            return Lists.response(
                try await call.host.openBrackets(owner: call.visibleOwner, page: page), \.json)
        },
        Route("POST", "/brackets/:id/cancel", .permitted(.resumeTrading), body: .json) { call in
            try call.noQuery()
            try call.object().finish()
            return .json(
                .ok, try await call.host.cancelBracket(call.parameter("id"), by: call.actor).json)
        },
        Route("GET", "/halt", .permitted(.viewHalt)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.haltState(owner: call.visibleOwner).json)
        },
        Route("POST", "/halt", .decidedByHandler, body: .json, handler: halt),
        Route("POST", "/resume", .permitted(.resumeTrading), body: .json, handler: resume),
    ]

    /// A body whose members the host knows.
    private static func settings(_ call: APICall) throws -> JSONValue {
        let json = try call.json()
        guard case .object = json else {
            throw FieldFailure(field: "", reason: "the body must be an object, not \(json.kind)")
        }
        return json
    }

    // MARK: - Market data

    private static func inject(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        let count = try await call.host.inject(try settings(call), by: call.actor)
        return .json(.ok, .members(["accepted": .integer(count)]))
    }

    // MARK: - Halt

    private static func halt(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let reason = try body.optionalString("reason", bytes: 1024)
        let scope = try scope(&body)
        let flatten = try body.optionalBool("flatten") ?? false
        try body.finish()
        switch scope {
        case .all:
            guard AccessPolicy.permits(call.principal, .haltEverything) else {
                throw APIError(
                    .forbidden, "forbidden",
                    "only an operator stops everything; you may stop your own with scope \"strategy:ID\"")
            }
        case .venue, .account:
            guard AccessPolicy.permits(call.principal, .haltEverything) else {
                throw APIError(
                    .forbidden, "forbidden",
                    "only an operator stops an account or a venue; you may stop your own with scope \"strategy:ID\""
                )
            }
        case .strategy(let id):
            let owner = try await call.host.owner(of: id)
            try call.check(.haltStrategy, owner: owner, else: .notFound(kind: "strategy", id: id))
        }
        let request = HaltRequest(scope: scope, reason: reason, flatten: flatten)
        _ = try await call.host.halt(request, by: call.actor)
        return .json(.ok, try await call.host.haltState(owner: call.visibleOwner).json)
    }

    /// `venue_order` must be there, if only as null: that an order was never placed is not said by leaving something out.
    private static func settle(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let venueOrder: String?
        switch try body.requiredOrNull("venue_order") {
        case .null: venueOrder = nil
        case .string(let text) where (1...128).contains(text.utf8.count): venueOrder = text
        default:
            throw body.failure(
                "venue_order", "must be the venue's id of the order, or null when there is none")
        }
        try body.finish()
        let view = try await call.host.settleOrder(
            call.parameter("id"), as: venueOrder, by: call.actor)
        return .json(.ok, view.json)
    }

    private static func resume(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let scope = try scope(&body)
        try body.finish()
        _ = try await call.host.resumeTrading(scope, by: call.actor)
        return .json(.ok, try await call.host.haltState(owner: call.visibleOwner).json)
    }

    private static func scope(_ body: inout ObjectReader) throws(FieldFailure) -> HaltScope {
        guard let text = try body.optionalString("scope", bytes: 128) else { return .all }
        guard let scope = HaltScope(text) else {
            throw body.failure(
                "scope",
                "\"\(text.prefix(64))\" is not \"all\", \"venue:ID\", \"account:ID\" or \"strategy:ID\"")
        }
        return scope
    }
}
