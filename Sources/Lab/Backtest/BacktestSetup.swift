internal import Analytics
internal import Catalogue
internal import MarketData
internal import Posix
internal import Sandbox
internal import Synchronization
internal import Trading
internal import Wire

/// A backtest that is ready to begin: its books and what its strategy is greeted with.
struct BacktestSetup: Sendable {
    /// What the conversation came to.
    struct Finished: Sendable {
        /// The books.
        let engine: BacktestEngine
        let bars: Int
        /// Why it did not go through; nil when it did.
        var end: PeerEnd?
        let milliseconds: Int
    }

    let job: BacktestJob
    let hello: Hello
    let engine: BacktestEngine
    let dataHashes: [String]
    let source: any CandleSource

    init(
        _ job: BacktestJob, config: StrategyConfig, around: SandboxedBacktester.Surroundings
    ) throws(BacktestFailure) {
        try self.init(job, config: config, source: around.source, instrument: around.instrument)
    }

    init(
        _ job: BacktestJob, config: StrategyConfig, source: any CandleSource,
        instrument: (SeriesKey) -> Instrument?
    ) throws(BacktestFailure) {
        self.job = job
        self.source = source
        var hashes: [String] = []
        var instruments: [Instrument] = []
        do throws(MarketFileFailure) {
            for series in job.series {
                let opens = series.opens(closingAfter: job.start, by: job.end)
                // Of the main series a candle must close; a longer one may still be under way at the end.
                let end = series == job.series[0] ? opens.upperBound : job.end
                let first = try source.candles(of: series, from: opens.lowerBound, to: end, limit: 1)
                guard first.count > 0 else {
                    throw MarketFileFailure(
                        file: "", line: 0, reason: "there are no candles of \(series) in that time")
                }
                hashes.append(
                    try source.contentHash(of: series, from: opens.lowerBound, to: opens.upperBound))
                let known = instrument(series) ?? .usual(symbol: series.symbol)
                if !instruments.contains(where: { $0.symbol == known.symbol }) {
                    instruments.append(known.fine(enough: first))
                }
            }
        } catch {
            throw BacktestFailure(
                field: "series", reason: error.file.isEmpty ? error.reason : error.description)
        }
        dataHashes = hashes
        let kind: AccountKind =
            job.isSpot
            ? .spot
            : .margin(
                leverage: max(.one, config.leverage),
                maintenance: FixedDecimal(units: FixedDecimal.unitsPerOne / 200))
        engine = try BacktestEngine(job, instruments: instruments, config: config, kind: kind)
        hello = Hello(
            strategy: job.strategy, run: "lab", mode: .lab, time: job.start,
            entry: config.entry ?? "strategy.py", parameters: config.parametersJSON, config: config.json,
            instruments: instruments,
            account: AccountView(
                currency: instruments[0].quote, equity: job.capital, available: job.capital,
                kind: job.isSpot ? .spot : .margin, leverage: kind.leverage),
            positions: [], orders: [], state: .null, heartbeatMilliseconds: 5_000,
            seed: Int(job.seed & UInt64(Int.max)))
    }

    /// Talks to the strategy until the candles, or it, are at an end. Waits.
    func converse(
        _ child: ConfinedChild, _ vitals: ChildVitals, _ progress: @escaping (BacktestProgress) -> Bool
    ) -> Finished {
        do throws(SystemCallError) {
            var finished = converse(try ChildPipes(child, vitals), progress)
            if finished.end == .gone, vitals.isUnwanted.load(ordering: .relaxed) {
                finished.end = .cancelled
            }
            return finished
        } catch {
            return Finished(engine: engine, bars: 0, end: .broke("\(error)"), milliseconds: 0)
        }
    }

    /// The same with whatever is at the other end.
    func converse(
        _ peer: any BacktestPeer, _ progress: @escaping (BacktestProgress) -> Bool
    ) -> Finished {
        var run = BacktestRun(job, engine: engine, source: source, peer: peer, progress: progress)
        var begin = MonotonicClock.nanoseconds
        var end: PeerEnd?
        do throws(PeerEnd) {
            try run.greet(hello)
            begin = MonotonicClock.nanoseconds
            try run.run()
        } catch { end = error }
        let milliseconds = Int((MonotonicClock.nanoseconds - begin) / 1_000_000)
        // What it says on its way out is for the log; a run that is over stays over.
        if end == nil { do { try run.stop(reason: "the backtest is over") } catch {} }
        return Finished(engine: run.engine, bars: run.bars, end: end, milliseconds: milliseconds)
    }

    /// What the run came to, with what became of the strategy's process.
    func result(_ finished: Finished, _ outcome: ChildAttendant.Outcome?) -> BacktestResult {
        let end: BacktestResult.End =
            switch finished.end {
            case nil: .completed
            case .cancelled: .cancelled
            case .gone: .failed(outcome?.cause ?? "the strategy ended")
            case .left(let reason): .failed(reason.map { "ended by itself: \($0)" } ?? "ended by itself")
            case .broke(let words), .data(let words): .failed(words)
            }
        let engine = finished.engine
        return BacktestResult(
            job: job, dataHashes: dataHashes, end: end, bars: finished.bars, finalEquity: engine.equity,
            fills: engine.fills, trades: engine.ledger.closed, equity: engine.curve.points,
            decisions: engine.decisions,
            log: Array((engine.log + (outcome?.lastWords ?? [])).suffix(BacktestEngine.logLines)),
            milliseconds: finished.milliseconds, funding: engine.funding,
            fundingPayments: engine.fundingPayments)
    }
}

extension Instrument {
    /// The instrument with steps as fine as its candles are.
    fileprivate func fine(enough columns: CandleColumns) -> Instrument {
        func unit(_ digits: Int) -> FixedDecimal {
            FixedDecimal(units: (0..<digits).reduce(FixedDecimal.unitsPerOne) { unit, _ in unit / 10 })
        }
        return Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: min(tickSize, unit(columns.priceDigits)),
            stepSize: stepSize, minimumNotional: minimumNotional)
    }
}
