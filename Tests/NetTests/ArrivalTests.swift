import Glibc
import TestSupport
import Testing

@testable import Net

/// A server that misbehaves on order.
private final class MisbehavingServer: @unchecked Sendable {
    // Sendable: both properties are set once before the value is shared.
    let process: ChildProcess
    let port: String

    init(certificate: String? = nil) throws {
        let folder = Places.package + "/Tests/NetTests"
        let files = certificate.map { ["\(folder)/tls/\($0).pem", "\(folder)/tls/\($0)-key.pem"] } ?? []
        process = try ChildProcess(
            "/usr/bin/python3", ["-I", folder + "/misbehaving_server.py"] + files, environment: [:])
        guard let port = process.readLine() else { throw ChildProcess.StartFailure(number: 0) }
        self.port = port
    }

    deinit {
        process.send(signal: SIGKILL)
        _ = process.finishBlocking()
    }
}

@Suite("Whether a failed request may have arrived", .timeLimit(.minutes(1)))
struct ArrivalTests {
    private let server: MisbehavingServer
    private let client: HTTPClient
    private let base: String

    init() throws {
        server = try MisbehavingServer()
        client = try HTTPClient()
        base = "http://127.0.0.1:\(server.port)"
    }

    private func script(_ name: String, _ steps: String) async throws {
        _ = try await client.send(
            HTTPRequest("PUT", "\(base)/script/\(name)", body: .bytes(Array(steps.utf8), contentType: "a/b")))
    }

    /// How many requests came, by the server's own count.
    private func arrivals(_ name: String) async throws -> Int {
        let response = try await client.send(HTTPRequest("GET", "\(base)/log/\(name)"))
        return String(decoding: response.body, as: UTF8.self).split(separator: "\"method\"").count - 1
    }

    private func failure(_ request: HTTPRequest) async -> NetFailure? {
        await #expect(throws: NetFailure.self) { try await client.send(request) }
    }

    @Test
    func `a connection that is refused, a name without address and a bad address prove that nothing left`()
        async
    {
        for url in ["http://127.0.0.1:1/", "http://no-such-name.invalid/", "ftp://127.0.0.1/", "http://"] {
            let failure = await failure(HTTPRequest("POST", url, body: .bytes([1], contentType: "a/b")))
            #expect(failure?.mayHaveArrived == false, "\(url)")
        }
    }

    @Test func `a certificate that is not trusted proves that nothing left`() async throws {
        let secure = try MisbehavingServer(certificate: "local")
        let failure = await failure(HTTPRequest("POST", "https://localhost:\(secure.port)/do/tls"))
        #expect(failure?.code == .untrusted && failure?.mayHaveArrived == false)
    }

    @Test func `a server that never takes the connection proves that nothing left`() async throws {
        // A socket that listens with a full queue answers no further handshake.
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(socket, $0, size)
                _ = getsockname(socket, $0, &size)
            }
        }
        _ = listen(socket, 0)
        let port = UInt16(bigEndian: address.sin_port)
        var fillers: [Int32] = []
        defer { for filler in fillers { close(filler) } }
        for _ in 0..<4 {
            let filler = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            fillers.append(filler)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(filler, $0, size) }
            }
        }
        let request = HTTPRequest(
            "POST", "http://127.0.0.1:\(port)/", body: .bytes([1], contentType: "a/b"),
            timeouts: .init(connect: .milliseconds(200), total: .seconds(5)))
        let failure = await failure(request)
        #expect(failure?.code == .timedOut && failure?.mayHaveArrived == false)
    }

    @Test(arguments: [
        #"[{"end": "close"}]"#, #"[{"end": "reset"}]"#, #"[{"end": "hang"}]"#,
        #"[{"body": "0123456789", "truncate": 4}]"#, #"[{"body": "0123456789", "delay": 2}]"#,
    ])
    func `a request that was read and not answered whole may have arrived`(_ steps: String) async throws {
        try await script("lost", steps)
        let request = HTTPRequest(
            "POST", "\(base)/do/lost", body: .bytes([1], contentType: "a/b"),
            timeouts: .init(total: .milliseconds(500)), isSentOnce: true)
        let failure = await failure(request)
        #expect(failure?.mayHaveArrived == true)
        #expect(try await arrivals("lost") == 1)
    }

    @Test func `an answer over the limit may have arrived`() async throws {
        try await script("large", #"[{"body": "0123456789"}]"#)
        let failure = await failure(HTTPRequest("POST", "\(base)/do/large", responseLimit: 9))
        #expect(failure?.code == .tooLarge && failure?.mayHaveArrived == true)
    }

    // libcurl sends a request again, of whatever method, when a kept connection ends without a byte of an answer: the
    // server may have carried out the first one.
    @Test func `a request that is to be sent once is not sent again on a fresh connection`() async throws {
        for (isSentOnce, wanted) in [(true, 1), (false, 2)] {
            try await script("again", #"[{}, {"end": "close"}, {}]"#)
            func order() -> HTTPRequest {
                HTTPRequest(
                    "POST", "\(base)/do/again", body: .bytes([1], contentType: "a/b"), isSentOnce: isSentOnce)
            }
            // The first one makes a connection that is kept.
            let lonely = try HTTPClient()
            _ = try await lonely.send(order())
            if isSentOnce {
                let failure = await #expect(throws: NetFailure.self) { try await lonely.send(order()) }
                #expect(failure?.mayHaveArrived == true && failure?.code == .interrupted)
            } else {
                // The control: without the promise libcurl does send it twice.
                _ = try await lonely.send(order())
            }
            #expect(try await arrivals("again") == 1 + wanted)
        }
    }

    @Test func `an answer comes to a caller who does not wait, a failure too`() async throws {
        try await script("later", #"[{"body": "done"}]"#)
        func ask(_ url: String) async -> Result<HTTPResponse, NetFailure> {
            await withCheckedContinuation { continuation in
                client.send(HTTPRequest("GET", url)) { continuation.resume(returning: $0) }
            }
        }
        let response = try await ask("\(base)/do/later").get()
        #expect(response.status == 200 && response.body == Array("done".utf8))
        #expect(response.head["content-length"] == "4")
        for (url, code) in [("http://127.0.0.1:1/", NetFailure.Code.notConnected), ("x", .badRequest)] {
            guard case .failure(let failure) = await ask(url) else { return #expect(Bool(false)) }
            #expect(failure.code == code)
        }
    }

    @Test func `a certificate of an authority that the client was given is taken`() async throws {
        let secure = try MisbehavingServer(certificate: "local")
        let client = try HTTPClient(authorities: Places.package + "/Tests/NetTests/tls/authority.pem")
        let response = try await client.send(HTTPRequest("GET", "https://localhost:\(secure.port)/do/tls"))
        #expect(response.status == 200)
    }
}
