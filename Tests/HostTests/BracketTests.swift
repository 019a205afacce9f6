import FoundationEssentials
import Glibc
import Host
import TestSupport
import Testing
import Trading
import Wire

extension HostTests {
    /// Stop-losses and take-profits of confined strategies, held by the host.
    @Suite("Held stops") struct BracketTests {
        /// A strategy that holds 1 under a stop at 90 and a take-profit at 120.
        static func protected(_ fixture: HostFixture, _ more: String) async throws -> String {
            let id = try await fixture.runPuppet("plain", more)
            try await fixture.candle("100")
            try await fixture.say(
                id,
                [
                    "type": .string("order"), "request": .string("in"), "symbol": .string("BTCUSDT"),
                    "side": .string("buy"), "order_type": .string("market"), "quantity": .string("1"),
                    "stop_loss": .string("90"), "take_profit": .string("120"),
                ])
            try await fixture.waitForOrder(id, "in") { $0.status == .filled }
            try await fixture.waitForBracket(id, "in", .held)
            return id
        }

        @Test(arguments: ["keep", "cancel"])
        func `a stop closes the position of a strategy that has crashed`(_ policy: String) async throws {
            try await HostFixture.run { fixture in
                let id = try await Self.protected(
                    fixture, #""orders_at_death":"\#(policy)","restart":{"policy":"temporary"}"#)
                try await fixture.tell(id, "CRASH")
                try await fixture.wait(id) { $0.state == .stopped }
                try await fixture.candle("95")
                try await fixture.waitForBracket(id, "in", .held)
                #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
                try await fixture.candle("89")
                let done = try await fixture.waitForBracket(id, "in", .done)
                #expect(done.bracket.leg == .stopLoss && done.bracket.closed == .one)
                try await fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                // It goes although nothing of the strategy is open any more.
                let open = try await fixture.host.openBrackets(owner: nil, page: PageRequest(limit: 10))
                #expect(open.items == [])
            }
        }

        @Test func `a strategy may want its stops to end with it`() async throws {
            try await HostFixture.run { fixture in
                let id = try await Self.protected(
                    fixture, #""brackets_at_death":"cancel","restart":{"policy":"temporary"}"#)
                try await fixture.tell(id, "CRASH")
                try await fixture.waitForBracket(id, "in", .cancelled)
                try await fixture.candle("80")
                #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
            }
        }

        @Test func `a strategy hears of its stop, and an operator can take it away`() async throws {
            try await HostFixture.run { fixture in
                let id = try await Self.protected(fixture, "")
                try await fixture.say(
                    id, ["type": .string("cancel"), "request": .string("in"), "bracket": .bool(true)])
                try await fixture.waitForBracket(id, "in", .cancelled)
                try await fixture.say(
                    id,
                    [
                        "type": .string("oco"), "request": .string("pair"), "symbol": .string("BTCUSDT"),
                        "side": .string("sell"), "quantity": .string("1"), "stop_loss": .string("80"),
                    ])
                let pair = try await fixture.waitForBracket(id, "pair", .held)
                #expect(pair.json["entry"] == .null && pair.bracket.key.symbol.hasPrefix("BTCUSDT"))
                try await fixture.say(
                    id, ["type": .string("amend"), "request": .string("pair"), "stop_loss": .string("85")])
                try await fixture.wait("the stop to move", about: id) {
                    try await fixture.brackets(id).first?.bracket.prices.stopLoss == FixedDecimal(85)
                }
                let gone = try await fixture.host.cancelBracket(pair.id, by: "ada")
                #expect(gone.bracket.status == .cancelled)
                await #expect(throws: HostError.self) {
                    _ = try await fixture.host.cancelBracket(pair.id, by: "ada")
                }
                try await fixture.waitForLine(id, "ended: cancelled by ada")
                try await fixture.candle("70")
                #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
            }
        }

        @Test func `the next host holds the stop, tells its strategy, and closes on the first price`()
            async throws
        {
            let first = try await HostFixture()
            let id = try await Self.protected(first, "")
            await first.host.drain()
            let second = try await HostFixture(folder: first.folder)
            try await second.wait(id) { $0.state == .running }
            let line = try await second.waitForLine(id, "stderr: hello: ")
            let hello = try JSONParser.parse(String(line.drop { $0 != "{" }))
            let told = try #require(hello["brackets"]?.arrayValue?.first)
            #expect(told["status"] == .string("held") && told["stop_loss"] == .string("90"))
            try await second.candle("60")
            try await second.waitForBracket(id, "in", .done)
            try await second.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
            await second.end()
        }

        @Test func `a host that is killed holds its stops in its next life`() async throws {
            let folder = try HostFixture.prepare(Places.makeTemporaryFolder())
            let first = try await HostFixture(folder: folder, settings: ["market.speed=600"])
            let id = try await first.upload(
                """
                from decimal import Decimal
                from bullpen import Strategy

                class Held(Strategy):
                    def on_start(self):
                        self.told = False
                        self.life = (self.state or 0) + 1
                        self.save_state(self.life)
                        self.log(f"life {self.life} found {[one.status for one in self.open_brackets]}")

                    def on_candle(self, candle):
                        if candle.history:
                            return
                        if self.position().is_flat and not self.open_orders and self.life < 3:
                            self.buy("0.01", stop_loss=candle.close / 2)
                        for bracket in self.open_brackets:
                            if bracket.status == "held":
                                if not self.told:
                                    self.log(f"life {self.life} holds {bracket.quantity}")
                                self.told = True
                                if self.life == 3:
                                    self.amend(bracket, stop_loss=candle.close * Decimal("0.9999"))
                """)
            try await first.run(id)
            await first.host.drain()
            let serving = try ServingHost(folder: folder)
            try await serving.waitForLines(1, of: id, with: "life 2 holds 0.01", seconds: 60)
            await serving.kill()
            let second = try await HostFixture(folder: folder, settings: ["market.speed=600"])
            try await second.wait("the next life", about: id, seconds: 60) {
                try await second.lines(id).contains { $0.contains("life 3 found ['held']") }
            }
            try await second.wait("the stop to close", about: id, seconds: 60) {
                try await second.brackets(id).first?.bracket.status == .done
            }
            try await second.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
            await second.end()
        }
    }
}

extension HostFixture {
    /// A strategy's brackets, newest first.
    func brackets(_ strategy: String) async throws -> [BracketView] {
        try await host.brackets(of: strategy, page: PageRequest(limit: 100)).items
    }

    /// Waits for a bracket to stand where it should.
    @discardableResult
    func waitForBracket(
        _ strategy: String, _ request: RequestID, _ status: Bracket.Status
    ) async throws -> BracketView {
        var found: BracketView?
        try await wait("bracket \(request) to be \(status)", about: strategy) {
            found = try await brackets(strategy).first { $0.bracket.request == request }
            return found?.bracket.status == status
        }
        return try #require(found)
    }
}
