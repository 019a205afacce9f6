/// What a desk needs in order to go on where another left off; the journal's rows, or the fold of its events.
public struct DeskSnapshot: Hashable, Sendable {
    /// The highest order number given out.
    public var lastOrder = OrderID(0)
    /// Every order that is not terminal, and recent ones that are.
    public var orders: [OrderID: Order] = [:]
    /// Recent fills, so that one told again is known.
    public var fills: [FillKey: Fill] = [:]
    public var ledgers: [LedgerKey: LedgerRecord] = [:]
    public var enrolments: [StrategyID: Enrolment] = [:]
    public var accountDays: [AccountID: AccountDay] = [:]
    public var halts: [RiskScope: HaltRecord] = [:]
    public var flattening: Set<LedgerKey> = []
    /// How closings ended that a halt still covers.
    public var flattened: [LedgerKey: FlattenOutcome] = [:]
    public var tradeCursors: [AccountID: String] = [:]
    /// The highest that profits have been, where there is a limit on drawdown.
    public var peaks: [RiskScope: EquityPeak] = [:]
    /// Every bracket that waits or works, and recent ones that are over.
    public var brackets: [OrderID: Bracket] = [:]
    /// What accounts hold beside their sub-ledgers, by currency or coin.
    public var holdings: [AccountID: [String: HoldingRecord]] = [:]

    /// Nothing has happened yet.
    public init() {}

    /// Takes one event of the journal into account.
    public mutating func apply(_ event: DeskEvent) {
        switch event {
        case .order(let order):
            lastOrder = max(lastOrder, order.id)
            orders[order.id] = order
        case .fill(let fill): if fills[fill.key] == nil { fills[fill.key] = fill }
        case .ledger(let record): ledgers[record.key] = record
        case .enrolment(let enrolment): enrolments[enrolment.strategy] = enrolment
        case .accountDay(let day): accountDays[day.account] = day
        case .halted(let halt): halts[halt.scope] = halt
        case .resumed(let scope, _):
            halts[scope] = nil
            flattened = flattened.filter { halts.cover($0.key) }
        case .flattenBegan(let key, _):
            flattening.insert(key)
            flattened[key] = nil
        case .flattenEnded(let key, let reason, let time):
            flattening.remove(key)
            if halts.cover(key) { flattened[key] = FlattenOutcome(reason: reason, time: time) }
        case .tradeCursor(let account, let cursor): tradeCursors[account] = cursor
        case .peak(let peak): peaks[peak.scope] = peak
        case .peakEnded(let scope, _): peaks[scope] = nil
        case .bracket(let bracket):
            lastOrder = max(lastOrder, bracket.id)
            brackets[bracket.id] = bracket
        case .holding(let record): holdings[record.account, default: [:]][record.asset] = record
        }
    }
}
