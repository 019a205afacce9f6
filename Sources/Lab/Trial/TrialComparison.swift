public import Analytics
public import Trading
public import Wire

/// What two strategies made of the same time, and whether that may be chance.
public struct TrialComparison: Hashable, Sendable {
    /// One side.
    public struct Side: Hashable, Sendable {
        public let capital: FixedDecimal
        /// What it is worth at the last instant that both have; its capital before the first.
        public let equity: FixedDecimal
        /// A part of the capital.
        public let totalReturn: Double
        /// The deepest fall below a peak, as a part of it.
        public let maximumDrawdown: Double

        init(capital: FixedDecimal, equity: [FixedDecimal]) {
            self.capital = capital
            self.equity = equity.last ?? capital
            totalReturn = self.equity.ratio(to: capital) - 1
            var (peak, deepest) = (capital, 0.0)
            for value in equity {
                peak = max(peak, value)
                if peak.isPositive { deepest = max(deepest, 1 - value.ratio(to: peak)) }
            }
            maximumDrawdown = deepest
        }

        var json: JSONValue {
            .members([
                "capital": .decimal(capital), "equity": .decimal(equity),
                "total_return": .number(totalReturn.figure(6)),
                "max_drawdown": .number(maximumDrawdown.figure(6)),
            ])
        }
    }

    /// The most pairs that are compared; longer trials are looked at more coarsely.
    static let maximumPairs = 5_000
    /// Below so many pairs nothing is said about chance.
    static let leastPairs = 30
    /// A difference that chance makes more often than this is taken for none.
    static let level = 0.05

    public let first: Side
    public let second: Side
    /// How many stretches of time both have, and how long each is.
    public let pairs: Int
    public let pairMilliseconds: Int64
    /// The second's mean return of a stretch less the first's.
    public let difference: Double?
    /// How likely chance alone makes a difference so large: by a bootstrap of pairs, which heeds that both trade the same
    /// market. This is the figure to go by.
    public let probability: Double?
    /// Where 95 % of the drawn differences lie.
    public let interval: ClosedRange<Double>?
    /// The same by Welch's t-test, which takes the two for independent.
    public let welchProbability: Double?

    /// Compares equity at the instants that both have, each point's time in any order of length.
    public init(
        first: [EquityPoint], capital firstCapital: FixedDecimal, second: [EquityPoint],
        capital secondCapital: FixedDecimal
    ) {
        let others = Dictionary(second.map { ($0.time.milliseconds, $0.equity) }, uniquingKeysWith: { $1 })
        let shared = first.compactMap { point in
            others[point.time.milliseconds].map { (time: point.time, first: point.equity, second: $0) }
        }.sorted { $0.time.milliseconds < $1.time.milliseconds }
        self.first = Side(capital: firstCapital, equity: shared.map(\.first))
        self.second = Side(capital: secondCapital, equity: shared.map(\.second))
        let step = max(1, (shared.count + Self.maximumPairs - 1) / Self.maximumPairs)
        let points = stride(from: 0, to: shared.count, by: step).map { shared[$0] }
        var (a, b): ([Double], [Double]) = ([], [])
        for (before, after) in zip(points, points.dropFirst())
        where before.first.isPositive && before.second.isPositive {
            a.append(after.first.ratio(to: before.first) - 1)
            b.append(after.second.ratio(to: before.second) - 1)
        }
        pairs = a.count
        pairMilliseconds =
            points.count > 1
            ? (points[points.count - 1].time.milliseconds - points[0].time.milliseconds)
                / Int64(points.count - 1) : 0
        guard pairs >= Self.leastPairs, let found = PairedBootstrap(a, b, figure: .mean) else {
            (difference, probability, interval, welchProbability) = (nil, nil, nil, nil)
            return
        }
        difference = found.difference
        probability = found.probability
        interval = min(found.low, found.high)...max(found.low, found.high)
        welchProbability = WelchTest(a, b)?.probability
    }

    /// What it comes to, in a sentence.
    public var words: String {
        guard let probability, let difference else {
            return "too early to tell: \(pairs) stretches of time, at least \(Self.leastPairs) are needed"
        }
        let chance = "p = \(probability.figure(3))"
        guard probability < Self.level, difference != 0 else {
            return "no difference that chance would not make (\(chance))"
        }
        return "the \(difference > 0 ? "second" : "first") is better (\(chance))"
    }

    /// As the API writes it.
    public var json: JSONValue {
        func real(_ value: Double?) -> JSONValue {
            value.flatMap { $0.isFinite ? .number($0.description) : nil } ?? .null
        }
        return .members([
            "first": first.json, "second": second.json, "pairs": .integer(pairs),
            "pair_ms": .integer(pairMilliseconds), "difference": real(difference),
            "low": real(interval?.lowerBound), "high": real(interval?.upperBound),
            "probability": real(probability), "welch_probability": real(welchProbability),
            "words": .string(words),
        ])
    }
}

extension FixedDecimal {
    /// This as a multiple of `other`, which is not nought; for figures and never for money.
    fileprivate func ratio(to other: FixedDecimal) -> Double { Double(units) / Double(other.units) }
}
