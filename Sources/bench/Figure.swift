import Host

/// One measured number, and what it is held against.
struct Figure: Sendable {
    /// What was measured, such as `cold start of /bin/true`.
    let name: String
    let value: Double
    /// `ms`, `µs`, `requests/s`, …
    let unit: String
    /// The same without our part: the least that this machine could do in the same run.
    var floor: Floor?
    /// What the documentation promises.
    var promise: Promise?

    struct Floor: Sendable {
        let name: String
        let value: Double
    }

    enum Promise: Sendable {
        case atMost(Double)
        case atLeast(Double)
        /// Relative to the floor.
        case atMostTimesFloor(Double)
        case atLeastTimesFloor(Double)
    }

    /// How many times the floor it is.
    var ratio: Double? { floor.map { value / $0.value } }

    /// Whether the promise is kept; nil when there is none.
    var isKept: Bool? {
        switch promise {
        case nil: nil
        case .atMost(let limit): value <= limit
        case .atLeast(let limit): value >= limit
        case .atMostTimesFloor(let limit): ratio.map { $0 <= limit }
        case .atLeastTimesFloor(let limit): ratio.map { $0 >= limit }
        }
    }

    /// The promise in words.
    var promiseText: String {
        switch promise {
        case nil: ""
        case .atMost(let limit): "at most \(Self.text(limit)) \(unit)"
        case .atLeast(let limit): "at least \(Self.text(limit)) \(unit)"
        case .atMostTimesFloor(let limit): "at most \(Self.text(limit)) times"
        case .atLeastTimesFloor(let limit): "at least \(Self.text(limit)) times"
        }
    }

    /// A number with three digits that matter.
    static func text(_ number: Double) -> String {
        let scale: Double =
            switch number.magnitude {
            case 100...: 1
            case 10..<100: 10
            case 1..<10: 100
            default: 10_000
            }
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() && rounded.magnitude < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}

/// What a measurement may need.
struct Surroundings: Sendable {
    /// The staged installation, with `bin/bullpen` and `libexec/bullpen/confine`. Its whole path.
    let stage: String
    /// Whether a first look is enough.
    let isQuick: Bool

    var layout: InstalledLayout { InstalledLayout(prefix: stage) }

    /// How many samples to take: `count`, or a tenth of it for a first look.
    func samples(_ count: Int) -> Int { isQuick ? max(1, count / 10) : count }
}

/// One measurement. To add one: a file in `Measurements/` and a line in ``all``.
struct Measurement: Sendable {
    /// One word or more with hyphens, such as `spawn`.
    let name: String
    let summary: String
    /// Whether it runs only when it is named.
    let isOnRequest: Bool
    let run: @Sendable (Surroundings) async throws -> [Figure]

    init(
        name: String, summary: String, isOnRequest: Bool = false,
        run: @escaping @Sendable (Surroundings) async throws -> [Figure]
    ) {
        self.name = name
        self.summary = summary
        self.isOnRequest = isOnRequest
        self.run = run
    }
}
