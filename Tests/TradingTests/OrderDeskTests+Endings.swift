import Testing

@testable import Trading

/// Cancels and changes, and what crosses them.
extension OrderDeskTests {
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

    @Test func `a cancel asked before the acknowledgement leaves with it`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "2", "100"))
        #expect(fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1))).requests == [])
        let accepted = fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        #expect(accepted.requests == [.cancel(fixture.order("1").reference)])
        #expect(fixture.order("1").shownStatus == .open)
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
}
