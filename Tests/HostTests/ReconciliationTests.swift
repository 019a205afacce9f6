import FoundationEssentials
import Host
import Identity
import Simulators
import TestSupport
import Testing
import Trading
import Vault
import Wire

extension HostTests {
    /// What an exchange holds against the host's books, and what nobody knows, through a whole host before a simulator.
    @Suite("Reconciliation through the host") struct ReconciliationTests {
        private struct Rig {
            let fixture: HostFixture
            let simulator: Simulator

            /// Does something by the simulator's own door.
            func control(_ path: String, _ body: String) async throws {
                let ending = try await ChildProcess.run(
                    "/usr/bin/curl",
                    [
                        "-sS", "--fail-with-body", "-X", "POST", "-H", "Content-Type: application/json",
                        "--data", body, "http://127.0.0.1:\(simulator.port)/_control/\(path)",
                    ], environment: [:])
                try #require(ending.code == 0, "\(ending.output) \(ending.errors)")
            }

            func deposit(_ amount: String, _ currency: String) async throws {
                try await control(
                    "deposits", #"{"account":"main","currency":"\#(currency)","amount":"\#(amount)"}"#)
            }

            func addFeed(_ kind: String, _ symbol: String) async throws {
                _ = try await fixture.host.addFeed(
                    .members([
                        "id": .string("prices"), "kind": .string(kind),
                        "symbols": .array([.string(symbol)]), "resolutions": .array([.string("1m")]),
                    ]), by: "ada")
                try await fixture.wait("the feed's prices") {
                    try await fixture.host.feeds().first { $0.id == "prices" }.map {
                        $0.isRunning && $0.lastEvent != nil
                    } ?? false
                }
            }

            /// Adds an account with its credential, and waits until the exchange is well.
            func addAccount(_ venue: String, _ currency: String, part: String, owner: String = "ada")
                async throws
            {
                _ = try await fixture.host.addAccount(
                    .members([
                        "id": .string("acct"), "venue": .string(venue), "currency": .string(currency),
                        "balance": .string("5000"),
                    ]), by: "ada")
                _ = try await fixture.host.addCredential(
                    .members([
                        "venue": .string(venue), "account": .string("acct"), "api_key": .string("bk-host"),
                        "secret": .string("bs-host"), "active": .bool(true), "owner": .string(owner),
                    ]), by: "ada")
                try await fixture.wait("the exchange to be well") {
                    fixture.host.health.json[part] == .string("ok")
                }
            }

            func reconcile(_ request: ReconcileRequest = ReconcileRequest()) async throws
                -> ReconciliationView
            {
                try await fixture.host.reconcile("acct", request, by: "ada")
            }
        }

        private static func run(
            _ exchange: SimulatedExchange, _ setting: String, settings: [String] = [],
            _ body: (Rig) async throws -> Void
        ) async throws {
            var configuration = SimulatorConfiguration(exchange)
            configuration.port = 0
            configuration.keys = [SimulatorKey(key: "bk-host", secret: "bs-host", account: "main")]
            let simulator = try await Simulator.start(configuration)
            let folder = Places.makeTemporaryFolder()
            try KeyFile.make(folder + "/master.key")
            let fixture = try await HostFixture(
                folder: folder,
                settings: [
                    "\(setting)=http://127.0.0.1:\(simulator.port)", "limits.price_distance=10",
                    "venues.balance_quiet=1s",
                ] + settings)
            do {
                for name in ["ada", "bob"] {
                    _ = try await fixture.host.identity.addUser(
                        name, role: .author, password: "correct horse", by: "host")
                }
                try await body(Rig(fixture: fixture, simulator: simulator))
            } catch {
                await fixture.end()
                await simulator.stop()
                throw error
            }
            await fixture.end()
            await simulator.stop()
        }

        private static let options = StartOptions(feed: "prices", account: "acct")

        @Test func `R6: coins that leave without a trade are external, block, and are accepted`() async throws
        {
            try await Self.run(.binance, "venues.binance_testnet") { rig in
                let fixture = rig.fixture
                try await rig.addFeed("binance", "BTCUSDT")
                try await rig.addAccount("binance", "USDT", part: "binance-testnet")
                let first = try await rig.reconcile()
                #expect(first.desk.agrees && first.desk.lastMilliseconds != nil, "\(first.json.text)")

                let id = try await fixture.puppet("plain")
                try await fixture.run(id, Self.options)
                try await fixture.order(id, "1", "buy", "0.01")
                try await fixture.waitForOrder(id, "1") { $0.status == .filled }
                let traded = try await rig.reconcile()
                #expect(traded.desk.agrees, "a fill and its fee are no difference: \(traded.json.text)")

                try await rig.deposit("-0.004", "BTC")
                let found = try await rig.reconcile()
                #expect(!found.desk.agrees)
                #expect(found.differences.map(\.words) == ["-0.004 BTC"], "\(found.json.text)")
                #expect(try await fixture.host.reconciliations().contains { !$0.differences.isEmpty })
                let denied = try await fixture.order(id, "2", "buy", "0.01")
                #expect(denied.status == .denied)
                #expect(denied.reason?.contains("0.004 BTC less on account acct") == true, "\(denied)")
                try await fixture.order(id, "3", "sell", "0.005")
                try await fixture.waitForOrder(id, "3") { $0.status == .filled }

                await #expect(throws: HostError.self) {
                    try await rig.reconcile(
                        ReconcileRequest(accepts: true, expected: [.init(asset: "BTC", amount: .one)]))
                }
                let accepted = try await rig.reconcile(
                    ReconcileRequest(accepts: true, expected: found.differences))
                #expect(
                    accepted.desk.agrees && accepted.accepted == found.differences, "\(accepted.json.text)")
                try await fixture.wait("the audit trail") {
                    try await fixture.host.identity.audit.entries(limit: 100).contains {
                        $0.action == "account.reconcile" && $0.detail.contains("-0.004 BTC")
                    }
                }
                try await fixture.order(id, "4", "buy", "0.01")
                try await fixture.waitForOrder(id, "4") { $0.status == .filled }
                let last = try await rig.reconcile()
                #expect(last.desk.agrees, "\(last.json.text)")
            }
        }

        @Test func `R6: what is external is found by the audit alone`() async throws {
            try await Self.run(
                .binance, "venues.binance_testnet", settings: ["venues.reconcile_interval=1s"]
            ) { rig in
                try await rig.addAccount("binance", "USDT", part: "binance-testnet")
                let first = try await rig.reconcile()
                #expect(first.desk.agrees, "\(first.json.text)")
                try await rig.deposit("250", "USDT")
                try await rig.fixture.wait("the audit to find it") {
                    try await rig.fixture.host.reconciliations().first { $0.desk.account == "acct" }?
                        .differences.map(\.words) == ["250 USDT"]
                }
            }
        }

        @Test func `paper accounts agree with their venue`() async throws {
            try await HostFixture.run(settings: ["venues.balance_quiet=1s"]) { fixture in
                let id = try await fixture.runPuppet()
                try await fixture.candle("100")
                try await fixture.order(id, "1", "buy", "3")
                try await fixture.candle("101")
                try await fixture.waitForOrder(id, "1") { $0.status == .filled }
                let seen = try await fixture.host.reconcile("paper", ReconcileRequest(), by: "ada")
                #expect(seen.desk.agrees, "\(seen.json.text)")
                #expect(seen.desk.holdings.contains { $0.asset == "BTC" && $0.told == FixedDecimal(3) })
            }
        }

        @Test func `S11: an operator says which of two orders is ours, and trading goes on`() async throws {
            try await Self.run(.coinspot, "venues.coinspot") { rig in
                let fixture = rig.fixture
                try await rig.addFeed("coinspot", "BTCAUD")
                try await rig.addAccount("coinspot", "AUD", part: "coinspot")
                let id = try await fixture.puppet("plain", #""pair":"BTCAUD""#)
                try await fixture.run(id, Self.options)
                try await rig.control(
                    "faults", #"{"kind":"drop_after","path":"/api/v2/my/buy","times":1}"#)
                try await fixture.order(id, "1", "buy", "0.01", price: "20000", symbol: "BTCAUD")
                try await fixture.waitForOrder(id, "1") { $0.status == .unknown }
                // Somebody places the very same by hand.
                try await rig.control(
                    "orders",
                    #"{"account":"main","symbol":"BTCAUD","side":"buy","quantity":"0.01","price":"20000"}"#)
                try await fixture.wait("the doubt", about: id) {
                    try await !fixture.host.ambiguousOrders().isEmpty
                }
                let doubt = try #require(try await fixture.host.ambiguousOrders().first)
                #expect(doubt.candidates.count == 2)
                let seen = try await fixture.host.reconciliations().first { $0.desk.account == "acct" }
                let question = try #require(seen?.desk.questions.first)
                #expect(question.subject == .outcome && question.candidates.count == 2)
                #expect(seen?.json.text.contains("an operator must say which") == true)
                let denied = try await fixture.order(id, "2", "buy", "0.01", price: "19000", symbol: "BTCAUD")
                #expect(denied.status == .denied)

                await #expect(throws: HostError.self) {
                    try await fixture.host.settleOrder(doubt.order.id, as: "no-such-order", by: "ada")
                }
                _ = try await fixture.host.settleOrder(doubt.order.id, as: doubt.candidates[0], by: "ada")
                try await fixture.waitForOrder(id, "1") { $0.status == .open }
                #expect(try await fixture.host.ambiguousOrders().isEmpty)
                await #expect(throws: HostError.self) {
                    try await fixture.host.settleOrder(doubt.order.id, as: nil, by: "ada")
                }
                try await fixture.order(id, "3", "buy", "0.01", price: "18000", symbol: "BTCAUD")
                try await fixture.waitForOrder(id, "3") { $0.status == .open }
            }
        }

        @Test func `a start on an account that the author was not given is refused, and passes once he is`()
            async throws
        {
            try await Self.run(.binance, "venues.binance_testnet") { rig in
                let fixture = rig.fixture
                try await rig.addFeed("binance", "BTCUSDT")
                try await rig.addAccount("binance", "USDT", part: "binance-testnet", owner: "bob")
                let id = try await fixture.puppet("plain")
                do {
                    _ = try await fixture.host.start(id, options: Self.options, by: "ada")
                    Issue.record("it was started with another's key")
                } catch {
                    #expect(
                        "\(error)"
                            == "strategies of ada may not trade on account acct: an operator decides who may")
                }
                #expect(try await fixture.host.status(of: id).state == .stopped)
                let key = try #require(try await fixture.host.credentials(owner: nil).first)
                _ = try await fixture.host.changeCredential(
                    key.credential.id, .members(["traders": .array([.string("ada")])]), by: "host")
                try await fixture.run(id, Self.options)
            }
        }
    }
}
