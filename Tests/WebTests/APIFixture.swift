import Glibc
import Host
import Journal
import Lab
import Posix
import TestSupport
import Wire

@testable import Identity
@testable import Web

/// A whole server with a fake host, two authors and an operator.
final class APIFixture: Sendable {
    static let password = "correct horse"

    let host = FakeHost(owners: ["ann-1": "ann", "bob-1": "bob"])
    let folder = Places.makeTemporaryFolder()
    let writer: GroupCommitWriter
    let identity: IdentityService
    let metrics = MetricsRegistry()
    let health = HealthBoard(parts: ["journal"])
    let server: HTTPServer
    /// Tokens by user.
    let tokens: [String: String]

    init(
        lab: LabService? = nil, studies: StudyService? = nil,
        _ change: (inout APIServices.Settings) -> Void = { _ in }
    ) async throws {
        writer = try GroupCommitWriter(path: "\(folder)/journal.db", migrations: [IdentitySchema.migrations])
        let log = HostLog(part: "web", sink: try .memory())
        var identitySettings = IdentityService.Settings()
        identitySettings.passwordCost = .trivial
        identity = try await IdentityService(writer: writer, settings: identitySettings, log: log)
        var tokens: [String: String] = [:]
        for (name, role) in [("root", Role.operator), ("ann", .author), ("bob", .author)] {
            _ = try await identity.addUser(name, role: role, password: Self.password, by: "host")
            tokens[name] = try await identity.makeToken(for: name, name: "test", expiresInDays: nil).secret
        }
        self.tokens = tokens
        mkdir("\(folder)/pages", 0o700)
        let page = try FileDescriptor.open("\(folder)/pages/index.html", O_WRONLY | O_CREAT)
        try page.writeAll(Array("<!doctype html>".utf8)[...])
        let secret = try FileDescriptor.open("\(folder)/secret.txt", O_WRONLY | O_CREAT)
        try secret.writeAll(Array("secret".utf8)[...])
        symlink("\(folder)/secret.txt", "\(folder)/pages/link.txt")
        var settings = APIServices.Settings()
        settings.pages = "\(folder)/pages"
        settings.version = "1.2.3"
        settings.uploadLimit = 100_000
        settings.openAPI = Array("{}".utf8)
        change(&settings)
        let services = APIServices(
            host: host, identity: identity, health: health, metrics: metrics,
            log: log,
            settings: settings, lab: lab, studies: studies)
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.heartbeat = .milliseconds(20)
        server = try HTTPServer(
            configuration, application: APIApplication(services, configuration: configuration), log: log,
            metrics: metrics)
    }

    deinit {
        writer.close()
        for name in [
            "journal.db", "journal.db-wal", "journal.db-shm", "pages/index.html", "pages/link.txt",
            "secret.txt",
        ] {
            unlink("\(folder)/\(name)")
        }
        rmdir("\(folder)/pages")
        rmdir(folder)
    }

    /// Sends one request on a connection of its own, as `user` with his token; nil is nobody.
    func call(
        _ method: String, _ path: String, as user: String? = "root", json: String? = nil,
        headers: [String] = [],
        body: [UInt8]? = nil
    ) async throws -> RawClient.Response {
        var lines = headers
        if let user { lines.append("Authorization: Bearer \(tokens[user] ?? user)") }
        if json != nil { lines.append("Content-Type: application/json") }
        let (sent, content) = (lines, body ?? json.map { Array($0.utf8) })
        let port = server.port
        return try await onThread {
            try RawClient(port: port).exchange(method, path, headers: sent, body: content)
        }
    }

    /// Logs in and returns what a browser sends from then on.
    func logIn(_ user: String) async throws -> (cookie: String, csrf: String) {
        let response = try await call(
            "POST", "/login", as: nil, json: #"{"name":"\#(user)","password":"\#(Self.password)"}"#)
        let cookie = response.headers["set-cookie"]?.split(separator: ";").first.map(String.init) ?? ""
        return (cookie, response.json["csrf_token"]?.stringValue ?? "")
    }
}

extension LocalConnection.Response {
    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }
    var code: String? { json["error"]?["code"]?.stringValue }
    var field: String? { json["error"]?["field"]?.stringValue }
    var message: String? { json["error"]?["message"]?.stringValue }
}
