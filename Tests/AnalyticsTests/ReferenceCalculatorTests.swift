import Analytics
import Foundation
import Testing
import Trading

/// The figures of empyrical, quantstats and ffn for one series of daily returns, kept beside the project. The table in
/// docs/METRICS.md says the same.
@Suite(
    .enabled(
        if: Reference.folder != nil,
        "the returns and what the reference calculators make of them lie beside the project, in ../shared/lab"
    ))
struct `Reference calculators` {
    @Test(arguments: Reference.table) func `a figure equals theirs to one part in a thousand million`(
        _ row: Reference.Row
    ) throws {
        let expected = try Reference.expected()
        let figures = try #require(expected[row.calculator] as? [String: Any])
        let theirs = try #require(figures[row.name] as? Double)
        let ours = try #require(row.ours(try Reference.returns()))
        #expect(abs(ours - theirs) <= 1e-9 * max(1, abs(theirs)), "\(row): \(ours) and \(theirs)")
    }

    @Test func `every figure that they give is compared`() throws {
        for (calculator, figures) in try Reference.expected() {
            for name in try #require(figures as? [String: Any]).keys {
                #expect(
                    Reference.table.contains { $0.calculator == calculator && $0.name == name },
                    "\(calculator) \(name)")
            }
        }
    }

    @Test func `the document's table has every row`() throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(contentsOf: package.appending(path: "docs/METRICS.md"), encoding: .utf8)
        let expected = try Reference.expected()
        for row in Reference.table {
            let figures = try #require(expected[row.calculator] as? [String: Any])
            let theirs = try #require(figures[row.name] as? Double)
            let start = "| \(row.calculator) | `\(row.name)` | "
            let line = document.split(separator: "\n").first { $0.hasPrefix(start) }
            let told = try #require(line, "docs/METRICS.md lacks: \(start)").dropFirst(start.count)
            let value = try #require(Double(told.prefix { $0 != " " }))
            #expect(abs(value - theirs) <= 1e-15, "docs/METRICS.md has \(value) for \(row)")
        }
    }
}

/// What lies beside the project, and which of our figures answers each of theirs.
enum Reference {
    struct Row: CustomTestStringConvertible, Sendable {
        let calculator: String
        let name: String
        let ours: @Sendable (ReturnSeries) -> Double?

        var testDescription: String { "\(calculator) \(name)" }
    }

    static let folder: URL? = {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["BULLPEN_SHARED_DATA"]
            .map { URL(filePath: $0).deletingLastPathComponent() }
        let folder = (named ?? package.deletingLastPathComponent().appending(path: "shared")).appending(
            path: "lab")
        return FileManager.default.fileExists(atPath: folder.appending(path: "expected.json").path)
            ? folder : nil
    }()

    static func expected() throws -> [String: Any] {
        let data = try Data(contentsOf: #require(folder).appending(path: "expected.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// 730 days from 2023-01-01, one a line.
    static func returns() throws -> ReturnSeries {
        let text = try String(
            contentsOf: #require(folder).appending(path: "returns_seed11.csv"), encoding: .utf8)
        let values = try text.split(separator: "\n").dropFirst().map { line in
            try #require(Double(line.split(separator: ",")[1]))
        }
        return ReturnSeries(values, periodsPerYear: 365)
    }

    private static let common: [(String, @Sendable (ReturnSeries) -> Double?)] = [
        ("sharpe", { $0.sharpe() }),
        ("sortino", { $0.sortino() }),
        // They write a fall below 0.
        ("max_dd", { $0.maximumDrawdown.map { -$0.depth } }),
    ]
    private static let shared: [(String, @Sendable (ReturnSeries) -> Double?)] = [
        ("cagr", { $0.annualReturn }),
        ("calmar", { $0.calmar }),
        ("vol", { $0.volatility }),
        ("omega", { $0.omega() }),
        ("tail", { $0.tailRatio }),
    ]
    private static let empyrical: [(String, @Sendable (ReturnSeries) -> Double?)] = [
        ("var95", { $0.valueAtRisk() }),
        ("cvar95", { $0.conditionalValueAtRisk() }),
        ("downside", { $0.downsideDeviation() }),
        ("stability", { $0.stability }),
    ]
    private static let quantstats: [(String, @Sendable (ReturnSeries) -> Double?)] = [
        ("var95", { $0.valueAtRisk(0.95, .normal) }),
        ("cvar95", { $0.conditionalValueAtRisk(0.95, .normal) }),
        ("ulcer", { $0.ulcerIndex }),
        ("profit_factor", { $0.omega() }),
        ("kelly", { $0.kelly }),
        ("recovery", { $0.recoveryFactorOfSum }),
    ]
    // ffn counts years of 365.25 days.
    private static let ffn: [(String, @Sendable (ReturnSeries) -> Double?)] = [
        ("cagr", { ReturnSeries($0.values, periodsPerYear: 365.25).annualReturn }),
        ("calmar", { ReturnSeries($0.values, periodsPerYear: 365.25).calmar }),
    ]

    static let table: [Row] =
        rows("empyrical", common + shared + empyrical) + rows("quantstats", common + shared + quantstats)
        + rows("ffn", common + ffn)

    private static func rows(
        _ calculator: String, _ figures: [(String, @Sendable (ReturnSeries) -> Double?)]
    ) -> [Row] {
        figures.map { Row(calculator: calculator, name: $0.0, ours: $0.1) }
    }
}
