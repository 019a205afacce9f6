import Glibc
import TestSupport
import Testing

/// The host as a whole, killed under load. `scripts/torture` does the same a hundred times.
@Suite
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
        .timeLimit(.minutes(4)))
    func `nothing is lost or doubled when hosts are killed, on paper and at an exchange that outlives them`()
        async throws
    {
        // Both mostly wait for what they started.
        async let paper = Self.torture("torture.py", ["--kills", "4"])
        async let exchange = Self.torture("exchange.py", ["--kills", "6", "--rate", "20"])
        let (onPaper, atExchange) = try await (paper, exchange)
        #expect(onPaper.count == 5, "\(onPaper)")
        #expect(onPaper.last?.hasPrefix("{\"kills\": 4, ") == true)
        #expect(atExchange.count == 8, "\(atExchange)")
        #expect(atExchange.last?.hasPrefix("{\"kills\": 6, ") == true)
    }

    private static func torture(_ program: String, _ options: [String]) async throws -> [String] {
        let ending = try await ChildProcess.run(
            "/usr/bin/python3",
            ["-B", Places.package + "/Tests/torture/\(program)", "--strategies", "2", "--seed", "5"] + options
        )
        #expect(ending.code == 0, "\(program): \(ending.errors)")
        return ending.output.split(separator: "\n").map { String($0) }
    }
}
