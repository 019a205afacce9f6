import Testing

@testable import Trading

/// What the venue tells of trades, early, late, twice or not at all.
extension OrderDeskTests {
    @Test func `E1: a fill before the acknowledgement is accepted`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", market(.buy, "2"))
        fixture.fill("1", "2")
        #expect(fixture.order("1").status == .filled)
        #expect(fixture.report(.accepted(fixture.clientID("1"), "v-1")).alarms == [])
        #expect(fixture.order("1").status == .filled)
    }

    @Test func `E2, E4: a fill told twice is booked once`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.fill("1", "1", trade: "x")
        #expect(fixture.fill("1", "1", trade: "x") == [])
        let trade = fixture.venueTrade("1", "1", trade: "x")
        #expect(fixture.report(.trades([trade], cursor: nil, isComplete: true)) == [])
        #expect(fixture.order("1").filledQuantity == d("1"))
        #expect(fixture.position.quantity == d("1"))
    }

    @Test func `E3: the same trade id with other data keeps the first and alarms`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.fill("1", "1", trade: "x")
        let actions = fixture.fill("1", "2", trade: "x")
        guard case .fillChanged(let key)? = actions.alarms.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(key.trade == "x" && actions.count == 1)
        #expect(fixture.position.quantity == d("1"))
    }

    /// A trade as a venue tells it that does not repeat the names of its clients.
    private func nameless(_ trade: TradeID, _ side: Side = .buy, of order: VenueOrderID = "v-1") -> VenueTrade
    {
        VenueTrade(
            trade: trade, clientID: nil, venueOrderID: order, symbol: "BTCUSDT", side: side, price: d("100"),
            quantity: d("2"), fee: .zero, feeCurrency: "USDT", liquidity: .taker, time: at(0))
    }

    @Test(arguments: [true, false])
    func `E4: a trade without a name is nobody's only when no order of ours can have had it`(
        _ isPaged: Bool
    ) throws {
        var fixture = try DeskFixture()
        fixture.submit("1", market(.buy, "2"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        // The venue's number is not known to be the order's yet.
        let trade = nameless("x")
        let page = VenueReport.trades([trade], cursor: "1", isComplete: true)
        #expect(fixture.report(isPaged ? page : .trade(trade)).records == [])
        let told = fixture.report(.order(fixture.venueOrder("1", .filled, filled: "2")))
        #expect(told.requests == [.trades(after: nil)])
        #expect(fixture.report(page).alarms == [])
        #expect(fixture.order("1").status == .filled && fixture.order("1").inferredQuantity.isZero)
        #expect(fixture.position.quantity == d("2"))
        #expect(fixture.desk.gate.rows.count == 1)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E14: nor is it held up by orders that cannot have had it, or once they are accounted for`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.submit("1", market(.buy, "2"))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        let other = fixture.report(.trades([nameless("a", .sell)], cursor: "1", isComplete: true))
        #expect(other.alarms.count == 1 && other.records.contains(.tradeCursor("paper", "1")))
        let undecided = nameless("b", of: "other")
        let waits = fixture.report(.trades([undecided], cursor: "2", isComplete: true))
        #expect(waits.records == [])
        fixture.report(.absent(fixture.clientID("1")))
        #expect(fixture.order("1").status == .notPlaced)
        let booked = fixture.report(.trades([undecided], cursor: "2", isComplete: true))
        #expect(booked.alarms.count == 1 && booked.records.contains(.tradeCursor("paper", "2")))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E5: a status that came late never lowers the cumulative quantity`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.fill("1", "1.5")
        let actions = fixture.report(.order(fixture.venueOrder("1", .open, filled: "0.5")))
        #expect(fixture.order("1").filledQuantity == d("1.5"))
        #expect(actions.requests == [])
        fixture.fill("1", "0.5")
        _ = fixture.report(.order(fixture.venueOrder("1", .open, filled: "0.5")))
        #expect(fixture.order("1").status == .filled)
    }

    @Test func `E6: an overfill is booked, alarmed, and halts the strategy`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.fill("1", "2")
        let actions = fixture.fill("1", "1")
        #expect(fixture.position.quantity == d("3"))
        #expect(fixture.order("1").remainingQuantity == .zero)
        #expect(
            actions.alarms.contains(
                .order(OrderID(1), "alpha", .overfilled(ordered: d("2"), filled: d("3")))))
        #expect(fixture.desk.halts.map(\.scope) == [.strategy("alpha")])
        #expect(fixture.submit("2", market(.buy, "1")).toldOrders.first?.status == .denied)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E13: an order told as filled waits for its trades, and only then infers them, flagged`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        let told = fixture.report(.order(fixture.venueOrder("1", .filled, filled: "2")))
        #expect(told.requests == [.trades(after: nil)])
        #expect(fixture.order("1").status == .open && fixture.order("1").reservedQuantity == d("2"))
        var alarms: [DeskAlarm] = []
        for second in 1...4 as ClosedRange<Int64> {
            let answer = fixture.report(.trades([], cursor: nil, isComplete: true), after: second * 1000)
            alarms += answer.alarms
        }
        #expect(alarms == [.fillInferred(OrderID(1), "alpha", quantity: d("2"))])
        #expect(fixture.order("1").status == .filled)
        #expect(fixture.position.quantity == d("2"))
        // The real trades come after all, at another price: they take the inferred one's place.
        fixture.fill("1", "0.5", "99", trade: "a")
        fixture.fill("1", "1.5", "98", trade: "b")
        #expect(fixture.order("1").status == .filled)
        #expect(fixture.order("1").filledQuantity == d("2"))
        #expect(fixture.order("1").filledNotional == d("196.5"))
        #expect(fixture.position.cashFlow == d("-196.5"))
        #expect(fixture.desk.halts == [])
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E14: a liquidation is booked on who held the position, and the rest on nobody`() throws {
        var fixture = try DeskFixture(kind: .margin(leverage: d("5"), maintenance: d("0.005")))
        fixture.keep(try fixture.desk.enrol("beta", run: "r", on: "paper", capital: d("1000"), at: at(0)))
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        let actions = fixture.report(
            .trade(
                VenueTrade(
                    trade: "liq", clientID: nil, venueOrderID: "other", symbol: "BTCUSDT", side: .sell,
                    price: d("80"), quantity: d("4"), fee: d("4"), feeCurrency: "USDT", liquidity: .taker,
                    time: at(5))))
        #expect(fixture.position.quantity == .zero)
        #expect(fixture.position.realised == d("-60"))
        #expect(fixture.position.fees == d("3"))
        #expect(fixture.desk.positions(at: at(5)).first { $0.quantity == d("-1") }?.fees == d("1"))
        #expect(actions.alarms.count == 1)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E15: a fee in base leaves what can be sold, and dust ends a flatten without a loop`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "1"))
        fixture.fill("1", "1", "100", fee: "0.0015", currency: "BTC")
        #expect(fixture.position.quantity == d("0.9985"))
        #expect(fixture.position.fees == d("0.15"))
        let flatten = fixture.keep(fixture.desk.flatten(.strategy("alpha"), at: at(1)))
        let place = try #require(flatten.placed.first)
        #expect(place.terms == market(.sell, "0.998", reduceOnly: true))
        fixture.report(.accepted(place.clientID, "v-f"))
        let end = fixture.report(
            .trade(
                VenueTrade(
                    trade: "f", clientID: place.clientID, venueOrderID: "v-f", symbol: "BTCUSDT", side: .sell,
                    price: d("100"), quantity: d("0.998"), fee: .zero, feeCurrency: "USDT", liquidity: .taker,
                    time: at(2))))
        #expect(end.placed == [])
        #expect(fixture.position.quantity == d("0.0005"))
        #expect(fixture.desk.flattening == [:])
        #expect(fixture.journal.flattening == [])
    }

    @Test func `an order missing from the list of open ones is asked about, one of others alarmed once`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        let other = VenueOrder(
            clientID: nil, venueOrderID: "x", symbol: "BTCUSDT", side: .sell, quantity: d("1"),
            price: d("200"),
            filledQuantity: .zero, averagePrice: nil, state: .open, reason: nil, time: at(0))
        let actions = fixture.report(.openOrders([other]))
        #expect(actions.requests == [.status(fixture.order("1").reference)])
        #expect(actions.alarms == [.externalOrder("paper", symbol: "BTCUSDT", "x")])
        #expect(fixture.report(.openOrders([other])).alarms == [])
    }

    @Test(arguments: ["170000000000000000000", "-1", "0"])
    func `R10: terms that no order can have are no answer, and are told`(_ quantity: String) throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.open("2", limit(.buy, "2", "99"))
        for request in ["1", "2"] as [RequestID] {
            let id = fixture.clientID(request)
            let amended = fixture.report(.amended(id, Amendment(quantity: d(quantity), price: d("100"))))
            #expect(amended.alarms.count == 1 && amended.records == [])
            let found = VenueOrder(
                clientID: id, venueOrderID: VenueOrderID("v-\(request)"), symbol: "BTCUSDT", side: .buy,
                quantity: d(quantity), price: d("100"), filledQuantity: .zero, averagePrice: nil,
                state: .open,
                reason: nil, time: at(0))
            #expect(fixture.report(.order(found)).alarms.count == 1)
            #expect(fixture.report(.openOrders([found])).alarms.count == 1)
            #expect(fixture.order(request).quantity == d("2") && fixture.order(request).status == .open)
        }
        #expect(fixture.desk.flaws == [])
    }

    @Test func `R10: a change that is answered so is asked about`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("3"), price: nil, by: "alpha", at: at(1)))
        let id = fixture.clientID("1")
        let told = fixture.report(.amended(id, Amendment(quantity: d("-3"), price: nil)), after: 2)
        #expect(told.requests == [.status(fixture.order("1").reference)])
        #expect(fixture.order("1").amendment?.quantity == d("3"))
        #expect(fixture.desk.flaws == [])
    }

    @Test(arguments: ["170000000000000000000", "-1"])
    func `R10: so is more filled than any order can have`(_ filled: String) throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.open("2", limit(.buy, "2", "99"))
        for request in ["1", "2"] as [RequestID] {
            #expect(
                fixture.report(.order(fixture.venueOrder(request, .filled, filled: filled))).alarms.count == 1
            )
            let id = fixture.clientID(request)
            #expect(fixture.report(.cancelled(id, filled: d(filled), reason: nil)).alarms.count == 1)
            #expect(fixture.report(.expired(id, filled: d(filled), reason: nil)).alarms.count == 1)
            #expect(
                fixture.order(request).status == .open && fixture.order(request).venueFilledQuantity.isZero)
        }
        #expect(fixture.desk.flaws == [])
    }
}
