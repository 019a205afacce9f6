import Testing
import Trading

@testable import Exchanges

private let sol = CoinSpotPair(coin: "sol", market: "aud")

private func entry(
    _ id: String, _ side: Side = .buy, _ amount: String = "1", _ rate: String = "100", created: Int64? = 0
) -> CoinSpotOpenOrder {
    CoinSpotOpenOrder(
        id: id, pair: sol, side: side, amount: d(amount), rate: d(rate), created: created.map { at($0) })
}

private func deal(
    _ id: String?, _ side: Side = .buy, _ amount: String = "1", _ rate: String = "100", at time: Int64 = 100
) -> CoinSpotDeal {
    CoinSpotDeal(
        id: id, pair: sol, side: side, amount: d(amount), rate: d(rate), time: at(time), type: "market")
}

@Suite("CoinSpot: whose order is it")
struct CoinSpotLedgerTests {
    private var ledger = CoinSpotLedger()

    /// Sends order 1, buy 1 SOL at 100, at time 0, and loses its answer a second later.
    private mutating func lose(_ number: Int = 1, _ side: Side = .buy) {
        ledger.preparing(clientID(number), sol, side, rate: d("100"), amount: d("1"), at: at(0))
        ledger.sending(clientID(number), at: at(0))
        ledger.lostAnswer(clientID(number), at: at(1_000))
    }

    private mutating func look(
        _ time: Int64, _ open: [CoinSpotOpenOrder] = [], _ deals: [CoinSpotDeal] = [], since: Int64? = nil
    ) -> [CoinSpotLedger.Finding] {
        ledger.look(
            open: open, deals: CoinSpotDeal.counted(deals), since: since.map { at($0) }, at: at(time))
    }

    @Test
    mutating func `S11: an order whose answer was lost is found in the book, once the dust has settled`() {
        lose()
        #expect(look(1_500, [entry("a", created: 400)]).isEmpty)
        #expect(look(4_000, [entry("a", created: 400)]) == [.adopted(clientID(1), "a")])
        #expect(ledger.placements[clientID(1)]?.state == .placed)
        #expect(look(6_000, [entry("a", created: 400)]).isEmpty)
    }

    @Test mutating func `S11: one that filled meanwhile is found among the deals, with an id or without`() {
        lose()
        let found = look(5_000, [], [deal("a")])
        #expect(
            found.first == .adopted(clientID(1), "a")
                && found.contains(.ended(clientID(1), .filled, filled: d("1"))))
        var other = CoinSpotLedgerTests()
        other.lose()
        let nameless = other.look(5_000, [], [deal(nil)])
        guard case .adopted(clientID(1), let id)? = nameless.first else {
            Issue.record("\(nameless)")
            return
        }
        #expect(id.hasPrefix("deal:"))
    }

    @Test mutating func `S11: one that no list shows was not placed, but not before the grace is over`() {
        lose()
        #expect(look(10_000).isEmpty)
        #expect(look(45_999).isEmpty)
        #expect(look(46_000) == [.notPlaced(clientID(1))])
        #expect(look(50_000).isEmpty)
    }

    @Test mutating func `S11: of two that fit none is taken, the market is frozen and a person is asked`() {
        lose()
        let twins = [entry("a", created: 300), entry("b", created: 500)]
        #expect(look(5_000, twins) == [.ambiguous(clientID(1), ["a", "b"])])
        #expect(ledger.obstacle(to: sol, .sell) == .frozen(clientID(1), ["a", "b"]))
        // That one of them goes may be the person's doing, and proves nothing about the other.
        #expect(look(9_000, [twins[0]]).isEmpty)
        #expect(ledger.obstacle(to: sol, .buy) == .frozen(clientID(1), ["a", "b"]))
        ledger.decide(clientID(1), as: "a")
        #expect(ledger.obstacle(to: sol, .buy) == nil)
        #expect(ledger.placements[clientID(1)]?.venueID == "a")
    }

    @Test(arguments: [
        entry("a", .sell), entry("a", .buy, "0.99999999"), entry("a", .buy, "1.1"),
        entry("a", .buy, "1", "100.00000001"),
        entry("a", created: -2_001), entry("a", created: 33_001),
    ])
    func `what differs in side, amount, rate or time is not it`(_ order: CoinSpotOpenOrder) {
        var test = CoinSpotLedgerTests()
        test.lose()
        for time in stride(from: Int64(2_000), through: 45_000, by: 1_000) {
            #expect(!test.look(time, [order]).contains { if case .adopted = $0 { true } else { false } })
        }
    }

    @Test mutating func `what was there before the order left is not it`() {
        ledger.preparing(clientID(1), sol, .buy, rate: d("100"), amount: d("1"), at: at(0))
        // Seen between: its time would fit.
        #expect(look(0, [entry("old", created: -500)]).isEmpty)
        ledger.sending(clientID(1), at: at(10))
        ledger.lostAnswer(clientID(1), at: at(1_000))
        #expect(look(5_000, [entry("old", created: -500)]).isEmpty)
        #expect(
            look(6_000, [entry("old", created: -500), entry("new", created: 100)]) == [
                .adopted(clientID(1), "new")
            ])
    }

    @Test
    mutating func `while an answer is missing nothing else is sent to the same side, and to the other it is`()
    {
        lose()
        #expect(ledger.obstacle(to: sol, .buy) == .unanswered(clientID(1)))
        #expect(ledger.obstacle(to: sol, .sell) == nil)
        #expect(ledger.obstacle(to: CoinSpotPair(coin: "BTC", market: "AUD"), .buy) == nil)
        _ = look(46_000)
        #expect(ledger.obstacle(to: sol, .buy) == nil)
    }

    @Test mutating func `S12: one that counted as not placed and shows up after all is ours again`() {
        lose()
        _ = look(46_000)
        #expect(look(60_000, [entry("late", created: 20_000)]) == [.adopted(clientID(1), "late")])
    }

    // MARK: - Deals

    private mutating func place(
        _ number: Int, _ id: String, _ amount: String = "1", _ rate: String = "100", at time: Int64 = 0
    ) {
        ledger.preparing(clientID(number), sol, .buy, rate: d(rate), amount: d(amount), at: at(time))
        ledger.sending(clientID(number), at: at(time))
        ledger.placed(clientID(number), as: id)
    }

    @Test(arguments: [true, false], ["a", nil])
    func
        `a part of an order is told whether the list shows what remains or what was ordered, with ids or without`(
            _ shrinks: Bool, _ id: String?
        )
    {
        var test = CoinSpotLedgerTests()
        test.place(1, "a", "2")
        let left = entry("a", .buy, shrinks ? "1.5" : "2")
        let part = deal(id, .buy, "0.5")
        #expect(
            test.look(1_000, [left], [part]) == [
                .deal(CoinSpotDeal.counted([part])[0], clientID(1), order: "a")
            ])
        let rest = deal(id, .buy, "1.5", at: 2_000)
        let end = test.look(3_000, [], [part, rest])
        #expect(end.count == 2 && end.last == .ended(clientID(1), .filled, filled: d("2")))
    }

    @Test mutating func `one row for a whole order at its mean rate is taken for its deals`() {
        place(1, "a", "2")
        #expect(look(1_000, [entry("a", .buy, "0.5")]).isEmpty)
        let end = look(2_000, [], [deal(nil, .buy, "2", "99.5")])
        #expect(end.contains(.ended(clientID(1), .filled, filled: d("2"))))
    }

    @Test mutating func `ids of deals that are no order's do not hide whose they are`() {
        place(1, "a", "1")
        #expect(
            look(1_000, [], [deal("t-77", .buy, "1")]).contains(.ended(clientID(1), .filled, filled: d("1"))))
    }

    @Test mutating func `a deal of an order by hand that was seen is not booked on ours`() {
        _ = look(0, [entry("hand", .buy, "1", "100", created: -9_000)])
        place(1, "a", "1", at: 100)
        _ = look(1_000, [entry("hand", .buy, "1", "100", created: -9_000), entry("a", created: 100)])
        // The one by hand came first and is served first.
        let told = look(2_000, [entry("a", created: 100)], [deal(nil, .buy, "1", at: 1_500)])
        guard case .deal(_, nil, "hand")? = told.first else {
            Issue.record("\(told)")
            return
        }
        #expect(told.count == 1)
    }

    @Test mutating func `an order that is gone without deals was cancelled, once they had time to come`() {
        place(1, "a")
        _ = look(1_000, [entry("a")])
        #expect(look(2_000).isEmpty && look(10_000).isEmpty)
        #expect(look(17_000) == [.ended(clientID(1), .cancelled, filled: .zero)])
    }

    @Test mutating func `E8: a deal that shows up after the end is still its own`() {
        place(1, "a")
        _ = look(1_000, [entry("a")])
        ledger.cancelled(clientID(1))
        _ = look(2_000)
        #expect(look(3_000) == [.ended(clientID(1), .cancelled, filled: .zero)])
        let late = look(4_000, [], [deal("a", .buy, "0.4", at: 1_800)])
        guard case .deal(_, .some(let id), _)? = late.first else {
            Issue.record("\(late)")
            return
        }
        #expect(id == clientID(1))
    }

    @Test mutating func `a shrunk order that is gone owes its deals for longer`() {
        place(1, "a", "2")
        _ = look(1_000, [entry("a", .buy, "1.5")])
        #expect(look(2_000).isEmpty && look(40_000).isEmpty)
        #expect(look(63_000) == [.ended(clientID(1), .cancelled, filled: d("0.5"))])
    }

    @Test mutating func `an order whose change left it with another id is found under that one`() {
        place(1, "a")
        _ = look(1_000, [entry("a")])
        ledger.lostEdit(clientID(1), to: d("101"))
        #expect(look(2_000, [entry("b", .buy, "1", "101", created: 1_500)]) == [.moved(clientID(1), "b")])
        #expect(ledger.placements[clientID(1)]?.rate == d("101"))
    }

    @Test mutating func `equal deals are told apart by their number, and each is told once`() {
        place(1, "a", "2")
        let twice = [deal(nil, .buy, "0.5"), deal(nil, .buy, "0.5")]
        let first = look(1_000, [entry("a", .buy, "1")], twice)
        #expect(first.count == 2)
        #expect(look(2_000, [entry("a", .buy, "1")], twice).isEmpty)
    }

    @Test mutating func `E3: a deal that is told otherwise goes by its first name, and counts once`() {
        place(1, "a", "2")
        let first = deal(nil, .buy, "0.5")
        _ = look(1_000, [entry("a", .buy, "1.5")], [first], since: 0)
        let changed = deal(nil, .buy, "0.5", "99")
        let told = look(2_000, [entry("a", .buy, "1.5")], [changed], since: 0)
        #expect(told == [.deal(changed, clientID(1), order: "a")])
        #expect(ledger.name(of: changed) == first.trade)
        #expect(ledger.placements[clientID(1)]?.accounted == d("0.5"))
        // Beside it, one of the same moment is a deal of its own.
        let second = deal(nil, .buy, "0.5", "98")
        _ = look(3_000, [entry("a", .buy, "1")], [changed, second], since: 0)
        #expect(ledger.name(of: second) == second.trade)
        #expect(ledger.placements[clientID(1)]?.accounted == d("1"))
    }
}

// MARK: - Property

/// A venue with orders of ours and of somebody else, who likes the same few rates and amounts. One seed, one history.
private struct World {
    struct Order {
        let id: String
        /// Ours, or nil for somebody else's.
        let owner: ClientOrderID?
        let side: Side
        let rate: FixedDecimal
        let ordered: FixedDecimal
        var filled = FixedDecimal.zero
        let created: Int64
        var isCancelled = false
        var isOpen: Bool { !isCancelled && filled < ordered }
    }

    var random: SplitMix64
    var ledger = CoinSpotLedger()
    var now: Int64 = 0
    var orders: [Order] = []
    var deals: [(deal: CoinSpotDeal, order: Int)] = []
    /// Requests that arrive later than their answer was given up.
    var travelling: [(at: Int64, order: Order)] = []
    /// Orders of somebody else's that a look has shown, which cannot be taken for ours.
    var seen: Set<String> = []
    var told: Set<TradeID> = []
    var flaws: [String] = []
    /// Orders of ours for which one was taken that nothing told from them.
    var mistaken: Set<ClientOrderID> = []
    var adoptions = 0, freezes = 0, absences = 0, untellable = 0
    let shrinks: Bool
    let hasIDs: Bool
    let lag: Int64
    private var number = 0

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        shrinks = random.chance(50)
        hasIDs = random.chance(50)
        lag = random.chance(50) ? 0 : Int64.random(in: 1...4_000, using: &random)
    }

    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }

    var shownOpen: [CoinSpotOpenOrder] {
        orders.filter(\.isOpen).map {
            CoinSpotOpenOrder(
                id: $0.id, pair: sol, side: $0.side,
                amount: shrinks ? $0.ordered.less($0.filled) : $0.ordered,
                rate: $0.rate, created: at($0.created))
        }
    }

    var shownDeals: [CoinSpotDeal] {
        CoinSpotDeal.counted(deals.map(\.deal).filter { $0.time <= at(now - lag) })
    }

    mutating func add(_ owner: ClientOrderID?, _ side: Side, _ rate: FixedDecimal, _ amount: FixedDecimal)
        -> Order
    {
        number += 1
        return Order(id: "o\(number)", owner: owner, side: side, rate: rate, ordered: amount, created: now)
    }

    mutating func step(_ place: Int) {
        now += Int64.random(in: 100...2_500, using: &random)
        for item in travelling where item.at <= now { orders.append(item.order) }
        travelling.removeAll { $0.at <= now }
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: placeOurs(place)
        case 2, 3:
            let (side, rate, amount) = (pick(Side.allCases), pick(["99", "100"]), pick(["1", "2"]))
            orders.append(add(nil, side, d(rate), d(amount)))
        case 4, 5: fill()
        case 6:
            let open = orders.indices.filter { orders[$0].isOpen && orders[$0].owner == nil }
            if let index = open.randomElement(using: &random) { orders[index].isCancelled = true }
        default: look()
        }
    }

    private mutating func placeOurs(_ place: Int) {
        let id = clientID(place + 1)
        let (side, rate, amount) = (pick(Side.allCases), d(pick(["99", "100"])), d(pick(["1", "2"])))
        guard ledger.obstacle(to: sol, side) == nil else { return }
        ledger.preparing(id, sol, side, rate: rate, amount: amount, at: at(now))
        look()
        ledger.sending(id, at: at(now))
        let order = add(id, side, rate, amount)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            orders.append(order)
            ledger.placed(id, as: order.id)
        case 1:
            orders.append(order)
            now += 500
            ledger.lostAnswer(id, at: at(now))
        case 2:
            let later = now + Int64.random(in: 0...20_000, using: &random)
            let late = Order(
                id: order.id, owner: id, side: side, rate: rate, ordered: amount, created: later)
            travelling.append((later, late))
            now += 500
            ledger.lostAnswer(id, at: at(now))
        default:
            now += 500
            ledger.lostAnswer(id, at: at(now))
        }
    }

    private mutating func fill() {
        let open = orders.indices.filter { orders[$0].isOpen }
        guard let index = open.randomElement(using: &random) else { return }
        let order = orders[index]
        let left = order.ordered.less(order.filled)
        let amount = random.chance(60) ? left : min(left, d("0.5"))
        orders[index].filled = order.filled.plus(amount)
        deals.append(
            (
                CoinSpotDeal(
                    id: hasIDs ? order.id : nil, pair: sol, side: order.side, amount: amount,
                    rate: order.rate,
                    time: at(now), type: "market"), index
            ))
    }

    mutating func look() {
        let (open, shown) = (shownOpen, shownDeals)
        let before = ledger.placements
        let findings = ledger.look(open: open, deals: shown, at: at(now))
        for finding in findings {
            switch finding {
            case .adopted(let id, let venueID): judge(id, venueID, before[id], open)
            case .notPlaced(let id):
                absences += 1
                if let index = orders.firstIndex(where: { $0.owner == id }) {
                    let isShown = orders[index].isOpen || shown.contains { $0.id == orders[index].id }
                    if isShown { flaws.append("order \(id) is at the venue and was said not to be") }
                }
            case .ambiguous: freezes += 1
            case .deal(let deal, let owner, _):
                if !told.insert(deal.trade).inserted { flaws.append("deal \(deal.trade) was told twice") }
                if hasIDs,
                    let truth = orders.first(where: { $0.id == deal.id })?.owner, let owner, truth != owner,
                    !mistaken.contains(truth)
                {
                    flaws.append("deal \(deal.trade) of \(truth) went to \(owner)")
                }
            case .ended, .moved: break
            }
        }
        for order in open {
            let owner = orders.first { $0.id == order.id }?.owner
            if owner.map(mistaken.contains) ?? true { seen.insert(order.id) }
        }
        let ids = ledger.placements.values.compactMap(\.venueID)
        if Set(ids).count != ids.count { flaws.append("two orders of ours go under one id") }
    }

    /// Whether somebody else's order is like ours in everything that lists show: at a better rate only when it was dealt in
    /// the moment when ours must have arrived.
    private func isLike(_ order: Order, _ asked: CoinSpotLedger.Placement) -> Bool {
        guard let rate = asked.rate, order.side == asked.side else { return false }
        let isBetter = asked.side == .buy ? order.rate < rate : order.rate > rate
        let dealt = deals.filter { $0.deal.id == order.id }.map(\.deal.time).max()
        let isAtOnce = dealt.map { $0 <= asked.leftBy.advanced(byMilliseconds: 2_000) } ?? false
        return order.rate == rate || isBetter && isAtOnce
    }

    /// A wrong order may be adopted only when ours is not to be seen and the wrong one is like it in everything.
    private mutating func judge(
        _ id: ClientOrderID, _ venueID: String, _ asked: CoinSpotLedger.Placement?,
        _ open: [CoinSpotOpenOrder]
    ) {
        adoptions += 1
        guard let asked else { return }
        let own = orders.first { $0.owner == id }
        let fitting = open.filter { order in
            order.side == asked.side && order.rate == asked.rate && order.amount == asked.amount
                && (order.id == own?.id || !seen.contains(order.id))
                && order.created.map {
                    $0 >= asked.sentAt.advanced(byMilliseconds: -2_000)
                        && $0 <= asked.leftBy.advanced(byMilliseconds: 32_000)
                } ?? true
                && !ledger.placements.values.contains { $0.venueID == order.id && $0.clientID != id }
        }
        if fitting.count > 1 { flaws.append("order \(id) was adopted though \(fitting.map(\.id)) fit") }
        let isRight =
            venueID == own?.id
            || (venueID.hasPrefix("deal:")
                && deals.contains { orders[$0.order].owner == id && venueID == "deal:\($0.deal.trade)" })
        guard !isRight else { return }
        let isOursShown =
            own.map { order in
                order.isOpen || shownDeals.contains { $0.id == order.id }
            } ?? false
        let taken = orders.first { $0.id == venueID }
        if isOursShown {
            flaws.append("order \(id) is \(own?.id ?? ""), and \(venueID) was adopted")
        } else if venueID.hasPrefix("deal:") || taken.map({ isLike($0, asked) }) ?? false {
            untellable += 1
            mistaken.insert(id)
        } else {
            flaws.append("order \(id) was taken for \(venueID), which differs from it")
        }
    }
}

@Suite("CoinSpot: whose order is it, in a thousand histories")
struct CoinSpotLedgerPropertyTests {
    @Test func `no wrong order is adopted while ours is to be seen, and doubt freezes`() {
        var (adoptions, freezes, absences, untellable) = (0, 0, 0, 0)
        for seed in 0..<UInt64(1_000) {
            var world = World(seed: seed)
            for place in 0..<60 { world.step(place) }
            world.now += 60_000
            world.look()
            #expect(world.flaws.isEmpty, "seed \(seed): \(world.flaws)")
            guard world.flaws.isEmpty else { return }
            adoptions += world.adoptions
            freezes += world.freezes
            absences += world.absences
            untellable += world.untellable
        }
        // Otherwise the histories would not be about what they should.
        #expect(adoptions > 1_000 && freezes > 100 && absences > 300)
        // What nothing can tell apart is rare even among people who like the same few prices.
        #expect(untellable * 3 < adoptions, "\(untellable) of \(adoptions)")
    }
}
