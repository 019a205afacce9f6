import Trading

/// What must hold of brackets at every moment, seen from outside the desk.
final class BracketWitness {
    /// Whether something may trade that the desk cannot know of in time, so that an exit may close more than is there.
    private let mayFlip: Bool
    private var legs: [OrderID: Bracket.Leg] = [:]
    private var durable: [OrderID: Bracket] = [:]
    /// The orders that close what brackets protect.
    private var exits: Set<OrderID> = []
    private var holdings: [LedgerKey: FixedDecimal] = [:]
    /// The exit whose fill was just booked; its ledger follows.
    private var filling: Fill?

    init(_ plan: Plan) {
        mayFlip = plan.bendsLimits || plan.has(.w5)
    }

    /// A fact was decided on.
    func recorded(_ event: DeskEvent) -> [String] {
        switch event {
        case .bracket(let bracket):
            if let exit = bracket.exit { exits.insert(exit) }
            defer { legs[bracket.id] = bracket.leg }
            guard let leg = legs[bracket.id], leg != bracket.leg else { return [] }
            return ["bracket \(bracket.id) had reached its \(leg.rawValue), and lives on without it"]
        case .fill(let fill): filling = exits.contains(fill.order) ? fill : nil
        case .ledger(let record):
            defer { filling = nil }
            let before = holdings.updateValue(record.ledger.quantity, forKey: record.key) ?? .zero
            guard let fill = filling, fill.strategy == record.key.strategy, !mayFlip, !fill.isInferred,
                !record.ledger.quantity.isZero,
                before.isZero || before.isNegative != record.ledger.quantity.isNegative
            else { return [] }
            return [
                "exit \(fill.order) turned \(record.key.strategy)'s \(before) \(record.key.symbol) "
                    + "into \(record.ledger.quantity)"
            ]
        default: break
        }
        return []
    }

    func durable(_ events: [DeskEvent]) {
        for case .bracket(let bracket) in events { durable[bracket.id] = bracket }
    }

    /// The host lives again: what was durable is there.
    func restarted(_ desk: OrderDesk) -> [String] {
        let snapshot = desk.snapshot
        legs = snapshot.brackets.compactMapValues(\.leg)
        // The number of one that was not durable is given to another order.
        exits = exits.filter { desk.order($0) != nil }
        holdings = snapshot.ledgers.mapValues(\.ledger.quantity)
        filling = nil
        return durable.values.sorted { $0.id < $1.id }.compactMap { kept in
            guard let now = snapshot.brackets[kept.id] else {
                return "bracket \(kept.id) was durable, and is gone"
            }
            // The disk may have taken more than the host knew of.
            if let leg = kept.leg, leg != now.leg {
                return
                    "bracket \(kept.id) had reached its \(leg.rawValue) in the journal, and has not any more"
            }
            return nil
        }
    }

    /// What is wrong with the desk's brackets as they are between two events.
    func flaws(in desk: OrderDesk, at time: Timestamp) -> [String] {
        let live = desk.liveBrackets()
        guard !live.isEmpty else { return [] }
        var flaws: [String] = []
        for bracket in live where bracket.hasEntry {
            guard let entry = desk.order(bracket.id), entry.filledQuantity != bracket.armed else { continue }
            flaws.append(
                "bracket \(bracket.id) is armed for \(bracket.armed), and \(entry.filledQuantity) filled")
        }
        for key in Set(live.map(\.key)) {
            let position =
                desk.positions(of: key.strategy, at: time).first { $0.key == key }?.quantity ?? .zero
            for side in Side.allCases {
                let held = (side == .sell) == position.isPositive ? size(position) : .zero
                var (protected, leaving) = (FixedDecimal.zero, FixedDecimal.zero)
                for bracket in live where bracket.key == key && bracket.side == side {
                    protected = sum(protected, bracket.quantity)
                }
                for order in desk.liveOrders(of: key.strategy)
                where exits.contains(order.id) && order.symbol == key.symbol && order.side == side {
                    leaving = sum(leaving, order.remainingQuantity)
                }
                if protected > held { flaws.append("\(key): \(protected) protected of \(held)") }
                if leaving > held, !mayFlip { flaws.append("\(key): exits of \(leaving) for \(held)") }
            }
        }
        return flaws
    }
}
