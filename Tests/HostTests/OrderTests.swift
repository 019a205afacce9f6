import Host
import Testing
import Trading
import Wire

extension HostTests {
    @Suite("Orders through the host") struct OrderTests {
        @Test func `an order in answer to history is denied, also that of a program that does not look`()
            async throws
        {
            try await HostFixture.run { fixture in
                for _ in 1...3 { try await fixture.candle("100") }
                let id = try await fixture.runPuppet("eager")
                try await fixture.candle("100")
                try await fixture.waitForOrder(id, "eager-4") { $0.status == .filled }
                for request in ["eager-1", "eager-2", "eager-3"] {
                    let order = try await fixture.waitForOrder(id, request) { $0.status == .denied }
                    #expect(order.reason == "orders are taken once the history has been delivered")
                }
            }
        }

        @Test func `a repeated request id gets the first answer and places nothing`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "one", "buy", "1")
                try await fixture.waitForOrder(id, "one") { $0.status == .filled }
                let before = try await fixture.answers(id, "one").count
                try await fixture.say(
                    id,
                    [
                        "type": .string("order"), "request": .string("one"), "symbol": .string("BTCUSDT"),
                        "side": .string("sell"), "order_type": .string("market"), "quantity": .string("0.5"),
                    ])
                try await fixture.wait("the answer", about: id) {
                    try await fixture.answers(id, "one").count > before
                }
                let answer = try #require(try await fixture.answers(id, "one").last)
                #expect(answer["status"] == .string("filled"))
                #expect(answer["side"] == .string("buy"))
                #expect(answer["quantity"] == .string("1"))
                #expect(try await fixture.orders(id).count == 1)
                #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
            }
        }

        @Test func `while paused, orders are denied and candles are kept, to come as history at the end`()
            async throws
        {
            try await HostFixture.run { fixture in
                for _ in 1...3 { try await fixture.candle("100") }
                let id = try await fixture.runPuppet()
                let eager = try await fixture.runPuppet("eager")
                for each in [id, eager] { _ = try await fixture.host.pause(each, by: "ada") }
                for _ in 4...5 { try await fixture.candle("100") }
                await #expect(throws: HostError.notRunning(strategy: id)) {
                    try await fixture.tell(id, "REPORT")
                }
                for each in [id, eager] {
                    _ = try await fixture.host.resume(each, by: "ada")
                    try await fixture.wait(each) { $0.state == .running }
                }
                try await fixture.candle("100")
                try await fixture.wait("six candles", about: id) { try await fixture.candles(id).count == 6 }
                let isHistory = try await fixture.candles(id).map { $0["history"] == .bool(true) }
                #expect(isHistory == [true, true, true, true, true, false])
                try await fixture.waitForOrder(eager, "eager-6") { $0.status == .filled }
                for request in ["eager-4", "eager-5"] {
                    let order = try await fixture.waitForOrder(eager, request) { $0.status == .denied }
                    #expect(order.reason == "orders are taken once the history has been delivered")
                }
            }
        }

        @Test func `an order of a paused strategy is denied`() async throws {
            try await HostFixture.run { fixture in
                try await fixture.candle("100")
                let id = try await fixture.upload(
                    """
                    from bullpen import Strategy

                    class Timed(Strategy):
                        def on_start(self):
                            self.timer("tick", 0.05, repeat=True)

                        def on_timer(self, timer_id):
                            self.buy("0.1", "1")
                    """)
                try await fixture.run(id, StartOptions(feed: "injected"))
                _ = try await fixture.host.pause(id, by: "ada")
                try await fixture.wait("a denial", about: id) {
                    try await fixture.orders(id).contains { $0.reason == "the strategy is paused" }
                }
            }
        }

        @Test func `a halt denies new orders while cancels pass, until trading is resumed`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                #expect(try await fixture.order(id, "before", "buy", "1", price: "95").status == .open)
                _ = try await fixture.host.halt(HaltRequest(reason: "the exchange is odd"), by: "ada")
                let denied = try await fixture.order(id, "during", "buy", "1")
                #expect(denied.status == .denied)
                #expect(denied.reason == "trading is halted for the whole host: the exchange is odd")
                #expect(try await fixture.orders(id).last?.status == .open)
                try await fixture.say(id, ["type": .string("cancel"), "request": .string("before")])
                try await fixture.waitForOrder(id, "before") { $0.status == .cancelled }
                _ = try await fixture.host.resumeTrading(.all, by: "ada")
                #expect(try await fixture.order(id, "after", "buy", "1").status == .filled)
            }
        }

        @Test func `a halt of one strategy closes what it has when asked, and leaves others alone`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                let other = try await fixture.runPuppet("other")
                try await fixture.candle("100")
                for each in [id, other] {
                    try await fixture.order(each, "one", "buy", "1")
                    try await fixture.order(each, "two", "buy", "1", price: "95")
                }
                _ = try await fixture.host.halt(HaltRequest(scope: .strategy(id), flatten: true), by: "ada")
                try await fixture.waitForOrder(id, "two") { $0.status == .cancelled }
                try await fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                #expect(try await fixture.order(id, "three", "buy", "1").status == .denied)
                #expect(try await fixture.order(other, "three", "buy", "1").status == .filled)
                #expect(try await fixture.orders(other).map(\.status) == [.filled, .open, .filled])
            }
        }

        @Test
        func
            `a halt of an account holds for every strategy on it, shows what it closes, and may be repeated`()
            async throws
        {
            try await HostFixture.run { fixture in
                _ = try await fixture.host.addAccount(
                    try JSONParser.parse(#"{"id":"second","balance":"50000"}"#), by: "ada")
                let id = try await fixture.runPuppet()
                let other = try await fixture.runPuppet(
                    "other", "", StartOptions(feed: "injected", account: "second"))
                try await fixture.candle("100")
                for each in [id, other] {
                    try await fixture.order(each, "one", "buy", "1")
                    try await fixture.order(each, "two", "buy", "1", price: "95")
                }
                let request = HaltRequest(scope: .account("paper"), reason: "odd", flatten: true)
                let first = try await fixture.host.halt(request, by: "ada")
                #expect(first.halts.map(\.scope) == [.account("paper")] && !first.isHalted)
                _ = try await fixture.host.halt(request, by: "bob")
                try await fixture.wait("the closing", about: id) {
                    try await fixture.host.haltState(owner: nil).flatten?.left == 0
                }
                let state = try await fixture.host.haltState(owner: nil)
                #expect(state.flatten?.items.map(\.progress.step) == [.closed])
                #expect(state.flatten?.items.map(\.progress.key.strategy.text) == [id])
                #expect(state.halts.map(\.by) == ["ada"])
                #expect(try await fixture.host.haltState(owner: "nobody").flatten?.items == [])
                let denied = try await fixture.order(id, "three", "buy", "1")
                #expect(denied.reason == "trading is halted for account paper: odd")
                #expect(try await fixture.order(other, "three", "buy", "1").status == .filled)
                #expect(try await fixture.orders(other).map(\.status) == [.filled, .open, .filled])
                // One closing order, though it was asked for twice.
                let closings = try await fixture.orders(id).filter { $0.request.isEmpty }
                #expect(closings.map(\.filledQuantity) == [.one])
                _ = try await fixture.host.resumeTrading(.account("paper"), by: "ada")
                #expect(try await fixture.order(id, "four", "buy", "1").status == .filled)
                #expect(
                    try await fixture.host.haltState(owner: nil)
                        == HaltView(halts: [], flatten: .init(items: [])))
                await #expect(throws: HostError.notFound(kind: "account", id: "third")) {
                    _ = try await fixture.host.halt(HaltRequest(scope: .account("third")), by: "ada")
                }
                // A venue has all of its accounts.
                _ = try await fixture.host.halt(
                    HaltRequest(scope: .venue("paper"), reason: "odd", flatten: true), by: "ada")
                try await fixture.wait("the closing", about: id) {
                    try await fixture.host.haltState(owner: nil).flatten?.left == 0
                }
                let closed = try await fixture.host.haltState(owner: nil)
                #expect(closed.flatten?.items.map(\.venue) == ["paper", "paper"])
                #expect(closed.halts.map(\.scope) == [.venue("paper")])
                // By which a strategy's page knows that the halt is about it.
                #expect(try await fixture.host.status(of: id).venue == "paper")
                for each in [id, other] {
                    let denied = try await fixture.order(each, "five", "buy", "1")
                    #expect(denied.reason == "trading is halted for venue paper: odd")
                }
                _ = try await fixture.host.resumeTrading(.venue("paper"), by: "ada")
                #expect(try await fixture.order(other, "six", "buy", "1").status == .filled)
                await #expect(throws: HostError.notFound(kind: "venue", id: "moon")) {
                    _ = try await fixture.host.halt(HaltRequest(scope: .venue("moon")), by: "ada")
                }
            }
        }

        @Test(
            "a limit denies in words, and can be changed while strategies run",
            arguments: [
                (
                    #"{"global":{"order_notional":"150"}}"#, "2", nil,
                    "the order is worth 201 USDT; the limit of the whole host is 150 USDT an order"
                ),
                (
                    #"{"accounts":{"paper":{"position_notional":"150"}}}"#, "2", nil,
                    "with open orders the BTCUSDT@injected position could reach 200 USDT; the limit of account paper is 150 USDT"
                ),
                (
                    #"{"strategies":{"ID":{"price_distance":"0.05"}}}"#, "2", "90",
                    "the price 90 is further from the last price 100 than the fraction 0.05 that strategy ID may go"
                ),
                (
                    #"{"global":{"instruments":["ETHUSDT"]}}"#, "2", nil,
                    "BTCUSDT@injected is not on the list allowed for the whole host"
                ),
                (
                    #"{"global":{"orders_per_minute":1}}"#, "2", nil,
                    "the whole host may send 1 order a minute, and did"
                ),
                (
                    #"{"strategies":{"ID":{"orders_per_minute":1}}}"#, "2", nil,
                    "strategy ID may send 1 order a minute, and did"
                ),
                (
                    #"{"venues":{"paper":{"orders_per_minute":1}}}"#, "2", nil,
                    "venue paper may send 1 order a minute, and did"
                ),
                (
                    #"{"venues":{"paper":{"exposure":"150"}}}"#, "2", nil,
                    "with open orders all positions of venue paper could reach 200 USDT; the limit is 150 USDT"
                ),
                (
                    #"{"accounts":{"paper":{"open_orders":0}}}"#, "2", "99",
                    "account paper may have 0 open orders, and has"
                ),
            ] as [(String, String, String?, String)])
        func limit(_ change: String, quantity: String, price: String?, reason: String) async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                func text(_ text: String) -> String {
                    text.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id)
                }
                _ = try await fixture.host.changeLimits(
                    try JSONParser.parse(text(change)), by: "ada")
                if change.contains("per_minute") {
                    #expect(try await fixture.order(id, "first", "buy", "1").status == .filled)
                }
                let denied = try await fixture.order(id, "limited", "buy", quantity, price: price)
                #expect(denied.status == .denied)
                #expect(denied.reason == text(reason))
                try await fixture.waitForLine(id, "denied: \(text(reason))")
                // Taken away again, the same order passes.
                _ = try await fixture.host.changeLimits(
                    Self.nulls(try JSONParser.parse(text(change))), by: "ada")
                let passed = try await fixture.order(id, "free", "buy", quantity, price: price)
                #expect(passed.status != .denied, "\(passed.reason ?? "")")
            }
        }

        @Test func `a drawdown is counted from a peak that outlives the host, until it is begun anew`()
            async throws
        {
            let first = try await HostFixture()
            let id = try await first.runPuppet()
            try await first.candle("100")
            _ = try await first.host.changeLimits(
                try JSONParser.parse(
                    #"{"accounts":{"paper":{"drawdown":"0.0001"}},"venues":{"paper":{"drawdown":"0.5"}}}"#),
                by: "ada")
            try await first.order(id, "held", "buy", "1")
            try await first.waitForOrder(id, "held") { $0.status == .filled }
            try await first.candle("150")
            try await first.wait("the peak", about: id) {
                let falls = try await first.host.limits().drawdowns.map(\.drawdown)
                return falls.count == 2
                    && falls.allSatisfy { $0.fallen.isZero && $0.peak > FixedDecimal(100_040) }
            }
            let peak = try #require(await first.host.limits().drawdowns.first?.drawdown.peak)
            // It is written once a second; the passing of the limit is written at once.
            try await first.candle("130")
            try await first.wait("the fall", about: id) {
                try await first.host.limits().drawdowns.first?.drawdown.isPassed == true
            }
            await first.host.drain()

            let second = try await HostFixture(folder: first.folder)
            try await second.wait(id) { $0.state == .running }
            let fallen = try #require(await second.host.limits().drawdowns.first)
            #expect(fallen.scope == "account:paper" && fallen.drawdown.peak == peak)
            try await second.candle("130")
            let denied = try await second.order(id, "more", "buy", "1")
            #expect(
                denied.reason?.hasPrefix("the fall of account paper from its peak of \(peak) USDT") == true)
            await #expect(throws: HostError.conflict("global has no limit on its drawdown")) {
                _ = try await second.host.beginPeak(of: "global", by: "ada")
            }
            let anew = try await second.host.beginPeak(of: "account:paper", by: "ada")
            #expect(anew.drawdowns.map(\.drawdown.fallen).first == .zero)
            #expect(try await second.order(id, "again", "buy", "1").status == .filled)
            await second.end()
        }

        @Test func `an account's worth says what it counts against limits over several`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                _ = try await fixture.host.changeAccount(
                    "paper", try JSONParser.parse(#"{"worth":"0.5"}"#), by: "ada")
                _ = try await fixture.host.changeLimits(
                    try JSONParser.parse(#"{"venues":{"paper":{"exposure":"150"}}}"#), by: "ada")
                #expect(try await fixture.order(id, "passes", "buy", "2", price: "100").status != .denied)
                let denied = try await fixture.order(id, "denied", "buy", "2", price: "100")
                #expect(
                    denied.reason
                        == "with open orders all positions of venue paper could reach 200 of the common currency; "
                        + "the limit is 150 of the common currency")
            }
        }

        /// The same change with every limit taken away.
        static func nulls(_ change: JSONValue) -> JSONValue {
            guard case .object(let members) = change else { return .null }
            return .object(members.map { JSONValue.Member($0.name, nulls($0.value)) })
        }

        @Test(
            "a stop does with orders and position what it was asked to", arguments: OrdersAtEnd.allCases)
        func stop(_ orders: OrdersAtEnd) async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "held", "buy", "1")
                try await fixture.order(id, "waiting", "buy", "1", price: "95")
                await #expect(throws: HostError.conflict("the strategy is running; stop it first")) {
                    try await fixture.host.delete(id, by: "ada")
                }
                _ = try await fixture.host.stop(id, orders: orders, by: "ada")
                try await fixture.wait(id) { $0.state == .stopped }
                if orders == .flatten {
                    try await fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                } else {
                    #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
                }
                if orders == .keep {
                    #expect(try await fixture.orders(id).first { $0.request == "waiting" }?.status == .open)
                } else {
                    try await fixture.waitForOrder(id, "waiting") { $0.status == .cancelled }
                }
                if orders != .flatten {
                    await #expect(throws: HostError.self) { try await fixture.host.delete(id, by: "ada") }
                    // What is stopped can still be told to close what it left.
                    _ = try await fixture.host.stop(id, orders: .flatten, by: "ada")
                    try await fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                    try await fixture.waitForOrder(id, "waiting") { $0.status == .cancelled }
                }
                try await fixture.host.delete(id, by: "ada")
                await #expect(throws: HostError.notFound(kind: "strategy", id: id)) {
                    _ = try await fixture.host.status(of: id)
                }
            }
        }

        @Test func `a strategy cannot spend more than its capital, nor be given more than the account has`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.puppet()
                await #expect(throws: HostError.self) {
                    _ = try await fixture.host.start(
                        id, options: StartOptions(feed: "injected", capital: FixedDecimal(100_001)), by: "ada"
                    )
                }
                try await fixture.run(id, StartOptions(feed: "injected", capital: FixedDecimal(500)))
                try await fixture.candle("100")
                #expect(try await fixture.order(id, "fits", "buy", "4").status == .filled)
                let denied = try await fixture.order(id, "more", "buy", "1")
                #expect(denied.status == .denied)
                let reason = try #require(denied.reason)
                #expect(reason.hasPrefix("the order needs 100.6005 USDT with fees; 99.5"), "\(reason)")
            }
        }
    }
}

extension HostFixture {
    /// What a puppet was told about one of its orders.
    func answers(_ strategy: String, _ request: String) async throws -> [JSONValue] {
        try await told(strategy, "{\"type\":\"order\"").filter { $0["request"] == .string(request) }
    }

    /// The candles that a puppet was given.
    func candles(_ strategy: String) async throws -> [JSONValue] {
        try await told(strategy, "candle ")
    }

    private func told(_ strategy: String, _ beginning: String) async throws -> [JSONValue] {
        try await lines(strategy).filter { $0.hasPrefix("stderr: \(beginning)") }.compactMap { line in
            guard let start = line.firstIndex(of: "{") else { return nil }
            return try JSONParser.parse(String(line[start...]))
        }
    }
}
