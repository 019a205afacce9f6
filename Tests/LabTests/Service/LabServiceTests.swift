import Journal
import MarketData
import Synchronization
import Testing
import Trading
import Wire

@testable import Lab

@Suite
struct `The Lab` {
    @Test func `fills in what a request leaves away`() async throws {
        let lab = try LabFixture()
        let (job, owner) = try lab.service.job(of: BacktestRequest(), strategy: "crossing-abc")
        #expect(owner == "ann")
        #expect(job.version == lab.catalogue.second.version)
        #expect(job.series == [PretendedSeries.minute])
        #expect(job.warmUp == 10)
        #expect(job.start == PretendedSeries.start.advanced(byMilliseconds: 600_000))
        #expect(job.end == PretendedSeries.end)
        await lab.close()
    }

    @Test func `refuses what cannot be run, naming the field`() async throws {
        let lab = try LabFixture()
        let other = SeriesKey(venue: "binance", symbol: "ETHUSDT", resolution: Resolution("1m")!)
        let requests: [(BacktestRequest, String)] = [
            (BacktestRequest(parameters: .object([.init("fast", .integer(99))])), "parameters.fast"),
            (BacktestRequest(parameters: .object([.init("style", .string("odd"))])), "parameters.style"),
            (BacktestRequest(parameters: .object([.init("share", .number("0.7"))])), "parameters.share"),
            (BacktestRequest(series: [PretendedSeries.minute, other]), "series[1]"),
            (BacktestRequest(start: PretendedSeries.end), "end"),
            (BacktestRequest(start: PretendedSeries.end, end: Timestamp(milliseconds: 1 << 50)), "start"),
        ]
        for (request, field) in requests {
            do {
                _ = try lab.service.job(of: request, strategy: "crossing-abc")
                Issue.record("\(field) was taken")
            } catch {
                guard case .invalid(let failure) = error else { throw error }
                #expect(failure.field == field)
            }
        }
        #expect(throws: LabFailure.notFound(kind: "algorithm", id: "x")) {
            try lab.service.job(of: BacktestRequest(), strategy: "x")
        }
        await lab.close()
    }

    @Test func `a parameter that strategy.json does not name is refused with the names that it has`()
        async throws
    {
        let lab = try LabFixture()
        let request = BacktestRequest(parameters: .object([.init("fats", .integer(3))]))
        await #expect(
            throws: LabFailure.invalid(
                FieldFailure(
                    field: "parameters.fats",
                    reason: "is not in custom_params of strategy.json, which has fast, slow, share, style, on"
                ))
        ) {
            try await lab.service.request(request, of: "crossing-abc", by: "ann")
        }
        #expect(try lab.service.runs(LabRunFilter(), before: nil, limit: 1).runs.isEmpty)
        await lab.close()
    }

    @Test func `runs a job, keeps what came of it, and repeats it to the same hash`() async throws {
        let lab = try LabFixture()
        let asked = try await lab.service.request(
            BacktestRequest(seed: 7, title: "first"), of: "crossing-abc", by: "ann")
        #expect(asked.state.isUnderWay)
        let run = try await lab.ended(asked.number)
        #expect(run.state == .completed)
        #expect(run.title == "first")
        #expect(run.summary["profit"]?.stringValue == "7")
        #expect(run.summary["max_drawdown"] == .number("0.25"))
        let result = try lab.service.result(run.number)
        #expect(result == PretendedBacktester.result(run.job, end: .completed, bars: 100))
        let again = try await lab.ended(try await lab.service.repeatRun(run.number, by: "ann").number)
        #expect(again.repeats == run.number)
        #expect(again.resultHash == run.resultHash)
        let otherSeed = try await lab.service.request(
            BacktestRequest(seed: 8), of: "crossing-abc", by: "ann")
        #expect(try await lab.ended(otherSeed.number).resultHash != run.resultHash)
        await lab.close()
    }

    @Test func `a backtest that cannot begin has failed, with the reason`() async throws {
        let lab = try LabFixture()
        let asked = try await lab.service.request(BacktestRequest(seed: 666), of: "crossing-abc", by: "ann")
        let run = try await lab.ended(asked.number)
        #expect(run.state == .failed)
        #expect(run.cause == "seed: is beastly")
        #expect(throws: LabFailure.self) { try lab.service.result(run.number) }
        await lab.close()
    }

    @Test func `cancelling keeps what came until then, and takes back what waits`() async throws {
        let lab = try LabFixture()
        lab.backtester.hold()
        let running = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        let waiting = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        while try lab.service.run(running.number).progress.bars == 0 { await Task.yield() }
        let withdrawn = try await lab.service.cancel(waiting.number, by: "ann")
        #expect(withdrawn.state == .cancelled)
        _ = try await lab.service.cancel(running.number, by: "ann")
        let ended = try await lab.ended(running.number)
        #expect(ended.state == .cancelled)
        #expect(try lab.service.result(running.number).bars > 0)
        await #expect(throws: LabFailure.self) { try await lab.service.cancel(running.number, by: "ann") }
        await lab.close()
    }

    @Test func `a user may have only so many waiting`() async throws {
        let lab = try LabFixture(waiting: 1)
        lab.backtester.hold()
        let first = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        while try lab.service.run(first.number).state == .queued { await Task.yield() }
        _ = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        await #expect(throws: LabFailure.tooManyWaiting(limit: 1)) {
            try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        }
        let others = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "root")
        #expect(others.state == .queued)
        await lab.close()
    }

    @Test func `after a kill what ran is interrupted and what waited runs`() async throws {
        let before = try LabFixture()
        let job = try before.service.job(of: BacktestRequest(), strategy: "crossing-abc").job
        let store = before.service.store
        let ran = try await store.add(job, owner: "ann", by: "ann", title: "", at: LabService.now)
        try await store.began(ran.number, at: LabService.now)
        let waited = try await store.add(job, owner: "ann", by: "ann", title: "", at: LabService.now)
        store.close()
        let after = try LabFixture(folder: before.folder)
        try await after.service.start()
        #expect(try after.service.run(ran.number).state == .interrupted)
        #expect(try await after.ended(waited.number).state == .completed)
        await after.close()
    }

    @Test func `a host that stops leaves its runs as interrupted`() async throws {
        let lab = try LabFixture()
        lab.backtester.hold()
        let run = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        let waiting = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        while try lab.service.run(run.number).state == .queued { await Task.yield() }
        await lab.service.close()
        let store = try LabStore(path: lab.folder + "/lab.db")
        #expect(try store.run(run.number)?.state == .interrupted)
        #expect(try store.run(waiting.number)?.state == .queued)
        store.close()
        lab.remove()
    }

    @Test func `whoever follows a run hears how it is, how far it gets, and its end`() async throws {
        let lab = try LabFixture()
        lab.backtester.hold()
        let run = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
        let sink = Listener()
        try lab.service.follow(.run(run.number), sink: sink)
        lab.backtester.goOn()
        _ = try await lab.ended(run.number)
        while !sink.isClosed { await Task.yield() }
        #expect(sink.names.first == "run")
        #expect(sink.names.last == "run")
        #expect(sink.last["state"]?.stringValue == "completed")
        let late = Listener()
        try lab.service.follow(.run(run.number), sink: late)
        #expect(late.names == ["run"] && late.isClosed)
        await lab.close()
    }

    @Test func `old runs give way, kept ones stay`() async throws {
        let lab = try LabFixture()
        var numbers: [Int64] = []
        for _ in 0..<4 {
            let run = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
            numbers.append(try await lab.ended(run.number).number)
        }
        _ = try await lab.service.setKept(true, numbers[0])
        let removed = try await lab.service.store.prune(runs: 2, bytes: .max)
        #expect(removed.runs == 1)
        let left = try lab.service.runs(LabRunFilter(), before: nil, limit: 10).runs.map(\.number)
        #expect(left == [numbers[3], numbers[2], numbers[0]])
        #expect(try await lab.service.store.prune(runs: 2, bytes: 0).results == 2)
        #expect(try lab.service.store.result(numbers[0]) != nil)
        #expect(try lab.service.store.result(numbers[3]) == nil)
        await #expect(throws: LabFailure.self) { try await lab.service.remove(numbers[0], by: "ann") }
        await lab.close()
    }

    @Test func `each owner keeps as many of his own, and what is under way stays`() async throws {
        let lab = try LabFixture()
        let store = lab.service.store
        let job = try lab.service.job(of: BacktestRequest(), strategy: "crossing-abc").job
        func add(_ owner: String, _ state: LabRun.State) async throws -> Int64 {
            let run = try await store.add(job, owner: owner, by: owner, title: "", at: LabService.now)
            if state == .running { try await store.began(run.number, at: LabService.now) }
            if !state.isUnderWay { try await store.ended(run.number, state, cause: nil, at: LabService.now) }
            return run.number
        }
        var left: [Int64] = [try await add("ann", .running), try await add("ann", .queued)]
        let old = try await add("ann", .failed)
        left.append(try await add("bob", .completed))
        for _ in 0..<2 { left.append(try await add("ann", .completed)) }
        #expect(try await store.prune(runs: 2, bytes: .max).runs == 1)
        #expect(try store.run(old) == nil)
        for number in left { #expect(try store.run(number) != nil, "\(number)") }
        await lab.close()
    }

    @Test func `old runs give way by themselves`() async throws {
        let lab = try LabFixture(runsKept: 3)
        for _ in 0..<17 {
            let run = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "ann")
            _ = try await lab.ended(run.number)
        }
        #expect(try lab.service.runs(LabRunFilter(), before: nil, limit: 100).runs.count <= 4)
        await lab.close()
    }

    @Test func `lists runs in parts, newest first, of one owner`() async throws {
        let lab = try LabFixture()
        var numbers: [Int64] = []
        for _ in 0..<3 {
            let run = try await lab.service.request(BacktestRequest(), of: "crossing-abc", by: "root")
            numbers.append(try await lab.ended(run.number).number)
        }
        let page = try lab.service.runs(LabRunFilter(owner: "ann"), before: nil, limit: 2)
        #expect(page.runs.map(\.number) == [numbers[2], numbers[1]])
        let rest = try lab.service.runs(LabRunFilter(owner: "ann"), before: page.next, limit: 2)
        #expect(rest.runs.map(\.number) == [numbers[0]] && rest.next == nil)
        #expect(try lab.service.runs(LabRunFilter(owner: "bob"), before: nil, limit: 2).runs.isEmpty)
        #expect(
            try lab.service.runs(LabRunFilter(state: .failed), before: nil, limit: 2).runs.isEmpty)
        await lab.close()
    }
}

/// Notes what it is told.
private final class Listener: LabEventSink {
    private struct State {
        var events: [LabEvent] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    func offer(_ event: LabEvent) -> Bool {
        state.withLock { $0.events.append(event) }
        return true
    }

    func close() { state.withLock { $0.isClosed = true } }

    var names: [String] { state.withLock { $0.events.map(\.name) } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    var last: JSONValue {
        state.withLock { (try? JSONParser.parse($0.events.last?.payload ?? [])) ?? .null }
    }
}
