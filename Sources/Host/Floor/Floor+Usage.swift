internal import Catalogue
internal import Posix
internal import Sandbox
internal import Supervisor
internal import Trading
internal import Wire

/// What strategies use of the machine, and what their authors should know of it.
extension Floor {
    /// Looks at what the strategies that run have used.
    func lookAtUsage() {
        for strategy in strategies.values where strategy.isLive {
            guard let runner = strategy.runner else { continue }
            // Reading the groups costs some tens of microseconds each; with many strategies each is looked at less often.
            guard strategies.count < 50 || seconds % 10 == abs(strategy.id.hashValue) % 10 else { continue }
            strategy.usage = runner.usage()
            let time = Int64(MonotonicClock.nanoseconds / 1_000_000)
            if let isBusy = strategy.busyWatch.take(strategy.usage, at: time) { runner.setYielding(isBusy) }
            for warning in strategy.usageWatch.take(strategy.usage, at: time) {
                log(strategy, .warning, .host, words(for: warning, strategy))
            }
            around.metrics.show(strategy.usage, throttled: strategy.usageWatch.throttledShare, of: strategy)
            saveViolations(of: strategy)
        }
    }

    /// A warning with its number and what to do about it.
    private func words(for warning: UsageWatch.Warning, _ strategy: FloorStrategy) -> String {
        let config = strategy.config
        let settings = around.configuration.strategy
        switch warning {
        case .throttled(let share):
            return
                "held back for \(Int(share * 100)) % of the last minute by its share of \(config.cpuShare) of a "
                + "processor: compute less at each price, or set cpu_share in strategy.json (at most "
                + "\(settings.maximumCPUShare) here)"
        case .memory(let bytes):
            let limit = strategy.usage.memoryLimitBytes
            return
                "holds \(bytes >> 20) of \(limit >> 20) MiB of memory, and is killed at the limit: keep less, or "
                + "set memory_mb in strategy.json (at most \(settings.maximumMemoryMebibytes) here)"
        case .processes:
            let limit = config.profile.flatMap { around.launcher.profiles[$0]?.limits.processes }
            let number = limit.map { " the \($0)" } ?? ""
            return
                "asked for more processes or threads than\(number) that it may have, and was refused: use fewer, "
                + "such as n_jobs=1 or a smaller pool"
        }
    }
}
