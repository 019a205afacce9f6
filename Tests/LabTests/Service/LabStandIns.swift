import Analytics
import Glibc
import Journal
import MarketData
import Posix
import Synchronization
import TestSupport
import Trading
import Wire

@testable import Catalogue
@testable import Lab

/// A Lab in a folder of its own, with pretended strategies, candles and runs.
final class LabFixture: Sendable {
    let folder: String
    let service: LabService
    let backtester = PretendedBacktester()
    let catalogue = PretendedCatalogue()
    let series = PretendedSeries()
    let audit = Mutex<[String]>([])

    init(cores: Int = 1, waiting: Int = 100, runsKept: Int = 1000, folder given: String? = nil) throws {
        folder = given ?? Places.makeTemporaryFolder()
        var settings = LabService.Settings()
        settings.cores = cores
        settings.waitingPerUser = waiting
        settings.runsKept = runsKept
        let store = try LabStore(path: folder + "/lab.db")
        service = LabService(
            store: store,
            parts: .init(backtester: backtester, catalogue: catalogue, series: series),
            settings: settings, log: HostLog(part: "lab", sink: try .memory()))
    }

    /// Closes the Lab and removes its folder.
    func close() async {
        backtester.goOn()
        await service.close()
        remove()
    }

    func remove() {
        for name in ["lab.db", "lab.db-wal", "lab.db-shm"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// Waits until a run is no longer under way.
    func ended(_ number: Int64) async throws -> LabRun {
        while true {
            let run = try service.run(number)
            if !run.state.isUnderWay { return run }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}

/// Runs that take no time, or wait until they may go on.
final class PretendedBacktester: Backtester {
    struct State {
        var begun: [BacktestJob] = []
        var cores: [Int?] = []
        var mayGo = true
        var underWay = 0
        var mostUnderWay = 0
    }

    let state = Mutex(State())

    func hold() { state.withLock { $0.mayGo = false } }
    func goOn() { state.withLock { $0.mayGo = true } }

    func run(_ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool)
        async throws(BacktestFailure) -> BacktestResult
    {
        guard job.seed != 666 else { throw BacktestFailure(field: "seed", reason: "is beastly") }
        state.withLock { state in
            state.begun.append(job)
            state.cores.append(LabQueue.core)
            state.underWay += 1
            state.mostUnderWay = max(state.mostUnderWay, state.underWay)
        }
        defer { state.withLock { $0.underWay -= 1 } }
        var bars = 1
        while true {
            guard progress(BacktestProgress(bars: bars, total: 100)) else {
                return Self.result(job, end: .cancelled, bars: bars)
            }
            if state.withLock({ $0.mayGo }) { break }
            bars = min(99, bars + 1)
            await Task.yield()
        }
        return Self.result(job, end: .completed, bars: 100)
    }

    /// What a job comes to; nothing but the job decides.
    static func result(_ job: BacktestJob, end: BacktestResult.End, bars: Int) -> BacktestResult {
        let price = FixedDecimal("61000.12")!
        let time = job.start
        let fill = Fill(
            key: FillKey(venue: "paper", account: "lab", symbol: "BTCUSDT", trade: "1"), order: OrderID(1),
            strategy: StrategyID(job.strategy), side: .buy, price: price, quantity: FixedDecimal("0.01")!,
            fee: FixedDecimal("0.61")!, feeCurrency: "USDT", liquidity: .taker, time: time)
        let trade = ClosedTrade(
            symbol: "BTCUSDT", isLong: true, entryTime: time, exitTime: time.advanced(byMilliseconds: 60_000),
            entryPrice: price, exitPrice: FixedDecimal("61100.5")!, quantity: FixedDecimal("0.01")!,
            fees: FixedDecimal("0.61")!, profit: FixedDecimal(Int(job.seed % 1_000_000)),
            adverseExcursion: 1.0 / 3, favourableExcursion: nil)
        let decision = BacktestResult.Decision(
            time: time, symbol: "BTCUSDT", side: .buy, quantity: FixedDecimal("0.01")!, kind: "limit",
            price: price)
        let worths = [10_000, 12_000, 9_000, 10_000 + Int(job.seed % 1_000_000)]
        return BacktestResult(
            job: job, dataHashes: ["ab12"], end: end, bars: bars,
            finalEquity: FixedDecimal(10_000 + Int(job.seed % 1_000_000)), fills: [fill], trades: [trade],
            equity: worths.enumerated().map { index, worth in
                EquityPoint(
                    time: time.advanced(byMilliseconds: Int64(index) * 60_000), equity: FixedDecimal(worth))
            }, decisions: [decision], log: ["up \"quoted\" ✓"], milliseconds: 12)
    }
}

/// One strategy of ann's, with two versions.
final class PretendedCatalogue: AlgorithmCatalogue {
    let first: StrategyBundle
    let second: StrategyBundle

    static let config = """
        {"name":"Crossing","pair":"BTCUSDT","resolution":"1m","lookback_period":10,
         "custom_params":{"fast":9,"slow":21,"share":0.2,"style":"plain","on":true},
         "parameter_ranges":{"fast":{"type":"int","min":2,"max":50},"share":{"type":"decimal","min":0.1,"max":"0.5"},
          "style":{"type":"choice","choices":["plain","bold"]}}}
        """

    init() {
        first = StrategyBundle(files: [
            .init(path: "strategy.py", content: Array("one\ntwo\nthree\n".utf8)),
            .init(path: "old.bin", content: [0, 1, 2]),
            .init(path: "strategy.json", content: Array(Self.config.utf8)),
        ])
        second = StrategyBundle(files: [
            .init(path: "strategy.py", content: Array("one\nTWO\nthree\nfour\n".utf8)),
            .init(path: "strategy.json", content: Array(Self.config.utf8)),
        ])
    }

    private func version(_ bundle: StrategyBundle, _ time: Int64) -> VersionRecord {
        let config = ConfigReader.read(Array(Self.config.utf8), bounds: ConfigBounds()).config
        return VersionRecord(
            version: bundle.version, uploadedAt: Timestamp(milliseconds: time), uploadedBy: "ann",
            kind: .python, profile: "python", entry: "strategy.py", fileCount: bundle.files.count,
            byteCount: bundle.size, config: config.json, warnings: [])
    }

    private var record: StrategyRecord {
        StrategyRecord(
            id: "crossing-abc", owner: "ann", name: "Crossing", createdAt: Timestamp(milliseconds: 1),
            versions: [version(first, 1), version(second, 2)], desired: nil)
    }

    func strategies(owner: String?) throws(LabFailure) -> [StrategyRecord] {
        owner == nil || owner == "ann" ? [record] : []
    }

    func strategy(_ id: String) throws(LabFailure) -> StrategyRecord? { id == record.id ? record : nil }

    func bundle(of strategy: String, version: String) throws(LabFailure) -> StrategyBundle {
        version == first.version ? first : second
    }
}

/// A thousand minutes of BTCUSDT at two venues, one with fewer.
struct PretendedSeries: SeriesDirectory {
    static let minute = SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1m")!)
    static let start = Timestamp(milliseconds: 1_700_000_040_000)
    static let end = start.advanced(byMilliseconds: 60_000_000)

    func spans() throws(LabFailure) -> [SeriesSpan] {
        [
            SeriesSpan(series: Self.minute, start: Self.start, end: Self.end, count: 1000),
            SeriesSpan(
                series: SeriesKey(venue: "coindcx", symbol: "BTCUSDT", resolution: Resolution("1m")!),
                start: Self.start, end: Self.end, count: 10),
        ]
    }

    func span(of series: SeriesKey) throws(LabFailure) -> SeriesSpan? {
        try spans().first { $0.series == series }
    }
}
