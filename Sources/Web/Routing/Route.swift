import Identity

/// One method at one path.
struct Route: Sendable {
    /// Who may use it.
    enum Access: Hashable, Sendable {
        /// Anybody, also without logging in.
        case open
        /// Whoever may do this, wherever no owner matters.
        case permitted(Action)
        /// Whoever may do this to the strategy in the path's `:id`.
        case strategy(Action)
        /// Whoever has logged in; the handler asks the access policy about what it has found.
        case decidedByHandler
    }

    /// What the body must be.
    enum BodyKind: Hashable, Sendable {
        case none
        /// A JSON object; an empty body counts as `{}`.
        case json
        /// A form with files, or a file itself.
        case upload
    }

    let method: String
    /// The path, such as `/strategies/:id/start`.
    let path: String
    let access: Access
    let body: BodyKind
    let handler: @Sendable (APICall) async throws -> HTTPResponse

    init(
        _ method: String, _ path: String, _ access: Access, body: BodyKind = .none,
        handler: @escaping @Sendable (APICall) async throws -> HTTPResponse
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.body = body
        self.handler = handler
    }

    /// The path with the parameters as OpenAPI writes them: `/strategies/{id}/start`.
    var template: String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
    }
}

/// Finds the route for a path.
struct Router: Sendable {
    /// What was found.
    enum Match: Sendable {
        case route(Route, parameters: [String: String])
        /// The path is known with other methods.
        case otherMethods([String])
        case nothing
    }

    private enum Part: Sendable {
        case literal(String)
        case parameter(String)
    }

    private struct Entry: Sendable {
        let parts: [Part]
        let route: Route
        /// Paths with literals come before paths with parameters: `/strategies/deploy` is no strategy's id.
        let parameterCount: Int
    }

    let routes: [Route]
    private let byLength: [Int: [Entry]]

    init(_ routes: [Route]) {
        self.routes = routes
        var byLength: [Int: [Entry]] = [:]
        for route in routes {
            let parts = route.path.split(separator: "/").map { part -> Part in
                part.hasPrefix(":") ? .parameter(String(part.dropFirst())) : .literal(String(part))
            }
            let parameterCount = parts.count { if case .parameter = $0 { true } else { false } }
            byLength[parts.count, default: []].append(
                Entry(parts: parts, route: route, parameterCount: parameterCount))
        }
        self.byLength = byLength.mapValues { $0.sorted { $0.parameterCount < $1.parameterCount } }
    }

    func match(_ method: String, _ segments: [String]) -> Match {
        var others: [String] = []
        let method = method == "HEAD" ? "GET" : method
        var foundParameterCount: Int?
        for entry in byLength[segments.count] ?? [] {
            if let foundParameterCount, entry.parameterCount > foundParameterCount { break }
            guard let parameters = Self.parameters(entry.parts, segments) else { continue }
            foundParameterCount = entry.parameterCount
            if entry.route.method == method { return .route(entry.route, parameters: parameters) }
            others += entry.route.method == "GET" ? ["GET", "HEAD"] : [entry.route.method]
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }

    private static func parameters(_ parts: [Part], _ segments: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch part {
            case .literal(let text): guard text == segment else { return nil }
            case .parameter(let name):
                guard !segment.isEmpty else { return nil }
                parameters[name] = segment
            }
        }
        return parameters
    }
}
