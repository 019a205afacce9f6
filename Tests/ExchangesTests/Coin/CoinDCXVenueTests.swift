import Exchanges
import Simulators
import Testing
import Trading

@Suite("CoinDCX, before its simulator", .serialized)
struct CoinDCXVenueTests {
    private func with(
        settings: [(name: String, value: String)] = [], page: Int = 500,
        _ body: (CoinRig) async throws -> Void
    ) async throws {
        let rig = try await CoinRig(.coindcx, settings: settings, opens: false) { rig, keys in
            rig.coinDCX(page: page, keys)
        }
        do {
            try await rig.hold("BTCUSDT", "100", "100")
            await rig.open()
            try await rig.waitUntilOpen()
            try await body(rig)
        } catch {
            await rig.end()
            throw error
        }
        await rig.end()
    }

    private func terms(
        _ side: Side = .buy, _ quantity: String = "1", _ price: String? = "90", symbol: String = "BTCUSDT"
    ) -> OrderTerms {
        OrderTerms(
            symbol: symbol, side: side, type: price == nil ? .market : .limit, quantity: d(quantity),
            price: price.map { d($0) })
    }

    private func named(_ number: Int, _ id: VenueOrderID? = nil) -> OrderReference {
        OrderReference(clientID: clientID(number), symbol: "BTCUSDT", venueOrderID: id)
    }

    @Test func `a market order is acknowledged, and its trade is told with our name, its fee and once`()
        async throws
    {
        try await with { rig in
            let id = try await rig.place(1, terms(.buy, "1", nil)).get()
            let told = try await rig.wait(for: "a trade") { $0.contains { $0.trade != nil } }
            let trade = try #require(told.compactMap(\.trade).first)
            #expect(trade.clientID == clientID(1) && trade.venueOrderID == id)
            #expect(trade.price == d("100") && trade.quantity == d("1"))
            #expect(trade.fee == d("0.5") && trade.feeCurrency == "USDT")
            let found = try #require(try await rig.status(named(1)).get())
            #expect(found.state == .filled && found.averagePrice == d("100"))
            let page = try await rig.page(after: nil)
            #expect(page.trades == [trade] && page.isComplete)
            let rest = try await rig.page(after: page.cursor)
            #expect(rest.trades.isEmpty && rest.cursor == page.cursor)
        }
    }

    @Test(
        arguments: [
            [], [("order_ids", "uuid"), ("create_state", "open")],
            [
                ("balances", "number"), ("active_orders", "bare"), ("active_times", "milliseconds"),
                ("cancel_answer", "status"),
            ],
        ] as [[(String, String)]])
    func
        `an order is placed, found, listed, moved, cancelled and its end told, in every way that the venue may write`(
            _ settings: [(String, String)]
        ) async throws
    {
        try await with(settings: settings.map { (name: $0.0, value: $0.1) }) { rig in
            let id = try await rig.place(1, terms()).get()
            #expect(try await rig.openOrders().map(\.venueOrderID) == [id])
            let locked = try await rig.balances().first { $0.currency == "USDT" }?.locked
            #expect((locked ?? .zero) >= d("90"))
            let moved = await rig.amend(named(1, id), Amendment(quantity: d("1"), price: d("91")))
            #expect(moved == .success(Amendment(quantity: d("1"), price: d("91"))))
            let other = await rig.amend(named(1, id), Amendment(quantity: d("2"), price: d("91")))
            guard case .failure(.refused) = other else {
                Issue.record("CoinDCX cannot change a quantity")
                return
            }
            #expect(try await rig.status(named(1)).get()?.price == d("91"))
            try await rig.cancel(named(1, id)).get()
            try await rig.wait(for: "the end") { $0.contains(where: \.isCancelled) }
            #expect(try await rig.status(named(1)).get()?.state == .cancelled)
            #expect(try await rig.openOrders().isEmpty)
            await #expect(throws: VenueFailure.self) { try await rig.cancel(named(1, id)).get() }
        }
    }

    @Test(arguments: [("404", "Order not found"), ("422", "Invalid Request"), ("400", "nothing here")])
    func `an order nobody placed is not there, whatever status and words say so`(
        _ status: String, _ words: String
    )
        async throws
    {
        try await with(settings: [("unknown_status", status), ("unknown_message", words)]) { rig in
            #expect(await rig.status(named(9)) == .success(nil))
        }
    }

    @Test(arguments: ["no route for POST /exchange/v1/orders/status", "<style>p { border: 0 }</style>"])
    func `R10: a 404 that does not speak of the order proves nothing`(_ words: String) async throws {
        try await with(settings: [("unknown_status", "404"), ("unknown_message", words)]) { rig in
            for path in ["status", "status_multiple"] {
                try await rig.fault(
                    #"{"kind":"status","status":404,"message":"\#(words)","path":"/exchange/v1/orders/\#(path)"}"#
                )
            }
            guard case .failure = await rig.status(named(9)) else {
                Issue.record("a path that is not there was taken for an order that is not there")
                return
            }
        }
    }

    @Test(arguments: [("422", "client_order_id already exists"), ("400", "Bad thing"), ("409", "conflict")])
    func `S9: a client id placed twice is one order, whatever the refusal says`(
        _ status: String, _ words: String
    )
        async throws
    {
        try await with(settings: [("duplicate_status", status), ("duplicate_message", words)]) { rig in
            let first = try await rig.place(1, terms()).get()
            #expect(await rig.place(1, terms()) == .success(first))
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test(arguments: ["drop_after", "truncate", "status"])
    func `S1, S4, S10: an order whose answer is lost is unknown, is asked for by its name, and is there once`(
        _ kind: String
    ) async throws {
        let kind =
            kind == "status" ? #""kind":"status","status":503,"processed":true"# : #""kind":"\#(kind)""#
        try await with { rig in
            try await rig.fault(#"{\#(kind),"path":"/exchange/v1/orders/create","times":1}"#)
            guard case .failure(.outcomeUnknown) = await rig.place(1, terms()) else {
                Issue.record("it should be unknown")
                return
            }
            let found = try #require(try await rig.status(named(1)).get())
            #expect(found.state == .open && found.clientID == clientID(1))
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test func `S2: an order that never arrived is proven not to be there`() async throws {
        try await with { rig in
            try await rig.fault(#"{"kind":"drop_before","path":"/exchange/v1/orders/create","times":1}"#)
            guard case .failure(.outcomeUnknown) = await rig.place(1, terms()) else {
                Issue.record("it should be unknown")
                return
            }
            #expect(await rig.status(named(1)) == .success(nil))
        }
    }

    @Test func `S2: an order that status does not show yet is not taken for one that is not there`()
        async throws
    {
        try await with(settings: [("status_lag_ms", "3600000")]) { rig in
            let id = try await rig.place(1, terms()).get()
            #expect(try await rig.status(named(1)).get()?.venueOrderID == id)
        }
    }

    @Test(arguments: [("401", "Request timestamp is too old"), ("422", "Invalid Request")])
    func `S8: a clock that is off is followed and the call signed once more, whatever the words`(
        _ status: String, _ words: String
    ) async throws {
        try await with(settings: [("clock_status", status), ("clock_message", words)]) { rig in
            try await rig.control.set("clock_offset_ms", "60000")
            _ = try await rig.place(1, terms()).get()
            #expect(try await rig.orderCount() == 1)
        }
    }

    @Test
    func `S13: what its filters forbid is refused before it is sent, and what it has no money for after`()
        async throws
    {
        try await with { rig in
            guard case .failure(.refused(let tick)) = await rig.place(1, terms(.buy, "1", "90.0000001"))
            else {
                Issue.record("a price between ticks")
                return
            }
            #expect(tick.contains("tick"))
            guard case .failure(.refused(let words)) = await rig.place(2, terms(.sell, "50", "110")) else {
                Issue.record("more than there is")
                return
            }
            #expect(words.contains("Insufficient funds"))
            guard case .failure(.refused) = await rig.place(3, terms(.buy, "1", "90", symbol: "NOPEINR"))
            else {
                Issue.record("no such market")
                return
            }
            let count = try await rig.orderCount()
            #expect(count == 0)
        }
    }

    @Test func `S13: a market order where limit orders alone are taken is refused before it is sent`()
        async throws
    {
        try await with(settings: [("rupee_orders", "limit")]) { rig in
            try await rig.hold("BTCINR", "5000000", "5000000")
            let listed = try await rig.instruments()
            #expect(listed.first { $0.symbol == "BTCINR" }?.takesMarketOrders == false)
            #expect(listed.first { $0.symbol == "BTCUSDT" }?.takesMarketOrders == true)
            guard
                case .failure(.refused(let words)) = await rig.place(
                    1, terms(.buy, "0.01", nil, symbol: "BTCINR"))
            else {
                Issue.record("a market order where limit orders alone are taken")
                return
            }
            #expect(words == "BTCINR takes limit orders alone at CoinDCX")
            let sent = await rig.read { $0.witness.traces.contains { $0.source.contains("orders/create") } }
            #expect(!sent)
        }
    }

    @Test func `R5: trades come in pages, each once, with our names`() async throws {
        try await with(page: 3) { rig in
            for number in 1...7 { _ = try await rig.place(number, terms(.buy, "0.1", nil)).get() }
            var (cursor, pages, all) = (String?.none, 0, [VenueTrade]())
            while pages < 10 {
                let page = try await rig.page(after: cursor)
                all += page.trades
                cursor = page.cursor
                pages += 1
                if page.isComplete { break }
            }
            #expect(pages == 3)
            #expect(all.compactMap { $0.clientID?.order?.number } == [1, 2, 3, 4, 5, 6, 7])
        }
    }

    @Test func `W1: a fill while the stream was away is told when it is back, and meanwhile by asking`()
        async throws
    {
        try await with { rig in
            _ = try await rig.place(1, terms(.buy, "1", "90")).get()
            try await rig.fault(#"{"kind":"gap","stream":"user","events":100}"#)
            try await rig.hold("BTCUSDT", "80", "80")
            try await rig.control("POST", "/disconnect")
            let told = try await rig.wait(for: "the fill") { $0.contains { $0.trade != nil } }
            #expect(told.compactMap(\.trade).map(\.clientID) == [clientID(1)])
            try await rig.waitUntilOpen(2)
        }
    }

    @Test func `E14: an order by hand is listed without a name of ours, and its trade is nobody's`()
        async throws
    {
        try await with { rig in
            // Something of ours there makes the market one that is asked for.
            _ = try await rig.place(1, terms()).get()
            try await rig.control(
                "POST", "/orders",
                #"{"account":"main","symbol":"BTCUSDT","side":"buy","quantity":"0.5","price":"95"}"#)
            #expect(try await rig.openOrders().contains { $0.clientID?.order == nil })
            try await rig.hold("BTCUSDT", "93", "93")
            let told = try await rig.wait(for: "its trade") { $0.contains { $0.trade != nil } }
            #expect(told.compactMap(\.trade).first.map { $0.clientID?.order == nil } == true)
        }
    }

    @Test func `a start after an end finds everything by the names of ours alone`() async throws {
        try await with { rig in
            let id = try await rig.place(1, terms()).get()
            let cursor = try await rig.page(after: nil).cursor
            await rig.letGo()
            await rig.open()
            #expect(try await rig.status(named(1)).get()?.venueOrderID == id)
            try await rig.hold("BTCUSDT", "80", "80")
            let told = try await rig.wait(for: "the fill") { $0.contains { $0.trade != nil } }
            #expect(told.compactMap(\.trade).first?.clientID == clientID(1))
            #expect(try await rig.page(after: cursor).trades.compactMap(\.clientID) == [clientID(1)])
        }
    }

    @Test func `the market gives instruments, history, then quotes, trades and candles as they come`()
        async throws
    {
        try await with { rig in
            await rig.beginMarket(
                MarketWish(symbols: ["BTCUSDT", "BTCINR"], resolutions: [Resolution("1m")!], history: 20))
            let news = try await rig.waitForNews("a primed market with prices") { news in
                news.contains(.primed)
                    && news.contains {
                        if case .event(.quote(let quote)) = $0 { quote.bid == d("100") } else { false }
                    }
                    && news.contains { if case .event(.trade) = $0 { true } else { false } }
            }
            guard
                case .instruments(let listed)? = news.first(where: {
                    if case .instruments = $0 { true } else { false }
                })
            else { return }
            #expect(listed.map(\.symbol) == ["BTCUSDT", "BTCINR"])
            for case .history(let candles) in news {
                #expect(candles.map(\.openTime) == candles.map(\.openTime).sorted() && candles.count <= 20)
            }
        }
    }

    @Test func `without a credential nothing is sent`() async throws {
        let rig = try await CoinRig(.coindcx) { rig, _ in
            CoinDCXVenue(
                addresses: CoinDCXAddresses(rest: rig.base), http: rig.http, sockets: rig.sockets,
                loop: rig.loop, seed: 7
            ) { _ in nil }
        }
        guard case .failure(.unsent(let words)) = await rig.place(1, terms(.buy, "0.01", "50000")) else {
            Issue.record("without a key")
            await rig.end()
            return
        }
        #expect(words.contains("credential"))
        await rig.end()
    }
}
