import Testing

@testable import Trading

@Suite("Self-trade prevention")
struct SelfTradeTests {
    /// Two strategies on one account; `alpha` has a sell standing at 101.
    private func fixture(_ limits: RiskLimits = RiskLimits(preventsSelfTrades: true)) throws -> DeskFixture {
        var fixture = try DeskFixture(
            kind: .margin(leverage: d("5"), maintenance: d("0.001")), accountLimits: limits)
        fixture.open("1", limit(.sell, "1", "101"))
        fixture.keep(
            try fixture.desk.enrol("beta", run: "run-1", on: "paper", capital: d("10000"), at: at(0)))
        return fixture
    }

    private func submit(_ fixture: inout DeskFixture, _ terms: OrderTerms) -> Order? {
        fixture.keep(fixture.desk.submit(terms, request: "x", by: "beta", at: at(1))).toldOrders.first
    }

    @Test(arguments: [("100.9", OrderStatus.pending), ("101", .denied), ("102", .denied)])
    func `a buy up to another's sell is denied, one below it passes`(price: String, status: OrderStatus)
        throws
    {
        var fixture = try fixture()
        #expect(submit(&fixture, limit(.buy, "1", price))?.status == status)
    }

    @Test func `the denial names the order that stands in the way`() throws {
        var fixture = try fixture()
        let denied = submit(&fixture, limit(.buy, "1", "101"))
        #expect(
            denied?.reason == "the order would trade with order 1 in BTCUSDT of the same account, which "
                + "account paper may not")
    }

    @Test func `a market order is judged by the worst price that it may meet`() throws {
        var fixture = try fixture()
        // At a price of 100 with an allowance of 1 % it may reach 101.
        #expect(submit(&fixture, market(.buy, "1"))?.status == .denied)
        fixture.keep(fixture.desk.priceMoved(trade("99"), on: "paper", at: at(2)))
        #expect(
            fixture.keep(fixture.desk.submit(market(.buy, "1"), request: "y", by: "beta", at: at(3)))
                .toldOrders.first?.status == .pending)
    }

    @Test func `a change of price is judged as well`() throws {
        var fixture = try fixture()
        fixture.open("2", limit(.buy, "1", "90"))
        let denied = fixture.keep(
            fixture.desk.amend("2", quantity: nil, price: d("101"), by: "alpha", at: at(1)))
        guard case .denied("2", .selfTrade(_, OrderID(1), _))? = denied.notices.first else {
            Issue.record("\(denied)")
            return
        }
        #expect(fixture.desk.flaws == [])
    }

    @Test func `the same side, another symbol, and a way out pass`() throws {
        var fixture = try fixture()
        #expect(submit(&fixture, limit(.sell, "1", "99"))?.status == .pending)
        let elsewhere = fixture.desk.submit(
            limit(.buy, "1", "101", "ETHUSDT"), request: "e", by: "beta", at: at(1))
        #expect(fixture.keep(elsewhere).toldOrders.first?.status == .pending)
    }

    @Test func `without the limit it passes`() throws {
        var fixture = try fixture(.none)
        #expect(submit(&fixture, limit(.buy, "1", "101"))?.status == .pending)
    }
}

@Suite("The operator's day")
struct OperatorDayTests {
    @Test func `the day's profit begins at the operator's midnight`() throws {
        // The fixture's clock stands at noon UTC; twelve hours east it is midnight.
        var fixture = try DeskFixture(settings: .init(dayOffsetMilliseconds: 12 * 3_600_000 - 1_000))
        let first = fixture.desk.day
        #expect(fixture.keep(fixture.desk.review(at: at(999))).records.isEmpty)
        #expect(fixture.desk.day == first)
        #expect(!fixture.keep(fixture.desk.review(at: at(1_000))).records.isEmpty)
        #expect(fixture.desk.day == first + 1)
    }

    @Test func `west of Greenwich it begins later`() throws {
        var fixture = try DeskFixture(settings: .init(dayOffsetMilliseconds: -5 * 3_600_000))
        let first = fixture.desk.day
        fixture.keep(fixture.desk.review(at: at(12 * 3_600_000)))
        #expect(fixture.desk.day == first)
        fixture.keep(fixture.desk.review(at: at(17 * 3_600_000)))
        #expect(fixture.desk.day == first + 1)
    }
}
