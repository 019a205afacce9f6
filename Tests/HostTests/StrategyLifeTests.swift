import Host
import Testing
import Wire

extension HostTests {
    @Suite("A strategy's life") struct StrategyLifeTests {
        @Test func `an uploaded strategy runs confined, hears candles and its log is kept`() async throws {
            let fixture = try await HostFixture(settings: ["market.speed=600"])
            let id = try await fixture.upload(
                """
                from bullpen import Strategy

                class Trial(Strategy):
                    def on_start(self):
                        print("printed in on_start")

                    def on_candle(self, candle):
                        if not candle.history:
                            self.log(f"live {candle.symbol}")
                """)
            _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
            _ = try await fixture.wait(id) { $0.state == .running }
            let status = try await fixture.wait(id) { $0.usage.linesIn > 3 }
            #expect(status.usage.linesOut > 100)
            let start = try #require(status.start)
            #expect(start.duration > .zero && start.duration < .seconds(20))
            let lines = try await fixture.lines(id)
            let door = try #require(start.json["door"]?.stringValue)
            let milliseconds = try #require(start.json["milliseconds"]?.text)
            #expect(lines.contains("host: started \(door) in \(milliseconds) ms"))
            #expect(lines.contains("stderr: printed in on_start"))
            #expect(lines.contains("strategy: live BTCUSDT"))
            _ = try await fixture.host.stop(id, orders: nil, by: "ada")
            let stopped = try await fixture.wait(id) { $0.state == .stopped }
            #expect(stopped.start == nil)
            try await fixture.host.delete(id, by: "ada")
            await fixture.end()
        }

        @Test func `an order comes back filled and the position is the strategy's own`() async throws {
            let fixture = try await HostFixture(settings: ["market.speed=600"])
            let id = try await fixture.upload(
                """
                from bullpen import Strategy

                class Buyer(Strategy):
                    def on_start(self):
                        self.bought = False

                    def on_candle(self, candle):
                        if not candle.history and not self.bought:
                            self.bought = True
                            self.buy("0.01")

                    def on_fill(self, fill):
                        self.log(f"filled {fill.quantity}")
                """)
            _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
            let status = try await fixture.wait(id) { !$0.positions.isEmpty }
            #expect(status.positions[0].symbol == "BTCUSDT")
            try await fixture.wait("its order", about: id) {
                try await fixture.orders(id).map(\.status) == [.filled]
            }
            let fills = try await fixture.host.fills(of: id, page: PageRequest()).items
            #expect(!fills.isEmpty && fills.allSatisfy { $0.strategy == id })
            _ = try await fixture.host.stop(id, orders: .flatten, by: "ada")
            _ = try await fixture.wait(id) {
                $0.state == .stopped && $0.positions.allSatisfy(\.quantity.isZero)
            }
            await fixture.end()
        }
    }
}
