import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// Runs, and what another version would have done in their place.
enum ReplayRoutes {
    static let all: [Route] = [
        Route("GET", "/strategies/:id/runs", .strategy(.viewStrategy)) { call in
            let page = try call.page()
            let runs = try await call.replays.runs(of: call.strategy, limit: 1_000)
            return try Lists.response(all: runs, page, \.json)
        },
        Route("GET", "/strategies/:id/replays", .strategy(.viewStrategy)) { call in
            let page = try call.page()
            let replays = try await call.replays.replays(of: call.strategy)
            return try Lists.response(all: replays, page, \.json)
        },
        Route("POST", "/lab/replays", .decidedByHandler, body: .json, handler: replay),
        Route("GET", "/lab/replays/:id", .decidedByHandler) { call in
            try call.noQuery()
            let id = call.parameter("id")
            let record = try await call.replays.replay(id)
            try call.check(.viewStrategy, owner: record.owner, else: .notFound(kind: "replay", id: id))
            return .json(.ok, record.json)
        },
    ]

    private static func replay(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let run = try body.string("run", bytes: 64)
        let version = try body.optionalString("version", bytes: 128)
        try body.finish()
        let strategy = try await call.replays.strategy(ofRun: run)
        try call.check(
            .runStrategy, owner: try await call.host.owner(of: strategy),
            else: .notFound(kind: "run", id: run))
        return .json(.accepted, try await call.replays.replay(run, version: version, by: call.actor).json)
    }
}
