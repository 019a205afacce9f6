import Testing
import Wire

@testable import Web

/// Who may do what, over every route there is.
@Suite("API access")
struct APIAccessTests {
    private let fixture: APIFixture

    init() async throws { fixture = try await APIFixture() }

    private static let routes = APIApplication.allRoutes().map { Line(method: $0.method, path: $0.path) }

    struct Line: Sendable, CustomStringConvertible {
        let method: String
        let path: String

        var description: String { "\(method) \(path)" }

        func concrete(id: String) -> String {
            path.split(separator: "/").map { part in
                switch part {
                case ":id" where path.hasPrefix("/signals"): "s1@\(id)"
                case ":id" where path.hasPrefix("/credentials"): "key-\(id.prefix { $0 != "-" })"
                case ":id": id
                case ":name": "bob"
                default: String(part)
                }
            }.reduce("") { $0 + "/" + $1 }
        }

        var isOpen: Bool { path == "/health" || path == "/login" }
        var changes: Bool { method != "GET" }
    }

    @Test func `only health and login are open`() async throws {
        for line in Self.routes where !line.isOpen {
            for user in [nil, "bp_wrong", "root "] as [String?] {
                let response = try await fixture.call(line.method, line.concrete(id: "ann-1"), as: user)
                #expect(response.status == 401, "\(line) as \(user ?? "nobody")")
                #expect(response.headers["www-authenticate"] == "Bearer realm=\"bullpen\"")
            }
        }
        #expect(try await fixture.call("GET", "/health", as: nil).status == 200)
        #expect(fixture.host.calls.isEmpty)
    }

    @Test func `a session changes nothing without its CSRF token`() async throws {
        let session = try await fixture.logIn("root")
        let other = try await fixture.logIn("ann")
        for line in Self.routes where !line.isOpen && line.changes {
            for headers in [[], ["X-CSRF-Token: "], ["X-CSRF-Token: \(other.csrf)"]] {
                let response = try await fixture.call(
                    line.method, line.concrete(id: "ann-1"), as: nil,
                    headers: ["Cookie: \(session.cookie)"] + headers)
                #expect(response.status == 403 && response.code == "csrf", "\(line)")
            }
        }
        #expect(fixture.host.calls.isEmpty)
        let response = try await fixture.call(
            "POST", "/strategies/ann-1/start", as: nil,
            headers: ["Cookie: \(session.cookie)", "X-CSRF-Token: \(session.csrf)"])
        #expect(response.status == 200)
    }

    @Test func `another's strategy does not exist for an author, on every route`() async throws {
        for line in Self.routes where line.path.contains("/strategies/:id") || line.path == "/signals/:id" {
            let isUpload = line.path.hasSuffix("/versions")
            let theirs = try await fixture.call(
                line.method, line.concrete(id: "bob-1"), as: "ann",
                headers: isUpload ? ["Content-Type: text/x-python"] : [], body: isUpload ? [1] : nil)
            let nobodys = try await fixture.call(
                line.method, line.concrete(id: "no-such"), as: "ann",
                headers: isUpload ? ["Content-Type: text/x-python"] : [], body: isUpload ? [1] : nil)
            #expect(theirs.status == 404 && nobodys.status == 404, "\(line)")
            let expected = nobodys.text.replacing("no-such", with: "bob-1")
            if line.path != "/signals/:id" { #expect(theirs.text == expected, "\(line)") }
        }
        #expect(fixture.host.calls.isEmpty)
    }

    @Test func `another's credential does not exist for an author, on every route`() async throws {
        for line in Self.routes where line.path.contains("/credentials/:id") {
            let theirs = try await fixture.call(line.method, line.concrete(id: "bob-1"), as: "ann")
            let nobodys = try await fixture.call(line.method, line.concrete(id: "no-such"), as: "ann")
            #expect(theirs.status == 404 && nobodys.status == 404, "\(line)")
            #expect(theirs.text == nobodys.text.replacing("key-no", with: "key-bob"), "\(line)")
        }
        #expect(fixture.host.calls.isEmpty)
    }

    @Test func `an author brings his own key, and only an operator says where it trades and who with it`()
        async throws
    {
        let key = #""venue":"binance","api_key":"k","secret":"s""#
        let made = try await fixture.call("POST", "/credentials", as: "ann", json: "{\(key)}")
        #expect(made.status == 201 && !made.text.contains("secret"))
        #expect(made.json["key"] == .string("vmPU…Eh8A"))
        for member in [#""account":"live""#, #""traders":["bob"]"#, #""owner":"bob""#, #""account":null"#] {
            let add = try await fixture.call("POST", "/credentials", as: "ann", json: "{\(key),\(member)}")
            let change = try await fixture.call(
                "PATCH", "/credentials/key-ann", as: "ann", json: "{\(member)}")
            #expect(add.status == 403 && change.status == 403, "\(member)")
            #expect(add.field != nil)
            let byOperator = try await fixture.call(
                "PATCH", "/credentials/key-ann", as: "root", json: "{\(member)}")
            #expect(byOperator.status == 200)
        }
        #expect(
            try await fixture.call("GET", "/credentials", as: "ann").json["items"]?.arrayValue?.count == 1)
        #expect(try await fixture.call("GET", "/credentials").json["items"]?.arrayValue?.count == 2)
        for (method, path) in [("GET", ""), ("PATCH", ""), ("POST", "/test"), ("POST", "/rotate")] {
            let answer = try await fixture.call(
                method, "/credentials/key-ann\(path)", as: "ann", json: method == "GET" ? nil : "{}")
            #expect(answer.status == 200, "\(method) \(path) \(answer.text)")
        }
        #expect(try await fixture.call("DELETE", "/credentials/key-ann", as: "ann").status == 200)
    }

    @Test func `what is the operator's is forbidden to an author`() async throws {
        let forbidden = [
            "POST /lab/algorithms/:id/review", "PATCH /lab/criteria",
            "GET /users", "POST /users", "POST /users/:name/disable", "POST /users/:name/enable",
            "POST /market-data/feed", "POST /feeds", "PATCH /feeds/:id", "GET /accounts", "POST /accounts",
            "PATCH /accounts/:id", "GET /accounts/:id/balance", "GET /limits", "PATCH /limits", "POST /halt",
            "POST /limits/peak",
            "POST /resume",
            "GET /orders/ambiguous", "POST /orders/:id/settle", "POST /brackets/:id/cancel",
            "GET /orders/:id/story",
            "POST /data/import", "PATCH /data/series/:venue/:symbol/:resolution",
            "DELETE /data/series/:venue/:symbol/:resolution",
            "POST /data/collectors", "PATCH /data/collectors/:id", "DELETE /data/collectors/:id",
            "POST /data/collectors/:id/run", "POST /data/downloads", "DELETE /data/downloads/:id",
            "GET /reconciliation", "POST /accounts/:id/reconcile",
            "GET /metrics",
            "GET /doctor", "GET /config", "GET /audit", "GET /audit/verify",
        ]
        for line in Self.routes {
            let response = try await fixture.call(
                line.method, line.concrete(id: "ann-1"), as: "ann", json: line.changes ? "{}" : nil)
            #expect(
                (response.status == 403) == forbidden.contains("\(line)") || line.path.hasSuffix("/password"),
                "\(line)")
        }
    }

    @Test func `lists hold an author's own, and everyone's for the operator`() async throws {
        for path in ["/strategies", "/positions"] {
            for (user, count) in [("ann", 1), ("root", 2)] {
                let items = try await fixture.call("GET", path, as: user).json["items"]?.arrayValue
                #expect(items?.count == count, "\(path) as \(user)")
            }
        }
        _ = try await fixture.call("GET", "/positions/orders", as: "ann")
        #expect(fixture.host.calls == ["open orders of ann"])
    }

    @Test func `an author stops trading of his own strategy, and only that`() async throws {
        let own = try await fixture.call("POST", "/halt", as: "ann", json: #"{"scope":"strategy:ann-1"}"#)
        #expect(own.status == 200 && own.json["halted"] == .bool(false))
        #expect(
            try await fixture.call("POST", "/halt", as: "ann", json: #"{"scope":"strategy:bob-1"}"#).status
                == 404)
        #expect(try await fixture.call("POST", "/halt", as: "ann", json: #"{"scope":"all"}"#).status == 403)
        let account = #"{"scope":"account:paper"}"#
        #expect(try await fixture.call("POST", "/halt", as: "ann", json: account).status == 403)
        #expect(try await fixture.call("POST", "/halt", json: account).status == 200)
        let venue = #"{"scope":"venue:paper"}"#
        #expect(try await fixture.call("POST", "/halt", as: "ann", json: venue).status == 403)
        #expect(try await fixture.call("POST", "/halt", json: venue).status == 200)
        #expect(
            try await fixture.call("POST", "/resume", as: "ann", json: #"{"scope":"strategy:ann-1"}"#).status
                == 403)
        let all = try await fixture.call("POST", "/halt", json: #"{"reason":"test","flatten":true}"#)
        #expect(all.json["halted"] == .bool(true))
    }

    @Test func `a page of another site changes nothing, also by logging in`() async throws {
        for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
            let login = try await fixture.call(
                "POST", "/login", as: nil, json: #"{"name":"ann","password":"correct horse"}"#,
                headers: ["Origin: \(origin)"])
            #expect(login.status == 403 && login.code == "foreign_origin", "\(origin)")
        }
        let own = try await fixture.call(
            "POST", "/login", as: nil, json: #"{"name":"ann","password":"correct horse"}"#,
            headers: ["Origin: http://localhost:8080"])
        #expect(own.status == 200)
    }

    @Test func `a session cookie is out of reach of scripts and other sites`() async throws {
        let response = try await fixture.call(
            "POST", "/login", as: nil, json: #"{"name":"ann","password":"correct horse"}"#)
        let cookie = try #require(response.headers["set-cookie"])
        #expect(cookie.hasPrefix("bullpen_session=") && cookie.contains("; HttpOnly; SameSite=Strict; "))
        #expect(!cookie.contains("Secure"))
        let session = try await fixture.logIn("ann")
        let whoami = try await fixture.call(
            "GET", "/session", as: nil, headers: ["Cookie: \(session.cookie)"])
        #expect(whoami.json["user"]?["name"] == .string("ann"))
        #expect(whoami.json["csrf_token"] == .string(session.csrf))
        let logout = try await fixture.call(
            "POST", "/logout", as: nil,
            headers: ["Cookie: \(session.cookie)", "X-CSRF-Token: \(session.csrf)"])
        #expect(logout.status == 200 && logout.headers["set-cookie"]?.contains("Max-Age=0") == true)
        let after = try await fixture.call("GET", "/session", as: nil, headers: ["Cookie: \(session.cookie)"])
        #expect(after.status == 401)
    }

    @Test func `guessing a password is slowed down, with words and a time`() async throws {
        var last = try await fixture.call("POST", "/login", as: nil, json: #"{"name":"ann","password":"x"}"#)
        #expect(last.status == 401 && last.code == "wrong_credentials")
        for _ in 0..<8 where last.status == 401 {
            last = try await fixture.call("POST", "/login", as: nil, json: #"{"name":"ann","password":"x"}"#)
        }
        #expect(last.status == 429 && last.headers["retry-after"] != nil)
        #expect(last.message?.hasPrefix("too many attempts; try again in ") == true)
    }

    @Test func `an author changes his own password and shows the old one`() async throws {
        let path = "/users/ann/password"
        #expect(
            try await fixture.call("POST", path, as: "bob", json: #"{"password":"a new password"}"#).status
                == 403)
        let missing = try await fixture.call("POST", path, as: "ann", json: #"{"password":"a new password"}"#)
        #expect(missing.status == 400 && missing.field == "current_password")
        let wrong = try await fixture.call(
            "POST", path, as: "ann", json: #"{"password":"a new password","current_password":"x"}"#)
        #expect(wrong.status == 400 && wrong.field == "current_password")
        let right = try await fixture.call(
            "POST", path, as: "ann",
            json: #"{"password":"a new password","current_password":"correct horse"}"#)
        #expect(right.status == 200)
        #expect(
            try await fixture.call("POST", path, as: "root", json: #"{"password":"another password"}"#).status
                == 200)
    }

    @Test func `tokens are made, listed without their secrets, and revoked`() async throws {
        let made = try await fixture.call(
            "POST", "/tokens", as: "ann", json: #"{"name":"cli","expires_in_days":30}"#)
        #expect(made.status == 201)
        let secret = try #require(made.json["token"]?.stringValue)
        let id = try #require(made.json["id"]?.stringValue)
        #expect(try await fixture.call("GET", "/session", as: secret).json["csrf_token"] == .null)
        let list = try await fixture.call("GET", "/tokens", as: "ann")
        #expect(list.text.contains(id) && !list.text.contains(secret))
        #expect(try await fixture.call("DELETE", "/tokens/\(id)", as: "bob").status == 404)
        #expect(try await fixture.call("DELETE", "/tokens/\(id)", as: "ann").status == 200)
        #expect(try await fixture.call("GET", "/session", as: secret).status == 401)
    }
}
