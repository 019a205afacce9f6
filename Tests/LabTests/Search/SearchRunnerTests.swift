import Lab
import Synchronization
import Testing
import Trading
import Wire

@Suite struct `A search` {
    private let space = SearchSpace([
        SearchParameter(name: "x", range: .integer(low: 0, high: 9, step: 1)),
        SearchParameter(name: "y", range: .integer(low: 0, high: 9, step: 1)),
    ])

    /// Highest, with 100, at x 3 and y 7.
    private let hill = StandInBacktester { job throws(BacktestFailure) in
        let (x, y) = (job.number("x") - 3, job.number("y") - 7)
        return .init(finalEquity: FixedDecimal(Int(100 - x * x - y * y)))
    }

    private func runner(
        _ backtester: any Backtester, budget: Int, parallel: Int = 2, window: Int? = nil,
        kept: Kept = Kept(), stopAfter: Int = .max
    ) -> SearchRunner {
        SearchRunner(
            job: StandInBacktester.job, objective: Objective([.init("final_equity")]), budget: budget,
            parallel: parallel, window: window ?? budget, backtester: backtester,
            figures: { ["final_equity": Double($0.finalEquity.description) ?? .nan] },
            keep: { (point, outcome) async throws(SearchFailure) in kept.add(point, outcome) },
            progress: { $0.done < stopAfter })
    }

    /// What a store would hold.
    final class Kept: Sendable {
        private let all = Mutex<[SearchPoint: PointOutcome]>([:])
        var outcomes: [SearchPoint: PointOutcome] { all.withLock { $0 } }
        func add(_ point: SearchPoint, _ outcome: PointOutcome) { all.withLock { $0[point] = outcome } }
    }

    @Test(arguments: [1, 2, 7])
    func `over a grid finds the top, however many run at once`(_ parallel: Int) async throws {
        let report = try await runner(hill, budget: 100, parallel: parallel).run(try GridMethod(space))
        #expect(report.points.count == 100)
        #expect(report.points.map(\.number) == Array(0..<100))
        #expect(report.best?.point.json.text == #"{"x":3,"y":7}"#)
        #expect(report.best?.outcome.score == 100)
        #expect(!report.isCancelled)
    }

    @Test func `by chance names the same points for the same seed, others for another, and none twice`()
        async throws
    {
        func points(_ seed: UInt64, _ parallel: Int) async throws -> [String] {
            try await runner(hill, budget: 40, parallel: parallel).run(RandomMethod(space, seed: seed))
                .points.map(\.point.json.text)
        }
        let first = try await points(1, 1)
        #expect(try await points(1, 4) == first)
        #expect(try await points(2, 1) != first)
        #expect(Set(first).count == 40)
    }

    @Test func `by chance comes to every point of a small space and then ends`() async throws {
        let report = try await runner(hill, budget: 150).run(RandomMethod(space, seed: 5))
        #expect(report.points.count == 100)
    }

    @Test func `goes on where it was killed, without running anything again`() async throws {
        let kept = Kept()
        let cut = try await runner(hill, budget: 100, kept: kept, stopAfter: 30).run(try GridMethod(space))
        #expect(cut.isCancelled)
        let before = kept.outcomes
        #expect((30..<35).contains(before.count))
        let again = StandInBacktester { job throws(BacktestFailure) in
            .init(finalEquity: FixedDecimal(Int(job.number("x"))))
        }
        let rest = try await runner(again, budget: 100, kept: kept).run(try GridMethod(space), known: before)
        #expect(again.jobs.count == 100 - before.count)
        #expect(rest.points.count == 100)
        #expect(kept.outcomes.count == 100)
    }

    @Test func `keeps what failed as failed and goes on`() async throws {
        let fragile = StandInBacktester { job throws(BacktestFailure) in
            .init(end: job.number("x") == 3 ? .failed("division by zero") : .completed)
        }
        let report = try await runner(fragile, budget: 100).run(try GridMethod(space))
        #expect(report.points.count { $0.outcome.failure == "division by zero" } == 10)
        #expect(report.points.count { $0.outcome.score != nil } == 90)
    }

    @Test func `ends with field and reason when a run cannot begin`() async throws {
        let none = StandInBacktester { job throws(BacktestFailure) in
            throw BacktestFailure(field: "series", reason: "has no candles")
        }
        await #expect(throws: SearchFailure(field: "series", reason: "has no candles")) {
            _ = try await runner(none, budget: 100).run(try GridMethod(space))
        }
    }

    @Test func `refuses a grid that nobody could run`() throws {
        let wide = SearchSpace(
            (0..<4).map { SearchParameter(name: "p\($0)", range: .integer(low: 1, high: 100, step: 1)) })
        let failure = try #require(throws: SearchFailure.self) { _ = try GridMethod(wide) }
        #expect(failure.field == "space" && failure.reason.contains("100000000 points"))
    }

    @Test func `tells Optuna of outcomes in order, and asks by index`() async throws {
        let dialogue = Transcript()
        let method = try await OptunaMethod(space, seed: 7, startUp: 5, dialogue: dialogue)
        let report = try await runner(hill, budget: 12, parallel: 3, window: 3).run(method)
        #expect(report.points.count == 10, "two were named twice")
        #expect(dialogue.lines.first?.contains(#""kind":"steps","count":10"#) == true)
        let told = dialogue.lines.filter { $0.contains("tell") }
        #expect(told.count >= 9)
        #expect(told.first == #"{"type":"tell","number":0,"value":42.0}"#)
        // Asking for point n needs every outcome up to n − 3, and nothing that came later is told earlier.
        let asked = try #require(dialogue.lines.firstIndex { $0.contains(#""ask","number":6"#) })
        #expect(dialogue.lines[..<asked].filter { $0.contains("tell") }.count == 4)
    }

    /// Names (0, 0), (1, 1) up to (9, 9), and from the beginning again.
    final class Transcript: LineDialogue {
        private let heard = Mutex<[String]>([])
        var lines: [String] { heard.withLock { $0 } }

        func exchange(_ lines: [UInt8]) async throws(SearchFailure) -> [UInt8] {
            let all = String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init)
            heard.withLock { $0 += all }
            guard let last = all.last, last.contains("ask"), let number = Int(last.filter(\.isNumber)) else {
                return Array(#"{"type":"ready","optuna":"0"}"#.utf8)
            }
            return Array(
                #"{"type":"point","number":\#(number),"values":[\#(number % 10),\#(number % 10)]}"#.utf8)
        }

        func close() async {}
    }

    @Test func `gives an outcome back as it was stored`() throws {
        let outcome = PointOutcome(
            score: -1.25, figures: ["sharpe": 0.1, "trades": 3], finalEquity: FixedDecimal("999.5")!,
            trades: 3,
            failure: "half way")
        #expect(try PointOutcome(reading: try JSONParser.parse(outcome.json.text)) == outcome)
    }
}

@Suite struct `A heat map` {
    private func known(_ x: String, _ y: String, _ score: Double?) -> SearchBook.Known {
        SearchBook.Known(
            number: 0, point: SearchPoint([.init("x", .number(x)), .init("y", .string(y))]),
            outcome: PointOutcome(
                score: score, figures: ["trades": 2], finalEquity: FixedDecimal(1), trades: 2))
    }

    @Test func `has a cell for each pair of values, with the best, mean or worst of what is in it`() {
        let points = [known("10", "a", 1), known("9", "a", 5), known("10", "b", nil), known("10", "a", 3)]
        let best = HeatMap(points, x: "x", y: "y")
        #expect(best.x.map(\.text) == ["9", "10"])
        #expect(best.y.map(\.text) == [#""a""#, #""b""#])
        #expect(best.cells == [[5, 3], [nil, nil]])
        #expect(HeatMap(points, x: "x", y: "y", gathering: .mean).cells[0] == [5, 2])
        #expect(HeatMap(points, x: "x", y: "y", gathering: .worst).cells[0] == [5, 1])
        #expect(HeatMap(points, x: "x", y: "y", figure: "trades").cells == [[2, 2], [nil, 2]])
    }

    @Test func `gathers very many numbers in intervals`() {
        let points = (0..<500).map { known("0.\($0 + 1000)", "a", Double($0)) }
        let map = HeatMap(points, x: "x", y: "y")
        #expect(map.x.count == 50)
        #expect(map.cells[0].last == 499)
    }
}
