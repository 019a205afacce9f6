internal import Catalogue
internal import Lab
internal import MarketData
internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

extension SandboxedBacktester {
    /// The backtester of an installation: strategies of its catalogue behind its walls, on its candles.
    convenience init(
        _ launcher: StrategyLauncher, catalogue: HostCatalogue, candles: any CandleSource,
        bounds: ConfigBounds, settings: Configuration.Lab
    ) throws(SystemCallError) {
        let folders = catalogue.folders
        try self.init(
            Surroundings(
                source: candles,
                config: { job throws(BacktestFailure) in try catalogue.config(of: job, bounds: bounds) },
                launch: { job, config, run, answer in
                    var config = config
                    // It has a processor to itself: its share while it trades is no matter here.
                    config.cpuShare = .one
                    launcher.launch(
                        job.strategy, config: config,
                        bundle: folders.bundle(strategy: job.strategy, version: job.version), run: run,
                        answer: answer)
                },
                works: { delta in
                    launcher.launcher.heavyWork(delta)
                    // Prices and orders go first. Where the kernel says no, they share.
                    if delta > 0 { try? Thread.letOthersGoFirst() }
                }),
            settings: Settings(
                patience: settings.answerTimeout, processors: (0..<Int32(Processors.count)).reversed()))
    }
}

extension HostCatalogue {
    /// What a job's version says of itself, with the job's parameters in it.
    fileprivate func config(
        of job: BacktestJob, bounds: ConfigBounds
    ) throws(BacktestFailure) -> StrategyConfig {
        let record: StrategyRecord?
        do throws(LabFailure) {
            record = try strategy(job.strategy)
        } catch {
            throw BacktestFailure(reason: "\(error)")
        }
        guard let record else { throw BacktestFailure(field: "strategy", reason: "is not there any more") }
        guard let version = record.version(job.version) else {
            throw BacktestFailure(field: "version", reason: "the strategy has no version \(job.version)")
        }
        let (config, problems) = ConfigReader.read(version.config, bounds: bounds)
        if let problem = problems.first {
            throw BacktestFailure(field: problem.field ?? "", reason: problem.message)
        }
        do throws(FieldFailure) {
            return try config.merging(parameters: job.parameters)
        } catch {
            throw BacktestFailure(field: error.field, reason: error.reason)
        }
    }
}
