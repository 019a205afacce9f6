import Analytics
import Glibc
import Journal
import MarketData
import Posix
import Synchronization
import TestSupport
import Testing
import Trading
import Wire

@testable import Lab

/// A Lab with studies, in which a run earns by its parameters and its span.
private final class StudyFixture: Sendable {
    let folder: String
    let lab: LabService
    let studies: StudyService
    let backtester: StandInBacktester
    /// Runs wait here until they may go on.
    let gate: Gate

    final class Gate: Sendable {
        private let open = Mutex(true)
        var isOpen: Bool { open.withLock { $0 } }
        func set(_ isOpen: Bool) { open.withLock { $0 = isOpen } }
    }

    init(
        cores: Int = 2, resultBytes: Int = 4 << 30, folder given: String? = nil, gate: Gate = Gate(),
        optimiser: StudyService.OptimiserStart? = nil,
        decisions: @escaping @Sendable (BacktestJob) -> [BacktestResult.Decision] = { _ in [] }
    ) throws {
        folder = given ?? Places.makeTemporaryFolder()
        self.gate = gate
        backtester = StandInBacktester { job throws(BacktestFailure) in
            let fast = job.number("fast").isFinite ? job.number("fast") : 9
            let end = FixedDecimal(Int(10_100 - 10 * abs(fast - 5)))
            return .init(
                finalEquity: end,
                equity: [
                    EquityPoint(time: job.start, equity: FixedDecimal(10_000)),
                    EquityPoint(time: job.end, equity: end),
                ], decisions: decisions(job))
        }
        var settings = LabService.Settings()
        settings.cores = cores
        settings.resultBytes = resultBytes
        lab = LabService(
            store: try LabStore(path: folder + "/lab.db"),
            parts: .init(
                backtester: GatedBacktester(gate: gate, inner: backtester), catalogue: PretendedCatalogue(),
                series: PretendedSeries()),
            settings: settings, log: HostLog(part: "lab", sink: try .memory()))
        studies = StudyService(lab: lab, startOptimiser: optimiser)
    }

    struct GatedBacktester: Backtester {
        let gate: Gate
        let inner: StandInBacktester

        func run(
            _ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool
        ) async throws(BacktestFailure) -> BacktestResult {
            while !gate.isOpen, progress(BacktestProgress(bars: 0, total: 1)) { await Task.yield() }
            return try await inner.run(job, progress: progress)
        }
    }

    func begin(
        _ kind: LabStudy.Kind, _ text: String, request: BacktestRequest = BacktestRequest()
    ) async throws -> LabStudy {
        var reader = try ObjectReader(try JSONParser.parse(text))
        let ranges = try studies.ranges(of: "crossing-abc", version: nil)
        let plan = try StudyPlan(kind, &reader, ranges: ranges, figures: Set(StudyFigures.names))
        try reader.finish()
        return try await studies.begin(plan, request, of: "crossing-abc", by: "ann")
    }

    func ended(_ study: LabStudy) async throws -> LabStudy {
        while true {
            let now = try studies.study(study.number)
            if now.state != .running { return now }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func close(removing: Bool = true) async {
        await studies.close()
        await lab.close()
        guard removing else { return }
        for name in ["lab.db", "lab.db-wal", "lab.db-shm"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}

@Suite struct `Studies` {
    private let space = #""space":{"fast":{"type":"int","min":2,"max":12}},"objective":"net_profit""#

    @Test func `search a grid, keep every point, and tell the best`() async throws {
        let fixture = try StudyFixture()
        let ended = try await fixture.ended(try await fixture.begin(.optimisation, "{\(space)}"))
        #expect(ended.state == .completed, "\(ended.cause ?? "")")
        #expect(ended.result["best"]?["point"]?.text == #"{"fast":5}"#)
        #expect(ended.result["best"]?["outcome"]?["score"]?.text == "100.0")
        #expect(ended.result["points"]?.intValue == 11)
        #expect(ended.done == 11 && ended.total == 11)
        let points = try fixture.studies.points(ended.number)
        #expect(points.count == 11)
        #expect(points[0].point.json.text == #"{"fast":5}"#)
        #expect(points.map { $0.outcome.score ?? 0 } == points.map { $0.outcome.score ?? 0 }.sorted(by: >))
        #expect(points[0].outcome.figures["total_return"] == 0.01)
        let map = HeatMap(points, x: "fast", y: "fast")
        #expect(map.x.count == 11)
        let listed = try fixture.studies.studies(
            StudyFilter(kinds: [.optimisation], owner: "ann"), before: nil, limit: 10)
        #expect(listed.studies == [ended])
        await fixture.close()
    }

    @Test func `go through the ranges of strategy json where nobody names a space`() async throws {
        let fixture = try StudyFixture()
        let study = try await fixture.begin(
            .optimisation, #"{"space":["fast","style"],"method":"random","points":6,"search_seed":3}"#)
        guard case .optimisation(let plan) = study.plan else { throw LabFailure.conflict("another plan") }
        #expect(plan.space.gridCount == 49 * 2)
        #expect(try await fixture.ended(study).result["points"]?.intValue == 6)
        await fixture.close()
    }

    @Test func `go on in the next host where the last was killed`() async throws {
        let first = try StudyFixture(cores: 1)
        let study = try await first.begin(.optimisation, "{\(space)}")
        while try first.studies.study(study.number).done < 4 { await Task.yield() }
        first.gate.set(false)
        // As a kill leaves it: what is kept by now is all there is.
        await first.close(removing: false)
        let kept = try {
            let store = try LabStore(path: first.folder + "/lab.db")
            defer { store.close() }
            return try store.points(study: study.number, part: 0).count
        }()
        #expect((4..<11).contains(kept))
        let second = try StudyFixture(cores: 1, folder: first.folder)
        try second.studies.start()
        let ended = try await second.ended(study)
        #expect(ended.state == .completed)
        #expect(ended.result["best"]?["point"]?.text == #"{"fast":5}"#)
        #expect(second.backtester.jobs.count == 11 - kept)
        #expect(try second.studies.points(study.number).count == 11)
        await second.close()
    }

    @Test func `stop when they are cancelled, and keep what is known`() async throws {
        let fixture = try StudyFixture(cores: 1)
        let study = try await fixture.begin(.optimisation, "{\(space)}")
        while try fixture.studies.study(study.number).done < 2 { await Task.yield() }
        fixture.gate.set(false)
        let ended = try await fixture.studies.cancel(study.number, by: "ann")
        #expect(ended.state == .cancelled)
        #expect(try fixture.studies.points(study.number).count >= 2)
        await #expect(throws: LabFailure.conflict("study 1 is cancelled already")) {
            _ = try await fixture.studies.cancel(study.number, by: "ann")
        }
        try await fixture.studies.remove(study.number, by: "ann")
        #expect(throws: LabFailure.notFound(kind: "study", id: "1")) { _ = try fixture.studies.study(1) }
        await fixture.close()
    }

    @Test func `walk forward, with the figures of what was tried`() async throws {
        let fixture = try StudyFixture()
        // 990 minutes: five windows of 400 to search on and 100 to try.
        let ended = try await fixture.ended(
            try await fixture.begin(
                .walkForward, "{\(space),\"in_sample\":\"400m\",\"out_of_sample\":\"100m\"}"))
        #expect(ended.state == .completed, "\(ended.cause ?? "")")
        let windows = try #require(ended.result["windows"]?.arrayValue)
        #expect(windows.count == 6)
        #expect(windows.allSatisfy { $0["point"]?.text == #"{"fast":5}"# })
        #expect(ended.result["profitable_windows"]?.intValue == 6)
        let total = try #require(ended.result["figures"]?["total_return"]?.doubleValue)
        #expect(abs(total - (pow(1.01, 6) - 1)) < 1e-9)
        #expect((ended.result["equity"]?.arrayValue?.count ?? 0) >= 12)
        // Each window searches anew, so each point of each is kept.
        #expect(try fixture.lab.store.points(study: ended.number, part: 5).count == 11)
        await fixture.close()
    }

    @Test func `keep the runs behind each window, which are opened like others and go with the study`()
        async throws
    {
        let fixture = try StudyFixture()
        let (lab, store) = (fixture.lab, fixture.lab.store)
        let ended = try await fixture.ended(
            try await fixture.begin(
                .walkForward, "{\(space),\"in_sample\":\"400m\",\"out_of_sample\":\"100m\"}"))
        let windows = try #require(ended.result["windows"]?.arrayValue)
        let numbers = windows.compactMap { $0["run"]?.stringValue.flatMap { Int64($0) } }
        #expect(numbers.count == 6 && Set(numbers).count == 6)
        for (part, number) in numbers.enumerated() {
            let run = try lab.run(number)
            #expect(run.study == StudyPart(study: ended.number, part: part))
            #expect(run.state == .completed && run.owner == "ann" && run.createdBy == "ann")
            #expect(
                run.job.start.milliseconds == windows[part]["window"]?["out_start"]?.intValue.map(Int64.init))
            #expect(run.job.end.milliseconds == windows[part]["window"]?["out_end"]?.intValue.map(Int64.init))
            #expect(run.job.parameters["fast"]?.intValue == 5)
            #expect(run.json["study"]?.stringValue == "\(ended.number)")
            #expect(try lab.result(number).finalEquity == FixedDecimal(10_100))
            #expect(run.resultHash == (try lab.result(number).fingerprint))
        }
        // The list of runs is of those that somebody asked for.
        #expect(try lab.runs(LabRunFilter(), before: nil, limit: 10).runs.isEmpty)
        let own = try lab.runs(LabRunFilter(study: ended.number), before: nil, limit: 10).runs
        #expect(own.map(\.number) == numbers.reversed())
        #expect(
            try lab.runs(LabRunFilter(owner: "bob", study: ended.number), before: nil, limit: 10).runs.isEmpty
        )
        // The next host comes by again, and finds what it would keep.
        let again = try await store.keep(
            try lab.result(numbers[2]), summary: .null, of: ended, part: 2, title: "", at: LabService.now)
        #expect(again == numbers[2])
        #expect(try await store.prune(runs: 0, bytes: .max).runs == 0)
        let repeated = try await lab.repeatRun(numbers[0], by: "ann")
        while try lab.run(repeated.number).state.isUnderWay { await Task.yield() }
        #expect(try lab.run(repeated.number).resultHash == lab.run(numbers[0]).resultHash)
        try await fixture.studies.remove(ended.number, by: "ann")
        #expect(throws: LabFailure.self) { try lab.run(numbers[0]) }
        #expect(try lab.run(repeated.number).state == .completed)
        await fixture.close()
    }

    @Test func `leave the most room to results that somebody asked for run by run`() async throws {
        let fixture = try StudyFixture()
        let lab = fixture.lab
        let mine = try await lab.request(BacktestRequest(), of: "crossing-abc", by: "ann").number
        while try lab.run(mine).state.isUnderWay { await Task.yield() }
        let ended = try await fixture.ended(
            try await fixture.begin(
                .walkForward, "{\(space),\"in_sample\":\"400m\",\"out_of_sample\":\"100m\"}"))
        let windows = try #require(ended.result["windows"]?.arrayValue)
        let numbers = windows.compactMap { $0["run"]?.stringValue.flatMap { Int64($0) } }
        // All six would fit, and the run before them would not.
        let bytes = try numbers.map { try lab.result($0).packed().count }.reduce(0, +)
        #expect(try await lab.store.prune(runs: 1_000, bytes: bytes).results == 5)
        #expect(try lab.store.result(mine) != nil)
        #expect(try lab.store.result(numbers[5]) != nil)
        #expect(try lab.store.result(numbers[4]) == nil)
        #expect(try lab.run(numbers[4]).resultHash != nil)
        await fixture.close()
    }

    @Test func `let go of the oldest results when they end`() async throws {
        let fixture = try StudyFixture(resultBytes: 1)
        let ended = try await fixture.ended(
            try await fixture.begin(
                .walkForward, "{\(space),\"in_sample\":\"400m\",\"out_of_sample\":\"100m\"}"))
        let windows = try #require(ended.result["windows"]?.arrayValue)
        let last = try #require(windows.last?["run"]?.stringValue.flatMap { Int64($0) })
        #expect(try fixture.lab.store.result(last) == nil)
        await fixture.close()
    }

    @Test func `check for looking ahead and for history`() async throws {
        let fixture = try StudyFixture(decisions: { job in
            let last = Int((job.end.milliseconds - job.start.milliseconds) / 60_000) - 1
            return [
                BacktestResult.Decision(
                    time: job.start.advanced(byMilliseconds: Int64(last) * 60_000), symbol: "BTCUSDT",
                    side: .buy,
                    quantity: FixedDecimal(1), kind: "market", price: nil)
            ]
        })
        let ahead = try await fixture.ended(try await fixture.begin(.lookahead, #"{"cuts":4}"#))
        #expect(ahead.result["verdict"]?.stringValue == "peeks")
        #expect(ahead.result["words"]?.stringValue?.contains("it asked") == true)
        let start = try await fixture.ended(try await fixture.begin(.startUp, "{}"))
        #expect(start.result["is_enough"]?.boolValue == true)
        #expect(start.result["rows"]?.arrayValue?.count == 5)
        await fixture.close()
    }

    @Test(arguments: [
        (LabStudy.Kind.optimisation, #"{"space":{"quick":{"type":"bool"}}}"#, "space.quick"),
        (.optimisation, #"{"space":{"fast":{"type":"int","min":2,"max":80}}}"#, "space.fast"),
        (.optimisation, #"{"space":{"on":{"type":"int","min":0,"max":1}}}"#, "space.on"),
        (
            .optimisation, #"{"space":{"style":{"type":"choice","choices":["plain","odd","bold"]}}}"#,
            "space.style"
        ),
        (.optimisation, #"{"space":["slow"]}"#, "space"),
        (.optimisation, #"{"objective":"luck"}"#, "objective"),
        (.optimisation, #"{"points":5}"#, "points"),
        (.optimisation, #"{"method":"optuna"}"#, "method"),
        (.walkForward, #"{"out_of_sample":"1h"}"#, "in_sample"),
        (.walkForward, #"{"in_sample":"2d","out_of_sample":"1h"}"#, "in_sample"),
        (.walkForward, #"{"split":1.5}"#, "split"),
        (.lookahead, #"{"cuts":0}"#, "cuts"),
    ])
    func `refuse what cannot be, naming the field`(
        _ kind: LabStudy.Kind, _ text: String, _ field: String
    ) async throws {
        let fixture = try StudyFixture()
        do {
            _ = try await fixture.begin(kind, text)
            Issue.record("it was taken")
        } catch let failure as FieldFailure {
            #expect(failure.field == field)
        } catch LabFailure.invalid(let failure) {
            #expect(failure.field == field)
        }
        await fixture.close()
    }

    @Test func `are bounded for each user`() async throws {
        let fixture = try StudyFixture()
        fixture.gate.set(false)
        for _ in 0..<8 { _ = try await fixture.begin(.startUp, "{}") }
        await #expect(throws: LabFailure.tooManyWaiting(limit: 8)) {
            _ = try await fixture.begin(.startUp, "{}")
        }
        await fixture.close()
    }

    @Test func `are read back as they were written`() async throws {
        let fixture = try StudyFixture()
        let text =
            #"{"space":{"fast":{"type":"int","min":2,"max":12,"step":2},"share":{"type":"decimal","min":"0.1","max":"0.5","log":true,"count":4}},"objective":{"sharpe":1.0,"max_drawdown":-2.0},"method":"random","points":3,"search_seed":9,"in_sample":"400m","out_of_sample":"2h","anchoring":"anchored"}"#
        let study = try await fixture.begin(.walkForward, text)
        let stored = try #require(try fixture.lab.store.study(study.number))
        #expect(stored.plan == study.plan)
        #expect(stored.job == study.job)
        #expect(stored.plan.json.text == text)
        _ = try await fixture.ended(study)
        await fixture.close()
    }
}
