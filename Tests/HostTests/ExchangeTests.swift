import Host
import Testing
import Trading
import Wire

extension HostTests {
    /// A whole host in front of the simulator of an exchange, with nothing changed but the address.
    @Suite("Exchanges through the host") struct ExchangeTests {
        @Test(arguments: TradedExchange.all)
        func `a strategy trades on an exchange from the key to the last fill, through a restart of the host`(
            _ exchange: TradedExchange
        ) async throws {
            try await ExchangeRig.run(exchange) { rig in
                try await rig.addFeed(at: ("50000", "50010"))
                try await rig.addAccount()
                let id = try await rig.puppet()
                do {
                    _ = try await rig.fixture.host.start(id, options: ExchangeRig.options, by: "ada")
                    Issue.record("it was started without a credential")
                } catch {
                    #expect("\(error)".contains("no active credential"))
                }
                try await rig.addCredential()
                try await rig.waitUntilWell()
                let before = try await rig.fixture.host.balances(of: "acct")
                #expect(before.first { $0.currency == exchange.currency }?.total == FixedDecimal(100_000))

                try await rig.fixture.run(id, ExchangeRig.options)
                try await rig.order(id, "bought", "buy", "0.01")
                let bought = try await rig.fixture.waitForOrder(id, "bought") { $0.status == .filled }
                #expect(bought.filledQuantity == FixedDecimal("0.01"))
                try await rig.order(id, "waiting", "buy", "0.01", price: "45000")
                try await rig.fixture.waitForOrder(id, "waiting") { $0.status == .open }
                try await rig.order(id, "dropped", "buy", "0.02", price: "44000")
                try await rig.fixture.waitForOrder(id, "dropped") { $0.status == .open }
                try await rig.fixture.say(id, ["type": .string("cancel"), "request": .string("dropped")])
                try await rig.fixture.waitForOrder(id, "dropped") { $0.status == .cancelled }

                // While nobody is there the market comes to the order's price.
                await rig.leave()
                try await rig.hold("44900", "44910")
                try await rig.begin()
                try await rig.fixture.wait(id) { $0.state == .running }
                try await rig.fixture.waitForOrder(id, "waiting") { $0.status == .filled }
                try await rig.hold("50000", "50010")
                try await rig.waitUntilWell()
                let last = try await rig.orderOnceOpen(id, "buy", "0.01", price: "45000")
                try await rig.fixture.waitForOrder(id, last) { $0.status == .open }

                _ = try await rig.fixture.host.stop(id, orders: .flatten, by: "ada")
                try await rig.fixture.wait(id) { $0.state == .stopped }
                try await rig.fixture.waitForOrder(id, last) { $0.status == .cancelled }
                try await rig.fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                try await Self.compare(rig, id)
            }
        }

        /// The host's books and the exchange's say the same, and what was held at first is held again.
        private static func compare(_ rig: ExchangeRig, _ id: String) async throws {
            let there = try await rig.tradesThere()
            // What was just booked is on its way to the disk.
            try await rig.fixture.wait("the last fill to be durable") {
                try await rig.fillsHere(id).count == there.count
            }
            #expect(try await rig.fillsHere(id) == there)
            #expect(there.count == 3)
            let books = try await rig.books()
            let states = (books["orders"]?.arrayValue ?? []).compactMap { $0["state"]?.stringValue }.sorted()
            // Bought, waited, dropped, cancelled at the end, and the sale that closed.
            #expect(states == ["cancelled", "cancelled", "filled", "filled", "filled"])
            #expect(books["balances"]?[rig.exchange.base]?["total"] == .string("1"))
            for held in try await rig.fixture.host.balances(of: "acct") {
                #expect(books["balances"]?[held.currency]?["total"] == .decimal(held.total))
                #expect(held.available == held.total)
            }
        }

        @Test func `paper accounts trade at an exchange's prices and in its steps`() async throws {
            try await ExchangeRig.run(.binance) { rig in
                let fixture = rig.fixture
                try await rig.addFeed()
                let id = try await fixture.puppet("plain")
                try await fixture.run(id, StartOptions(feed: "prices", account: "paper"))
                try await fixture.order(id, "1", "buy", "0.01")
                try await fixture.waitForOrder(id, "1") { $0.status == .filled }
                let candles = try await fixture.host.candles(of: id, symbol: nil, limit: 50)
                #expect(candles.count == 50)
            }
        }

        @Test func `margin, leverage, a missing share and a strange exchange are refused by field`()
            async throws
        {
            try await ExchangeRig.run(.binance) { rig in
                let fixture = rig.fixture
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
                try await rig.addAccount()
                let id = try await fixture.puppet("plain")
                do {
                    _ = try await fixture.host.start(
                        id, options: StartOptions(feed: "injected", account: "acct"), by: "ada")
                    Issue.record("it was started at another market's prices")
                } catch {
                    #expect("\(error)".contains("does not give the prices of binance testnet"))
                }
            }
        }
    }
}
