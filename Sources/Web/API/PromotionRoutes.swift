import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// The gates between the Lab, play money and real money.
enum PromotionRoutes {
    static let all: [Route] = [
        Route("GET", "/lab/algorithms/:id/promote", .strategy(.viewStrategy)) { call in
            var query = try call.query()
            let request = PromotionRequest(
                version: try query.word("version"), backtest: try query.word("backtest"))
            try query.finish()
            return .json(.ok, try await call.promotion.promotion(of: call.strategy, request).json)
        },
        Route(
            "POST", "/lab/algorithms/:id/promote", .strategy(.changeStrategy), body: .json, handler: promote),
        Route("POST", "/lab/algorithms/:id/demote", .strategy(.changeStrategy), body: .json, handler: demote),
        Route(
            "POST", "/lab/algorithms/:id/review", .permitted(.reviewStrategies), body: .json, handler: review),
        Route("GET", "/lab/criteria", .permitted(.list)) { call in
            try call.noQuery()
            return .json(.ok, try await call.promotion.promotionCriteria().json)
        },
        Route("PATCH", "/lab/criteria", .permitted(.changePromotion), body: .json) { call in
            try call.noQuery()
            let body = try call.json()
            return .json(
                .ok, try await call.promotion.changePromotionCriteria(body, by: call.actor).json)
        },
    ]

    private static func promote(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        var request = PromotionRequest()
        request.version = try body.optionalString("version", bytes: 128)
        request.stage = try body.optionalChoice("stage", as: PromotionStage.self)
        request.backtest = try body.optionalString("backtest", bytes: 64)
        if let parameters = body.optional("parameters") {
            guard case .object = parameters else {
                throw body.failure("parameters", "must be an object, not \(parameters.kind)")
            }
            request.parameters = parameters
        }
        request.includesState = try body.optionalBool("state") ?? false
        try body.finish()
        if !AccessPolicy.permits(call.principal, .promoteToLive) {
            guard request.stage != .live else {
                throw HostError.denied("only an operator lets a version trade with real money")
            }
            request.stage = .paper
        }
        let view = try await call.promotion.promote(call.strategy, request, by: call.actor)
        return .json(.ok, view.json)
    }

    private static func demote(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let version = try body.optionalString("version", bytes: 128)
        let stage = try body.optionalChoice("stage", as: PromotionStage.self) ?? .lab
        guard stage != .live else { throw body.failure("stage", "must be \"lab\" or \"paper\"") }
        let reason = try body.string("reason", bytes: 1_024)
        guard !reason.isEmpty else { throw body.failure("reason", "is empty") }
        try body.finish()
        let request = DemotionRequest(version: version, stage: stage, reason: reason)
        return .json(
            .ok, try await call.promotion.demote(call.strategy, request, by: call.actor).json)
    }

    private enum Verdict: String, CaseIterable { case approve, refuse }

    private static func review(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let version = try body.optionalString("version", bytes: 128)
        let verdict = try body.choice("verdict", as: Verdict.self)
        let note = try body.optionalString("note", bytes: 4_096) ?? ""
        try body.finish()
        let request = ReviewRequest(version: version, approves: verdict == .approve, note: note)
        return .json(
            .ok, try await call.promotion.review(call.parameter("id"), request, by: call.actor).json)
    }
}

extension APICall {
    /// Promotion and deployments.
    var promotion: any PromotionService {
        get throws {
            guard let promotion = services.promotion else {
                throw HostError.unavailable("there is no Lab here")
            }
            return promotion
        }
    }

    /// Runs and their replays.
    var replays: any ReplayService {
        get throws {
            try promotion
        }
    }
}
