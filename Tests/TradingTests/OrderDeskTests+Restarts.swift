import Testing

@testable import Trading

/// What a desk knows after a restart, at midnight and after many orders.
extension OrderDeskTests {
    @Test func `R1 to R4: after a restart every open order is asked about, found or not placed, once`() throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "1", "99"))
        fixture.submit("2", limit(.buy, "1", "98"))  // Arrived, but the answer was lost.
        fixture.submit("3", limit(.buy, "1", "97"))  // Never arrived.
        try fixture.restart()
        #expect(fixture.order("2").status == .unknown && fixture.order("3").status == .unknown)
        let asked = fixture.keep(fixture.desk.reconcile(at: at(10)))
        #expect(asked.placed == [])
        #expect(asked.requests.count == 6)
        for _ in 0..<2 {
            let before = fixture.desk.snapshot
            fixture.report(.order(fixture.venueOrder("1", .open, filled: "0")))
            fixture.report(.order(fixture.venueOrder("2", .open, filled: "0")))
            fixture.report(.absent(fixture.clientID("3")))
            #expect(fixture.order("1").status == .open && fixture.order("2").status == .open)
            #expect(fixture.order("3").status == .notPlaced)
            // R7: the second time nothing changes.
            guard fixture.desk.order(OrderID(3))?.status == .notPlaced, before == fixture.desk.snapshot else {
                continue
            }
            #expect(fixture.keep(fixture.desk.reconcile(at: at(20))).records == [])
        }
        #expect(fixture.desk.snapshot == fixture.journal)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `R5: fills made while the host was down come page by page and are booked once`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        try fixture.restart()
        let one = fixture.venueTrade("1", "1", "99", trade: "p1")
        let two = fixture.venueTrade("1", "1", "99", trade: "p2")
        let first = fixture.report(.trades([one], cursor: "1", isComplete: false))
        #expect(first.requests == [.trades(after: "1")])
        #expect(fixture.report(.trades([two], cursor: "2", isComplete: true)).requests == [])
        #expect(fixture.report(.trades([one, two], cursor: "2", isComplete: true)).records == [])
        #expect(fixture.order("1").filledQuantity == d("2"))
        #expect(fixture.journal.tradeCursors == ["paper": "2"])
    }

    @Test func `R9: a venue's order id used again does not give one order's fill to another`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        let actions = fixture.report(
            .trade(
                VenueTrade(
                    trade: "z", clientID: nil, venueOrderID: "v-1", symbol: "ETHUSDT", side: .buy,
                    price: d("10"),
                    quantity: d("1"), fee: .zero, feeCurrency: "USDT", liquidity: .taker, time: at(0))))
        #expect(actions.alarms.count == 1)
        #expect(fixture.order("1").filledQuantity == .zero)
    }

    @Test func `R10: a question without an answer changes nothing but an alarm`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        let before = fixture.desk.snapshot
        let actions = fixture.report(.unanswered(.openOrders, reason: "timeout"))
        #expect(actions == [.alarm(.unanswered("paper", "timeout"))])
        #expect(fixture.desk.snapshot == before)
    }

    @Test func `a flatten goes on after a restart and ends flat`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        fixture.open("2", limit(.buy, "1", "90"))
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        try fixture.restart()
        fixture.keep(fixture.desk.reconcile(at: at(2)))
        let after = fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        let close = try #require(after.placed.first)
        fixture.report(
            .trade(
                VenueTrade(
                    trade: "c", clientID: close.clientID, venueOrderID: "c", symbol: "BTCUSDT", side: .sell,
                    price: d("100"), quantity: d("3"), fee: .zero, feeCurrency: "USDT", liquidity: .taker,
                    time: at(3))))
        #expect(fixture.position.quantity == .zero)
        #expect(fixture.desk.flattening == [:] && fixture.journal.flattening == [])
    }

    @Test func `the day's profit starts at midnight UTC and survives a restart`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(dailyLoss: d("50")))
        fixture.open("1", market(.buy, "10"))
        fixture.fill("1", "10")
        fixture.keep(fixture.desk.priceMoved(trade("94"), on: "paper", at: at(1)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("-60"))
        let denied = fixture.submit("2", market(.buy, "1"), after: 2).toldOrders.first
        #expect(denied?.reason?.contains("since midnight is 60 USDT, the limit 50 USDT") == true)
        #expect(fixture.submit("3", market(.sell, "1"), after: 2).placed.count == 1)
        try fixture.restart()
        // At the recorded mark of 100.
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == .zero)
        let midnight = at(43_200_000)
        fixture.keep(fixture.desk.priceMoved(trade("95"), on: "paper", at: at(3)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("-50"))
        fixture.keep(fixture.desk.priceMoved(trade("95"), on: "paper", at: midnight))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == .zero)
        #expect(fixture.journal.enrolments["alpha"]?.dayOpeningEquity == d("9950"))
    }

    @Test func `a clock that was days ahead once does not keep the next days from beginning`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "10"))
        fixture.fill("1", "10")
        fixture.keep(fixture.desk.priceMoved(trade("94"), on: "paper", at: at(30 * 86_400_000)))
        // Set right: this day counts from now.
        fixture.keep(fixture.desk.priceMoved(trade("90"), on: "paper", at: at(1)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("-40"))
        let midnight: Int64 = 43_200_000
        fixture.keep(fixture.desk.priceMoved(trade("91"), on: "paper", at: at(midnight)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("10"))
        // A second back over midnight is no day of its own.
        fixture.keep(fixture.desk.priceMoved(trade("92"), on: "paper", at: at(midnight - 1_000)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("20"))
        #expect(fixture.desk.profit(of: "paper" as AccountID)?.today == d("20"))
    }

    @Test func `a price of a feed that runs ahead starts no day, and one of a replay is not old`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "10"))
        fixture.fill("1", "10")
        let day = fixture.journal.enrolments["alpha"]?.day
        fixture.keep(
            fixture.desk.priceMoved(trade("94", at: at(40 * 86_400_000)), on: "paper", at: at(1)))
        #expect(fixture.desk.profit(of: "alpha" as StrategyID)?.today == d("-60"))
        #expect(fixture.journal.enrolments["alpha"]?.day == day)
        fixture.desk.setAccount(
            AccountSettings(
                id: "paper", venue: "paper", kind: .spot, currency: "USDT", balance: d("100000"),
                priceAgeMilliseconds: 1_000))
        fixture.keep(
            fixture.desk.priceMoved(trade("94", at: at(-40 * 86_400_000)), on: "paper", at: at(2)))
        #expect(fixture.submit("2", market(.sell, "1"), after: 3).placed.count == 1)
    }

    @Test func `a fill that the venue may tell again after the next start is never forgotten`() throws {
        var fixture = try DeskFixture(settings: .init(rememberedOrders: 10, rememberedFills: 10))
        var told: [VenueTrade] = []
        for number in 0..<30 {
            fixture.open(RequestID("\(number)"), market(.buy, "1"))
            fixture.fill(RequestID("\(number)"), "1")
            told.append(fixture.venueTrade(RequestID("\(number)"), "1", trade: TradeID("t\(fixture.trades)")))
        }
        let actions = fixture.keep(fixture.desk.review(at: at(1)))
        #expect(actions.requests == [.trades(after: nil)])
        #expect(fixture.desk.review(at: at(2)).requests == [])
        // The host dies before the answer; the next desk asks from the beginning.
        try fixture.restart(settings: fixture.desk.settings)
        #expect(fixture.desk.fills.count == 30)
        fixture.report(.trades(Array(told[..<20]), cursor: "20", isComplete: false))
        let rest = fixture.report(.trades(Array(told[20...]), cursor: "30", isComplete: true))
        #expect(rest.alarms == [])
        #expect(fixture.position.quantity == d("30"))
        // Now they can be.
        fixture.open("next", market(.buy, "1"))
        fixture.fill("next", "1")
        #expect(fixture.desk.fills.count == 10)
    }

    @Test func `what is remembered has a bound`() throws {
        var fixture = try DeskFixture(settings: .init(rememberedOrders: 10, rememberedFills: 10))
        for number in 0..<100 {
            let side: Side = number % 2 == 0 ? .buy : .sell
            fixture.open(RequestID("\(number)"), market(side, "1"))
            fixture.fill(RequestID("\(number)"), "1")
            let told = fixture.venueTrade(
                RequestID("\(number)"), "1", trade: TradeID("t\(fixture.trades)"))
            fixture.report(.trades([told], cursor: "\(number)", isComplete: true))
        }
        #expect(fixture.desk.entries.count == 10 && fixture.desk.fills.count == 10)
        #expect(fixture.desk.lastOrder == OrderID(100))
        #expect(fixture.position.quantity == .zero)
    }
}

extension DeskFixture {
    /// Starts a new desk from what the journal holds, as after `kill -9`.
    mutating func restart(
        settings: OrderDesk.Settings = .init(), grace: Int64 = 0, after: Int64 = 5
    ) throws {
        var next = OrderDesk(settings: settings, at: at(after))
        Self.setUp(&next, grace: grace)
        desk = next
        keep(try desk.restore(from: journal, at: at(after)))
    }
}
