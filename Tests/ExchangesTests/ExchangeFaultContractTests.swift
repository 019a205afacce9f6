import Exchanges
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

    /// What was told on the loop.
    private final class Told: @unchecked Sendable {
        // @unchecked: touched on the loop's thread alone.
        var instruments: [Instrument] = []
    }
}
