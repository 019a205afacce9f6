import HTTPMessages
import Identity
import Wire

/// Logging in and out, users and tokens.
enum AccountRoutes {
    static let all: [Route] = [
        Route("POST", "/login", .open, body: .json, handler: logIn),
        Route("POST", "/logout", .permitted(.viewOwnSession), body: .json, handler: logOut),
        Route("GET", "/session", .permitted(.viewOwnSession), handler: session),
        Route("GET", "/tokens", .permitted(.manageOwnTokens), handler: tokens),
        Route("POST", "/tokens", .permitted(.manageOwnTokens), body: .json, handler: makeToken),
        Route("DELETE", "/tokens/:id", .permitted(.manageOwnTokens), handler: revokeToken),
        Route("GET", "/users", .permitted(.manageUsers), handler: users),
        Route("POST", "/users", .permitted(.manageUsers), body: .json, handler: addUser),
        Route("POST", "/users/:name/password", .decidedByHandler, body: .json, handler: setPassword),
        Route("POST", "/users/:name/disable", .permitted(.manageUsers), body: .json) { call in
            try await setDisabled(true, call)
        },
        Route("POST", "/users/:name/enable", .permitted(.manageUsers), body: .json) { call in
            try await setDisabled(false, call)
        },
    ]

    // MARK: - Sessions

    private static func logIn(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let name = try body.string("name", bytes: 256)
        let password = try body.string("password", bytes: 4096)
        try body.finish()
        let login = try await call.services.identity.logIn(
            name: name, password: password, peer: call.head.origin.peer)
        var response = HTTPResponse.json(
            .ok,
            .members([
                "user": json(login.user.name, login.user.role), "csrf_token": .string(login.csrfToken),
            ]))
        response.headers.add("Set-Cookie", cookie(login.secret, call))
        return response
    }

    private static func logOut(_ call: APICall) async throws -> HTTPResponse {
        try await noMembers(call)
        if let session = call.session { try await call.services.identity.logOut(session: session) }
        var response = HTTPResponse.json(.ok, .object([]))
        response.headers.add("Set-Cookie", SessionCookie.clear(isSecure: call.head.origin.isSecure))
        return response
    }

    private static func session(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        let token = call.session.map { call.services.identity.csrfToken(session: $0) }
        var response = HTTPResponse.json(
            .ok,
            .members([
                "user": json(call.principal.name, call.principal.role), "csrf_token": .optional(token),
            ]))
        // A browser that uses its session keeps it: the cookie's end moves with the session's.
        if let session = call.session { response.headers.add("Set-Cookie", cookie(session, call)) }
        return response
    }

    private static func cookie(_ secret: String, _ call: APICall) -> String {
        SessionCookie.set(
            secret, seconds: call.services.settings.sessionSeconds, isSecure: call.head.origin.isSecure)
    }

    private static func json(_ name: String, _ role: Role) -> JSONValue {
        .members(["name": .string(name), "role": .string(role.rawValue)])
    }

    // MARK: - Tokens

    private static func tokens(_ call: APICall) async throws -> HTTPResponse {
        try Lists.response(all: call.services.identity.tokens(of: call.actor), call.page(default: 1000)) {
            token in
            .members([
                "id": .string(token.id), "name": .string(token.name), "created_at": .integer(token.createdAt),
                "expires_at": .orNull(token.expiresAt), "last_used_at": .orNull(token.lastUsedAt),
            ])
        }
    }

    private static func makeToken(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let name = try body.string("name", bytes: 256)
        let days = try body.optionalInteger("expires_in_days", in: 1...3650)
        try body.finish()
        let (token, secret) = try await call.services.identity.makeToken(
            for: call.actor, name: name, expiresInDays: days)
        return .json(
            .created,
            .members([
                "id": .string(token.id), "token": .string(secret), "expires_at": .orNull(token.expiresAt),
            ]))
    }

    private static func revokeToken(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        try await call.services.identity.revokeToken(call.parameter("id"), of: call.actor)
        return .json(.ok, .object([]))
    }

    // MARK: - Users

    private static func users(_ call: APICall) async throws -> HTTPResponse {
        try Lists.response(all: call.services.identity.users(), call.page(default: 1000), json)
    }

    private static func addUser(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let name = try body.string("name", bytes: 256)
        let role = try body.choice("role", as: Role.self)
        let password = try body.string("password", bytes: 4096)
        try body.finish()
        let user = try await call.services.identity.addUser(
            name, role: role, password: password, by: call.actor)
        return .json(.created, json(user))
    }

    /// An operator sets anybody's password; whoever is none sets his own and shows the old one.
    private static func setPassword(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        let name = call.parameter("name")
        var body = try call.object()
        let password = try body.string("password", bytes: 4096)
        let current = try body.optionalString("current_password", bytes: 4096)
        try body.finish()
        if !AccessPolicy.permits(call.principal, .manageUsers) {
            guard name == call.actor else {
                throw APIError(.forbidden, "forbidden", "only an operator sets somebody else's password")
            }
            guard let current else {
                throw FieldFailure(field: "current_password", reason: "is missing")
            }
            guard
                try await call.services.identity.isPassword(current, of: name, peer: call.head.origin.peer)
            else { throw FieldFailure(field: "current_password", reason: "is wrong") }
        }
        try await call.services.identity.setPassword(password, of: name, by: call.actor)
        return .json(.ok, .object([]))
    }

    private static func setDisabled(_ isDisabled: Bool, _ call: APICall) async throws -> HTTPResponse {
        try await noMembers(call)
        let user = try await call.services.identity.setDisabled(
            isDisabled, call.parameter("name"), by: call.actor)
        return .json(.ok, json(user))
    }

    private static func json(_ user: User) -> JSONValue {
        .members([
            "name": .string(user.name), "role": .string(user.role.rawValue),
            "disabled": .bool(user.isDisabled),
            "created_at": .integer(user.createdAt),
        ])
    }

    /// Refuses a body that says anything, and a query.
    private static func noMembers(_ call: APICall) async throws {
        try call.noQuery()
        try call.object().finish()
    }
}

extension JSONValue {
    /// The whole number, or null for nil.
    static func orNull(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
}
