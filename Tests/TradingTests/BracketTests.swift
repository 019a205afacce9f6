import Testing

@testable import Trading

/// Words for what happens to brackets.
extension DeskFixture {
    @discardableResult
    mutating func bracket(
        _ request: RequestID, _ terms: OrderTerms, stop: String? = nil, take: String? = nil
    ) -> [DeskAction] {
        let prices = BracketPrices(stopLoss: stop.map(d), takeProfit: take.map(d))
        let actions = desk.submit(terms, bracket: prices, request: request, by: strategy, at: at(0))
        return keep(actions)
    }

    @discardableResult
    mutating func oco(
        _ request: RequestID, _ side: Side, _ quantity: String, stop: String? = nil, take: String? = nil
    ) -> [DeskAction] {
        keep(
            desk.protect(
                "BTCUSDT", side: side, quantity: d(quantity),
                prices: BracketPrices(stopLoss: stop.map(d), takeProfit: take.map(d)), request: request,
                by: strategy, at: at(0)))
    }

    @discardableResult
    mutating func price(_ price: String, after: Int64 = 0) -> [DeskAction] {
        keep(desk.priceMoved(trade(price), on: "paper", at: at(after)))
    }

    @discardableResult
    mutating func review(after: Int64) -> [DeskAction] { keep(desk.review(at: at(after))) }

    /// The bracket that came with a request.
    func held(_ request: RequestID) -> Bracket {
        desk.brackets.bracket(request, of: desk.gate.strategy(strategy)!)!
    }

    /// The exit that a bracket sent last.
    func exit(_ request: RequestID) -> Order { desk.order(held(request).exit!)! }

    /// A part of a bracket's exit trades.
    @discardableResult
    mutating func fillExit(_ request: RequestID, _ quantity: String, _ price: String = "90") -> [DeskAction] {
        trades += 1
        let order = exit(request)
        return report(
            .trade(
                VenueTrade(
                    trade: TradeID("t\(trades)"), clientID: order.intent.clientID,
                    venueOrderID: VenueOrderID("x-\(order.id)"), symbol: order.symbol, side: order.side,
                    price: d(price), quantity: d(quantity), fee: .zero, feeCurrency: "USDT",
                    liquidity: .taker, time: at(0))))
    }

    /// A long position under a stop at 90 and a take-profit at 120.
    static func protected(kind: AccountKind = .spot) throws -> DeskFixture {
        var fixture = try DeskFixture(kind: kind)
        fixture.bracket("1", market(.buy, "2"), stop: "90", take: "120")
        fixture.fill("1", "2")
        return fixture
    }
}

extension [DeskAction] {
    /// The brackets as they were told to strategies, in order.
    var toldBrackets: [Bracket] {
        notices.compactMap { notice in
            if case .bracket(let bracket) = notice { bracket } else { nil }
        }
    }

    var denials: [RiskDenial] {
        notices.compactMap { notice in
            if case .denied(_, let denial) = notice { denial } else { nil }
        }
    }
}

@Suite("Brackets")
struct BracketTests {
    @Test func `a bracket is journaled before its entry leaves, and reserves nothing`() throws {
        var fixture = try DeskFixture()
        let free = fixture.desk.available(to: "alpha")
        let actions = fixture.bracket("1", limit(.buy, "1", "99"), stop: "90", take: "120")
        let sent = actions.firstIndex { if case .send = $0 { true } else { false } }
        let kept = actions.firstIndex { if case .record(.bracket) = $0 { true } else { false } }
        #expect(kept! < sent!)
        #expect(fixture.held("1").status == .waiting && fixture.held("1").id == fixture.order("1").id)
        fixture.fill("1", "1", "99")
        #expect(fixture.held("1").status == .held && fixture.held("1").quantity == d("1"))
        #expect(FixedDecimal.difference(free, fixture.desk.available(to: "alpha")) == d("99"))
        #expect(fixture.desk.flaws == [])
        // Every exit of the position is still the strategy's to choose.
        #expect(fixture.submit("2", limit(.sell, "1", "130")).placed.count == 1)
    }

    @Test func `a stop that is reached closes the position at market, and the other leg ends`() throws {
        var fixture = try DeskFixture.protected()
        #expect(fixture.price("90.1").placed.isEmpty)
        let actions = fixture.price("89")
        #expect(actions.placed.map(\.terms) == [market(.sell, "2", reduceOnly: true)])
        #expect(actions.toldBrackets.last?.leg == .stopLoss && fixture.held("1").status == .triggered)
        // The profit's price comes while the exit is on its way.
        #expect(fixture.price("121").placed.isEmpty)
        let end = fixture.fillExit("1", "2", "89")
        #expect(end.toldBrackets.map(\.status) == [.done] && fixture.position.quantity.isZero)
        #expect(fixture.price("80").placed.isEmpty && fixture.desk.liveBrackets().isEmpty)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a profit that is reached is taken, and one at the stop's price is no profit`() throws {
        var fixture = try DeskFixture.protected()
        #expect(fixture.price("120").placed.count == 1)
        #expect(fixture.held("1").leg == .takeProfit)
        var short = try DeskFixture(kind: .margin(leverage: d("3"), maintenance: .zero))
        short.bracket("1", market(.sell, "2"), stop: "110", take: "80")
        short.fill("1", "2")
        #expect(short.price("79").placed.map(\.terms) == [market(.buy, "2", reduceOnly: true)])
        #expect(short.held("1").leg == .takeProfit)
    }

    @Test func `a quote reaches a leg by the side at which the exit would trade`() throws {
        var fixture = try DeskFixture.protected()
        let quote = { (bid: String, ask: String) in
            MarketEvent.quote(
                Quote(
                    symbol: "BTCUSDT", time: at(0), bid: d(bid), bidQuantity: d("1"), ask: d(ask),
                    askQuantity: d("1")))
        }
        #expect(fixture.desk.priceMoved(quote("119", "130"), on: "paper", at: at(0)).placed.isEmpty)
        #expect(fixture.desk.priceMoved(quote("90", "110"), on: "paper", at: at(0)).placed.count == 1)
    }

    @Test func `what is protected grows with each fill, and the rest of the entry ends with the stop`() throws
    {
        var fixture = try DeskFixture()
        fixture.bracket("1", limit(.buy, "3", "99"), stop: "90")
        fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        fixture.fill("1", "1", "99")
        #expect(fixture.held("1").quantity == d("1"))
        fixture.fill("1", "0.5", "99")
        #expect(fixture.held("1").quantity == d("1.5"))
        let actions = fixture.price("90")
        #expect(actions.placed.map(\.terms.quantity) == [d("1.5")])
        #expect(actions.requests.contains(.cancel(fixture.order("1").reference)))
        // A part fills before the cancel arrives: it is closed too, once the first exit is through.
        fixture.fill("1", "0.25", "95")
        let second = fixture.fillExit("1", "1.5")
        #expect(second.placed.map(\.terms.quantity) == [d("0.25")])
        fixture.report(.cancelled(fixture.clientID("1"), filled: d("1.75"), reason: nil))
        fixture.fillExit("1", "0.25")
        #expect(fixture.held("1").status == .done && fixture.held("1").closed == d("1.75"))
        #expect(fixture.position.quantity.isZero)
    }

    @Test func `cancelling the entry keeps what protects its filled part`() throws {
        var fixture = try DeskFixture()
        fixture.bracket("1", limit(.buy, "3", "99"), stop: "90")
        fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        fixture.fill("1", "1", "99")
        fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1)))
        fixture.report(.cancelled(fixture.clientID("1"), filled: d("1"), reason: nil))
        #expect(fixture.held("1").status == .held && fixture.held("1").quantity == d("1"))
        fixture.keep(fixture.desk.cancelBracket("1", by: "alpha", at: at(2)))
        #expect(fixture.held("1").status == .cancelled)
        #expect(fixture.price("50").placed.isEmpty && fixture.position.quantity == d("1"))
    }

    @Test func `an entry that never fills takes its bracket with it, until a late fill brings both back`()
        throws
    {
        var fixture = try DeskFixture()
        fixture.bracket("1", limit(.buy, "3", "99"), stop: "90")
        fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        fixture.keep(fixture.desk.cancel("1", by: "alpha", at: at(1)))
        fixture.report(.cancelled(fixture.clientID("1"), filled: nil, reason: nil))
        #expect(fixture.held("1").status == .expired)
        fixture.fill("1", "1", "99")
        #expect(fixture.held("1").status == .held && fixture.held("1").quantity == d("1"))
        #expect(fixture.price("89").placed.count == 1)
    }

    @Test func `a position that its strategy closes needs no stop, and a later one is not closed by it`()
        throws
    {
        var fixture = try DeskFixture.protected()
        fixture.submit("2", market(.sell, "0.5"))
        fixture.fill("2", "0.5")
        #expect(fixture.held("1").quantity == d("1.5"))
        fixture.submit("3", market(.sell, "1.5"))
        fixture.fill("3", "1.5")
        #expect(fixture.held("1").status == .expired)
        fixture.submit("4", market(.buy, "2"))
        fixture.fill("4", "2")
        #expect(fixture.price("80").placed.isEmpty)
    }

    @Test func `a fee that is taken in what was bought makes the exit smaller`() throws {
        var fixture = try DeskFixture()
        fixture.bracket("1", market(.buy, "2"), stop: "90")
        fixture.fill("1", "2", fee: "0.002", currency: "BTC")
        #expect(fixture.held("1").quantity == d("1.998"))
        #expect(fixture.price("90").placed.map(\.terms.quantity) == [d("1.998")])
    }

    @Test func `an oco pair protects a position that is there, and no more of it than is free`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "2"))
        fixture.fill("1", "2")
        fixture.oco("2", .sell, "1.5", stop: "95", take: "110")
        #expect(fixture.held("2").status == .held)
        let more = fixture.oco("3", .sell, "1", stop: "95")
        #expect(more.denials.first?.description.contains("0.5 of the position is under no bracket") == true)
        fixture.oco("4", .sell, "0.5", stop: "90")
        #expect(fixture.desk.liveBrackets(of: "alpha").count == 2)
        // Both are reached at once, and each closes its own part.
        #expect(fixture.price("80").placed.map(\.terms.quantity) == [d("1.5"), d("0.5")])
        fixture.fillExit("2", "1.5", "80")
        fixture.fillExit("4", "0.5", "80")
        #expect(fixture.position.quantity.isZero && fixture.desk.liveBrackets().isEmpty)
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a request id leads to one bracket, and is told again`() throws {
        var fixture = try DeskFixture.protected()
        fixture.keep(fixture.desk.cancelBracket("1", by: "alpha", at: at(0)))
        fixture.oco("2", .sell, "1", stop: "95")
        let again = fixture.oco("2", .sell, "2", stop: "90")
        #expect(again == [.tell("alpha", .bracket(fixture.held("2")))])
        #expect(fixture.submit("2", market(.sell, "1")) == again)
        #expect(fixture.oco("1", .sell, "1", stop: "95").toldOrders == [fixture.order("1")])
    }

    @Test(arguments: [
        ("buy", "95", "90", "stop_loss 95 must be below 90"),
        ("buy", "95", "99", "stop_loss 95 must be below take_profit 90"),
        ("buy", "0", "99", "stop_loss must be above 0"),
    ])
    func `prices that make no sense are denied in words`(
        _ side: String, _ stop: String, _ entry: String, _ words: String
    ) throws {
        var fixture = try DeskFixture()
        let take = words.contains("take_profit") ? "90" : nil
        let actions = fixture.bracket(
            "1", limit(Side(rawValue: side)!, "1", entry), stop: stop, take: take)
        #expect(actions.toldOrders.first?.status == .denied)
        #expect(actions.toldOrders.first?.reason?.contains(words) == true)
        #expect(actions.placed.isEmpty && fixture.desk.liveBrackets().isEmpty)
    }

    @Test func `an order that can only close carries no bracket`() throws {
        var fixture = try DeskFixture.protected()
        let sale = fixture.bracket("2", limit(.sell, "1", "110"), stop: "120")
        #expect(sale.toldOrders.first?.reason?.contains("an oco line") == true)
        let reducing = fixture.bracket("3", market(.sell, "1", reduceOnly: true), stop: "120")
        #expect(reducing.toldOrders.first?.status == .denied)
    }

    @Test func `the prices of a bracket can be moved, but not to where the market is`() throws {
        var fixture = try DeskFixture.protected()
        fixture.keep(
            fixture.desk.amendBracket("1", prices: .init(stopLoss: d("95")), by: "alpha", at: at(1)))
        #expect(fixture.held("1").prices == BracketPrices(stopLoss: d("95"), takeProfit: d("120")))
        let wrong = fixture.desk.amendBracket("1", prices: .init(stopLoss: d("101")), by: "alpha", at: at(2))
        #expect(wrong.denials.first?.code == "bracket")
        #expect(fixture.price("94").placed.count == 1)
        let late = fixture.desk.amendBracket("1", prices: .init(stopLoss: d("80")), by: "alpha", at: at(3))
        #expect(late.denials.first?.description.contains("is triggered") == true)
    }

    // MARK: Exits that do not go well

    @Test func `an exit that is rejected is tried again with growing pauses, and a person hears of it`()
        throws
    {
        var fixture = try DeskFixture.protected()
        fixture.price("89")
        let first = fixture.report(.rejected(fixture.exit("1").intent.clientID, reason: "no"), after: 100)
        guard case .exitFailing? = first.alarms.first else {
            Issue.record("\(first)")
            return
        }
        #expect(fixture.review(after: 900).placed.isEmpty)
        #expect(fixture.review(after: 1_000).placed.count == 1)
        fixture.report(.rejected(fixture.exit("1").intent.clientID, reason: "no"), after: 1_100)
        #expect(fixture.review(after: 2_900).placed.isEmpty)
        #expect(fixture.review(after: 3_000).placed.count == 1)
        fixture.fillExit("1", "2")
        #expect(fixture.held("1").status == .done)
    }

    @Test func `an exit whose answer is lost is not sent twice`() throws {
        var fixture = try DeskFixture.protected()
        fixture.price("89")
        fixture.report(.outcomeUnknown(fixture.exit("1").intent.clientID, reason: "timeout"))
        for second in 1...100 { #expect(fixture.review(after: Int64(second) * 1_000).placed.isEmpty) }
        let absent = fixture.report(.absent(fixture.exit("1").intent.clientID), after: 101_000)
        #expect(absent.placed.map(\.terms.quantity) == [d("2")])
    }

    @Test func `an exit that ended with trades owed waits for them`() throws {
        var fixture = try DeskFixture.protected()
        fixture.price("89")
        let exit = fixture.exit("1")
        fixture.report(.cancelled(exit.intent.clientID, filled: d("1.5"), reason: nil))
        #expect(fixture.review(after: 5_000).placed.map(\.terms.quantity) == [d("0.5")])
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a venue that may not be asked is waited for`() throws {
        var fixture = try DeskFixture.protected()
        fixture.report(.venueUnavailable(until: at(10_000), reason: "banned"))
        #expect(fixture.price("89").placed.isEmpty && fixture.held("1").status == .triggered)
        #expect(fixture.review(after: 9_000).placed.isEmpty)
        #expect(fixture.review(after: 10_000).placed.count == 1)
    }

    @Test func `a stop passes a halt, and a broken stream of fills`() throws {
        var fixture = try DeskFixture.protected()
        fixture.keep(fixture.desk.halt(.everything, reason: "by hand", at: at(1)))
        fixture.report(.streamGap(reason: "closed"))
        #expect(fixture.held("1").status == .held)
        #expect(fixture.price("89").placed.count == 1)
    }

    @Test func `the strategy's own resting exit makes way for its stop`() throws {
        var fixture = try DeskFixture.protected()
        fixture.open("2", limit(.sell, "1.5", "130"))
        let actions = fixture.price("89")
        #expect(actions.placed.map(\.terms.quantity) == [d("0.5")])
        #expect(actions.requests.contains(.cancel(fixture.order("2").reference)))
        fixture.fillExit("1", "0.5")
        let rest = fixture.report(.cancelled(fixture.clientID("2"), filled: d("0.5"), reason: nil))
        // What of it traded is unseen yet, and is not sold again.
        #expect(rest.placed.map(\.terms.quantity) == [d("1")])
        fixture.fill("2", "0.5", "130")
        fixture.fillExit("1", "1")
        #expect(fixture.position.quantity.isZero && fixture.held("1").status == .done)
    }

    @Test func `while an exit is on its way, nothing more is sold, and buying goes on`() throws {
        var fixture = try DeskFixture.protected(kind: .margin(leverage: d("3"), maintenance: .zero))
        fixture.price("89")
        let sale = fixture.submit("2", market(.sell, "3"))
        #expect(sale.toldOrders.first?.reason?.contains("is closing the BTCUSDT position") == true)
        #expect(fixture.submit("3", market(.buy, "1")).placed.count == 1)
        fixture.fillExit("1", "2")
        #expect(fixture.submit("4", market(.sell, "1")).placed.count == 1)
    }

    @Test func `dust that no venue takes ends the bracket with an alarm`() throws {
        var fixture = try DeskFixture()
        fixture.bracket("1", limit(.buy, "3", "99"), stop: "90")
        fixture.report(.accepted(fixture.clientID("1"), "v-1"))
        fixture.fill("1", "0.04", "99")
        let reached = fixture.price("89")
        // More of the entry may still come.
        #expect(reached.alarms.isEmpty && fixture.held("1").status == .triggered)
        let end = fixture.report(.cancelled(fixture.clientID("1"), filled: d("0.04"), reason: nil))
        #expect(fixture.held("1").status == .failed && end.alarms.count == 1)
    }

    // MARK: Deaths

    @Test func `a stop outlives its strategy, whatever becomes of the strategy's orders`() throws {
        for policy in [OpenOrderPolicy.keep, .cancel] {
            var fixture = try DeskFixture.protected()
            fixture.open("2", limit(.sell, "1", "130"))
            fixture.keep(fixture.desk.strategyDied("alpha", orders: policy, at: at(1)))
            #expect(fixture.held("1").status == .held)
            fixture.report(.cancelled(fixture.clientID("2"), filled: nil, reason: nil))
            #expect(fixture.price("89").placed.map(\.terms.quantity) == [d("2")])
        }
        var fixture = try DeskFixture.protected()
        fixture.keep(fixture.desk.strategyDied("alpha", orders: .cancel, keepsBrackets: false, at: at(1)))
        #expect(fixture.held("1").status == .cancelled && fixture.price("80").placed.isEmpty)
    }

    @Test func `a position that is flattened needs no bracket`() throws {
        var fixture = try DeskFixture.protected()
        let actions = fixture.keep(fixture.desk.strategyDied("alpha", orders: .flatten, at: at(1)))
        #expect(fixture.held("1").status == .cancelled && actions.placed.count == 1)
        #expect(fixture.price("80").placed.isEmpty)
    }

    @Test func `a host that died triggers at once on the first price beyond the stop`() throws {
        var fixture = try DeskFixture.protected()
        try fixture.restart()
        #expect(fixture.held("1").status == .held && fixture.desk.snapshot == fixture.journal)
        #expect(fixture.price("60").placed.map(\.terms) == [market(.sell, "2", reduceOnly: true)])
    }

    @Test func `a host that died with the exit unanswered asks, and sends no second one`() throws {
        var fixture = try DeskFixture.protected()
        fixture.price("89")
        try fixture.restart()
        #expect(fixture.exit("1").status == .unknown && fixture.price("80").placed.isEmpty)
        fixture.fillExit("1", "2")
        #expect(fixture.held("1").status == .done && fixture.position.quantity.isZero)
        var other = try DeskFixture.protected()
        other.price("89")
        try other.restart()
        other.report(.absent(other.exit("1").intent.clientID))
        #expect(other.review(after: 60_000).placed.map(\.terms.quantity) == [d("2")])
        #expect(other.desk.snapshot == other.journal)
    }
}
