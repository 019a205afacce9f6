import Testing

@testable import Trading

@Suite("Doubts about an account")
struct DoubtTests {
    private func trading(_ actions: [DeskAction]) -> [TradingNotice.State] {
        actions.notices.compactMap { notice in
            if case .trading(let trading) = notice { trading.state } else { nil }
        }
    }

    /// Answers every question for trades and open orders among `actions`, and what follows from it.
    @discardableResult
    private func answer(
        _ fixture: inout DeskFixture, _ actions: [DeskAction], trades: [VenueTrade] = []
    ) -> [DeskAction] {
        var said: [DeskAction] = []
        var trades = trades
        for request in actions.requests {
            switch request {
            case .trades:
                said += fixture.report(.trades(trades, cursor: "1", isComplete: true))
                trades = []
            case .openOrders: said += fixture.report(.openOrders([]))
            default: break
            }
        }
        return said
    }

    @Test func `W1: after a gap in the stream entries are denied until what it missed is known`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "2"))
        fixture.fill("1", "2")
        let gap = fixture.report(.streamGap(reason: "closed by the venue"))
        #expect(trading(gap) == [.reduceOnly])
        #expect(fixture.submit("2", market(.buy, "1")).toldOrders.first?.status == .denied)
        #expect(fixture.submit("3", market(.sell, "1")).placed.count == 1)
        let restored = fixture.report(.streamRestored)
        #expect(fixture.submit("4", market(.buy, "1")).toldOrders.first?.status == .denied)
        #expect(trading(answer(&fixture, restored)) == [.open])
        #expect(fixture.submit("5", market(.buy, "1")).placed.count == 1)
    }

    @Test func `W1: an answer to an older question does not end the merge`() throws {
        var fixture = try DeskFixture()
        let before = fixture.keep(fixture.desk.reconcile(at: at(0)))
        fixture.report(.streamGap(reason: "closed"))
        let after = fixture.report(.streamRestored)
        answer(&fixture, before)
        #expect(fixture.desk.doubt(about: "paper") != nil)
        answer(&fixture, after)
        #expect(fixture.desk.doubt(about: "paper") == nil)
    }

    @Test func `W1, R10: a merge whose question went unanswered is asked again and not taken for done`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.report(.streamGap(reason: "closed"))
        let restored = fixture.report(.streamRestored)
        for request in restored.requests { fixture.report(.unanswered(request, reason: "timeout")) }
        #expect(fixture.desk.doubt(about: "paper") != nil)
        let again = fixture.keep(fixture.desk.review(at: at(5_000)))
        #expect(again.requests.contains(.openOrders))
        answer(&fixture, again)
        #expect(fixture.desk.doubt(about: "paper") == nil)
    }

    @Test func `W2: a fill that no stream told is found by the audit`() throws {
        var fixture = try DeskFixture(settings: .init(auditMilliseconds: 10_000))
        fixture.open("1", limit(.buy, "2", "100"))
        answer(&fixture, fixture.keep(fixture.desk.reconcile(at: at(0))))
        #expect(fixture.keep(fixture.desk.review(at: at(9_999))).requests.isEmpty)
        let audit = fixture.keep(fixture.desk.review(at: at(10_000)))
        #expect(audit.requests.contains(.openOrders))
        answer(&fixture, audit, trades: [fixture.venueTrade("1", "2", trade: "dropped")])
        #expect(fixture.order("1").status == .filled && fixture.position.quantity == d("2"))
        #expect(fixture.keep(fixture.desk.review(at: at(10_001))).requests.isEmpty)
    }

    @Test func `W5: a clock that is set back does not keep questions from being asked`() throws {
        var fixture = try DeskFixture()
        fixture.submit("1", market(.buy, "1"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"), after: 3_600_000)
        let asked = fixture.keep(fixture.desk.review(at: at(1_000)))
        #expect(asked.requests.contains(.status(fixture.order("1").reference)))
    }

    @Test func `S7: under a ban nothing passes, everybody is told, and nothing is asked until it is over`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "1", "99"))
        let ban = fixture.report(.venueUnavailable(until: at(60_000), reason: "418"))
        #expect(trading(ban) == [.closed])
        #expect(ban.alarms == [.venueAway("paper", until: at(60_000), reason: "418")])
        #expect(fixture.submit("2", market(.buy, "1")).toldOrders.first?.status == .denied)
        #expect(fixture.keep(fixture.desk.review(at: at(30_000))).requests.isEmpty)
        let over = fixture.keep(fixture.desk.review(at: at(60_000)))
        #expect(over.requests.contains(.openOrders) && trading(over) == [.reduceOnly])
        #expect(trading(answer(&fixture, over)) == [.open])
    }

    @Test func `S7: a position that is to be closed waits for the end of a ban`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "2"))
        fixture.fill("1", "2")
        fixture.report(.venueUnavailable(until: at(60_000), reason: "418"))
        #expect(fixture.keep(fixture.desk.flatten(.everything, at: at(1))).placed.isEmpty)
        let over = fixture.keep(fixture.desk.review(at: at(60_000)))
        #expect(over.placed.map(\.terms.side) == [.sell])
    }

    /// An order of which the venue shows two that could be it.
    private func ambiguous() throws -> DeskFixture {
        var fixture = try DeskFixture()
        fixture.submit("1", limit(.buy, "1", "99"))
        fixture.report(.sent(fixture.clientID("1")))
        fixture.report(.outcomeUnknown(fixture.clientID("1"), reason: "timeout"))
        return fixture
    }

    @Test func `S11: when several orders could be ours the symbol is frozen and a person is asked, once`()
        throws
    {
        var fixture = try ambiguous()
        fixture.keep(
            try fixture.desk.enrol("beta", run: "run-1", on: "paper", capital: d("1000"), at: at(0)))
        let told = fixture.report(.ambiguous(fixture.clientID("1"), candidates: ["a", "b"]))
        #expect(told.alarms == [.ambiguous(OrderID(1), "alpha", ["a", "b"])])
        #expect(fixture.report(.ambiguous(fixture.clientID("1"), candidates: ["a", "b"])) == [])
        let other = fixture.keep(
            fixture.desk.submit(market(.buy, "1"), request: "1", by: "beta", at: at(1)))
        #expect(other.toldOrders.first?.status == .denied)
        let elsewhere = fixture.keep(
            fixture.desk.submit(limit(.buy, "1", "10", "ETHUSDT"), request: "2", by: "beta", at: at(1)))
        #expect(elsewhere.placed.count == 1)
    }

    @Test func `S11: a person's word for one of them adopts it and thaws the symbol`() throws {
        var fixture = try ambiguous()
        fixture.report(.ambiguous(fixture.clientID("1"), candidates: ["a", "b"]))
        let settled = fixture.keep(fixture.desk.settleAmbiguity(of: OrderID(1), as: "b", at: at(1)))
        #expect(fixture.order("1").status == .open && fixture.order("1").venueOrderID == "b")
        #expect(settled.requests.contains(.decided(fixture.order("1").reference, isThere: true)))
        #expect(fixture.desk.ambiguousOrders.isEmpty)
        #expect(fixture.submit("2", limit(.buy, "1", "99")).placed.count == 1)
    }

    @Test func `S11: a person's word that it is none of them ends it as not placed`() throws {
        var fixture = try ambiguous()
        fixture.report(.ambiguous(fixture.clientID("1"), candidates: ["a", "b"]))
        fixture.keep(fixture.desk.settleAmbiguity(of: OrderID(1), as: nil, at: at(1)))
        #expect(fixture.order("1").status == .notPlaced)
        #expect(fixture.order("1").reservedQuantity == .zero)
        #expect(fixture.submit("2", limit(.buy, "1", "99")).placed.count == 1)
    }
}
