import Dispatch
import Glibc
import Journal
import Posix
import Synchronization
import TestSupport
import Testing
import Trading

@testable import Host

/// Events as a desk might record them, from a seed: any kind, about a few strategies, orders and symbols.
private struct EventSource {
    private var state: UInt64
    private var lastOrder: Int64 = 0
    private var lastTrade = 0
    private var orders: [OrderID: Order] = [:]
    private var brackets: [OrderID: Bracket] = [:]

    init(seed: UInt64) { state = seed &+ 0x1234_5678 }

    private mutating func number(_ range: Range<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int((state >> 33) % UInt64(range.count))
    }

    private mutating func decimal() -> FixedDecimal {
        FixedDecimal(units: Int128(number(0..<1_000_000_000)) * Int128(1 + number(0..<1_000_000_000)))
    }

    private mutating func maybe<Value>(_ value: Value) -> Value? { number(0..<2) == 0 ? nil : value }
    private mutating func one<Value>(_ values: [Value]) -> Value { values[number(0..<values.count)] }

    private mutating func strategy() -> StrategyID { one(["grid-1", "grid-2", "rsi \"é\"", .external]) }
    private mutating func account() -> AccountID { one(["paper", "margin"]) }
    private mutating func symbol() -> String { one(["BTCUSDT", "ETHINR"]) }
    private mutating func time() -> Timestamp { Timestamp(milliseconds: Int64(number(0..<2_000_000_000))) }
    private mutating func key() -> LedgerKey {
        LedgerKey(strategy: strategy(), account: account(), symbol: symbol())
    }

    private mutating func order() -> Order {
        let candidates = orders.values.sorted { $0.id < $1.id }
        let known = candidates.isEmpty || number(0..<3) == 0 ? nil : one(candidates)
        let intent: OrderIntent
        if let known {
            intent = known.intent
        } else {
            lastOrder += Int64(number(1..<3))
            let (strategy, run): (StrategyID, RunID) = (strategy(), "run-1")
            let id = OrderID(lastOrder)
            intent = OrderIntent(
                id: id, clientID: ClientOrderID(prefix: .init(strategy: strategy, run: run), order: id),
                strategy: strategy, run: run, account: account(), venue: "paper",
                request: maybe(RequestID("r\(lastOrder)")), origin: one(OrderOrigin.allCases),
                terms: OrderTerms(
                    symbol: symbol(), side: one(Side.allCases), type: one(OrderType.allCases),
                    quantity: decimal(), price: maybe(decimal()), stopPrice: maybe(decimal()),
                    timeInForce: one(TimeInForce.allCases), postOnly: one([true, false]),
                    reduceOnly: one([true, false])), reservePrice: decimal(), createdAt: time())
        }
        let order = Order(
            intent: intent, status: one(OrderStatus.allCases), quantity: decimal(), price: maybe(decimal()),
            filledQuantity: decimal(), filledNotional: decimal(), fee: decimal(),
            venueOrderID: maybe(VenueOrderID("v\(intent.id)")), reason: maybe("why \"not\"\n"),
            cancelWanted: one([true, false]),
            amendment: maybe(Amendment(quantity: decimal(), price: maybe(decimal()))),
            venueFilledQuantity: decimal(), inferredQuantity: decimal(), updatedAt: time())
        orders[order.id] = order
        return order
    }

    private mutating func bracket() -> Bracket {
        let candidates = brackets.values.sorted { $0.id < $1.id }
        let known = candidates.isEmpty || number(0..<3) == 0 ? nil : one(candidates)
        if known == nil { lastOrder += Int64(number(1..<3)) }
        let bracket = Bracket(
            id: known?.id ?? OrderID(lastOrder), key: known?.key ?? key(), run: "run-1",
            request: known?.request ?? RequestID("b\(lastOrder)"),
            hasEntry: known?.hasEntry ?? one([true, false]), side: known?.side ?? one(Side.allCases),
            prices: BracketPrices(stopLoss: maybe(decimal()), takeProfit: maybe(decimal())),
            status: one(Bracket.Status.allCases), armed: decimal(), closed: decimal(),
            closedBefore: decimal(), released: decimal(), leg: maybe(one(Bracket.Leg.allCases)),
            exit: maybe(OrderID(lastOrder)), reason: maybe("why \"not\"\n"),
            createdAt: known?.createdAt ?? time(), updatedAt: time())
        brackets[bracket.id] = bracket
        return bracket
    }

    private mutating func fill() -> Fill {
        // Now and then one that was told before, with other data: the first stands.
        if number(0..<4) > 0 { lastTrade += 1 }
        let key = FillKey(
            venue: "paper", account: "paper", symbol: "BTCUSDT", trade: TradeID("t\(lastTrade)"))
        return Fill(
            key: key, order: OrderID(lastOrder), strategy: strategy(), side: one(Side.allCases),
            price: decimal(), quantity: decimal(), fee: decimal(), feeCurrency: "USDT",
            liquidity: one(Liquidity.allCases), time: time(), isInferred: one([true, false]))
    }

    mutating func next() -> DeskEvent {
        switch number(0..<20) {
        case 0..<6: return .order(order())
        case 6, 7: return .fill(fill())
        case 8, 9:
            let ledger = SubLedger(quantity: decimal(), cost: decimal(), realised: decimal(), fees: decimal())
            return .ledger(LedgerRecord(key: key(), ledger: ledger, mark: maybe(decimal()), time: time()))
        case 10:
            let limits = RiskLimits(
                orderNotional: maybe(decimal()), openOrders: maybe(number(1..<9)), leverage: maybe(decimal()),
                instruments: maybe(["BTCUSDT", "ETHINR"]), exposure: maybe(decimal()),
                drawdown: maybe(decimal()), orderToTrade: maybe(decimal()))
            return .enrolment(
                Enrolment(
                    strategy: strategy(), run: "run-2", account: account(), capital: decimal(),
                    limits: limits, isRunning: one([true, false]), day: Int64(number(0..<30_000)),
                    dayOpeningEquity: decimal()))
        case 11:
            return .accountDay(
                AccountDay(account: account(), day: Int64(number(0..<30_000)), openingEquity: decimal()))
        case 12:
            return .halted(HaltRecord(scope: scope(), reason: "because", time: time()))
        case 13: return .resumed(scope(), at: time())
        case 14:
            return one([
                .flattenBegan(key(), at: time()), .flattenEnded(key(), reason: "closed", at: time()),
            ])
        case 15: return .peak(EquityPeak(scope: scope(), profit: decimal(), time: time()))
        case 16: return .peakEnded(scope(), at: time())
        case 17, 18: return .bracket(bracket())
        default: return .tradeCursor(account(), "cursor-\(number(0..<1000))")
        }
    }

    private mutating func scope() -> RiskScope {
        let (strategy, account) = (strategy(), account())
        return one([.everything, .venue("binance"), .account(account), .strategy(strategy)])
    }
}

@Suite("Desk store")
struct DeskStoreTests {
    private let folder: String
    private let writer: GroupCommitWriter
    private let store: DeskStore
    private let everything = PageRequest(limit: 1000)

    /// The catalogue's table, as far as the desk looks at it.
    private static let strategies = MigrationSet(
        name: "catalogue",
        [
            Migration(
                1, "Add strategies",
                "CREATE TABLE strategies (id TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT")
        ])

    init() throws {
        folder = Places.makeTemporaryFolder()
        writer = try GroupCommitWriter(
            path: folder + "/journal.db", migrations: [Self.strategies, DeskStore.migrations])
        try writer.writeBlocking { database in
            for (id, owner) in [("grid-1", "ann"), ("grid-2", "bob"), ("rsi \"é\"", "ann")] {
                try database.run("INSERT INTO strategies VALUES (?, ?)", id, owner)
            }
        }
        store = DeskStore(writer: writer, readers: try DatabaseReaders(path: folder + "/journal.db"))
    }

    private func remove() {
        writer.close()
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// Appends in groups, as the floor does, and waits until all of it is durable.
    private func append(_ events: [DeskEvent], groups: Int = 7) throws {
        let failures = Mutex<[WriteFailure]>([])
        for start in stride(from: 0, to: events.count, by: groups) {
            store.append(Array(events[start..<min(start + groups, events.count)])) { failure in
                if let failure { failures.withLock { $0.append(failure) } }
            }
        }
        try writer.barrier()
        #expect(failures.withLock { $0.map(\.description) } == [])
    }

    @Test("what a start reads is what the events come to", arguments: 0..<20 as Range<UInt64>)
    func materialises(seed: UInt64) throws {
        defer { remove() }
        var source = EventSource(seed: seed)
        let events = (0..<400).map { _ in source.next() }
        try append(events, groups: 1 + Int(seed))
        var expected = DeskSnapshot()
        for event in events { expected.apply(event) }
        let found = try store.snapshot()
        #expect(found.lastOrder == expected.lastOrder)
        #expect(found.orders == expected.orders)
        #expect(found.fills == expected.fills)
        #expect(found.ledgers == expected.ledgers)
        #expect(found.enrolments == expected.enrolments)
        #expect(found == expected)
    }

    @Test("the appended events are all there, in order and whole")
    func appendOnly() throws {
        defer { remove() }
        var source = EventSource(seed: 99)
        let events = (0..<300).map { _ in source.next() }
        try append(events)
        var read: [DeskEvent] = []
        while true {
            let part = try store.events(after: Int64(read.count), limit: 100)
            if part.isEmpty { break }
            read += part.map(\.event)
        }
        #expect(read == events)
    }

    private func order(
        _ number: Int64, of strategy: StrategyID, _ status: OrderStatus, venueFilled: FixedDecimal = .zero
    ) -> Order {
        let id = OrderID(number)
        let intent = OrderIntent(
            id: id, clientID: ClientOrderID(prefix: .init(strategy: strategy, run: "r"), order: id),
            strategy: strategy, run: "r", account: "paper", venue: "paper", request: "1", origin: .strategy,
            terms: OrderTerms(symbol: "BTCUSDT", side: .buy, type: .market, quantity: .one),
            reservePrice: .one, createdAt: Timestamp(milliseconds: number))
        return Order(
            intent: intent, status: status, quantity: .one, price: nil, filledQuantity: .zero,
            filledNotional: .zero, fee: .zero, venueOrderID: nil, reason: nil, cancelWanted: false,
            amendment: nil, venueFilledQuantity: venueFilled, inferredQuantity: .zero,
            updatedAt: Timestamp(milliseconds: number))
    }

    @Test("letting go of old events changes nothing that a start reads", arguments: 0..<8 as Range<UInt64>)
    func pruning(seed: UInt64) throws {
        defer { remove() }
        var source = EventSource(seed: seed)
        // More than a step's worth.
        try append((0..<1_300).map { _ in source.next() }, groups: 50)
        let before = try store.snapshot()
        let last = try store.lastEvent()
        let live = before.orders.values.filter {
            !$0.status.isTerminal || $0.reservedQuantity.isPositive
        }.map(\.id)
        let stories = try live.map { try store.events(of: $0).map(\.event) }
        // The source's orders change until 2,000,000,000; this is long after, and all was written just now.
        let later = Timestamp(milliseconds: WallClock.milliseconds + 1)
        var (cursor, steps): (Int64?, Int) = (0, 0)
        while let after = cursor {
            let slot = Mutex<Int64?>(nil)
            store.prune(after: after, before: later) { next in slot.withLock { $0 = next } }
            try writer.barrier()
            (cursor, steps) = (slot.withLock { $0 }, steps + 1)
        }
        #expect(steps >= 3)
        #expect(try store.snapshot() == before)
        #expect(try store.lastEvent() == last, "numbers go on where they were")
        #expect(try live.map { try store.events(of: $0).map(\.event) } == stories, "live orders' are whole")
        let left = try store.events(after: 0, limit: 10_000)
        let kept = Set(live)
        #expect(left.count < 1_300 && left.last?.id == last)
        #expect(
            left.dropLast().allSatisfy { one in one.event.order.map { kept.contains($0) } ?? false },
            "and nothing else is left but the last")
        // Again, and with nothing old, nothing goes.
        store.prune(after: 0, before: Timestamp(milliseconds: 0)) { _ in }
        try writer.barrier()
        #expect(try store.events(after: 0, limit: 10_000).count == left.count)
    }

    @Test("a start takes everything that is open and only recent things that are over")
    func recent() throws {
        defer { remove() }
        var events: [DeskEvent] = [
            .order(order(1, of: "grid-1", .unknown)),
            // Over, but the venue says that it filled and no trade was seen yet.
            .order(order(2, of: "grid-1", .cancelled, venueFilled: .one)),
            .order(order(3, of: "grid-1", .denied)),
        ]
        for number in 4...20 { events.append(.order(order(Int64(number), of: "grid-1", .rejected))) }
        try append(events)
        let snapshot = try store.snapshot(recent: .init(orders: 5, fills: 5))
        #expect(snapshot.orders.keys.map(\.number).sorted() == [1, 2, 16, 17, 18, 19, 20])
        #expect(snapshot.lastOrder == OrderID(20))
    }

    @Test("pages of orders and fills go from new to old without overlap, each strategy's its own")
    func pages() throws {
        defer { remove() }
        var events: [DeskEvent] = []
        for number in 1...25 {
            let strategy: StrategyID = number % 5 == 0 ? "grid-2" : "grid-1"
            events.append(.order(order(Int64(number), of: strategy, number % 2 == 0 ? .open : .filled)))
            let key = FillKey(
                venue: "paper", account: "paper", symbol: "BTCUSDT", trade: TradeID("t\(number)"))
            events.append(
                .fill(
                    Fill(
                        key: key, order: OrderID(Int64(number)), strategy: strategy, side: .buy, price: .one,
                        quantity: .one, fee: .zero, feeCurrency: "USDT", liquidity: .taker,
                        time: Timestamp(milliseconds: Int64(number)))))
        }
        try append(events)
        var found: [Int64] = []
        var trades: [String] = []
        var cursor: String? = nil
        repeat {
            let page = try store.orders(of: "grid-1", page: PageRequest(limit: 6, after: cursor))
            found += page.items.map(\.id.number)
            cursor = page.next
        } while cursor != nil
        repeat {
            let page = try store.fills(of: "grid-1", page: PageRequest(limit: 4, after: cursor))
            trades += page.items.map(\.key.trade.text)
            cursor = page.next
        } while cursor != nil
        let wanted = (1...25).filter { $0 % 5 != 0 }.reversed()
        #expect(found == wanted.map { Int64($0) })
        #expect(trades == wanted.map { "t\($0)" })
        #expect(try store.orders(of: "nobody", page: everything).items.isEmpty)
        #expect(try store.order(OrderID(7))?.intent.strategy == "grid-1")
        #expect(throws: HostError.self) {
            try store.orders(of: "grid-1", page: PageRequest(limit: 1, after: "x"))
        }
    }

    @Test("owners see their own, and what is nobody's is only in everyone's list")
    func owners() throws {
        defer { remove() }
        try append([
            .order(order(1, of: "grid-1", .open)), .order(order(2, of: "grid-2", .open)),
            .order(order(3, of: .external, .open)), .order(order(4, of: "grid-1", .filled)),
            .ledger(
                LedgerRecord(
                    key: LedgerKey(strategy: "grid-2", account: "paper", symbol: "BTCUSDT"),
                    ledger: SubLedger(quantity: .one, cost: .one, realised: .zero, fees: .zero), mark: .one,
                    time: Timestamp(milliseconds: 1))),
        ])
        #expect(try store.liveOrders(owner: "ann", page: everything).items.map(\.id.number) == [1])
        #expect(try store.liveOrders(owner: "bob", page: everything).items.map(\.id.number) == [2])
        #expect(try store.liveOrders(owner: nil, page: everything).items.map(\.id.number) == [3, 2, 1])
        #expect(try store.ledgers(owner: "ann").isEmpty)
        #expect(try store.ledgers(owner: "bob").map(\.key.strategy) == ["grid-2"])
        #expect(try store.ledgers(owner: nil).count == 1)
        #expect(try store.opennessOf("grid-2") == "1 open order and an open position in BTCUSDT")
        #expect(try store.opennessOf("rsi \"é\"") == nil)
    }

    @Test("a halt remembers who asked for it until it is lifted")
    func halts() throws {
        defer { remove() }
        let halt = HaltRecord(scope: .strategy("grid-1"), reason: "odd", time: Timestamp(milliseconds: 5))
        try append([.halted(halt), .halted(HaltRecord(scope: .everything, reason: "x", time: halt.time))])
        store.haltAsked(halt, by: "ann") { #expect($0 == nil) }
        // The name comes before the halt when both are decided in one turn.
        let other = HaltRecord(scope: .strategy("rsi"), reason: "odd too", time: halt.time)
        store.haltAsked(other, by: "bob") { #expect($0 == nil) }
        try append([.halted(other)])
        #expect(try store.haltedBy() == [.strategy("grid-1"): "ann", .strategy("rsi"): "bob"])
        #expect(try store.snapshot().halts[.strategy("rsi")] == other)
        try append([.resumed(.strategy("rsi"), at: halt.time)])
        try append([.resumed(.strategy("grid-1"), at: halt.time)])
        #expect(try store.haltedBy().isEmpty)
        #expect(try store.snapshot().halts.keys.map(\.key) == ["everything"])
    }

    @Test("after the journal has closed the answer is a failure, at once")
    func closed() throws {
        remove()
        let answers = Mutex<[String]>([])
        store.append([.tradeCursor("paper", "1")]) { failure in
            answers.withLock { $0.append(failure?.description ?? "written") }
        }
        #expect(answers.withLock { $0 } == ["the journal is closed"])
    }
}
