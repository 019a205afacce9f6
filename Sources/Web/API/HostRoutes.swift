import HTTPMessages
import Host
import Identity
import Posix
import Wire

/// The host itself: health, figures, audit trail, machine, configuration, the API's own description.
enum HostRoutes {
    static let all: [Route] = [
        // Answered at once by `APIApplication.admit`; it stands here so that the router knows it.
        Route("GET", "/health", .open) { _ in HTTPResponse(.ok) },
        Route("GET", "/metrics", .permitted(.viewMetrics)) { call in
            try call.noQuery()
            return HTTPResponse(
                .ok, headers: ["content-type": "text/plain; version=0.0.4", "cache-control": "no-store"],
                body: .bytes(Array(call.services.metrics.text.utf8)))
        },
        Route("GET", "/openapi.json", .permitted(.viewOwnSession)) { call in
            try call.noQuery()
            return HTTPResponse(
                .ok, headers: ["content-type": "application/json", "cache-control": "no-cache"],
                body: .bytes(call.services.settings.openAPI))
        },
        Route("GET", "/profiles", .permitted(.viewProfiles)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.profiles(), page, \.json)
        },
        Route("GET", "/doctor", .permitted(.viewMachine)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.doctor(), page, \.json)
        },
        Route("GET", "/config", .permitted(.viewConfiguration)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.configuration())
        },
        Route("GET", "/audit", .permitted(.viewAudit), handler: audit),
    ]

    private static func audit(_ call: APICall) async throws -> HTTPResponse {
        let page = try call.page()
        var before: Int64?
        if let after = page.after {
            guard let id = Int64(after), id > 0 else {
                throw FieldFailure(field: "after", reason: "is not a cursor that this list has given")
            }
            before = id
        }
        let entries = try await call.services.identity.audit.entries(before: before, limit: page.limit)
        let next = entries.count == page.limit ? entries.last.map { String($0.id) } : nil
        return Lists.response(Page(items: entries, next: next)) { entry in
            .members([
                "id": .string(String(entry.id)), "time": .integer(entry.time), "user": .string(entry.actor),
                "action": .string(entry.action), "subject": .string(entry.subject), "detail": detail(entry),
            ])
        }
    }

    /// What was kept as JSON text is given as JSON again; other words as a string, none as null.
    private static func detail(_ entry: AuditEntry) -> JSONValue {
        guard !entry.detail.isEmpty else { return .null }
        guard entry.detail.hasPrefix("{") else { return .string(entry.detail) }
        do {
            return try JSONParser.parse(entry.detail)
        } catch {
            // It was cut at the trail's limit.
            return .string(entry.detail)
        }
    }
}
