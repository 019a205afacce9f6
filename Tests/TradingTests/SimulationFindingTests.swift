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
}
