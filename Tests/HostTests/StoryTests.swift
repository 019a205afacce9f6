import Glibc
import Host
import Journal
import Posix
import Simulators
import TestSupport
import Testing
import Trading
import Vault
import Wire

extension HostTests {
    /// What operators are told of an order.
    @Suite("Orders' stories") struct StoryTests {
        private func kinds(_ story: StoryView) -> [String] {
            story.entries.map { "\($0.source.rawValue) \($0.kind.rawValue)" }
        }

        private func read(_ fixture: HostFixture, _ strategy: String, _ request: String) async throws
            -> StoryView
        {
            let order = try #require(try await fixture.orders(strategy).first { $0.request == request })
            return try await fixture.host.orderStory(order.id)
        }

        // MARK: - Paper

        @Test func `a paper order's story goes from the request to the fill, in the order of what happened`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "1", "buy", "1", price: "95")
                try await fixture.say(id, ["type": .string("cancel"), "request": .string("1")])
                try await fixture.waitForOrder(id, "1") { $0.status == .cancelled }
                let waited = try await read(fixture, id, "1")
                #expect(
                    kinds(waited) == [
                        "strategy asked", "risk allowed", "journal recorded", "desk carried", "venue heard",
                        "journal recorded", "strategy asked", "journal recorded", "desk carried",
                        "venue heard", "journal recorded",
                    ], "\(kinds(waited))")
                #expect(waited.entries[0].text.hasSuffix("buy 1 BTCUSDT, limit 95, gtc, as its request 1"))
                #expect(waited.entries[1].text == "allowed; reserved for buying 1 at up to 95")
                #expect(waited.entries[4].text.hasPrefix("accepted as"))
                #expect(waited.entries[6].text == "asks to cancel it")
                #expect(waited.entries[7].text.contains("cancel wanted: no → yes"))
                #expect(waited.summary.hasPrefix("cancelled"))
                #expect(
                    zip(waited.entries, waited.entries.dropFirst()).allSatisfy { $0.time <= $1.time },
                    "\(waited.entries.map(\.time.milliseconds))")

                try await fixture.order(id, "2", "buy", "1")
                let filled = try await read(fixture, id, "2")
                #expect(filled.entries.contains { $0.kind == .filled && $0.text.hasPrefix("booked: 1 at") })
                #expect(filled.entries.contains { $0.source == .venue && $0.text.hasPrefix("trade ") })
                #expect(filled.summary.hasPrefix("filled at "))
                #expect(filled.questions == 0 && filled.unknownSince == nil)
            }
        }

        @Test func `a denied order's story says why, with figures, and what was fitted or refused later`()
            async throws
        {
            try await HostFixture.run(settings: ["limits.order_notional=150"]) { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "1", "buy", "2", price: "95")
                let denied = try await read(fixture, id, "1")
                #expect(kinds(denied) == ["strategy asked", "risk denied", "journal recorded"])
                #expect(denied.entries[1].text.contains("the order is worth 190 USDT; the limit"))
                #expect(denied.summary.contains("190"))

                try await fixture.order(id, "2", "buy", "1.0000000000001", price: "95.0000000001")
                try await fixture.say(
                    id,
                    [
                        "type": .string("amend"), "request": .string("2"), "quantity": .string("9"),
                    ])
                try await fixture.waitForLine(id, "request 2: ")
                let fitted = try await read(fixture, id, "2")
                #expect(fitted.entries.contains { $0.text.contains("asked for buy 1.0000000000001 BTCUSDT") })
                #expect(fitted.entries.contains { $0.source == .risk && $0.text.contains("is worth 855") })
                await #expect(throws: HostError.notFound(kind: "order", id: "4711")) {
                    _ = try await fixture.host.orderStory("4711")
                }
            }
        }

        @Test func `after a restart the story goes on, and says so`() async throws {
            let first = try await HostFixture()
            let id = try await first.runPuppet()
            try await first.candle("100")
            try await first.order(id, "1", "buy", "1", price: "95")
            let before = try await read(first, id, "1")
            await first.host.drain()
            let second = try await HostFixture(folder: first.folder)
            let after = try await read(second, id, "1")
            #expect(Array(kinds(after).prefix(before.entries.count)) == kinds(before))
            let rest = after.entries.dropFirst(before.entries.count)
            #expect(
                rest.first?.source == .recovery
                    && rest.first?.text.hasSuffix("took the order over from the journal, open") == true)
            #expect(rest.contains { $0.source == .recovery && $0.kind == .question }, "\(kinds(after))")
            await second.end()
        }

        // MARK: - Exchanges

        private static let (key, secret) = (
            "api-key-0123456789abcdef0123", "api-secret-0123456789abcdef0123"
        )

        /// One exchange, what is traded there, and its setting of an address.
        struct Place: Sendable, CustomTestStringConvertible {
            var exchange: SimulatedExchange
            var symbol: String
            var currency: String
            var setting: String
            var price: String
            var market: String
            var testDescription: String { exchange.rawValue }
        }

        private static let places = [
            Place(
                exchange: .binance, symbol: "BTCUSDT", currency: "USDT", setting: "binance_testnet",
                price: "20000", market: "POST /api/v3/order"),
            Place(
                exchange: .coindcx, symbol: "BTCINR", currency: "INR", setting: "coindcx", price: "0.9",
                market: "POST /exchange/v1/orders/create"),
            Place(
                exchange: .coinspot, symbol: "BTCAUD", currency: "AUD", setting: "coinspot", price: "0.9",
                market: "POST /api/v2/my/buy"),
        ]

        private static func run(
            _ place: Place, faults: [JSONValue] = [],
            _ body: (HostFixture, _ strategy: String, _ price: String) async throws -> Void
        ) async throws {
            var configuration = SimulatorConfiguration(place.exchange)
            configuration.port = 0
            configuration.keys = [SimulatorKey(key: key, secret: secret, account: "main")]
            configuration.faults = faults
            let simulator = try await Simulator.start(configuration)
            let folder = Places.makeTemporaryFolder()
            try KeyFile.make(folder + "/master.key")
            let fixture = try await HostFixture(
                folder: folder,
                settings: [
                    "venues.\(place.setting)=http://127.0.0.1:\(simulator.port)", "limits.price_distance=10",
                    "limits.order_notional=100000000", "limits.position_notional=100000000",
                    "log.level=debug",
                ])
            do {
                _ = try await fixture.host.identity.addUser(
                    "ada", role: .author, password: "correct horse", by: "host")
                _ = try await fixture.host.addFeed(
                    .members([
                        "id": .string("live"), "kind": .string(place.exchange.rawValue),
                        "symbols": .array([.string(place.symbol)]), "resolutions": .array([.string("1m")]),
                    ]), by: "ada")
                try await fixture.wait("the feed's prices") {
                    try await fixture.host.feeds().first { $0.id == "live" }?.lastEvent != nil
                }
                _ = try await fixture.host.addAccount(
                    .members([
                        "id": .string("acct"), "venue": .string(place.exchange.rawValue),
                        "currency": .string(place.currency), "balance": .string("50000000"),
                    ]), by: "ada")
                _ = try await fixture.host.addCredential(
                    .members([
                        "venue": .string(place.exchange.rawValue), "account": .string("acct"),
                        "api_key": .string(key), "secret": .string(secret), "active": .bool(true),
                    ]), by: "ada")
                let config = #""pair":"\#(place.symbol)""#
                let id = try await fixture.puppet("plain", config)
                try await fixture.run(
                    id, StartOptions(feed: "live", account: "acct", capital: FixedDecimal(10_000_000)))
                let last = try await fixture.host.candles(of: id, symbol: place.symbol, limit: 1).last
                // Below the market by a tenth, in whole units, so that it stands.
                let near = last.map {
                    FixedDecimal(Int($0.candle.close.units / FixedDecimal.unitsPerOne) * 9 / 10)
                }
                try await body(
                    fixture, id, place.price == "0.9" ? near.map { "\($0)" } ?? "1000" : place.price)
            } catch {
                await fixture.end()
                await simulator.stop()
                throw error
            }
            await fixture.end()
            await simulator.stop()
        }

        /// Places an order once the account is no longer in doubt, and gives its request's name.
        private static func order(
            _ fixture: HostFixture, _ id: String, _ place: Place, _ price: String
        ) async throws -> String {
            for attempt in 1...100 {
                let request = "r\(attempt)"
                try await fixture.say(
                    id,
                    [
                        "type": .string("order"), "request": .string(request),
                        "symbol": .string(place.symbol), "side": .string("buy"),
                        "order_type": .string("limit"), "quantity": .string("0.01"), "price": .string(price),
                    ])
                let order = try await fixture.waitForOrder(id, request) { _ in true }
                guard order.status == .denied else { return request }
                guard order.reason?.contains("may have changed unseen") == true else {
                    throw HostFixture.TooLate(what: order.json.text, log: [])
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            throw HostFixture.TooLate(what: "an order that is taken", log: [])
        }

        @Test("the venue's raw answers are in the story, keys and signatures are not", arguments: places)
        func raw(_ place: Place) async throws {
            try await Self.run(place) { fixture, id, price in
                let request = try await Self.order(fixture, id, place, price)
                try await fixture.waitForOrder(id, request) { $0.status == .open }
                try await fixture.say(id, ["type": .string("cancel"), "request": .string(request)])
                try await fixture.waitForOrder(id, request) { $0.status == .cancelled }
                let story = try await read(fixture, id, request)
                let sent = try #require(
                    story.entries.first { $0.source == .request && $0.text == place.market },
                    "\(story.entries.map(\.text))")
                let parameters = try #require(sent.details?["parameters"]?.stringValue)
                #expect(parameters.contains("0.01"), "\(parameters)")
                let answer = try #require(story.entries.first { $0.source == .answer })
                #expect(answer.text == "answered 200" && answer.details?["status"] == .integer(200))
                #expect(answer.details?["text"]?.stringValue?.isEmpty == false)
                #expect((answer.details?["took_us"]?.intValue ?? -1) >= 0)
                // What the venue says by its stream may come before its answer does.
                let places = [StoryEntry.Source.strategy, .risk, .journal, .desk, .request, .answer]
                let firsts = places.compactMap { source in story.entries.firstIndex { $0.source == source } }
                #expect(firsts.count == places.count && firsts == firsts.sorted(), "\(kinds(story))")
                #expect(story.entries.contains { $0.source == .venue && $0.text.hasPrefix("accepted as") })
                if place.exchange == .binance {
                    #expect(story.entries.contains { $0.source == .stream && $0.kind == .streamed })
                    #expect(
                        parameters.contains("symbol=BTCUSDT&side=BUY") && !parameters.contains("signature"))
                }
                Self.checkSecrets(story.json.text, "the story")
                // Nor in what is kept of it.
                for name in ["stories.db", "stories.db-wal"] {
                    let bytes = try Self.contents(fixture.folder + "/" + name)
                    Self.checkSecrets(String(decoding: bytes, as: UTF8.self), name)
                }
                Self.checkSecrets(fixture.log.lines.joined(), "the log")
            }
        }

        private static func checkSecrets(_ text: String, _ place: String) {
            #expect(!text.contains(secret), "the secret is in \(place)")
            #expect(!text.contains(key), "the key is in \(place)")
            for name in ["\"signature", "signature=", "X-AUTH-SIGNATURE", "authSignature"] {
                #expect(!text.contains(name), "\(name) is in \(place)")
            }
        }

        private static func contents(_ path: String) throws -> [UInt8] {
            guard access(path, R_OK) == 0 else { return [] }
            let file = try FileDescriptor.open(path, O_RDONLY)
            return try file.read(at: 0, count: try file.size())
        }

        @Test func `an unknown order's story says how often the venue was asked, and when last`() async throws
        {
            let lost: JSONValue = .members([
                "kind": .string("drop_before"), "method": .string("POST"), "path": .string("/api/v3/order"),
                "times": .integer(1),
            ])
            try await Self.run(Self.places[0], faults: [lost]) { fixture, id, price in
                let request = try await Self.order(fixture, id, Self.places[0], price)
                try await fixture.waitForOrder(id, request) { $0.status == .unknown }
                try await fixture.wait("two questions", about: id) {
                    try await read(fixture, id, request).questions >= 2
                }
                let story = try await read(fixture, id, request)
                #expect(story.unknownSince != nil && story.lastQuestion != nil)
                #expect(story.summary.contains("asked \(story.questions) times, last at "))
                #expect(story.entries.contains { $0.source == .answer && $0.text.hasPrefix("no answer: ") })
                #expect(
                    story.entries.contains {
                        $0.source == .answer && $0.details?["text"]?.stringValue?.contains("-2013") == true
                    }, "\(story.entries.map(\.text))")
            }
        }

        @Test func `an order whose answer was lost says that it was found by asking, and by which question`()
            async throws
        {
            let faults: [JSONValue] = [
                .members([
                    "kind": .string("drop_after"), "method": .string("POST"),
                    "path": .string("/api/v3/order"), "times": .integer(1),
                ]),
                // Nor does the stream tell.
                .members([
                    "kind": .string("gap"), "stream": .string("user"), "event": .string("executionReport"),
                    "times": .integer(1),
                ]),
            ]
            try await Self.run(Self.places[0], faults: faults) { fixture, id, price in
                let request = try await Self.order(fixture, id, Self.places[0], price)
                try await fixture.waitForOrder(id, request) { $0.status == .open }
                let story = try await read(fixture, id, request)
                let found = try #require(story.entries.first { $0.kind == .found }, "\(kinds(story))")
                #expect(
                    found.text == "found by asking the venue what became of the order: unknown → open")
                #expect(found.details?["asked"] == .string("status"))
                #expect(story.summary.hasSuffix(", found by asking"), "\(story.summary)")
                // What the venue answered stands before it.
                let answer = story.entries.lastIndex {
                    $0.source == .venue && $0.text.contains("it is open there")
                }
                let place = story.entries.firstIndex { $0.kind == .found }
                #expect(answer ?? .max < place ?? 0, "\(kinds(story))")
            }
        }
    }
}
