import Testing

@testable import Trading

@Suite("Risk gate")
struct RiskGateTests {
    /// What a strategy hears about an order, or nil when it passed.
    private func denial(_ fixture: inout DeskFixture, _ terms: OrderTerms, after: Int64 = 0) -> String? {
        let request = RequestID("r\(fixture.desk.lastOrder.number + 1)")
        let actions = fixture.submit(request, terms, after: after)
        #expect(fixture.desk.flaws == [])
        guard actions.placed.isEmpty else { return nil }
        if case .denied(_, let denial)? = actions.notices.first { return denial.description }
        return actions.toldOrders.last?.reason
    }

    @Test(arguments: ["strategy", "account", "global"])
    func `an order up to the notional limit passes, a step more does not`(_ scope: String) throws {
        let limits = RiskLimits(orderNotional: d("200"))
        var fixture = try DeskFixture(
            limits: scope == "strategy" ? limits : .none, global: scope == "global" ? limits : .none,
            accountLimits: scope == "account" ? limits : .none)
        #expect(denial(&fixture, limit(.buy, "2", "100")) == nil)
        let words = try #require(denial(&fixture, limit(.buy, "2.001", "100")))
        #expect(words.hasPrefix("the order is worth 200.1 USDT; the limit of "))
        #expect(words.hasSuffix(" is 200 USDT an order"))
        // A market order is valued at the worst price it should meet: 1 % beyond the last.
        #expect(denial(&fixture, market(.buy, "1.98")) == nil)
        #expect(denial(&fixture, market(.buy, "1.981"))?.hasPrefix("the order is worth 200.081") == true)
    }

    @Test func `the position limit counts what is held and what is open, and lets the way out`() throws {
        var fixture = try DeskFixture(
            kind: .margin(leverage: d("10"), maintenance: d("0.01")),
            limits: RiskLimits(positionNotional: d("500")))
        fixture.open("a", market(.buy, "3"))
        fixture.fill("a", "3")
        #expect(denial(&fixture, limit(.buy, "2", "100")) == nil)
        #expect(
            denial(&fixture, limit(.buy, "0.1", "100"))
                == "with open orders the BTCUSDT position could reach 510 USDT; the limit of strategy alpha is 500 USDT"
        )
        #expect(denial(&fixture, limit(.sell, "3", "100")) == nil)
        #expect(denial(&fixture, limit(.sell, "5", "100")) == nil)
        #expect(denial(&fixture, limit(.sell, "0.1", "100"))?.contains("could reach 510") == true)
    }

    @Test func `the account's position limit adds up its strategies`() throws {
        var fixture = try DeskFixture(accountLimits: RiskLimits(positionNotional: d("500")))
        fixture.keep(try fixture.desk.enrol("beta", run: "r", on: "paper", capital: d("9999"), at: at(0)))
        #expect(denial(&fixture, limit(.buy, "3", "100")) == nil)
        let actions = fixture.desk.submit(limit(.buy, "3", "100"), request: "b", by: "beta", at: at(0))
        #expect(
            actions.toldOrders.first?.reason?.contains("could reach 600 USDT; the limit of account paper")
                == true)
    }

    @Test func `so many open orders and no more, until one ends`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(openOrders: 2))
        fixture.open("1", limit(.buy, "1", "99"))
        fixture.open("2", limit(.buy, "1", "99"))
        #expect(denial(&fixture, limit(.buy, "1", "99")) == "strategy alpha may have 2 open orders, and has")
        fixture.report(.cancelled(fixture.clientID("1"), filled: .zero, reason: nil))
        #expect(denial(&fixture, limit(.buy, "1", "99")) == nil)
    }

    @Test func `so many orders in any minute`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(ordersPerMinute: 3))
        for start in [0, 10, 20] as [Int64] {
            #expect(denial(&fixture, limit(.buy, "1", "99"), after: start) == nil)
        }
        #expect(
            denial(&fixture, limit(.buy, "1", "99"), after: 59_999)
                == "strategy alpha may send 3 orders a minute, and did")
        #expect(denial(&fixture, limit(.buy, "1", "99"), after: 60_000) == nil)
        #expect(denial(&fixture, limit(.buy, "1", "99"), after: 60_009) != nil)
        #expect(denial(&fixture, limit(.buy, "1", "99"), after: 60_010) == nil)
    }

    @Test func `a price too far from the last is taken for a slip of the finger`() throws {
        var fixture = try DeskFixture(global: RiskLimits(priceDistance: d("0.1")))
        #expect(denial(&fixture, limit(.buy, "1", "90")) == nil)
        #expect(
            denial(&fixture, limit(.buy, "1", "89.9"))?.contains(
                "89.9 is further from the last price 100 than the fraction 0.1") == true)
        #expect(denial(&fixture, limit(.buy, "1", "110.1")) != nil)
    }

    @Test func `a day's loss as a fraction of the opening equity leaves only the way out`() throws {
        var fixture = try DeskFixture(capital: "1000", limits: RiskLimits(dailyLossFraction: d("0.05")))
        fixture.open("1", market(.buy, "5"))
        fixture.fill("1", "5")
        fixture.keep(fixture.desk.priceMoved(trade("90.1"), on: "paper", at: at(0)))
        #expect(denial(&fixture, limit(.buy, "1", "90")) == nil)
        fixture.keep(fixture.desk.priceMoved(trade("90"), on: "paper", at: at(0)))
        #expect(denial(&fixture, limit(.buy, "1", "90"))?.contains("is 50 USDT, the limit 50 USDT") == true)
        #expect(denial(&fixture, market(.sell, "5")) == nil)
    }

    @Test func `leverage counts the worst case of everything over equity`() throws {
        var fixture = try DeskFixture(
            kind: .margin(leverage: d("5"), maintenance: d("0.01")), capital: "1000",
            limits: RiskLimits(leverage: d("2")))
        #expect(denial(&fixture, limit(.buy, "20", "100")) == nil)
        #expect(
            denial(&fixture, limit(.buy, "0.1", "100"))
                == "exposure could reach 2010 USDT on an equity of 1000 USDT; the leverage limit of strategy alpha is 2"
        )
        #expect(denial(&fixture, limit(.sell, "20", "100")) == nil)
        #expect(denial(&fixture, limit(.sell, "0.1", "100")) != nil)
    }

    @Test func `only listed instruments, only known ones, only in the account's currency`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(instruments: ["ETHUSDT"]))
        #expect(
            denial(&fixture, market(.buy, "1")) == "BTCUSDT is not on the list allowed for strategy alpha")
        #expect(denial(&fixture, market(.buy, "1", "DOGE")) == "DOGE is not traded on paper")
        fixture.desk.setInstruments(
            [
                Instrument(
                    symbol: "BTCINR", base: "BTC", quote: "INR", tickSize: d("1"), stepSize: d("1"),
                    minimumNotional: d("0"))
            ],
            at: "paper")
        #expect(
            denial(&fixture, limit(.buy, "1", "5", "BTCINR"))
                == "BTCINR is paid in INR, but account paper holds USDT")
    }

    @Test func `so many symbols at a time`() throws {
        var fixture = try DeskFixture(limits: RiskLimits(openPositions: 1))
        fixture.keep(fixture.desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(0)))
        #expect(denial(&fixture, limit(.buy, "1", "99")) == nil)
        #expect(denial(&fixture, limit(.buy, "1", "99")) == nil)
        #expect(
            denial(&fixture, market(.buy, "1", "ETHUSDT"))
                == "strategy alpha may hold 1 position at a time, and does")
    }

    @Test func `a spot account sells what it holds, and reduce-only exits share one holding`() throws {
        var fixture = try DeskFixture()
        #expect(denial(&fixture, market(.sell, "1"))?.contains("asked 1 of BTCUSDT, free 0") == true)
        fixture.open("1", market(.buy, "2"))
        fixture.fill("1", "2")
        #expect(denial(&fixture, limit(.sell, "2", "120", reduceOnly: true)) == nil)
        #expect(denial(&fixture, limit(.sell, "2", "130", reduceOnly: true)) == nil)
        #expect(
            denial(&fixture, limit(.sell, "2.001", "130", reduceOnly: true))
                == "reduce-only for 2.001, but the BTCUSDT position is 2")
        #expect(
            denial(&fixture, market(.buy, "1", reduceOnly: true))?.contains("the BTCUSDT position is 2")
                == true)
    }

    @Test func `without a price, or with an old one, a market order is denied`() throws {
        var fixture = try DeskFixture(price: nil)
        #expect(denial(&fixture, market(.buy, "1"))?.hasPrefix("there is no price of BTCUSDT yet") == true)
        #expect(denial(&fixture, limit(.buy, "1", "99")) == nil)
        fixture.desk.setAccount(
            AccountSettings(
                id: "paper", venue: "paper", kind: .spot, currency: "USDT", balance: d("100000"),
                priceAgeMilliseconds: 1_000))
        fixture.keep(fixture.desk.priceMoved(trade("100"), on: "paper", at: at(0)))
        #expect(denial(&fixture, market(.buy, "1"), after: 1_000) == nil)
        #expect(denial(&fixture, market(.buy, "1"), after: 1_001)?.contains("is 1001 ms old") == true)
    }

    @Test func `filters make an order smaller or more patient, never larger or more eager`() throws {
        let normal = try bitcoin.normalised(limit(.buy, "1.2349", "99.99"), lastPrice: nil)
        #expect(normal == limit(.buy, "1.234", "99.9"))
        #expect(
            try bitcoin.normalised(limit(.sell, "1.2349", "99.91"), lastPrice: nil)
                == limit(.sell, "1.234", "100"))
        var stop = OrderTerms(
            symbol: "BTCUSDT", side: .sell, type: .stop, quantity: d("1"), stopPrice: d("95.07"))
        #expect(try bitcoin.normalised(stop, lastPrice: nil).stopPrice == d("95"))
        stop.type = .takeProfit
        #expect(try bitcoin.normalised(stop, lastPrice: nil).stopPrice == d("95.1"))
        #expect(throws: FilterFlaw.quantityBelowStep(quantity: d("0.0009"), step: d("0.001"))) {
            try bitcoin.normalised(limit(.buy, "0.0009", "99999"), lastPrice: nil)
        }
        #expect(
            throws: FilterFlaw.notionalBelowMinimum(notional: d("4.9"), minimum: d("5"), currency: "USDT")
        ) {
            try bitcoin.normalised(limit(.buy, "0.049", "100"), lastPrice: nil)
        }
        #expect(throws: FilterFlaw.priceBelowTick(price: d("0.05"), tick: d("0.1"))) {
            try bitcoin.normalised(limit(.buy, "1", "0.05"), lastPrice: nil)
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `whatever strategies, venue and operator do, the books stay true`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var fixture = try DeskFixture(
            kind: random.chance(50) ? .spot : .margin(leverage: d("3"), maintenance: d("0.01")),
            limits: RiskLimits(positionNotional: d("3000"), openOrders: 8),
            global: RiskLimits(leverage: d("2")),
            settings: .init(rememberedOrders: 10_000, rememberedFills: 10_000, questionMilliseconds: 20))
        for step in 1...250 as ClosedRange<Int64> {
            let target = fixture.desk.entries.keys.sorted().randomElement(using: &random).flatMap {
                fixture.desk.order($0)
            }
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4:
                let side: Side = random.chance(50) ? .buy : .sell
                let terms =
                    random.chance(50)
                    ? market(side, "\(Int.random(in: 1...5, using: &random))", reduceOnly: random.chance(20))
                    : limit(
                        side, "\(Int.random(in: 1...5, using: &random))",
                        "\(Int.random(in: 90...110, using: &random))")
                fixture.submit(RequestID("\(step)"), terms, after: step)
            case 4..<10:
                guard let target, target.status != .denied, let request = target.intent.request else {
                    continue
                }
                Self.report(&fixture, request, &random, step)
            case 10:
                let price = "\(Int.random(in: 90...110, using: &random))"
                fixture.keep(fixture.desk.priceMoved(trade(price), on: "paper", at: at(step)))
                fixture.keep(fixture.desk.review(at: at(step)))
            default:
                switch Int.random(in: 0..<5, using: &random) {
                case 0: fixture.keep(fixture.desk.halt(.everything, reason: "test", at: at(step)))
                case 1: fixture.keep(fixture.desk.flatten(.everything, at: at(step)))
                default:
                    for halt in fixture.desk.halts {
                        fixture.keep(fixture.desk.resume(halt.scope, at: at(step)))
                    }
                }
            }
            let flaws = fixture.desk.flaws
            try #require(flaws == [], "seed \(seed), step \(step)")
        }
        #expect(fixture.desk.snapshot == fixture.journal, "seed \(seed)")
        // A desk made from the journal is the same desk.
        var next = OrderDesk(at: at(300))
        DeskFixture.setUp(&next)
        for record in try next.restore(from: fixture.journal, at: at(300)).records {
            fixture.journal.apply(record)
        }
        #expect(next.snapshot == fixture.journal && next.flaws == [], "seed \(seed)")
    }

    /// Something that a venue could say about an order, sensible or not.
    private static func report(
        _ fixture: inout DeskFixture, _ request: RequestID, _ random: inout SplitMix64, _ step: Int64
    ) {
        let id = fixture.clientID(request)
        switch Int.random(in: 0..<14, using: &random) {
        case 0: fixture.report(.sent(id), after: step)
        case 1: fixture.report(.accepted(id, VenueOrderID("v-\(request)")), after: step)
        case 2: fixture.report(.rejected(id, reason: "no"), after: step)
        case 3:
            fixture.report(.cancelled(id, filled: random.chance(50) ? nil : d("2"), reason: nil), after: step)
        case 4: fixture.report(.outcomeUnknown(id, reason: "timeout"), after: step)
        case 5: fixture.report(.absent(id), after: step)
        case 6: fixture.report(.order(fixture.venueOrder(request, .open, filled: "1")), after: step)
        case 7: fixture.report(.order(fixture.venueOrder(request, .filled, filled: "3")), after: step)
        case 8: fixture.report(.trades([], cursor: "\(step)", isComplete: true), after: step)
        case 9: fixture.keep(fixture.desk.cancel(request, by: "alpha", at: at(step)))
        case 10:
            let quantity = d("\(Int.random(in: 1...6, using: &random))")
            fixture.keep(
                fixture.desk.amend(request, quantity: quantity, price: nil, by: "alpha", at: at(step)))
        case 11: fixture.report(.unsent(id, reason: "refused"), after: step)
        default:
            let fee = random.chance(30) ? "0.001" : "0"
            fixture.fill(
                request, "\(Int.random(in: 1...3, using: &random))", fee: fee,
                currency: random.chance(50) ? "BTC" : "USDT")
        }
    }
}
