import HTTPMessages
import Host
import Identity
import Lab
import Trading
import Wire

/// What may be deployed, and what is.
enum DeploymentRoutes {
    static let all: [Route] = [
        Route("GET", "/floor/available", .permitted(.list)) { call in
            let page = try call.page(default: 1000)
            let views = try await call.promotion.available(owner: call.visibleOwner)
            return try Lists.response(all: views, page, \.json)
        },
        Route("GET", "/floor/deployments", .permitted(.list)) { call in
            let page = try call.page(default: 1000)
            let views = try await call.promotion.deployments(owner: call.visibleOwner)
            return try Lists.response(all: views, page, \.json)
        },
        Route("POST", "/floor/deployments", .decidedByHandler, body: .json, handler: deploy),
        Route("GET", "/floor/deployments/:id", .decidedByHandler) { call in
            try call.noQuery()
            return .json(.ok, try await deployment(call, .viewStrategy).json)
        },
        Route("DELETE", "/floor/deployments/:id", .decidedByHandler, handler: end),
    ]

    private static func deploy(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        var request = DeployRequest(
            package: try body.string("package", bytes: 64), account: try body.string("account", bytes: 64))
        request.feed = try body.optionalString("feed", bytes: 64)
        request.capital = try body.optionalDecimal("capital")
        if let capital = request.capital, !capital.isPositive {
            throw body.failure("capital", "is \(capital), it must be above 0")
        }
        request.isBeside = try body.optionalBool("beside") ?? false
        try body.finish()
        let strategy = try await call.promotion.strategy(ofPackage: request.package)
        try call.check(
            .runStrategy, owner: try await call.host.owner(of: strategy),
            else: .notFound(kind: "package", id: request.package))
        return .json(.created, try await call.promotion.deploy(request, by: call.actor).json)
    }

    private static func end(_ call: APICall) async throws -> HTTPResponse {
        let orders = try orders(call)
        _ = try await deployment(call, .runStrategy)
        let view = try await call.promotion.endDeployment(
            call.parameter("id"), orders: orders, by: call.actor)
        return .json(.ok, view.json)
    }

    /// What `?orders=` asks for.
    static func orders(_ call: APICall) throws(FieldFailure) -> OrdersAtEnd? {
        var query = try call.query()
        let word = try query.word("orders")
        try query.finish()
        return try word.map { word throws(FieldFailure) in
            guard let orders = OrdersAtEnd(rawValue: word) else {
                throw FieldFailure(field: "orders", reason: "must be keep, cancel or flatten")
            }
            return orders
        }
    }

    /// The deployment in the path, when the asker may know of it.
    private static func deployment(_ call: APICall, _ action: Action) async throws -> DeploymentView {
        let id = call.parameter("id")
        let view = try await call.promotion.deployment(id)
        try call.check(
            action, owner: view.deployment.owner, else: .notFound(kind: "deployment", id: id))
        return view
    }
}
