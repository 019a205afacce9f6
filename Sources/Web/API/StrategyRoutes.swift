import HTTPMessages
import Host
import Identity
import Wire

/// Strategies: upload, look, delete.
enum StrategyRoutes {
    static let all: [Route] = [
        Route("GET", "/strategies", .permitted(.list), handler: list),
        Route(
            "POST", "/strategies", .permitted(.uploadStrategy), body: .upload,
            handler: upload),
        Route(
            "POST", "/strategies/validate", .permitted(.validateStrategy), body: .upload, handler: validate),
        Route(
            "POST", "/strategies/deploy", .permitted(.uploadStrategy), body: .upload,
            handler: deploy),
        Route("GET", "/strategies/:id", .strategy(.viewStrategy)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.strategy(call.strategy).json)
        },
        Route("DELETE", "/strategies/:id", .strategy(.deleteStrategy)) { call in
            try call.noQuery()
            try await call.host.delete(call.strategy, by: call.actor)
            return .json(.ok, .object([]))
        },
        Route(
            "POST", "/strategies/:id/versions", .strategy(.changeStrategy), body: .upload
        ) { call in
            let upload = try Upload(call)
            let view = try await call.host.uploadVersion(upload.bundle, of: call.strategy, by: call.actor)
            return .json(.created, view.json)
        },
        Route("GET", "/strategies/:id/source", .strategy(.viewStrategy)) { call in
            var query = try call.query()
            let version = try query.word("version")
            try query.finish()
            let files = try await call.host.source(of: call.strategy, version: version)
            return .json(.ok, .members(["files": .array(files.map(\.json))]))
        },
    ]

    private static func list(_ call: APICall) async throws -> HTTPResponse {
        let page = try await call.host.strategies(owner: call.visibleOwner, page: try call.page())
        return Lists.response(page, \.json)
    }

    private static func upload(_ call: APICall) async throws -> HTTPResponse {
        let upload = try Upload(call)
        return .json(.created, try await call.host.upload(upload.bundle, by: call.actor).json)
    }

    private static func validate(_ call: APICall) async throws -> HTTPResponse {
        let upload = try Upload(call)
        return .json(.ok, try await call.host.validate(upload.bundle).json)
    }

    private static func deploy(_ call: APICall) async throws -> HTTPResponse {
        let upload = try Upload(call, takesStart: true)
        // What the start says is read first: a wrong field must not leave a strategy behind.
        let options = try RunRoutes.startOptions(ObjectReader(upload.start ?? .object([]), path: "start"))
        let made = try await call.host.upload(upload.bundle, by: call.actor)
        do {
            _ = try await call.host.start(made.id, options: options, by: call.actor)
        } catch {
            throw APIError(
                .conflict, "not_started", "the strategy \"\(made.id)\" was uploaded but not started: \(error)"
            )
        }
        return .json(.created, try await call.host.strategy(made.id).json)
    }
}
