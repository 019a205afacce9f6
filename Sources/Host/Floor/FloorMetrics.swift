internal import Posix

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
    }

    /// Counts an order by what the desk made of it.
    func countOrder(_ outcome: String) {
        registry.counter("bullpen_orders_total", "Orders by their latest outcome.", [("outcome", outcome)])
            .increment()
    }

    /// Counts a system call that the sandbox refused.
    func countViolation(_ systemCall: String) {
        registry.counter(
            "bullpen_sandbox_violations_total", "System calls refused, by name.", [("call", systemCall)]
        ).increment()
    }
}
