/// A row of the fault matrix that the simulation injects, or meets.
public enum FaultRow: Int, CaseIterable, Hashable, Sendable {
    case s1
    case s2
    case s3
    case s4
    case s5
    case s6
    case s7
    case s8
    case s9
    case s10
    case s11
    case s12
    case s13
    case e1
    case e2
    case e3
    case e4
    case e5
    case e6
    case e7
    case e8
    case e9
    case e10
    case e11
    case e12
    case e13
    case e14
    case e15
    case r1
    case r2
    case r3
    case r4
    case r5
    case r6
    case r7
    case r8
    case r9
    case r10
    case w1
    case w2
    case w4
    case w5
    case c2
    case c5
    case c6
    case c7

    /// What goes wrong, in words.
    public var words: String {
        switch self {
        case .s1: "the order arrives, its answer is lost"
        case .s2: "the order is lost on its way"
        case .s3: "the connection is refused"
        case .s4: "503, and the order may have arrived"
        case .s5: "400, 401 or 403"
        case .s6: "429"
        case .s7: "banned for a while: nothing may be asked"
        case .s8: "the venue finds the timestamp wrong; signed once more"
        case .s9: "sent once more, and the venue knows the id already"
        case .s10: "the answer is cut off"
        case .s11: "the venue cannot say which of several orders is ours"
        case .s12: "the order arrives after it counted as not placed"
        case .s13: "tick, step or least notional change under way"
        case .e1: "the fill outruns the acknowledgement"
        case .e2: "the same fill is told twice"
        case .e3: "the same trade id comes with other data"
        case .e4: "the same fill comes by stream and by page"
        case .e5: "news overtake each other"
        case .e6: "more fills than was ordered"
        case .e7: "a part fills, then the order is cancelled"
        case .e8: "a fill is told after the order's end"
        case .e9: "a cancel, or its answer, is lost"
        case .e10: "the venue says that the order to cancel is not open"
        case .e11: "the venue ends an order that it had acknowledged"
        case .e12: "a change is lost or late, or placed beside the old order"
        case .e13: "filled, but no trade to be seen for a while"
        case .e14: "somebody trades on the account by hand"
        case .e15: "the fee is taken in what was bought"
        case .r1: "killed before the journal has the intent"
        case .r2: "killed when the journal has it, before it is sent"
        case .r3: "killed when it is sent, or its answer is here"
        case .r4: "restarted with open orders"
        case .r5: "more than a page of fills while the host was down"
        case .r6: "money or coins come and go without a trade"
        case .r7: "reconciled twice"
        case .r8: "the disk is full, or tears a write"
        case .r9: "the venue uses order ids again"
        case .r10: "a question to the venue is not answered"
        case .w1: "the stream of fills breaks for a while"
        case .w2: "the stream lives, one fill is missing"
        case .w4: "no price for a while"
        case .w5: "the clock is set forward or back"
        case .c2: "a strategy sends a request again"
        case .c5: "halted with orders in flight"
        case .c6: "an order is denied for what others hold"
        case .c7: "two strategies hold opposite sides"
        }
    }

    /// Whether it happens by itself, without being injected.
    var isNatural: Bool {
        switch self {
        case .e4, .e7, .r4, .r7, .c6, .c7: true
        default: false
        }
    }

    var index: Int { rawValue }

    /// As the matrix calls it, such as `S1`.
    public var name: String { String(describing: self).uppercased() }

    /// Reads ``name``.
    public init?(name: String) {
        guard let row = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = row
    }
}

/// How often each fault was injected or met, and what became of the orders that it struck.
public struct FaultTally: Hashable, Sendable {
    private var counts = [Int](repeating: 0, count: FaultRow.allCases.count)
    private var outcomes = [[String: Int]](repeating: [:], count: FaultRow.allCases.count)

    init() {}

    /// How often it was injected or met.
    public func count(_ row: FaultRow) -> Int { counts[row.index] }

    /// What the host did in the end, most frequent first.
    public func outcomes(_ row: FaultRow) -> [(words: String, count: Int)] {
        outcomes[row.index].sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { (words: $0.key, count: $0.value) }
    }

    mutating func note(_ row: FaultRow) { counts[row.index] += 1 }

    mutating func note(_ row: FaultRow, outcome: String) { outcomes[row.index][outcome, default: 0] += 1 }

    mutating func add(_ other: FaultTally) {
        for row in FaultRow.allCases {
            counts[row.index] += other.counts[row.index]
            outcomes[row.index].merge(other.outcomes[row.index]) { $0 + $1 }
        }
    }
}
