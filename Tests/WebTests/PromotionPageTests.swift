import FoundationEssentials
import Lab
import Testing

@Suite("Page of promotion criteria")
struct PromotionPageTests {
    private static let page = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        + "/Sources/Web/Assets/js/pages/criteria.js"

    @Test(arguments: Criterion.Kind.allCases)
    func `every criterion has words on the page, and a field for its limit where it has one`(
        _ kind: Criterion.Kind
    ) throws {
        let text = String(decoding: try Data(contentsOf: URL(filePath: Self.page)), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("    \(kind.rawValue): [\"") }
        let words = try #require(line, "\(kind.rawValue) is missing")
        #expect(words.contains("\", null, \"") == (kind.range == nil))
    }
}
