import Testing

@testable import Trading

/// Brackets under random prices, partial fills, refusals, lost answers, orders of the strategy's own and restarts.
@Suite("Brackets, by chance")
struct BracketPropertyTests {
    @Test(arguments: UInt64(0)..<8)
    func `no bracket closes more than it protects, and one leg executes`(_ part: UInt64) throws {
        for seed in part * 50..<part * 50 + 50 {
            var history = try BracketHistory(seed: seed)
            for _ in 0..<120 {
                try history.step()
                let flaws = history.flaws
                guard flaws.isEmpty else {
                    Issue.record("seed \(seed), step \(history.steps): \(flaws.joined(separator: "; "))")
                    return
                }
            }
            try history.settle()
            #expect(history.endFlaws == [], "seed \(seed)")
        }
    }
}

/// A venue that does what chance says, and the desk before it.
private struct BracketHistory {
    var fixture: DeskFixture
    var random: SplitMix64
    var steps = 0
    private var time: Int64 = 0
    private var price = 100
    private var requests = 0
    private let isMargin: Bool
    /// The legs that were seen to execute.
    private var legs: [OrderID: Bracket.Leg] = [:]
    private(set) var broken: [String] = []

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        isMargin = random.chance(50)
        fixture = try DeskFixture(
            kind: isMargin ? .margin(leverage: d("5"), maintenance: .zero) : .spot, capital: "100000")
    }

    mutating func step() throws {
        steps += 1
        time += Int64.random(in: 1...1_500, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<3: enter()
        case 3: protect()
        case 4..<9: movePrice()
        case 9..<15: answer()
        case 15: tradeAlone()
        case 16: cancelSomething()
        case 17: if random.chance(30) { try die() }
        default: take(fixture.desk.review(at: at(time)))
        }
    }

    private mutating func take(_ actions: [DeskAction]) {
        for bracket in fixture.keep(actions).toldBrackets {
            guard let leg = bracket.leg else { continue }
            if let known = legs[bracket.id], known != leg {
                broken.append("both legs of bracket \(bracket.id) executed")
            }
            legs[bracket.id] = leg
        }
    }

    private func near(_ distance: ClosedRange<Int>, _ random: inout SplitMix64) -> FixedDecimal {
        FixedDecimal(max(1, price + Int.random(in: distance, using: &random)))
    }

    private mutating func request() -> RequestID {
        requests += 1
        return RequestID("\(requests)")
    }

    private mutating func enter() {
        let side: Side = isMargin && random.chance(50) ? .sell : .buy
        var terms = OrderTerms(
            symbol: "BTCUSDT", side: side, type: .market,
            quantity: FixedDecimal(Int.random(in: 1...4, using: &random)))
        if random.chance(50) { (terms.type, terms.price) = (.limit, near(-2...2, &random)) }
        let up = near(3...12, &random)
        let down = near(-12 ... -3, &random)
        var prices = BracketPrices(
            stopLoss: side == .buy ? down : up, takeProfit: side == .buy ? up : down)
        if random.chance(25) { prices.takeProfit = nil }
        let request = request()
        take(fixture.desk.submit(terms, bracket: prices, request: request, by: "alpha", at: at(time)))
    }

    private mutating func protect() {
        let position = fixture.position.quantity
        guard !position.isZero else { return }
        let side: Side = position.isPositive ? .sell : .buy
        let (low, high) = (near(-9 ... -1, &random), near(1...9, &random))
        let prices = BracketPrices(
            stopLoss: side == .sell ? low : high, takeProfit: side == .sell ? high : low)
        let request = request()
        take(
            fixture.desk.protect(
                "BTCUSDT", side: side, quantity: .one, prices: prices, request: request, by: "alpha",
                at: at(time)))
    }

    private mutating func movePrice() {
        price = max(20, price + Int.random(in: -5...5, using: &random))
        take(fixture.desk.priceMoved(trade("\(price)"), on: "paper", at: at(time)))
    }

    /// The strategy sells, or buys back, by itself.
    private mutating func tradeAlone() {
        let position = fixture.position.quantity
        guard !position.isZero else { return }
        let terms = OrderTerms(
            symbol: "BTCUSDT", side: position.isPositive ? .sell : .buy,
            type: random.chance(50) ? .market : .limit, quantity: .one,
            price: nil, reduceOnly: true)
        var asked = terms
        if asked.type == .limit { asked.price = near(-8...8, &random) }
        let request = request()
        take(fixture.desk.submit(asked, request: request, by: "alpha", at: at(time)))
    }

    private mutating func cancelSomething() {
        if random.chance(50), let order = fixture.desk.liveOrders().randomElement(using: &random),
            let request = order.intent.request
        {
            take(fixture.desk.cancel(request, by: "alpha", at: at(time)))
        } else if random.chance(30), let bracket = fixture.desk.liveBrackets().randomElement(using: &random) {
            take(fixture.desk.cancelBracket(bracket.id, reason: "by hand", at: at(time)))
        }
    }

    private mutating func die() throws {
        var next = OrderDesk(at: at(time))
        DeskFixture.setUp(&next, kind: fixture.desk.gate.accounts[0].settings.kind)
        fixture.desk = next
        take(try fixture.desk.restore(from: fixture.journal, at: at(time)))
        take(try fixture.desk.enrol("alpha", run: "2", on: "paper", capital: d("100000"), at: at(time)))
    }

    // MARK: The venue

    /// The venue says something about an order: it trades, ends, is refused, or the answer is lost.
    private mutating func answer() {
        guard let order = fixture.desk.liveOrders().randomElement(using: &random) else { return }
        let id = order.intent.clientID
        if order.status == .pending || order.status == .unknown {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: return report(.rejected(id, reason: "no"))
            case 1 where order.status == .pending: return report(.outcomeUnknown(id, reason: "timeout"))
            case 2 where order.status == .unknown: return report(.absent(id))
            default: report(.accepted(id, VenueOrderID("v\(order.id)")))
            }
        }
        guard let now = fixture.desk.order(order.id), !now.status.isTerminal else { return }
        if now.cancelWanted || random.chance(15) {
            report(.cancelled(id, filled: now.filledQuantity, reason: nil))
        } else if random.chance(70) {
            fill(now, whole: random.chance(50))
        }
    }

    private mutating func fill(_ order: Order, whole: Bool) {
        // A spot venue sells what is there; a reduce-only order closes what is there.
        var most = order.remainingQuantity
        if order.intent.terms.reduceOnly || !isMargin && order.side == .sell {
            let held = fixture.position.quantity
            let closes = (order.side == .sell) == held.isPositive ? FixedDecimal.size(held) : .zero
            guard closes >= most else {
                return report(.cancelled(order.intent.clientID, filled: order.filledQuantity, reason: "none"))
            }
        }
        guard most.isPositive else { return }
        if !whole { most = FixedDecimal.stepped(FixedDecimal(units: most.units / 2), bitcoin.stepSize, .up) }
        fixture.trades += 1
        report(
            .trade(
                VenueTrade(
                    trade: TradeID("t\(fixture.trades)"), clientID: order.intent.clientID,
                    venueOrderID: VenueOrderID("v\(order.id)"), symbol: order.symbol, side: order.side,
                    price: FixedDecimal(price), quantity: most, fee: .zero, feeCurrency: "USDT",
                    liquidity: .taker, time: at(time))))
    }

    private mutating func report(_ report: VenueReport) {
        take(fixture.desk.venueReported(report, on: "paper", at: at(time)))
    }

    /// Lets everything under way come to its end.
    mutating func settle() throws {
        for _ in 0..<60 {
            time += 61_000
            take(fixture.desk.review(at: at(time)))
            for order in fixture.desk.liveOrders() {
                let id = order.intent.clientID
                if order.status == .pending || order.status == .unknown {
                    report(.accepted(id, VenueOrderID("v\(order.id)")))
                }
                guard let now = fixture.desk.order(order.id), !now.status.isTerminal else { continue }
                if now.cancelWanted {
                    report(.cancelled(id, filled: now.filledQuantity, reason: nil))
                } else if now.intent.origin == .desk {
                    fill(now, whole: true)
                }
            }
        }
    }

    // MARK: What must hold

    /// What must hold at every moment.
    var flaws: [String] {
        var flaws = broken + fixture.desk.flaws
        let position = fixture.position.quantity
        for side in Side.allCases {
            let held = (side == .sell) == position.isPositive ? FixedDecimal.size(position) : .zero
            var (protected, leaving) = (FixedDecimal.zero, FixedDecimal.zero)
            for bracket in fixture.desk.liveBrackets() where bracket.side == side {
                protected = FixedDecimal.sum(protected, bracket.quantity)
            }
            for order in fixture.desk.liveOrders() where order.side == side && order.intent.origin == .desk {
                leaving = FixedDecimal.sum(leaving, order.remainingQuantity)
            }
            if protected > held { flaws.append("\(protected) protected of \(held)") }
            if leaving > held { flaws.append("exits of \(leaving) for \(held)") }
        }
        for bracket in fixture.desk.brackets.all.values {
            let entry = bracket.hasEntry ? fixture.desk.order(bracket.id) : nil
            if let entry, bracket.status.isLive, bracket.armed != entry.filledQuantity {
                flaws.append(
                    "bracket \(bracket.id) is armed for \(bracket.armed), filled \(entry.filledQuantity)")
            }
            if bracket.closed > bracket.armed {
                flaws.append("bracket \(bracket.id) closed more than it has")
            }
            let parts = FixedDecimal.sum(
                FixedDecimal.sum(bracket.closed, bracket.released), bracket.quantity)
            if bracket.status.isLive, parts != bracket.armed {
                flaws.append("the parts of bracket \(bracket.id) come to \(parts), not \(bracket.armed)")
            }
        }
        if fixture.desk.snapshot.brackets != fixture.journal.brackets { flaws.append("the journal differs") }
        return flaws
    }

    /// What must hold once all is quiet.
    var endFlaws: [String] {
        flaws
            + fixture.desk.liveBrackets().filter { $0.status == .triggered }.map {
                "bracket \($0.id) was reached and still protects \($0.quantity)"
            }
    }
}
