public import Catalogue
internal import Analytics
public import MarketData
public import Posix
public import Sandbox
internal import Synchronization
public import Trading
internal import Wire

/// Runs backtests with strategies behind the same walls as live, over the same protocol.
///
/// Each run has a thread and a strategy's process, both kept on one processor; as many may run at once as whoever queues them
/// lets.
public final class SandboxedBacktester: Backtester {
    /// What a backtester needs of the host around it.
    public struct Surroundings: Sendable {
        /// Where candles come from.
        public var source: any CandleSource
        /// What a version's `strategy.json` says, the job's parameters merged into it.
        public var config: @Sendable (BacktestJob) async throws(BacktestFailure) -> StrategyConfig
        /// Starts the version's process, with a whole processor; answers on any thread.
        public var launch:
            @Sendable (
                _ job: BacktestJob, _ config: StrategyConfig, _ run: String,
                _ answer: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
            ) -> Void
        /// What is known of an instrument; nil for the usual steps, or finer where the candles are.
        public var instrument: @Sendable (SeriesKey) -> Instrument?
        /// Told on a run's own thread that its work begins, 1, and that it has ended, -1.
        public var works: @Sendable (_ delta: Int) -> Void

        /// Gathers what a backtester needs.
        public init(
            source: any CandleSource,
            config: @escaping @Sendable (BacktestJob) async throws(BacktestFailure) -> StrategyConfig,
            launch:
                @escaping @Sendable (
                    _ job: BacktestJob, _ config: StrategyConfig, _ run: String,
                    _ answer: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
                ) -> Void,
            instrument: @escaping @Sendable (SeriesKey) -> Instrument? = { _ in nil },
            works: @escaping @Sendable (_ delta: Int) -> Void = { _ in }
        ) {
            self.source = source
            self.config = config
            self.launch = launch
            self.instrument = instrument
            self.works = works
        }
    }

    /// How runs are bounded.
    public struct Settings: Hashable, Sendable {
        /// How long the strategy may be silent while it is asked for an answer, its start included; one that says
        /// something meanwhile has ten times as long for the whole answer.
        public var patience: Duration
        /// The processors that runs are kept on, the least busy first; empty leaves that to the kernel.
        public var processors: [Int32]

        /// Sets bounds.
        public init(patience: Duration = .seconds(30), processors: [Int32] = []) {
            self.patience = patience
            self.processors = processors
        }
    }

    private let around: Surroundings
    private let settings: Settings
    private let loop: EventLoop
    private let runs = Mutex(0)
    private let busy = Mutex<[Int32: Int]>([:])

    /// Makes a backtester, which has a thread to look after its strategies.
    public init(_ around: Surroundings, settings: Settings = Settings()) throws(SystemCallError) {
        self.around = around
        self.settings = settings
        loop = try EventLoop(name: "lab")
    }

    deinit { loop.stop() }

    /// Runs a job to its end.
    public func run(
        _ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool
    ) async throws(BacktestFailure) -> BacktestResult {
        try job.check()
        var config = try await around.config(job)
        config.pair = job.series[0].symbol
        config.resolution = job.series[0].resolution
        let setup = try BacktestSetup(job, config: config, around: around)
        let name = "lab-\(runs.withLock { $0 += 1; return $0 })"
        let child = try await start(job, config, name)
        let processor = takeProcessor()
        defer { giveBack(processor) }
        let vitals = ChildVitals()
        let latest = Mutex(BacktestProgress(bars: 0, total: 0))
        let (finished, attendant) = try await attended(child, vitals, setup, processor) { now in
            if let now { latest.withLock { $0 = now } }
            return progress(now ?? latest.withLock { $0 })
        }
        let outcome = await withCheckedContinuation { continuation in
            attendant.perform { attendant in
                let grace: Duration =
                    switch finished.end {
                    case nil: .seconds(5)
                    // It is on its way out, or has only closed its pipe.
                    case .gone: .seconds(1)
                    case .left, .broke, .cancelled, .data: .zero
                    }
                attendant.end(within: grace) { continuation.resume(returning: $0) }
            }
        }
        return setup.result(finished, outcome)
    }

    private func start(
        _ job: BacktestJob, _ config: StrategyConfig, _ name: String
    ) async throws(BacktestFailure) -> ConfinedChild {
        let launched = await withCheckedContinuation { continuation in
            around.launch(job, config, name) { continuation.resume(returning: $0) }
        }
        switch launched {
        case .success(let child): return child
        case .failure(let failure):
            throw BacktestFailure(reason: "the strategy could not be started: \(failure)")
        }
    }

    /// Runs the conversation on a thread of its own, with somebody who looks after the child meanwhile.
    ///
    /// - Parameter progress: Nil asks only whether the run is wanted still.
    private func attended(
        _ child: ConfinedChild, _ vitals: ChildVitals, _ setup: BacktestSetup, _ processor: Int32?,
        _ progress: @escaping @Sendable (BacktestProgress?) -> Bool
    ) async throws(BacktestFailure) -> (BacktestSetup.Finished, LoopBound<ChildAttendant>) {
        let (loop, patience) = (loop, settings.patience)
        let attendant = await withCheckedContinuation { continuation in
            loop.perform {
                let attendant = ChildAttendant(
                    child, vitals, loop: loop, patience: patience, isWanted: { progress(nil) })
                attendant.begin()
                continuation.resume(returning: LoopBound(attendant, on: loop))
            }
        }
        let finished: Result<BacktestSetup.Finished, BacktestFailure> = await withCheckedContinuation {
            continuation in
            do throws(SystemCallError) {
                try Thread.start(name: "backtest") { [works = around.works] in
                    works(1)
                    defer { works(-1) }
                    if let processor {
                        // Where the kernel will not have it there, it runs elsewhere, and more slowly.
                        try? Thread.keep(on: processor)
                        try? Thread.keep(child.pid, on: processor)
                    }
                    continuation.resume(returning: .success(setup.converse(child, vitals, progress)))
                }
            } catch {
                child.kill()
                continuation.resume(
                    returning: .failure(BacktestFailure(reason: "no thread can be made: \(error)")))
            }
        }
        return (try finished.get(), attendant)
    }

    private func takeProcessor() -> Int32? {
        busy.withLock { busy in
            let least = settings.processors.min { busy[$0, default: 0] < busy[$1, default: 0] }
            if let least { busy[least, default: 0] += 1 }
            return least
        }
    }

    private func giveBack(_ processor: Int32?) {
        guard let processor else { return }
        busy.withLock { $0[processor, default: 1] -= 1 }
    }
}
