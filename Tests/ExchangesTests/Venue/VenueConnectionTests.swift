import Exchanges
import Glibc
import Net
import Posix
import Synchronization
import Testing
import Trading
import Wire

/// A venue whose errors carry `{"code":-1021,"msg":"…"}` and that tells its time.
@Sendable private func dialectWithCodes() -> VenueDialect {
    VenueDialect(
        judge: { answer, _ in
            guard answer.status == 400, let code = answer.body["code"]?.intValue else { return nil }
            let words = VenueDialect.words(of: answer)
            switch code {
            case -1021: return .clockWrong(code: "\(code)", message: words)
            case -1007: return .unknown(words)
            case -3000: return .nonceWrong(code: "\(code)", message: words)
            default: return .refused(code: "\(code)", message: words)
            }
        },
        usage: { answer in
            answer.header("x-used-weight").flatMap { Int($0) }.map { ["weight": $0] } ?? [:]
        },
        time: VenueDialect.TimeSource(
            call: VenueConnection.Call(
                "GET", "/do/time", group: "market", urgency: .cancel, isRepeatable: true),
            read: { $0.body["serverTime"]?.intValue.map { Timestamp(milliseconds: Int64($0)) } }))
}

@Suite("Venue connection: the fault matrix at one call", .timeLimit(.minutes(1)))
struct VenueFaultTests {
    private let server: MisbehavingServer

    init() throws { server = try MisbehavingServer() }

    @Test(arguments: [
        #"{"end": "close"}"#, #"{"end": "reset"}"#, #"{"end": "hang"}"#, #"{"delay": 2}"#,
    ])
    func `S1, S2: an order that was read and not answered is unknown, and is not sent again`(_ step: String)
        async throws
    {
        try await server.script("order", step)
        let rig = try await VenueRig(base: server.base)
        let outcome = await rig.ask("/do/order", deadline: .milliseconds(500))
        #expect(outcome.unknown != nil, "\(outcome)")
        #expect(try await server.arrivals("order").count == 1)
    }

    @Test func `S1: nor is it sent again by the library on a kept connection that ends`() async throws {
        try await server.script("order", "{}", #"{"end": "close"}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order").answer != nil)
        #expect(await rig.ask("/do/order").unknown != nil)
        #expect(try await server.arrivals("order").count == 2)
    }

    @Test func `S3: what could not be connected to is provably unsent`() async throws {
        for base in ["http://127.0.0.1:1", "http://no-such-name.invalid"] {
            let rig = try await VenueRig(base: base)
            #expect(await rig.ask("/do/order").unsent != nil)
            // It stays so after repeats.
            #expect(await rig.ask("/do/order", isRepeatable: true).unsent != nil)
        }
    }

    @Test func `S3: one repeat that may have arrived makes the whole unknown, though the last was unsent`()
        async throws
    {
        try await server.script("query", #"{"end": "close"}"#)
        let rig = try await VenueRig(base: server.base)
        let base = server.base
        let sent = Counter()
        let outcome = await rig.ask {
            VenueConnection.Call(
                "GET", "/do/query", group: "a", urgency: .query, isRepeatable: true,
                sign: { call, _ in
                    let isFirst = sent.next() == 1
                    call.base = isFirst ? base : "http://127.0.0.1:1"
                })
        }
        #expect(outcome.unknown?.contains("an earlier attempt was not answered") == true)
    }

    @Test(arguments: [500, 502, 503, 504, 408, 302])
    func `S4: a status that says nothing about the order leaves it unknown`(_ status: Int) async throws {
        try await server.script("order", #"{"status": \#(status), "body": "{\"msg\":\"later\"}"}"#)
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order").unknown?.contains("\(status)") == true)
        #expect(try await server.arrivals("order").count == 1)
    }

    @Test func `S4: the venue's own word that it does not know is unknown, whatever the status`() async throws
    {
        try await server.script("order", #"{"status": 400, "body": "{\"code\":-1007,\"msg\":\"Timeout.\"}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        #expect(await rig.ask("/do/order").unknown == "Timeout.")
    }

    @Test func `S5: a 400 is a no with the venue's code and words`() async throws {
        try await server.script("order", #"{"status": 400, "body": "{\"code\":-1013,\"msg\":\"LOT_SIZE\"}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        let refusal = await rig.ask("/do/order").refusal
        #expect(refusal?.status == 400 && refusal?.code == "-1013" && refusal?.message == "LOT_SIZE")
        #expect(refusal?.answer.body["code"]?.intValue == -1013)
    }

    @Test(arguments: [401, 403])
    func `S5: refused credentials are left alone until they change, those of others are not`(_ status: Int)
        async throws
    {
        try await server.script(
            "order", #"{"status": \#(status), "body": "{\"msg\":\"Invalid key\"}"}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order", account: "one").refusal?.status == status)
        #expect(await rig.ask("/do/order", account: "one").unsent?.contains("credentials") == true)
        #expect(await rig.ask("/do/order", urgency: .cancel, account: "one").unsent != nil)
        #expect(try await server.arrivals("order").count == 1)
        #expect(await rig.ask("/do/order", account: "two").answer != nil)
        rig.connection.perform { $0.credentialsChanged("one") }
        #expect(await rig.ask("/do/order", account: "one").answer != nil)
        let told = await rig.read { _, witness in witness.conditions }
        #expect(told == [.credentialsRefused("one", .seconds(300), reason: "Invalid key")])
    }

    @Test func `S5: after a time one call tries refused credentials again`() async throws {
        try await server.script("order", #"{"status": 401}"#, #"{"status": 401}"#, "{}")
        var settings = VenueRig.quick
        settings.credentialsRetry = .milliseconds(300)
        let rig = try await VenueRig(base: server.base, settings: settings)
        for _ in 0..<2 {
            #expect(await rig.ask("/do/order", account: "one").refusal != nil)
            #expect(await rig.ask("/do/order", account: "one").unsent != nil)
            await rig.loop.sleep(.milliseconds(310))
        }
        #expect(await rig.ask("/do/order", account: "one").answer != nil)
        let told = await rig.read { _, witness in witness.conditions }
        #expect(told.last == .credentialsAccepted("one") && told.count == 3, "\(told)")
    }

    @Test func `S5: a firewall's 403 says nothing about credentials`() async throws {
        try await server.script("order", #"{"status": 403, "body": "<html>blocked</html>"}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order", account: "one").refusal?.message == "<html>blocked</html>")
        #expect(await rig.ask("/do/order", account: "one").answer != nil)
    }

    @Test func `S6: after a 429 all wait for Retry-After, and cancels go first`() async throws {
        try await server.script("order", #"{"status": 429, "headers": {"Retry-After": "1"}}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        let start = MonotonicClock.nanoseconds
        #expect(await rig.ask("/do/order").refusal?.status == 429)
        async let market = rig.ask("/do/order?kind=market", "GET", group: "market", urgency: .market)
        async let query = rig.ask("/do/order?kind=query", "GET", group: "query", urgency: .query)
        async let order = rig.ask("/do/order?kind=order")
        async let cancel = rig.ask("/do/order?kind=cancel", "DELETE", urgency: .cancel)
        for outcome in await [market, query, order, cancel] { #expect(outcome.answer != nil, "\(outcome)") }
        #expect(MonotonicClock.nanoseconds - start >= 1_000_000_000)
        #expect(try await server.arrivals("order").count == 5)
        let told = await rig.read { _, witness in witness.conditions }
        #expect(told == [.paused(.seconds(1), reason: "{}"), .resumed])
    }

    @Test func `S6: a limited call that may be repeated is, after the pause`() async throws {
        try await server.script("order", #"{"status": 429, "headers": {"Retry-After": "1"}}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order", "DELETE", urgency: .cancel, isRepeatable: true).answer != nil)
        #expect(try await server.arrivals("order").count == 2)
    }

    @Test func `S6: a venue that does not guarantee that a limited order was not placed leaves it unknown`()
        async throws
    {
        try await server.script("order", #"{"status": 429, "headers": {"Retry-After": "1"}}"#)
        let rig = try await VenueRig(
            base: server.base,
            dialect: {
                VenueDialect(judge: { answer, _ in
                    answer.status == 429 ? .limited(code: nil, message: "slower", isUndone: false) : nil
                })
            })
        #expect(await rig.ask("/do/order").unknown == "slower")
    }

    @Test func `S7: during a ban nothing is sent, and everybody is told until when`() async throws {
        try await server.script(
            "order", #"{"status": 418, "headers": {"Retry-After": "120"}, "body": "{\"msg\":\"IP banned\"}"}"#
        )
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/order").refusal?.status == 418)
        for urgency in VenueConnection.Urgency.allCases {
            let reason = await rig.ask("/do/order", urgency: urgency, isRepeatable: true).unsent
            #expect(reason?.contains("banned this address: IP banned") == true, "\(urgency)")
            #expect(reason?.contains("(120 s left)") == true, "\(reason ?? "")")
        }
        #expect(try await server.arrivals("order").count == 1)
        let told = await rig.read { _, witness in witness.conditions }
        #expect(told == [.banned(.seconds(120), reason: "IP banned")])
    }

    @Test func `S8: a wrong time is compared anew, and the same order signed once more`() async throws {
        let early = #"{"status": 400, "body": "{\"code\":-1021,\"msg\":\"outside of the recvWindow\"}"}"#
        try await server.script("order", early, "{}")
        try await server.script("time", #"{"body": "{\"serverTime\":1000000000000}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        let outcome = await rig.ask {
            VenueConnection.Call(
                "POST", "/do/order", query: [("id", "the-same")], group: "orders", urgency: .order,
                isRepeatable: false,
                sign: { call, time in call.query.append(("timestamp", "\(time.milliseconds)")) })
        }
        #expect(outcome.answer != nil, "\(outcome)")
        let paths = try await server.arrivals("order").compactMap { $0["path"]?.stringValue }
        #expect(paths.count == 2)
        #expect(paths.allSatisfy { $0.contains("id=the-same&timestamp=") })
        // Signed anew, not added to: one time stamp each, the second one the venue's.
        #expect(paths.allSatisfy { $0.split(separator: "timestamp").count == 2 })
        #expect(paths.last?.contains("timestamp=10000000") == true, "\(paths)")
    }

    @Test func `S8: a time that is wrong again is a no`() async throws {
        let early = #"{"status": 400, "body": "{\"code\":-1021,\"msg\":\"outside of the recvWindow\"}"}"#
        try await server.script("order", early)
        try await server.script("time", #"{"body": "{\"serverTime\":1000000000000}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        #expect(await rig.ask("/do/order").refusal?.code == "-1021")
        #expect(try await server.arrivals("order").count == 2)
        // Nor is it tried again when the time cannot be had.
        try await server.script("order", early)
        try await server.script("time", #"{"body": "{}"}"#)
        #expect(await rig.ask("/do/order").refusal?.code == "-1021")
        #expect(try await server.arrivals("order").count == 1)
    }

    @Test func `S8: a wrong nonce is replaced once`() async throws {
        let low = #"{"status": 400, "body": "{\"code\":-3000,\"msg\":\"nonce\"}"}"#
        try await server.script("order", low, "{}")
        try await server.script("time", #"{"body": "{\"serverTime\":1000000000000}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        let nonce = Counter()
        let outcome = await rig.ask {
            VenueConnection.Call(
                "POST", "/do/order", body: Array("{}".utf8), group: "orders", urgency: .order,
                isRepeatable: false,
                sign: { call, _ in
                    call.body = Array("{\"nonce\":\(nonce.next())}".utf8)
                })
        }
        #expect(outcome.answer != nil)
        #expect(
            try await server.arrivals("order").map { $0["body"]?.stringValue }
                == ["{\"nonce\":1}", "{\"nonce\":2}"])
    }

    @Test func `S9: a duplicate client id comes out as a no whose code the adapter can read`() async throws {
        try await server.script(
            "order", #"{"status": 400, "body": "{\"code\":-2010,\"msg\":\"Duplicate order sent.\"}"}"#)
        let rig = try await VenueRig(base: server.base, dialect: dialectWithCodes)
        let refusal = await rig.ask("/do/order").refusal
        #expect(refusal?.code == "-2010" && refusal?.message == "Duplicate order sent.")
    }

    @Test func `S10: an answer that is truncated, no JSON or too large leaves the order unknown`()
        async throws
    {
        try await server.script(
            "order", #"{"body": "{\"orderId\":1}", "truncate": 5}"#, #"{"body": "<html>"}"#, #"{"body": ""}"#,
            #"{"body": "{\"orderId\":"}"#, #"{"body": "\#(String(repeating: " ", count: 2_000)){}"}"#)
        let rig = try await VenueRig(base: server.base)
        for number in 0..<5 {
            let outcome = await rig.ask {
                VenueConnection.Call(
                    "POST", "/do/order", group: "group \(number)", urgency: .order, isRepeatable: false,
                    responseLimit: 1_000)
            }
            #expect(outcome.unknown != nil, "\(number): \(outcome)")
        }
        #expect(try await server.arrivals("order").count == 5)
    }
}

@Suite("Venue connection: order, limits, repeats", .timeLimit(.minutes(1)))
struct VenueConnectionTests {
    private let server: MisbehavingServer

    init() throws { server = try MisbehavingServer() }

    private static func window(_ limit: Int, _ interval: Duration = .seconds(60)) -> RateBudget.Window {
        RateBudget.Window(name: "weight", kind: .weight, limit: limit, interval: interval)
    }

    @Test func `a request goes out as it was asked and signed`() async throws {
        try await server.script("all", "{}")
        let rig = try await VenueRig(base: server.base)
        let outcome = await rig.ask {
            VenueConnection.Call(
                "POST", "/do/all", query: [("symbol", "BTC/USDT ü")], headers: [("X-One", "1")],
                body: Array("a=b".utf8), contentType: "application/x-www-form-urlencoded", group: "a",
                urgency: .order, isRepeatable: false,
                sign: { call, _ in
                    call.headers.append(("X-Signed", call.encodedQuery))
                    call.query.append(("signature", "s"))
                })
        }
        #expect(outcome.answer?.status == 200 && outcome.answer?.isJSON == true)
        let arrived = try #require(try await server.arrivals("all").first)
        #expect(arrived["path"]?.stringValue == "/do/all?symbol=BTC%2FUSDT%20%C3%BC&signature=s")
        #expect(arrived["headers"]?["x-signed"]?.stringValue == "symbol=BTC%2FUSDT%20%C3%BC")
        #expect(arrived["headers"]?["x-one"]?.stringValue == "1")
        #expect(arrived["headers"]?["content-type"]?.stringValue == "application/x-www-form-urlencoded")
        #expect(arrived["body"]?.stringValue == "a=b")
    }

    @Test func `without an active credential nothing is sent`() async throws {
        try await server.script("none", "{}")
        let rig = try await VenueRig(base: server.base)
        let outcome = await rig.ask {
            VenueConnection.Call(
                "POST", "/do/none", group: "a", urgency: .order, isRepeatable: false,
                sign: { (_, _) throws(CallFailure) in throw .unsent("no active credential for account one") })
        }
        #expect(outcome.unsent == "no active credential for account one")
        #expect(try await server.arrivals("none").isEmpty)
    }

    @Test func `what may be repeated is, with waits, and no oftener than allowed`() async throws {
        try await server.script("twice", #"{"status": 503}"#, #"{"end": "close"}"#, "{}")
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/twice", "GET", isRepeatable: true).answer != nil)
        #expect(try await server.arrivals("twice").count == 3)
        try await server.script("often", #"{"status": 503}"#)
        #expect(await rig.ask("/do/often", "GET", group: "b", isRepeatable: true).unknown != nil)
        #expect(try await server.arrivals("often").count == 3)
    }

    @Test func `calls that come together go by urgency`() async throws {
        try await server.script("first", #"{"delay": 0.05}"#)
        var settings = VenueRig.quick
        settings.inFlightLimit = 1
        let rig = try await VenueRig(base: server.base, settings: settings)
        let urgencies: [VenueConnection.Urgency] = [.market, .query, .order, .cancel]
        await withCheckedContinuation { continuation in
            rig.connection.perform { connection in
                var left = urgencies.count
                for urgency in urgencies {
                    let call = VenueConnection.Call(
                        "GET", "/do/first", query: [("kind", "\(urgency)")], group: "a", urgency: urgency,
                        isRepeatable: false)
                    connection.send(call) { _ in
                        left -= 1
                        if left == 0 { continuation.resume() }
                    }
                }
            }
        }
        let kinds = try await server.arrivals("first").compactMap {
            $0["path"]?.stringValue?.split(separator: "=").last
        }
        #expect(kinds == ["cancel", "order", "query", "market"])
    }

    @Test func `a budget that is used up makes calls wait, a cancel may use what is kept back`() async throws
    {
        try await server.script("budget", "{}")
        let rig = try await VenueRig(base: server.base, windows: [Self.window(10)])
        for _ in 0..<9 { #expect(await rig.ask("/do/budget").answer != nil) }
        let late = await rig.ask("/do/budget", deadline: .milliseconds(100))
        #expect(late.unsent?.contains("its turn") == true)
        #expect(await rig.ask("/do/budget", urgency: .cancel).answer != nil)
        #expect(try await server.arrivals("budget").count == 10)
    }

    @Test func `a call waits for the budget and goes when there is room`() async throws {
        try await server.script("room", "{}")
        let rig = try await VenueRig(base: server.base, windows: [Self.window(2, .milliseconds(300))])
        let start = MonotonicClock.nanoseconds
        for _ in 0..<3 { #expect(await rig.ask("/do/room").answer != nil) }
        #expect(MonotonicClock.nanoseconds - start >= 300_000_000)
    }

    @Test func `what waits for room goes as soon as the venue names a wider limit`() async throws {
        try await server.script("wider", "{}")
        let rig = try await VenueRig(base: server.base, windows: [Self.window(2)])
        #expect(await rig.ask("/do/wider").answer != nil)
        async let waiting = rig.ask("/do/wider")
        while await rig.read({ connection, _ in connection.load.waiting }) == 0 { await Task.yield() }
        rig.connection.perform { $0.setWindows([Self.window(100)]) }
        #expect(await waiting.answer != nil)
    }

    @Test func `the venue's count of what is used is taken over`() async throws {
        try await server.script("count", #"{"headers": {"X-Used-Weight": "95"}}"#)
        try await server.script("time", #"{"body": "{\"serverTime\":1000000000000}"}"#)
        let rig = try await VenueRig(
            base: server.base, windows: [Self.window(100)], dialect: dialectWithCodes)
        #expect(await rig.ask("/do/count").answer != nil)
        let used = await rig.read { connection, _ in
            connection.budget.used("weight", at: MonotonicClock.nanoseconds)
        }
        #expect(used == 95)
    }

    @Test func `a call too large for the budget fails at once`() async throws {
        let rig = try await VenueRig(base: server.base, windows: [Self.window(10)])
        let outcome = await rig.ask {
            VenueConnection.Call("GET", "/do/x", weight: 11, group: "a", urgency: .market, isRepeatable: true)
        }
        #expect(outcome.unsent?.contains("limit weight") == true)
    }

    @Test func `a queue that is full refuses, and has room for cancels still`() async throws {
        try await server.script("queue", #"{"delay": 0.3}"#)
        var settings = VenueRig.quick
        settings.queueLimit = 2
        settings.inFlightLimit = 1
        let rig = try await VenueRig(base: server.base, settings: settings)
        let outcomes = await withTaskGroup(of: VenueRig.Outcome.self) { group in
            for _ in 0..<5 { group.addTask { await rig.ask("/do/queue") } }
            var outcomes: [VenueRig.Outcome] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
        #expect(outcomes.contains { $0.unsent?.contains("2 calls to test wait already") == true })
        #expect(outcomes.contains { $0.answer != nil })
        #expect(await rig.read { connection, _ in connection.load.waiting } == 0)
    }

    @Test func `calls of one lane never overlap, and are signed in the order in which they go`() async throws
    {
        try await server.script("lane", #"{"delay": 0.02}"#)
        let rig = try await VenueRig(base: server.base)
        let nonce = Counter()
        let overlaps = await withCheckedContinuation { (continuation: CheckedContinuation<Int, Never>) in
            rig.connection.perform { connection in
                var left = 8
                var overlaps = 0
                for _ in 0..<8 {
                    var call = VenueConnection.Call(
                        "POST", "/do/lane", group: "a", urgency: .query, isRepeatable: false, lane: "key",
                        sign: { call, _ in
                            let number = nonce.next()
                            call.query.append(("nonce", "\(number)"))
                        })
                    call.deadline = .seconds(20)
                    connection.send(call) { _ in
                        overlaps = max(overlaps, connection.load.inFlight)
                        left -= 1
                        if left == 0 { continuation.resume(returning: overlaps) }
                    }
                }
            }
        }
        #expect(overlaps <= 1)
        let paths = try await server.arrivals("lane").compactMap { $0["path"]?.stringValue }
        #expect(paths == (1...8).map { "/do/lane?nonce=\($0)" })
    }

    @Test
    func `a group that keeps failing is left alone, others and cancels are not, and one call tries again`()
        async throws
    {
        try await server.script("bad", #"{"status": 500}"#, #"{"status": 500}"#, #"{"status": 500}"#, "{}")
        try await server.script("good", "{}")
        let rig = try await VenueRig(base: server.base)
        for _ in 0..<3 { #expect(await rig.ask("/do/bad").unknown != nil) }
        #expect(await rig.ask("/do/good").unsent?.contains("failed repeatedly at orders") == true)
        #expect(await rig.ask("/do/good", group: "market").answer != nil)
        #expect(await rig.ask("/do/good", urgency: .cancel).answer != nil)
        await rig.loop.sleep(.milliseconds(210))
        #expect(await rig.ask("/do/bad").answer != nil)
        #expect(await rig.ask("/do/good").answer != nil)
        let told = await rig.read { _, witness in witness.conditions }
        guard case .circuitOpened("orders", .milliseconds(200), _) = told.first else {
            return #expect(Bool(false), "\(told)")
        }
        #expect(told.dropFirst() == [.circuitClosed(group: "orders")])
    }

    @Test func `refusals do not open the circuit`() async throws {
        try await server.script("no", #"{"status": 400}"#)
        let rig = try await VenueRig(base: server.base)
        for _ in 0..<10 { #expect(await rig.ask("/do/no").refusal != nil) }
    }

    @Test func `an order's story has every answer, without what was signed, and bounded`() async throws {
        let secret = "0123456789abcdef0123456789abcdef"
        let long = String(repeating: "x", count: 10_000)
        try await server.script(
            "story", #"{"status": 503, "body": "gone"}"#, #"{"end": "close"}"#,
            #"{"body": "{\"your key\":\"\#(secret)\",\"more\":\"\#(long)\"}"}"#)
        let rig = try await VenueRig(base: server.base)
        let order = clientID(7)
        let outcome = await rig.ask {
            VenueConnection.Call(
                "GET", "/do/story", query: [("id", "public-name-of-the-order")], group: "a", urgency: .query,
                isRepeatable: true, account: "one", order: order,
                sign: { call, _ in
                    call.query += [("timestamp", "1800000000000"), ("signature", "feed" + secret)]
                    call.headers.append(("X-Key", secret))
                })
        }
        #expect(outcome.answer?.body["your key"]?.stringValue == "***")
        let traces = await rig.read { _, witness in witness.traces }
        #expect(traces.map(\.status) == [503, nil, 200])
        #expect(traces.map(\.attempt) == [1, 2, 3])
        #expect(
            traces.allSatisfy { $0.order == order && $0.account == "one" && $0.source == "GET /do/story" })
        #expect(traces.first?.text == "gone")
        #expect(traces.allSatisfy { !$0.text.contains(secret) && $0.text.utf8.count <= 4_200 })
        #expect(traces.last?.text.hasPrefix(#"{"your key":"***""#) == true)
        let sent = await rig.read { _, witness in witness.sent }
        #expect(sent.map(\.attempt) == [1, 2, 3] && sent.allSatisfy { $0.order == order })
        #expect(sent.allSatisfy { $0.parameters == "id=public-name-of-the-order&timestamp=1800000000000" })
        #expect(traces.map(\.isCut) == [false, false, true] && (traces.last?.bytes ?? 0) > 10_000)
    }

    @Test func `an answer that is large is read all the same`() async throws {
        let rows = (0..<20_000).map { "\\\"\($0)\\\"" }.joined(separator: ",")
        try await server.script("large", #"{"body": "[\#(rows)]"}"#)
        let rig = try await VenueRig(base: server.base)
        #expect(await rig.ask("/do/large", "GET").answer?.body.arrayValue?.count == 20_000)
    }

    @Test func `a venue without a time call is timed by its answers' date`() async throws {
        try await server.script("date", #"{"headers": {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}}"#)
        let rig = try await VenueRig(base: server.base)
        _ = await rig.ask("/do/date")
        let time = await rig.read { connection, _ in connection.venueTime }
        #expect((784_111_777_000...784_111_779_000).contains(time.milliseconds))
        // A cached answer tells when it was cached.
        try await server.script(
            "date", #"{"headers": {"Date": "Sun, 06 Nov 1994 09:49:37 GMT", "Age": "3600"}}"#)
        _ = await rig.ask("/do/date")
        let later = await rig.read { connection, _ in connection.venueTime }
        #expect((784_111_777_000...784_111_790_000).contains(later.milliseconds))
    }

    @Test func `closing fails what waits, and takes nothing more`() async throws {
        try await server.script("close", #"{"delay": 0.2}"#)
        var settings = VenueRig.quick
        settings.inFlightLimit = 1
        let rig = try await VenueRig(base: server.base, settings: settings)
        async let first = rig.ask("/do/close")
        async let second = rig.ask("/do/close")
        while try await server.arrivals("close").isEmpty {}
        rig.connection.perform { $0.close(reason: "the host stops") }
        let outcomes = await [first, second]
        #expect(outcomes.contains { $0.answer != nil })
        #expect(outcomes.contains { $0.unsent == "the host stops" })
        #expect(await rig.ask("/do/close").unsent == "the host stops")
    }

    @Test func `the query of an address is encoded as it must be signed`() {
        let items = [("a", "1"), ("sym bol", "Ä/&=+"), ("keep", "-._~aZ9")]
        #expect(
            VenueConnection.Call.encoded(items.map { (name: $0.0, value: $0.1) })
                == "a=1&sym%20bol=%C3%84%2F%26%3D%2B&keep=-._~aZ9")
    }
}

/// Counts from one, on any thread.
private final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

extension EventLoop {
    /// Comes back when the loop's own timer has fired: what waits on the same clock for less is over then.
    fileprivate func sleep(_ duration: Duration) async {
        await withCheckedContinuation { continuation in
            perform { self.schedule(after: duration) { continuation.resume() } }
        }
    }
}
