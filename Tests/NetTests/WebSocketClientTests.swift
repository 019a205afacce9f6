import Glibc
import Posix
import TestSupport
import Testing

@testable import Net

/// A WebSocket server that does what its path says, right or wrong.
private final class WebSocketServer: @unchecked Sendable {
    // Sendable: both properties are set once before the value is shared.
    let process: TestSupport.ChildProcess
    let port: String

    static let folder = Places.package + "/Tests/NetTests"

    init(certificate: String? = nil) throws {
        let files = certificate.map { ["\(Self.folder)/tls/\($0).pem", "\(Self.folder)/tls/\($0)-key.pem"] }
        process = try TestSupport.ChildProcess(
            "/usr/bin/python3", ["-I", Self.folder + "/websocket_server.py"] + (files ?? []), environment: [:]
        )
        guard let port = process.readLine() else { throw TestSupport.ChildProcess.StartFailure(number: 0) }
        self.port = port
    }

    deinit {
        process.send(signal: SIGKILL)
        _ = process.finishBlocking()
    }
}

/// A link and its events, in order.
private final class Listener: Sendable {
    let link: WebSocketLink
    private let stream: AsyncStream<WebSocketEvent>

    init(
        _ client: WebSocketClient, _ url: String, headers: [(name: String, value: String)] = [],
        limits: WebSocketLimits = WebSocketLimits()
    ) {
        let (stream, feed) = AsyncStream<WebSocketEvent>.makeStream()
        self.stream = stream
        link = client.connect(url, headers: headers, limits: limits) { event in
            feed.yield(event)
            if case .closed = event { feed.finish() }
        }
    }

    func next() async -> WebSocketEvent? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }

    /// Everything until the end.
    func rest() async -> [WebSocketEvent] {
        var events: [WebSocketEvent] = []
        for await event in stream { events.append(event) }
        return events
    }
}

private func text(_ text: String) -> WebSocketEvent { .text(Array(text.utf8)) }

extension WebSocketEvent {
    fileprivate var closing: (code: Int?, reason: String)? {
        if case .closed(let code, let reason) = self { (code, reason) } else { nil }
    }
}

@Suite("WebSocket client", .timeLimit(.minutes(2)))
struct WebSocketClientTests {
    private let server: WebSocketServer
    private let client: WebSocketClient
    private let base: String

    init() throws {
        server = try WebSocketServer()
        client = try WebSocketClient()
        base = "ws://127.0.0.1:\(server.port)"
    }

    @Test func `messages go both ways, in order, small and large, text and binary`() async {
        let listener = Listener(client, base + "/echo")
        #expect(await listener.next() == .opened)
        let sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000]
        for size in sizes { listener.link.send(text: [UInt8](repeating: 0x61, count: size)) }
        listener.link.send(binary: [0, 255, 128])
        for size in sizes {
            let event = await listener.next()
            #expect(event == .text([UInt8](repeating: 0x61, count: size)), "\(size) bytes")
        }
        #expect(await listener.next() == .binary([0, 255, 128]))
        listener.link.close()
        #expect(await listener.rest().last?.closing?.code == 1000)
    }

    @Test func `what is sent before the connection stands waits for it`() async {
        let listener = Listener(client, base + "/echo")
        listener.link.send(text: Array("early".utf8))
        #expect(await listener.next() == .opened)
        #expect(await listener.next() == text("early"))
    }

    @Test func `a link that is closed sends first what waits`() async {
        let listener = Listener(client, base + "/count")
        #expect(await listener.next() == .opened)
        for _ in 0..<100 { listener.link.send(text: [UInt8](repeating: 0x62, count: 1000)) }
        listener.link.send(text: Array("end".utf8))
        listener.link.close()
        let events = await listener.rest()
        #expect(events.last?.closing?.code == 1000)
        #expect(events.last?.closing?.reason == "closed on request")
    }

    @Test func `headers go with the handshake, and no extension is offered`() async {
        let listener = Listener(
            client, base + "/headers?a=b%20c", headers: [("X-Key", "one"), ("X-Other", "two: three")])
        #expect(await listener.next() == .opened)
        guard case .text(let bytes) = await listener.next() else { return #expect(Bool(false)) }
        let lines = String(decoding: bytes, as: UTF8.self)
        #expect(lines.contains("X-Key: one") && lines.contains("X-Other: two: three"))
        #expect(lines.contains("Host: 127.0.0.1:\(server.port)"))
        #expect(!lines.lowercased().contains("sec-websocket-extensions"))
    }

    @Test func `fragments are joined, with a ping between them`() async {
        let listener = Listener(client, base + "/fragments")
        #expect(await listener.next() == .opened)
        #expect(await listener.next() == text("one two three"))
    }

    @Test func `a ping is answered with its payload`() async {
        let listener = Listener(client, base + "/ping")
        #expect(await listener.next() == .opened)
        #expect(await listener.next() == text("10 are you there"))
    }

    @Test func `our own ping brings a pong`() async {
        let listener = Listener(client, base + "/echo")
        #expect(await listener.next() == .opened)
        listener.link.ping()
        #expect(await listener.next() == .pong)
    }

    @Test(arguments: ["bytes", "pieces"])
    func `a message of the limit is taken, one byte more closes`(_ way: String) async {
        var limits = WebSocketLimits()
        limits.messageBytes = 100_000
        let fits = Listener(client, base + "/\(way)/100000", limits: limits)
        #expect(await fits.next() == .opened)
        guard case .binary(let bytes) = await fits.next() else { return #expect(Bool(false)) }
        #expect(bytes.count == 100_000)
        let over = Listener(client, base + "/\(way)/100001", limits: limits)
        let events = await over.rest()
        #expect(events.first == .opened && events.count == 2)
        #expect(events.last?.closing?.code == 1009)
        #expect(events.last?.closing?.reason.contains("larger than 100000 bytes") == true)
    }

    @Test(arguments: ["huge", "endless"])
    func `a message without end is given up at the limit`(_ way: String) async {
        let events = await Listener(client, base + "/" + way).rest()
        #expect(events.count == 2 && events.last?.closing?.code == 1009)
    }

    @Test func `a frame that breaks off is no message`() async {
        let events = await Listener(client, base + "/truncated").rest()
        #expect(events.count == 2)
        #expect(events.last?.closing?.code == nil)
        #expect(events.last?.closing?.reason.contains(" broke ") == true)
    }

    @Test func `a reset ends the link, after what came before it`() async {
        let listener = Listener(client, base + "/reset")
        #expect(await listener.next() == .opened)
        #expect(await listener.next() == text("before"))
        listener.link.send(text: [0x61])
        let end = await listener.next()
        #expect(end?.closing?.code == nil && end?.closing?.reason.contains("broke") == true)
    }

    @Test func `close codes and reasons are told`() async {
        let cases: [(String, Int?, String)] = [
            ("/close/1001/going-away", 1001, "closed the connection with code 1001: going-away"),
            ("/close/4321/own", 4321, "with code 4321: own"),
            ("/close", nil, "closed the connection"),
            ("/drop", nil, "broke without a close message"),
        ]
        for (path, code, words) in cases {
            let events = await Listener(client, base + path).rest()
            #expect(events.first == .opened, "\(path)")
            #expect(events.last?.closing?.code == code, "\(path)")
            #expect(events.last?.closing?.reason.contains(words) == true, "\(path): \(events)")
        }
    }

    @Test(arguments: ["compressed", "bad-text"])
    func `frames against the protocol end the link and are no message`(_ kind: String) async {
        let events = await Listener(client, base + "/" + kind).rest()
        #expect(events.count == 2 && events.first == .opened && events.last?.closing != nil)
    }

    // W3 of the fault matrix.
    @Test func `a connection that hangs in silence is given up`() async {
        var limits = WebSocketLimits()
        limits.pingAfter = .milliseconds(150)
        limits.pongWithin = .milliseconds(150)
        let events = await Listener(client, base + "/silent", limits: limits).rest()
        #expect(events.count == 2)
        #expect(events.last?.closing?.code == nil)
        #expect(events.last?.closing?.reason.contains("not even an answer to a ping") == true)
    }

    @Test func `a quiet connection that answers pings lives on`() async {
        var limits = WebSocketLimits()
        limits.pingAfter = .milliseconds(50)
        limits.pongWithin = .seconds(20)
        let listener = Listener(client, base + "/pongs", limits: limits)
        #expect(await listener.next() == .opened)
        for _ in 0..<3 { #expect(await listener.next() == .pong) }
    }

    @Test func `a stream that must talk is given up although it answers pings`() async {
        var limits = WebSocketLimits()
        limits.pingAfter = .milliseconds(40)
        limits.messageWithin = .milliseconds(300)
        let events = await Listener(client, base + "/pongs", limits: limits).rest()
        #expect(events.contains(.pong))
        #expect(events.last?.closing?.reason.contains("no message came for") == true)
    }

    @Test func `whatever cannot be connected to says why, and never with the path`() async {
        var limits = WebSocketLimits()
        limits.connect = .milliseconds(300)
        let cases: [(String, String)] = [
            ("ws://127.0.0.1:1/secret", "cannot connect to ws://127.0.0.1:1"),
            ("ws://no-such-name.invalid/secret", "no server of that name: no-such-name.invalid"),
            (base + "/deny/403/secret", "HTTP 403"),
            (base + "/deny/429/secret", "HTTP 429"),
            (base + "/redirect/secret", "HTTP 302"),
            (base + "/wrong-accept/secret", "cannot connect"),
            (base + "/never/secret", "was not made within"),
            ("http://127.0.0.1/secret", "neither ws:// nor wss://"),
            ("ws:///secret", "no host"),
            ("ws://user:secret@127.0.0.1/", "no host"),
            ("ws://127.0.0.1/se cret", "percent-encoded"),
        ]
        for (url, words) in cases {
            let events = await Listener(client, url, limits: limits).rest()
            #expect(events.count == 1, "\(url)")
            let closing = events.first?.closing
            #expect(closing?.code == nil)
            #expect(closing?.reason.contains(words) == true, "\(url): \(closing?.reason ?? "")")
            #expect(closing?.reason.contains("secret") == false, "\(url)")
        }
    }

    @Test func `a header with a line break goes nowhere`() async {
        let events = await Listener(client, base + "/echo", headers: [("X-Key", "a\r\nB: c")]).rest()
        #expect(events.count == 1 && events.first?.closing?.reason.contains("line break") == true)
    }

    @Test func `the other side may be slow to agree to a close, but not for ever`() async {
        let listener = Listener(client, base + "/ignores-close")
        #expect(await listener.next() == .opened)
        #expect(await listener.next() == text("hello"))
        listener.link.close()
        #expect(await listener.rest().last?.closing?.code == 1000)
    }

    @Test func `more than may wait closes, and nothing is left out in silence`() async {
        var limits = WebSocketLimits()
        limits.queueBytes = 10_000
        let listener = Listener(client, base + "/silent", limits: limits)
        #expect(await listener.next() == .opened)
        // The kernel takes some megabytes before anything waits here.
        for _ in 0..<2_000 { listener.link.send(binary: [UInt8](repeating: 0, count: 9_000)) }
        #expect(await listener.rest().last?.closing?.reason.contains("10000 bytes waited") == true)
    }

    @Test func `releasing a link closes it`() async {
        let (stream, feed) = AsyncStream<WebSocketEvent>.makeStream()
        var link: WebSocketLink? = client.connect(base + "/echo") { event in
            feed.yield(event)
            if case .closed = event { feed.finish() }
        }
        var iterator = stream.makeAsyncIterator()
        #expect(await iterator.next() == .opened)
        _ = link
        link = nil
        #expect(await iterator.next()?.closing?.code == 1000)
    }

    @Test func `releasing the client closes its links`() async throws {
        var short: WebSocketClient? = try WebSocketClient()
        let listener = Listener(short!, base + "/silent")
        #expect(await listener.next() == .opened)
        short = nil
        #expect(await listener.rest().last?.closing?.reason == "the WebSocket client was closed")
        listener.link.send(text: [0x61])
        listener.link.close()
    }

    @Test func `fifty links at once each get their own`() async {
        let listeners = (0..<50).map { _ in Listener(client, base + "/echo") }
        for (index, listener) in listeners.enumerated() { listener.link.send(text: Array("\(index)".utf8)) }
        for (index, listener) in listeners.enumerated() {
            #expect(await listener.next() == .opened)
            #expect(await listener.next() == text("\(index)"))
        }
    }
}

@Suite("WebSocket client with TLS", .timeLimit(.minutes(1)))
struct WebSocketTLSTests {
    private let authority = WebSocketServer.folder + "/tls/authority.pem"

    @Test func `a certificate of a trusted authority for that name is taken`() async throws {
        let server = try WebSocketServer(certificate: "local")
        let client = try WebSocketClient(authorities: authority)
        for host in ["localhost", "127.0.0.1"] {
            let listener = Listener(client, "wss://\(host):\(server.port)/echo")
            #expect(await listener.next() == .opened, "\(host)")
            listener.link.send(text: [UInt8](repeating: 0x61, count: 100_000))
            #expect(await listener.next() == .text([UInt8](repeating: 0x61, count: 100_000)))
        }
    }

    @Test func `a certificate of nobody known is refused`() async throws {
        let server = try WebSocketServer(certificate: "local")
        let client = try WebSocketClient()
        let events = await Listener(client, "wss://localhost:\(server.port)/echo").rest()
        #expect(events.count == 1)
        #expect(events.first?.closing?.reason.lowercased().contains("cert") == true, "\(events)")
    }

    @Test func `a certificate for another name is refused`() async throws {
        let server = try WebSocketServer(certificate: "elsewhere")
        let client = try WebSocketClient(authorities: authority)
        let events = await Listener(client, "wss://localhost:\(server.port)/echo").rest()
        #expect(events.count == 1, "\(events)")
        #expect(events.first?.closing?.reason.contains("certificate: hostname mismatch") == true, "\(events)")
    }

    @Test func `a server without TLS is no server`() async throws {
        let server = try WebSocketServer()
        let client = try WebSocketClient(authorities: authority)
        var limits = WebSocketLimits()
        limits.connect = .seconds(2)
        let events = await Listener(client, "wss://localhost:\(server.port)/echo", limits: limits).rest()
        #expect(events.count == 1 && events.first?.closing != nil, "\(events)")
    }

    @Test func `a file of authorities that is not there is said at the start`() {
        #expect(throws: SystemCallError.self) { try WebSocketClient(authorities: "/no/such.pem") }
    }
}
