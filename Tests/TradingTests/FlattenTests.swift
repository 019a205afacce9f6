import Testing

@testable import Trading

@Suite("Flatten, and how far it is")
struct FlattenTests {
    /// A strategy that holds 3 and has a buy waiting.
    private func fixture() throws -> DeskFixture {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "3"))
        fixture.fill("1", "3")
        fixture.open("2", limit(.buy, "1", "90"))
        return fixture
    }

    private func progress(_ fixture: DeskFixture) throws -> FlattenProgress {
        let all = fixture.desk.flattenProgress()
        try #require(all.count == 1)
        return all[0]
    }

    private func close(_ fixture: inout DeskFixture, _ place: PlaceRequest, _ quantity: String) {
        fixture.report(
            .trade(
                VenueTrade(
                    trade: TradeID("c\(place.clientID)"), clientID: place.clientID, venueOrderID: "c",
                    symbol: "BTCUSDT", side: .sell, price: d("100"), quantity: d(quantity), fee: .zero,
                    feeCurrency: "USDT", liquidity: .taker, time: at(3))))
    }

    @Test func `it cancels, then closes, and says so until the halt is lifted`() throws {
        var fixture = try fixture()
        #expect(fixture.desk.flattenProgress() == [])
        fixture.keep(fixture.desk.halt(.account("paper"), reason: "odd", orders: .flatten, at: at(1)))
        var now = try progress(fixture)
        #expect(now.step == .cancelling && now.quantity == d("3") && now.attempts == 0)
        #expect(now.orders.map(\.id) == [fixture.order("2").id] && now.reason == nil)
        let ended = fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        now = try progress(fixture)
        #expect(now.step == .closing && now.attempts == 1)
        #expect(now.orders.map(\.remainingQuantity) == [d("3")])
        close(&fixture, try #require(ended.placed.first), "3")
        now = try progress(fixture)
        #expect(now.step == .closed && now.quantity == .zero && now.orders == [])
        #expect(fixture.isJournaled)
        fixture.keep(fixture.desk.resume(.account("paper"), at: at(4)))
        #expect(fixture.desk.flattenProgress() == [])
        #expect(fixture.isJournaled)
    }

    @Test func `without a halt nothing is kept of what is closed`() throws {
        var fixture = try fixture()
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        #expect(try progress(fixture).step == .cancelling)
        let ended = fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        close(&fixture, try #require(ended.placed.first), "3")
        #expect(fixture.desk.flattenProgress() == [])
        #expect(fixture.isJournaled)
    }

    @Test func `it names the order whose outcome it waits for`() throws {
        var fixture = try fixture()
        fixture.submit("3", limit(.buy, "1", "80"))
        fixture.report(.outcomeUnknown(fixture.clientID("3"), reason: "the line went dead"))
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        let now = try progress(fixture)
        #expect(now.step == .waiting)
        #expect(now.reason == "the outcome of order 3 is unknown, and the venue is asked: the line went dead")
        #expect(fixture.report(.absent(fixture.clientID("3"))).placed.count == 1)
    }

    @Test func `it waits for a venue that may not be asked, and for the trades that one owes`() throws {
        var fixture = try fixture()
        fixture.report(.venueUnavailable(until: nil, reason: "banned"))
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        #expect(try progress(fixture).reason == "the venue of account paper may not be asked: banned")
        fixture.report(.venueAvailable)
        fixture.report(.cancelled(fixture.clientID("2"), filled: d("0.5"), reason: nil))
        let now = try progress(fixture)
        #expect(now.step == .waiting && now.reason == "the venue owes the trades of order 2")
    }

    @Test func `a cancel that the venue refuses again and again is told, with the venue's words`() throws {
        var fixture = try fixture()
        fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        fixture.report(.cancelRefused(fixture.clientID("2"), reason: "busy"))
        #expect(try progress(fixture).step == .cancelling)
        #expect(try progress(fixture).reason == "cancel refused: busy")
        for _ in 0..<6 { fixture.report(.order(fixture.venueOrder("2", .open, filled: "0"))) }
        #expect(try progress(fixture).step == .waiting)
        #expect(try progress(fixture).reason == "order 2 cannot be cancelled: cancel refused: busy")
    }

    @Test func `dust stays, and is called so`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", market(.buy, "1"))
        fixture.fill("1", "1", fee: "0.9995", currency: "BTC")
        fixture.keep(fixture.desk.halt(.everything, reason: "odd", orders: .flatten, at: at(1)))
        let now = try progress(fixture)
        #expect(now.step == .dust && now.quantity == d("0.0005"))
        #expect(
            now.reason == "what is left is dust: the quantity 0.0005 is less than the smallest step, 0.001")
    }

    @Test func `what the venue refuses three times is given up with its words, and tried again when asked`()
        throws
    {
        var fixture = try fixture()
        fixture.report(.cancelled(fixture.clientID("2"), filled: .zero, reason: nil))
        var actions = fixture.keep(
            fixture.desk.halt(.strategy("alpha"), reason: "odd", orders: .flatten, at: at(1)))
        for attempt in 1...3 {
            #expect(try progress(fixture).attempts == attempt)
            let time = Int64(attempt) * 10_000
            actions = fixture.report(.rejected(actions.placed[0].clientID, reason: "no funds"), after: time)
            #expect(actions.placed == [])
            guard attempt < 3 else { break }
            #expect(try progress(fixture).step == .waiting)
            #expect(
                try progress(fixture).reason
                    == "another closing order follows; the last was rejected: no funds")
            // What the strategy asks for meanwhile is denied, and is not taken for the closing order.
            let request = RequestID("x\(attempt)")
            #expect(fixture.submit(request, market(.buy, "1")).toldOrders.first?.status == .denied)
            #expect(fixture.keep(fixture.desk.review(at: at(time + 1_999))).placed == [])
            actions = fixture.keep(fixture.desk.review(at: at(time + 2_000)))
        }
        var now = try progress(fixture)
        #expect(now.step == .stuck && now.quantity == d("3"))
        #expect(
            now.reason == "three closing orders did not close it; the last was rejected: no funds")
        // It is told after a restart too.
        try fixture.restart()
        now = try progress(fixture)
        #expect(now.step == .stuck && now.reason?.hasSuffix("no funds") == true)
        #expect(fixture.isJournaled)
        actions = fixture.keep(fixture.desk.flatten(.strategy("alpha"), at: at(6)))
        #expect(try progress(fixture).step == .closing)
        close(&fixture, try #require(actions.placed.first), "3")
        #expect(try progress(fixture).step == .closed)
        #expect(fixture.desk.flaws == [])
    }

    @Test(
        "flattened once, twice or thrice at any moment, nothing is closed beyond what is held",
        arguments: 1...150 as ClosedRange<UInt64>)
    func neverOverCloses(seed: UInt64) throws {
        var world = try FlattenWorld(seed: seed)
        for _ in 0..<160 { try world.step() }
        #expect(world.flaws == [], "seed \(seed)")
        try world.comeToRest()
        #expect(world.flaws == [], "seed \(seed)")
        #expect(world.desk.flaws == [], "seed \(seed)")
        #expect(!world.held.values.contains { !$0.isZero }, "seed \(seed): \(world.held)")
        #expect(world.desk.flattenProgress().allSatisfy { $0.step == .closed }, "seed \(seed)")
    }
}

extension DeskFixture {
    /// Whether the journal has what the desk knows of halts and closings.
    fileprivate var isJournaled: Bool {
        let snapshot = desk.snapshot
        return snapshot.halts == journal.halts && snapshot.flattening == journal.flattening
            && snapshot.flattened == journal.flattened
    }
}

/// Two strategies on one account, a venue that answers late, loses answers, refuses, and a host that dies.
private struct FlattenWorld {
    struct Held {
        var place: PlaceRequest
        let id: VenueOrderID
        let key: LedgerKey
        let closes: Bool
        var quantity: FixedDecimal
        var filled = FixedDecimal.zero
        var isOpen = true

        var rest: FixedDecimal { FixedDecimal.difference(quantity, filled) }
    }

    var random: SplitMix64
    var desk: OrderDesk
    var journal = DeskSnapshot()
    var time: Int64 = 0
    var outbox: [VenueRequest] = []
    var orders: [ClientOrderID: Held] = [:]
    var trades: [VenueTrade] = []
    /// What is truly held.
    var held: [LedgerKey: FixedDecimal] = [:]
    var flaws: [String] = []
    var requests = 0
    var isCalm = false

    let strategies: [StrategyID] = ["alpha", "beta"]

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        desk = OrderDesk(at: at(0))
        Self.setUp(&desk)
        try enrol()
        tellPrices()
    }

    static func setUp(_ desk: inout OrderDesk) {
        DeskFixture.setUp(
            &desk, kind: .margin(leverage: d("100"), maintenance: d("0.001")), balance: "1000000")
    }

    mutating func enrol() throws {
        for strategy in strategies {
            carry(try desk.enrol(strategy, run: "run-1", on: "paper", capital: d("400000"), at: at(time)))
        }
    }

    mutating func tellPrices() {
        carry(desk.priceMoved(trade("100"), on: "paper", at: at(time)))
        carry(desk.priceMoved(trade("10", "ETHUSDT"), on: "paper", at: at(time)))
    }

    mutating func carry(_ actions: [DeskAction]) {
        for record in actions.records { journal.apply(record) }
        outbox += actions.requests
    }

    mutating func report(_ report: VenueReport) {
        carry(desk.venueReported(report, on: "paper", at: at(time)))
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    mutating func step() throws {
        time += Int64(number(0...700))
        switch number(0...99) {
        case 0..<25: askForOrder()
        case 25..<60: deliver()
        case 60..<78: fillSomething()
        case 78..<88: flatten()
        case 88..<91: for halt in desk.halts { carry(desk.resume(halt.scope, at: at(time))) }
        case 91..<97: carry(desk.review(at: at(time)))
        case 97..<98: carry(desk.audit("paper", at: at(time)))
        default: try restart()
        }
        look()
    }

    private mutating func askForOrder() {
        requests += 1
        let strategy = strategies[number(0...1)]
        let isBitcoin = random.chance(60)
        let (symbol, price) = isBitcoin ? ("BTCUSDT", number(95...105)) : ("ETHUSDT", number(9...11))
        let side: Side = random.chance(50) ? .buy : .sell
        let quantity = "\(number(1...9))"
        let terms =
            random.chance(40)
            ? market(side, quantity, symbol, reduceOnly: random.chance(20))
            : limit(side, quantity, "\(price)", symbol, reduceOnly: random.chance(20))
        carry(desk.submit(terms, request: RequestID("r\(requests)"), by: strategy, at: at(time)))
    }

    /// Once, twice or thrice in a row, with or without a halt.
    private mutating func flatten() {
        let scopes: [RiskScope] = [.everything, .account("paper"), .strategy("alpha"), .strategy("beta")]
        let scope = scopes[number(0...3)]
        for _ in 0..<number(1...3) {
            if random.chance(50) {
                carry(desk.flatten(scope, at: at(time)))
            } else {
                carry(desk.halt(scope, reason: "test", orders: .flatten, at: at(time)))
            }
        }
    }

    private mutating func restart() throws {
        outbox = []
        desk = OrderDesk(at: at(time))
        Self.setUp(&desk)
        carry(try desk.restore(from: journal, at: at(time)))
        try enrol()
        carry(desk.reconcile(at: at(time)))
        tellPrices()
    }

    /// One request of those that wait reaches the venue, or is lost.
    private mutating func deliver() {
        guard !outbox.isEmpty else { return }
        let luck = isCalm ? 0 : number(0...99)
        switch outbox.remove(at: isCalm ? 0 : number(0...outbox.count - 1)) {
        case .place(let place):
            if luck >= 94 {
                return report(.rejected(place.clientID, reason: "not now"))
            }
            if luck < 87 || random.chance(50) { arrive(place) }
            if luck < 87 {
                report(.accepted(place.clientID, VenueOrderID("v\(place.clientID)")))
            } else {
                report(.outcomeUnknown(place.clientID, reason: "lost"))
            }
        case .cancel(let order):
            guard let known = orders[order.clientID], known.isOpen, luck < 90 else {
                return report(.cancelRefused(order.clientID, reason: "busy, or unknown"))
            }
            orders[order.clientID]?.isOpen = false
            if luck < 80 { report(.cancelled(order.clientID, filled: known.filled, reason: nil)) }
        case .amend(let order, let amendment):
            guard let known = orders[order.clientID], known.isOpen, amendment.quantity > known.filled else {
                return report(.amendRefused(order.clientID, reason: "too late"))
            }
            orders[order.clientID]?.quantity = amendment.quantity
            report(.amended(order.clientID, amendment))
        case .status(let order):
            guard let known = orders[order.clientID] else { return report(.absent(order.clientID)) }
            report(.order(told(known)))
        case .trades(let cursor):
            let start = cursor.flatMap { Int($0) } ?? 0
            report(.trades(Array(trades[start...]), cursor: "\(trades.count)", isComplete: true))
        case .openOrders:
            report(.openOrders(orders.values.filter(\.isOpen).map(told)))
        // What the venue holds is not this test's.
        case .decided, .balances: break
        }
    }

    private mutating func arrive(_ place: PlaceRequest) {
        guard let order = place.clientID.order.flatMap({ desk.order($0) }) else {
            flaws.append("\(place.clientID) is not the desk's")
            return
        }
        orders[place.clientID] = Held(
            place: place, id: VenueOrderID("v\(place.clientID)"),
            key: LedgerKey(strategy: order.intent.strategy, account: "paper", symbol: place.terms.symbol),
            closes: order.intent.origin == .desk, quantity: place.terms.quantity)
    }

    private func told(_ order: Held) -> VenueOrder {
        VenueOrder(
            clientID: order.place.clientID, venueOrderID: order.id, symbol: order.key.symbol,
            side: order.place.terms.side, quantity: order.quantity, price: order.place.terms.price,
            filledQuantity: order.filled, averagePrice: nil,
            state: order.rest.isZero ? .filled : order.isOpen ? .open : .cancelled, reason: nil,
            time: at(time))
    }

    /// An order at the venue trades, in whole or in part; now and then the stream loses the news.
    private mutating func fillSomething() {
        let open = orders.values.filter { $0.isOpen && $0.rest.isPositive }.sorted { $0.id < $1.id }
        guard !open.isEmpty else { return }
        fill(open[number(0...open.count - 1)], isWhole: random.chance(50))
    }

    private mutating func fill(_ order: Held, isWhole: Bool) {
        let rest = order.rest
        let part = isWhole || rest <= .one ? rest : .one
        let trade = VenueTrade(
            trade: TradeID("t\(trades.count + 1)"), clientID: order.place.clientID, venueOrderID: order.id,
            symbol: order.key.symbol, side: order.place.terms.side,
            price: order.key.symbol == "BTCUSDT" ? d("100") : d("10"), quantity: part, fee: .zero,
            feeCurrency: "USDT", liquidity: .taker, time: at(time))
        let before = held[order.key] ?? .zero
        let signed = trade.side == .buy ? part : FixedDecimal.opposite(part)
        let after = FixedDecimal.sum(before, signed)
        if order.closes, FixedDecimal.size(after) > FixedDecimal.size(before) || !isSameSide(before, after) {
            flaws.append("a closing order took \(order.key) from \(before) to \(after)")
        }
        held[order.key] = after
        orders[order.place.clientID]?.filled = FixedDecimal.sum(order.filled, part)
        if rest == part { orders[order.place.clientID]?.isOpen = false }
        trades.append(trade)
        if isCalm || random.chance(85) { report(.trade(trade)) }
    }

    private func isSameSide(_ before: FixedDecimal, _ after: FixedDecimal) -> Bool {
        after.isZero || after.isPositive == before.isPositive
    }

    /// The closing orders that stand at the venue never come to more than is held.
    private mutating func look() {
        for (key, position) in held {
            var closing = FixedDecimal.zero
            for order in orders.values where order.closes && order.isOpen && order.key == key {
                closing = FixedDecimal.sum(closing, order.rest)
            }
            if closing > FixedDecimal.size(position) {
                flaws.append("\(closing) of \(key) is being closed, \(position) is held")
            }
        }
    }

    /// The venue and the network behave from here on; what is asked for is done.
    mutating func comeToRest() throws {
        isCalm = true
        for _ in 0..<12 {
            if desk.halts.isEmpty {
                carry(desk.halt(.everything, reason: "end", orders: .keep, at: at(time)))
            }
            carry(desk.flatten(.everything, at: at(time)))
            carry(desk.reconcile(at: at(time)))
            for _ in 0..<8 {
                while !outbox.isEmpty { deliver() }
                for order in orders.values.filter({ $0.isOpen && $0.closes }).sorted(by: { $0.id < $1.id }) {
                    if let current = orders[order.place.clientID], current.isOpen, current.rest.isPositive {
                        fill(current, isWhole: true)
                    }
                }
                look()
                time += 2_500
                carry(desk.review(at: at(time)))
            }
        }
    }
}
