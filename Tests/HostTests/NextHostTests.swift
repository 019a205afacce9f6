import Host
import Testing
import Wire

extension HostTests {
    @Suite("What the next host starts") struct NextHostTests {
        @Test func `a strategy that ran is started again, one that was quarantined is not and says why`()
            async throws
        {
            let (folder, steady, broken) = try await firstHost()
            let next = try await HostFixture(folder: folder)
            _ = try await next.wait(steady) { $0.state == .running }
            let status = try await next.host.status(of: broken)
            #expect(status.state == .stopped)
            #expect(status.reason?.hasPrefix("quarantined: ended 1 times") == true, "\(status.reason ?? "")")
            #expect(status.reason?.contains("ValueError: never again") == true)
            await next.end()
        }

        /// Runs both under a host that then ends in good order; its data folder is free when this returns.
        private func firstHost() async throws -> (folder: String, steady: String, broken: String) {
            let first = try await HostFixture(settings: ["market.speed=600"])
            let steady = try await first.upload(
                """
                from bullpen import Strategy

                class Steady(Strategy):
                    pass
                """, name: "steady")
            let broken = try await first.upload(
                """
                from bullpen import Strategy

                class Broken(Strategy):
                    def on_start(self):
                        raise ValueError("never again")
                """, name: "broken",
                config: #"{"restart":{"policy":"permanent","intensity":0,"period_seconds":60}}"#)
            for id in [steady, broken] {
                _ = try await first.host.start(id, options: StartOptions(), by: "ada")
            }
            _ = try await first.wait(steady) { $0.state == .running }
            _ = try await first.wait(broken) { $0.state == .quarantined }
            await first.host.drain()
            return (first.folder, steady, broken)
        }
    }
}
