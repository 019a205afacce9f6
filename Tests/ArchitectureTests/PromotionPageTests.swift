import Testing

/// The page of criteria has words of its own for each of them, since the API gives their kinds alone.
@Suite("Page of promotion criteria")
struct PromotionPageTests {
    @Test func `every kind of criterion has words on the page, and there are no others`() throws {
        let source = try SourceFile.all(in: "Sources/Lab/Promotion", endings: ["Criterion.swift"])
        // `case minimumTrades = "minimum_trades"`, or `case reviews`; not those of a switch.
        let cases = source.flatMap(\.lines).filter {
            $0.hasPrefix("        case ") && !$0.contains { $0 == ":" || $0 == "," }
        }
        let kinds = cases.map { line in
            String(line.contains("\"") ? line.split(separator: "\"")[1] : line.split(separator: " ")[1])
        }
        let page = try SourceFile.all(in: "Sources/Web/Assets/js/pages", endings: ["criteria.js"])
        let words = page.flatMap(\.lines).filter { $0.hasPrefix("    ") && $0.contains(": [\"") }.map {
            String($0.split(separator: ":")[0].drop { $0 == " " })
        }
        #expect(kinds.count >= 14)
        #expect(words.sorted() == kinds.sorted())
    }
}
