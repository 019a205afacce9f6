import FoundationEssentials
import Net
import Wire

/// The host, as a command talks to it.
struct Server: Sendable {
    let address: String
    private let token: String?
    private let client: HTTPClient

    /// What an answer was, when it was no error.
    struct Answer: Sendable {
        let json: JSONValue
        let cookies: [String]
    }

    /// Finds the host's address and the token for it: flags, then variables, then what `login` has kept.
    init(_ invocation: Invocation) throws {
        let environment = ProcessInfo.processInfo.environment
        let given = invocation.value("server") ?? environment["BULLPEN_SERVER"] ?? "http://127.0.0.1:8080"
        address = try Self.checked(given, allowsPlain: invocation.has("plain-http"))
        if let token = environment["BULLPEN_TOKEN"], !token.isEmpty {
            self.token = token
        } else {
            token = try Credentials(environment: environment).entry(for: address)?.token
        }
        client = try HTTPClient()
    }

    /// An address without a path. A token would be readable on the way to another machine without TLS.
    private static func checked(_ address: String, allowsPlain: Bool) throws(CommandFailure) -> String {
        var text = address
        while text.last == "/" { text.removeLast() }
        let isPlain = text.hasPrefix("http://")
        guard isPlain || text.hasPrefix("https://"),
            !text.drop(while: { $0 != ":" }).dropFirst(3).contains(where: { "/?#@".contains($0) })
        else { throw .usage("\"\(address)\" is no address such as http://127.0.0.1:8080") }
        let host = text.dropFirst("http://".count)
        let isLocal = ["127.", "localhost", "[::1]"].contains { host.hasPrefix($0) }
        guard !isPlain || isLocal || allowsPlain else {
            throw CommandFailure(
                .error, "\(text) is not encrypted; use https, or --plain-http when the way there is safe")
        }
        return text
    }

    func get(_ path: String) async throws -> JSONValue { try await ask("GET", path).json }

    func post(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await ask("POST", path, body: body ?? .object([])).json
    }

    func patch(_ path: String, _ body: JSONValue) async throws -> JSONValue {
        try await ask("PATCH", path, body: body).json
    }

    func delete(_ path: String) async throws -> JSONValue { try await ask("DELETE", path).json }

    /// Asks and waits for the whole answer; an error status is thrown with the host's own words.
    ///
    /// - Parameter cookies: A session to use instead of the token, with the CSRF token in `headers`.
    func ask(
        _ method: String, _ path: String, body: JSONValue? = nil,
        headers: [(name: String, value: String)] = [], cookies: [String]? = nil
    ) async throws -> Answer {
        let content: HTTPRequest.Body =
            body.map { .bytes($0.bytes, contentType: "application/json") } ?? .none
        return try await send(method, path, content, headers, cookies: cookies, timeouts: .init())
    }

    /// Sends a form; files may be large, so there is time for them.
    func upload(_ path: String, _ parts: [HTTPRequest.Part]) async throws -> JSONValue {
        try await send("POST", path, .form(parts), [], cookies: nil, timeouts: .init(total: .seconds(600)))
            .json
    }

    /// Opens a stream of server-sent events, from behind `lastID`.
    func events(_ path: String, after lastID: String?) async throws -> HTTPStream {
        var headers = authorization + [("Accept", "text/event-stream")]
        if let lastID { headers.append(("Last-Event-ID", lastID)) }
        let request = HTTPRequest("GET", address + path, headers: headers, responseLimit: 1 << 20)
        do {
            let stream = try await client.stream(request)
            guard stream.head.status == 200 else {
                var body: [UInt8] = []
                while let bytes = try await stream.next() { body += bytes }
                throw failure(status: stream.head.status, body: body)
            }
            return stream
        } catch let error as NetFailure {
            throw Self.failure(error)
        }
    }

    /// The body of an answer as it is, such as a page or a table.
    func bytes(_ path: String) async throws -> [UInt8] {
        let request = HTTPRequest(
            "GET", address + path, headers: authorization, timeouts: .init(total: .seconds(120)),
            responseLimit: 256 << 20)
        let response: HTTPResponse
        do {
            response = try await client.send(request)
        } catch {
            throw Self.failure(error)
        }
        guard (200..<300).contains(response.status) else {
            throw failure(status: response.status, body: response.body)
        }
        return response.body
    }

    private var authorization: [(name: String, value: String)] {
        token.map { [("Authorization", "Bearer \($0)")] } ?? []
    }

    private func send(
        _ method: String, _ path: String, _ body: HTTPRequest.Body,
        _ headers: [(name: String, value: String)], cookies: [String]?, timeouts: HTTPRequest.Timeouts
    ) async throws -> Answer {
        var headers = headers + [("Accept", "application/json")]
        headers += cookies.map { [("Cookie", $0.joined(separator: "; "))] } ?? authorization
        let request = HTTPRequest(method, address + path, headers: headers, body: body, timeouts: timeouts)
        let response: HTTPResponse
        do {
            response = try await client.send(request)
        } catch {
            throw Self.failure(error)
        }
        guard (200..<300).contains(response.status) else {
            throw failure(status: response.status, body: response.body)
        }
        let limits = JSONParser.Limits(bytes: 16 << 20)
        do {
            let json =
                response.body.isEmpty
                ? JSONValue.object([]) : try JSONParser.parse(response.body[...], limits: limits)
            let cookies = response.head.headers.filter { $0.name.lowercased() == "set-cookie" }
            return Answer(json: json, cookies: cookies.map { String($0.value.prefix { $0 != ";" }) })
        } catch {
            throw CommandFailure(
                .error, "\(address) answered with something that is not JSON: is it a Bullpen host?")
        }
    }

    private func failure(status: Int, body: [UInt8]) -> CommandFailure {
        let error: JSONValue?
        do {
            error = try JSONParser.parse(body)["error"]
        } catch {
            return CommandFailure(.error, "\(address) answered \(status): is it a Bullpen host?")
        }
        let code = error?["code"]?.stringValue ?? ""
        var message = error?["message"]?.stringValue ?? "the host answered \(status)"
        if let field = error?["field"]?.stringValue, !message.contains(field) {
            message = "\(field): \(message)"
        }
        message = Console.harmless(message)
        switch (status, code) {
        case (401, "wrong_credentials"): return CommandFailure(.error, message)
        case (401, _):
            return CommandFailure(
                .error, token == nil ? "not logged in: bullpen login" : "\(message): bullpen login")
        case (_, "not_running"): return CommandFailure(.notRunning, message)
        case (404, _): return CommandFailure(.notFound, message)
        case (408, _), (504, _): return CommandFailure(.timeout, message)
        default: return CommandFailure(.error, message)
        }
    }

    private static func failure(_ error: NetFailure) -> CommandFailure {
        switch error.code {
        case .timedOut: CommandFailure(.timeout, "\(error)")
        case .notConnected: CommandFailure(.notRunning, "\(error): is the host running? (scripts/serve)")
        case .badRequest, .notResolved, .untrusted, .interrupted, .tooLarge, .fileUnreadable, .cancelled:
            CommandFailure(.error, "\(error)")
        }
    }
}

extension String {
    /// The text as one piece of a URL's path.
    var asPathPiece: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                text.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }
}
