import Exchanges
import Posix
import Testing
import Trading
import Wire

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
