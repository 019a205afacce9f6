import Exchanges
import Posix
import Secrets
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// What a host finds at Binance after another one on the same address.
@Suite("Binance's adapter after a restart", .serialized)
struct BinanceRestartTests {
    private func with(_ body: (BinanceBench) async throws -> Void) async throws {
        let path = "restarts-\(UUID())"
        let bench = try await BinanceBench(path: path)
        do {
            try await body(bench)
        } catch {
            await bench.close()
            await BinanceBench.end(path)
            throw error
        }
        await bench.close()
        await BinanceBench.end(path)
    }

    @Test
    func `R5: a trade told to the next host carries its order's name, however many orders lie before it`()
        async throws
    {
        let path = "faults-\(UUID())"
        // Three orders to a page; between the two that trade lie eight that do not.
        let first = try await BinanceBench(path: path)
        _ = try await first.place(1, order(.buy, "2", "110")).get()
        for number in 2...9 { _ = try await first.place(number, order(.buy, "1", "50")).get() }
        _ = try await first.place(10, order(.buy, "2", "110")).get()
        await first.close()
        let second = try await BinanceBench(path: path)
        let told = try await second.trades()
        #expect(told.all.map(\.clientID) == [clientID(1), clientID(10)])
        await second.close()
        await BinanceBench.end(path)
    }

    @Test func `the venue's own limits are learnt although more was used than the documents allow`()
        async throws
    {
        try await with { bench in
            // Of weight 80 each: 6,000 a minute is what the documents allow, and the simulator a million.
            for _ in 0..<80 { _ = try await bench.openOrders() }
            let second = BareVenue(bench)
            #expect(try await second.openOrders().isEmpty)
            try await second.follow()
            #expect(try await second.openOrders().isEmpty)
            await second.close()
        }
    }
}

/// Another host's adapter on the same address, which asks before it has heard anything.
private final class BareVenue: @unchecked Sendable {
    // @unchecked: `venue` is touched on the loop's thread alone.
    private let bench: BinanceBench
    private let key = SimulatorBench.signingKey()
    private var venue: BinanceVenue?

    init(_ bench: BinanceBench) { self.bench = bench }

    private func onLoop<Answer: Sendable>(
        _ body: @escaping @Sendable (BinanceVenue, @escaping @Sendable (Answer) -> Void) -> Void
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            bench.loop.perform { [self] in
                let venue =
                    self.venue
                    ?? BinanceVenue(
                        venue: "binance-testnet",
                        addresses: BinanceAddresses(rest: "http://127.0.0.1:\(bench.simulator.port)"),
                        http: bench.http, sockets: bench.sockets, loop: bench.loop, seed: 2,
                        keys: { [key] _ in key })
                self.venue = venue
                body(venue) { continuation.resume(returning: $0) }
            }
        }
    }

    func openOrders() async throws -> [VenueOrder] {
        let answer: Result<[VenueOrder], VenueFailure> = await onLoop { venue, answered in
            venue.openOrders(on: "main") { answered($0) }
        }
        return try answer.get()
    }

    /// Follows a symbol, and waits until its instrument is known.
    func follow() async throws {
        let _: Bool = await onLoop { venue, answered in
            venue.onInstruments = { [weak venue] _ in
                venue?.onInstruments = nil
                answered(true)
            }
            venue.follow(["BTCUSDT"])
        }
    }

    func close() async { await bench.onLoop { [self] in venue?.end() } }
}
