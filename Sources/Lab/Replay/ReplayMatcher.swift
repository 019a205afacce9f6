import Trading
import Wire

/// Holds what a strategy asks for in a replay against what was asked for in the run, as it comes.
///
/// Two decisions are the same when they ask for the same and answer the same moment; ids do not count, since they are
/// the strategy's own. It also knows which of the replay's ids stands for which of the run's.
struct ReplayMatcher {
    /// Something that came out otherwise.
    struct Difference: Hashable, Sendable {
        var time: Timestamp
        /// What was asked for in the run; nil when nothing was.
        var was: ReplayDecision?
        /// What is asked for in the replay; nil when nothing is.
        var now: ReplayDecision?
    }

    /// How long after a line its answer may have come in the run, or how many lines later, and still be taken for its
    /// answer. Those that bear the same id are the same however late they came.
    private static let patienceMilliseconds: Int64 = 2_000
    private static let patienceSteps = 2
    /// How many of the run's decisions are looked at for one of the replay's.
    private static let window = 256

    private let recorded: [ReplayDecision]
    private var isTaken: [Bool]
    /// Everything before this one is taken or too old to be.
    private var first = 0
    private var indexByRequest: [String: Int] = [:]
    /// The run's id for an id of the replay's.
    private(set) var recordedRequest: [String: String] = [:]
    /// The replay's id for an id of the run's.
    private(set) var replayedRequest: [String: String] = [:]
    private(set) var same = 0
    private var changed: [Difference] = []

    init(_ recorded: [ReplayDecision]) {
        self.recorded = recorded
        isTaken = Array(repeating: false, count: recorded.count)
        for (index, decision) in recorded.enumerated() where decision.message.makesRequest {
            indexByRequest[decision.request] = index
        }
    }

    /// Ids that stand since before the run are the same in both.
    mutating func knows(_ request: String) {
        recordedRequest[request] = request
        replayedRequest[request] = request
    }

    /// Whether the run made this id itself.
    func isMadeByRun(_ request: String) -> Bool { indexByRequest[request] != nil }

    /// Takes what the replay asks for in answer to one line.
    ///
    /// - Returns: Those for which the run has no counterpart, which nobody will answer.
    mutating func take(_ decisions: [ReplayDecision]) -> [ReplayDecision] {
        // First what is the same, so that something new beside it does not take its place.
        var rest: [ReplayDecision] = []
        for decision in decisions where !takeEqual(decision) { rest.append(decision) }
        var alone: [ReplayDecision] = []
        for decision in rest {
            if let index = find(from: decision, where: { decision.message.mayReplace($0.message) }) {
                pair(decision, index)
                changed.append(Difference(time: decision.time, was: recorded[index], now: decision))
            } else {
                changed.append(Difference(time: decision.time, was: nil, now: decision))
                alone.append(decision)
            }
        }
        return alone
    }

    private mutating func takeEqual(_ decision: ReplayDecision) -> Bool {
        let content = decision.message.content { recordedRequest[$0] ?? $0 }
        var found: Int?
        if decision.message.makesRequest, let index = indexByRequest[decision.request], !isTaken[index],
            recorded[index].message.content({ $0 }) == content
        {
            found = index
        }
        found = found ?? find(from: decision) { $0.message.content { $0 } == content }
        guard let found else { return false }
        pair(decision, found)
        same += 1
        return true
    }

    private mutating func pair(_ decision: ReplayDecision, _ index: Int) {
        isTaken[index] = true
        guard decision.message.makesRequest else { return }
        recordedRequest[decision.request] = recorded[index].request
        replayedRequest[recorded[index].request] = decision.request
    }

    /// The run's first decision, not yet taken, that may be the answer to the same line and fits.
    private mutating func find(
        from decision: ReplayDecision, where fits: (ReplayDecision) -> Bool
    ) -> Int? {
        while first < recorded.count, isTaken[first] || recorded[first].step < decision.step { first += 1 }
        for index in first..<min(recorded.count, first + Self.window) {
            let candidate = recorded[index]
            let isNear =
                candidate.time.milliseconds - decision.time.milliseconds <= Self.patienceMilliseconds
                || candidate.step - decision.step <= Self.patienceSteps
            guard isNear else { return nil }
            if !isTaken[index], candidate.step >= decision.step, fits(candidate) { return index }
        }
        return nil
    }

    /// Everything that came out otherwise, by time: also what the run asked for and the replay did not.
    ///
    /// - Parameter end: Up to where the replay came; what the run asked for afterwards is nobody's fault.
    func differences(until end: Int) -> [Difference] {
        let gone = recorded.indices.filter { !isTaken[$0] && recorded[$0].step <= end }
            .map { Difference(time: recorded[$0].time, was: recorded[$0], now: nil) }
        return (changed + gone).sorted { $0.time.milliseconds < $1.time.milliseconds }
    }
}
