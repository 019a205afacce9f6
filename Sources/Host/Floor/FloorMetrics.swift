internal import Journal
internal import Posix
internal import Sandbox
internal import Supervisor
internal import Trading

/// What the floor counts.
struct FloorMetrics: Sendable {
    let registry: MetricsRegistry
    let ticks: Counter
    let restarts: Counter
    let quarantines: Counter
    let linesIn: Counter
    let linesOut: Counter
    let linesRefused: Counter
    let tickToOrder: Histogram
    let orderToDurable: Histogram
    private let states: [(state: RunStatusView.State, gauge: Gauge)]
    private let orders: [OrderStatus: Counter]
    private let backlog: Gauge

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        ticks = registry.counter("bullpen_ticks_total", "Market events that reached the floor.")
        restarts = registry.counter(
            "bullpen_strategy_restarts_total", "Strategies started again after an end.")
        quarantines = registry.counter("bullpen_strategy_quarantines_total", "Strategies quarantined.")
        linesIn = registry.counter("bullpen_lines_in_total", "Protocol lines read from strategies.")
        linesOut = registry.counter("bullpen_lines_out_total", "Protocol lines written to strategies.")
        linesRefused = registry.counter("bullpen_lines_refused_total", "Protocol lines refused.")
        tickToOrder = registry.histogram(
            "bullpen_tick_to_order_seconds",
            "From a price that reached the floor to an order that passed the gate.")
        orderToDurable = registry.histogram(
            "bullpen_order_durable_seconds", "From an order's decision to its being on disk.")
        states = RunStatusView.State.allCases.map { state in
            (state, registry.gauge("bullpen_strategies", "Strategies by state.", [("state", state.rawValue)]))
        }
        orders = Dictionary(
            uniqueKeysWithValues: OrderStatus.allCases.map { status in
                let labels = [(name: "outcome", value: status.rawValue)]
                return (
                    status,
                    registry.counter("bullpen_orders_total", "Orders by their latest outcome.", labels)
                )
            })
        backlog = registry.gauge(
            "bullpen_backlog_lines", "Lines that wait for the slowest strategy to read them.")
    }

    /// Shows how many strategies are in which state, and how far the slowest reader is behind.
    func show(_ strategies: some Collection<FloorStrategy>) {
        var counts: [RunStatusView.State: Int] = [:]
        for strategy in strategies { counts[strategy.state, default: 0] += 1 }
        for (state, gauge) in states { gauge.set(Double(counts[state] ?? 0)) }
        backlog.set(Double(strategies.map { $0.runner?.backlog ?? 0 }.max() ?? 0))
    }

    /// Shows what the journal's writers have done.
    func show(_ writers: [(name: String, writer: GroupCommitWriter)]) {
        registry.sampled(
            "bullpen_journal_commits_total", .counter, "Transactions that became durable, by database."
        ) {
            writers.map { ([("database", $0.name)], Double($0.writer.figures.commits)) }
        }
        registry.sampled(
            "bullpen_journal_operations_total", .counter, "Operations that became durable, by database."
        ) {
            writers.map { ([("database", $0.name)], Double($0.writer.figures.committed)) }
        }
        registry.sampled(
            "bullpen_journal_waiting", .gauge, "Operations that wait to be written, by database."
        ) {
            writers.map { ([("database", $0.name)], Double($0.writer.figures.waiting)) }
        }
    }

    /// Counts an order by what the desk made of it.
    func countOrder(_ outcome: OrderStatus) {
        orders[outcome]?.increment()
    }

    /// Shows what a strategy uses of the machine.
    func show(_ usage: GroupUsage, throttled share: Double, of strategy: FloorStrategy) {
        let gauges =
            strategy.usageGauges ?? (
                registry.gauge(
                    "bullpen_strategy_cpu_throttled_ratio",
                    "Share of the last minute for which a strategy was held back by its share of processor.",
                    [("strategy", strategy.id)]),
                registry.gauge(
                    "bullpen_strategy_memory_bytes", "Memory in a strategy's control group.",
                    [("strategy", strategy.id)])
            )
        strategy.usageGauges = gauges
        gauges.throttled.set(share)
        gauges.memory.set(Double(usage.memoryBytes))
    }

    /// Shows nothing more of a strategy that is gone.
    func forget(_ strategy: FloorStrategy) {
        strategy.usageGauges = nil
        strategy.violationCounters = [:]
        registry.forget("strategy", strategy.id)
    }

    /// Counts a system call that the sandbox refused to a strategy.
    func countViolation(_ violation: Violation, of strategy: FloorStrategy) {
        if let counter = strategy.violationCounters[violation.systemCall] { return counter.increment() }
        let counter = registry.counter(
            "bullpen_sandbox_violations_total", "System calls refused, by rule, call and strategy.",
            [
                ("rule", violation.rule.rawValue), ("call", violation.systemCall),
                ("strategy", strategy.id),
            ])
        strategy.violationCounters[violation.systemCall] = counter
        counter.increment()
    }
}
