import Exchanges
import Posix
import Simulators
import Synchronization
import Testing
import Trading

@Suite("CoinSpot, before its simulator", .serialized)
struct CoinSpotVenueTests {
    private func with(
        settings: [(name: String, value: String)] = [], rights: Set<SimulatorKey.Right> = [.read, .trade],
        _ body: (CoinRig) async throws -> Void
    ) async throws {
        let rig = try await CoinRig(.coinspot, settings: settings, rights: rights, opens: false) {
            $0.coinSpot($1)
        }
        do {
            try await rig.control("PUT", "/settings", #"{"requests_per_minute":"100000"}"#)
            try await rig.hold("BTCAUD", "100", "100")
            await rig.open()
            try await rig.waitUntilOpen()
            try await body(rig)
        } catch {
            await rig.end()
            throw error
        }
        await rig.end()
    }

    private func terms(_ side: Side = .buy, _ quantity: String = "1", _ price: String? = "90") -> OrderTerms {
        OrderTerms(
            symbol: "BTCAUD", side: side, type: price == nil ? .market : .limit, quantity: d(quantity),
            price: price.map { d($0) })
    }

    private func named(_ number: Int) -> OrderReference {
        OrderReference(clientID: clientID(number), symbol: "BTCAUD", venueOrderID: nil)
    }

    @Test func `an order in the book is placed, found, listed, moved and cancelled, and its end is told`()
        async throws
    {
        try await with { rig in
            let id = try await rig.place(1, terms()).get()
            #expect(try await rig.openOrders().map(\.venueOrderID) == [id])
            #expect(try await rig.openOrders().map(\.clientID) == [clientID(1)])
            #expect(try await rig.balances().first { $0.currency == "AUD" }?.locked.isPositive == true)
            let moved = await rig.amend(named(1), Amendment(quantity: d("1"), price: d("91")))
            #expect(moved == .success(Amendment(quantity: d("1"), price: d("91"))))
            #expect(try await rig.status(named(1)).get()?.price == d("91"))
            await #expect(throws: VenueFailure.self) {
                try await rig.amend(named(1), Amendment(quantity: d("2"), price: d("91"))).get()
            }
            try await rig.cancel(named(1)).get()
            try await rig.wait(for: "the end") { $0.contains(where: \.isCancelled) }
            #expect(try await rig.status(named(1)).get()?.state == .cancelled)
            #expect(try await rig.openOrders().isEmpty)
            await #expect(throws: VenueFailure.self) { try await rig.cancel(named(1)).get() }
        }
    }

    @Test func `S9: the same name placed twice is one order`() async throws {
        try await with { rig in
            let id = try await rig.place(1, terms()).get()
            #expect(await rig.place(1, terms()) == .success(id))
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test(arguments: ["remaining", "original"], ["present", "absent"])
    func `parts of an order are told as its own, whatever the lists show`(_ amount: String, _ ids: String)
        async throws
    {
        try await with(settings: [
            ("open_amount", amount), ("completed_ids", ids), ("depth", "0"), ("largest_fill", "0.25"),
        ]) {
            rig in
            let id = try await rig.place(1, terms(.buy, "1", "90")).get()
            try await rig.hold("BTCAUD", "88", "89", quantity: "0.25")
            let first = try await rig.wait(for: "a part") { $0.contains { $0.trade != nil } }
            for trade in first.compactMap(\.trade) {
                #expect(trade.clientID == clientID(1) && trade.venueOrderID == id)
            }
            var filled = first.compactMap(\.trade)
            for number in 0..<20
            where filled.reduce(FixedDecimal.zero, { FixedDecimal(units: $0.units + $1.quantity.units) })
                < d("1")
            {
                try await rig.hold("BTCAUD", "8\(number % 5)", "8\(number % 5).5", quantity: "0.25")
                filled += try await rig.wait(for: "more") { $0.contains { $0.trade != nil } }.compactMap(
                    \.trade)
            }
            #expect(filled.allSatisfy { $0.clientID == clientID(1) })
            #expect(Set(filled.map(\.trade)).count == filled.count)
            #expect(try await rig.status(named(1)).get()?.state == .filled)
            let page = try await rig.page(after: nil)
            #expect(Set(page.trades.map(\.trade)) == Set(filled.map(\.trade)))
            #expect(try await rig.page(after: page.cursor).trades.isEmpty)
        }
    }

    @Test(arguments: ["present", "absent"])
    func `one row for a whole order is taken for its trades`(_ ids: String) async throws {
        try await with(settings: [("completed_rows", "orders"), ("completed_ids", ids)]) { rig in
            _ = try await rig.place(1, terms(.buy, "1", "90")).get()
            try await rig.hold("BTCAUD", "80", "80")
            let told = try await rig.wait(for: "its trade") { $0.contains { $0.trade != nil } }
            #expect(told.compactMap(\.trade).map(\.clientID) == [clientID(1)])
            #expect(try await rig.status(named(1)).get()?.state == .filled)
        }
    }

    @Test func `a market order is an instant one, done when it is taken, and its trade follows`() async throws
    {
        try await with { rig in
            let id = try await rig.place(1, terms(.buy, "1", nil)).get()
            #expect(try await rig.status(named(1)).get()?.state == .filled)
            let told = try await rig.wait(for: "its trade") { $0.contains { $0.trade != nil } }
            let trade = try #require(told.compactMap(\.trade).first)
            #expect(trade.clientID == clientID(1) && trade.venueOrderID == id && trade.price == d("100"))
        }
    }

    @Test(arguments: [nil, "1"])
    func `S11: an order whose answer was lost is found by its fingerprint, and is there once`(
        _ price: String?
    ) async throws {
        let isInstant = price == nil
        try await with { rig in
            let path = isInstant ? "/api/v2/my/buy/now" : "/api/v2/my/buy"
            try await rig.fault(#"{"kind":"drop_after","path":"\#(path)","times":1}"#)
            guard
                case .failure(.outcomeUnknown) = await rig.place(1, terms(.buy, "1", isInstant ? nil : "90"))
            else {
                Issue.record("it should be unknown")
                return
            }
            let told = try await rig.wait(for: "its finding") {
                $0.contains { if case .accepted(clientID(1), _) = $0 { true } else { false } }
            }
            #expect(!told.contains { if case .absent = $0 { true } else { false } })
            #expect(try await rig.orderCount() == 1)
            #expect(try await rig.status(named(1)).get()?.state == (isInstant ? .filled : .open))
        }
    }

    @Test func `S2: an order that never arrived is found not to be there, and its side is free again`()
        async throws
    {
        try await with { rig in
            try await rig.fault(#"{"kind":"drop_before","path":"/api/v2/my/buy","times":1}"#)
            guard case .failure(.outcomeUnknown) = await rig.place(1, terms()) else {
                Issue.record("it should be unknown")
                return
            }
            try await rig.wait(for: "its absence") { $0.contains(.absent(clientID(1))) }
            #expect(await rig.status(named(1)) == .success(nil))
            _ = try await rig.place(2, terms()).get()
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test func `S11: of two that fit the market is frozen, until a person says which is ours`() async throws {
        try await with { rig in
            try await rig.fault(#"{"kind":"drop_after","path":"/api/v2/my/buy","times":1}"#)
            async let placed = rig.place(1, terms())
            guard case .failure(.outcomeUnknown) = await placed else {
                Issue.record("it should be unknown")
                return
            }
            // Somebody places the very same by hand.
            try await rig.control(
                "POST", "/orders",
                #"{"account":"main","symbol":"BTCAUD","side":"buy","quantity":"1","price":"90"}"#)
            let told = try await rig.wait(for: "the question") {
                $0.contains { $0.isQuestion(about: clientID(1)) }
            }
            guard case .failure(.unsent(let words)) = await rig.place(2, terms(.sell, "0.1", "120")) else {
                Issue.record("the market should be frozen")
                return
            }
            #expect(words.contains("frozen"))
            var candidates: [VenueOrderID] = []
            for case .ambiguous(_, let found) in told { candidates = found }
            #expect(candidates.count == 2)
            let chosen = try #require(candidates.first)
            await rig.decide(clientID(1), as: chosen)
            #expect(try await rig.status(named(1)).get()?.venueOrderID == chosen)
            _ = try await rig.place(3, terms(.sell, "0.1", "120")).get()
        }
    }

    @Test func `S11: what was there before is not taken for ours`() async throws {
        try await with { rig in
            try await rig.control(
                "POST", "/orders",
                #"{"account":"main","symbol":"BTCAUD","side":"buy","quantity":"1","price":"90"}"#)
            try await rig.fault(#"{"kind":"drop_before","path":"/api/v2/my/buy","times":1}"#)
            guard case .failure(.outcomeUnknown) = await rig.place(1, terms()) else {
                Issue.record("it should be unknown")
                return
            }
            let told = try await rig.wait(for: "its absence") { $0.contains(.absent(clientID(1))) }
            #expect(!told.contains { if case .accepted = $0 { true } else { false } })
        }
    }

    @Test(arguments: [("401", "nonce invalid"), ("400", "Nonce must be greater"), ("401", "Something else")])
    func `S8: a key whose nonces somebody took further is used with greater ones, whatever the words`(
        _ status: String, _ words: String
    ) async throws {
        try await with(settings: [("nonce_status", status), ("nonce_message", words)]) { rig in
            await rig.letGo()
            // Another client of the same key, with microseconds.
            try await rig.spoilNonce()
            await rig.open()
            try await rig.waitUntilOpen(2)
            _ = try await rig.place(1, terms()).get()
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test func `S8: after a restart nonces go on above those before, though the clock was set back`()
        async throws
    {
        let kept = Mutex<[String: Int64]>([:])
        let keep: NonceKeeper.Keep = { key, mark, answer in
            kept.withLock { $0[key] = max($0[key] ?? 0, mark) }
            answer(true)
        }
        let keeper = Mutex(NonceKeeper(keep: keep))
        // Words that say nothing of nonces: whoever goes back is taken for somebody with a wrong key.
        let rig = try await CoinRig(
            .coinspot, settings: [("nonce_message", "no"), ("requests_per_minute", "100000")], opens: false
        ) { rig, keys in rig.coinSpot(nonces: keeper.withLock { $0 }, keys) }
        try await rig.hold("BTCAUD", "100", "100")
        await rig.open()
        try await rig.waitUntilOpen()
        // This host's clock is an hour ahead, as far as nonces tell.
        let name = try #require(kept.withLock { $0.keys.first })
        keeper.withLock { $0 }.raise(name, above: WallClock.milliseconds + 3_600_000)
        let id = try await rig.place(1, terms()).get()
        await rig.letGo()

        keeper.withLock { $0 = NonceKeeper(marks: kept.withLock { $0 }, keep: keep) }
        await rig.onLoop { rig.witness.traces = [] }
        await rig.open(orders: [journaled(1, terms(), .open, id)])
        try await rig.waitUntilOpen(2)
        _ = try await rig.place(2, terms(.buy, "1", "80")).get()
        let statuses = await rig.read { Set($0.witness.traces.map(\.status)) }
        #expect(statuses == [200])
        await rig.letGo()

        // Without what was kept the first request is refused.
        keeper.withLock { $0 = NonceKeeper() }
        await rig.onLoop { rig.witness.traces = [] }
        await rig.open(orders: [journaled(1, terms(), .open, id)])
        try await rig.waitUntilOpen(3)
        #expect(await rig.read { $0.witness.traces.first?.status } == 401)
        await rig.end()
    }

    @Test func `R5: more deals than one answer holds are asked for day by day`() async throws {
        let day = 86_400_000
        let rig = try await CoinRig(.coinspot, settings: [("requests_per_minute", "100000")], opens: false) {
            $0.coinSpot(deals: 3, $1)
        }
        do {
            try await rig.control.set("clock_offset_ms", "-\(day)")
            try await rig.hold("BTCAUD", "100", "100")
            await rig.open(
                symbols: ["BTCAUD": Timestamp(milliseconds: WallClock.milliseconds - Int64(2 * day))])
            try await rig.waitUntilOpen()
            for number in 1...2 { _ = try await rig.place(number, terms(.buy, "1", "100")).get() }
            #expect(try await rig.trades().all.count == 2)
            // A day later.
            try await rig.control.set("clock_offset_ms", "0")
            for number in 3...4 { _ = try await rig.place(number, terms(.buy, "1", "100")).get() }
            try await rig.until("all four are told") { try await rig.trades().all.count == 4 }
            let owners = try await rig.trades().all.compactMap { $0.clientID?.order?.number }
            #expect(owners == [1, 2, 3, 4])
        } catch {
            await rig.end()
            throw error
        }
        await rig.end()
    }

    @Test func `a read-only key reads, and places nothing`() async throws {
        try await with(rights: [.read]) { rig in
            let before = try await rig.balances()
            #expect(before.contains { $0.currency == "AUD" })
            guard case .failure(.refused(let words)) = await rig.place(1, terms()) else {
                Issue.record("a read-only key")
                return
            }
            #expect(words.contains("only read"))
            #expect(try await rig.balances() == before)
        }
    }

    @Test func `R1 to R4: after a start the journal says which orders are ours, answered or not`()
        async throws
    {
        try await with { rig in
            let id = try await rig.place(1, terms()).get()
            try await rig.fault(#"{"kind":"drop_after","path":"/api/v2/my/sell","times":1}"#)
            _ = await rig.place(2, terms(.sell, "0.5", "120"))
            await rig.letGo()
            _ = await rig.takeReports()
            await rig.open(orders: [
                journaled(1, terms(), .open, id), journaled(2, terms(.sell, "0.5", "120"), .unknown, nil),
                journaled(3, terms(.buy, "2", "80"), .unknown, nil),
            ])
            try await rig.wait(for: "one found and one not there") { told in
                told.contains { if case .accepted(clientID(2), _) = $0 { true } else { false } }
                    && told.contains(.absent(clientID(3)))
            }
            #expect(try await rig.status(named(1)).get()?.venueOrderID == id)
            #expect(try await rig.openOrders().compactMap(\.clientID?.order?.number).sorted() == [1, 2])
            #expect(try await rig.orderCount() == 2)
        }
    }

    @Test func `before the journal's orders were told an unknown name proves nothing`() async throws {
        try await with { rig in
            await rig.letGo()
            await rig.open(orders: nil)
            guard case .failure = await rig.status(named(1)) else {
                Issue.record("it cannot know")
                return
            }
            guard case .failure(.unsent) = await rig.place(1, terms()) else {
                Issue.record("it must not place")
                return
            }
            let count = try await rig.orderCount()
            #expect(count == 0)
        }
    }

    @Test func `the market is made of books and deals that are asked for`() async throws {
        try await with { rig in
            await rig.beginMarket(
                MarketWish(symbols: ["BTCAUD"], resolutions: [Resolution("1m")!], history: 5))
            try await rig.waitForNews("a primed market with prices") { news in
                news.contains(.primed)
                    && news.contains { if case .event(.quote) = $0 { true } else { false } }
            }
        }
    }
}
