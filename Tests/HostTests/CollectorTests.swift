import Host
import Testing
import Trading
import Wire

extension HostTests {
    /// Collectors of a whole host, in front of the simulator of an exchange.
    @Suite("Collecting through the host") struct CollectorTests {
        private static func ended(_ rig: ExchangeRig, _ id: String) async throws -> JSONValue {
            try await rig.fixture.wait("the end of the download") {
                try await rig.fixture.host.download(id)["state"] != .string("running")
            }
            return try await rig.fixture.host.download(id)
        }

        @Test func `a strategy gets the candles from before its feed, in order and without a gap`()
            async throws
        {
            try await ExchangeRig.run(.binance) { rig in
                // One candle is all that the feed has of its own; the strategy wants forty.
                _ = try await rig.fixture.host.addFeed(
                    .members([
                        "id": .string("short"), "kind": .string("binance"),
                        "symbols": .array([.string("BTCUSDT")]), "resolutions": .array([.string("1m")]),
                        "history": .integer(1),
                    ]), by: "ada")
                let config =
                    #"{"kind":"native","lookback_period":40,"memory_mb":64,"custom_params":{"mode":"plain"}}"#
                let id = try await rig.fixture.host.upload(
                    BundleUpload(
                        content: Puppet.program.get(), fileName: "main", name: "far",
                        config: Array(config.utf8)),
                    by: "ada"
                ).id
                try await rig.fixture.wait("the feed's prices") {
                    try await rig.fixture.host.feeds().contains {
                        $0.id == "short" && $0.isRunning && $0.lastEvent != nil
                    }
                }
                try await rig.fixture.run(id, StartOptions(feed: "short"))
                let told = try await rig.fixture.candles(id)
                let past = told.filter { $0["history"] == .bool(true) }
                    .compactMap { $0["time"]?.intValue }
                #expect(past.count == 40)
                #expect(zip(past, past.dropFirst()).allSatisfy { $1 - $0 == 60_000 })
            }
        }

        @Test func `a download goes on after the host was restarted, and a collector is still there`()
            async throws
        {
            try await ExchangeRig.run(.binance) { rig in
                let order = JSONValue.members([
                    "venue": .string("binance-testnet"), "symbol": .string("BTCUSDT"),
                    "resolution": .string("1h"), "from": .string("2026-01-01"), "to": .string("2026-03-01"),
                ])
                _ = try await rig.fixture.host.addCollector(
                    .members([
                        "id": .string("hours"), "kind": .string("candles"),
                        "venue": .string("binance-testnet"),
                        "symbols": .array([.string("BTCUSDT")]), "resolutions": .array([.string("1h")]),
                        "live": .string("poll"),
                    ]), by: "ada")
                let begun = try await rig.fixture.host.addDownload(order, by: "ada")
                let first = try await Self.ended(rig, begun["id"]?.stringValue ?? "")
                #expect(first["state"] == .string("done"))
                #expect(first["bars_total"] == .integer(59 * 24))
                await rig.leave()
                try await rig.begin()
                #expect(try await rig.fixture.host.collectors().map { $0["id"] } == [.string("hours")])
                let again = try await rig.fixture.host.addDownload(order, by: "ada")
                let second = try await Self.ended(rig, again["id"]?.stringValue ?? "")
                #expect(second["stored"] == .integer(0))
                #expect(second["bars_known"] == .integer(59 * 24))
                await #expect(throws: HostError.self) {
                    try await rig.fixture.host.addDownload(.members(["venue": .string("nowhere")]), by: "ada")
                }
            }
        }
    }
}
