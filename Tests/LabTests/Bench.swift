import Catalogue
import MarketData
import Testing
import Trading

@testable import Lab

/// Runs jobs with strategies of this process.
enum Bench {
    static let day: Int64 = 86_400_000

    /// Costs that reach into different corners of the engine: partial fills by the candle's volume, orders that arrive
    /// late and positions that pay funding, fills at the close and the better way through a candle.
    static let costs: (byVolume: CostModel, late: CostModel, atClose: CostModel) = {
        let fee = FixedDecimal("0.001")!
        var late = CostModel(takerFee: fee, latencyMilliseconds: 90_000, intrabar: .byDirection)
        late.fundingRate = FixedDecimal("0.0001")!
        late.fundingHours = 1
        return (
            byVolume: CostModel(makerFee: fee, takerFee: fee, volumeShare: FixedDecimal("0.2")!), late: late,
            atClose: CostModel(takerFee: fee, intrabar: .optimistic, marketFill: .sameClose)
        )
    }()

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
    /// Holds the trading of two runs against each other: what was decided, filled, traded and earned, and when.
    func expectSameTrading(as other: BacktestResult, _ comment: Comment? = nil) {
        #expect(bars == other.bars, comment)
        #expect(decisions == other.decisions, comment)
        #expect(fills == other.fills, comment)
        #expect(trades == other.trades, comment)
        #expect(equity == other.equity, comment)
        #expect(finalEquity == other.finalEquity, comment)
    }

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
