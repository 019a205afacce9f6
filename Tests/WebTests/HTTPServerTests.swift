import Glibc
import HTTPMessages
import Host
import Posix
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Web

/// Answers a few paths, to try the server itself.
private final class TestApplication: HTTPApplication {
    let stream = Mutex<EventStream?>(nil)
    /// Handlers of `/wait` that stand still until they are let go.
    let gate = Gate()

    func admit(_ head: HTTPRequestHead) -> Admission {
        switch head.target.path {
        case "/fast": return .answer(HTTPResponse(.ok, body: .bytes(Array("fast".utf8))))
        case "/echo":
            return .read(bodyLimit: 1000) { HTTPResponse(.ok, body: .bytes($0.body)) }
        case "/large":
            return .read(bodyLimit: 8 << 20) {
                HTTPResponse(.ok, body: .bytes(Array("\($0.body.count)".utf8)))
            }
        case "/wait":
            return .read(bodyLimit: 0) { _ in
                await self.gate.pass()
                return HTTPResponse(.ok, body: .bytes(Array("waited".utf8)))
            }
        case "/file":
            do {
                let size = try FileDescriptor.open("/proc/self/exe", O_RDONLY).size()
                let file = PiecewiseFile(size: size) { (offset, count) throws(SystemCallError) in
                    try FileDescriptor.open("/proc/self/exe", O_RDONLY).read(at: offset, count: count)
                }
                return .answer(HTTPResponse(.ok, body: .file(file)))
            } catch {
                return .answer(HTTPResponse(.internalError))
            }
        case "/events":
            let stream = EventStream(limit: 64 << 10)
            self.stream.withLock { $0 = stream }
            return .answer(
                HTTPResponse(.ok, headers: ["Content-Type": "text/event-stream"], body: .events(stream)))
        default: return .answer(HTTPResponse(.notFound, body: .bytes(Array("none".utf8))))
        }
    }

    func refuse(_ status: HTTPStatus, _ message: String, head: HTTPRequestHead?) -> HTTPResponse {
        HTTPResponse(status, body: .bytes(Array(message.utf8)))
    }
}

/// Holds whoever comes until it is opened.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var arrivals: [CheckedContinuation<Void, Never>] = []
    private var arrived = 0

    func pass() async {
        arrived += 1
        for arrival in arrivals { arrival.resume() }
        arrivals = []
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func someoneWaits() async {
        if arrived == 0 { await withCheckedContinuation { arrivals.append($0) } }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

@Suite("HTTP server")
struct HTTPServerTests {
    private let application = TestApplication()
    private let metrics = MetricsRegistry()
    private let server: HTTPServer

    private static var configuration: HTTPServerConfiguration {
        HTTPServerConfiguration(address: "127.0.0.1", port: 0, allowedHosts: ["bullpen.example"])
    }

    init() throws {
        server = try Self.start(Self.configuration, application, metrics)
    }

    private static func start(
        _ configuration: HTTPServerConfiguration, _ application: TestApplication,
        _ metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> HTTPServer {
        try HTTPServer(
            configuration, application: application, log: HostLog(part: "web", sink: .memory()),
            metrics: metrics)
    }

    private func withClient<Value: Sendable>(
        _ body: @escaping @Sendable (RawClient) throws -> Value
    ) async throws -> Value {
        let port = server.port
        return try await onThread { try body(RawClient(port: port)) }
    }

    @Test func `one connection carries many requests`() async throws {
        try await withClient { client in
            for index in 0..<50 {
                let echo = try client.exchange("POST", "/echo", body: Array("\(index)".utf8))
                #expect(echo.status == 200 && echo.text == "\(index)")
                #expect(try client.exchange("GET", "/fast").text == "fast")
            }
        }
    }

    @Test func `every response forbids framing, sniffing and foreign scripts`() async throws {
        let response = try await withClient { try $0.exchange("GET", "/fast") }
        #expect(response.headers["x-content-type-options"] == "nosniff")
        #expect(response.headers["referrer-policy"] == "same-origin")
        let policy = try #require(response.headers["content-security-policy"])
        #expect(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        #expect(response.headers["date"]?.hasSuffix(" GMT") == true)
    }

    @Test func `requests sent at once are answered in their order`() async throws {
        try await withClient { client in
            var text = ""
            for index in 0..<200 {
                let body = "number \(index)"
                text +=
                    index.isMultiple(of: 3)
                    ? "GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    : "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            try client.send(text)
            for index in 0..<200 {
                let expected = index.isMultiple(of: 3) ? "fast" : "number \(index)"
                #expect(try client.response().text == expected)
            }
        }
    }

    @Test func `HEAD has the length and no body`() async throws {
        try await withClient { client in
            let head = try client.exchange("HEAD", "/fast")
            #expect(head.headers["content-length"] == "4")
            #expect(try client.exchange("GET", "/fast").text == "fast")
        }
    }

    @Test func `a body in chunks is put together`() async throws {
        let response = try await withClient { client in
            try client.send(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "4\r\nbull\r\n3\r\npen\r\n0\r\n\r\n")
            return try client.response()
        }
        #expect(response.text == "bullpen")
    }

    @Test func `a body that says it is too long is refused before it is sent`() async throws {
        try await withClient { client in
            try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 413 && response.headers["connection"] == "close")
        }
    }

    @Test func `a body of the longest length is taken`() async throws {
        let body = [UInt8](repeating: 7, count: 1000)
        #expect(try await withClient { try $0.exchange("POST", "/echo", body: body) }.body == body)
    }

    @Test func `a body in chunks is refused as soon as it is too long, while it still arrives`() async throws
    {
        try await withClient { client in
            try client.send(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "3E9\r\n" + String(repeating: "x", count: 1001))
            #expect(try client.response().status == 413)
            // What is still sent is read and thrown away, so that the answer is not lost to a reset.
            try client.send(String(repeating: "x", count: 100_000))
            #expect(try client.isClosed())
        }
    }

    @Test func `whoever waits to be told to go on is told`() async throws {
        try await withClient { client in
            try client.send(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try client.send("hi")
            #expect(try client.response().text == "hi")
        }
    }

    @Test func `whoever waits to be told to go on with too much is refused instead`() async throws {
        try await withClient { client in
            try client.send(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n"
                    + "Expect: 100-continue\r\n\r\n")
            #expect(try client.response().status == 413)
        }
    }

    @Test func `megabytes go up and a large file comes down whole`() async throws {
        try await withClient { client in
            let body = [UInt8](repeating: 1, count: 8 << 20)
            #expect(try client.exchange("POST", "/large", body: body).text == "\(8 << 20)")
            let file = try client.exchange("GET", "/file")
            #expect(file.body.count > 1 << 20)
            #expect(file.body.starts(with: [0x7F, 0x45, 0x4C, 0x46]))
            #expect(try client.exchange("GET", "/fast").text == "fast")
        }
    }

    @Test("a foreign Host is refused", arguments: ["evil.example", "localhost.evil.example", "10.0.0.1", ""])
    func foreignHost(_ host: String) async throws {
        try await withClient { client in
            try client.send("GET /fast HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try client.response().status == 421)
        }
    }

    @Test(
        "our own names are taken",
        arguments: [
            "localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:80", "bullpen.example", "bullpen.example:443",
        ])
    func ownHost(_ host: String) async throws {
        try await withClient { client in
            try client.send("GET /fast HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(try client.response().status == 200)
        }
    }

    @Test(
        "what is malformed gets 400 and a closed connection",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n",
            "\u{16}\u{3}",
        ])
    func malformed(_ text: String) async throws {
        try await withClient { client in
            try client.send(text)
            let response = try client.response()
            #expect(response.status == 400 && response.headers["connection"] == "close")
            #expect(try client.isClosed())
        }
    }

    @Test func `events arrive as they happen, with ids`() async throws {
        let application = application
        try await withClient { client in
            try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
            let stream = try #require(application.stream.withLock { $0 })
            for index in 1...3 {
                let isTaken = stream.offer(
                    HostEvent(.log, strategy: "s", sequence: index, data: .integer(index)))
                #expect(isTaken)
                #expect(
                    try client.read(until: "\n\n").hasSuffix("event: log\nid: \(index)\ndata: \(index)\n\n"))
            }
            stream.close()
            #expect(try client.read(until: "0\r\n\r\n") == "\r\n0\r\n\r\n")
        }
    }

    @Test func `a reader that does not keep up is dropped and never blocks the writer`() async throws {
        let application = application
        let port = server.port
        try await onThread {
            let client = try RawClient(port: port, receiveBuffer: 4096)
            try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
            let stream = try #require(application.stream.withLock { $0 })
            let event = HostEvent(
                .log, strategy: "s", data: .string(String(repeating: "x", count: 16 << 10)))
            var offered = 0
            while stream.offer(event) {
                offered += 1
                try #require(offered < 10_000, "nothing ever filled up")
            }
            #expect(!stream.isOpen)
            // What the kernel holds may still be read; then the connection ends.
            while try client.receive() != nil {}
        }
    }

    @Test func `a reader that leaves is noticed`() async throws {
        let application = application
        try await withClient { client in
            try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
        }
        // The client is gone. Each offer fails once the server has seen it.
        let stream = try #require(application.stream.withLock { $0 })
        while stream.offer(HostEvent(.log, strategy: nil, data: .null)) { await Task.yield() }
        #expect(!stream.isOpen)
    }

    @Test func `a silent stream says that it is alive`() async throws {
        var configuration = Self.configuration
        configuration.heartbeat = .milliseconds(20)
        let server = try Self.start(configuration, application)
        try await onThread {
            let client = try RawClient(port: server.port)
            try client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
            for _ in 0..<3 { #expect(try client.read(until: ": \n\n\r\n") == "4\r\n: \n\n\r\n") }
        }
    }

    @Test func `whoever sends a head too slowly gets 408, whoever sends nothing is closed`() async throws {
        var configuration = Self.configuration
        configuration.headTimeout = .milliseconds(50)
        let server = try Self.start(configuration, application)
        try await onThread {
            let slow = try RawClient(port: server.port)
            try slow.send("GET /fast HTTP/1.1\r\n")
            #expect(try slow.response().status == 408)
            let silent = try RawClient(port: server.port)
            #expect(try silent.isClosed())
        }
    }

    @Test func `whoever sends a body too slowly gets 408`() async throws {
        var configuration = Self.configuration
        configuration.bodyTimeout = .milliseconds(50)
        let server = try Self.start(configuration, application)
        try await onThread {
            let client = try RawClient(port: server.port)
            try client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab")
            #expect(try client.response().status == 408)
        }
    }

    @Test func `a connection kept open for nothing is closed`() async throws {
        var configuration = Self.configuration
        configuration.idleTimeout = .milliseconds(50)
        let server = try Self.start(configuration, application)
        try await onThread {
            let client = try RawClient(port: server.port)
            #expect(try client.exchange("GET", "/fast").status == 200)
            #expect(try client.isClosed())
        }
    }

    @Test func `one connection too many is told to come back later`() async throws {
        var configuration = Self.configuration
        configuration.connectionLimit = 2
        let server = try Self.start(configuration, application)
        try await onThread {
            let first = try RawClient(port: server.port)
            let second = try RawClient(port: server.port)
            #expect(try first.exchange("GET", "/fast").status == 200)
            #expect(try second.exchange("GET", "/fast").status == 200)
            #expect(try RawClient(port: server.port).exchange("GET", "/fast").status == 503)
            #expect(try first.exchange("GET", "/fast").status == 200)
        }
    }

    @Test func `stopping answers what is under way and closes the rest`() async throws {
        let port = server.port
        let idle = try await onThread { () -> SendableBox<RawClient> in
            let client = try RawClient(port: port)
            _ = try client.exchange("GET", "/fast")
            return SendableBox(client)
        }
        async let answer = withClient { try $0.exchange("GET", "/wait") }
        await application.gate.someoneWaits()
        async let stopped: Void = server.stop(within: .seconds(10))
        #expect(try await onThread { try idle.value.isClosed() })
        await application.gate.open()
        let response = try await answer
        await stopped
        #expect(response.text == "waited" && response.headers["connection"] == "close")
        await #expect(throws: (any Error).self) { try await onThread { _ = try RawClient(port: port) } }
    }

    @Test func `stopping does not wait for ever`() async throws {
        let answer = Task { try await withClient { try $0.exchange("GET", "/wait") } }
        await application.gate.someoneWaits()
        await server.stop(within: .milliseconds(20))
        await #expect(throws: (any Error).self) { _ = try await answer.value }
        await application.gate.open()
    }

    @Test func `a port in use is named`() throws {
        var configuration = Self.configuration
        configuration.port = server.port
        #expect {
            _ = try Self.start(configuration, application)
        } throws: { error in
            "\(error)".contains("127.0.0.1:\(server.port): Address already in use")
        }
    }

    @Test("an address beyond this machine needs TLS or a proxy", arguments: ["0.0.0.0", "192.0.2.1", "::"])
    func exposed(_ address: String) throws {
        var configuration = Self.configuration
        configuration.address = address
        #expect {
            _ = try Self.start(configuration, application)
        } throws: { error in
            (error as? HTTPServerError)?.code == .exposed && "\(error)".contains("--behind-proxy")
        }
    }

    @Test func `over TLS everything is the same, and nothing is said in the clear`() async throws {
        let folder = "\(Places.package)/Tests/WebTests/tls"
        var configuration = Self.configuration
        configuration.tls = .init(certificate: "\(folder)/certificate.pem", key: "\(folder)/key.pem")
        let server = try Self.start(configuration, application)
        let ending = try await ChildProcess.run(
            "/usr/bin/python3", ["\(folder)/client.py", "\(server.port)", "\(folder)/certificate.pem"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(
            ending.output == """
                http/1.1 TLSv1.3
                HTTP/1.1 200 OK fast HSTS
                HTTP/1.1 200 OK fast HSTS
                HTTP/1.1 200 OK fast HSTS
                3000000
                large
                HTTP/1.1 413 Content Too Large
                plain got b''

                """)
        await server.stop()
    }

    @Test func `a certificate that cannot be used is named`() throws {
        var configuration = Self.configuration
        configuration.tls = .init(certificate: "/no/such.pem", key: "/no/such.key")
        #expect {
            _ = try Self.start(configuration, application)
        } throws: { error in
            (error as? HTTPServerError)?.code == .certificate && "\(error)".contains("/no/such.pem")
        }
    }

    @Test func `the number of open connections is counted`() async throws {
        let metrics = metrics
        try await withClient { client in
            _ = try client.exchange("GET", "/fast")
            #expect(metrics.text.contains("bullpen_http_connections 1\n"))
        }
    }
}

/// Carries a value that is used by one thread after the other.
private struct SendableBox<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
