import Glibc
import TestSupport
import Testing

/// The host as a whole, killed under load. `scripts/torture` does the same a hundred times.
@Suite(.serialized)
struct TortureTests {
    /// Why it cannot run here; nil when it can.
    static let hindrance: String? = {
        for path in [".build/stage-debug/bin/bullpen", ".build/stage-debug/libexec/bullpen/confine"]
        where access(Places.package + "/" + path, X_OK) != 0 {
            return "\(path) is missing: scripts/test stages it"
        }
        if access(Places.package + "/.build/test-runtimes/bare", R_OK) != 0 {
            return ".build/test-runtimes/bare is missing: scripts/test makes it"
        }
        if access(Places.package + "/.build/test-runtimes/native", R_OK) != 0 {
            return ".build/test-runtimes/native is missing: scripts/test makes it"
        }
        for program in ["/usr/bin/python3", "/usr/bin/cc"] where access(program, X_OK) != 0 {
            return "\(program) is missing"
        }
        return nil
    }()

    @Test(
        .enabled(if: hindrance == nil, Comment(rawValue: hindrance ?? "the host is staged")),
        .timeLimit(.minutes(3)))
    func `nothing is lost or doubled when the host is killed five times under load`() async throws {
        let ending = try await ChildProcess.run(
            "/usr/bin/python3",
            [
                "-B", Places.package + "/Tests/torture/torture.py", "--kills", "5", "--strategies", "2",
                "--seed", "5",
            ])
        #expect(ending.code == 0, "\(ending.errors)")
        let lines = ending.output.split(separator: "\n")
        #expect(lines.count == 6, "\(ending.output)")
        #expect(lines.last?.hasPrefix("{\"kills\": 5, ") == true)
    }

    @Test(
        .enabled(if: hindrance == nil, Comment(rawValue: hindrance ?? "the host is staged")),
        .timeLimit(.minutes(4)))
    func `nothing is lost or doubled at an exchange that outlives a host killed eight times`() async throws {
        let ending = try await ChildProcess.run(
            "/usr/bin/python3",
            [
                "-B", Places.package + "/Tests/torture/exchange.py", "--kills", "8", "--strategies", "2",
                "--rate", "20", "--seed", "5",
            ])
        #expect(ending.code == 0, "\(ending.errors)")
        let lines = ending.output.split(separator: "\n")
        #expect(lines.count == 10, "\(ending.output)")
        #expect(lines.last?.hasPrefix("{\"kills\": 8, ") == true)
    }
}
