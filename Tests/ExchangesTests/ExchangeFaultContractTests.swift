import Dispatch
import Exchanges
import Posix
import Simulators
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// What can go wrong between an adapter and its exchange, row by row of the fault matrix, the same for every exchange.
/// What only one of them has stands in that one's own tests.
@Suite("Exchange adapter contract under faults", .serialized)
struct ExchangeFaultContractTests {
    private func isUnknown<Value>(_ result: Result<Value, VenueFailure>) -> Bool {
        if case .failure(.outcomeUnknown) = result { true } else { false }
    }

    // MARK: - Placing

    @Test(arguments: VenueUnderTest.exchanges, ["drop_after", "truncate", "status", "html"])
    func `S1, S4, S10: an order whose answer is lost is unknown, is found, and is there once`(
        _ venue: VenueUnderTest, _ kind: String
    ) async throws {
        try await venue.run { bench in
            switch kind {
            case "status", "html":
                try await bench.strike(
                    bench.traits.place, "status",
                    [
                        "status": .integer(503), "processed": .bool(true), "html": .bool(kind == "html"),
                        "code": .integer(-1006),
                    ])
            default: try await bench.strike(bench.traits.place, kind)
            }
            #expect(isUnknown(await bench.place(1, bench.order(.buy, "2", "90"))))
            let found = try #require(try await bench.settled(1))
            #expect(found.state == .open && found.clientID == clientID(1))
            #expect(try await bench.control.orders().count == 1)
        }
    }

    @Test(arguments: SimulatedExchange.allCases)
    func `S1: an order that is never answered is given up as unknown, and found`(
        _ exchange: SimulatedExchange
    ) async throws {
        try await SimulatorBench.hasty(exchange).run { bench in
            try await bench.strike(bench.traits.place, "hang", ["processed": .bool(true)])
            #expect(isUnknown(await bench.place(1, bench.order(.buy, "2", "90"))))
            #expect(try await bench.settled(1)?.state == .open)
            #expect(try await bench.control.orders().count == 1)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S2: an order that never arrived is unknown, until it is proven not to be there`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            try await bench.strike(bench.traits.place, "drop_before")
            #expect(isUnknown(await bench.place(1, bench.order(.buy, "2", "90"))))
            #expect(try await bench.settled(1) == nil)
            #expect(try await bench.control.orders().isEmpty)
        }
    }

    @Test(arguments: SimulatedExchange.allCases)
    func `S3: where nobody listens nothing was sent`(_ exchange: SimulatedExchange) async throws {
        // Nothing ever listens on port 1.
        let nowhere = "http://127.0.0.1:1"
        let bench: SimulatorBench
        switch exchange {
        case .binance: bench = try await BinanceBench(path: "faults-\(UUID())", address: nowhere)
        case .coindcx: bench = try await CoinRig(.coindcx) { $0.coinDCX(at: nowhere, $1) }
        case .coinspot: bench = try await CoinRig(.coinspot) { $0.coinSpot(at: nowhere, $1) }
        }
        guard case .failure(.unsent) = await bench.place(1, bench.order(.buy, "2", "90")) else {
            Issue.record("it was not unsent")
            return
        }
        await bench.end()
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S5: what the exchange refuses is rejected with its words, and nothing is there`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            try await bench.strike(
                bench.traits.place, "status",
                ["status": .integer(400), "message": .string("no such luck"), "code": .integer(-2010)])
            guard case .failure(.refused(let words)) = await bench.place(1, bench.order(.buy, "2", "90"))
            else {
                Issue.record("it was not refused")
                return
            }
            #expect(words.contains("no such luck"))
            #expect(try await bench.control.orders().isEmpty)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S5: a credential that is refused is left alone, and the host is told`(_ venue: VenueUnderTest)
        async throws
    {
        try await venue.run { bench in
            try await bench.strike(
                bench.traits.place, "status", ["status": .integer(401), "code": .integer(-2015)])
            guard case .failure(.refused) = await bench.place(1, bench.order(.buy, "2", "90")) else {
                Issue.record("it was not refused")
                return
            }
            guard case .failure(.unsent) = await bench.place(2, bench.order(.buy, "2", "90")) else {
                Issue.record("the credential was used again")
                return
            }
            let isTold = await bench.read {
                $0.witness.conditions.contains {
                    if case .credentialsRefused = $0 { true } else { false }
                }
            }
            #expect(isTold)
            #expect(try await bench.control.orders().isEmpty)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S6: at too many requests all wait as long as it says, and then cancels go first`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.strike(
                bench.traits.place, "status",
                ["status": .integer(429), "retry_after": .integer(1), "code": .integer(-1003)])
            let limited = await bench.place(2, bench.order(.buy, "1", "80"))
            switch limited {
            case .failure(.refused): #expect(bench.traits.limitsUndone)
            case .failure(.outcomeUnknown): #expect(!bench.traits.limitsUndone)
            default: Issue.record("it came through: \(limited)")
            }
            let began = ContinuousClock.now
            await bench.onLoop { bench.witness.traces = [] }
            async let placed = bench.place(3, bench.order(.buy, "1", "70"))
            async let other = bench.balances()
            async let cancelled: Result<Void, VenueFailure> = bench.cancel(1)
            try await cancelled.get()
            _ = try await other
            _ = await placed
            #expect(ContinuousClock.now - began >= .milliseconds(700))
            let first = await bench.read { bench in
                bench.witness.traces.first { !$0.source.hasPrefix("stream") }?.source
            }
            #expect(first == "\(bench.traits.cancel.method) \(bench.traits.cancel.path)")
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S7: under a ban nothing is sent until it ends, and the host is told how long`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.strike(
                bench.traits.ask, "status", times: nil,
                ["status": .integer(418), "retry_after": .integer(600), "code": .integer(-1003)])
            _ = await bench.answer(about: 1)
            let requests = try await bench.control.send("GET", "", nil)["requests"]?.intValue
            guard case .failure(.unsent) = await bench.place(2, bench.order(.buy, "2", "90")) else {
                Issue.record("something was sent under a ban")
                return
            }
            guard case .failure(.unsent) = await bench.cancel(1) else {
                Issue.record("a cancel was sent under a ban")
                return
            }
            let told = await bench.read { bench in
                bench.witness.conditions.contains {
                    if case .banned(.seconds(600), _) = $0 { true } else { false }
                }
            }
            #expect(told)
            #expect(try await bench.control.send("GET", "", nil)["requests"]?.intValue == requests)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges, [-45_000, 60_000])
    func `S8: a clock that is off is followed, and the order goes once under its name`(
        _ venue: VenueUnderTest, _ offset: Int
    ) async throws {
        try await venue.run { bench in
            try await bench.control.set("clock_offset_ms", String(offset))
            let id = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            #expect(try await bench.control.orders().count == 1)
            #expect(try await bench.settled(1)?.venueOrderID == id)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S13: what filters forbid that changed under way is refused, and the new ones are told`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            let told = Told()
            await bench.onLoop { bench.live?.onInstruments = { told.instruments += $0 } }
            try await bench.control.put("instruments", ["symbol": bench.symbol, "minimum_notional": "500"])
            guard case .failure(.refused) = await bench.place(1, bench.order(.buy, "2", "90")) else {
                Issue.record("it was not refused")
                return
            }
            #expect(try await bench.control.orders().isEmpty)
            guard bench.traits.tellsSteps else { return }
            try await bench.until("the new steps are known") {
                await bench.read { _ in told.instruments.last?.minimumNotional } == d("500")
            }
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `S13: what is known to be forbidden is refused in words, and nothing is sent`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            let known: Result<[Instrument], VenueFailure> = await bench.ask { $0.instruments($2) }
            _ = try known.get()
            guard
                case .failure(.refused(let words)) = await bench.place(
                    1, bench.order(.buy, "2", "90.000000001"))
            else {
                Issue.record("a price between ticks was not refused")
                return
            }
            #expect(!words.isEmpty)
            let door = "\(bench.traits.place.method) \(bench.traits.place.path)"
            let sent = await bench.read { $0.witness.traces.contains { $0.source == door } }
            #expect(!sent)
        }
    }

    // MARK: - Fills

    @Test(arguments: VenueUnderTest.exchanges)
    func `E1: an order that fills before its answer comes has one trade, of its own`(_ venue: VenueUnderTest)
        async throws
    {
        try await venue.run { bench in
            try await bench.strike(
                bench.traits.place, "latency", ["ms": .integer(700), "when": .string("after")])
            let id = try await bench.place(1, bench.order(.buy, "2", "100")).get()
            let told = try await bench.wait(for: "the trade") { $0.contains { $0.trade != nil } }
            #expect(Set(told.compactMap(\.trade?.trade)).count == 1)
            for trade in told.compactMap(\.trade) {
                #expect(trade.clientID == clientID(1) && trade.venueOrderID == id)
            }
            #expect(try await bench.settled(1)?.state == .filled)
        }
    }

    @Test(arguments: VenueUnderTest.streaming)
    func `E2 and E5: events that come twice or behind the next one tell nothing wrong`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            for kind in ["duplicate", "reorder"] {
                try await bench.control.fault(
                    .members([
                        "kind": .string(kind), "stream": .string("user"), "times": .integer(4),
                    ]))
            }
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            _ = try await bench.place(2, bench.order(.buy, "1", "80")).get()
            try await bench.move(to: "89")
            try await bench.cancel(2).get()
            let told = try await bench.wait(for: "trade and end") { told in
                told.contains { $0.trade != nil } && told.contains { $0.end != nil }
            }
            #expect(Set(told.compactMap(\.trade?.trade)).count == 1)
            #expect(Set(told.compactMap(\.end)) == [clientID(2)])
            #expect(try await bench.settled(1)?.state == .filled)
            #expect(try await bench.settled(2)?.state == .cancelled)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E7: a part and then a cancel keeps the part`(_ venue: VenueUnderTest) async throws {
        try await venue.run { bench in
            try await bench.control.set("depth", "0")
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.control.hold("90", quantity: "0.5")
            let part = try await bench.wait(for: "a part") { $0.contains { $0.trade != nil } }
            try await bench.cancel(1).get()
            let told = try await bench.wait(for: "the end") { $0.contains { $0.end != nil } }
            for case .cancelled(_, let filled, _) in told { #expect(filled == d("0.5")) }
            #expect(Set((part + told).compactMap(\.trade?.trade)).count == 1)
            let found = try #require(try await bench.settled(1))
            #expect(found.state == .cancelled && found.filledQuantity == d("0.5"))
        }
    }

    @Test(arguments: VenueUnderTest.exchanges, ["drop_before", "drop_after"])
    func `E9: a cancel that is lost on one of its ways comes through`(
        _ venue: VenueUnderTest, _ kind: String
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.strike(bench.traits.cancel, kind)
            // Sent again by itself. When the first arrived all the same, there is nothing left to cancel.
            if case .failure(let failure) = await bench.cancel(1) {
                guard case .refused = failure, kind == "drop_after" else { throw failure }
            }
            try await bench.until("it is cancelled") { await bench.status(1)?.state == .cancelled }
            #expect(try await bench.openOrders().isEmpty)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `E10: a cancel of what has filled is refused, and the order is found filled`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.move(to: "89")
            guard case .failure(.refused) = await bench.cancel(1) else {
                Issue.record("it was not refused")
                return
            }
            try await bench.until("it is filled") { await bench.status(1)?.state == .filled }
        }
    }

    // MARK: - Changes

    @Test(arguments: VenueUnderTest.exchanges, ["drop_before", "drop_after"])
    func `E12: a change whose answer is lost leaves one order, as it is`(
        _ venue: VenueUnderTest, _ kind: String
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.strike(bench.traits.change, kind)
            #expect(isUnknown(await bench.amend(1, Amendment(quantity: d("2"), price: d("91")))))
            let price = kind == "drop_after" ? d("91") : d("90")
            try await bench.until("its price is \(price)") { await bench.status(1)?.price == price }
            #expect(try await bench.settled(1)?.state == .open)
            #expect(try await bench.openOrders().map(\.clientID) == [clientID(1)])
            #expect(await bench.takeReports().compactMap(\.end).isEmpty)
            try await bench.cancel(1).get()
            try await bench.until("it is cancelled") { await bench.status(1)?.state == .cancelled }
        }
    }

    // MARK: - What others do, and streams

    @Test(arguments: VenueUnderTest.exchanges)
    func `E14: an order by hand is listed and its trade told as nobody's here`(_ venue: VenueUnderTest)
        async throws
    {
        try await venue.run { bench in
            // Something of ours there makes the market one that is looked at everywhere.
            _ = try await bench.place(1, bench.order(.buy, "2", "50")).get()
            try await bench.control.byHand(.buy, "0.5", price: "95")
            try await bench.until("it is listed") {
                try await bench.openOrders().contains { $0.clientID?.order == nil && $0.quantity == d("0.5") }
            }
            try await bench.move(to: "93")
            let told = try await bench.wait(for: "its trade") { $0.contains { $0.trade != nil } }
            #expect(told.compactMap(\.trade).allSatisfy { $0.clientID?.order == nil })
        }
    }

    @Test(arguments: VenueUnderTest.streaming)
    func `W1: a stream that was cut is opened again, and what filled meanwhile is found by asking`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.control.fault(
                .members(["kind": .string("gap"), "stream": .string("user"), "events": .integer(10)]))
            try await bench.move(to: "89")
            try await bench.control.removeFaults()
            try await bench.control.disconnect()
            try await bench.wait(for: "the gap") { told in
                told.contains { if case .streamGap = $0 { true } else { false } }
            }
            try await bench.waitUntilOpen(2)
            #expect(await bench.faultsNow().isEmpty)
            #expect(try await bench.trades().all.map(\.clientID) == [clientID(1)])
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `W1: where orders are asked for, answers that stay away are a gap until they come again`(
        _ venue: VenueUnderTest
    ) async throws {
        try await venue.run { bench in
            guard !bench.traits.hasStream else { return }
            try await bench.strike(bench.traits.ask, "status", times: 6, ["status": .integer(500)])
            try await bench.wait(for: "the gap and its end", seconds: 30) { told in
                told.contains { if case .streamGap = $0 { true } else { false } }
                    && told.contains { if case .streamRestored = $0 { true } else { false } }
            }
        }
    }

    @Test(arguments: [SimulatedExchange.binance, .coindcx])
    func `W1: more than may wait while the host is held up is a gap, after which everything is asked for`(
        _ exchange: SimulatedExchange
    ) async throws {
        let few = SocketInboxLimits(messages: 4)
        let path = "faults-\(UUID())"
        let bench: SimulatorBench
        if exchange == .binance {
            bench = try await BinanceBench(path: path, timing: BinanceVenue.Settings(inbox: few))
        } else {
            let rig = try await CoinRig(.coindcx, settings: [("open_orders", "1000")], opens: false) {
                $0.coinDCX(inbox: few, $1)
            }
            try await rig.control.hold("100")
            await rig.open()
            try await rig.waitUntilOpen()
            bench = rig
            // Something of ours there makes the market one that is looked at everywhere.
            _ = try await bench.place(1, bench.order(.buy, "2", "50")).get()
        }
        _ = await bench.takeReports()
        var isGap = false
        try await bench.until("a gap", seconds: 30) {
            let gate = DispatchSemaphore(value: 0)
            bench.loop.perform { gate.wait() }
            do {
                for _ in 0..<10 { try await bench.control.byHand(.buy, "0.5", price: "60") }
            } catch {
                gate.signal()
                throw error
            }
            gate.signal()
            isGap = await bench.takeReports().contains { report in
                if case .streamGap(let reason) = report { reason.contains("messages waited") } else { false }
            }
            return isGap
        }
        try await bench.waitUntilOpen(2)
        let there = try await bench.control.orders().count
        #expect(try await bench.openOrders().count == there)
        await bench.end()
    }

    @Test(arguments: SimulatedExchange.allCases)
    func `W3: what stands and says nothing more is noticed, given up and opened again`(
        _ exchange: SimulatedExchange
    ) async throws {
        try await SimulatorBench.hasty(exchange).run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            _ = await bench.takeReports()
            if bench.traits.hasStream {
                try await bench.control.fault(
                    .members(["kind": .string("silence"), "stream": .string("user"), "times": .integer(1)]))
            } else {
                try await bench.strike(bench.traits.ask, "hang", times: 3)
            }
            try await bench.move(to: "89")
            let gap = try await bench.wait(for: "the gap") { told in
                told.contains { if case .streamGap = $0 { true } else { false } }
            }
            #expect(!gap.contains { $0.trade != nil })
            try await bench.waitUntilOpen(2)
            #expect(try await bench.trades().all.map(\.clientID) == [clientID(1)])
        }
    }

    @Test(arguments: VenueUnderTest.streaming)
    func `W2: an event that the stream leaves out is found by asking`(_ venue: VenueUnderTest) async throws {
        try await venue.run { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.control.fault(
                .members(["kind": .string("gap"), "stream": .string("user"), "events": .integer(10)]))
            try await bench.move(to: "89")
            #expect(try await bench.trades().all.map(\.clientID) == [clientID(1)])
            #expect(try await bench.settled(1)?.state == .filled)
        }
    }

    @Test(arguments: VenueUnderTest.exchanges)
    func `R5: fills of the time when nobody was there come in pages, each once`(_ venue: VenueUnderTest)
        async throws
    {
        let path = "faults-\(UUID())"
        let first = try await venue.open(path)
        for number in 1...7 {
            _ = try await first.place(number, first.order(.buy, "1", "9\(number)")).get()
        }
        let cursor = try await first.trades().cursor
        await first.close()
        let control = try #require(first as? SimulatorBench).control
        try await control.hold("89")
        let second = try await venue.open(path)
        let (all, _, pages) = try await second.trades(after: cursor)
        #expect(all.compactMap { $0.clientID?.order?.number }.sorted() == [1, 2, 3, 4, 5, 6, 7])
        #expect(Set(all.map(\.trade)).count == 7 && pages == second.traits.pagesOfSeven)
        await second.close()
        await SimulatorBench.end(path)
    }

    /// What was told on the loop.
    private final class Told: @unchecked Sendable {
        // @unchecked: touched on the loop's thread alone.
        var instruments: [Instrument] = []
    }
}

extension VenueUnderTest {
    /// Opens it at a place of its own, and ends all of it whatever comes of the test.
    func run(_ body: (SimulatorBench) async throws -> Void) async throws {
        let bench = try #require(try await open("exchange-\(UUID())") as? SimulatorBench)
        try await bench.run(body)
    }

    /// Those that have a simulator.
    static let exchanges = all.filter { $0.testDescription != "paper" }
    /// Those of them that have news of orders by a stream.
    static let streaming = exchanges.filter { $0.testDescription != "coinspot" }
}

extension SimulatorBench {
    /// After so long a hasty adapter gives an order up.
    static let haste = Duration.milliseconds(400)

    /// One whose adapter gives up within a second what hangs.
    static func hasty(_ exchange: SimulatedExchange) async throws -> SimulatorBench {
        let path = "hasty-\(UUID())"
        guard exchange == .binance else {
            return try await CoinRig.contract(exchange, path: path, pace: .hasty)
        }
        let times = BinanceVenue.Settings(
            instrumentsEvery: .seconds(1), tradesPerPage: 3, orderDeadline: haste, pingAfter: haste,
            pongWithin: haste)
        return try await BinanceBench(path: path, timing: times)
    }

    /// CoinSpot's, without a hurry.
    static func patient() async throws -> SimulatorBench {
        try await CoinRig.contract(.coinspot, path: "patient-\(UUID())", pace: .patient)
    }

    /// Ends all of it whatever comes of the test.
    func run(_ body: (SimulatorBench) async throws -> Void) async throws {
        do {
            try await body(self)
        } catch {
            await end()
            throw error
        }
        await end()
    }
}
