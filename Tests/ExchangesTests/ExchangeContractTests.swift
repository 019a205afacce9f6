import Exchanges
import Glibc
import Posix
import Testing
import Trading

import struct FoundationEssentials.UUID

/// A venue that every test of the contract runs against. A new adapter is one line here.
struct VenueUnderTest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let open: @Sendable (_ path: String) async throws -> VenueBench

    static let all = [
        VenueUnderTest(testDescription: "paper") { try await VenueBench(path: $0) }
    ]
}

@Suite("Exchange adapter contract")
struct ExchangeContractTests {
    private let path = "/tmp/bullpen-paper-\(UUID()).db"

    private func with(_ venue: VenueUnderTest, _ body: (VenueBench) async throws -> Void) async throws {
        let bench = try await venue.open(path)
        try await body(bench)
        await bench.close()
        removeDatabase(path)
    }

    @Test(arguments: VenueUnderTest.all)
    func `it lists its instruments`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            let answer: Result<[Instrument], VenueFailure> = await bench.ask { $0.instruments($1) }
            #expect(answer == .success([bitcoin]))
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `a market order is acknowledged, then traded, and its status agrees`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            let id = try await bench.place(1, order(.buy, "2")).get()
            _ = await bench.balances()
            guard case .trade(let trade)? = await bench.takeReports().first else {
                Issue.record("no trade was told")
                return
            }
            #expect(trade.clientID == clientID(1) && trade.venueOrderID == id)
            #expect(trade.price == d("100") && trade.quantity == d("2") && trade.fee == d("0.2"))
            let found = try #require(await bench.status(1))
            #expect(
                found.state == .filled && found.filledQuantity == d("2") && found.averagePrice == d("100"))
            #expect(
                await bench.balances() == [
                    VenueBalance(currency: "BTC", total: d("2"), locked: .zero),
                    VenueBalance(currency: "USDT", total: d("99799.8"), locked: .zero),
                ])
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `S9: a client id placed twice is one order`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            let first = try await bench.place(1, order(.buy, "2", "90")).get()
            #expect(try await bench.place(1, order(.buy, "2", "90")).get() == first)
            let open: Result<[VenueOrder], VenueFailure> = await bench.ask { $0.openOrders(on: "paper", $1) }
            #expect(try open.get().map(\.venueOrderID) == [first])
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order it cannot take is refused with the reason`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            let refusal = VenueFailure.refused("insufficient balance: needs 2 BTC, free 0")
            #expect(await bench.place(1, order(.sell, "2")) == .failure(refusal))
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order can be cancelled once, and its end is reported with what had filled`(
        _ venue: VenueUnderTest
    ) async throws {
        try await with(venue) { bench in
            _ = await bench.place(1, order(.buy, "2", "90"))
            let first: Result<Void, VenueFailure> = await bench.ask {
                $0.cancel(reference(1), on: "paper", $1)
            }
            #expect(throws: Never.self) { try first.get() }
            _ = await bench.balances()
            #expect(
                await bench.takeReports()
                    == [.cancelled(clientID(1), filled: .zero, reason: "cancelled by request")])
            let second: Result<Void, VenueFailure> = await bench.ask {
                $0.cancel(reference(1), on: "paper", $1)
            }
            #expect(throws: VenueFailure.refused("the order is cancelled")) { try second.get() }
            #expect(await bench.status(1)?.state == .cancelled)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order can be amended, and the answer says what holds`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            _ = await bench.place(1, order(.buy, "2", "90"))
            let wish = Amendment(quantity: d("3"), price: d("91"))
            let answer: Result<Amendment, VenueFailure> = await bench.ask {
                $0.amend(reference(1), to: wish, on: "paper", $1)
            }
            #expect(answer == .success(wish))
            #expect(await bench.status(1)?.quantity == d("3"))
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `an order nobody placed is not there, which is an answer and no failure`(_ venue: VenueUnderTest)
        async throws
    {
        try await with(venue) { bench in
            let answer: Result<VenueOrder?, VenueFailure> = await bench.ask {
                $0.status(of: reference(9), on: "paper", $1)
            }
            #expect(answer == .success(nil))
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `trades come in pages from a cursor, each once`(_ venue: VenueUnderTest) async throws {
        try await with(venue) { bench in
            for number in 1...7 { _ = await bench.place(number, order(.buy, "1")) }
            var (cursor, trades) = (String?.none, [VenueTrade]())
            for page in 0..<10 {
                let asked = cursor
                let answer: Result<TradePage, VenueFailure> = await bench.ask {
                    $0.trades(on: "paper", after: asked, $1)
                }
                trades += try answer.get().trades
                cursor = try answer.get().cursor
                guard try answer.get().isComplete else { continue }
                #expect(page == 2)
                break
            }
            #expect(trades.compactMap { $0.clientID?.order?.number } == [1, 2, 3, 4, 5, 6, 7])
            #expect(Set(trades.map(\.trade)).count == 7)
        }
    }

    @Test(arguments: VenueUnderTest.all)
    func `what it answered survives a restart, and it goes on where it was`(_ venue: VenueUnderTest)
        async throws
    {
        let bench = try await venue.open(path)
        _ = await bench.place(1, order(.buy, "2"))
        _ = await bench.place(2, order(.buy, "2", "90"))
        let (first, second, money) = (await bench.status(1), await bench.status(2), await bench.balances())
        await bench.close()

        try await with(venue) { bench in
            #expect(await bench.status(1) == first)
            #expect(await bench.status(2) == second)
            #expect(await bench.balances() == money)
            // Ended long ago and only in its books: still the same order.
            #expect(try await bench.place(1, order(.buy, "2")).get() == first?.venueOrderID)
            await bench.move(candle("89", high: "95", low: "80"))
            #expect(await bench.status(2)?.state == .filled)
            let third = try await bench.place(3, order(.buy, "1")).get()
            #expect(third != first?.venueOrderID && third != second?.venueOrderID)
        }
    }
}

private func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
}
