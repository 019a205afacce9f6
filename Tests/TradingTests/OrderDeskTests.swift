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
}
