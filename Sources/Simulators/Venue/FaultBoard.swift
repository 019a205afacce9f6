import Wire

/// The faults in force, and what has come of them.
final class FaultBoard {
    /// What befalls one request.
    struct RequestFate {
        enum End {
            case normal
            case dropBefore(reset: Bool)
            case dropAfter(reset: Bool)
            case truncate(bytes: Int?)
            case status(FaultRule)
            case hang(isProcessed: Bool)
        }

        var before = 0
        var after = 0
        var end = End.normal
    }

    /// What befalls one event of a stream.
    struct EventFate {
        var copies = 1
        var isHeldBack = false
        var lost = 0
        var delay = 0
        var silences = false
        var disconnects = false
    }

    private let seed: UInt64
    private var rules: [FaultRule] = []
    private var lastID = 0
    /// How many of each kind befell something, rules that were taken back included.
    private var totals: [FaultRule.Kind: Int] = [:]

    init(seed: UInt64) { self.seed = seed }

    /// Adds a rule. Returns its number.
    @discardableResult
    func add(_ value: JSONValue) throws(FieldFailure) -> Int {
        rules.append(try FaultRule(value, id: lastID + 1, seed: seed))
        lastID += 1
        return lastID
    }

    /// Takes a rule back; false when there is none of that number.
    func remove(_ id: Int) -> Bool {
        guard let index = rules.firstIndex(where: { $0.id == id }) else { return false }
        rules.remove(at: index)
        return true
    }

    func removeAll() { rules = [] }

    /// What befalls a request. Every latency counts, and the first rule that ends it otherwise.
    func fate(method: String, path: String) -> RequestFate {
        var fate = RequestFate()
        for index in rules.indices where rules[index].fits(method: method, path: path) {
            if case .normal = fate.end {} else if rules[index].kind != .latency { continue }
            guard rules[index].strikes() else { continue }
            totals[rules[index].kind, default: 0] += 1
            let rule = rules[index]
            switch rule.kind {
            case .latency:
                let pause = rules[index].pause()
                if rule.isAfter { fate.after += pause } else { fate.before += pause }
            case .dropBefore: fate.end = .dropBefore(reset: rule.resets)
            case .dropAfter: fate.end = .dropAfter(reset: rule.resets)
            case .truncate: fate.end = .truncate(bytes: rule.bytes)
            case .status: fate.end = .status(rule)
            case .hang: fate.end = .hang(isProcessed: rule.isProcessed)
            case .duplicate, .reorder, .gap, .delay, .silence, .disconnect: break
            }
        }
        return fate
    }

    /// What befalls an event. `stream` is `user` or `market`, `name` the whole name of the stream.
    func fate(stream: String, name: String, event: String) -> EventFate {
        var fate = EventFate()
        for index in rules.indices where rules[index].fits(stream: stream, name: name, event: event) {
            guard rules[index].strikes() else { continue }
            totals[rules[index].kind, default: 0] += 1
            switch rules[index].kind {
            case .duplicate: fate.copies += 1
            case .reorder: fate.isHeldBack = true
            case .gap: fate.lost = max(fate.lost, rules[index].count)
            case .delay: fate.delay += rules[index].pause()
            case .silence: fate.silences = true
            case .disconnect: fate.disconnects = true
            case .latency, .dropBefore, .dropAfter, .truncate, .status, .hang: break
            }
        }
        return fate
    }

    var json: JSONValue {
        .members([
            "rules": .array(rules.map(\.json)),
            "totals": .object(
                FaultRule.Kind.allCases.compactMap { kind in
                    totals[kind].map { .init(kind.rawValue, .integer($0)) }
                }),
        ])
    }
}
