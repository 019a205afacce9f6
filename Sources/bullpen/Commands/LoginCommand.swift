import FoundationEssentials
import Glibc
import Wire

extension Command {
    static let login = Command(
        name: "login", group: .access, summary: "Log in and keep a token for this host.",
        details: """
            Asks for the password without echo; without a terminal it is the first line of standard input.
            The token is kept in ~/.config/bullpen/credentials.json, readable by you alone, for 90 days.
            """,
        options: [.value("name", "user", "Who you are; otherwise you are asked.")]
    ) { invocation in
        let server = try Server(invocation)
        let name = try invocation.value("name") ?? Prompt.line("Name")
        let password = try Prompt.password("Password")
        let opened = try await server.ask(
            "POST", "/login", body: .members(["name": .string(name), "password": .string(password)]),
            cookies: [])
        guard let csrf = opened.json["csrf_token"]?.stringValue, !opened.cookies.isEmpty else {
            throw CommandFailure(.error, "\(server.address) opened no session: is it a Bullpen host?")
        }
        let session: [(name: String, value: String)] = [("X-CSRF-Token", csrf)]
        let made = try await server.ask(
            "POST", "/tokens",
            body: .members(["name": .string("bullpen on \(machineName)"), "expires_in_days": .integer(90)]),
            headers: session, cookies: opened.cookies
        ).json
        _ = try await server.ask(
            "POST", "/logout", body: .object([]), headers: session, cookies: opened.cookies)
        guard let token = made["token"]?.stringValue, let id = made["id"] else {
            throw CommandFailure(.error, "\(server.address) gave no token")
        }
        var credentials = try Credentials(environment: ProcessInfo.processInfo.environment)
        try credentials.put(
            Credentials.Entry(server: server.address, user: name, tokenID: Words.text(id), token: token))
        let role = Words.text(opened.json["user"]?["role"])
        invocation.show(
            .members(["server": .string(server.address), "name": .string(name), "role": .string(role)]),
            ["Logged in at \(server.address) as \(name), \(role)."])
    }

    static let logout = Command(
        name: "logout", group: .access, summary: "Revoke the kept token and forget it."
    ) { invocation in
        let server = try Server(invocation)
        var credentials = try Credentials(environment: ProcessInfo.processInfo.environment)
        guard let entry = credentials.entry(for: server.address) else {
            throw CommandFailure(.notFound, "no token is kept for \(server.address)")
        }
        do {
            _ = try await server.delete("/tokens/\(entry.tokenID.asPathPiece)")
        } catch let failure as CommandFailure where failure.code == .notFound {
            // Revoked or run out already: only forgetting is left.
        }
        try credentials.remove(server: server.address)
        invocation.show(.members(["server": .string(server.address)]), ["Logged out at \(server.address)."])
    }

    private static var machineName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, 255) == 0 else { return "a machine" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
