import HTTPMessages
import Host
import Identity
import Wire

/// Server-sent events.
enum EventRoutes {
    /// Opens a stream that begins behind `Last-Event-ID` or `?after=`, when either is given.
    static func stream(_ topic: EventTopic, _ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        var after = try query.integer("after", in: 0...Int.max)
        try query.finish()
        if call.head.headers.count("last-event-id") > 0 {
            guard let text = call.head.headers["last-event-id"], let id = Int(text), id >= 0 else {
                throw FieldFailure(field: "Last-Event-ID", reason: "is not an id that this stream has given")
            }
            after = id
        }
        return try await respond(call) { stream in
            try await call.host.follow(topic, after: after, sink: stream)
        }
    }

    /// Opens a stream, into which `follow` puts what it has to tell.
    static func respond(
        _ call: APICall, _ follow: (EventStream) async throws -> Void
    ) async throws -> HTTPResponse {
        let user = call.actor
        let streams = call.services.streams
        guard streams.take(user) else {
            var error = APIError(
                .tooManyRequests, "too_many_streams",
                "you have \(call.services.settings.streamsPerUser) event streams open; close one first")
            error.retryAfter = 10
            throw error
        }
        let stream = EventStream(isAllowed: permission(call), onEnd: { streams.giveBack(user) })
        do {
            try await follow(stream)
        } catch {
            stream.abandon()
            throw error
        }
        return HTTPResponse(
            .ok,
            headers: [
                "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no",
            ], body: .events(stream))
    }

    /// Whether whoever opened the stream is still let in: a session may end and a token be revoked meanwhile.
    static func permission(_ call: APICall) -> @Sendable () -> Bool {
        let identity = call.services.identity
        if let session = call.session { return { identity.principal(session: session) != nil } }
        let token = call.head.headers["authorization"]?.split(separator: " ").last.map(String.init) ?? ""
        return { identity.principal(token: token) != nil }
    }
}
