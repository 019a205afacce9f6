import Exchanges
import Simulators
import Testing
import Trading

import struct FoundationEssentials.UUID

// How the contract under faults opens its exchanges.

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
