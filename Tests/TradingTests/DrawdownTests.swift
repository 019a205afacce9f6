import Testing

@testable import Trading

@Suite("Drawdown")
struct DrawdownTests {
    private static let fifth = RiskLimits(drawdown: d("0.2"))

    /// A strategy with 1000 that holds 5 at 100.
    private func fixture(
        _ limits: RiskLimits = .none, account: RiskLimits = .none, global: RiskLimits = .none,
        balance: String = "1000"
    ) throws -> DeskFixture {
        var fixture = try DeskFixture(
            capital: "1000", limits: limits, global: global, accountLimits: account, balance: balance)
        fixture.open("1", market(.buy, "5"))
        fixture.fill("1", "5")
        return fixture
    }

    private func price(_ fixture: inout DeskFixture, _ price: String, after: Int64 = 1) -> [DeskAction] {
        fixture.keep(fixture.desk.priceMoved(trade(price), on: "paper", at: at(after)))
    }

    private func denial(_ fixture: inout DeskFixture, _ terms: OrderTerms) -> String? {
        let request = RequestID("r\(fixture.desk.lastOrder.number + 1)")
        return fixture.submit(request, terms, after: 2).toldOrders.last.flatMap { order in
            order.status == .denied ? order.reason : nil
        }
    }

    @Test(arguments: ["strategy", "account", "venue", "global"])
    func `a fall from the peak as deep as the limit leaves only the way out`(_ level: String) throws {
        var fixture = try fixture(
            level == "strategy" ? Self.fifth : .none, account: level == "account" ? Self.fifth : .none,
            global: level == "global" ? Self.fifth : .none)
        if level == "venue" { fixture.desk.setLimits(Self.fifth, at: "paper") }
        // 1000 + 5 × 50 = 1250 is the peak; a fifth of it is 250.
        #expect(price(&fixture, "150").alarms == [])
        #expect(price(&fixture, "100.1").alarms == [])
        #expect(denial(&fixture, limit(.buy, "0.1", "100")) == nil)
        let alarms = price(&fixture, "100").alarms
        let scope: RiskScope =
            switch level {
            case "strategy": .strategy("alpha")
            case "account": .account("paper")
            case "venue": .venue("paper")
            default: .everything
            }
        #expect(
            alarms.map(\.description) == [
                "\(scope) has fallen by 250 from its peak of 1250, the limit is the fraction 0.2; "
                    + "only orders that reduce a position pass"
            ])
        #expect(
            denial(&fixture, limit(.buy, "0.1", "100"))
                == "the fall of \(scope) from its peak of 1250 USDT is 250 USDT, the limit the fraction 0.2 of the "
                + "peak; until it recovers, or an operator begins the peak anew, only orders that reduce a position pass"
        )
        #expect(denial(&fixture, limit(.sell, "1", "100")) == nil)
        // It is told once for a peak, and recovers by itself.
        #expect(price(&fixture, "99").alarms == [])
        #expect(price(&fixture, "101").alarms == [])
        #expect(denial(&fixture, limit(.buy, "0.1", "100")) == nil)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `the peak is written once a second, and at once when the limit is passed`() throws {
        var fixture = try fixture(Self.fifth)
        fixture.keep(fixture.desk.review(at: at(1)))
        #expect(fixture.journal.peaks[.strategy("alpha")]?.profit == .zero)
        #expect(price(&fixture, "120").records == [])
        #expect(price(&fixture, "150", after: 2).records == [])
        let peak = EquityPeak(scope: .strategy("alpha"), profit: d("250"), time: at(2))
        #expect(fixture.keep(fixture.desk.review(at: at(1_000))).records == [.peak(peak)])
        #expect(fixture.keep(fixture.desk.review(at: at(2_000))).records == [])
        #expect(price(&fixture, "160").records == [])
        #expect(price(&fixture, "50").records.count == 1)
        #expect(fixture.journal.peaks[.strategy("alpha")]?.profit == d("300"))
        #expect(fixture.desk.snapshot.peaks == fixture.journal.peaks)
    }

    @Test func `the peak outlives the host`() throws {
        var fixture = try fixture(Self.fifth)
        _ = price(&fixture, "150")
        fixture.keep(fixture.desk.review(at: at(1)))
        try fixture.restart()
        fixture.keep(
            try fixture.desk.enrol(
                "alpha", run: "run-2", on: "paper", capital: d("1000"), limits: Self.fifth, at: at(6)))
        #expect(price(&fixture, "100", after: 7).alarms.count == 1)
        fixture.keep(fixture.desk.reconcile(at: at(7)))
        fixture.report(.trades([], cursor: nil, isComplete: true), after: 8)
        fixture.report(.openOrders([]), after: 8)
        #expect(denial(&fixture, limit(.buy, "0.1", "100"))?.contains("its peak of 1250 USDT") == true)
    }

    @Test func `money put in or taken out is no gain and no fall`() throws {
        var fixture = try fixture(Self.fifth, account: Self.fifth)
        _ = price(&fixture, "150")
        for (capital, peak) in [("500", "750"), ("4000", "4250")] {
            fixture.keep(
                try fixture.desk.enrol(
                    "alpha", run: "run-2", on: "paper", capital: d(capital), limits: Self.fifth, at: at(3)))
            let own = try #require(fixture.desk.drawdowns.first)
            #expect(own.peak == d(peak) && own.equity == d(peak) && own.fraction == .zero)
        }
        DeskFixture.setUp(&fixture.desk, accountLimits: Self.fifth, balance: "2000")
        let shared = try #require(fixture.desk.drawdowns.last)
        #expect(shared.peak == d("2250") && shared.equity == d("2250"))
    }

    @Test func `fees and trades count though no price moved`() throws {
        var fixture = try DeskFixture(capital: "1000", limits: RiskLimits(drawdown: d("0.001")))
        fixture.open("1", market(.buy, "5"))
        let fill = fixture.fill("1", "5", "100", fee: "1")
        #expect(fill.alarms.count == 1)
        #expect(fixture.desk.drawdowns.map(\.fallen) == [d("1")])
    }

    @Test func `an operator begins the peak anew, and the limit counts from there`() throws {
        var fixture = try fixture(Self.fifth)
        _ = price(&fixture, "150")
        _ = price(&fixture, "100")
        #expect(denial(&fixture, limit(.buy, "0.1", "100")) != nil)
        #expect(fixture.desk.beginPeak(of: .account("paper"), at: at(3)) == [])
        let anew = fixture.keep(fixture.desk.beginPeak(of: .strategy("alpha"), at: at(3)))
        #expect(
            anew.records == [.peak(EquityPeak(scope: .strategy("alpha"), profit: .zero, time: at(3)))])
        #expect(denial(&fixture, limit(.buy, "0.1", "100")) == nil)
        #expect(price(&fixture, "60.1").alarms == [])
        #expect(price(&fixture, "60").alarms.count == 1)
    }

    @Test func `a limit taken away and set again begins anew, as does another account`() throws {
        var fixture = try fixture(Self.fifth)
        _ = price(&fixture, "150")
        fixture.keep(fixture.desk.review(at: at(1)))
        fixture.keep(fixture.desk.setLimits(.none, of: "alpha"))
        #expect(fixture.desk.drawdowns == [])
        fixture.keep(fixture.desk.review(at: at(2)))
        #expect(fixture.journal.peaks == [:])
        _ = price(&fixture, "100")
        fixture.keep(fixture.desk.setLimits(Self.fifth, of: "alpha"))
        fixture.keep(fixture.desk.review(at: at(3)))
        #expect(fixture.desk.drawdowns.map(\.peak) == [d("1000")])
        fixture.open("2", market(.sell, "5"))
        fixture.fill("2", "5", "150")
        #expect(fixture.desk.drawdowns.map(\.peak) == [d("1250")])
        fixture.desk.setAccount(
            AccountSettings(
                id: "other", venue: "paper", kind: .spot, currency: "USDT", balance: d("5000")))
        fixture.keep(
            try fixture.desk.enrol(
                "alpha", run: "run-3", on: "other", capital: d("700"), limits: Self.fifth, at: at(4)))
        #expect(fixture.desk.drawdowns.map(\.peak) == [d("700")])
    }
}
