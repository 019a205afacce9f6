import HTTPMessages
import Host
import Identity
import Wire

/// The WebSocket: live prices, candles, orders and what strategies do.
enum StreamRoutes {
    static let all: [Route] = [
        Route("GET", "/stream", .permitted(.list), handler: open)
    ]

    private static func open(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        let headers = call.head.headers
        guard headers.lists("websocket", in: "upgrade"), headers.lists("upgrade", in: "connection") else {
            throw APIError(
                HTTPStatus(426, "Upgrade Required"), "upgrade_required",
                "this path speaks WebSocket: send Connection: Upgrade and Upgrade: websocket")
        }
        guard headers["sec-websocket-version"] == "13" else {
            throw FieldFailure(field: "Sec-WebSocket-Version", reason: "must be 13")
        }
        guard let answer = headers["sec-websocket-key"].flatMap({ WebSocketHandshake.answer(to: $0) }) else {
            throw FieldFailure(field: "Sec-WebSocket-Key", reason: "must be 16 bytes in base64")
        }
        let (user, streams) = (call.actor, call.services.streams)
        guard streams.take(user) else {
            var error = APIError(
                .tooManyRequests, "too_many_streams",
                "you have \(call.services.settings.streamsPerUser) event streams open; close one first")
            error.retryAfter = 10
            throw error
        }
        let desk = StreamDesk(host: call.host, principal: call.principal)
        let session = SocketSession(
            isAllowed: EventRoutes.permission(call),
            onEnd: {
                streams.giveBack(user)
                desk.end()
            },
            onText: { session, text in desk.take(text, of: session) })
        return HTTPResponse(
            .switchingProtocols,
            headers: ["upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": answer],
            body: .socket(session))
    }
}
