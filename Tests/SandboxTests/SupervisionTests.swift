import Glibc
import Posix
import Testing

@testable import Sandbox

/// Limits where the host may not make control groups.
@Suite("Without control groups")
struct SupervisionTests {
    /// A host that has none, and is allowed to do without.
    private func makeFixture(_ name: String) throws -> Fixture {
        try Fixture(name, mounts: [], withoutControlGroups: .rlimits)
    }

    @Test("a profile that refuses to do without is not started, whatever the setting")
    func refuses() async throws {
        let fixture = try makeFixture("sv-refuses")
        defer { fixture.close() }
        var profile = try Fixture.profile("python")
        profile.withoutControlGroups = .refuse
        let request = try fixture.request("", profile: profile)
        do {
            _ = try await fixture.start(request)
            Issue.record("it started")
        } catch let failure as LaunchFailure {
            #expect(failure.step == "memory_limit")
        }
    }

    @Test("what is not promised is said")
    func saysWhatIsMissing() throws {
        let fixture = try makeFixture("sv-says")
        defer { fixture.close() }
        let enforcement = fixture.launcher.enforcement(of: try Fixture.profile("python"))
        #expect(enforcement.memory == "resource limits, and the host's eye on it")
        #expect(enforcement.cpu.hasPrefix("not promised"))
        #expect(enforcement.notPromised.contains("CPU share"))
    }

    @Test("more private memory than it may have cannot be had, and Python says so")
    func boundsPrivateMemory() async throws {
        let fixture = try makeFixture("sv-private")
        defer { fixture.close() }
        let outcome = try await fixture.run(
            """
            blocks = []
            try:
                while True: blocks.append(bytearray(1 << 20))
            except MemoryError: print(32 < len(blocks) <= 64)
            """
        ) { $0.memoryBytes = 64 << 20 }
        #expect(outcome.output == "True\n", "\(outcome)")
        #expect(outcome.death.status == .exited(code: 0))
    }

    @Test("memory that escapes the resource limits is seen, and ends it with limit and peak named")
    func seesSharedMemory() async throws {
        let fixture = try makeFixture("sv-shared")
        defer { fixture.close() }
        let outcome = try await fixture.run(
            """
            import mmap, time
            block = mmap.mmap(-1, 96 << 20)
            for page in range(0, len(block), 4096): block[page] = 1
            time.sleep(30)
            """
        ) { $0.memoryBytes = 64 << 20 }
        #expect(outcome.death.status == .killed(signal: SIGKILL))
        #expect(outcome.death.cause == .memory)
        let words = outcome.death.words
        #expect(
            words.hasPrefix("killed for memory: limit 64 MiB, peak ")
                && words.hasSuffix("as seen by the host"))
        #expect(outcome.death.usage.memoryPeakBytes > 90 << 20)
        #expect(outcome.death.usage.memoryLimitBytes == 64 << 20)
    }

    @Test("threads are capped")
    func capsThreads() async throws {
        try #require(WithoutGroups.countsProcessesApart, "this kernel is older than Linux 5.14")
        let fixture = try makeFixture("sv-threads")
        defer { fixture.close() }
        let outcome = try await fixture.run(
            """
            import threading
            event = threading.Event()
            started = 0
            try:
                while started < 1000:
                    threading.Thread(target=event.wait, daemon=True).start(); started += 1
            except RuntimeError as error: print(started, error)
            event.set()
            """)
        #expect(outcome.output == "31 can't start new thread\n", "\(outcome)")
    }

    @Test("what a run uses is known without control groups")
    func knowsUsage() async throws {
        let fixture = try makeFixture("sv-usage")
        defer { fixture.close() }
        let child = try await fixture.start(
            fixture.request(
                "import time\nblock = bytearray(24 << 20)\nwhile True: time.sleep(0.001)",
                profile: Fixture.profile("python")))
        let deadline = MonotonicClock.nanoseconds + 20_000_000_000
        while child.group.usage().memoryBytes < 24 << 20 || child.group.usage().cpuSeconds == 0 {
            try #require(MonotonicClock.nanoseconds < deadline, "\(child.group.usage())")
            usleep(20_000)
        }
        #expect(child.group.usage().processes == 1)
        child.kill()
        _ = try await fixture.finish(child)
    }

    @Test("more than its share for a whole window ends it, in words")
    func endsForProcessorTime() async throws {
        let fixture = try makeFixture("sv-cpu")
        defer { fixture.close() }
        let child = try await fixture.start(
            fixture.request("while True: pass", profile: Fixture.profile("python")))
        let spawner = try Spawner()
        let supervision = Supervision(
            strategy: child.pid, watcher: child.pid,
            bounds: .init(cpuShare: 0.05, cpuWindow: .seconds(1), interval: .milliseconds(100)))
        let group = child.group
        spawner.perform { group.supervise(supervision, on: spawner) }
        let outcome = try await fixture.finish(child)
        #expect(outcome.death.cause == .limit)
        #expect(
            outcome.death.words.contains("its share is 0.05, and without control groups"), "\(outcome.death)")
    }
}
