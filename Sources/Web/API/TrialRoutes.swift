import HTTPMessages
import Host
import Identity
import Lab
import Trading
import Wire

/// Versions side by side.
enum TrialRoutes {
    static let all: [Route] = [
        Route("GET", "/floor/trials", .permitted(.list)) { call in
            let page = try call.page(default: 1000)
            let views = try await call.trials.trials(owner: call.visibleOwner)
            return try Lists.response(all: views, page, \.json)
        },
        Route("POST", "/floor/trials", .decidedByHandler, body: .json, handler: begin),
        Route("GET", "/floor/trials/:id", .decidedByHandler) { call in
            try call.noQuery()
            return .json(.ok, try await trial(call, .viewStrategy).json)
        },
        Route("DELETE", "/floor/trials/:id", .decidedByHandler) { call in
            let orders = try DeploymentRoutes.orders(call)
            _ = try await trial(call, .runStrategy)
            return .json(
                .ok, try await call.trials.endTrial(call.parameter("id"), orders: orders, by: call.actor).json
            )
        },
    ]

    private static func begin(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let request = TrialRequest(
            first: try body.string("first", bytes: 64), second: try body.string("second", bytes: 64),
            account: try body.string("account", bytes: 64), feed: try body.optionalString("feed", bytes: 64),
            capital: try body.decimal("capital"))
        guard request.capital.isPositive else {
            throw body.failure("capital", "is \(request.capital), it must be above 0")
        }
        try body.finish()
        for package in [request.first, request.second] {
            let strategy = try await call.promotion.strategy(ofPackage: package)
            try call.check(
                .runStrategy, owner: try await call.host.owner(of: strategy),
                else: .notFound(kind: "package", id: package))
        }
        return .json(.created, try await call.trials.beginTrial(request, by: call.actor).json)
    }

    /// The trial in the path, when the asker may know of it.
    private static func trial(_ call: APICall, _ action: Action) async throws -> TrialView {
        let id = call.parameter("id")
        let view = try await call.trials.trial(id)
        for side in [view.first, view.second] {
            try call.check(action, owner: side.deployment.owner, else: .notFound(kind: "trial", id: id))
        }
        return view
    }
}

extension APICall {
    /// Versions side by side.
    var trials: any TrialService {
        get throws {
            try promotion
        }
    }
}
