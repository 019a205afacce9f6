import Journal
import Posix
import Testing

@testable import Identity

@Suite("Identity service")
struct IdentityServiceTests {
    private let fixture: IdentityFixture
    private let identity: IdentityService
    private let password = "correct horse"

    init() async throws {
        fixture = try IdentityFixture()
        identity = try await fixture.service()
        _ = try await identity.addUser("root", role: .operator, password: password, by: "host")
        _ = try await identity.addUser("ann", role: .author, password: password, by: "root")
    }

    @Test func `the first start makes one operator with a password that nobody could guess, once`()
        async throws
    {
        let fixture = try IdentityFixture()
        let identity = try await fixture.service()
        let first = try #require(try await identity.makeFirstOperator())
        #expect(first.name == "admin" && first.password.count == 23)
        #expect(try await identity.makeFirstOperator() == nil)
        let login = try await identity.logIn(name: "admin", password: first.password, peer: "p")
        #expect(login.user.role == .operator)
    }

    @Test func `a login gives a session, and logging out ends it`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        #expect(
            identity.principal(session: login.secret)
                == Principal(name: "ann", role: .author, credential: .session))
        #expect(identity.isCSRFToken(login.csrfToken, session: login.secret))
        #expect(!identity.isCSRFToken("", session: login.secret))
        #expect(login.csrfToken != login.secret)
        try await identity.logOut(session: login.secret)
        #expect(identity.principal(session: login.secret) == nil)
    }

    @Test(
        "wrong names and wrong passwords fail alike",
        arguments: [
            ("ann", "wrong horse"), ("nobody", "correct horse"), ("", ""), ("ann", ""),
            ("ANN", "correct horse"), (String(repeating: "x", count: 10_000), "y"),
        ])
    func wrong(_ name: String, _ password: String) async throws {
        await #expect(throws: IdentityError.wrongCredentials) {
            try await identity.logIn(name: name, password: password, peer: "p")
        }
    }

    @Test func `sessions, tokens and users outlive a restart`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        let (token, secret) = try await identity.makeToken(for: "ann", name: "laptop", expiresInDays: 1)
        let again = try await fixture.service()
        #expect(again.principal(session: login.secret)?.name == "ann")
        #expect(again.principal(token: secret)?.credential == .token(id: token.id))
        #expect(again.users().map(\.name) == ["ann", "root"])
    }

    @Test func `nothing that is kept lets anybody in`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        let (_, secret) = try await identity.makeToken(for: "ann", name: "laptop", expiresInDays: nil)
        fixture.writer.close()
        // Closing has copied everything into the one file.
        let file = try FileDescriptor.open("\(fixture.folder)/journal.db", 0)
        let text = String(decoding: try file.read(at: 0, count: try file.size()), as: UTF8.self)
        #expect(text.contains("laptop"))
        for word in [login.secret, secret, password, login.csrfToken] { #expect(!text.contains(word)) }
    }

    @Test func `a session ends when it is not used, and lasts while it is`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        for _ in 0..<10 {
            fixture.advance(seconds: 11 * 3600)
            #expect(identity.principal(session: login.secret) != nil)
        }
        fixture.advance(seconds: 12 * 3600)
        #expect(identity.principal(session: login.secret) == nil)
    }

    @Test func `a session does not last for ever, however much it is used`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        for _ in 0..<(30 * 24 / 10 - 1) {
            fixture.advance(seconds: 10 * 3600)
            #expect(identity.principal(session: login.secret) != nil)
        }
        fixture.advance(seconds: 10 * 3600)
        #expect(identity.principal(session: login.secret) == nil)
    }

    @Test func `one session too many ends the oldest`() async throws {
        let identity = try await fixture.service { $0.sessionsPerUser = 2 }
        var secrets: [String] = []
        for _ in 0..<3 {
            fixture.advance(seconds: 1)
            secrets.append(try await identity.logIn(name: "ann", password: password, peer: "p").secret)
        }
        #expect(secrets.map { identity.principal(session: $0) != nil } == [false, true, true])
    }

    @Test func `a new password ends the sessions, and the old one is worth nothing`() async throws {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        try await identity.setPassword("another horse", of: "ann", by: "root")
        #expect(identity.principal(session: login.secret) == nil)
        await #expect(throws: IdentityError.wrongCredentials) {
            try await identity.logIn(name: "ann", password: password, peer: "p")
        }
        _ = try await identity.logIn(name: "ann", password: "another horse", peer: "p")
    }

    @Test func `a disabled user is out at once, with sessions and tokens, and comes back when enabled`()
        async throws
    {
        let login = try await identity.logIn(name: "ann", password: password, peer: "p")
        let (_, secret) = try await identity.makeToken(for: "ann", name: "laptop", expiresInDays: nil)
        #expect(try await identity.setDisabled(true, "ann", by: "root").isDisabled)
        #expect(identity.principal(session: login.secret) == nil && identity.principal(token: secret) == nil)
        await #expect(throws: IdentityError.wrongCredentials) {
            try await identity.logIn(name: "ann", password: password, peer: "p")
        }
        _ = try await identity.setDisabled(false, "ann", by: "root")
        #expect(identity.principal(session: login.secret) == nil)
        #expect(identity.principal(token: secret) != nil)
    }

    @Test func `the last operator cannot be shut out`() async throws {
        await #expect(throws: IdentityError.conflict("root is the last operator who can log in")) {
            try await identity.setDisabled(true, "root", by: "root")
        }
        _ = try await identity.addUser("root2", role: .operator, password: password, by: "root")
        _ = try await identity.setDisabled(true, "root", by: "root2")
        await #expect(throws: (any Error).self) {
            try await identity.setDisabled(true, "root2", by: "root2")
        }
    }

    @Test(
        "names and passwords that will not do are refused by field",
        arguments: [
            ("", "correct horse", "name"), ("Ann", "correct horse", "name"), ("a/b", "correct horse", "name"),
            ("-a", "correct horse", "name"), ("host", "correct horse", "name"),
            (String(repeating: "a", count: 33), "correct horse", "name"),
            ("bob", "123456789", "password"), ("bobby", "xxbobbyxxxx", "password"),
            ("bob", String(repeating: "x", count: 1025), "password"),
        ])
    func refused(_ name: String, _ password: String, _ field: String) async throws {
        await #expect {
            _ = try await identity.addUser(name, role: .author, password: password, by: "root")
        } throws: { error in
            if case .invalid(let named, _)? = error as? IdentityError { named == field } else { false }
        }
    }

    @Test func `a name is given once`() async throws {
        await #expect(throws: IdentityError.conflict("there is a user \"ann\" already")) {
            try await identity.addUser("ann", role: .author, password: password, by: "root")
        }
    }

    @Test func `tokens end on their day or when revoked, and only by their owner`() async throws {
        let (token, secret) = try await identity.makeToken(for: "ann", name: "laptop", expiresInDays: 1)
        #expect(secret.hasPrefix("bp_") && identity.principal(token: secret)?.name == "ann")
        await #expect(throws: IdentityError.notFound(kind: "token", id: token.id)) {
            try await identity.revokeToken(token.id, of: "root")
        }
        fixture.advance(seconds: 86_400)
        #expect(identity.principal(token: secret) == nil)
        let (second, secondSecret) = try await identity.makeToken(for: "ann", name: "b", expiresInDays: nil)
        #expect(identity.tokens(of: "ann").map(\.name) == ["laptop", "b"])
        try await identity.revokeToken(second.id, of: "ann")
        #expect(identity.principal(token: secondSecret) == nil)
        #expect(try await fixture.service().principal(token: secondSecret) == nil)
    }

    @Test(
        "what is no token is nobody",
        arguments: ["", "bp_", "bp_x", "x", String(repeating: "bp_", count: 1000)])
    func noToken(_ text: String) {
        #expect(identity.principal(token: text) == nil && identity.principal(session: text) == nil)
    }

    @Test func `guessing is slowed down and then locked out, for that address only`() async throws {
        for _ in 0..<10 {
            fixture.advance(seconds: 120)
            await #expect(throws: IdentityError.wrongCredentials) {
                try await identity.logIn(name: "ann", password: "guess", peer: "evil")
            }
        }
        fixture.advance(seconds: 120)
        await #expect(throws: IdentityError.throttled(milliseconds: 780_000)) {
            try await identity.logIn(name: "ann", password: password, peer: "evil")
        }
        _ = try await identity.logIn(name: "ann", password: password, peer: "home")
        fixture.advance(seconds: 780)
        _ = try await identity.logIn(name: "ann", password: password, peer: "evil")
    }

    @Test func `who did what stands in the audit trail, newest first and page by page`() async throws {
        _ = try await identity.makeToken(for: "ann", name: "laptop", expiresInDays: nil)
        identity.audit.record("ann", "strategy.start", "s1", "{\"capital\":\"10\"}")
        let entries = try await identity.audit.entries(limit: 2)
        #expect(entries.map(\.action) == ["strategy.start", "token.create"])
        #expect(entries[0].actor == "ann" && entries[0].subject == "s1")
        let older = try await identity.audit.entries(before: entries[1].id, limit: 10)
        #expect(older.map(\.action) == ["user.add", "user.add"])
        #expect(older.map(\.subject) == ["ann", "root"])
    }
}
