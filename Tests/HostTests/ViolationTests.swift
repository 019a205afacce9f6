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
                            for number in range(800):
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
                #expect(end.violations == 801)
                let found = try await fixture.host.violations(of: id)
                #expect(found.count == 7, "five processes by number, the others together, and the mount")
                #expect(found.first?.systemCall == "mount")
                #expect(found.first?.isFatal == true)
                #expect(found.first { $0.arguments == "…" }?.count == 720)
                let lines = try await fixture.lines(id).filter { $0.contains("refused by the sandbox") }
                // Each kind once, then the tenth and the hundredth, then the sum.
                #expect(lines.count == 15, "\(lines)")
                #expect(lines.last?.contains("kill(…) 720 times") == true)
                #expect(!(try await fixture.lines(id).contains { $0.contains("still here") }))
            }
        }

        @Test
        func `a call as on another kind of machine is named too, though the kernel itself kills for it`()
            async throws
        {
            try await HostFixture.run(settings: BadStrategyTests.settings) { fixture in
                let id = try await fixture.upload(
                    """
                    import ctypes
                    from bullpen import Strategy

                    class Foreign(Strategy):
                        def on_start(self):
                            ctypes.CDLL(None).syscall(0x40000000 + 39)
                    """)
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(id) { $0.state == .quarantined }
                #expect(end.reason?.hasPrefix("forbidden system call: calls as on another kind") == true)
                #expect(end.reason?.hasSuffix("compile the program for x86-64") == true)
                let found = try await fixture.host.violations(of: id)
                #expect(found.map(\.rule) == ["foreign_calls"])
                #expect(found.first?.isFatal == true)
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

extension HostTests {
    /// Limits: every death and every refusal has its number, and what hurts shows before it kills.
    @Suite("Limits in words") struct LimitWordsTests {
        static func fate(
            _ body: String, _ fixture: HostFixture, more: String = "", imports: String = "import os"
        ) async throws -> BadStrategyTests.Fate {
            let source = """
                \(imports)
                from bullpen import Strategy

                class Trial(Strategy):
                    def on_start(self):
                \(body.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n"))
                """
            let name = "trial-\(String(UInt32.random(in: .min ... .max), radix: 36))"
            let id = try await fixture.upload(
                source, name: name, config: "{\(BadStrategyTests.once)\(more)}")
            _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
            let status = try await fixture.wait(id) { [.stopped, .quarantined].contains($0.state) }
            return .init(id: id, status: status, lines: try await fixture.lines(id))
        }

        @Test func `every end at a limit says which, and its number`() async throws {
            try await HostFixture.run(settings: BadStrategyTests.settings) { fixture in
                let files = try await Self.fate("self.open = [open(__file__) for _ in range(200)]", fixture)
                #expect(
                    files.reason.hasSuffix("; 128 files may be open at a time: close what is not needed"),
                    "\(files.reason)")
                let threads = try await Self.fate(
                    """
                    event = threading.Event()
                    for _ in range(100): threading.Thread(target=event.wait, daemon=True).start()
                    """, fixture, imports: "import threading")
                #expect(threads.reason.contains("can't start new thread"), "\(threads.reason)")
                #expect(threads.reason.contains("processes or threads than it may have, which are 32"))
                let large = try await Self.fate(
                    "with open('/work/big', 'wb') as file: file.seek(65 << 20); file.write(b'x')", fixture)
                #expect(large.reason.hasSuffix("; a file may have 64 MiB"), "\(large.reason)")
                let memory = try await Self.fate("x = bytearray(1 << 46)", fixture, more: ",\"memory_mb\":64")
                #expect(
                    memory.reason.contains("MemoryError; it may have 64 MiB: keep less"), "\(memory.reason)")
                let name = try await Self.fate(
                    "socket.create_connection(('example.org', 80))", fixture, imports: "import socket")
                #expect(
                    name.reason.hasSuffix(
                        "network is not available to strategies: use `subscribe`, or ask the "
                            + "operator for a feed"), "\(name.reason)")
                let place = try await Self.fate("open('/bundle/model.json', 'w')", fixture)
                #expect(
                    place.reason.contains("; only /work and /tmp can be written: write there"),
                    "\(place.reason)")
            }
        }

        @Test func `who is held back, or comes near its memory, reads it before it hurts`() async throws {
            // Its timers keep it from reading that it shall stop.
            let settings = ["market.speed=600", "strategy.stop_timeout=1s"]
            try await HostFixture.run(settings: settings) { fixture in
                let id = try await fixture.upload(
                    """
                    import time
                    from bullpen import Strategy

                    class Busy(Strategy):
                        def on_start(self):
                            self.kept = b"x" * (52 << 20)
                            self.timer("work", 0.01, repeat=True)

                        def on_timer(self, timer_id):
                            end = time.monotonic() + 0.5
                            while time.monotonic() < end:
                                pass
                    """, config: #"{"memory_mb":64,"cpu_share":0.25,"start":"cold"}"#)
                try await fixture.run(id)
                let line = try await fixture.waitForLine(
                    id, "of 64 MiB of memory, and is killed at the limit")
                #expect(line.contains("set memory_mb in strategy.json (at most 4096 here)"))
                try await fixture.wait("being held back", about: id, seconds: 60) {
                    try await fixture.host.status(of: id).usage.cpuThrottledShare > 0.04
                }
                #expect(
                    fixture.host.metrics.text.contains(
                        "bullpen_strategy_cpu_throttled_ratio{strategy=\"\(id)\"} 0."))
                // Once per crossing.
                let warnings = try await fixture.lines(id).filter { $0.contains("of memory, and is killed") }
                #expect(warnings.count == 1)
            }
        }
    }
}
