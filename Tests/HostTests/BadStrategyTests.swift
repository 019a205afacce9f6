import Host
import Testing
import Trading
import Wire

extension HostTests {
    /// Each of them on a host where a neighbour trades on.
    @Suite("Bad strategies") struct BadStrategyTests {
        /// Short patience, so that a test need not have much.
        static let settings = [
            "strategy.start_timeout=4s", "strategy.heartbeat_interval=200ms",
            "strategy.heartbeat_timeout=3s", "strategy.stop_timeout=1s", "market.speed=600",
        ]
        static let once = #""restart":{"policy":"temporary"}"#

        /// How a bad strategy ends up.
        struct Fate {
            let id: String
            let status: RunStatusView
            let lines: [String]
            var reason: String { status.reason ?? "" }

            func says(_ parts: String...) -> Bool {
                lines.contains { line in parts.allSatisfy { line.contains($0) } }
            }
        }

        /// Runs strategies beside a neighbour, until `isDone` for each; the neighbour must have heard every candle
        /// meanwhile, and its order must be filled afterwards.
        static func beside(
            _ strategies: [(id: (HostFixture) async throws -> String, isDone: (Fate) -> Bool)],
            _ judge: ([Fate]) async throws -> Void
        ) async throws {
            try await HostFixture.run(settings: settings) { fixture in
                let neighbour = try await fixture.puppet()
                try await fixture.run(neighbour)
                var fates: [Fate] = []
                var ids: [String] = []
                for strategy in strategies {
                    let id = try await strategy.id(fixture)
                    _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                    ids.append(id)
                }
                for (id, strategy) in zip(ids, strategies) {
                    var fate: Fate?
                    try await fixture.wait("the fate of \(id)", about: id) {
                        let status = try await fixture.host.status(of: id)
                        fate = Fate(id: id, status: status, lines: try await fixture.lines(id))
                        return fate.map(strategy.isDone) ?? false
                    }
                    fates.append(try #require(fate))
                }
                try await judge(fates)
                let request = "after-\(fates.count)"
                try await fixture.order(neighbour, request, "buy", "0.01")
                try await fixture.waitForOrder(neighbour, request) { $0.status == .filled }
                let status = try await fixture.host.status(of: neighbour)
                #expect(status.state == .running)
                #expect(status.restarts == 0)
                #expect(status.usage.linesDropped == 0)
                try await fixture.wait("some candles", about: neighbour) {
                    try await times(fixture, neighbour).count > 5
                }
                let heard = try await times(fixture, neighbour)
                #expect(zip(heard, heard.dropFirst()).allSatisfy { $1 - $0 == 60_000 }, "\(heard)")
            }
        }

        /// When the neighbour's candles opened.
        static func times(_ fixture: HostFixture, _ id: String) async throws -> [Int] {
            try await fixture.candles(id).compactMap { $0["time"]?.intValue }
        }

        static func puppet(_ mode: String) -> (HostFixture) async throws -> String {
            { try await $0.puppet(mode, once) }
        }

        static func python(_ source: String, _ more: String = once) -> (HostFixture) async throws -> String {
            let name = "trial-\(String(UInt32.random(in: .min ... .max), radix: 36))"
            return { try await $0.upload(source, name: name, config: "{\(more)}") }
        }

        @Test func `what floods its output is read more slowly, and the log says so`() async throws {
            try await Self.beside([
                (
                    Self.puppet("flood"),
                    { $0.says("writes more than", "lines a second; it is read more slowly") }
                ),
                (Self.puppet("errors"), { $0.says("standard error was cut out") }),
                (Self.puppet("endless"), { $0.says("a line of more than 65536 bytes was passed over") }),
            ]) { fates in
                // Two of them never answer a ping, so they may be gone by now, but not for what they wrote.
                for fate in fates { #expect(fate.status.state != .quarantined, "\(fate.reason)") }
            }
        }

        @Test func `garbage is refused line by line, and then quarantined for violating the protocol`()
            async throws
        {
            try await Self.beside([
                (Self.puppet("garbage"), { $0.status.state == .quarantined }),
                (Self.puppet("twice"), { $0.status.state == .quarantined }),
            ]) { fates in
                #expect(
                    fates[0].reason.hasPrefix("protocol violation: more than 100 refused lines in a minute"))
                #expect(fates[0].says("host: a line was refused:"))
                #expect(fates[0].says("ended: protocol violation"))
                // What it said after that is of no interest.
                #expect(fates[0].lines.filter { $0.contains("a line was refused") }.count == 101)
                #expect(fates[1].reason == "protocol violation: said \"ready\" twice")
            }
        }

        @Test func `half a character and numbers that are none are refused by name, and the rest goes on`()
            async throws
        {
            try await Self.beside([
                (Self.puppet("half"), { $0.says("denied") && $0.status.state == .running })
            ]) { fates in
                let fate = fates[0]
                #expect(fate.lines.filter { $0.contains("a line was refused") }.count == 4, "\(fate.lines)")
                #expect(fate.says("a line was refused", "quantity"))
                // Its order is answered under its own id.
                #expect(fate.says("stderr: ", #""request":"n-1""#, #""status":"denied""#))
            }
        }

        @Test func `what hangs is killed, and the cause says what it did not answer`() async throws {
            try await Self.beside([
                (Self.puppet("silent"), { $0.status.state == .stopped }),
                (Self.puppet("hang"), { $0.status.state == .stopped }),
                (Self.puppet("deaf"), { $0.status.state == .stopped }),
                (
                    Self.python(
                        """
                        from bullpen import Strategy

                        class Endless(Strategy):
                            def on_candle(self, candle):
                                while not candle.history:
                                    pass
                        """), { $0.status.state == .stopped }
                ),
            ]) { fates in
                #expect(fates[0].reason == "did not say \"ready\" within 4 s of its start")
                #expect(fates[1].reason == "did not take its history within 4 s")
                #expect(fates[2].reason == "did not take its history within 4 s")
                #expect(
                    fates[3].reason.hasPrefix("hung: did not answer a ping for 3 s, in on_candle at line ")
                        && fates[3].reason.contains("; it used "), "\(fates[3].reason)")
                #expect(fates[3].says("stderr: ", "in on_candle"))
                for fate in fates { #expect(fate.says("host: ended: ", fate.reason)) }
            }
        }

        @Test func `processes and sockets are refused by name, with advice`() async throws {
            try await Self.beside([
                (Self.puppet("fork"), { $0.says("fork gave") }),
                (Self.puppet("socket"), { $0.says("socket gave") }),
                (Self.puppet("bomb"), { $0.status.state == .stopped }),
                (
                    Self.python(
                        """
                        import socket
                        from bullpen import Strategy

                        class Caller(Strategy):
                            def on_start(self):
                                socket.create_connection(("127.0.0.1", 80))
                        """), { $0.status.state == .stopped }
                ),
            ]) { fates in
                #expect(fates[0].says("fork gave an error"))
                #expect(fates[0].says("refused by the sandbox: clone(a new process)", "use threads"))
                #expect(fates[1].says("socket gave an error"))
                #expect(
                    fates[1].says(
                        "refused by the sandbox: socket(AF_INET, SOCK_STREAM)",
                        "network is not available to strategies: use `subscribe`"))
                #expect(fates[2].reason.hasPrefix("exit code 4: fork: "), "\(fates[2].reason)")
                #expect(
                    fates[3].reason
                        == "exit code 1: PermissionError: [Errno 1] Operation not permitted; refused was "
                        + "socket(AF_INET, SOCK_STREAM): network is not available to strategies: use `subscribe`, "
                        + "or ask the operator for a feed")
                #expect(fates[3].says("refused by the sandbox: socket", "network is not available"))
            }
        }

        @Test func `memory and disk end at their limits, and the cause has the figures`() async throws {
            try await Self.beside([
                (
                    Self.python(
                        """
                        from bullpen import Strategy

                        class Eater(Strategy):
                            def on_start(self):
                                self.eaten = []
                                while True:
                                    self.eaten.append(bytearray(4 << 20))
                        """, Self.once + #","memory_mb":64"#), { $0.status.state == .stopped }
                ),
                (
                    Self.python(
                        """
                        from bullpen import Strategy

                        class Filler(Strategy):
                            def on_start(self):
                                for number in range(10):
                                    with open(f"/work/{number}", "wb") as file:
                                        for _ in range(48):
                                            file.write(bytes(1 << 20))
                        """), { $0.status.state == .stopped }
                ),
            ]) { fates in
                #expect(
                    fates[0].reason
                        == "killed for memory: limit 64 MiB, peak 64 MiB; keep less in memory, or set "
                        + "memory_mb in strategy.json")
                #expect(
                    fates[1].reason
                        == "exit code 1: OSError: [Errno 28] No space left on device; /work takes 64 MiB in 4096 "
                        + "files, /tmp takes 32 MiB in 1024 files")
            }
        }

        @Test func `an exit has its code and the last line of the traceback as the cause`() async throws {
            try await Self.beside([
                (
                    Self.python(
                        """
                        import sys
                        from bullpen import Strategy

                        class Leaver(Strategy):
                            def on_candle(self, candle):
                                sys.exit(0)
                        """), { $0.status.state == .stopped }
                ),
                (
                    Self.python(
                        """
                        import os, traceback
                        from bullpen import Strategy

                        class Leaver(Strategy):
                            def on_candle(self, candle):
                                try:
                                    {}["missing"]
                                except KeyError:
                                    traceback.print_exc()
                                    os._exit(3)
                        """), { $0.status.state == .stopped }
                ),
                (
                    Self.python(
                        """
                        from bullpen import Strategy

                        class Raiser(Strategy):
                            def on_start(self):
                                raise RuntimeError("the model file is from another year")
                        """), { $0.status.state == .stopped }
                ),
                (
                    Self.python(
                        """
                        from bullpen import Strategy

                        class Finisher(Strategy):
                            def on_candle(self, candle):
                                self.finish("all done")
                        """), { $0.status.state == .stopped }
                ),
            ]) { fates in
                #expect(fates[0].reason == "it ended by itself")
                #expect(fates[1].reason == "exit code 3: KeyError: 'missing'")
                #expect(
                    fates[2].reason == "exit code 1: RuntimeError: the model file is from another year")
                #expect(fates[2].says("stderr: ", "raise RuntimeError"))
                #expect(fates[3].reason == "ended by itself: all done")
            }
        }

        @Test func `what ignores stop is killed in time`() async throws {
            try await HostFixture.run(settings: Self.settings) { fixture in
                let id = try await fixture.puppet("stubborn")
                try await fixture.run(id)
                let begin = ContinuousClock.now
                _ = try await fixture.host.stop(id, orders: nil, by: "ada")
                let end = try await fixture.wait(id) { $0.state == .stopped }
                #expect(ContinuousClock.now - begin > .seconds(1))
                #expect(end.reason == "stopped by ada")
                try await fixture.waitForLine(id, "did not end in time after \"stop\" and was killed")
            }
        }
    }
}
