import FoundationEssentials
import Glibc
import Host
import Testing

extension HostTests {
    /// What a strategy may write is bounded to within 5 %, measured from outside while it writes all it can.
    @Suite("Output rate") struct OutputRateTests {
        /// Nobody answers pings meanwhile, nor hears that it shall stop.
        static let settings = [
            "strategy.heartbeat_timeout=10m", "strategy.stop_timeout=1s", "strategy.lines_per_second=500",
        ]

        @Test
        func `lines and errors are taken at their rates, and at once what four seconds bring`() async throws {
            try await HostFixture.run(settings: Self.settings) { fixture in
                let flood = try await fixture.puppet("flood")
                let chatter = try await fixture.puppet("chatter")
                _ = try await fixture.host.start(flood, options: StartOptions(), by: "ada")
                func taken() async throws -> Int { try await fixture.host.status(of: flood).usage.linesIn }
                try await fixture.wait("the burst", about: flood) { try await taken() >= 2000 }
                try await fixture.waitForLine(flood, "it is read more slowly")
                // The first look behind the burst: no more than what one read brings too much.
                let first = try await taken()
                #expect(first < 2000 + 500, "\(first) lines were taken at once")
                _ = try await fixture.host.start(chatter, options: StartOptions(), by: "ada")
                try await fixture.waitForLine(chatter, "it is read more slowly")
                let pid = try #require(try await fixture.host.status(of: chatter).pid)
                // Each is bounded for itself, so that both can be measured at once.
                let rates = try await Self.rates(over: 3, taken) { try Self.written(by: pid) }
                Self.note("output, lines a second", 500, rates.0)
                Self.note("output, bytes a second on standard error", 256_000, rates.1)
            }
        }

        /// What a process has written so far, in bytes, by the kernel's account.
        private static func written(by pid: Int) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(pid)/io", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("wchar:") })
            return try #require(Int(line.dropFirst("wchar: ".count)))
        }

        private static func rates(
            over seconds: Int, _ first: () async throws -> Int, _ second: () async throws -> Int
        ) async throws -> (Double, Double) {
            let began = (try await rise(first), try await rise(second))
            try await Task.sleep(for: .seconds(seconds))
            let ended = (try await rise(first), try await rise(second))
            return (rate(began.0, ended.0), rate(began.1, ended.1))
        }

        private typealias Look = (time: ContinuousClock.Instant, count: Int)

        private static func rate(_ began: Look, _ ended: Look) -> Double {
            Double(ended.count - began.count) / ((ended.time - began.time) / .seconds(1))
        }

        /// When the next piece has been taken, and how much that makes: between two pieces a rate has no meaning.
        private static func rise(_ taken: () async throws -> Int) async throws -> Look {
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
