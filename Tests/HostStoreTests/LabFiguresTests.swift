import MarketData
import Testing
import Trading
import Wire

@testable import Host
@testable import Lab

@Suite("Figures that speak for a version")
struct LabFiguresTests {
    private func figures(_ plan: StudyPlan, _ result: String) throws -> LabFigures {
        let job = BacktestJob(
            strategy: "s", version: "v",
            series: [SeriesKey(venue: "x", symbol: "BTCUSDT", resolution: Resolution("1m")!)],
            start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 3_600_000),
            capital: FixedDecimal(100))
        var figures = LabFigures()
        figures.take(
            LabStudy(
                number: 7, owner: "ada", createdBy: "ada", title: "", state: .completed, job: job, plan: plan,
                createdAt: Timestamp(milliseconds: 0), done: 1, total: 1, result: try JSONParser.parse(result)
            ))
        return figures
    }

    @Test func `what a check found speaks for it or against it, and nothing found says nothing`() throws {
        func lookahead(_ verdict: String) throws -> PromotionEvidence.Check? {
            try figures(.lookahead(cuts: 4), #"{"verdict":"\#(verdict)","words":"so"}"#).lookahead
        }
        #expect(try lookahead("clean") == .passed("so, study 7"))
        #expect(try lookahead("peeks") == .failed("so, study 7"))
        #expect(try lookahead("unrepeatable") == .failed("so, study 7"))
        #expect(try lookahead("inconclusive") == nil)
        #expect(try lookahead("whatever") == nil)
        func startup(_ words: String) throws -> PromotionEvidence.Check? {
            try figures(.startUp, #"{\#(words)"words":"so"}"#).startup
        }
        #expect(try startup(#""is_enough":true,"#) == .passed("so, study 7"))
        #expect(try startup(#""is_enough":false,"#) == .failed("so, study 7"))
        #expect(try startup("") == .failed("so, study 7"))
    }
}
