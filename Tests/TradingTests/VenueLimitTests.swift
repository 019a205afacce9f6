import Testing

@testable import Trading

@Suite("Limits of a venue, and of all positions together")
struct VenueLimitTests {
    /// Two accounts at one venue and one at another; `alpha` is on the first, `beta` on the second, `gamma` elsewhere.
    private func fixture(_ limits: RiskLimits) throws -> DeskFixture {
        var fixture = try DeskFixture()
        fixture.desk.setLimits(limits, at: "paper")
        fixture.desk.setInstruments([bitcoin], at: "other")
        for (account, venue, strategy) in [
            ("second", "paper", "beta"), ("third", "other", "gamma"),
        ] as [(AccountID, VenueID, StrategyID)] {
            fixture.desk.setAccount(
                AccountSettings(
                    id: account, venue: venue, kind: .spot, currency: "USDT", balance: d("100000"),
                    marketAllowance: d("0.01")))
            fixture.keep(
                try fixture.desk.enrol(
                    strategy, run: "r", on: account, capital: d("10000"), at: at(0)))
        }
        fixture.keep(fixture.desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(0)))
        fixture.keep(fixture.desk.priceMoved(trade("100"), on: "other", at: at(0)))
        return fixture
    }

    private func denial(
        _ fixture: inout DeskFixture, _ strategy: StrategyID, _ terms: OrderTerms, after: Int64 = 0
    ) -> String? {
        let request = RequestID("r\(fixture.desk.lastOrder.number + 1)")
        let actions = fixture.keep(fixture.desk.submit(terms, request: request, by: strategy, at: at(after)))
        #expect(fixture.desk.flaws == [])
        return actions.toldOrders.last.flatMap { $0.status == .denied ? $0.reason : nil }
    }

    @Test func `a halt of a venue holds for every account there, closes what is open, and spares others`()
        throws
    {
        var fixture = try fixture(.none)
        for strategy in ["alpha", "beta", "gamma"] as [StrategyID] {
            #expect(denial(&fixture, strategy, limit(.buy, "1", "99")) == nil)
        }
        let halt = fixture.keep(
            fixture.desk.halt(.venue("paper"), reason: "odd", orders: .flatten, at: at(1)))
        #expect(halt.alarms == [.halted(.venue("paper"), reason: "odd")])
        #expect(fixture.desk.snapshot.flattening.map(\.strategy).sorted() == ["alpha", "beta"])
        #expect(denial(&fixture, "gamma", limit(.buy, "1", "99")) == nil)
        #expect(fixture.desk.liveOrders(of: "gamma").map(\.cancelWanted) == [false, false])
        #expect(fixture.desk.liveOrders(of: "alpha").map(\.cancelWanted) == [true])
        #expect(fixture.journal.halts == fixture.desk.snapshot.halts)
        // How they were closed is kept while the halt stands, in the journal too.
        for order in fixture.desk.liveOrders() where order.intent.strategy != "gamma" {
            fixture.keep(
                fixture.desk.venueReported(
                    .rejected(order.intent.clientID, reason: "no"), on: order.intent.account, at: at(2)))
        }
        #expect(fixture.desk.flattenProgress().map(\.step) == [.closed, .closed])
        #expect(fixture.journal.flattened == fixture.desk.snapshot.flattened)
        for strategy in ["alpha", "beta"] as [StrategyID] {
            #expect(
                denial(&fixture, strategy, limit(.buy, "1", "99"))
                    == "trading is halted for venue paper: odd")
        }
        fixture.keep(fixture.desk.resume(.venue("paper"), at: at(3)))
        #expect(fixture.desk.flattenProgress() == [] && fixture.journal.flattened == [:])
        #expect(denial(&fixture, "beta", limit(.buy, "1", "99")) == nil)
    }

    @Test func `orders a minute are counted over all accounts at the venue`() throws {
        var fixture = try fixture(RiskLimits(ordersPerMinute: 2))
        let order = limit(.buy, "1", "99")
        #expect(denial(&fixture, "alpha", order) == nil)
        #expect(denial(&fixture, "beta", order) == nil)
        #expect(denial(&fixture, "alpha", order) == "venue paper may send 2 orders a minute, and did")
        #expect(denial(&fixture, "gamma", order) == nil)
        #expect(denial(&fixture, "beta", order, after: 60_000) == nil)
    }

    @Test func `a symbol's worst case is added up over all accounts at the venue`() throws {
        var fixture = try fixture(RiskLimits(positionNotional: d("500")))
        #expect(denial(&fixture, "alpha", limit(.buy, "3", "100")) == nil)
        #expect(
            denial(&fixture, "beta", limit(.buy, "2.1", "100"))
                == "with open orders the BTCUSDT position could reach 510 USDT; the limit of venue paper is 500 USDT"
        )
        #expect(denial(&fixture, "beta", limit(.buy, "50", "10", "ETHUSDT")) == nil)
        #expect(denial(&fixture, "beta", limit(.buy, "2", "100")) == nil)
        #expect(denial(&fixture, "gamma", limit(.buy, "6", "100")) == nil)
    }

    @Test func `exposure is the worst case of every symbol together`() throws {
        var fixture = try fixture(RiskLimits(exposure: d("500")))
        #expect(denial(&fixture, "alpha", limit(.buy, "3", "100")) == nil)
        #expect(denial(&fixture, "beta", limit(.buy, "20", "10", "ETHUSDT")) == nil)
        #expect(
            denial(&fixture, "beta", limit(.buy, "1", "10", "ETHUSDT"))
                == "with open orders all positions of venue paper could reach 510 USDT; the limit is 500 USDT"
        )
        #expect(denial(&fixture, "gamma", limit(.buy, "6", "100")) == nil)
    }

    @Test(arguments: ["strategy", "account", "global"])
    func `exposure is limited at every level, and what reduces passes`(_ level: String) throws {
        let limits = RiskLimits(exposure: d("500"))
        var fixture = try DeskFixture(
            limits: level == "strategy" ? limits : .none, global: level == "global" ? limits : .none,
            accountLimits: level == "account" ? limits : .none)
        fixture.keep(fixture.desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(0)))
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        #expect(denial(&fixture, "alpha", limit(.buy, "20", "10", "ETHUSDT")) == nil)
        #expect(
            denial(&fixture, "alpha", limit(.buy, "1", "10", "ETHUSDT"))?.contains("could reach 510 USDT")
                == true)
        #expect(denial(&fixture, "alpha", limit(.sell, "3", "100")) == nil)
    }

    @Test func `open orders and positions, instruments and the day's loss hold for a venue too`() throws {
        var fixture = try fixture(RiskLimits(openOrders: 1))
        #expect(denial(&fixture, "alpha", limit(.buy, "1", "99")) == nil)
        #expect(
            denial(&fixture, "beta", limit(.buy, "1", "99")) == "venue paper may have 1 open order, and has")
        fixture.desk.setLimits(RiskLimits(openPositions: 1), at: "paper")
        #expect(
            denial(&fixture, "beta", limit(.buy, "1", "99"))
                == "venue paper may hold 1 position at a time, and does")
        fixture.desk.setLimits(RiskLimits(instruments: ["ETHUSDT"]), at: "paper")
        #expect(
            denial(&fixture, "beta", limit(.buy, "1", "99"))
                == "BTCUSDT is not on the list allowed for venue paper")
        fixture.desk.setLimits(RiskLimits(dailyLoss: d("50")), at: "paper")
        fixture.open("held", market(.buy, "5"))
        fixture.fill("held", "5")
        fixture.keep(fixture.desk.priceMoved(trade("90"), on: "paper", at: at(1)))
        #expect(
            denial(&fixture, "beta", limit(.buy, "1", "90"))?.hasPrefix(
                "the loss of venue paper since midnight is 50 USDT, the limit 50 USDT") == true)
        #expect(denial(&fixture, "gamma", limit(.buy, "1", "99")) == nil)
    }
}

@Suite("Orders for each trade")
struct OrderToTradeTests {
    private static let limits = RiskLimits(orderToTrade: d("3"))

    private func fixture(
        strategy: RiskLimits = .none, account: RiskLimits = .none, global: RiskLimits = .none
    ) throws -> DeskFixture {
        try DeskFixture(
            limits: strategy, global: global, accountLimits: account,
            settings: .init(orderToTradeMinutes: 10, orderToTradeMinimum: 4))
    }

    /// Sends an order and cancels it; nil when it passed.
    private func quote(_ fixture: inout DeskFixture, after: Int64 = 0) -> String? {
        let request = RequestID("q\(fixture.desk.lastOrder.number + 1)")
        fixture.submit(request, limit(.buy, "1", "99"), after: after)
        let order = fixture.order(request)
        guard order.status != .denied else { return order.reason }
        fixture.report(.accepted(order.intent.clientID, VenueOrderID("v-\(request)")), after: after)
        fixture.report(.cancelled(order.intent.clientID, filled: .zero, reason: nil), after: after)
        return nil
    }

    @Test(arguments: ["strategy", "account", "venue", "global"])
    func `after the first few, so many orders pass for each trade and no more`(_ level: String) throws {
        var fixture = try fixture(
            strategy: level == "strategy" ? Self.limits : .none,
            account: level == "account" ? Self.limits : .none,
            global: level == "global" ? Self.limits : .none)
        if level == "venue" { fixture.desk.setLimits(Self.limits, at: "paper") }
        fixture.open("1", market(.buy, "2"))
        for _ in 0..<3 { #expect(quote(&fixture) == nil) }
        let words = try #require(quote(&fixture))
        #expect(
            words.contains(
                " sent 4 orders in 10 minutes for 0 trades; the limit is 3 a trade; until more trade, or that time is over"
            ))
        fixture.fill("1", "1")
        #expect(quote(&fixture)?.contains("for 1 trade;") == true)
        fixture.fill("1", "1")
        #expect(quote(&fixture) == nil)
        #expect(quote(&fixture) == nil)
        #expect(quote(&fixture)?.contains("sent 6 orders in 10 minutes for 2 trades") == true)
        // What reduces passes, and so do cancels.
        fixture.open("out", limit(.sell, "2", "101"))
        #expect(fixture.order("out").status == .open)
        #expect(fixture.desk.cancel("out", by: "alpha", at: at(1)).requests.count == 1)
        // Once that time is over the first few pass again.
        #expect(quote(&fixture, after: 599_000)?.isEmpty == false)
        #expect(quote(&fixture, after: 610_000) == nil)
    }

    @Test func `a restart counts again what was sent and traded`() throws {
        var fixture = try fixture(strategy: Self.limits)
        fixture.open("1", market(.buy, "2"))
        fixture.fill("1", "1")
        for _ in 0..<3 { #expect(quote(&fixture) == nil) }
        #expect(quote(&fixture) != nil)
        try fixture.restart(settings: .init(orderToTradeMinutes: 10, orderToTradeMinimum: 4))
        fixture.report(.trades([], cursor: nil, isComplete: true))
        fixture.keep(
            try fixture.desk.enrol(
                "alpha", run: "run-2", on: "paper", capital: d("10000"), limits: Self.limits, at: at(6)))
        fixture.fill("1", "1", trade: "again")
        #expect(quote(&fixture, after: 7) == nil)
        #expect(quote(&fixture, after: 7) == nil)
        #expect(quote(&fixture, after: 7)?.contains("sent 6 orders in 10 minutes for 2 trades") == true)
    }

    @Test func `the window is the same size at any rate, and forgets slice by slice`() {
        var window = RatioWindow()
        let rule = RatioRule(minutes: 1, minimumOrders: 0)
        for millisecond in 0..<100_000 { window.note(orders: 1, at: at(Int64(millisecond)), rule) }
        #expect(window.counts(at: at(99_999), rule).orders == 60_000)
        #expect(window.counts(at: at(119_999), rule).orders == 40_000)
        #expect(window.counts(at: at(159_999), rule).orders == 0)
    }
}
