import Exchanges
import Posix
import Testing
import Trading
import Wire

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
