import Host
import Testing
import Wire

extension HostTests {
    @Suite("Wanted runs") struct WantedRunTests {
        static let teller = """
            from bullpen import Strategy

            class Teller(Strategy):
                def on_start(self):
                    if self.parameter("ends", False):
                        self.finish()
                    self.log(f"a={self.parameter('a')} b={self.parameter('b')} state={self.state}")
                    self.save_state((self.state or 0) + 1)
            """
        static let config = #"{"restart":{"policy":"transient"},"custom_params":{"a":1,"b":2,"ends":false}}"#

        @Test
        func `what should run is started as before, and what had ended or was stopped is not`() async throws {
            let (folder, runs, ends, stopped, again) = try await livesBefore()
            let next = try await HostFixture(folder: folder)
            _ = try await next.wait(runs) { $0.state == .running }
            _ = try await next.wait(again) { $0.state == .running }
            #expect(try await next.host.status(of: ends).state == .stopped)
            #expect(try await next.host.status(of: stopped).state == .stopped)
            let told = try await next.lines(runs).filter { $0.hasPrefix("strategy: a=") }
            #expect(told == ["strategy: a=7 b=2 state=None", "strategy: a=7 b=2 state=1"])
            await next.end()
        }

        /// One host's life, drained in the end.
        private func livesBefore() async throws -> (
            folder: String, runs: String, ends: String, stopped: String, again: String
        ) {
            let first = try await HostFixture()
            func start(_ name: String, _ parameters: JSONValue) async throws -> String {
                let id = try await first.upload(Self.teller, name: name, config: Self.config)
                var options = StartOptions()
                options.parameters = parameters
                _ = try await first.host.start(id, options: options, by: "ada")
                return id
            }
            let runs = try await start("runs", .members(["a": .integer(7)]))
            let ends = try await start("ends", .members(["ends": .bool(true)]))
            let stopped = try await start("stopped", .object([]))
            _ = try await first.wait(runs) { $0.state == .running }
            _ = try await first.wait(stopped) { $0.state == .running }
            _ = try await first.host.stop(stopped, orders: .cancel, by: "ada")
            for id in [ends, stopped] { _ = try await first.wait(id) { $0.state == .stopped } }
            let again = try await start("again", .object([]))
            _ = try await first.wait(again) { $0.state == .running }
            _ = try await first.host.stop(again, orders: .keep, by: "ada")
            _ = try await first.wait(again) { $0.state == .stopped }
            _ = try await first.host.restart(again, by: "ada")
            _ = try await first.wait(again) { $0.state == .running }
            await first.host.drain()
            return (first.folder, runs, ends, stopped, again)
        }
    }
}
