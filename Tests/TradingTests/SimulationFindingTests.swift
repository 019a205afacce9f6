import Testing

@testable import Trading

/// What `scripts/simulate` found, told as small stories. Each failed before it was mended.
@Suite("Findings of the simulation")
struct SimulationFindingTests {
    @Test func `E5, E12: an answer from before a change does not undo the change`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        // Asked before the change, answered after it.
        fixture.keep(fixture.desk.reconcile(at: at(0)))
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: nil, by: "alpha", at: at(1)))
        let old = fixture.venueOrder("1", .open, filled: "0")
        fixture.report(.amended(fixture.clientID("1"), Amendment(quantity: d("5"), price: d("100"))))
        let answer = fixture.report(.order(old))
        #expect(fixture.order("1").quantity == d("5"))
        #expect(fixture.order("1").reservedQuantity == d("5"))
        // It asks again, and the answer to that is believed.
        #expect(answer.requests == [.status(fixture.order("1").reference)])
        fixture.report(.order(old))
        #expect(fixture.order("1").quantity == d("2"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E5, E12: a list of open orders does not say what an order is for, but makes the desk ask`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        let old = fixture.venueOrder("1", .open, filled: "0")
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: nil, by: "alpha", at: at(1)))
        fixture.report(.amended(fixture.clientID("1"), Amendment(quantity: d("5"), price: d("100"))))
        let listed = fixture.report(.openOrders([old]))
        #expect(fixture.order("1").quantity == d("5"))
        #expect(listed.requests == [.status(fixture.order("1").reference)])
    }

    @Test func `R4: an order that traded before it was acknowledged is asked about when the list lacks it`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        fixture.fill("1", "1")
        #expect(fixture.order("1").venueOrderID == nil && fixture.order("1").status == .partiallyFilled)
        let listed = fixture.report(.openOrders([]))
        #expect(listed.requests == [.status(fixture.order("1").reference)])
    }

    @Test func `E13: fills inferred at two prices are taken back at these prices`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "5"))
        for (filled, price, time) in [("3", "100", Int64(0)), ("5", "110", 20_000)] {
            fixture.keep(fixture.desk.priceMoved(trade(price), on: "paper", at: at(time)))
            let state: VenueOrder.State = filled == "5" ? .filled : .open
            fixture.report(.order(fixture.venueOrder("1", state, filled: filled)), after: time)
            for after in [3_000, 6_000, 9_000] as [Int64] {
                fixture.report(.trades([], cursor: nil, isComplete: true), after: time + after)
            }
            #expect(fixture.order("1").inferredQuantity == d(filled))
        }
        fixture.fill("1", "4", "101", trade: "real-1")
        fixture.fill("1", "1", "101", trade: "real-2")
        #expect(fixture.order("1").inferredQuantity.isZero)
        #expect(fixture.position.cashFlow == d("-505"))
        #expect(fixture.order("1").filledNotional == d("505"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E8: a position is closed though the last fill came after the order's end`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        fixture.report(.cancelled(fixture.clientID("1"), filled: d("1"), reason: nil))
        #expect(fixture.fill("1", "1").placed.isEmpty)
        let review = fixture.keep(fixture.desk.review(at: at(2)))
        #expect(review.placed.map(\.terms.side) == [.sell])
    }

    @Test func `E13: a strategy never hears of less filled while a trade takes an inferred fill's place`()
        throws
    {
        var fixture = try DeskFixture(settings: .init(questionMilliseconds: 1_000, tradeQuestions: 1))
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.report(.order(fixture.venueOrder("1", .filled, filled: "2")))
        fixture.report(.trades([], cursor: nil, isComplete: true), after: 5_000)
        fixture.report(.trades([], cursor: nil, isComplete: true), after: 10_000)
        #expect(fixture.order("1").status == .filled && fixture.order("1").inferredQuantity == d("2"))
        let real = fixture.fill("1", "2", "99")
        #expect(real.toldOrders.map(\.filledQuantity) == [d("2")])
        #expect(fixture.position.cost == d("198"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `W5: "no such order" is believed in time though the clock was set back`() throws {
        var fixture = try DeskFixture(grace: 1_000)
        fixture.submit("1", market(.buy, "1"), after: 3_600_000)
        fixture.report(.sent(fixture.clientID("1")), after: 3_600_000)
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"), after: 3_600_000)
        fixture.report(.absent(fixture.clientID("1")), after: 0)
        #expect(fixture.order("1").status == .unknown)
        fixture.report(.absent(fixture.clientID("1")), after: 999)
        #expect(fixture.order("1").status == .unknown)
        fixture.report(.absent(fixture.clientID("1")), after: 1_000)
        #expect(fixture.order("1").status == .notPlaced)
    }

    @Test func `E13: what was inferred at two prices is taken back at both when one trade explains it`()
        throws
    {
        var fixture = try DeskFixture(settings: .init(questionMilliseconds: 1_000, tradeQuestions: 1))
        fixture.open("1", market(.buy, "3"))
        for (filled, price, time) in [("1", "100", Int64(5_000)), ("3", "90", 20_000)] {
            fixture.keep(fixture.desk.priceMoved(trade(price), on: "paper", at: at(time)))
            fixture.report(.order(fixture.venueOrder("1", .open, filled: filled)), after: time)
            fixture.report(.trades([], cursor: nil, isComplete: true), after: time)
            fixture.report(.trades([], cursor: nil, isComplete: true), after: time + 5_000)
        }
        #expect(fixture.order("1").inferredQuantity == d("3"))
        #expect(fixture.position.cashFlow == d("-280"))
        fixture.fill("1", "2", "95")
        #expect(fixture.order("1").inferredQuantity == d("1"))
        fixture.fill("1", "1", "95")
        #expect(fixture.order("1").filledNotional == d("285"))
        #expect(fixture.position.cashFlow == d("-285") && fixture.position.quantity == d("3"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `S7: a ban that is told later and ends earlier does not shorten the first`() throws {
        var fixture = try DeskFixture()
        fixture.report(.venueUnavailable(until: at(60_000), reason: "418"))
        fixture.report(.venueUnavailable(until: at(20_000), reason: "418"), after: 1_000)
        fixture.keep(fixture.desk.review(at: at(30_000)))
        #expect(fixture.submit("1", market(.buy, "1"), after: 30_000).toldOrders.first?.status == .denied)
        fixture.keep(fixture.desk.review(at: at(60_000)))
        #expect(fixture.desk.doubt(about: "paper") != "418")
    }

    @Test func `E12: an answer from before a fill that settled a change does not undo the change`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: nil, by: "alpha", at: at(1)))
        fixture.keep(fixture.desk.reconcile(at: at(2)))
        let old = fixture.venueOrder("1", .open, filled: "0")
        // Only the larger order can have filled so far.
        fixture.fill("1", "3")
        #expect(fixture.order("1").quantity == d("5"))
        fixture.report(.order(old))
        #expect(fixture.order("1").quantity == d("5") && fixture.order("1").status == .partiallyFilled)
        let rest = fixture.fill("1", "2")
        #expect(fixture.order("1").status == .filled && rest.alarms.isEmpty)
        #expect(fixture.desk.halts == [])
    }

    @Test func `E6, E12: fills beyond the smaller order are told when it is heard that it is smaller`() throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "5", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("2"), price: nil, by: "alpha", at: at(1)))
        fixture.fill("1", "2")
        #expect(fixture.fill("1", "1").alarms.isEmpty)
        let news = fixture.report(
            .amended(fixture.clientID("1"), Amendment(quantity: d("2"), price: d("100"))))
        #expect(
            news.alarms.contains(
                .order(fixture.order("1").id, "alpha", .overfilled(ordered: d("2"), filled: d("3")))))
        #expect(fixture.desk.halts.count == 1)
    }

    @Test func `E12: what an order was for in the end is asked until the venue says`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "5", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("2"), price: nil, by: "alpha", at: at(1)))
        let end = fixture.report(.cancelled(fixture.clientID("1"), filled: .zero, reason: nil))
        let question = VenueRequest.status(fixture.order("1").reference)
        #expect(end.requests.contains(question))
        // The venue does not list it yet.
        fixture.report(.absent(fixture.clientID("1")), after: 10)
        #expect(fixture.keep(fixture.desk.review(at: at(5_000))).requests.contains(question))
        let order = fixture.order("1")
        fixture.report(
            .order(
                VenueOrder(
                    clientID: order.intent.clientID, venueOrderID: "v-1", symbol: "BTCUSDT", side: .buy,
                    quantity: d("2"), price: d("100"), filledQuantity: .zero, averagePrice: nil,
                    state: .cancelled, reason: nil, time: at(0))), after: 5_010)
        #expect(fixture.order("1").quantity == d("2") && fixture.order("1").status == .cancelled)
        #expect(!fixture.keep(fixture.desk.review(at: at(20_000))).requests.contains(question))
    }

    @Test func `S2: "no such order" is no proof when it was asked before the venue had its time`() throws {
        var fixture = try DeskFixture(grace: 5_000)
        fixture.submit("1", market(.buy, "1"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"), after: 100)
        // The answer took six seconds, and tells of the first.
        fixture.report(.absent(fixture.clientID("1")), after: 6_100)
        #expect(fixture.order("1").status == .unknown)
        let review = fixture.keep(fixture.desk.review(at: at(7_000)))
        #expect(review.requests == [.status(fixture.order("1").reference)])
        fixture.report(.absent(fixture.clientID("1")), after: 7_100)
        #expect(fixture.order("1").status == .notPlaced && fixture.desk.flaws == [])
    }

    @Test func `S2: while a question is under way no other makes doubtful which answer is whose`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", market(.buy, "1"))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        #expect(fixture.keep(fixture.desk.review(at: at(9_000))).requests == [])
        let reference = fixture.order("1").reference
        fixture.report(.unanswered(.status(reference), reason: "timeout"), after: 9_500)
        #expect(fixture.keep(fixture.desk.review(at: at(10_000))).requests == [.status(reference)])
        // An answer that never comes is not waited for without end.
        #expect(fixture.keep(fixture.desk.review(at: at(70_001))).requests == [.status(reference)])
    }

    @Test func `E1: "no such order" is old when the venue has spoken of the order since it was asked`() throws
    {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        fixture.fill("1", "1")
        let old = fixture.report(.absent(fixture.clientID("1")), after: 50)
        #expect(fixture.order("1").status == .partiallyFilled && old.alarms == [])
        #expect(old.requests == [.status(fixture.order("1").reference)])
        // It asked anew, so that the next is an answer to be believed.
        let again = fixture.report(.absent(fixture.clientID("1")), after: 90)
        #expect(fixture.order("1").status == .unknown && again.alarms.count == 1)
    }

    @Test(arguments: [false, true])
    func `E12: what is whole here and filled there is filled, whatever doubt was between`(_ isUnwanted: Bool)
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: nil, by: "alpha", at: at(1)))
        fixture.fill("1", "2")
        // It could be of the larger order; then the venue says that there is none.
        fixture.report(.absent(fixture.clientID("1")), after: 10)
        #expect(fixture.order("1").status == .unknown)
        if isUnwanted { fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(11))) }
        let reference = fixture.order("1").reference
        let lost = VenueRequest.amend(reference, Amendment(quantity: d("5"), price: d("100")))
        fixture.report(.unanswered(lost, reason: "timeout"), after: 12)
        fixture.report(.order(fixture.venueOrder("1", .filled, filled: "2")), after: 20)
        #expect(fixture.order("1").status == .filled && fixture.order("1").amendment == nil)
        #expect(fixture.desk.liveOrders() == [] && fixture.desk.flaws == [])
    }

    @Test func `E12: fills of a larger order are no excess, though its end came before the news of its size`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: d("101"), by: "alpha", at: at(1)))
        fixture.fill("1", "1")
        fixture.report(.cancelled(fixture.clientID("1"), filled: d("4"), reason: nil))
        let rest = fixture.fill("1", "3")
        #expect(rest.alarms == [] && fixture.desk.halts == [])
        let order = fixture.order("1")
        #expect(order.status == .cancelled && order.quantity == d("5") && order.price == d("101"))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E12: the next host asks what an order was for that ended while a change was on its way`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "5", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("2"), price: nil, by: "alpha", at: at(1)))
        fixture.report(.cancelled(fixture.clientID("1"), filled: .zero, reason: nil))
        try fixture.restart()
        let question = VenueRequest.status(fixture.order("1").reference)
        #expect(fixture.keep(fixture.desk.review(at: at(5_000))).requests.contains(question))
        let told = fixture.venueOrder("1", .cancelled, filled: "0")
        fixture.report(
            .order(
                VenueOrder(
                    clientID: told.clientID, venueOrderID: told.venueOrderID, symbol: told.symbol,
                    side: told.side, quantity: d("2"), price: d("100"), filledQuantity: .zero,
                    averagePrice: nil, state: .cancelled, reason: nil, time: at(5_000))), after: 5_100)
        #expect(fixture.order("1").quantity == d("2") && fixture.order("1").amendment == nil)
        #expect(!fixture.keep(fixture.desk.review(at: at(20_000))).requests.contains(question))
        // Nor does the host after that.
        try fixture.restart()
        #expect(!fixture.keep(fixture.desk.review(at: at(30_000))).requests.contains(question))
    }

    @Test func `C6: what reduces a short position leaves more of the buys to make a long one`() throws {
        var fixture = try DeskFixture(
            kind: .margin(leverage: d("10"), maintenance: d("0.01")),
            limits: RiskLimits(positionNotional: d("800")))
        fixture.open("short", market(.sell, "2"))
        fixture.fill("short", "2")
        fixture.open("1", limit(.buy, "5", "100"))
        fixture.open("exit", limit(.buy, "2", "99", reduceOnly: true))
        // Two short and eight bought are six long; after the exit they are eight.
        fixture.open("2", limit(.buy, "3", "100"))
        #expect(fixture.order("2").status == .open)
        fixture.submit("3", limit(.buy, "1", "100"))
        #expect(fixture.order("3").status == .denied)
        fixture.fill("exit", "2", "99")
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E5, E12: an answer from before the end does not change what the order was for`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "2", "100"))
        let old = fixture.venueOrder("1", .open, filled: "0")
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: nil, by: "alpha", at: at(1)))
        fixture.keep(fixture.desk.reconcile(at: at(2)))
        fixture.fill("1", "5")
        #expect(fixture.order("1").status == .filled && fixture.order("1").quantity == d("5"))
        fixture.keep(fixture.desk.reconcile(at: at(3)))
        // The answers overtake each other: the last to come is the first that was asked for.
        fixture.report(.order(fixture.venueOrder("1", .filled, filled: "5")))
        let late = fixture.report(.order(old))
        #expect(fixture.order("1").quantity == d("5") && fixture.order("1").status == .filled)
        #expect(late.alarms == [] && fixture.desk.halts == [] && fixture.desk.flaws == [])
    }
}
