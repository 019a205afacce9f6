public import Trading
public import Wire

/// What came of the backtest at one point.
public struct PointOutcome: Hashable, Sendable {
    /// The objective's value; nil when the run failed or a figure of it is not known.
    public let score: Double?
    /// Every figure of the run that is known, by name.
    public let figures: [String: Double]
    public let finalEquity: FixedDecimal
    /// Round trips.
    public let trades: Int
    /// Why the strategy failed there; nil when it came to its end.
    public let failure: String?

    /// Describes an outcome.
    public init(
        score: Double?, figures: [String: Double], finalEquity: FixedDecimal, trades: Int,
        failure: String? = nil
    ) {
        self.score = score
        self.figures = figures
        self.finalEquity = finalEquity
        self.trades = trades
        self.failure = failure
    }

    /// As it is stored and shown. Figures in order of names.
    public var json: JSONValue {
        .members([
            "score": score.map { .number($0.description) },
            "final_equity": .decimal(finalEquity), "trades": .integer(trades),
            "failure": failure.map { .string($0) },
            "figures": .object(
                figures.sorted { $0.key < $1.key }.map {
                    JSONValue.Member($0.key, .number($0.value.description))
                }),
        ])
    }

    /// Reads what ``json`` wrote.
    public init(reading value: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(value)
        score = reader.optional("score")?.doubleValue
        finalEquity = try reader.decimal("final_equity")
        trades = try reader.integer("trades")
        failure = try reader.optionalString("failure", bytes: 1 << 16)
        var figures: [String: Double] = [:]
        if case .object(let members)? = reader.optional("figures") {
            for member in members { figures[member.name] = member.value.doubleValue }
        }
        self.figures = figures
        try reader.finish()
    }
}

extension JSONValue {
    /// The number, when this is one that a double holds.
    var doubleValue: Double? {
        if case .number(let text) = self, let number = Double(text), number.isFinite { number } else { nil }
    }
}

/// What a search looks for: a figure, or a weighted sum of figures. More is better; a figure that is to be small has a
/// weight below 0.
public struct Objective: Hashable, Sendable {
    /// One figure and how much it counts.
    public struct Term: Hashable, Sendable {
        public let figure: String
        public let weight: Double

        /// Weighs a figure.
        public init(_ figure: String, weight: Double = 1) {
            self.figure = figure
            self.weight = weight
        }
    }

    /// At least one, at most 16.
    public let terms: [Term]

    /// Gathers terms.
    public init(_ terms: [Term]) {
        precondition((1...16).contains(terms.count), "1 to 16 terms")
        self.terms = terms
    }

    /// The sum; nil where a figure is missing or not finite.
    public func score(of figures: [String: Double]) -> Double? {
        var sum = 0.0
        for term in terms {
            guard let figure = figures[term.figure] else { return nil }
            sum += term.weight * figure
        }
        return sum.isFinite ? sum : nil
    }

    /// Reads a figure's name, or an object of weights by figure.
    ///
    /// - Parameter known: The figures that there are.
    public init(
        reading value: JSONValue, path: String, known: Set<String>
    ) throws(FieldFailure) {
        var terms: [Term] = []
        switch value {
        case .string(let figure): terms = [Term(figure)]
        case .object(let members):
            for member in members {
                guard let weight = member.value.doubleValue, weight != 0, abs(weight) <= 1e9 else {
                    throw FieldFailure(
                        field: "\(path).\(member.name)", reason: "must be a weight such as 1 or -0.5")
                }
                terms.append(Term(member.name, weight: weight))
            }
        default:
            throw FieldFailure(
                field: path, reason: "must be a figure's name or an object of weights, not \(value.kind)")
        }
        guard (1...16).contains(terms.count) else {
            throw FieldFailure(field: path, reason: "names \(terms.count) figures, allowed are 1 to 16")
        }
        for term in terms where !known.contains(term.figure) {
            throw FieldFailure(
                field: path,
                reason:
                    "\"\(term.figure.prefix(64))\" is not one of \(known.sorted().joined(separator: ", "))")
        }
        self.init(terms)
    }

    /// The form that ``init(reading:path:known:)`` reads.
    public var json: JSONValue {
        if terms.count == 1, terms[0].weight == 1 { return .string(terms[0].figure) }
        return .object(terms.map { JSONValue.Member($0.figure, .number($0.weight.description)) })
    }
}
