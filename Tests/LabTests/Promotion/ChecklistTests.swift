import Testing
import Trading
import Wire

@testable import Lab

@Suite("Checklist of a gate")
struct ChecklistTests {
    private func verdicts(
        _ criteria: [Criterion], _ change: (inout PromotionEvidence) -> Void
    ) -> [Checklist.Verdict] {
        var evidence = PromotionEvidence()
        change(&evidence)
        return Checklist(PromotionCriteria(paper: criteria, live: []), stage: .paper, evidence: evidence)
            .items.map(\.verdict)
    }

    private func review(_ reviewer: String, _ approves: Bool = true) -> PromotionReview {
        PromotionReview(reviewer: reviewer, approves: approves, note: "", time: Timestamp(milliseconds: 1))
    }

    @Test func `what nobody has looked at is not known, and holds a promotion up`() {
        let list = Checklist(.standard, stage: .live, evidence: PromotionEvidence())
        #expect(!list.isPassed)
        #expect(list.hindrances.count == list.items.count)
        let unknown = list.items.filter { $0.verdict == .notKnown }.map(\.criterion.kind)
        #expect(unknown.contains(.minimumTrades) && unknown.contains(.lookaheadCheck))
        // That no limit is set is known.
        #expect(list.items.first { $0.criterion.kind == .positionLimit }?.verdict == .notMet)
    }

    @Test("a bound holds at its edge and not one beyond", arguments: [(9, false), (10, true), (11, true)])
    func edge(_ trades: Int, isMet: Bool) {
        let found = verdicts([Criterion(.minimumTrades, FixedDecimal(10))]) { $0.trades = trades }
        #expect(found == [isMet ? .met : .notMet])
    }

    @Test func `a drawdown is held from above`() {
        let criterion = Criterion(.maximumDrawdown, FixedDecimal("0.25")!)
        #expect(verdicts([criterion]) { $0.maximumDrawdown = 0.25 } == [.met])
        #expect(verdicts([criterion]) { $0.maximumDrawdown = 0.2501 } == [.notMet])
        #expect(verdicts([criterion]) { $0.maximumDrawdown = .nan } == [.notKnown])
    }

    /// Evidence with one thing in it, as it is too little and as it is enough for the criterion.
    private static func evidence(
        for kind: Criterion.Kind
    ) -> (
        criterion: Criterion, short: (inout PromotionEvidence) -> Void,
        enough: (inout PromotionEvidence) -> Void
    ) {
        func of(
            _ limit: String?, _ short: @escaping (inout PromotionEvidence) -> Void,
            _ enough: @escaping (inout PromotionEvidence) -> Void
        ) -> (Criterion, (inout PromotionEvidence) -> Void, (inout PromotionEvidence) -> Void) {
            (Criterion(kind, limit.map { FixedDecimal($0)! }), short, enough)
        }
        func word(_ reviewer: String) -> PromotionReview {
            PromotionReview(reviewer: reviewer, approves: true, note: "", time: Timestamp(milliseconds: 1))
        }
        return switch kind {
        case .minimumTrades: of("10", { $0.trades = 9 }, { $0.trades = 10 })
        case .minimumSharpe: of("1", { $0.sharpe = 0.99 }, { $0.sharpe = 1 })
        case .minimumOutOfSampleSharpe:
            of("0.5", { $0.outOfSampleSharpe = 0.49 }, { $0.outOfSampleSharpe = 0.5 })
        case .minimumReturn: of("0.1", { $0.totalReturn = 0.09 }, { $0.totalReturn = 0.11 })
        case .maximumDrawdown: of("0.2", { $0.maximumDrawdown = 0.21 }, { $0.maximumDrawdown = 0.2 })
        case .lookaheadCheck: of(nil, { $0.lookahead = .failed("it peeks") }, { $0.lookahead = .passed("") })
        case .startupCheck: of(nil, { $0.startup = .failed("too few") }, { $0.startup = .passed("") })
        case .minimumDaysOnPaper: of("14", { $0.daysOnPaper = 13.9 }, { $0.daysOnPaper = 14 })
        case .minimumPaperFills: of("5", { $0.paperFills = 4 }, { $0.paperFills = 5 })
        case .maximumReplayDifferences:
            of("0", { $0.replayDifferences = 1 }, { $0.replayDifferences = 0 })
        case .positionLimit: of(nil, { $0.positionLimit = nil }, { $0.positionLimit = "500 a position" })
        case .dailyLossLimit: of(nil, { $0.dailyLossLimit = nil }, { $0.dailyLossLimit = "5 % a day" })
        case .stopLimit: of(nil, { $0.stopLimit = nil }, { $0.stopLimit = "20 % below its peak" })
        case .reviews:
            of("2", { $0.reviews = [word("root")] }, { $0.reviews = [word("root"), word("eve")] })
        }
    }

    @Test(arguments: Criterion.Kind.allCases)
    func `each criterion alone holds a promotion up until it is met`(kind: Criterion.Kind) {
        let (criterion, short, enough) = Self.evidence(for: kind)
        #expect(verdicts([criterion], short) == [.notMet])
        #expect(verdicts([criterion], enough) == [.met])
        // Nobody has looked, or no limit is set.
        let criteria = PromotionCriteria(paper: [], live: [criterion])
        #expect(!Checklist(criteria, stage: .live, evidence: PromotionEvidence()).isPassed)
        var evidence = PromotionEvidence()
        short(&evidence)
        let gate = Checklist(criteria, stage: .live, evidence: evidence)
        #expect(!gate.isPassed && gate.hindrances.map(\.criterion.kind) == [kind])
    }

    @Test func `figure and limit stand in words`() {
        var evidence = PromotionEvidence()
        evidence.maximumDrawdown = 0.3127
        evidence.outOfSampleSharpe = -0.044
        let criteria = PromotionCriteria(
            paper: [
                Criterion(.maximumDrawdown, FixedDecimal("0.25")!),
                Criterion(.minimumOutOfSampleSharpe, FixedDecimal("0.5")!),
            ], live: [])
        let items = Checklist(criteria, stage: .paper, evidence: evidence).items
        #expect(items[0].words == "maximum drawdown of the backtest: 31.27 %, wanted at most 25.00 %")
        #expect(items[1].words == "Sharpe ratio out of sample: -0.04, wanted at least 0.50")
    }

    @Test func `an author's own approval does not count`() {
        let criterion = [Criterion(.reviews, FixedDecimal(1))]
        let own = verdicts(criterion) {
            $0.authors = ["ada"]
            $0.reviews = [review("ada")]
        }
        #expect(own == [.notKnown])
        let other = verdicts(criterion) {
            $0.authors = ["ada"]
            $0.reviews = [review("ada"), review("root")]
        }
        #expect(other == [.met])
    }

    @Test func `one who refuses stands in the way until he changes his mind`() {
        let criterion = [Criterion(.reviews, FixedDecimal(1))]
        #expect(verdicts(criterion) { $0.reviews = [review("root"), review("eve", false)] } == [.notMet])
        #expect(
            verdicts(criterion) { $0.reviews = [review("root"), review("eve", false), review("eve")] }
                == [.met])
    }

    @Test func `one operator who approves twice is one`() {
        let two = [Criterion(.reviews, FixedDecimal(2))]
        #expect(verdicts(two) { $0.reviews = [review("root"), review("root")] } == [.notMet])
        #expect(verdicts(two) { $0.reviews = [review("root"), review("eve")] } == [.met])
    }

    @Test func `criteria come back from their JSON, and a gate that is left out stays`() throws {
        let standard = PromotionCriteria.standard
        #expect(try PromotionCriteria(paper: [], live: []).changed(by: standard.json) == standard)
        let changed = try standard.changed(
            by: JSONParser.parse(#"{"paper":[{"kind":"minimum_trades","limit":"5"}]}"#))
        #expect(changed.paper == [Criterion(.minimumTrades, FixedDecimal(5))])
        #expect(changed.live == standard.live)
    }

    @Test(
        "a wrong criterion is refused by field",
        arguments: [
            (#"{"paper":[{"kind":"luck"}]}"#, "paper[0].kind"),
            (#"{"paper":[{"kind":"minimum_trades"}]}"#, "paper[0].limit"),
            (#"{"paper":[{"kind":"minimum_trades","limit":"1.5"}]}"#, "paper[0].limit"),
            (#"{"paper":[{"kind":"maximum_drawdown","limit":"1.01"}]}"#, "paper[0].limit"),
            (#"{"paper":[{"kind":"lookahead_check","limit":"1"}]}"#, "paper[0].limit"),
            (#"{"live":[{"kind":"stop_limit"},{"kind":"stop_limit"}]}"#, "live[1].kind"),
            (#"{"moon":[]}"#, "moon"),
        ])
    func refused(_ text: String, field: String) throws {
        let body = try JSONParser.parse(text)
        let failure = #expect(throws: FieldFailure.self) { try PromotionCriteria.standard.changed(by: body) }
        #expect(failure?.field == field)
    }
}
