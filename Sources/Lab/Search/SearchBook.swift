/// Which points of a search were asked for, which are known, and what may be asked next: a plain value.
///
/// Points are numbered from 0 in the order in which the method names them. The method hears of outcomes in that order,
/// too, and is asked for point n when it has heard of all up to n minus the window, and of none beyond; so what it names
/// follows from seed and window alone, whichever run ends first. A search that is taken up again is played through from the start,
/// with the outcomes that are stored in place of runs.
public struct SearchBook: Sendable {
    /// What may be done now.
    public enum Step: Hashable, Sendable {
        /// Ask the method for this point.
        case ask(Int)
        /// A run must end first.
        case wait
        /// Everything is known.
        case finished
    }

    /// An outcome that the method is to hear of.
    public struct Tell: Hashable, Sendable {
        public let number: Int
        public let score: Double?
    }

    /// A point whose outcome is known.
    public struct Known: Hashable, Sendable {
        public let number: Int
        public let point: SearchPoint
        public let outcome: PointOutcome

        /// Names a point and what came of it.
        public init(number: Int, point: SearchPoint, outcome: PointOutcome) {
            self.number = number
            self.point = point
            self.outcome = outcome
        }
    }

    /// The most points that are asked for.
    public let budget: Int
    private let window: Int
    private var isExhausted = false
    private var points: [SearchPoint] = []
    /// The first number of each point that was named.
    private var numbers: [SearchPoint: Int] = [:]
    private var outcomes: [SearchPoint: PointOutcome]
    /// The known point with the highest score, the first of several.
    public private(set) var best: Known?
    /// How many points from the first on have an outcome without a gap.
    private var prefix = 0
    /// How many outcomes the method has heard of.
    private var told = 0
    /// Points that are being run, by what they are: a method may name one twice.
    private var running: Set<SearchPoint> = []

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - budget: At most so many points.
    ///   - window: How many points the method may name without having heard of the first of them. At least 1.
    ///   - known: Outcomes from an earlier life of the same search.
    public init(budget: Int, window: Int, known: [SearchPoint: PointOutcome] = [:]) {
        precondition(budget > 0 && window > 0)
        self.budget = budget
        self.window = window
        outcomes = known
    }

    /// How many different points have an outcome.
    public var doneCount: Int { outcomes.count }

    /// Every point that was named and has an outcome, in order; one that was named twice stands at its first number.
    public var known: [Known] {
        points.indices.compactMap { number in
            let point = points[number]
            guard numbers[point] == number, let outcome = outcomes[point] else { return nil }
            return Known(number: number, point: point, outcome: outcome)
        }
    }

    /// Whether a point was named so far.
    public func hasNamed(_ point: SearchPoint) -> Bool { numbers[point] != nil }

    /// What may be done now.
    public var step: Step {
        if isExhausted || points.count == budget { return heardAll ? .finished : .wait }
        return points.count < prefix + window ? .ask(points.count) : .wait
    }

    /// Takes the point that the method named, or nil when it has no more.
    ///
    /// - Returns: Whether a run is needed; false when its outcome is known or on its way.
    public mutating func name(_ point: SearchPoint?) -> Bool {
        guard let point else {
            isExhausted = true
            return false
        }
        precondition(points.count < budget, "nobody asked for another point")
        points.append(point)
        if numbers[point] == nil { numbers[point] = points.count - 1 }
        guard outcomes[point] == nil else {
            consider(point)
            advance()
            return false
        }
        return running.insert(point).inserted
    }

    /// Takes the outcome of a run.
    public mutating func finish(_ point: SearchPoint, _ outcome: PointOutcome) {
        precondition(running.remove(point) != nil, "a point that is being run")
        outcomes[point] = outcome
        consider(point)
        advance()
    }

    private mutating func consider(_ point: SearchPoint) {
        guard let outcome = outcomes[point], let score = outcome.score, let number = numbers[point] else {
            return
        }
        if let best, let highest = best.outcome.score {
            guard score > highest || (score == highest && number < best.number) else { return }
        }
        best = Known(number: number, point: point, outcome: outcome)
    }

    /// What the method must hear before it is asked for the next point, in order: no more than the window says, even
    /// where more is known.
    public mutating func takeTells() -> [Tell] {
        let end = max(told, min(prefix, points.count + 1 - window))
        defer { told = end }
        return (told..<end).map { Tell(number: $0, score: outcomes[points[$0]]?.score) }
    }

    private mutating func advance() {
        while prefix < points.count, outcomes[points[prefix]] != nil { prefix += 1 }
    }

    private var heardAll: Bool { running.isEmpty && prefix == points.count }
}
