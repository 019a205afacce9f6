/// Which system calls were made, how they were used, and what became of them.
public struct CallRecording: Hashable, Sendable {
    /// What becomes of a call under a profile.
    public enum Outcome: String, CaseIterable, Hashable, Sendable {
        /// It was carried out.
        case allowed
        /// It failed, and nobody was told.
        case refused
        /// It failed, and the author was told what to do instead.
        case named
        /// It killed the strategy.
        case fatal
    }

    /// One way of using a call.
    public struct Use: Hashable, Sendable {
        /// The call's name.
        public let call: String
        /// The arguments that decide over it, such as `F_GETFD`; empty for calls that any arguments may have.
        public let arguments: String
        /// What became of it.
        public let outcome: Outcome
    }

    /// How often each use was seen.
    public private(set) var counts: [Use: Int] = [:]

    /// A recording of nothing.
    public init() {}

    /// Counts a use.
    public mutating func add(_ use: Use, times: Int = 1) {
        counts[use, default: 0] += times
    }

    /// Adds what another run did.
    public mutating func merge(_ other: CallRecording) {
        for (use, count) in other.counts { add(use, times: count) }
    }

    /// How often a call was seen with one of these outcomes.
    public func count(of call: String, _ outcomes: Set<Outcome> = Set(Outcome.allCases)) -> Int {
        counts.reduce(0) { $1.key.call == call && outcomes.contains($1.key.outcome) ? $0 + $1.value : $0 }
    }

    /// The names of the calls with one of these outcomes, in order.
    public func calls(_ outcomes: Set<Outcome> = Set(Outcome.allCases)) -> [String] {
        Set(counts.keys.filter { outcomes.contains($0.outcome) }.map(\.call)).sorted()
    }

    /// The uses with one of these outcomes, by name and arguments.
    public func uses(_ outcomes: Set<Outcome>) -> [(use: Use, count: Int)] {
        counts.filter { outcomes.contains($0.key.outcome) }.map { ($0.key, $0.value) }
            .sorted { ($0.use.call, $0.use.arguments) < ($1.use.call, $1.use.arguments) }
    }
}
