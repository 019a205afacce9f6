import Host
import Testing

extension HostTests {
    @Suite("Restart policy") struct RestartPolicyTests {
        /// A strategy that ends by itself as soon as it is past its history; with the given exit code.
        static func quitter(_ code: Int) -> String {
            """
            import os
            from bullpen import Strategy

            class Quitter(Strategy):
                def on_start(self):
                    os._exit(\(code))
            """
        }

        static func config(_ policy: String, intensity: Int = 5) -> String {
            #"{"restart":{"policy":"\#(policy)","intensity":\#(intensity),"period_seconds":600}}"#
        }

        @Test(
            "what follows an end depends on the policy and on how it ended",
            arguments: [
                ("permanent", 0, RunStatusView.State.backingOff), ("permanent", 3, .backingOff),
                ("transient", 0, .stopped), ("transient", 3, .backingOff), ("temporary", 0, .stopped),
                ("temporary", 3, .stopped),
            ])
        func policy(_ policy: String, code: Int, state: RunStatusView.State) async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(Self.quitter(code), config: Self.config(policy))
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(id) { $0.state == .stopped || $0.state == .backingOff }
                #expect(end.state == state)
                #expect(end.reason == (code == 0 ? "it ended by itself" : "exit code 3"))
                #expect((end.nextStart != nil) == (state == .backingOff))
            }
        }

        @Test
        func `it backs off longer each time, is quarantined beyond the intensity, and start clears that`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(
                    Self.quitter(3), config: Self.config("permanent", intensity: 2))
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(id) { $0.state == .quarantined }
                #expect(end.reason == "ended 3 times within 600 s; the last time: exit code 3")
                #expect(end.restarts == 2)
                let waits = try await fixture.lines(id).compactMap { line in
                    line.hasPrefix("host: will be started again in ")
                        ? Int(line.split(separator: " ")[6]) : nil
                }
                #expect(waits.count == 2)
                #expect((875...1125).contains(waits[0]))
                #expect((1750...2250).contains(waits[1]))
                await #expect(throws: HostError.self) {
                    _ = try await fixture.host.resume(id, by: "ada")
                }
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let again = try await fixture.wait(id) { $0.state == .backingOff }
                #expect(again.restarts == 0)
                _ = try await fixture.host.stop(id, orders: nil, by: "ada")
                let stopped = try await fixture.wait(id) { $0.state == .stopped }
                #expect(stopped.reason == "stopped by ada")
            }
        }
    }
}
