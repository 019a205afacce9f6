import Host
import Testing
import Trading
import Wire

extension HostTests {
    @Suite("Metrics of a strategy")
    struct MetricTests {
        @Test func `what a strategy measures stands in its status, the latest of each name`() async throws {
            try await HostFixture.run(settings: ["market.speed=600"]) { fixture in
                let id = try await fixture.upload(
                    """
                    from bullpen import Strategy

                    class Measuring(Strategy):
                        def on_start(self):
                            self.metric("warmth", "1")
                            self.metric("warmth", "21.50")
                            self.metric("bars", 3)
                    """)
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let status = try await fixture.wait(id) { $0.metrics.count == 2 && $0.state == .running }
                #expect(
                    status.metrics == ["warmth": try #require(FixedDecimal("21.5")), "bars": FixedDecimal(3)])
                #expect(status.json["metrics"]?.text == #"{"bars":"3","warmth":"21.5"}"#)
            }
        }

        @Test func `the series of a strategy vanish with it`() async throws {
            try await HostFixture.run(settings: ["market.speed=600"]) { fixture in
                let id = try await fixture.upload(
                    """
                    import os
                    from bullpen import Strategy

                    class Forking(Strategy):
                        def on_start(self):
                            try:
                                os.fork()
                            except OSError:
                                self.log("refused")
                    """)
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                try await fixture.waitForLine(id, "refused")
                _ = try await fixture.wait(id) { $0.state == .running }
                func series() -> [Substring] {
                    fixture.host.metrics.text.split(separator: "\n").filter { $0.contains(id) }
                }
                #expect(series().contains { $0.hasPrefix("bullpen_sandbox_violations_total{") })
                _ = try await fixture.host.stop(id, orders: nil, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .stopped }
                try await fixture.host.delete(id, by: "ada")
                #expect(series() == [])
            }
        }
    }
}
