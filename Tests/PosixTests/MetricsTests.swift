import Posix
import Testing

@Suite("Metrics")
struct MetricsTests {
    private let metrics = MetricsRegistry()

    @Test func `the same name and labels are the same counter`() {
        metrics.counter("bullpen_orders_total", "Orders.", [("outcome", "filled")]).increment()
        metrics.counter("bullpen_orders_total", "Orders.", [("outcome", "filled")]).increment(by: 2)
        metrics.counter("bullpen_orders_total", "Orders.", [("outcome", "denied")]).increment()
        #expect(
            metrics.text == """
                # HELP bullpen_orders_total Orders.
                # TYPE bullpen_orders_total counter
                bullpen_orders_total{outcome="filled"} 3
                bullpen_orders_total{outcome="denied"} 1

                """)
    }

    @Test func `a gauge holds what was set and added`() {
        let gauge = metrics.gauge("bullpen_runs", "Runs.")
        gauge.set(2.5)
        gauge.add(-1)
        #expect(metrics.text.hasSuffix("bullpen_runs 1.5\n"))
    }

    @Test func `histogram buckets are cumulative and a value on a bound belongs below it`() {
        let histogram = metrics.histogram("t", "T.", [("a", "b")], bounds: [1, 2])
        for value in [0.5, 1, 1.5, 9] { histogram.observe(value) }
        #expect(
            metrics.text == """
                # HELP t T.
                # TYPE t histogram
                t_bucket{a="b",le="1"} 2
                t_bucket{a="b",le="2"} 3
                t_bucket{a="b",le="+Inf"} 4
                t_sum{a="b"} 12
                t_count{a="b"} 4

                """)
    }

    @Test func `what is gone takes its series along, and comes back with nothing`() {
        let labels = [(name: "rule", value: "network"), (name: "strategy", value: "a")]
        metrics.counter("c", "C.", labels).increment(by: 5)
        metrics.counter("c", "C.", [("rule", "network"), ("strategy", "ab")]).increment()
        metrics.gauge("g", "G.", [("strategy", "a")]).set(3)
        metrics.forget("strategy", "a")
        #expect(
            metrics.text == """
                # HELP c C.
                # TYPE c counter
                c{rule="network",strategy="ab"} 1
                # HELP g G.
                # TYPE g gauge

                """)
        metrics.counter("c", "C.", labels).increment()
        #expect(metrics.text.contains(#"c{rule="network",strategy="a"} 1"#))
    }

    @Test func `label values are escaped`() {
        metrics.counter("c", "C.", [("path", "a\"b\\c\nd")]).increment()
        #expect(metrics.text.contains(#"c{path="a\"b\\c\nd"} 1"#))
    }

    @Test func `sampled series are read when looked at`() {
        metrics.sampled("bullpen_strategies", .gauge, "Strategies by state.") {
            [(labels: [("state", "running")], value: 4)]
        }
        #expect(metrics.text.hasSuffix("bullpen_strategies{state=\"running\"} 4\n"))
    }
}
