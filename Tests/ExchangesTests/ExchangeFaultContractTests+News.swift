import Dispatch
import Exchanges
import Posix
import Simulators
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// News of trades and of what others do, and the streams that bring them.
extension ExchangeFaultContractTests {
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
}
