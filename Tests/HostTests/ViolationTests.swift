import Host
import Testing
import Trading
import Wire

extension HostTests {
    /// Who breaks a rule learns what happened: in the log, in the list of violations, as a figure and in the audit trail.
    @Suite("Saying why") struct ViolationTests {
        static let once = BadStrategyTests.once

        @Test func `a refused call stands in log, list, status, figures and audit trail`() async throws {
            try await HostFixture.run(settings: BadStrategyTests.settings) { fixture in
                let id = try await fixture.upload(
                    """
                    import os, signal, socket
                    from bullpen import Strategy

                    class Curious(Strategy):
                        def on_start(self):
                            for attempt in [
                                lambda: socket.create_connection(("127.0.0.1", 80)),
                                lambda: open("/etc/hosts", "w"),
                                lambda: os.kill(os.getpid(), signal.SIGTERM),
                                os.fork,
                            ]:
                                try:
                                    attempt()
                                    self.log("it worked")
                                except OSError as error:
                                    self.log(f"refused: {error}")
                    """)
                try await fixture.run(id)
                let expected = [
                    ("network", "socket", "AF_INET, SOCK_STREAM"),
                    ("writing", "openat", "\"/etc/hosts\", O_WRONLY|O_CREAT|O_TRUNC"),
                    ("signals", "kill", "itself, SIGTERM"), ("processes", "clone", "a new process"),
                ]
                let found = try await fixture.host.violations(of: id)
                #expect(found.count == 4)
                let lines = try await fixture.lines(id)
                #expect(lines.filter { $0.hasPrefix("strategy: refused: [Errno") }.count == 4, "\(lines)")
                let figures = fixture.host.metrics.text
                for (rule, call, arguments) in expected {
                    let one = try #require(found.first { $0.rule == rule }, "\(rule)")
                    #expect(one.systemCall == call)
                    #expect(one.arguments == arguments)
                    #expect((one.count, one.inRun) == (1, 1))
                    #expect(!one.isFatal && !one.advice.isEmpty)
                    #expect(
                        lines.contains(
                            "host: refused by the sandbox: \(call)(\(arguments)): \(one.words): \(one.advice)"
                        ))
                    let series =
                        "bullpen_sandbox_violations_total{rule=\"\(rule)\",call=\"\(call)\",strategy=\"\(id)\"} 1\n"
                    #expect(figures.contains(series))
                }
                #expect(try await fixture.host.status(of: id).violations == 4)
                try await fixture.wait("the audit trail") {
                    let entries = try await fixture.host.identity.audit.entries(limit: 100)
                    let own = entries.filter { $0.actor == "sandbox" && $0.subject == id }
                    return own.map(\.action) == [String](repeating: "strategy.violation", count: 4)
                }
            }
        }

        @Test func `a flood of refused calls is counted, and neither fills the log nor stops a fatal one`()
            async throws
        {
            try await HostFixture.run(settings: BadStrategyTests.settings) { fixture in
                let id = try await fixture.upload(
                    """
                    import ctypes, os
                    from bullpen import Strategy

                    class Flood(Strategy):
                        def on_start(self):
                            for number in range(500):
                                try:
                                    os.kill(1000 + number % 50, 9)
                                except PermissionError:
                                    pass
                            ctypes.CDLL(None).mount(b"none", b"/work", b"tmpfs", 0, None)
                            self.log("still here")
                    """, config: "{\(Self.once)}")
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(id) { $0.state == .quarantined }
                #expect(end.reason?.hasPrefix("forbidden system call: mount(\"none\", \"/work\"") == true)
                #expect(end.violations == 501)
                let found = try await fixture.host.violations(of: id)
                #expect(found.count == 7, "five processes by number, the others together, and the mount")
                #expect(found.first?.systemCall == "mount")
                #expect(found.first?.isFatal == true)
                #expect(found.first { $0.arguments == "…" }?.count == 450)
                let lines = try await fixture.lines(id).filter { $0.contains("refused by the sandbox") }
                // Each kind once, then the tenth and the hundredth, then the sum.
                #expect(lines.count == 15, "\(lines)")
                #expect(lines.last?.contains("kill(…) 450 times") == true)
                #expect(!(try await fixture.lines(id).contains { $0.contains("still here") }))
            }
        }

        @Test func `what was refused is still known to the next host`() async throws {
            let folder = try await {
                let fixture = try await HostFixture(settings: BadStrategyTests.settings)
                let id = try await fixture.upload(
                    """
                    import socket
                    from bullpen import Strategy

                    class Caller(Strategy):
                        def on_start(self):
                            socket.socket()
                    """, config: "{\(Self.once)}")
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                _ = try await fixture.wait(id) { $0.state == .stopped }
                await fixture.host.drain()
                return fixture.folder
            }()
            let next = try await HostFixture(folder: folder, settings: BadStrategyTests.settings)
            let id = try #require(
                try await next.host.strategies(owner: nil, page: PageRequest(limit: 10)).items.first?.id)
            let found = try await next.host.violations(of: id)
            #expect(found.map(\.systemCall) == ["socket"])
            #expect((found.first?.count, found.first?.inRun) == (1, 1))
            #expect(try await next.host.status(of: id).violations == 1)
            await next.end()
        }
    }
}
