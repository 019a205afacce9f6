import Exchanges
import Simulators
import Testing
import Trading
import Wire

/// The rows of the fault matrix in which adapter and desk share the handling, the same for every exchange.
@Suite("Exchange adapters and the desk under faults", .serialized)
struct ExchangeDeskFaultTests {
    /// The name of the setting by which an exchange lists trades late.
    private func lag(_ bench: SimulatorBench, _ milliseconds: Int) async throws {
        let name = bench.traits.takesNames ? "trades_lag_ms" : "completed_lag_ms"
        try await bench.control.set(name, String(milliseconds))
    }

    private func number(of order: JSONValue?) throws -> JSONValue { try #require(order?["number"]) }

    // What has a stream takes names, too.
    @Test(arguments: VenueUnderTest.streaming)
    func `S11: of two orders alike ours is known by its name`(_ venue: VenueUnderTest) async throws {
        try await venue.run { bench in
            let desk = try await DeskBench(bench)
            // Ours never arrives, and the other must not be taken for it.
            try await bench.strike(bench.traits.place, "drop_before")
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("its outcome is unknown", order: 1) { $0.status == .unknown }
            try await bench.control.byHand(.buy, "2", price: "90")
            let order = try await desk.until("it is proven not to be there", order: 1) {
                $0.status == .notPlaced
            }
            #expect(order.venueOrderID == nil)
            try await desk.until("the other is told as nobody's") { desk in
                desk.alarms.contains { if case .externalOrder = $0 { true } else { false } }
            }
        }
    }

    @Test func `S11: where there are no names nobody guesses, and a person says`() async throws {
        try await SimulatorBench.patient().run { bench in
            let desk = try await DeskBench(bench)
            // Both are listed at once, so that neither is taken for ours before the other is seen.
            try await bench.control.set("open_lag_ms", "60000")
            try await bench.strike(bench.traits.place, "drop_after")
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("its outcome is unknown", order: 1) { $0.status == .unknown }
            try await bench.control.byHand(.buy, "2", price: "90")
            try await bench.control.set("open_lag_ms", "0")
            try await desk.until("a person is asked") { $0.desk.ambiguousOrders[OrderID(1)]?.count == 2 }
            await desk.submit(2, bench.order(.buy, "1", "80"))
            #expect(await desk.order(2)?.status == .denied)
            let candidates = await desk.see { $0.desk.ambiguousOrders[OrderID(1)] ?? [] }
            let chosen = try #require(candidates.first)
            await desk.settle(1, as: chosen)
            let order = try await desk.until("it is known", order: 1) { $0.status == .open }
            #expect(order.venueOrderID == chosen)
            await desk.submit(3, bench.order(.buy, "1", "80"))
            try await desk.until("the market is free again", order: 3) { $0.status == .open }
        }
    }

    // Where requests carry counting numbers, one that comes late is refused: CoinSpot's, which comes next.
    @Test(arguments: [SimulatedExchange.binance, .coindcx])
    func `S12: an order that arrives after it counted as not placed is taken back, and goes`(
        _ exchange: SimulatedExchange
    ) async throws {
        try await SimulatorBench.hasty(exchange).run { bench in
            let desk = try await DeskBench(bench)
            try await bench.strike(bench.traits.place, "latency", ["ms": .integer(1_500)])
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it counts as not placed", order: 1) { $0.status == .notPlaced }
            // The strategy moves on.
            await desk.submit(2, bench.order(.buy, "1", "80"))
            try await desk.until("it is cancelled", order: 1) { $0.status == .cancelled }
            let told = await desk.see { $0.alarms.contains(.order(OrderID(1), "alpha", .resurrected)) }
            #expect(told)
            let states = try await bench.control.orders().compactMap { $0["state"]?.stringValue }
            #expect(states.sorted() == ["cancelled", "open"])
        }
    }

    @Test func `S12: where there are no names, one that is listed too late is taken back, and goes`()
        async throws
    {
        try await SimulatorBench.hasty(.coinspot).run { bench in
            let desk = try await DeskBench(bench)
            try await bench.control.set("open_lag_ms", "60000")
            try await bench.strike(bench.traits.place, "drop_after")
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it counts as not placed", order: 1) { $0.status == .notPlaced }
            // The strategy moves on, and what it left is listed.
            await desk.submit(2, bench.order(.buy, "1", "80"))
            try await bench.control.set("open_lag_ms", "0")
            try await desk.until("it is cancelled", order: 1) { $0.status == .cancelled }
            let told = await desk.see { $0.alarms.contains(.order(OrderID(1), "alpha", .resurrected)) }
            #expect(told)
            let states = try await bench.control.orders().compactMap { $0["state"]?.stringValue }
            #expect(states.sorted() == ["cancelled", "open"])
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E3: of a trade that is told twice, and otherwise, the first is kept and people are told`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            let desk = try await DeskBench(bench, audits: false)
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            try await bench.move(to: "89")
            let order = try await desk.until("it is filled", order: 1) { $0.status == .filled }
            let books = try await bench.control.send("GET", "/books", nil)
            let trade = books["accounts"]?.arrayValue?.first?["trades"]?.arrayValue?.first
            try await bench.control.send(
                "PUT", "/trades", .members(["number": try number(of: trade), "price": .string("77")]))
            await desk.reconcile()
            try await desk.until("it is told") { desk in
                desk.alarms.contains { if case .fillChanged = $0 { true } else { false } }
            }
            #expect(await desk.order(1)?.filledNotional == order.filledNotional)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `R7: asked about everything again, the books stay as they are and nothing is written`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            let desk = try await DeskBench(bench, audits: false)
            await desk.submit(1, bench.order(.buy, "2", "90"))
            await desk.submit(2, bench.order(.buy, "1", "80"))
            try await desk.until("one is open", order: 1) { $0.status == .open }
            try await desk.until("the other is open", order: 2) { $0.status == .open }
            try await bench.move(to: "89")
            try await desk.until("one is filled", order: 1) { $0.status == .filled }
            // The first time it may learn what only its stream had told.
            try await desk.reconcileFully()
            let before = await desk.see { ($0.recorded, $0.desk.snapshot) }
            try await desk.reconcileFully()
            let after = await desk.see { ($0.recorded, $0.desk.snapshot) }
            #expect(after.0 == before.0)
            #expect(after.1 == before.1)
        }
    }

    @Test(arguments: VenueUnderTest.streaming)
    func `W2: a fill that the stream left out is found by asking now and then`(_ venue: VenueUnderTest)
        async throws
    {
        try await venue.run { bench in
            let desk = try await DeskBench(bench)
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            try await bench.control.fault(
                .members(["kind": .string("gap"), "stream": .string("user"), "events": .integer(10)]))
            try await bench.move(to: "89")
            let order = try await desk.until("it is found", order: 1) { $0.status == .filled }
            #expect(order.filledQuantity == d("2") && order.inferredQuantity.isZero)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E6: what fills beyond an order is booked, told, and halts its strategy`(_ venue: VenueUnderTest)
        async throws
    {
        try await venue.run { bench in
            let desk = try await DeskBench(bench)
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            try await bench.move(to: "89")
            try await desk.until("it is filled", order: 1) { $0.status == .filled }
            let held = await desk.position()
            let order = try await bench.control.orders().first
            try await bench.control.send(
                "POST", "/overfills", .members(["order": try number(of: order), "quantity": .string("0.5")]))
            let filled = try await desk.until("it is booked", order: 1) { $0.filledQuantity == d("2.5") }
            #expect(filled.status == .filled)
            #expect(await desk.position().units - held.units == d("0.5").units)
            let isHalted = await desk.see { $0.desk.halts.map(\.scope) == [.strategy("alpha")] }
            #expect(isHalted)
            await desk.submit(2, bench.order(.buy, "1", "80"))
            #expect(await desk.order(2)?.status == .denied)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E8: a part that is told after the cancel is still the order's`(_ venue: VenueUnderTest) async throws
    {
        try await venue.run { bench in
            let desk = try await DeskBench(bench)
            try await bench.control.set("depth", "0")
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            try await lag(bench, 500)
            if bench.traits.hasStream {
                for event in ["executionReport", "trade-update"] {
                    try await bench.control.fault(
                        .members([
                            "kind": .string("delay"), "stream": .string("user"), "event": .string(event),
                            "ms": .integer(500), "times": .integer(1),
                        ]))
                }
            }
            try await bench.control.hold("90", quantity: "0.5")
            try await bench.until("a part has filled there") {
                try await bench.control.orders().first?["filled"]?.stringValue == "0.5"
            }
            await desk.cancel(1)
            try await desk.until("the part is booked", order: 1) {
                $0.status == .cancelled && $0.filledQuantity == d("0.5")
            }
            let first = await desk.see { $0.told.first { $0.status == .cancelled } }
            // Where no stream tells of the end, it is found together with the part.
            if bench.traits.hasStream { #expect(first?.filledQuantity == .zero) }
            #expect(await desk.position().isPositive)
            let isQuiet = await desk.see { $0.desk.liveOrders().isEmpty && !$0.desk.isOwedTrades }
            #expect(isQuiet)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges, [false, true])
    func `E11: what the exchange ends by itself has ended, with the part that had filled, and is free`(
        _ venue: VenueUnderTest, _ hasPart: Bool
    ) async throws {
        try await venue.run { bench in
            let desk = try await DeskBench(bench)
            try await bench.control.set("depth", "0")
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            if hasPart {
                try await bench.control.hold("90", quantity: "0.5")
                try await desk.until("a part has filled", order: 1) { $0.filledQuantity == d("0.5") }
            }
            let number = try number(of: try await bench.control.orders().first).intValue ?? 0
            try await bench.control.send("DELETE", "/orders/\(number)?as=expired", nil)
            let order = try await desk.until("it has ended", order: 1) { $0.status.isTerminal }
            #expect([.expired, .cancelled, .rejected].contains(order.status))
            #expect(order.filledQuantity == (hasPart ? d("0.5") : .zero))
            #expect(order.reservedQuantity.isZero)
            let told = await desk.see { $0.told.last?.status }
            #expect(told == order.status)
            if !hasPart {
                let free = await desk.see { $0.desk.available(to: "alpha") }
                #expect(free == FixedDecimal(100_000))
            }
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E13: filled without a trade to be seen is waited for, inferred if it must be, and then made right`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            let desk = try await DeskBench(bench, patience: 3)
            await desk.submit(1, bench.order(.buy, "2", "90"))
            try await desk.until("it is open", order: 1) { $0.status == .open }
            // CoinSpot tells no more of an order than its deals, so that there is nothing to infer from.
            let infers = bench.traits.takesNames
            try await lag(bench, infers ? 1_200 : 300)
            if bench.traits.hasStream {
                try await bench.control.fault(
                    .members([
                        "kind": .string("gap"), "stream": .string("user"), "events": .integer(10),
                    ]))
            }
            try await bench.move(to: "89")
            if infers {
                try await desk.until("it is inferred", order: 1) { $0.inferredQuantity == d("2") }
                let isTold = await desk.see { desk in
                    desk.alarms.contains { if case .fillInferred = $0 { true } else { false } }
                }
                #expect(isTold)
            }
            let order = try await desk.until("its trade is booked", order: 1) {
                $0.status == .filled && $0.inferredQuantity.isZero
            }
            #expect(order.filledQuantity == d("2") && order.filledNotional == d("180"))
        }
    }
}
