import Host
import Net
import Posix
import Synchronization
import Testing
import Trading
import Wire

@testable import Web

/// A WebSocket client of the stream that keeps what it hears.
private final class Listener: Sendable {
    private let heard = Mutex<(messages: [JSONValue], closed: String?)>(([], nil))
    private let link = Mutex<WebSocketLink?>(nil)

    init(_ client: WebSocketClient, port: Int, headers: [(name: String, value: String)]) {
        let made = client.connect("ws://127.0.0.1:\(port)/stream", headers: headers) { [weak self] event in
            self?.take(event)
        }
        link.withLock { $0 = made }
    }

    private func take(_ event: WebSocketEvent) {
        heard.withLock { heard in
            switch event {
            case .text(let bytes): heard.messages.append((try? JSONParser.parse(bytes)) ?? .null)
            case .closed(let code, let reason): heard.closed = "\(code ?? 0) \(reason)"
            case .opened, .binary, .pong: break
            }
        }
    }

    func say(_ text: String) { link.withLock { $0 }?.send(text: Array(text.utf8)) }

    func end() { link.withLock { $0 = nil } }

    var messages: [JSONValue] { heard.withLock { $0.messages } }
    var closed: String? { heard.withLock { $0.closed } }

    func messages(_ type: String) -> [JSONValue] { messages.filter { $0["type"] == .string(type) } }

    /// Waits for so many messages of a type.
    func wait(_ type: String, _ count: Int = 1) async throws -> [JSONValue] {
        try await until("\(count) of \(type)") { messages(type).count >= count }
        return messages(type)
    }

    func until(_ what: String, _ isTrue: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while !isTrue() {
            guard ContinuousClock.now < deadline else {
                throw Never(what: what, heard: messages.map(\.text), closed: closed)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    struct Never: Error {
        let what: String
        let heard: [String]
        let closed: String?
    }
}

@Suite struct `The stream` {
    private let fixture: APIFixture
    private let client: WebSocketClient

    init() async throws {
        fixture = try await APIFixture()
        client = try WebSocketClient()
    }

    private func listen(as user: String = "root") -> Listener {
        Listener(
            client, port: fixture.server.port,
            headers: [("Authorization", "Bearer \(fixture.tokens[user] ?? user)")])
    }

    private static func quote(_ number: Int) -> MarketEvent {
        .quote(
            Quote(
                symbol: "BTCUSDT", time: Timestamp(milliseconds: Int64(number)), bid: FixedDecimal(number),
                bidQuantity: .one, ask: FixedDecimal(number + 1), askQuantity: .one))
    }

    private static func candle(_ number: Int64) -> MarketEvent {
        .candle(
            Candle(
                symbol: "BTCUSDT", resolution: Resolution("1m")!,
                openTime: Timestamp(milliseconds: number * 60_000),
                open: .one, high: .one, low: .one, close: .one, volume: .zero))
    }

    private func subscribed(_ listener: Listener, _ text: String, _ count: Int = 1) async throws {
        listener.say(text)
        _ = try await listener.wait("subscribed", count)
        // The confirmation comes before the host knows of it.
        try await listener.until("the host's knowledge") {
            fixture.host.state.withLock { $0.markets.count + $0.sinks.count } >= count
        }
    }

    @Test func `brings prices and candles of what was subscribed to`() async throws {
        let listener = listen()
        try await subscribed(
            listener, #"{"type":"subscribe","id":7,"channel":"prices","feed":"simulated","symbol":"BTCUSDT"}"#
        )
        #expect(listener.messages("subscribed").first?["id"] == .integer(7))
        try await subscribed(listener, #"{"type":"subscribe","channel":"candles","resolution":"1m"}"#, 2)
        fixture.host.tell(Self.quote(5))
        fixture.host.tell(Self.candle(3), sequence: 12)
        let quote = try #require(try await listener.wait("quote").first)
        #expect(quote["bid"] == .string("5"))
        #expect(quote["subscription"] == .integer(1))
        let candle = try #require(try await listener.wait("candle").first)
        #expect(candle["seq"] == .integer(12))
        #expect(candle["time"] == .integer(180_000))
        #expect(candle["subscription"] == .integer(2))
    }

    @Test func `ends a subscription when asked to, and not before`() async throws {
        let listener = listen()
        try await subscribed(listener, #"{"type":"subscribe","channel":"candles"}"#)
        fixture.host.tell(Self.candle(1), sequence: 20)
        _ = try await listener.wait("candle")
        listener.say(#"{"type":"unsubscribe","subscription":1}"#)
        _ = try await listener.wait("unsubscribed")
        fixture.host.tell(Self.candle(2), sequence: 21)
        listener.say(#"{"type":"ping","id":"x"}"#)
        #expect(try await listener.wait("pong").first?["id"] == .string("x"))
        #expect(listener.messages("candle").count == 1)
        #expect(fixture.host.state.withLock { $0.markets.isEmpty })
    }

    @Test func `shows authors their own orders and operators all`() async throws {
        let (root, ann) = (listen(), listen(as: "ann"))
        try await subscribed(root, #"{"type":"subscribe","channel":"orders"}"#)
        try await subscribed(ann, #"{"type":"subscribe","channel":"orders"}"#)
        try await ann.until("both") { fixture.host.state.withLock { $0.sinks.count } == 2 }
        fixture.host.tell(
            HostEvent(.order, strategy: "bob-1", sequence: 1, data: .members(["id": .string("1")])),
            owner: "bob")
        fixture.host.tell(
            HostEvent(.fill, strategy: "ann-1", sequence: 2, data: .members(["id": .string("2")])),
            owner: "ann")
        #expect(try await root.wait("event", 2).map { $0["seq"] } == [.integer(1), .integer(2)])
        let own = try #require(try await ann.wait("event").first)
        #expect(own["strategy"] == .string("ann-1"))
        #expect(own["event"] == .string("fill"))
        #expect(own["data"]?["id"] == .string("2"))
        #expect(ann.messages("event").count == 1)
    }

    @Test func `keeps another's strategy from an author`() async throws {
        let ann = listen(as: "ann")
        ann.say(#"{"type":"subscribe","id":1,"channel":"strategy","strategy":"bob-1"}"#)
        let refusal = try #require(try await ann.wait("error").first)
        #expect(refusal["code"] == .string("not_found"))
        #expect(refusal["id"] == .integer(1))
        ann.say(#"{"type":"subscribe","channel":"strategy","strategy":"ann-1"}"#)
        _ = try await ann.wait("subscribed")
    }

    @Test func `says when it cannot go on where somebody stopped`() async throws {
        let listener = listen()
        try await subscribed(listener, #"{"type":"subscribe","channel":"candles","after":5}"#)
        let missed = try #require(try await listener.wait("missed").first)
        #expect(missed["after"] == .integer(5))
        #expect(missed["oldest"] == .integer(11))
    }

    @Test(arguments: [
        ("{", "invalid_json"), ("[]", "invalid_field"), (#"{"type":"shout"}"#, "invalid_field"),
        (#"{"type":"subscribe"}"#, "invalid_field"),
        (#"{"type":"subscribe","channel":"news"}"#, "invalid_field"),
        (#"{"type":"subscribe","channel":"prices","after":1}"#, "invalid_field"),
        (#"{"type":"subscribe","channel":"candles","resolution":"1y"}"#, "invalid_field"),
        (#"{"type":"subscribe","channel":"orders","more":1}"#, "invalid_field"),
        (#"{"type":"subscribe","channel":"prices","feed":"nope"}"#, "not_found"),
        (#"{"type":"unsubscribe","subscription":3}"#, "invalid_field"),
    ])
    func `answers what it does not understand, and goes on`(_ text: String, _ code: String) async throws {
        let listener = listen()
        listener.say(text)
        #expect(try await listener.wait("error").first?["code"] == .string(code))
        #expect(listener.messages("subscribed").isEmpty)
        listener.say(#"{"type":"ping"}"#)
        _ = try await listener.wait("pong")
    }

    @Test func `gives a slow reader the latest price, and loses no candle of a quick one`() async throws {
        let listener = listen()
        try await subscribed(listener, #"{"type":"subscribe","channel":"prices"}"#)
        try await subscribed(listener, #"{"type":"subscribe","channel":"candles"}"#, 2)
        for number in 1...2_000 {
            fixture.host.tell(Self.quote(number))
            if number % 10 == 0 { fixture.host.tell(Self.candle(Int64(number)), sequence: number) }
        }
        try await listener.until("the last quote") {
            listener.messages("quote").last?["bid"] == .string("2000")
        }
        let bids = listener.messages("quote").compactMap { $0["bid"]?.stringValue.flatMap { Int($0) } }
        #expect(bids == bids.sorted())
        #expect(
            try await listener.wait("candle", 200).compactMap { $0["seq"]?.intValue }
                == Array(stride(from: 10, through: 2_000, by: 10)))
    }

    @Test func `bounds subscriptions and messages`() async throws {
        let listener = listen()
        for _ in 0..<65 { listener.say(#"{"type":"subscribe","channel":"candles"}"#) }
        #expect(try await listener.wait("error").first?["code"] == .string("too_many_subscriptions"))
        for _ in 0..<200 { listener.say(#"{"type":"ping"}"#) }
        try await listener.until("the end") { listener.closed != nil }
        #expect(listener.closed?.hasPrefix("1008") == true, "\(listener.closed ?? "")")
    }

    @Test func `ends when the token is revoked`() async throws {
        let listener = listen(as: "ann")
        try await subscribed(listener, #"{"type":"subscribe","channel":"orders"}"#)
        let tokens = try await fixture.call("GET", "/tokens", as: "ann").json["items"]?.arrayValue ?? []
        let id = try #require(tokens.first?["id"]?.stringValue)
        _ = try await fixture.call("DELETE", "/tokens/\(id)", as: "ann")
        try await listener.until("the end") { listener.closed != nil }
        #expect(listener.closed?.hasPrefix("4401") == true, "\(listener.closed ?? "")")
    }

    // MARK: - The handshake

    @Test func `wants a WebSocket, a login and a page of its own`() async throws {
        let plain = try await fixture.call("GET", "/stream")
        #expect(plain.status == 426)
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        let upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        #expect(try await fixture.call("GET", "/stream", as: nil, headers: upgrade + [key]).status == 401)
        let foreign = try await fixture.call(
            "GET", "/stream", headers: upgrade + [key, "Origin: https://evil.example"])
        #expect(foreign.code == "foreign_origin")
        let old = try await fixture.call(
            "GET", "/stream",
            headers: ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8", key])
        #expect(old.field == "Sec-WebSocket-Version")
        let keyless = try await fixture.call(
            "GET", "/stream", headers: upgrade + ["Sec-WebSocket-Key: short"])
        #expect(keyless.field == "Sec-WebSocket-Key")
    }

    @Test func `answers the key as RFC 6455 has it`() {
        #expect(WebSocketHandshake.answer(to: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}
