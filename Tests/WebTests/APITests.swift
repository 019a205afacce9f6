import Host
import Posix
import TestSupport
import Testing
import Trading
import Wire

@testable import Web

@Suite("API")
struct APITests {
    private let fixture: APIFixture

    init() async throws { fixture = try await APIFixture() }

    @Test func `health tells the version and each part, without logging in`() async throws {
        let health = try await fixture.call("GET", "/health", as: nil)
        #expect(health.json["status"] == .string("ok") && health.json["version"] == .string("1.2.3"))
        #expect(health.json["parts"]?["journal"] == .string("ok"))
    }

    @Test func `what is wrong with a part is told to those who have logged in`() async throws {
        fixture.health.report("journal", fault: "no room on /var")
        let stranger = try await fixture.call("GET", "/health", as: nil)
        #expect(stranger.json["status"] == .string("degraded"))
        #expect(stranger.json["parts"]?["journal"] == .string("fault"))
        #expect(
            try await fixture.call("GET", "/health", as: "bp_wrong").json["parts"]?["journal"]
                == .string("fault"))
        let known = try await fixture.call("GET", "/health", as: "ann")
        #expect(known.json["parts"]?["journal"] == .string("no room on /var"))
    }

    @Test(
        "a path with other methods says which",
        arguments: [
            ("PUT", "/strategies", "GET, HEAD, POST"), ("POST", "/health", "GET, HEAD"),
            ("TRACE", "/strategies/x", "GET, HEAD, DELETE"), ("OPTIONS", "/login", "POST"),
            ("GET", "/strategies/deploy", "POST"), ("GET", "/strategies/x/start", "POST"),
        ])
    func otherMethods(_ method: String, _ path: String, _ allowed: String) async throws {
        let response = try await fixture.call(method, path)
        #expect(response.status == 405 && response.headers["allow"] == allowed)
        #expect(response.code == "method_not_allowed")
    }

    @Test(
        "what is not there is not found",
        arguments: ["/nothing", "/strategies/", "/strategies/a/b/c", "/users/x"])
    func notFound(_ path: String) async throws {
        let response = try await fixture.call("GET", path)
        #expect(response.status == 404 && response.code == "not_found")
    }

    @Test(
        "wrong fields are refused by name",
        arguments: [
            ("POST", "/strategies/ann-1/start", #"{"capitol":"1"}"#, "capitol"),
            ("POST", "/strategies/ann-1/start", #"{"capital":"0"}"#, "capital"),
            ("POST", "/strategies/ann-1/start", #"{"capital":"NaN"}"#, "capital"),
            ("POST", "/strategies/ann-1/start", #"{"capital":true}"#, "capital"),
            ("POST", "/strategies/ann-1/start", #"{"parameters":[]}"#, "parameters"),
            ("POST", "/strategies/ann-1/start", #"{"feed":7}"#, "feed"),
            ("POST", "/strategies/ann-1/stop", #"{"orders":"drop"}"#, "orders"),
            ("POST", "/strategies/ann-1/pause", #"{"x":1}"#, "x"),
            ("POST", "/strategies/ann-1/signals", #"{"symbol":"X"}"#, "action"),
            ("POST", "/strategies/ann-1/signals", #"{"action":""}"#, "action"),
            ("POST", "/login", #"{"name":"ann"}"#, "password"),
            ("POST", "/login", #"{"name":1,"password":"x"}"#, "name"),
            ("POST", "/users", #"{"name":"x","role":"king","password":"correct horse"}"#, "role"),
            ("POST", "/users", #"{"name":"x","role":"author","password":"short"}"#, "password"),
            ("POST", "/tokens", #"{"name":"x","expires_in_days":0}"#, "expires_in_days"),
            ("POST", "/tokens", #"{"name":"x","expires_in_days":1.5}"#, "expires_in_days"),
            ("POST", "/halt", #"{"scope":"everything"}"#, "scope"),
            ("POST", "/market-data/feed", #"{"events":[{"type":"rumour"}]}"#, "events[0].type"),
            ("POST", "/market-data/feed", #"{}"#, "events"),
            ("PATCH", "/feeds/simulated", #"{"colour":"red"}"#, "colour"),
            ("PATCH", "/limits", #"{"galactic":{}}"#, "galactic"),
        ])
    func wrongFields(_ method: String, _ path: String, _ body: String, _ field: String) async throws {
        let response = try await fixture.call(method, path, json: body)
        #expect(response.status == 400 && response.code == "invalid_field", "\(response.text)")
        #expect(response.field == field)
        #expect(fixture.host.calls.isEmpty)
    }

    @Test(
        "what is not a JSON object is refused",
        arguments: [
            "{", "[]", "1", #"{"a":1,"a":2}"#, #"{"capital":NaN}"#, "{}{}", "\u{FEFF}{}", "{\"a\":\"\u{1}\"}",
        ])
    func notJSON(_ body: String) async throws {
        let response = try await fixture.call("POST", "/strategies/ann-1/start", json: body)
        #expect(response.status == 400)
    }

    @Test func `a body must say that it is JSON`() async throws {
        let response = try await fixture.call(
            "POST", "/strategies/ann-1/start", headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: Array("{}".utf8))
        #expect(response.status == 415)
    }

    @Test func `a body that is no object, or has a member without a name, is refused in whole words`()
        async throws
    {
        for body in ["null", "[]", "1", "\"x\""] {
            let response = try await fixture.call(
                "POST", "/tokens", headers: ["Content-Type: application/json"], body: Array(body.utf8))
            #expect(response.status == 400, "\(response.text)")
            #expect(response.text.contains("the body must be an object, not"), "\(response.text)")
        }
        let response = try await fixture.call(
            "POST", "/strategies/ann-1/start", headers: ["Content-Type: application/json"],
            body: Array(#"{"":1}"#.utf8))
        #expect(response.status == 400 && response.field == "\"\"", "\(response.text)")
    }

    @Test(
        "queries are as strict as bodies",
        arguments: [
            ("/strategies?limit=0", "limit"), ("/strategies?limit=1001", "limit"),
            ("/strategies?limit=x", "limit"),
            ("/strategies?limit=+1", "limit"), ("/strategies?colour=red", "colour"),
            ("/strategies?limit=1&limit=2", "limit"), ("/strategies/ann-1?x=1", "x"),
            ("/strategies/ann-1/logs?after=x", "after"), ("/strategies/ann-1/candles?limit=5001", "limit"),
            ("/audit?after=x", "after"), ("/feeds?after=-1", "after"), ("/strategies?=1", "\"\""),
        ])
    func wrongQueries(_ path: String, _ field: String) async throws {
        let response = try await fixture.call("GET", path)
        #expect(response.status == 400 && response.field == field, "\(response.text)")
    }

    // MARK: - Strategies

    private func form(_ parts: [(name: String, fileName: String?, content: String)]) -> (String, [UInt8]) {
        var body = ""
        for part in parts {
            body += "--X-boundary\r\nContent-Disposition: form-data; name=\"\(part.name)\""
            if let fileName = part.fileName { body += "; filename=\"\(fileName)\"" }
            body += "\r\n\r\n\(part.content)\r\n"
        }
        return (
            "Content-Type: multipart/form-data; boundary=X-boundary",
            Array((body + "--X-boundary--\r\n").utf8)
        )
    }

    @Test func `a form brings a file, its name and a configuration`() async throws {
        let (type, body) = form([
            ("file", "C:\\tmp\\grid.py", "pass\r\n--X-bound"), ("config", nil, #"{"name":"g"}"#),
            ("name", nil, "Grid"),
        ])
        let response = try await fixture.call("POST", "/strategies", as: "ann", headers: [type], body: body)
        #expect(response.status == 201 && response.json["owner"] == .string("ann"))
        let upload = try #require(fixture.host.state.withLock { $0.uploads.first })
        #expect(upload.content == Array("pass\r\n--X-bound".utf8) && upload.fileName == "grid.py")
        #expect(upload.name == "Grid" && upload.config == Array(#"{"name":"g"}"#.utf8))
    }

    @Test func `a file itself is taken with its name in the query`() async throws {
        let response = try await fixture.call(
            "POST", "/strategies?name=My%20grid", headers: ["Content-Type: text/x-python"],
            body: Array("pass".utf8))
        #expect(response.status == 201)
        #expect(
            fixture.host.state.withLock { $0.uploads } == [
                BundleUpload(content: Array("pass".utf8), name: "My grid")
            ])
    }

    @Test func `a refused bundle says what is wrong, where`() async throws {
        let (type, body) = form([("file", "a.py", "bad")])
        let response = try await fixture.call("POST", "/strategies", headers: [type], body: body)
        #expect(response.status == 400 && response.code == "bundle_refused")
        let problem = response.json["error"]?["problems"]?.arrayValue?.first
        #expect(problem?["line"] == .integer(1) && problem?["source"] == .string("bad"))
        let report = try await fixture.call("POST", "/strategies/validate", headers: [type], body: body)
        #expect(report.status == 200 && report.json["valid"] == .bool(false))
    }

    @Test(
        "what is no form is refused with its reason",
        arguments: [
            ("", "file"), ("--X-boundary--\r\n", "file"), ("junk", nil), ("--X-boundary\r\n\r\n", nil),
            ("--X-boundary\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nno end", nil),
            (
                "--X-boundary\r\nContent-Disposition: attachment; name=\"file\"\r\n\r\nx\r\n--X-boundary--",
                nil
            ),
            (
                "--X-boundary\r\nContent-Disposition: form-data; name=\"colour\"\r\n\r\nx\r\n--X-boundary--",
                "colour"
            ),
            (
                "--X-boundary\r\nContent-Disposition: form-data; name=\"start\"\r\n\r\n{}\r\n--X-boundary--",
                "start"
            ),
        ] as [(String, String?)])
    func wrongForms(_ body: String, _ field: String?) async throws {
        let response = try await fixture.call(
            "POST", "/strategies", headers: ["Content-Type: multipart/form-data; boundary=X-boundary"],
            body: Array(body.utf8))
        #expect([400, 415].contains(response.status) && response.field == field, "\(response.text)")
        #expect(fixture.host.state.withLock { $0.uploads.isEmpty })
    }

    @Test func `an upload over the limit is refused while it arrives, one without a login before`()
        async throws
    {
        let port = fixture.server.port
        let token = fixture.tokens["ann"] ?? ""
        try await onThread {
            let client = try RawClient(port: port)
            let head = "POST /strategies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/zip\r\n"
            try client.send(head + "Authorization: Bearer \(token)\r\nTransfer-Encoding: chunked\r\n\r\n")
            try client.send("20000\r\n" + String(repeating: "x", count: 100_001))
            let response = try client.response()
            #expect(response.status == 413 && response.code == "too_large")
            #expect(response.message == "the body has more than 100000 bytes")
            let stranger = try RawClient(port: port)
            try stranger.send(head + "Content-Length: 90000\r\nExpect: 100-continue\r\n\r\n")
            #expect(try stranger.response().status == 401)
        }
    }

    @Test func `deploying uploads and starts, and a wrong start leaves nothing behind`() async throws {
        let (wrongType, wrong) = form([("file", "a.py", "pass"), ("start", nil, #"{"capital":"-1"}"#)])
        let refused = try await fixture.call("POST", "/strategies/deploy", headers: [wrongType], body: wrong)
        #expect(refused.status == 400 && refused.field == "start.capital")
        #expect(fixture.host.state.withLock { $0.uploads.isEmpty })
        let (type, body) = form([
            ("file", "a.py", "pass"), ("start", nil, #"{"capital":"500","parameters":{"n":1}}"#),
        ])
        let response = try await fixture.call("POST", "/strategies/deploy", headers: [type], body: body)
        #expect(response.status == 201 && response.json["status"]?["state"] == .string("running"))
        #expect(fixture.host.calls == [#"start new-2 500 {"n":1} by root"#])
    }

    @Test func `a strategy is started, stopped and deleted, and conflicts are told`() async throws {
        let started = try await fixture.call(
            "POST", "/strategies/ann-1/start", as: "ann", json: #"{"capital":"10.50"}"#)
        #expect(started.status == 200 && started.json["state"] == .string("running"))
        let again = try await fixture.call("POST", "/strategies/ann-1/start", as: "ann")
        #expect(again.status == 409 && again.code == "conflict")
        #expect(try await fixture.call("DELETE", "/strategies/ann-1", as: "ann").status == 409)
        let stopped = try await fixture.call(
            "POST", "/strategies/ann-1/stop", as: "ann", json: #"{"orders":"flatten"}"#)
        #expect(stopped.status == 200)
        let twice = try await fixture.call("POST", "/strategies/ann-1/stop", as: "ann")
        #expect(twice.status == 409 && twice.code == "not_running")
        #expect(try await fixture.call("DELETE", "/strategies/ann-1", as: "ann").text == "{}")
        #expect(fixture.host.calls == ["start ann-1 10.5 {} by ann", "stop ann-1 flatten by ann"])
    }

    @Test func `an order is settled as one of the venue's, or as none of them`() async throws {
        for (body, said) in [
            (#"{"venue_order":null}"#, "settle 42 as not placed by root"),
            (#"{"venue_order":"8f31"}"#, "settle 42 as 8f31 by root"),
        ] {
            let answer = try await fixture.call("POST", "/orders/42/settle", json: body)
            #expect(answer.status == 404 && fixture.host.calls.last == said, "\(answer.text)")
        }
        let nothing = try await fixture.call("POST", "/orders/42/settle", json: "{}")
        #expect(nothing.status == 400 && nothing.field == "venue_order", "\(nothing.text)")
        #expect(fixture.host.calls.count == 2)
    }

    @Test func `a signal carries whatever else its sender says`() async throws {
        let response = try await fixture.call(
            "POST", "/strategies/ann-1/signals",
            json: #"{"action":"BUY","symbol":"BTCUSDT","quantity":0.5,"tags":[1]}"#)
        #expect(response.status == 202 && response.json["id"] == .string("s1@ann-1"))
        #expect(fixture.host.calls == [#"deliver BUY {"quantity":0.5,"tags":[1]}"#])
    }

    @Test func `market events are read exactly`() async throws {
        let body = """
            {"events":[
            {"type":"candle","symbol":"BTCUSDT","resolution":"1m","time":60000,"open":"1","high":"2","low":"0.5","close":"1.5","volume":"3"},
            {"type":"trade","symbol":"BTCUSDT","time":1,"price":"0.1","quantity":"2"},
            {"type":"quote","symbol":"BTCUSDT","time":1,"bid":"1","bid_quantity":"1","ask":"2","ask_quantity":"1"}]}
            """
        let answer = try await fixture.call("POST", "/market-data/feed", json: body)
        #expect(answer.json["accepted"] == .integer(3), "\(answer.text)")
        let events = fixture.host.state.withLock { $0.injected }
        try #require(events.count == 3)
        #expect(
            events[1]
                == .trade(
                    MarketTrade(
                        symbol: "BTCUSDT", time: Timestamp(milliseconds: 1),
                        price: FixedDecimal("0.1") ?? .zero,
                        quantity: FixedDecimal(2))))
        let torn = body.replacing(#""low":"0.5""#, with: #""low":"1.2""#)
        let refused = try await fixture.call("POST", "/market-data/feed", json: torn)
        #expect(refused.status == 400 && refused.field == "events[0].open")
    }

    // MARK: - Event streams

    @Test func `log lines follow each other from behind the last one seen`() async throws {
        fixture.host.state.withLock { state in
            state.lines = (1...3).map {
                LogLine(
                    sequence: $0, time: Timestamp(milliseconds: 0), level: .info, source: .strategy,
                    message: "line \($0)")
            }
        }
        let port = fixture.server.port
        let token = fixture.tokens["ann"] ?? ""
        let host = fixture.host
        try await onThread {
            let client = try RawClient(port: port)
            try client.send(
                "GET /strategies/ann-1/logs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
                    + "Accept: text/event-stream\r\nLast-Event-ID: 1\r\n\r\n")
            #expect(try client.read(until: "\r\n\r\n").contains("content-type: text/event-stream"))
            #expect(try client.read(until: "\n\n").contains("event: log\nid: 2\n"))
            #expect(try client.read(until: "\n\n").contains("\"message\":\"line 3\""))
            let sink = try #require(host.state.withLock { $0.sinks.first?.sink })
            #expect(sink.offer(HostEvent(.log, strategy: "ann-1", sequence: 4, data: .string("live"))))
            #expect(try client.read(until: "data: \"live\"\n\n").contains("id: 4\n"))
        }
        #expect(fixture.host.state.withLock { $0.sinks.first?.after } == 1)
    }

    @Test func `a stream ends when its reader's token is revoked`() async throws {
        let (token, secret) = try await fixture.identity.makeToken(for: "ann", name: "t", expiresInDays: nil)
        let port = fixture.server.port
        let opened = try await onThread { () -> Carrier in
            let client = try RawClient(port: port)
            try client.send(
                "GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(secret)\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
            return Carrier(client: client)
        }
        try await fixture.identity.revokeToken(token.id, of: "ann")
        try await onThread { while try opened.client.receive() != nil {} }
        #expect(fixture.host.state.withLock { $0.sinks.first?.sink.isOpen } == false)
    }

    @Test func `one user's streams do not take every connection`() async throws {
        let fixture = try await APIFixture { $0.streamsPerUser = 1 }
        let port = fixture.server.port
        let token = fixture.tokens["ann"] ?? ""
        let status = try await onThread { () -> (Int, Int) in
            let first = try RawClient(port: port)
            let text = "GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
            try first.send(text)
            _ = try first.read(until: "\r\n\r\n")
            let second = try RawClient(port: port)
            try second.send(text)
            return (200, try second.response().status)
        }
        #expect(status.1 == 429)
        // The first has gone: its place is free again once the server has noticed.
        var last = 429
        while last == 429 {
            last = try await onThread {
                let client = try RawClient(port: port)
                try client.send(
                    "GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n")
                return try client.read(until: "\r\n").contains("200") ? 200 : 429
            }
        }
        #expect(last == 200)
    }

    // MARK: - The host itself

    @Test func `the audit trail is read newest first, page by page, with details as they were`() async throws
    {
        fixture.identity.audit.record("root", "limits.change", "", #"{"open_orders":5}"#)
        fixture.identity.audit.record("ann", "strategy.stop", "ann-1", "orders: keep")
        let newest = try await fixture.call("GET", "/audit?limit=1")
        let entry = newest.json["items"]?.arrayValue?.first
        #expect(entry?["user"] == .string("ann") && entry?["action"] == .string("strategy.stop"))
        #expect(entry?["subject"] == .string("ann-1") && entry?["detail"] == .string("orders: keep"))
        let next = try #require(newest.json["next"]?.stringValue)
        let older = try await fixture.call("GET", "/audit?limit=1&after=\(next)").json["items"]?.arrayValue?
            .first
        #expect(older?["detail"] == .members(["open_orders": .integer(5)]))
        #expect(newest.json["head"]?["record"] == entry?["id"])
        #expect(newest.json["head"]?["hash"] == entry?["hash"])
    }

    @Test func `the audit trail is looked through part by part, and a kept hash is found in it`() async throws
    {
        fixture.identity.audit.record("ann", "strategy.stop", "ann-1", "orders: keep")
        let head = try await fixture.identity.audit.head()
        let first = try await fixture.call("GET", "/audit/verify?limit=2&head=\(head.hash)").json
        #expect(first["whole"] == .bool(true) && first["checked"] == .integer(2))
        #expect(first["next"] == .string("2") && first["found"] == .null)
        let rest = try await fixture.call("GET", "/audit/verify?after=2&head=\(head.hash)").json
        #expect(rest["whole"] == .bool(true) && rest["next"] == .null && rest["flaw"] == .null)
        #expect(rest["found"] == .string(String(head.record)))
        #expect(rest["head"]?["hash"] == .string(head.hash))
        let missing = try await fixture.call("GET", "/audit/verify?after=99999").json
        #expect(missing["whole"] == .bool(false) && missing["flaw"]?["record"] == .string("99999"))
        for (query, field) in [("head=xyz", "head"), ("after=0", "after"), ("limit=100001", "limit")] {
            let answer = try await fixture.call("GET", "/audit/verify?\(query)")
            #expect(answer.status == 400 && answer.field == field)
        }
    }

    @Test func `requests are counted by route and status, not by what their senders make up`() async throws {
        _ = try await fixture.call("GET", "/strategies/ann-1/status")
        _ = try await fixture.call("GET", "/strategies/no-such/status")
        _ = try await fixture.call("BREW", "/coffee/\(String(repeating: "x", count: 100))")
        let text = try await fixture.call("GET", "/metrics").text
        #expect(
            text.contains(
                #"bullpen_http_requests_total{method="GET",route="/strategies/{id}/status",status="200"} 1"#))
        #expect(
            text.contains(
                #"bullpen_http_requests_total{method="GET",route="/strategies/{id}/status",status="404"} 1"#))
        #expect(text.contains(#"method="other",route="page",status="404"} 1"#))
        #expect(!text.contains("coffee") && !text.contains("no-such"))
    }

    @Test func `pages are served to anybody, unchanged ones only once, and nothing beside them`() async throws
    {
        let page = try await fixture.call("GET", "/", as: nil)
        #expect(page.status == 200 && page.text == "<!doctype html>")
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        let tag = try #require(page.headers["etag"])
        #expect(try await fixture.call("GET", "/", as: nil, headers: ["If-None-Match: \(tag)"]).status == 304)
        #expect(try await fixture.call("GET", "/app/strategies", as: nil).text == "<!doctype html>")
        for path in [
            "/link.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "//etc/passwd", "/app/../../secret.txt",
            "/.",
        ] {
            let response = try await fixture.call("GET", path, as: nil)
            #expect([400, 404].contains(response.status), "\(path)")
        }
    }
}

/// A client on its way from one thread to the next.
private struct Carrier: @unchecked Sendable {
    let client: RawClient
}
