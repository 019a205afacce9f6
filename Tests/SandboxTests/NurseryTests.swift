import Glibc
import Posix
import Testing

@testable import Sandbox

/// Strategies that are made of a nursery.
@Suite("Nursery", .serialized)
struct NurseryTests {
    @Test("a strategy of a nursery runs, and its output and exit code come back")
    func runs() async throws {
        let fixture = try Fixture("nursery", door: .warm)
        defer { fixture.close() }
        let outcome = try await fixture.run(
            "import sys\nprint('hello')\nprint('a log line', file=sys.stderr)\nsys.exit(3)")
        #expect(outcome.output == "hello\n")
        #expect(outcome.log == "a log line\n")
        #expect(outcome.death.status == .exited(code: 3))
        #expect(outcome.violations == [])
    }
}
