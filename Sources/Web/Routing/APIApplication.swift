public import HTTPMessages
import Host
import Identity
import Posix
import Synchronization
import Wire

/// The API and the pages, as the server asks for them.
///
/// Everything about who asks is decided when a request's head is there, before a byte of its body is read; what a
/// handler needs to know about a strategy's owner is asked just before the handler.
public final class APIApplication: HTTPApplication {
    private let services: APIServices
    private let router: Router
    private let pages: StaticFiles?
    private let figures: RouteFigures
    private let acceptsOrigin: @Sendable (String) -> Bool

    /// Every route with its method and path, for the test that holds the API description to it.
    static func allRoutes() -> [Route] {
        AccountRoutes.all + StrategyRoutes.all + RunRoutes.all + FloorRoutes.all + ReconciliationRoutes.all
            + CredentialRoutes.all + HostRoutes.all + AuditRoutes.all + LabRoutes.all + LabRunRoutes.all
            + DataRoutes.all + CollectorRoutes.all + StreamRoutes.all + LabReportRoutes.all
            + PromotionRoutes.all + DeploymentRoutes.all + TrialRoutes.all + ReplayRoutes.all
            + StudyRoutes.all
    }

    /// - Parameter configuration: The server's, for the hosts that a page of ours may come from.
    public init(_ services: APIServices, configuration: HTTPServerConfiguration) {
        self.services = services
        router = Router(Self.allRoutes())
        pages = services.settings.pages.map { StaticFiles(root: $0) }
        figures = RouteFigures(services.metrics)
        acceptsOrigin = { configuration.accepts(host: $0) }
    }

    // MARK: - On the server's thread

    /// Decides who asks and whether he may, from the head alone.
    public func admit(_ head: HTTPRequestHead) -> Admission {
        let start = MonotonicClock.nanoseconds
        switch router.match(head.method, head.target.segments) {
        case .nothing:
            let response =
                page(head) ?? APIError(.notFound, "not_found", "there is nothing at this path").response
            return .answer(counted(response, "page", head, start))
        case .otherMethods(let methods):
            let list = methods.joined(separator: ", ")
            var response = APIError(
                .methodNotAllowed, "method_not_allowed", "this path takes \(list)"
            ).response
            response.headers.add("Allow", list)
            return .answer(counted(response, "other", head, start))
        case .route(let route, let parameters):
            do {
                return try admit(head, to: route, parameters, start)
            } catch {
                return .answer(counted(error.response, route.template, head, start))
            }
        }
    }

    /// Words a refusal by the server as the API does.
    public func refuse(_ status: HTTPStatus, _ message: String, head: HTTPRequestHead?) -> HTTPResponse {
        let response = APIError(status, APIError.code(for: status), message).response
        figures.count("none", head?.method ?? "-", status, seconds: 0)
        return response
    }

    private func admit(
        _ head: HTTPRequestHead, to route: Route, _ parameters: [String: String], _ start: UInt64
    ) throws(APIError) -> Admission {
        if route.path == "/health" { return .answer(counted(health(head), route.template, head, start)) }
        let changes = head.method != "GET" && head.method != "HEAD"
        // A WebSocket is opened by GET, also by another site's page.
        if changes || head.headers.count("upgrade") > 0 { try checkOrigin(head) }
        let session = head.headers.count("authorization") == 0 ? head.cookie(SessionCookie.name) : nil
        let user = route.access == .open ? nil : try authenticate(head, session: session)
        if user != nil, changes, let session { try checkCSRF(head, session: session) }
        if case .permitted(let action) = route.access, let user, !AccessPolicy.permits(user, action) {
            throw APIError(
                .forbidden, "forbidden", "a user with the role \(user.role.rawValue) may not do this")
        }
        try checkMediaType(head, route)
        let services = services
        let figures = figures
        return .read(bodyLimit: bodyLimit(route)) { request in
            let call = APICall(
                request: request, user: user, session: session, parameters: parameters, services: services)
            let response = await Self.run(route, call)
            let elapsed = Double(MonotonicClock.nanoseconds - start) / 1e9
            figures.count(route.template, head.method, response.status, seconds: elapsed)
            return response
        }
    }

    /// A browser says where a request comes from; another site's page must not change anything here.
    private func checkOrigin(_ head: HTTPRequestHead) throws(APIError) {
        guard head.headers.count("origin") > 0 else { return }
        guard let origin = head.headers["origin"],
            let host = origin.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true).last,
            origin.hasPrefix("http://") || origin.hasPrefix("https://"), acceptsOrigin(String(host))
        else { throw APIError(.forbidden, "foreign_origin", "requests from other sites are not taken") }
    }

    private func authenticate(_ head: HTTPRequestHead, session: String?) throws(APIError) -> Principal {
        if head.headers.count("authorization") > 0 {
            let words = head.headers["authorization"]?.split(separator: " ") ?? []
            if words.count == 2, words[0].lowercased() == "bearer",
                let user = services.identity.principal(token: String(words[1]))
            {
                return user
            }
            throw APIError(.unauthorized, "unauthorized", "the token is unknown, revoked or has expired")
        }
        if let session, let user = services.identity.principal(session: session) { return user }
        throw APIError(
            .unauthorized, "unauthorized", "log in first, or send a token: Authorization: Bearer …")
    }

    private func checkCSRF(_ head: HTTPRequestHead, session: String) throws(APIError) {
        guard let token = head.headers["x-csrf-token"],
            services.identity.isCSRFToken(token, session: session)
        else {
            throw APIError(
                .forbidden, "csrf",
                "the header X-CSRF-Token must hold the token that login and GET /session give")
        }
    }

    private func checkMediaType(_ head: HTTPRequestHead, _ route: Route) throws(APIError) {
        guard head.contentLength != 0 else { return }
        switch route.body {
        case .none: break  // Refused by its length.
        case .json:
            guard head.mediaType == "application/json" else {
                throw APIError(
                    .unsupportedMediaType, "unsupported_media_type",
                    "send JSON with Content-Type: application/json")
            }
        case .upload:
            guard let type = head.mediaType, Upload.mediaTypes.contains(type) else {
                throw APIError(
                    .unsupportedMediaType, "unsupported_media_type",
                    "send a form (multipart/form-data), or the file itself as one of "
                        + Upload.rawMediaTypes.joined(separator: ", "))
            }
        }
    }

    private func bodyLimit(_ route: Route) -> Int {
        switch route.body {
        case .none: 0
        // Whoever is not logged in gets room for a name and a password only.
        case .json: route.access == .open ? 8 << 10 : services.settings.jsonLimit
        case .upload: services.settings.uploadLimit
        }
    }

    private func page(_ head: HTTPRequestHead) -> HTTPResponse? {
        guard let pages, head.method == "GET" || head.method == "HEAD" else { return nil }
        return pages.response(head)
    }

    private func counted(
        _ response: HTTPResponse, _ route: String, _ head: HTTPRequestHead, _ start: UInt64
    ) -> HTTPResponse {
        let elapsed = Double(MonotonicClock.nanoseconds - start) / 1e9
        figures.count(route, head.method, response.status, seconds: elapsed)
        return response
    }

    /// Whether the host is well; what is wrong with its parts is for those who have logged in.
    private func health(_ head: HTTPRequestHead) -> HTTPResponse {
        let uptime = (MonotonicClock.nanoseconds - services.startedAt) / 1_000_000_000
        return .json(
            .ok,
            .members([
                "status": .string(services.health.isWell ? "ok" : "degraded"),
                "version": .string(services.settings.version), "uptime_seconds": .integer(uptime),
                "parts": isKnown(head) ? services.health.json : services.health.outline,
            ]))
    }

    private func isKnown(_ head: HTTPRequestHead) -> Bool {
        guard head.headers.count("authorization") + head.headers.count("cookie") > 0 else { return false }
        do {
            _ = try authenticate(head, session: head.cookie(SessionCookie.name))
            return true
        } catch {
            return false
        }
    }

    // MARK: - In the handler's task

    private static func run(_ route: Route, _ call: APICall) async -> HTTPResponse {
        do {
            if case .strategy(let action) = route.access { try await check(action, call) }
            return try await route.handler(call)
        } catch {
            if let error = APIError(error) { return error.response }
            call.services.log.error(
                "a request failed", ["route": "\(route.method) \(route.path)", "cause": "\(error)"])
            return APIError(.internalError, "internal", "something went wrong in the host; its log says what")
                .response
        }
    }

    /// What is another's does not exist, as far as he can tell.
    private static func check(_ action: Action, _ call: APICall) async throws {
        let owner = try await call.host.owner(of: call.strategy)
        try call.check(action, owner: owner, else: .notFound(kind: "strategy", id: call.strategy))
    }
}

/// The HTTP figures by route.
private final class RouteFigures: Sendable {
    private struct Key: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    private let metrics: MetricsRegistry
    private let known = Mutex<[Key: Counter]>([:])
    private let durations = Mutex<[String: Histogram]>([:])

    init(_ metrics: MetricsRegistry) {
        self.metrics = metrics
    }

    func count(_ route: String, _ method: String, _ status: HTTPStatus, seconds: Double) {
        // A sender's own words must not make series without end.
        let method = ["GET", "HEAD", "POST", "PATCH", "DELETE"].contains(method) ? method : "other"
        let key = Key(route: route, method: method, status: status.code)
        let counter = known.withLock { known in
            if let counter = known[key] { return counter }
            let counter = metrics.counter(
                "bullpen_http_requests_total", "HTTP requests by route and status.",
                [("method", method), ("route", route), ("status", String(status.code))])
            known[key] = counter
            return counter
        }
        counter.increment()
        let histogram = durations.withLock { durations in
            if let histogram = durations[route] { return histogram }
            let histogram = metrics.histogram(
                "bullpen_http_request_seconds", "From a request's head to its answer.", [("route", route)])
            durations[route] = histogram
            return histogram
        }
        histogram.observe(seconds)
    }
}
