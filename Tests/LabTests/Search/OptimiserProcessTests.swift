import Glibc
import Lab
import Posix
import Sandbox
import TestSupport
import Testing
import Trading
import Wire

/// Optuna itself, behind its walls.
@Suite(.serialized) struct `The optimiser behind its walls` {
    private static let package = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    private static let runtimes = package + "/.build/test-runtimes"
    private static let confine = package + "/.build/stage-debug/libexec/bullpen/confine"

    /// Why it cannot be had, or nil.
    private static let fault: String? = {
        guard access(confine, X_OK) == 0 else { return "scripts/stage debug has not been run" }
        do {
            try RuntimeInstaller(runtimes: runtimes, requirements: package + "/sandbox-profiles/runtimes")
                .install(.optimiser)
            return nil
        } catch {
            return "\(error)"
        }
    }()

    private let space = SearchSpace([
        SearchParameter(name: "x", range: .integer(low: -50, high: 50, step: 1)),
        SearchParameter(
            name: "rate",
            range: .logarithmic(low: FixedDecimal("0.0001")!, high: .one, count: 10, isWhole: false)),
        SearchParameter(name: "kind", range: .choice([.string("good"), .string("bad")])),
    ])

    /// Highest, with 0, at x 12, rate 0.01 and the good kind.
    private let hill = StandInBacktester { job throws(BacktestFailure) in
        let x = job.number("x") - 12
        let rate = log10(job.number("rate")) + 2
        let penalty = job.parameters["kind"]?.stringValue == "good" ? 0.0 : 300
        let units = -(x * x + 100 * rate * rate + penalty) * 1e6
        return .init(finalEquity: FixedDecimal(units: Int128(units) * 1_000_000_000_000))
    }

    private func withOptimiser<Result>(
        _ body: (@Sendable () async throws(SearchFailure) -> OptimiserProcess) async throws -> Result
    ) async throws -> Result {
        if let fault = Self.fault { try Test.cancel("the optimiser cannot be had: \(fault)") }
        signal(SIGPIPE, SIG_IGN)
        let folder = Places.makeTemporaryFolder()
        defer { rmdir(folder) }
        chmod(folder, 0o755)
        let launcher = ConfinedLauncher(
            configuration: .init(
                launcher: Self.confine, runtimes: Self.runtimes, sdk: Self.package + "/Sources/PythonSDK",
                groupName: "optimiser-\(getpid())", withoutControlGroups: .rlimits),
            spawner: try Spawner())
        defer { launcher.close() }
        let profile = OptimiserProcess.profile(
            from: try Profile(contentsOf: Self.package + "/sandbox-profiles/python-scientific.json"))
        return try await body { () async throws(SearchFailure) in
            try await OptimiserProcess.start(profile, launcher: launcher, bundle: folder, run: "study-1-0")
        }
    }

    private func search(
        _ start: @Sendable () async throws(SearchFailure) -> OptimiserProcess, points: Int, parallel: Int,
        known: [SearchPoint: PointOutcome] = [:], backtester: StandInBacktester? = nil
    ) async throws -> SearchReport {
        let process = try await start()
        let method = try await OptunaMethod(space, seed: 42, startUp: 10, dialogue: process)
        let report = try await SearchRunner(
            job: StandInBacktester.job, objective: Objective([.init("score")]), budget: points,
            parallel: parallel, window: 4, backtester: backtester ?? hill,
            figures: { ["score": Double($0.finalEquity.description) ?? .nan] }
        ).run(method, known: known)
        await process.close()
        return report
    }

    @Test func `comes nearer the top than chance, the same way each time, and goes on where it was`()
        async throws
    {
        try await withOptimiser { start in
            let report = try await search(start, points: 80, parallel: 3)
            let chance = try await SearchRunner(
                job: StandInBacktester.job, objective: Objective([.init("score")]), budget: 80, parallel: 1,
                window: 80, backtester: hill,
                figures: { ["score": Double($0.finalEquity.description) ?? .nan] }
            ).run(RandomMethod(space, seed: 42))
            let (found, drawn) = (try #require(report.best), try #require(chance.best))
            #expect(try #require(found.outcome.score) > #require(drawn.outcome.score))
            #expect(found.point["kind"] == .string("good"))

            // Another process, another number of runs at a time: the same points in the same order. What is known
            // is not run again.
            let known = Dictionary(
                uniqueKeysWithValues: report.points.prefix(30).map { ($0.point, $0.outcome) })
            let again = StandInBacktester { job throws(BacktestFailure) in
                let x = job.number("x") - 12
                let rate = log10(job.number("rate")) + 2
                let penalty = job.parameters["kind"]?.stringValue == "good" ? 0.0 : 300
                let units = -(x * x + 100 * rate * rate + penalty) * 1e6
                return .init(finalEquity: FixedDecimal(units: Int128(units) * 1_000_000_000_000))
            }
            let second = try await search(start, points: 80, parallel: 1, known: known, backtester: again)
            #expect(second.points.map(\.point) == report.points.map(\.point))
            #expect(again.jobs.count == report.points.count - 30)
        }
    }

    @Test func `ends with its last words when it is told nonsense`() async throws {
        try await withOptimiser { start in
            let process = try await start()
            // What is no line of the dialogue ends it, and the last words say why.
            let failure = await #expect(throws: SearchFailure.self) {
                _ = try await process.exchange(Array("open('/etc/passwd')\n".utf8))
            }
            #expect(failure?.reason.contains("JSONDecodeError") == true, "\(failure?.reason ?? "")")
            await process.close()
        }
    }
}
