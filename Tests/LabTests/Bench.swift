import Catalogue
import MarketData
import Testing
import Trading

@testable import Lab

/// Runs jobs with strategies of this process.
enum Bench {
    static let day: Int64 = 86_400_000

    /// A job over series of ``MemoryCandles``, a day and a half from its start on unless told otherwise.
    static func job(
        _ series: [SeriesKey] = [MemoryCandles.key("BTCUSDT", "1m")], mode: BacktestJob.Mode = .strict,
        costs: CostModel = CostModel(), warmUp: Int = 0, minutes: Int64 = 2_000, skipping: Int64 = 0,
        capital: Int = 1_000_000, isSpot: Bool = false
    ) -> BacktestJob {
        BacktestJob(
            strategy: "s", version: "v", series: series,
            start: MemoryCandles.start.advanced(byMilliseconds: skipping * 60_000),
            end: MemoryCandles.start.advanced(byMilliseconds: minutes * 60_000), warmUp: warmUp,
            capital: FixedDecimal(capital), mode: mode, costs: costs, isSpot: isSpot)
    }

    static func run(
        _ job: BacktestJob, _ source: MemoryCandles, _ script: any Script, batches: Bool = true,
        progress: (BacktestProgress) -> Bool = { _ in true }
    ) throws -> BacktestResult {
        try run(job, source, ScriptedPeer(script, batches: batches), progress: progress)
    }

    static func run(
        _ job: BacktestJob, _ source: MemoryCandles, _ peer: any BacktestPeer,
        progress: (BacktestProgress) -> Bool = { _ in true }
    ) throws -> BacktestResult {
        var config = StrategyConfig()
        config.pair = job.series[0].symbol
        config.resolution = job.series[0].resolution
        config.maximumPositions = 4
        config.maximumDailyLoss = .one
        let setup = try BacktestSetup(job, config: config, source: source, instrument: { _ in nil })
        return withoutActuallyEscaping(progress) { setup.result(setup.converse(peer, $0), nil) }
    }
}

extension BacktestResult {
    /// The result but for what may differ between two runs of one job: how long it took, and the mode.
    var comparable: BacktestResult {
        var job = job
        job.mode = .strict
        return BacktestResult(
            job: job, dataHashes: dataHashes, end: end, bars: bars, finalEquity: finalEquity, fills: fills,
            trades: trades, equity: equity, decisions: decisions, log: log, milliseconds: 0, funding: funding,
            fundingPayments: fundingPayments)
    }
}
