import FoundationEssentials
import TestSupport
import Testing

/// The threat model names a test for each promise. A test that was renamed or taken away must not be named on.
@Suite("Threat model")
struct ThreatModelTests {
    @Test("every test that the threat model names is there")
    func namesTests() throws {
        let text = try Self.text("THREAT_MODEL.md")
        let named = text.matches(of: #/(\w+Tests) "([^"]+)"/#)
        #expect(named.count > 20)
        let files = try SourceFile.all(in: "Tests", endings: [".swift"])
        for match in named {
            let file = files.first { $0.path.hasSuffix("/\(match.1).swift") }
            let names = ["\"\(match.2)\"", "`\(match.2)`"]
            let isThere = file?.lines.contains { line in names.contains { line.contains($0) } } ?? false
            #expect(isThere, "\(match.1) has no test \"\(match.2)\"")
        }
    }

    @Test("every case of the exam that the threat model names is there")
    func namesCases() throws {
        let promises = try #require(
            Self.text("THREAT_MODEL.md").split(separator: "\n## ").first { $0.hasPrefix("What is promised") })
        let exam = try Self.text("EXAM.md")
        let rows = promises.split(separator: "\n").filter { $0.wholeMatch(of: #/\| \d+ \|.*/#) != nil }
        #expect(rows.count > 10)
        for row in rows {
            let cells = row.split(separator: "|").suffix(1)
            for name in cells.flatMap({ $0.matches(of: #/`([^`]+)`/#).map(\.1) }) {
                #expect(exam.contains("| `\(name)` |"), "the exam has no case \(name)")
            }
        }
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: URL(filePath: Places.package + "/docs/" + name), encoding: .utf8)
    }
}
