public import MarketData
public import Posix
import Synchronization
import Trading
public import Wire

/// The Lab as the faces see it: strategies to try out, backtests that wait, run and have run.
///
/// Runs take turns on a bounded number of cores, see ``LabQueue``; each is written down when it is asked for, when it begins
/// and when it has ended, so that a host that is killed knows at its next start what was under way. Nothing here runs on
/// the floor.
public final class LabService: Sendable {
    /// How the Lab behaves.
    public struct Settings: Sendable {
        /// How many runs may be under way at once; each has a core of its own.
        public var cores = 1
        /// How many runs of one user may wait.
        public var waitingPerUser = 500
        /// How many runs of one owner are kept, besides those that are spared.
        public var runsKept = 1000
        /// How many bytes of results are kept, compressed.
        public var resultBytes = 4 << 30

        /// The defaults.
        public init() {}
    }

    /// What the Lab works with.
    public struct Parts: Sendable {
        public var backtester: any Backtester
        public var catalogue: any AlgorithmCatalogue
        public var series: any SeriesDirectory
        /// Where reports read prices; nil leaves them away.
        public var candles: (any CandleSource)?
        /// Writes down who did what: actor, action, subject, detail.
        public var audit: @Sendable (String, String, String, String) -> Void
        /// What a result comes to, as lists and comparisons show it: an object.
        public var summarise: @Sendable (BacktestResult) -> JSONValue

        /// Gathers them.
        public init(
            backtester: any Backtester, catalogue: any AlgorithmCatalogue, series: any SeriesDirectory,
            candles: (any CandleSource)? = nil,
            audit: @escaping @Sendable (String, String, String, String) -> Void = { _, _, _, _ in },
            summarise: @escaping @Sendable (BacktestResult) -> JSONValue = { RunReport.summary(of: $0) }
        ) {
            self.backtester = backtester
            self.catalogue = catalogue
            self.series = series
            self.candles = candles
            self.audit = audit
            self.summarise = summarise
        }
    }

    /// A run that waits or runs.
    struct Live: Sendable {
        var run: LabRun
        var ticket: LabQueue.Ticket?
        var isCancelled = false
        /// When its progress was told last, on the monotonic clock in nanoseconds.
        var toldAt: UInt64 = 0
    }

    public let store: LabStore
    /// Searches and checks take their turns here too.
    public let queue: LabQueue
    public let parts: Parts
    public let settings: Settings
    let log: HostLog
    let events = LabEvents()
    let live = Mutex<[Int64: Live]>([:])
    let isEnding = Atomic<Bool>(false)
    /// How many runs have ended since the host began.
    let ended = Atomic<Int>(0)
    /// Results read last, so that going through one page by page reads it once.
    let recent = Mutex<[(number: Int64, result: BacktestResult)]>([])

    /// A Lab on its database. ``start()`` takes up what waits.
    public init(store: LabStore, parts: Parts, settings: Settings = Settings(), log: HostLog) {
        self.store = store
        self.parts = parts
        self.settings = settings
        self.log = log
        queue = LabQueue(cores: settings.cores)
    }

    /// Writes down what the last host left under way, and takes up what waits still.
    public func start() async throws(LabFailure) {
        for run in try await store.recover(at: Self.now) { enqueue(run) }
    }

    /// Ends what is under way and closes the database. What ran is interrupted then; what waited waits on.
    public func close() async {
        isEnding.store(true, ordering: .relaxed)
        queue.close()
        let patience = MonotonicClock.nanoseconds + 5_000_000_000
        while queue.load().running > 0, MonotonicClock.nanoseconds < patience {
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                break
            }
        }
        store.close()
    }

    static var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }
}
