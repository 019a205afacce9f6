import Testing

@testable import Trading

/// A desk whose account the venue is asked about, with what the venue truly holds.
private struct BalanceFixture {
    var fixture: DeskFixture
    var held: [String: String] = ["USDT": "1000"]
    private var cursor = 0

    /// - Parameter isKnown: Whether the host has seen the account before.
    init(isKnown: Bool = true, reviews: Int = 2) throws {
        fixture = try DeskFixture(settings: OrderDesk.Settings(balanceReviews: reviews))
        if isKnown { settle(fixture.keep(fixture.desk.reconcile(at: at(0)))) }
    }

    /// Answers questions as a venue does on which nothing happens, until none is left.
    @discardableResult
    mutating func answer(_ actions: [DeskAction]) -> [DeskAction] {
        var said = actions
        var waiting = actions.requests
        while !waiting.isEmpty {
            let told = fixture.report(report(waiting.removeFirst()))
            said += told
            waiting += told.requests
        }
        return said
    }

    func report(_ request: VenueRequest) -> VenueReport {
        switch request {
        case .balances:
            .balances(
                held.sorted { $0.key < $1.key }.map {
                    VenueBalance(currency: $0.key, total: d($0.value), locked: .zero)
                })
        case .trades: .trades([], cursor: "1", isComplete: true)
        case .openOrders:
            .openOrders(
                fixture.desk.liveOrders().filter(\.status.isWorking).map {
                    fixture.venueOrder(
                        $0.intent.request!, .open, filled: $0.filledQuantity.description)
                })
        default: .unanswered(request, reason: "not asked for here")
        }
    }

    /// Answers, and lets so many seconds pass in which all questions are answered.
    @discardableResult
    mutating func settle(_ actions: [DeskAction], seconds: Int = 8) -> [DeskAction] {
        var said = answer(actions)
        for _ in 0..<seconds { said += answer(fixture.keep(fixture.desk.review(at: at(0)))) }
        return said
    }

    /// Asks the venue everything, and waits.
    @discardableResult
    mutating func look() -> [DeskAction] {
        settle(fixture.keep(fixture.desk.reconcileNow("paper", at: at(0))))
    }

    var seen: AccountReconciliation { fixture.desk.reconciliation(of: "paper")! }

    func holding(_ asset: String) -> AccountReconciliation.Holding? {
        seen.holdings.first { $0.asset == asset }
    }
}

extension [DeskAction] {
    fileprivate var external: [String] {
        alarms.compactMap { alarm in
            switch alarm {
            case .external(_, let asset, let difference, _): "\(asset) \(difference)"
            case .externalGone(_, let asset): "\(asset) agrees"
            default: nil
            }
        }
    }
}

@Suite("R6: what the venue holds against what the fills come to")
struct BalanceTests {
    @Test func `at first sight what is there is taken as it is, and nothing is alarmed`() throws {
        var bench = try BalanceFixture(isKnown: false)
        #expect(bench.seen.isFirstSight && !bench.seen.agrees)
        bench.held["BTC"] = "0.5"
        let said = bench.settle(bench.fixture.keep(bench.fixture.desk.reconcile(at: at(0))))
        #expect(said.external.isEmpty)
        #expect(bench.seen.agrees, "\(bench.seen)")
        #expect(bench.holding("BTC")?.booked == d("0.5"))
        #expect(bench.fixture.journal.holdings["paper"]?["USDT"]?.unowned == d("1000"))
    }

    @Test func `fills, and fees in whatever they are taken, are no difference`() throws {
        var bench = try BalanceFixture()
        bench.fixture.open("1", market(.buy, "2"))
        bench.fixture.fill("1", "1", "100", fee: "0.1")
        bench.fixture.fill("1", "1", "101", fee: "0.002", currency: "BTC")
        bench.fixture.open("2", market(.sell, "1"))
        bench.fixture.fill("2", "1", "110", fee: "0.01", currency: "BNB")
        bench.held = ["USDT": "908.9", "BTC": "0.998", "BNB": "-0.01"]
        #expect(bench.look().external.isEmpty)
        #expect(bench.seen.agrees, "\(bench.seen)")
    }

    @Test func `a fee in a third currency that counts at its worth moves that currency and no other`() throws
    {
        var bench = try BalanceFixture()
        let coin = Instrument(
            symbol: "BNBUSDT", base: "BNB", quote: "USDT", tickSize: d("0.1"), stepSize: d("0.01"),
            minimumNotional: d("1"))
        bench.fixture.desk.setInstruments([coin], at: "paper")
        bench.fixture.keep(bench.fixture.desk.priceMoved(trade("500", "BNBUSDT"), on: "paper", at: at(0)))
        bench.fixture.open("1", market(.buy, "2"))
        bench.fixture.fill("1", "2", "100", fee: "0.01", currency: "BNB")
        #expect(bench.fixture.position.fees == d("5"))
        bench.held = ["USDT": "800", "BTC": "2", "BNB": "-0.01"]
        #expect(bench.look().external.isEmpty)
        #expect(bench.seen.agrees, "\(bench.seen)")
    }

    @Test func `a withdrawal is external, journaled, alarmed once and blocks what adds risk with it`() throws
    {
        var bench = try BalanceFixture()
        bench.fixture.open("1", market(.buy, "2"))
        bench.fixture.fill("1", "2")
        bench.held = ["USDT": "800", "BTC": "1.5"]
        let said = bench.look()
        #expect(said.external == ["BTC -0.5"])
        #expect(bench.look().external.isEmpty)
        #expect(bench.holding("BTC")?.state == .external && bench.holding("BTC")?.isBlocking == true)
        #expect(bench.fixture.journal.holdings["paper"]?["BTC"]?.external == d("-0.5"))
        let denied = bench.fixture.submit("2", market(.buy, "1")).toldOrders.first
        #expect(denied?.status == .denied)
        #expect(denied?.reason?.contains("0.5 BTC less on account paper than its fills come to") == true)
        #expect(denied?.reason?.contains("bullpen reconcile paper --accept") == true)
        #expect(bench.fixture.submit("3", market(.sell, "1")).placed.count == 1, "a way out stays open")
        bench.fixture.keep(bench.fixture.desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(0)))
        #expect(bench.fixture.submit("4", market(.buy, "1", "ETHUSDT")).placed.count == 1, "others go on")
    }

    @Test func `what is accepted is booked as nobody's, and venue and books agree again`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "1250"]
        #expect(bench.look().external == ["USDT 250"])
        #expect(bench.fixture.submit("1", market(.buy, "1")).toldOrders.first?.status == .denied)
        bench.fixture.keep(bench.fixture.desk.acceptDifferences(on: "paper", at: at(0)))
        #expect(bench.fixture.journal.holdings["paper"]?["USDT"]?.unowned == d("1250"))
        #expect(bench.seen.agrees, "\(bench.seen)")
        #expect(bench.look().external.isEmpty)
        #expect(bench.seen.agrees)
        #expect(bench.fixture.submit("2", market(.buy, "1")).placed.count == 1)
    }

    @Test func `a difference that goes by itself is told, and opens again`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "900"]
        #expect(bench.look().external == ["USDT -100"])
        bench.held = ["USDT": "1000"]
        #expect(bench.look().external == ["USDT agrees"])
        #expect(bench.fixture.submit("1", market(.buy, "1")).placed.count == 1)
    }

    @Test func `within the tolerance it is shown and alarmed, and nothing is denied`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "1001"]
        #expect(bench.look().external == ["USDT 1"])
        #expect(bench.holding("USDT")?.state == .external && bench.holding("USDT")?.isBlocking == false)
        #expect(bench.fixture.submit("1", market(.buy, "1")).placed.count == 1)
        bench.held = ["USDT": "1001.01"]
        bench.fixture.report(.rejected(bench.fixture.clientID("1"), reason: "no"))
        #expect(bench.look().external == ["USDT 1.01"], "one hundredth beyond the tolerance")
        #expect(bench.holding("USDT")?.isBlocking == true)
    }

    @Test func `less than can be traded is no difference`() throws {
        var bench = try BalanceFixture()
        // A thousandth of the least order is 0.005, a step 0.001.
        bench.held = ["USDT": "1000.004999", "BTC": "0.000999"]
        #expect(bench.look().external.isEmpty)
        bench.held = ["USDT": "1000", "BTC": "0.001"]
        #expect(bench.look().external == ["BTC 0.001"])
    }

    @Test func `a fill that the balance has and the stream has not told yet is no difference`() throws {
        var bench = try BalanceFixture()
        bench.fixture.open("1", limit(.buy, "2", "100"))
        let asked = bench.fixture.keep(bench.fixture.desk.reconcileNow("paper", at: at(0)))
        bench.held = ["USDT": "800", "BTC": "2"]
        bench.answer(asked)
        #expect(bench.holding("BTC")?.state == .undecided)
        let said = bench.fixture.fill("1", "2")
        #expect(said.external.isEmpty)
        #expect(bench.settle([]).external.isEmpty)
        #expect(bench.look().external.isEmpty)
        #expect(bench.seen.agrees)
    }

    @Test func `an answer to a question from before the last change decides nothing`() throws {
        var bench = try BalanceFixture()
        bench.fixture.open("1", limit(.buy, "2", "100"))
        let asked = bench.fixture.keep(bench.fixture.desk.reconcileNow("paper", at: at(0)))
        // The answer was made before the fill, and comes after it.
        let old = bench.report(.balances)
        bench.fixture.fill("1", "2")
        for request in asked.requests {
            if case .balances = request {
                bench.fixture.report(old)
            } else {
                bench.answer([.send("paper", request)])
            }
        }
        bench.held = ["USDT": "800", "BTC": "2"]
        #expect(bench.settle([]).external.isEmpty)
        #expect(bench.seen.agrees, "\(bench.seen)")
    }

    @Test func `an order of which nobody knows what became keeps its symbol from being judged`() throws {
        var bench = try BalanceFixture()
        bench.fixture.submit("1", market(.buy, "2"))
        bench.fixture.report(.outcomeUnknown(bench.fixture.clientID("1"), reason: "timeout"))
        // It has filled.
        bench.held = ["USDT": "800", "BTC": "2", "ETH": "1"]
        #expect(bench.look().external == ["ETH 1"], "what it cannot have touched is judged")
        #expect(bench.seen.questions.map(\.subject) == [.outcome])
        #expect(!bench.seen.agrees)
        bench.fixture.report(.order(bench.fixture.venueOrder("1", .filled, filled: "2")))
        #expect(bench.seen.questions.map(\.subject) == [.trades])
        bench.fixture.fill("1", "2")
        #expect(bench.look().external.isEmpty)
    }

    @Test func `nothing counts unless the venue told trades and open orders in between`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "900"]
        for _ in 0..<3 {
            var said = bench.fixture.keep(bench.fixture.desk.reconcileNow("paper", at: at(0)))
            for _ in 0..<8 {
                for request in said.requests {
                    if case .balances = request {
                        said += bench.fixture.report(bench.report(request))
                    } else {
                        bench.fixture.report(.unanswered(request, reason: "timeout"))
                    }
                }
                #expect(said.external.isEmpty)
                said = bench.fixture.keep(bench.fixture.desk.review(at: at(0)))
            }
            #expect(said.requests.isEmpty, "it does not ask without end")
        }
        #expect(bench.holding("USDT")?.state == .undecided)
        #expect(bench.look().external == ["USDT -100"])
    }

    @Test func `regular questions alone find it, however often they are asked`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "900"]
        var said: [DeskAction] = []
        for _ in 0..<6 {
            let asked = bench.fixture.keep(bench.fixture.desk.audit("paper", at: at(0)))
            let (balances, lists) = (
                asked.requests.filter { $0 == .balances }, asked.requests.filter { $0 != .balances }
            )
            let reviewed = bench.fixture.keep(bench.fixture.desk.review(at: at(0)))
            #expect(reviewed.requests.isEmpty, "the regular ones are under way")
            for request in lists + balances { said += bench.fixture.report(bench.report(request)) }
        }
        #expect(said.external == ["USDT -100"])
    }

    @Test func `a question for balances without an answer is no "nothing is there", and alarmed once`() throws
    {
        var bench = try BalanceFixture()
        for attempt in 0..<2 {
            let asked = bench.fixture.keep(bench.fixture.desk.reconcileNow("paper", at: at(0)))
            #expect(asked.requests.contains(.balances))
            let said = bench.fixture.report(.unanswered(.balances, reason: "timeout"))
            #expect(said.alarms.count == (attempt == 0 ? 1 : 0))
            #expect(said.external.isEmpty)
        }
        #expect(bench.seen.fault == "timeout" && !bench.seen.agrees)
        bench.look()
        #expect(bench.seen.agrees)
    }

    @Test func `a restart goes on blocking, and asks`() throws {
        var bench = try BalanceFixture()
        bench.held = ["USDT": "900"]
        bench.look()
        var desk = OrderDesk(settings: OrderDesk.Settings(balanceReviews: 2), at: at(0))
        DeskFixture.setUp(&desk)
        for record in try desk.restore(from: bench.fixture.journal, at: at(0)).records {
            bench.fixture.journal.apply(record)
        }
        #expect(desk.snapshot == bench.fixture.journal)
        let seen = try #require(desk.reconciliation(of: "paper"))
        #expect(seen.holdings.map(\.external) == [d("-100")])
        #expect(desk.reconcile(at: at(0)).requests.contains(.balances))
        _ = try desk.enrol("alpha", run: "run-2", on: "paper", capital: d("1000"), at: at(0))
        _ = desk.priceMoved(trade("100"), on: "paper", at: at(0))
        let orders = desk.submit(market(.buy, "1"), request: "1", by: "alpha", at: at(0)).toldOrders
        #expect(orders.first?.status == .denied)
    }

    @Test func `strategies that trade it hear when it is closed and opened`() throws {
        var bench = try BalanceFixture()
        bench.fixture.open("1", limit(.buy, "1", "90"))
        bench.held = ["USDT": "900"]
        let closed = bench.look().notices.compactMap { notice in
            if case .trading(let trading) = notice { trading } else { nil }
        }
        #expect(closed.map(\.state) == [.reduceOnly] && closed.map(\.symbol) == ["BTCUSDT"])
        let opened = bench.fixture.keep(bench.fixture.desk.acceptDifferences(on: "paper", at: at(0)))
            .notices.compactMap { notice in
                if case .trading(let trading) = notice { trading.state } else { nil }
            }
        #expect(opened == [.open])
    }

    @Test func `margin accounts are asked for orders and trades, and not for coins`() throws {
        var fixture = try DeskFixture(kind: .margin(leverage: d("5"), maintenance: d("0.01")))
        let asked = fixture.keep(fixture.desk.reconcile(at: at(0)))
        #expect(!asked.requests.contains(.balances))
        for request in asked.requests {
            switch request {
            case .trades: fixture.report(.trades([], cursor: "1", isComplete: true))
            case .openOrders: fixture.report(.openOrders([]))
            default: break
            }
        }
        let seen = try #require(fixture.desk.reconciliation(of: "paper"))
        #expect(seen.agrees && !seen.isCompared)
    }
}
