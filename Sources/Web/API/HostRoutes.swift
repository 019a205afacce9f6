import HTTPMessages
import Host
import Identity
import Posix
import Wire

/// The host itself: health, figures, machine, configuration, the API's own description.
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
    ]
}
