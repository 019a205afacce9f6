internal import Sandbox
internal import Trading

/// What one strategy was refused, counted by call and arguments.
///
/// It decides what of it is worth a line: a strategy may be refused a million times, or a thousand different things, and
/// neither may fill its log or the audit trail.
struct ViolationLedger {
    /// One kind of refused call.
    struct Entry: Hashable, Sendable {
        var rule: SandboxRule
        var systemCall: String
        /// Its arguments in words; ``others`` for those of a call with too many different ones.
        var arguments: String
        var isFatal: Bool
        /// How often, over all runs.
        var count: Int
        /// How often in ``run``.
        var inRun: Int
        var first: Timestamp
        var last: Timestamp
        /// The run in which it was last refused.
        var run: String

        /// As the sandbox tells it.
        var violation: Violation {
            Violation(rule: rule, systemCall: systemCall, arguments: arguments, isFatal: isFatal)
        }
    }

    /// What is to be made of a refused call.
    enum Note: Hashable {
        /// The first of its kind in this run: for the log and the audit trail.
        case first(Violation)
        /// It came this often in this run: for the log.
        case again(Violation, times: Int)
        /// Nothing but counting.
        case quiet
    }

    /// Stands for arguments that are not kept apart any more.
    static let others = "…"
    /// How many different arguments of one call are kept apart.
    static let variants = 5

    /// The kinds, in the order in which they were first refused.
    private(set) var entries: [Entry] = []
    private var places: [Key: Int] = [:]
    private var known: [String: Int] = [:]
    private var changed: Set<Int> = []

    private struct Key: Hashable {
        let systemCall: String
        let arguments: String
    }

    /// Begins with what was written down before.
    init(_ entries: [Entry] = []) {
        for entry in entries { insert(entry) }
        changed = []
    }

    /// A new run begins.
    mutating func runBegan() {
        for index in entries.indices { entries[index].inRun = 0 }
    }

    /// Counts a refused call.
    mutating func note(_ violation: Violation, run: String, at time: Timestamp) -> Note {
        let index = place(of: violation, run: run, at: time)
        changed.insert(index)
        entries[index].count += 1
        entries[index].inRun += 1
        entries[index].last = time
        entries[index].run = run
        switch entries[index].inRun {
        case 1: return .first(entries[index].violation)
        case let times where Self.isPowerOfTen(times): return .again(entries[index].violation, times: times)
        default: return .quiet
        }
    }

    /// How often something was refused in a run.
    func count(in run: String) -> Int {
        entries.reduce(0) { $0 + ($1.run == run ? $1.inRun : 0) }
    }

    /// What the run was refused more than once, in words for the log; nil when there is nothing to add to it.
    func summary() -> String? {
        let repeated = entries.filter { $0.inRun > 1 }.sorted { $0.inRun > $1.inRun }
        guard !repeated.isEmpty else { return nil }
        let words = repeated.prefix(5).map { "\($0.violation.call) \($0.inRun) times" }
        let rest = repeated.count > 5 ? ", and \(repeated.count - 5) more kinds" : ""
        return "refused by the sandbox in this run: \(words.joined(separator: ", "))\(rest)"
    }

    /// The entries that have changed since they were last taken, to be written down.
    mutating func takeChanged() -> [Entry] {
        defer { changed = [] }
        return changed.sorted().map { entries[$0] }
    }

    private mutating func place(of violation: Violation, run: String, at time: Timestamp) -> Int {
        var arguments = violation.arguments
        if let index = places[Key(systemCall: violation.systemCall, arguments: arguments)] { return index }
        if known[violation.systemCall, default: 0] >= Self.variants { arguments = Self.others }
        if let index = places[Key(systemCall: violation.systemCall, arguments: arguments)] { return index }
        insert(
            Entry(
                rule: violation.rule, systemCall: violation.systemCall, arguments: arguments,
                isFatal: violation.isFatal, count: 0, inRun: 0, first: time, last: time, run: run))
        return entries.count - 1
    }

    private mutating func insert(_ entry: Entry) {
        places[Key(systemCall: entry.systemCall, arguments: entry.arguments)] = entries.count
        known[entry.systemCall, default: 0] += 1
        entries.append(entry)
    }

    private static func isPowerOfTen(_ number: Int) -> Bool {
        var rest = number
        while rest > 1, rest % 10 == 0 { rest /= 10 }
        return rest == 1 && number > 1
    }
}
