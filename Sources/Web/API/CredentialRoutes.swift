import HTTPMessages
import Host
import Identity
import Wire

/// Exchange credentials: entered, changed, tried, rotated, removed. No answer ever holds a secret.
enum CredentialRoutes {
    static let all: [Route] = [
        Route("GET", "/credentials", .permitted(.list)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(
                all: await call.host.credentials(owner: call.visibleOwner), page, \.json)
        },
        Route("POST", "/credentials", .permitted(.addCredential), body: .json) { call in
            let body = try body(call)
            return .json(.created, try await call.host.addCredential(body, by: call.actor).json)
        },
        Route("GET", "/credentials/:id", .decidedByHandler) { call in
            try call.noQuery()
            try await check(.viewCredential, call)
            return .json(.ok, try await call.host.credential(call.parameter("id")).json)
        },
        Route("PATCH", "/credentials/:id", .decidedByHandler, body: .json) { call in
            try await check(.changeCredential, call)
            let body = try body(call)
            return .json(
                .ok, try await call.host.changeCredential(call.parameter("id"), body, by: call.actor).json)
        },
        Route("DELETE", "/credentials/:id", .decidedByHandler) { call in
            try call.noQuery()
            try await check(.changeCredential, call)
            try await call.host.removeCredential(call.parameter("id"), by: call.actor)
            return .json(.ok, .object([]))
        },
        Route("POST", "/credentials/:id/test", .decidedByHandler, body: .json) { call in
            try await check(.changeCredential, call)
            try call.noQuery()
            try call.object().finish()
            return .json(
                .ok, try await call.host.testCredential(call.parameter("id"), by: call.actor).json)
        },
        Route("POST", "/credentials/:id/rotate", .decidedByHandler, body: .json) { call in
            try await check(.changeCredential, call)
            let body = try body(call)
            return .json(
                .ok, try await call.host.rotateCredential(call.parameter("id"), body, by: call.actor).json)
        },
    ]

    /// What only an operator may say in a body.
    private static let operatorsOwn = ["owner", "account", "traders"]

    /// A body whose members the host knows, and of which the asker may say each.
    private static func body(_ call: APICall) throws -> JSONValue {
        try call.noQuery()
        let json = try call.json()
        guard case .object = json else {
            throw FieldFailure(field: "", reason: "the body must be an object, not \(json.kind)")
        }
        guard !AccessPolicy.permits(call.principal, .assignCredentials) else { return json }
        for name in operatorsOwn where json[name] != nil {
            throw APIError(
                .forbidden, "forbidden",
                "only an operator says whose key trades on which account, and who there",
                field: name)
        }
        return json
    }

    /// What is another's does not exist, as far as he can tell.
    private static func check(_ action: Action, _ call: APICall) async throws {
        let id = call.parameter("id")
        let owner = try await call.host.owner(ofCredential: id)
        try call.check(action, owner: owner, else: .notFound(kind: "credential", id: id))
    }
}
