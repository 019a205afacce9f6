import Glibc
import TestSupport
import Testing

/// The host as a whole, killed under load. `scripts/torture` does the same a hundred times.
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
        if access("/usr/bin/python3", X_OK) != 0 { return "/usr/bin/python3 is missing" }
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
}
