import Exchanges
import Testing
import Trading

/// A host in small: the desk, a journal that lags, the paper venue, and a network that loses answers; all of it can be
/// killed at every step. One seed, one history.
private final class Simulation {
    var random: SplitMix64
    var desk: OrderDesk
    /// What is durable, and what waits to be.
    var journal = DeskSnapshot()
    var unwritten: [Work] = []
    var store = MemoryStore()
    var venue: PaperVenue
    /// Answers on their way back.
    var answers: [VenueReport] = []
    var time: Int64 = 0
    var requests = 0
    var price = 100
    var filled: [OrderID: FixedDecimal] = [:]
    var flaws: [String] = []

    /// What the host still has to do: write the records of one call, all or none, or send.
    enum Work {
        case commit([DeskEvent])
        case send(AccountID, VenueRequest)
    }

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        desk = Simulation.newDesk()
        venue = Simulation.newVenue(store)
        bindVenue()
        keep(enrol())
    }

    static func newDesk() -> OrderDesk {
        var desk = OrderDesk(settings: .init(questionMilliseconds: 50), at: at(0))
        desk.setInstruments([bitcoin], at: "paper")
        desk.setAccount(
            AccountSettings(
                id: "paper", venue: "paper", kind: .margin(leverage: d("10"), maintenance: d("0.001")),
                currency: "USDT", balance: d("1000000")))
        return desk
    }

    static func newVenue(_ store: MemoryStore) -> PaperVenue {
        let venue = PaperVenue(
            store: store, instruments: [bitcoin], settings: MatchingSettings(participation: d("0.3")),
            pageSize: 4
        ) { at(0) }
        venue.openAccount(
            "paper", kind: .margin(leverage: d("20"), maintenance: d("0.0001")), currency: "USDT",
            balance: d("1000000"))
        store.settle()
        return venue
    }

    func bindVenue() {
        venue.onReport = { [unowned self] _, report in answers.append(report) }
    }

    func enrol() -> [DeskAction] {
        ["alpha", "beta"].flatMap {
            (try? desk.enrol($0, run: "run", on: "paper", capital: d("100000"), at: now)) ?? []
        }
    }

    var now: Timestamp { at(time) }

    func keep(_ actions: [DeskAction]) {
        var records: [DeskEvent] = []
        var sends: [Work] = []
        for action in actions {
            switch action {
            case .record(let event): records.append(event)
            case .send(let account, let request): sends.append(.send(account, request))
            case .tell, .alarm: break
            }
        }
        if !records.isEmpty { unwritten.append(.commit(records)) }
        unwritten += sends
        for case .tell(_, .order(let order)) in actions {
            if order.filledQuantity < filled[order.id] ?? .zero {
                flaws.append("order \(order.id) lost fills")
            }
            filled[order.id] = order.filledQuantity
        }
    }

    /// Does what waits longest: records become durable, a request leaves.
    func write(_ count: Int) {
        for _ in 0..<min(count, unwritten.count) {
            switch unwritten.removeFirst() {
            case .commit(let events): for event in events { journal.apply(event) }
            case .send(let account, let request):
                venue.carryOut(request, on: account) { [unowned self] report in
                    if case .place(let place) = request, random.chance(10) {
                        // The answer is lost, whatever it was.
                        if case .sent = report { return answers.append(report) }
                        return answers.append(.outcomeUnknown(place.clientID, reason: "timeout"))
                    }
                    if case .amend = request, random.chance(10) {
                        return answers.append(.unanswered(request, reason: "timeout"))
                    }
                    answers.append(report)
                    if random.chance(10) { answers.append(report) }
                }
            }
        }
    }

    func step() {
        time += Int64.random(in: 1...20, using: &random)
        let strategy: StrategyID = random.chance(50) ? "alpha" : "beta"
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25:
            requests += 1
            let side: Side = random.chance(50) ? .buy : .sell
            let near = "\(price + Int.random(in: -4...4, using: &random))"
            let terms = order(
                side, "\(Int.random(in: 1...9, using: &random))", random.chance(40) ? nil : near)
            keep(desk.submit(terms, request: RequestID("\(requests)"), by: strategy, at: now))
        case 25..<33:
            guard let order = desk.liveOrders(of: strategy).randomElement(using: &random),
                let request = order.intent.request
            else { return }
            keep(desk.cancel(request, by: strategy, at: now))
        case 33..<38:
            guard let order = desk.liveOrders(of: strategy).randomElement(using: &random),
                let request = order.intent.request
            else { return }
            keep(
                desk.amend(
                    request,
                    quantity: random.chance(70) ? d("\(Int.random(in: 1...12, using: &random))") : nil,
                    price: order.price == nil || random.chance(50)
                        ? nil : d("\(price + Int.random(in: -4...4, using: &random))"),
                    by: strategy, at: now))
        case 38..<53:
            price = max(50, price + Int.random(in: -3...3, using: &random))
            let event = candle("\(price)", high: "\(price + 3)", low: "\(price - 3)", volume: "30")
            keep(desk.priceMoved(event, on: "paper", at: now))
            venue.marketMoved(event)
        case 53..<68: write(Int.random(in: 1...12, using: &random))
        case 68..<78: for _ in 0..<Int.random(in: 1...6, using: &random) { store.step() }
        case 78..<95:
            for _ in 0..<Int.random(in: 1...6, using: &random) where !answers.isEmpty {
                // Streams and answers overtake each other at times.
                let index = random.chance(80) ? 0 : Int.random(in: 0..<answers.count, using: &random)
                keep(desk.venueReported(answers.remove(at: index), on: "paper", at: now))
            }
        case 95..<97: keep(desk.review(at: now))
        case 97: crash()
        case 98 where random.chance(30): keep(desk.strategyDied(strategy, orders: .cancel, at: now))
        default: keep(enrol())
        }
    }

    /// `kill -9`: what was not durable is gone, here and at the venue, and answers on their way too.
    func crash() {
        unwritten = []
        answers = []
        filled = [:]
        store = MemoryStore(store.disk)
        venue = Simulation.newVenue(store)
        bindVenue()
        desk = Simulation.newDesk()
        guard let actions = try? desk.restore(from: journal, at: now) else {
            flaws.append("the desk could not be restored")
            return
        }
        keep(actions)
        keep(desk.reconcile(at: now))
        keep(enrol())
    }

    /// Lets everything that is under way come to its end.
    func settle() {
        for _ in 0..<2_000 {
            if unwritten.isEmpty, store.waiting == 0, answers.isEmpty { return }
            write(.max)
            store.settle()
            let told = answers
            answers = []
            for report in told { keep(desk.venueReported(report, on: "paper", at: now)) }
        }
        flaws.append("it does not come to rest")
    }

    func check() {
        let clientIDs = store.disk.orders.values.compactMap(\.clientID)
        if Set(clientIDs).count != clientIDs.count { flaws.append("an order is at the venue twice") }
        let held = desk.positions(at: now).reduce(Int128(0)) { $0 + $1.quantity.units }
        let traded = store.disk.trades.reduce(Int128(0)) {
            $0 + ($1.trade.side == .buy ? $1.trade.quantity.units : -$1.trade.quantity.units)
        }
        if held != traded { flaws.append("the desk holds \(held), the venue traded \(traded)") }
        for order in store.disk.orders.values {
            guard let number = order.clientID?.order, let known = desk.order(number) else {
                flaws.append("the venue has order \(order.number), the desk does not")
                continue
            }
            if known.filledQuantity != order.filledQuantity {
                flaws.append("order \(number): \(known.filledQuantity) of \(order.filledQuantity) booked")
            }
            if order.state != .rejected,
                known.quantity != order.terms.quantity || known.price != order.terms.price
            {
                flaws.append(
                    "order \(number) is for \(order.terms.quantity) at \(String(describing: order.terms.price)) there "
                        + "and for \(known.quantity) at \(String(describing: known.price)) here")
            }
            if (order.state == .open) == known.status.isTerminal {
                flaws.append("order \(number) is \(order.state) there and \(known.status) here")
            }
        }
        if desk.snapshot != journal { flaws.append("the journal does not hold what the desk does") }
    }
}

@Suite("Desk and venue under faults")
struct DeskSimulationTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func `whatever is lost, doubled, late or killed, desk and venue agree in the end`(_ seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        for _ in 0..<600 where simulation.flaws.isEmpty { simulation.step() }
        simulation.settle()
        for _ in 0..<8 {
            simulation.time += 1_000
            simulation.keep(simulation.desk.review(at: simulation.now))
            simulation.settle()
        }
        simulation.keep(simulation.desk.reconcile(at: simulation.now))
        simulation.settle()
        simulation.check()
        // R7: once more changes nothing.
        let before = simulation.desk.snapshot
        simulation.keep(simulation.desk.reconcile(at: simulation.now))
        simulation.settle()
        if simulation.desk.snapshot != before {
            simulation.flaws.append("a second reconciliation changed something")
        }
        #expect(simulation.flaws == [], "seed \(seed)")
        #expect(simulation.store.disk.trades.count > 0, "seed \(seed)")
    }
}
