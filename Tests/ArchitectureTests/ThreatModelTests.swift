import FoundationEssentials
import TestSupport
import Testing

/// The threat model names a test for each promise. A test that was renamed or taken away must not be named on.
@Suite("Threat model")
struct ThreatModelTests {
    @Test("every test that the threat model names is there")
    func namesTests() throws {
        let text = try String(
            contentsOf: URL(filePath: Places.package + "/docs/THREAT_MODEL.md"), encoding: .utf8)
        let named = text.matches(of: #/(\w+Tests) "([^"]+)"/#)
        #expect(named.count > 20)
        let files = try SourceFile.all(in: "Tests", endings: [".swift"])
        for match in named {
            let file = files.first { $0.path.hasSuffix("/\(match.1).swift") }
            let isThere = file?.lines.contains { $0.contains("\"\(match.2)\"") } ?? false
            #expect(isThere, "\(match.1) has no test \"\(match.2)\"")
        }
    }
}
