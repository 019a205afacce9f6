import Exchanges
import Glibc
import Posix
import Testing
import Trading

import struct FoundationEssentials.UUID

/// A venue that every test of the contract runs against. A new adapter is one line here.
struct VenueUnderTest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Opens it. What stands behind it outlives the adapter: opening the same path again finds it as it was left.
    let open: @Sendable (_ path: String) async throws -> VenueBench

    static let all = [
        VenueUnderTest(testDescription: "paper") { try await PaperBench(path: $0) },
        VenueUnderTest(testDescription: "binance") { try await BinanceBench(path: $0) },
        VenueUnderTest(testDescription: "coindcx") { try await CoinRig.contract(.coindcx, path: $0) },
        VenueUnderTest(testDescription: "coinspot") { try await CoinRig.contract(.coinspot, path: $0) },
    ]
}

@Suite("Exchange adapter contract", .serialized)
struct ExchangeContractTests {
    private let path = "/tmp/bullpen-venue-\(UUID()).db"

    private func with(_ venue: VenueUnderTest, _ body: (VenueBench) async throws -> Void) async throws {
        let bench = try await venue.open(path)
        do {
            try await body(bench)
        } catch {
            await bench.close()
            removeDatabase(path)
            await SimulatorBench.end(path)
            throw error
        }
        await bench.close()
        removeDatabase(path)
        await SimulatorBench.end(path)
    }

    @Test(arguments: VenueUnderTest.all)
    func `it lists its instruments`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            let answer: Result<[Instrument], VenueFailure> = await bench.ask { $0.instruments($2) }
            // An exchange may list others beside it.
            let listed = try answer.get().filter { $0.symbol == bench.symbol }
            #expect(listed == [bench.traits.instrument])
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `a market order is acknowledged, then traded, and its status agrees`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            let id = try await bench.place(1, bench.order(.buy, "2")).get()
            let told = try await bench.wait(for: "a trade") { $0.contains { $0.trade != nil } }
            let trade = try #require(told.compactMap(\.trade).first)
            let fee = bench.fee(.buy, quantity: d("2"), price: d("100"))
            #expect(trade.clientID == clientID(1) && trade.venueOrderID == id)
            #expect(trade.price == d("100") && trade.quantity == d("2"))
            #expect(trade.fee == fee.0 && trade.feeCurrency == fee.currency)
            let found = try #require(await bench.status(1))
            #expect(
                found.state == .filled && found.filledQuantity == d("2") && found.averagePrice == d("100"))
            let bought = fee.currency == "BTC" ? FixedDecimal(units: d("2").units - fee.0.units) : d("2")
            let left =
                fee.currency == "BTC" ? d("99800") : FixedDecimal(units: d("99800").units - fee.0.units)
            let expected = [
                VenueBalance(currency: "BTC", total: bought, locked: .zero),
                VenueBalance(currency: bench.traits.instrument.quote, total: left, locked: .zero),
            ]
            #expect(try await bench.balances() == expected.sorted { $0.currency < $1.currency })
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `E2 and E4: whatever ways a trade is told by, it reads the same`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            _ = try await bench.place(1, bench.order(.buy, "2")).get()
            let told = try await bench.wait(for: "a trade") { $0.contains { $0.trade != nil } }
            let paged = try #require(try await bench.trades().all.first)
            for trade in told.compactMap(\.trade) {
                #expect(
                    trade.trade == paged.trade && trade.symbol == paged.symbol && trade.side == paged.side)
                #expect(trade.price == paged.price && trade.quantity == paged.quantity)
                #expect(trade.fee == paged.fee && trade.feeCurrency == paged.feeCurrency)
                #expect(trade.clientID == paged.clientID && trade.venueOrderID == paged.venueOrderID)
            }
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `S9: a client id placed twice is one order`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            let first = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            #expect(try await bench.place(1, bench.order(.buy, "2", "90")).get() == first)
            #expect(try await bench.openOrders().map(\.venueOrderID) == [first])
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order it cannot take is refused with the reason`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            guard case .failure(.refused(let reason)) = await bench.place(1, bench.order(.sell, "2")) else {
                Issue.record("it was not refused")
                return
            }
            #expect(reason.lowercased().contains("insufficient"))
            let open = try await bench.openOrders()
            #expect(open.isEmpty)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order can be cancelled once, and its end is reported with what had filled`(
        _ venue: VenueUnderTest
    ) async throws {
        try await with(venue) { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            try await bench.cancel(1).get()
            let told = try await bench.wait(for: "the end") { $0.contains { $0.end != nil } }
            // By stream and by answer it may be told twice, and never differently.
            #expect(Set(told.compactMap(\.end)) == [clientID(1)])
            for case .cancelled(_, let filled, _) in told { #expect(filled == .zero) }
            await #expect(throws: VenueFailure.self) { try await bench.cancel(1).get() }
            #expect(await bench.status(1)?.state == .cancelled)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order can be amended, and the answer says what holds`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            _ = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            let wish = Amendment(quantity: bench.traits.changesQuantity ? d("3") : d("2"), price: d("91"))
            #expect(await bench.amend(1, wish) == .success(wish))
            let found = try #require(await bench.status(1))
            #expect(found.quantity == wish.quantity && found.price == d("91") && found.state == .open)
            // However the venue did it, there is one order, and it is ours.
            let open = try await bench.openOrders()
            #expect(open.map(\.clientID) == [clientID(1)] && open.map(\.quantity) == [wish.quantity])
            try await bench.cancel(1).get()
            #expect(try await bench.openOrders().isEmpty)
            #expect(await bench.status(1)?.state == .cancelled)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `a smaller quantity keeps the order and its number, or is refused in words`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            let id = try await bench.place(1, bench.order(.buy, "2", "90")).get()
            let wish = Amendment(quantity: d("1"), price: d("90"))
            guard bench.traits.changesQuantity else {
                guard case .failure(.refused(let reason)) = await bench.amend(1, wish) else {
                    Issue.record("it was not refused")
                    return
                }
                #expect(reason.contains("never its"))
                return
            }
            #expect(await bench.amend(1, wish) == .success(wish))
            let found = try #require(await bench.status(1))
            #expect(found.quantity == d("1") && found.venueOrderID == id)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order nobody placed is not there, which is an answer and no failure`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            #expect(await bench.answer(about: 9) == .success(nil))
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `R5: trades come in pages from a cursor, each once`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            for number in 1...7 { _ = try await bench.place(number, bench.order(.buy, "1")).get() }
            let (all, cursor, pages) = try await bench.trades()
            #expect(pages == bench.traits.pagesOfSeven)
            #expect(all.compactMap { $0.clientID?.order?.number } == [1, 2, 3, 4, 5, 6, 7])
            #expect(Set(all.map(\.trade)).count == 7)
            // Nothing is newer than the end.
            let rest = try await bench.page(after: cursor)
            #expect(rest.trades.isEmpty && rest.isComplete && rest.cursor == cursor)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `what it answered survives a restart, and it goes on where it was`(_ venue: VenueUnderTest)
        async throws
    {
        let bench = try await venue.open(path)
        _ = try await bench.place(1, bench.order(.buy, "2")).get()
        _ = try await bench.place(2, bench.order(.buy, "2", "90")).get()
        let (first, second) = (await bench.status(1), await bench.status(2))
        let (money, cursor) = (try await bench.balances(), try await bench.trades().cursor)
        await bench.close()

        try await with(venue) { bench in
            #expect(await bench.status(1)?.timeless == first?.timeless)
            #expect(await bench.status(2)?.timeless == second?.timeless)
            #expect(try await bench.balances() == money)
            try await bench.move(to: "89")
            try await bench.wait(for: "the fill of the order that stood") {
                $0.contains { $0.trade?.clientID == clientID(2) }
            }
            #expect(await bench.status(2)?.state == .filled)
            #expect(try await bench.trades(after: cursor).all.compactMap(\.clientID) == [clientID(2)])
            let third = try await bench.place(3, bench.order(.buy, "1")).get()
            #expect(third != first?.venueOrderID && third != second?.venueOrderID)
        }
    }

    @Test func `on paper an order that ended long ago and is only in the books is still the same order`()
        async throws
    {
        let first = try await PaperBench(path: path)
        let id = try await first.place(1, first.order(.buy, "2")).get()
        await first.close()
        let second = try await PaperBench(path: path)
        #expect(try await second.place(1, second.order(.buy, "2")).get() == id)
        await second.close()
        removeDatabase(path)
    }
}

extension VenueOrder {
    /// Without its time: where the venue tells none of an order that stands, it is that of our own asking.
    fileprivate var timeless: VenueOrder {
        VenueOrder(
            clientID: clientID, venueOrderID: venueOrderID, symbol: symbol, side: side, quantity: quantity,
            price: price, filledQuantity: filledQuantity, averagePrice: averagePrice, state: state,
            reason: reason, time: Timestamp(milliseconds: 0))
    }
}

extension VenueReport {
    /// The trade that it tells.
    var trade: VenueTrade? {
        if case .trade(let trade) = self { trade } else { nil }
    }

    /// The order whose end it tells.
    var end: ClientOrderID? {
        switch self {
        case .cancelled(let id, _, _), .expired(let id, _, _): id
        default: nil
        }
    }
}

private func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
}
