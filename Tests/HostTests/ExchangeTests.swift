import FoundationEssentials
import Host
import Simulators
import TestSupport
import Testing
import Trading
import Vault
import Wire

extension HostTests {
    /// A whole host in front of the simulator of an exchange, with nothing changed but the address.
    @Suite("Exchanges through the host") struct ExchangeTests {
        private static func run(
            _ body: (HostFixture, Simulator) async throws -> Void
        ) async throws {
            var configuration = SimulatorConfiguration(.binance)
            configuration.port = 0
            configuration.keys = [SimulatorKey(key: "bk-host", secret: "bs-host", account: "main")]
            let simulator = try await Simulator.start(configuration)
            let folder = Places.makeTemporaryFolder()
            try KeyFile.make(folder + "/master.key")
            let fixture = try await HostFixture(
                folder: folder,
                settings: [
                    "venues.binance_testnet=http://127.0.0.1:\(simulator.port)", "limits.price_distance=10",
                ])
            _ = try await fixture.host.identity.addUser(
                "ada", role: .author, password: "correct horse", by: "host")
            do {
                try await body(fixture, simulator)
            } catch {
                await fixture.end()
                await simulator.stop()
                throw error
            }
            await fixture.end()
            await simulator.stop()
        }

        private static func addFeed(_ fixture: HostFixture) async throws {
            _ = try await fixture.host.addFeed(
                .members([
                    "id": .string("btc"), "kind": .string("binance"), "symbols": .array([.string("BTCUSDT")]),
                    "resolutions": .array([.string("1m")]),
                ]), by: "ada")
            try await fixture.wait("the feed's prices") {
                try await fixture.host.feeds().first { $0.id == "btc" }.map {
                    $0.isRunning && $0.lastEvent != nil
                } ?? false
            }
        }

        private static func addAccount(_ fixture: HostFixture) async throws {
            _ = try await fixture.host.addAccount(
                .members([
                    "id": .string("bin"), "venue": .string("binance"), "currency": .string("USDT"),
                    "balance": .string("5000"),
                ]), by: "ada")
        }

        @Test func `a strategy trades on an exchange from the key to the fill`() async throws {
            try await Self.run { fixture, _ in
                try await Self.addFeed(fixture)
                try await Self.addAccount(fixture)
                let id = try await fixture.puppet("plain")
                let options = StartOptions(feed: "btc", account: "bin")
                do {
                    _ = try await fixture.host.start(id, options: options, by: "ada")
                    Issue.record("it was started without a credential")
                } catch {
                    #expect("\(error)".contains("no active credential"))
                }
                let made = try await fixture.host.addCredential(
                    .members([
                        "venue": .string("binance"), "account": .string("bin"),
                        "api_key": .string("bk-host"), "secret": .string("bs-host"), "active": .bool(true),
                    ]), by: "ada")
                #expect(made.credential.isActive)
                try await fixture.wait("the stream of orders") {
                    fixture.host.health.json["binance-testnet"] == .string("ok")
                }
                let held = try await fixture.host.balances(of: "bin")
                #expect(held.first { $0.currency == "USDT" }?.total == FixedDecimal(100_000))

                try await fixture.run(id, options)
                try await fixture.order(id, "1", "buy", "0.01")
                let bought = try await fixture.waitForOrder(id, "1") { $0.status == .filled }
                #expect(bought.filledQuantity == FixedDecimal("0.01"))
                try await fixture.order(id, "2", "buy", "0.01", price: "20000")
                try await fixture.waitForOrder(id, "2") { $0.status == .open }
                try await fixture.say(id, ["type": .string("cancel"), "request": .string("2")])
                try await fixture.waitForOrder(id, "2") { $0.status == .cancelled }
                // What the fee of the buy left is what can be sold.
                let position = try #require(
                    try await fixture.host.positions(owner: nil).first { $0.symbol == "BTCUSDT" })
                #expect(position.account == "bin" && position.quantity == FixedDecimal("0.00999"))
            }
        }

        @Test func `paper accounts trade at an exchange's prices and in its steps`() async throws {
            try await Self.run { fixture, _ in
                try await Self.addFeed(fixture)
                let id = try await fixture.puppet("plain")
                try await fixture.run(id, StartOptions(feed: "btc", account: "paper"))
                try await fixture.order(id, "1", "buy", "0.01")
                try await fixture.waitForOrder(id, "1") { $0.status == .filled }
                let candles = try await fixture.host.candles(of: id, symbol: nil, limit: 50)
                #expect(candles.count == 50)
            }
        }

        @Test func `margin, leverage, a missing share and a strange exchange are refused by field`()
            async throws
        {
            try await Self.run { fixture, _ in
                let wrong: [(KeyValuePairs<String, JSONValue?>, String)] = [
                    (["kind": .string("margin"), "balance": .string("1")], "kind"),
                    (["leverage": .string("2"), "balance": .string("1")], "leverage"),
                    ([:], "balance"),
                    (["environment": .string("moon"), "balance": .string("1")], "environment"),
                    (["venue": .string("mtgox"), "balance": .string("1")], "venue"),
                ]
                for (members, field) in wrong {
                    guard case .object(var given) = JSONValue.members(members) else { continue }
                    if !given.contains(where: { $0.name == "venue" }) {
                        given.append(.init("venue", .string("binance")))
                    }
                    given.append(.init("id", .string("odd")))
                    do {
                        _ = try await fixture.host.addAccount(.object(given), by: "ada")
                        Issue.record("\(field) was taken")
                    } catch {
                        #expect("\(error)".hasPrefix(field), "\(error)")
                    }
                }
                try await Self.addAccount(fixture)
                let id = try await fixture.puppet("plain")
                do {
                    _ = try await fixture.host.start(
                        id, options: StartOptions(feed: "injected", account: "bin"), by: "ada")
                    Issue.record("it was started at another market's prices")
                } catch {
                    #expect("\(error)".contains("does not give the prices of binance testnet"))
                }
            }
        }
    }
}
