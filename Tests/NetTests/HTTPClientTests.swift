import Glibc
import TestSupport
import Testing

@testable import Net

/// A small server in Python's standard library, whose answers are known.
private final class TestServer: @unchecked Sendable {
    // Sendable: both properties are set once before the value is shared.
    let process: ChildProcess
    let address: String

    init() throws {
        process = try ChildProcess(
            "/usr/bin/python3", ["-I", Places.package + "/Tests/NetTests/server.py"], environment: [:])
        guard let port = process.readLine() else { throw ChildProcess.StartFailure(number: 0) }
        address = "http://127.0.0.1:\(port)"
    }

    deinit {
        process.send(signal: SIGKILL)
        _ = process.finishBlocking()
    }
}

@Suite("HTTP client")
struct HTTPClientTests {
    private let server: TestServer
    private let client: HTTPClient

    init() throws {
        server = try TestServer()
        client = try HTTPClient()
    }

    private func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test func `a request brings back status, headers and body`() async throws {
        let response = try await client.send(HTTPRequest("GET", server.address + "/hello"))
        #expect(response.status == 200)
        #expect(response.head["content-type"] == "text/plain")
        #expect(text(response) == "GET /hello")
    }

    @Test func `an error status is a response`() async throws {
        let response = try await client.send(HTTPRequest("DELETE", server.address + "/status/404"))
        #expect(response.status == 404)
    }

    @Test func `headers and a body are sent as given, an empty body too`() async throws {
        let request = HTTPRequest(
            "PATCH", server.address + "/echo", headers: [("X-Test", "a: b")],
            body: .bytes(Array("{\"a\":1}".utf8), contentType: "application/json"))
        #expect(text(try await client.send(request)) == "PATCH a: b application/json {\"a\":1}")
        let empty = HTTPRequest("POST", server.address + "/echo", body: .bytes([], contentType: "x/y"))
        #expect(text(try await client.send(empty)) == "POST None x/y ")
    }

    @Test func `a header with a line break is refused`() async throws {
        await #expect(throws: NetFailure.self) {
            try await client.send(HTTPRequest("GET", server.address, headers: [("X-Test", "a\r\nB: c")]))
        }
    }

    @Test func `a file goes up as part of a form`() async throws {
        let folder = Places.makeTemporaryFolder()
        let path = folder + "/a.py"
        let file = fopen(path, "w")
        fputs("print('hello')\n", file)
        fclose(file)
        defer {
            unlink(path)
            rmdir(folder)
        }
        let request = HTTPRequest(
            "POST", server.address + "/echo",
            body: .form([
                .init(
                    name: "file", fileName: "a.py", contentType: "text/x-python", content: .file(path: path)),
                .init(name: "name", content: .bytes(Array("first".utf8))),
            ]))
        let answer = text(try await client.send(request))
        #expect(answer.contains("name=\"file\"; filename=\"a.py\"") && answer.contains("print('hello')"))
        #expect(answer.contains("name=\"name\"") && answer.contains("first"))
    }

    @Test func `a response over the limit is refused`() async throws {
        let fits = try await client.send(
            HTTPRequest("GET", server.address + "/bytes/1000", responseLimit: 1000))
        #expect(fits.body.count == 1000)
        let failure = await #expect(throws: NetFailure.self) {
            try await client.send(HTTPRequest("GET", server.address + "/bytes/1001", responseLimit: 1000))
        }
        #expect(failure?.code == .tooLarge)
    }

    @Test func `a server that does not answer is given up after the time-out`() async throws {
        let request = HTTPRequest(
            "GET", server.address + "/silence", timeouts: .init(total: .milliseconds(200)))
        let failure = await #expect(throws: NetFailure.self) { try await client.send(request) }
        #expect(failure?.code == .timedOut)
    }

    @Test func `nobody there, a bad scheme and a bad name are told apart, and no secret is in the words`()
        async
    {
        let cases: [(String, NetFailure.Code)] = [
            ("http://user:secret@127.0.0.1:1/path?key=secret", .notConnected),
            ("file:///etc/passwd", .badRequest),
            ("http://", .badRequest),
        ]
        for (url, code) in cases {
            let failure = await #expect(throws: NetFailure.self) {
                try await client.send(HTTPRequest("GET", url, headers: [("Authorization", "Bearer secret")]))
            }
            #expect(failure?.code == code)
            #expect(failure?.description.contains("secret") == false)
        }
    }

    @Test func `a stream is read while it arrives and ends when it is released`() async throws {
        let stream = try await client.stream(HTTPRequest("GET", server.address + "/events"))
        #expect(stream.head["Content-Type"] == "text/event-stream")
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        while events.count < 3, let bytes = try await stream.next() { events += parser.take(bytes) }
        #expect(events.map(\.id) == ["1", "2", "3"])
    }

    @Test func `a slow reader of a fast stream holds it back and loses nothing`() async throws {
        let stream = try await client.stream(
            HTTPRequest("GET", server.address + "/bytes/5000000", responseLimit: 100_000))
        var count = 0
        while let bytes = try await stream.next() {
            #expect(bytes.count <= 100_000)
            count += bytes.count
            await Task.yield()
        }
        #expect(count == 5_000_000)
    }

    @Test func `a cancelled task ends its request`() async throws {
        let address = server.address
        let task = Task { [client] in try await client.send(HTTPRequest("GET", address + "/silence")) }
        task.cancel()
        let failure = await #expect(throws: NetFailure.self) { try await task.value }
        #expect(failure?.code == .cancelled)
    }

    @Test func `a hundred requests at once are all answered`() async throws {
        let address = server.address
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask { [client] in
                    let response = try await client.send(HTTPRequest("GET", address + "/n/\(number)"))
                    return String(decoding: response.body, as: UTF8.self)
                }
            }
            var answers: Set<String> = []
            for try await answer in group { answers.insert(answer) }
            #expect(answers == Set((0..<100).map { "GET /n/\($0)" }))
        }
    }
}
