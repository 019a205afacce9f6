import Host
import Posix
import Testing
import Trading
import Wire

extension HostTests {
    @Suite("Signals from outside") struct SignalTests {
        private static let strategy = """
            from bullpen import Strategy

            class Counter(Strategy):
                def on_signal(self, signal):
                    print("got", signal.data["n"])
            """

        private func signal(_ n: Int, _ more: [JSONValue.Member] = []) -> SignalRequest {
            SignalRequest(action: "COUNT", data: .object([.init("n", .integer(n))] + more))
        }

        @Test func `C8: a signal that is sent again under its name is delivered once, by the next host too`()
            async throws
        {
            let first = try await HostFixture()
            let id = try await first.upload(Self.strategy)
            try await first.run(id)
            let named = signal(1, [.init("signal_id", .string("BTCUSDT-1"))])
            let given = try await first.host.deliver(named, to: id, by: "ada")
            for _ in 1...3 {
                #expect(try await first.host.deliver(named, to: id, by: "ada").id == given.id)
            }
            _ = try await first.host.deliver(signal(2), to: id, by: "ada")
            _ = try await first.waitForLine(id, "got 2")
            #expect(try await first.host.signals(of: id, page: PageRequest()).items.count == 2)
            #expect(try await first.host.signal(given.id).id == given.id)
            for other in ["+\(given.id)", "0\(given.id)", "-\(given.id)", ""] {
                await #expect(throws: HostError.self) { try await first.host.signal(other) }
            }
            await first.host.drain()

            let next = try await HostFixture(folder: first.folder)
            _ = try await next.wait(id) { $0.state == .running }
            #expect(try await next.host.deliver(named, to: id, by: "ada").id == given.id)
            _ = try await next.host.deliver(signal(3), to: id, by: "ada")
            _ = try await next.waitForLine(id, "got 3")
            #expect(try await next.lines(id).count { $0.contains("got 1") } == 1)
            await next.end()
        }

        @Test func `C8: a signal that is too old, or names no time, is refused by the field`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(Self.strategy)
                try await fixture.run(id)
                let now = WallClock.milliseconds
                func field(_ more: [JSONValue.Member]) async throws -> String? {
                    do {
                        _ = try await fixture.host.deliver(signal(1, more), to: id, by: "ada")
                        return nil
                    } catch HostError.invalid(let failure) {
                        return failure.field
                    }
                }
                let lag = JSONValue.Member("max_lag", .string("60"))
                #expect(
                    try await field([lag, .init("timestamp", .integer(Int(now / 1_000 - 300)))])
                        == "timestamp")
                #expect(
                    try await field([lag, .init("timestamp", .integer(Int(now / 1_000 + 300)))])
                        == "timestamp")
                #expect(
                    try await field([lag, .init("timestamp", .string("2026-07-04T05:06:00Z"))]) == "timestamp"
                )
                #expect(try await field([lag]) == "timestamp")
                #expect(try await field([.init("max_lag", .integer(0))]) == "max_lag")
                #expect(try await field([.init("signal_id", .string(""))]) == "signal_id")
                #expect(try await field([lag, .init("timestamp", .integer(Int(now)))]) == nil)
                // Without max_lag a time is the author's own affair.
                #expect(try await field([.init("timestamp", .string("noon"))]) == nil)
                try await fixture.wait("both that were taken are kept, and no other", about: id) {
                    try await fixture.host.signals(of: id, page: PageRequest()).items.count == 2
                }
            }
        }

        @Test func `C8: the answer does not wait for a strategy that is busy`() async throws {
            try await HostFixture.run(settings: ["strategy.stop_timeout=100ms"]) { fixture in
                let id = try await fixture.upload(
                    """
                    import time
                    from bullpen import Strategy

                    class Slow(Strategy):
                        def on_signal(self, signal):
                            print("begun", flush=True)
                            time.sleep(60)
                    """)
                try await fixture.run(id)
                _ = try await fixture.host.deliver(signal(1), to: id, by: "ada")
                _ = try await fixture.waitForLine(id, "begun")
                let began = ContinuousClock.now
                for number in 2...4 {
                    _ = try await fixture.host.deliver(signal(number), to: id, by: "ada")
                }
                #expect(ContinuousClock.now - began < .seconds(3))
            }
        }
    }
}
