internal import Synchronization

/// The figures of this process, for Prometheus.
///
/// A part asks for its counters once, keeps them and counts without further lookup; asking again with the same name
/// and labels gives the same one. What is cheaper to read than to keep is given by ``sampled(_:_:_:_:)``.
public final class MetricsRegistry: Sendable {
    /// What a figure is, in Prometheus' words.
    public enum Kind: String, Hashable, Sendable { case counter, gauge, histogram }

    /// Names and values that tell one series of a figure from the others.
    public typealias Labels = [(name: String, value: String)]

    private enum Series: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    private struct Family: Sendable {
        let kind: Kind
        let help: String
        var series: [(labels: Labels, key: String, series: Series)] = []
        var sampler: (@Sendable () -> [(labels: Labels, value: Double)])?
    }

    private let families = Mutex<[String: Family]>([:])

    /// An empty registry.
    public init() {}

    /// A number that only grows.
    public func counter(_ name: String, _ help: String, _ labels: Labels = []) -> Counter {
        guard case .counter(let counter) = series(name, .counter, help, labels, { .counter(Counter()) })
        else { preconditionFailure("\(name) is not a counter") }
        return counter
    }

    /// A number that comes and goes.
    public func gauge(_ name: String, _ help: String, _ labels: Labels = []) -> Gauge {
        guard case .gauge(let gauge) = series(name, .gauge, help, labels, { .gauge(Gauge()) }) else {
            preconditionFailure("\(name) is not a gauge")
        }
        return gauge
    }

    /// How a quantity is spread over `bounds`, which grow.
    public func histogram(
        _ name: String, _ help: String, _ labels: Labels = [], bounds: [Double] = Histogram.latencies
    ) -> Histogram {
        let made = series(name, .histogram, help, labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = made else {
            preconditionFailure("\(name) is not a histogram")
        }
        return histogram
    }

    /// Series that are read only when somebody looks. `sample` may be called from any thread and must not wait.
    public func sampled(
        _ name: String, _ kind: Kind, _ help: String,
        _ sample: @escaping @Sendable () -> [(labels: Labels, value: Double)]
    ) {
        families.withLock { $0[name, default: Family(kind: kind, help: help)].sampler = sample }
    }

    /// Every figure in Prometheus' text format 0.0.4, sorted by name.
    public var text: String {
        let families = families.withLock { $0 }.sorted { $0.key < $1.key }
        var output = ""
        for (name, family) in families {
            output += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
            for (_, labels, series) in family.series {
                switch series {
                case .counter(let counter): output += "\(name)\(braced(labels)) \(counter.value)\n"
                case .gauge(let gauge): output += "\(name)\(braced(labels)) \(number(gauge.value))\n"
                case .histogram(let histogram): histogram.write(name, labels, to: &output)
                }
            }
            for sample in family.sampler?() ?? [] {
                output += "\(name)\(braced(text(sample.labels))) \(number(sample.value))\n"
            }
        }
        return output
    }

    /// Takes away every series with this label, since what it was about is gone. Who still holds one counts for nobody; asking
    /// again begins a new one. Sampled series are their sampler's to leave out.
    public func forget(_ label: String, _ value: String) {
        families.withLock { families in
            for name in families.keys {
                families[name]?.series.removeAll { series in
                    series.labels.contains { $0.name == label && $0.value == value }
                }
            }
        }
    }

    private func series(
        _ name: String, _ kind: Kind, _ help: String, _ labels: Labels, _ make: () -> Series
    ) -> Series {
        let key = text(labels)
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind, help: help)
            if let known = family.series.first(where: { $0.key == key }) { return known.series }
            precondition(family.kind == kind, "\(name) has two kinds")
            let series = make()
            family.series.append((labels, key, series))
            families[name] = family
            return series
        }
    }

    private func text(_ labels: Labels) -> String {
        labels.map { label in
            var escaped = ""
            for scalar in label.value.unicodeScalars {
                switch scalar {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
            return "\(label.name)=\"\(escaped)\""
        }.joined(separator: ",")
    }
}

private func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

private func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return String(value)
}

/// A number that only grows. Counting costs one atomic addition.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    fileprivate init() {}

    /// Counts `amount` more.
    public func increment(by amount: Int = 1) {
        precondition(amount >= 0)
        count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// How many so far.
    public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// A number that comes and goes.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    fileprivate init() {}

    /// Replaces the number.
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// Adds to the number, which may be negative.
    public func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = bits.compareExchange(
                expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }

    /// The number now.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How a quantity is spread. One observation costs a short lock.
public final class Histogram: Sendable {
    /// Bounds for times in seconds: from 10 µs to 10 s.
    public static let latencies: [Double] = [
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
        0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct State {
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    fileprivate init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        self.bounds = bounds
        state = Mutex(State(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    }

    /// Takes one more value.
    public func observe(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[index] += 1
            $0.sum += value
        }
    }

    /// How many values so far.
    public var count: UInt64 { state.withLock { $0.counts.reduce(0, +) } }

    fileprivate func write(_ name: String, _ labels: String, to output: inout String) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
            output += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
        }
        output += "\(name)_sum\(braced(labels)) \(number(sum))\n\(name)_count\(braced(labels)) \(total)\n"
    }
}
