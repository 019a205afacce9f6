import FoundationEssentials
import Glibc
import Host
import Testing

extension HostTests {
    /// What a strategy may write is bounded to within 5 %, measured from outside while it writes all it can.
    @Suite("Output rate") struct OutputRateTests {
        /// Nobody answers pings meanwhile.
        static let settings = ["strategy.heartbeat_timeout=10m", "strategy.lines_per_second=500"]

        @Test func `lines are taken at the rate that was set, and as many at once as four seconds bring`()
            async throws
        {
            try await HostFixture.run(settings: Self.settings) { fixture in
                let id = try await fixture.puppet("flood")
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                func taken() async throws -> Int { try await fixture.host.status(of: id).usage.linesIn }
                try await fixture.wait("the burst", about: id) { try await taken() >= 2000 }
                try await fixture.waitForLine(id, "it is read more slowly")
                // The first look behind the burst: no more than what one read brings too much.
                let first = try await taken()
                #expect(first < 2000 + 500, "\(first) lines were taken at once")
                let rate = try await Self.rate(over: 3, taken)
                Self.note("output, lines a second", 500, rate)
            }
        }

        @Test func `standard error is taken at its rate`() async throws {
            try await HostFixture.run(settings: Self.settings) { fixture in
                let id = try await fixture.puppet("chatter")
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                try await fixture.waitForLine(id, "it is read more slowly")
                let pid = try #require(try await fixture.host.status(of: id).pid)
                let rate = try await Self.rate(over: 3) { try Self.written(by: pid) }
                Self.note("output, bytes a second on standard error", 256_000, rate)
            }
        }

        /// What a process has written so far, in bytes, by the kernel's account.
        private static func written(by pid: Int) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(pid)/io", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("wchar:") })
            return try #require(Int(line.dropFirst("wchar: ".count)))
        }

        private static func rate(over seconds: Int, _ taken: () async throws -> Int) async throws -> Double {
            let (began, before) = try await rise(taken)
            try await Task.sleep(for: .seconds(seconds))
            let (ended, after) = try await rise(taken)
            return Double(after - before) / ((ended - began) / .seconds(1))
        }

        /// When the next piece has been taken, and how much that makes: between two pieces a rate has no meaning.
        private static func rise(
            _ taken: () async throws -> Int
        ) async throws -> (time: ContinuousClock.Instant, count: Int) {
            let before = try await taken()
            let limit = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < limit {
                let count = try await taken()
                if count > before { return (.now, count) }
                try await Task.sleep(for: .milliseconds(1))
            }
            throw Stalled()
        }

        private struct Stalled: Error {}

        /// Holds a figure within 5 %, and writes it down for `scripts/exam`.
        private static func note(_ what: String, _ promised: Double, _ measured: Double) {
            #expect(
                abs(measured / promised - 1) <= 0.05, "\(what): \(promised) promised, \(measured) measured")
            guard let path = getenv("BULLPEN_EXAM_FIGURES") else { return }
            guard let file = fopen(path, "a") else {
                Issue.record("the figure cannot be written")
                return
            }
            fputs(
                #"{"limit":"\#(what)","unit":"","promised":\#(promised),"measured":\#(measured)}"# + "\n",
                file)
            fclose(file)
        }
    }
}
