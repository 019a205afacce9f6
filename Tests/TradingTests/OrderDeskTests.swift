import Testing

@testable import Trading

@Suite("Order desk")
struct OrderDeskTests {
    @Test func `an order is recorded before it is sent, and the strategy hears of it`() throws {
        var fixture = try DeskFixture()
        let actions = fixture.submit("1", limit(.buy, "1", "99"))
        guard case .record(.order(let recorded)) = actions[0],
            case .tell("alpha", .order(let told)) = actions[1],
            case .send("paper", .place(let place)) = actions[2]
        else {
            Issue.record("\(actions)")
            return
        }
        #expect(actions.count == 3)
        #expect(recorded.status == .pending && told == recorded)
        #expect(place.clientID == recorded.intent.clientID && place.terms == limit(.buy, "1", "99"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `the decision is told when the room is reserved, and before the order is written up`() throws {
        var fixture = try DeskFixture()
        let strategy = fixture.strategy
        let before = fixture.desk.available(to: strategy)
        var told = 0
        let actions = fixture.desk.submit(
            limit(.buy, "1", "99"), request: "1", by: strategy, at: at(0)
        ) { desk in
            told += 1
            #expect(desk.available(to: strategy) < before)
            #expect(desk.order(request: "1", of: strategy) == nil && desk.liveOrders().isEmpty)
        }
        #expect(told == 1 && fixture.keep(actions).count == 3)
        #expect(fixture.desk.order(request: "1", of: strategy)?.status == .pending)
        // A denial is a decision, too.
        _ = fixture.desk.submit(
            limit(.buy, "1", "99"), request: "2", by: strategy, at: at(0), refusal: "not now"
        ) { desk in
            told += 1
            #expect(desk.order(request: "2", of: strategy) == nil)
        }
        #expect(told == 2 && fixture.desk.order(request: "2", of: strategy)?.status == .denied)
    }

    @Test func `a repeated request id gets the first answer again and places nothing`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "1", "99"))
        let again = fixture.submit("1", limit(.sell, "5", "120"))
        #expect(again == [.tell("alpha", .order(fixture.order("1")))])
        #expect(fixture.order("1").status == .open)
    }

    @Test func `an acknowledged order fills, and the strategy hears fill, order and position`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "2"))
        let actions = fixture.fill("1", "2", "100.5", fee: "0.2")
        #expect(fixture.order("1").status == .filled)
        #expect(fixture.order("1").averagePrice == d("100.5"))
        #expect(fixture.order("1").fee == d("0.2"))
        #expect(fixture.position.quantity == d("2"))
        #expect(actions.notices.count == 3)
        #expect(fixture.desk.liveOrders().isEmpty)
        #expect(fixture.desk.flaws == [])
    }

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

    @Test func `E7: a cancel after a part filled keeps the fill and frees the rest`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.fill("1", "0.5")
        let cancel = fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1)))
        #expect(fixture.order("1").status == .pendingCancel)
        #expect(cancel.requests.count == 1)
        #expect(fixture.order("1").reservedQuantity == d("1.5"))
        fixture.report(.cancelled(fixture.clientID("1"), filled: d("0.5"), reason: nil))
        #expect(fixture.order("1").status == .cancelled)
        #expect(fixture.order("1").reservedQuantity == .zero)
        #expect(fixture.position.quantity == d("0.5"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E8: a fill after the cancel was acknowledged is booked, and what is left is asked about`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.report(.cancelled(fixture.clientID("1"), filled: nil, reason: nil))
        let late = fixture.fill("1", "0.5")
        #expect(fixture.order("1").status == .partiallyFilled)
        #expect(late.requests == [.status(fixture.order("1").reference)])
        #expect(fixture.order("1").reservedQuantity == d("1.5"))
        fixture.report(.order(fixture.venueOrder("1", .cancelled, filled: "0.5")))
        #expect(fixture.order("1").status == .cancelled)
        #expect(fixture.position.quantity == d("0.5"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E8: a late fill that the cancel had announced leaves the order cancelled`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        let end = fixture.report(.cancelled(fixture.clientID("1"), filled: d("0.5"), reason: nil))
        #expect(end.requests == [.trades(after: nil)])
        #expect(fixture.order("1").reservedQuantity == d("0.5"))
        fixture.fill("1", "0.5")
        #expect(fixture.order("1").status == .cancelled)
        #expect(fixture.order("1").reservedQuantity == .zero)
    }

    @Test
    func `E9, E10: a refused cancel keeps the exposure and asks; the venue's word ends it, without a loop`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1)))
        let refused = fixture.report(.cancelRefused(fixture.clientID("1"), reason: "unknown order"))
        #expect(refused.requests == [.status(fixture.order("1").reference)])
        #expect(fixture.order("1").status == .pendingCancel)
        #expect(fixture.order("1").reservedQuantity == d("2"))
        var cancels = 0
        for _ in 0..<20 {
            let answer = fixture.report(.order(fixture.venueOrder("1", .open, filled: "0")))
            cancels += answer.requests.count
        }
        #expect(cancels == 4)
        fixture.report(.order(fixture.venueOrder("1", .cancelled, filled: "0")))
        #expect(fixture.order("1").status == .cancelled)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E11: a reject after the acknowledgement and an expiry both free the reservation`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.open("2", limit(.buy, "2", "100"))
        fixture.report(.rejected(fixture.clientID("1"), reason: "self-trade"))
        let expired = fixture.report(.expired(fixture.clientID("2"), filled: nil, reason: "end of day"))
        #expect(fixture.order("1").status == .rejected && fixture.order("2").status == .expired)
        #expect(expired.toldOrders.last?.reason == "end of day")
        #expect(fixture.desk.available(to: "alpha") == d("10000"))
    }

    @Test func `E12: while a change is under way both exposures stay reserved`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        let actions = fixture.keep(
            fixture.desk.amend("1", quantity: d("3"), price: d("90"), by: "alpha", at: at(1)))
        #expect(
            actions.requests == [
                .amend(fixture.order("1").reference, Amendment(quantity: d("3"), price: d("90")))
            ])
        #expect(fixture.order("1").reservedNotional == d("300"))
        #expect(fixture.desk.flaws == [])
        fixture.report(.amended(fixture.clientID("1"), Amendment(quantity: d("3"), price: d("90"))))
        #expect(fixture.order("1").quantity == d("3") && fixture.order("1").price == d("90"))
        #expect(fixture.desk.flaws == [])
        let late = fixture.desk.amend("9", quantity: nil, price: d("1"), by: "alpha", at: at(1))
        #expect(late == [.tell("alpha", .denied("9", .noSuchOrder("9")))])
    }

    @Test func `E12: a change beyond the limits is denied and leaves the order as it was`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(orderNotional: d("250")))
        fixture.open("1", limit(.buy, "2", "100"))
        let actions = fixture.desk.amend("1", quantity: d("3"), price: nil, by: "alpha", at: at(1))
        guard case .tell("alpha", .denied("1", .orderNotional))? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(fixture.order("1").amendment == nil)
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

    @Test
    func `S1: an order without an answer is unknown, keeps its reservation, is asked about, and adopted`()
        throws
    {
        var fixture = try DeskFixture(limits: RiskLimits(openOrders: 5))
        fixture.submit("1", limit(.buy, "2", "100"))
        let lost = fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        #expect(fixture.order("1").status == .unknown)
        #expect(lost.requests == [.status(fixture.order("1").reference)])
        #expect(fixture.desk.available(to: "alpha") == d("9800"))
        // P4: only what reduces risk passes meanwhile, in this symbol only.
        let denied = fixture.submit("2", limit(.buy, "1", "100")).toldOrders.first
        #expect(denied?.reason?.contains("outcome of order 1 in BTCUSDT is unknown") == true)
        fixture.keep(fixture.desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(0)))
        #expect(fixture.submit("3", limit(.buy, "1", "10", "ETHUSDT")).placed.count == 1)
        fixture.report(.order(fixture.venueOrder("1", .open, filled: "0")))
        #expect(fixture.order("1").status == .open && fixture.order("1").venueOrderID == "v-1")
        #expect(fixture.desk.flaws == [])
    }

    @Test func `S2: an order that the venue does not know past the grace is not placed, and not sent again`()
        throws
    {
        var fixture = try DeskFixture(grace: 5_000)
        fixture.submit("1", limit(.buy, "2", "100"))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "reset"))
        #expect(fixture.report(.absent(fixture.clientID("1")), after: 4_999) == [])
        #expect(fixture.order("1").status == .unknown)
        #expect(fixture.desk.review(at: at(5_000)).requests == [.status(fixture.order("1").reference)])
        let gone = fixture.report(.absent(fixture.clientID("1")), after: 5_000)
        #expect(fixture.order("1").status == .notPlaced)
        #expect(gone.requests == [])
        #expect(fixture.desk.available(to: "alpha") == d("10000"))
    }

    @Test func `S3: what provably never left is not placed`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.unsent(fixture.clientID("1"), reason: "connection refused"))
        #expect(fixture.order("1").status == .notPlaced)
        #expect(fixture.order("1").reason == "connection refused")
    }

    @Test
    func
        `S12: an order that turns up after all is alive again, alarmed, and cancelled if the strategy moved on`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "reset"))
        fixture.report(.absent(fixture.clientID("1")))
        let quiet = fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        #expect(quiet.alarms == [.order(OrderID(1), "alpha", .resurrected)])
        #expect(quiet.requests == [] && fixture.order("1").status == .open)

        fixture.submit("2", limit(.buy, "2", "100"))
        fixture.report(.outcomeUnknown(fixture.clientID("2"), reason: "reset"))
        fixture.report(.absent(fixture.clientID("2")))
        fixture.submit("3", limit(.buy, "2", "100"))
        let moved = fixture.report(.accepted(fixture.clientID("2"), "v-2"))
        #expect(moved.requests == [.cancel(fixture.order("2").reference)])
        #expect(fixture.order("2").status == .pendingCancel)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a cancel asked before the acknowledgement leaves with it`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        #expect(fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1))).requests == [])
        let accepted = fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        #expect(accepted.requests == [.cancel(fixture.order("1").reference)])
        #expect(fixture.order("1").shownStatus == .open)
    }

    @Test
    func `C5: a halt denies new orders, lets cancels pass, and cancels what is in flight once it is there`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "1", "99"))
        fixture.submit("2", limit(.buy, "1", "99"))
        let halted = fixture.keep(fixture.desk.halt(.everything, reason: "red button", at: at(1)))
        #expect(halted.requests == [.cancel(fixture.order("1").reference)])
        let denied = fixture.submit("3", market(.buy, "1")).toldOrders.first
        #expect(denied?.status == .denied && denied?.reason?.contains("red button") == true)
        let accepted = fixture.report(.accepted(fixture.clientID("2"), "v-2"))
        #expect(accepted.requests == [.cancel(fixture.order("2").reference)])
        fixture.keep(fixture.desk.resume(.everything, at: at(2)))
        #expect(fixture.submit("4", market(.buy, "1")).placed.count == 1)
        #expect(fixture.journal.halts == [:])
    }

    @Test func `C6: two strategies that race for one balance cannot both spend it`() throws {
        var fixture = try DeskFixture(capital: "1000", balance: "1000")
        fixture.keep(try fixture.desk.enrol("beta", run: "r", on: "paper", capital: d("1000"), at: at(0)))
        #expect(fixture.submit("1", limit(.buy, "6", "100")).placed.count == 1)
        let second = fixture.desk.submit(limit(.buy, "6", "100"), request: "1", by: "beta", at: at(0))
        #expect(second.placed == [])
        #expect(
            second.toldOrders.first?.reason
                == "the order needs 600.6 USDT with fees; 399.4 USDT of account paper is free")
    }

    @Test func `C7: opposite sides of two strategies stay apart in the sub-ledgers`() throws {
        var fixture = try DeskFixture(kind: .margin(leverage: d("5"), maintenance: d("0.005")))
        fixture.keep(try fixture.desk.enrol("beta", run: "r", on: "paper", capital: d("1000"), at: at(0)))
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        let sell = fixture.keep(fixture.desk.submit(market(.sell, "2"), request: "1", by: "beta", at: at(0)))
        let id = try #require(sell.placed.first?.clientID)
        fixture.report(
            .trade(
                VenueTrade(
                    trade: "b1", clientID: id, venueOrderID: "b", symbol: "BTCUSDT", side: .sell,
                    price: d("101"),
                    quantity: d("2"), fee: .zero, feeCurrency: "USDT", liquidity: .taker, time: at(1))))
        let held = fixture.desk.positions(at: at(1)).map(\.quantity)
        #expect(held == [d("3"), d("-2")])
        #expect(fixture.desk.flaws == [])
    }

    @Test(arguments: OpenOrderPolicy.allCases)
    func `when a strategy dies its orders follow the policy`(_ policy: OpenOrderPolicy) throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        fixture.open("2", limit(.buy, "1", "90"))
        let actions = fixture.keep(fixture.desk.strategyDied("alpha", orders: policy, at: at(1)))
        switch policy {
        case .keep: #expect(actions.requests == [])
        case .cancel, .flatten: #expect(actions.requests == [.cancel(fixture.order("2").reference)])
        }
        let after = fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        #expect(
            after.placed.map(\.terms) == (policy == .flatten ? [market(.sell, "3", reduceOnly: true)] : []))
        #expect(fixture.submit("5", market(.buy, "1")).toldOrders.first?.status == .denied)
        #expect(fixture.desk.hasAnythingOpen("alpha"))
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

    @Test func `an exit of one strategy is cut to what it still holds, so that it never sells another's`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        fixture.open(
            "stop",
            OrderTerms(
                symbol: "BTCUSDT", side: .sell, type: .stop, quantity: d("3"), stopPrice: d("90"),
                reduceOnly: true))
        fixture.open("target", limit(.sell, "3", "120", reduceOnly: true))
        let first = fixture.fill("target", "1", "120")
        #expect(
            first.requests == [
                .amend(fixture.order("stop").reference, Amendment(quantity: d("2"), price: nil))
            ])
        fixture.report(.amended(fixture.clientID("stop"), Amendment(quantity: d("2"), price: nil)))
        let last = fixture.fill("target", "2", "120")
        #expect(last.requests == [.cancel(fixture.order("stop").reference)])
        #expect(fixture.desk.flaws == [])
    }

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

    @Test func `a strategy with something open does not change accounts`() throws {
        var fixture = try DeskFixture()
        fixture.desk.setAccount(
            AccountSettings(id: "other", venue: "paper", kind: .spot, currency: "USDT", balance: d("1")))
        fixture.open("1", limit(.buy, "3", "99"))
        #expect(
            throws: EnrolmentFlaw.stillOpen(LedgerKey(strategy: "alpha", account: "paper", symbol: "BTCUSDT"))
        ) {
            try fixture.desk.enrol("alpha", run: "2", on: "other", capital: d("1"), at: at(1))
        }
    }

    @Test func `a change whose answer was lost is settled by what became of the order`() throws {
        for (asked, filled, state) in [
            ("2", "2", VenueOrder.State.filled), ("3", "3", .filled), ("2", "1", .cancelled),
            ("2", "1", .expired),
            ("4", "4", .filled), ("4", "3", .open),
        ] {
            var fixture = try DeskFixture()
            fixture.open("1", limit(.buy, "3", "99"))
            fixture.keep(
                fixture.desk.amend("1", quantity: d(asked), price: d("98"), by: "alpha", at: at(1)))
            // The venue changes the order, some of it trades, and the host dies before it hears of either.
            var held = fixture.venueOrder("1", state, filled: filled)
            held = VenueOrder(
                clientID: held.clientID, venueOrderID: held.venueOrderID, symbol: held.symbol,
                side: held.side, quantity: d(asked), price: d("98"), filledQuantity: d(filled),
                averagePrice: nil, state: state, reason: nil, time: at(2))
            let trade = fixture.venueTrade("1", filled, "98", trade: "t")
            for tradesComeFirst in [false, true] {
                var next = fixture
                try next.restart()
                if tradesComeFirst { next.report(.trade(trade)) }
                next.report(.order(held))
                next.report(.trades([trade], cursor: "1", isComplete: true))
                let order = next.order("1")
                #expect(order.status.rawValue == (state == .open ? "partially_filled" : state.rawValue))
                #expect(order.quantity == d(asked) && order.price == d("98"))
                #expect(order.amendment == nil && order.filledQuantity == d(filled))
                #expect(next.desk.halts == [] && next.desk.flaws == [])
            }
        }
    }

    @Test func `an order that filled whole before a change reached the venue is filled`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        fixture.keep(fixture.desk.amend("1", quantity: d("4"), price: nil, by: "alpha", at: at(1)))
        fixture.fill("1", "3", "99")
        // It may be one of four by now.
        #expect(fixture.order("1").status == .partiallyFilled)
        fixture.report(.amendRefused(fixture.clientID("1"), reason: "no such order"))
        #expect(fixture.order("1").status == .filled && fixture.desk.flaws == [])
        #expect(fixture.desk.liveOrders() == [])
    }

    @Test func `an answer to a question from before a change does not take the change for refused`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "3", "99"))
        let before = fixture.venueOrder("1", .open, filled: "0")
        fixture.keep(fixture.desk.amend("1", quantity: d("9"), price: nil, by: "alpha", at: at(1)))
        fixture.report(.order(before))
        fixture.fill("1", "5", "99")
        #expect(fixture.order("1").status == .partiallyFilled)
        #expect(fixture.desk.halts == [] && fixture.desk.flaws == [])
        // When the change itself stays unanswered, the next answer counts.
        fixture.report(
            .unanswered(
                .amend(fixture.order("1").reference, Amendment(quantity: d("9"), price: d("99"))),
                reason: "timeout"))
        fixture.report(.order(fixture.venueOrder("1", .open, filled: "5")))
        #expect(fixture.order("1").amendment == nil)
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
