import Testing

@testable import Trading

/// Changes of open orders whose own answer does not say what became of them.
@Suite struct AmendmentTests {
    /// How long a request may be on its way, in milliseconds.
    private static let grace: Int64 = 25_000

    private func begin() throws -> DeskFixture {
        var fixture = try DeskFixture(grace: Self.grace)
        fixture.open("1", limit(.buy, "2", "100"))
        fixture.keep(fixture.desk.amend("1", quantity: d("5"), price: d("101"), by: "alpha", at: at(1)))
        return fixture
    }

    private func question(_ fixture: DeskFixture) -> VenueRequest { .status(fixture.order("1").reference) }

    /// The answer of the venue, which shows the order with the terms that it had at first.
    private func old(_ fixture: DeskFixture) -> VenueReport {
        .order(fixture.venueOrder("1", .open, filled: "0"))
    }

    private func changed(_ fixture: DeskFixture) -> VenueReport {
        let order = fixture.order("1")
        return .order(
            VenueOrder(
                clientID: order.intent.clientID, venueOrderID: "v-1", symbol: order.symbol, side: order.side,
                quantity: d("5"), price: d("101"), filledQuantity: .zero, averagePrice: nil, state: .open,
                reason: nil, time: at(0)))
    }

    @Test func `E12: a change that two hosts died over may arrive after the venue has shown the old terms`()
        throws
    {
        var fixture = try begin()
        try fixture.restart(grace: Self.grace, after: 700)
        try fixture.restart(grace: Self.grace, after: 900)
        fixture.keep(fixture.desk.reconcile(at: at(900)))
        fixture.report(old(fixture), after: 1_000)
        #expect(fixture.order("1").amendment == Amendment(quantity: d("5"), price: d("101")))
        // The worse of both is set aside.
        #expect(fixture.order("1").reservedQuantity == d("5"))
        #expect(fixture.order("1").reservedNotional == d("505"))
        let fill = fixture.fill("1", "5", "101")
        #expect(fill.alarms == [] && fixture.desk.halts == [])
        let order = fixture.order("1")
        #expect(order.status == .filled && order.quantity == d("5") && order.price == d("101"))
        #expect(order.amendment == nil && fixture.desk.flaws == [])
    }

    @Test func `E12: the venue is asked until the change cannot be on its way any more, and then believed`()
        throws
    {
        var fixture = try begin()
        try fixture.restart(grace: Self.grace, after: 1_000)
        fixture.keep(fixture.desk.reconcile(at: at(1_000)))
        fixture.report(old(fixture), after: 1_100)
        for second in stride(from: 4_000 as Int64, to: 24_000, by: 3_000) {
            let review = fixture.keep(fixture.desk.review(at: at(second)))
            #expect(review.requests.contains(question(fixture)), "after \(second) ms")
            fixture.report(old(fixture), after: second + 10)
            #expect(fixture.order("1").amendment != nil, "after \(second) ms")
        }
        // Asked when the time was nearly over, and answered when it was.
        fixture.keep(fixture.desk.review(at: at(25_999)))
        fixture.report(old(fixture), after: 26_500)
        #expect(fixture.order("1").amendment != nil)
        fixture.keep(fixture.desk.review(at: at(28_000)))
        fixture.report(old(fixture), after: 28_100)
        #expect(fixture.order("1").amendment == nil && fixture.order("1").reservedQuantity == d("2"))
        #expect(!fixture.keep(fixture.desk.review(at: at(31_000))).requests.contains(question(fixture)))
        #expect(fixture.desk.flaws == [])
    }

    @Test func `E12: a change whose answer was lost counts from when it was given up`() throws {
        var fixture = try begin()
        let lost = VenueRequest.amend(
            fixture.order("1").reference, Amendment(quantity: d("5"), price: d("101")))
        let silence = fixture.report(.unanswered(lost, reason: "timeout"), after: 9_000)
        #expect(silence.requests == [question(fixture)])
        fixture.report(old(fixture), after: 9_100)
        fixture.keep(fixture.desk.review(at: at(33_000)))
        fixture.report(old(fixture), after: 33_100)
        #expect(fixture.order("1").amendment != nil)
        fixture.keep(fixture.desk.review(at: at(35_100)))
        fixture.report(changed(fixture), after: 35_200)
        #expect(fixture.order("1").amendment == nil && fixture.order("1").quantity == d("5"))
        #expect(fixture.order("1").price == d("101") && fixture.desk.flaws == [])
    }

    @Test func `E12, W5: when the clock is set back, time counts from the first answer with the old terms`()
        throws
    {
        var fixture = try begin()
        let lost = VenueRequest.amend(
            fixture.order("1").reference, Amendment(quantity: d("5"), price: d("101")))
        fixture.report(.unanswered(lost, reason: "timeout"), after: 9_000)
        let hour: Int64 = -3_600_000
        fixture.report(old(fixture), after: hour)
        fixture.keep(fixture.desk.review(at: at(hour + 24_000)))
        fixture.report(old(fixture), after: hour + 24_100)
        #expect(fixture.order("1").amendment != nil)
        fixture.keep(fixture.desk.review(at: at(hour + 26_100)))
        fixture.report(old(fixture), after: hour + 26_200)
        #expect(fixture.order("1").amendment == nil && fixture.desk.flaws == [])
    }

    @Test func `E12: the venue's own answer settles a change at once, and so does the order's end`() throws {
        var fixture = try begin()
        fixture.report(.amendRefused(fixture.clientID("1"), reason: "no"), after: 100)
        #expect(fixture.order("1").amendment == nil)
        fixture.keep(fixture.desk.amend("1", quantity: d("4"), price: nil, by: "alpha", at: at(200)))
        try fixture.restart(grace: Self.grace, after: 300)
        fixture.keep(fixture.desk.reconcile(at: at(300)))
        fixture.report(.order(fixture.venueOrder("1", .filled, filled: "2")), after: 400)
        fixture.fill("1", "2")
        #expect(fixture.order("1").amendment == nil && fixture.order("1").status == .filled)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a change in doubt is among what is unknown, until it is settled`() throws {
        var fixture = try begin()
        #expect(fixture.desk.reconciliation(of: "paper")?.questions == [])
        try fixture.restart(grace: Self.grace, after: 1_000)
        #expect(fixture.desk.reconciliation(of: "paper")?.questions.map(\.subject) == [.change])
        fixture.keep(fixture.desk.reconcile(at: at(1_000)))
        fixture.report(changed(fixture), after: 1_100)
        #expect(fixture.desk.reconciliation(of: "paper")?.questions == [])
    }
}
