internal import Trading

/// What is halted, and how far the closing of positions is, as people see it.
extension Floor {
    /// The halts in force.
    var haltView: HaltView {
        HaltView(
            halts: desk.desk.halts.compactMap { halt in
                guard let scope = HaltScope(halt.scope) else { return nil }
                return HaltView.Halt(
                    scope: scope, reason: halt.reason.isEmpty ? nil : halt.reason,
                    by: haltedBy[halt.scope] ?? "host", since: halt.time)
            })
    }

    /// The halts in force, with how far the closing of positions is; of one owner's strategies, or of all.
    func haltState(owner: String?) -> HaltView {
        var view = haltView
        view.flatten = FlattenView(
            items: desk.desk.flattenProgress().filter {
                owner == nil || strategies[$0.key.strategy.text]?.owner == owner
            }.map(FlattenView.Item.init))
        return view
    }
}

extension HaltScope {
    /// The interface's word for a scope of the desk. Nobody halts a venue: its accounts are halted.
    init?(_ scope: RiskScope) {
        switch scope {
        case .everything: self = .all
        case .venue: return nil
        case .account(let id): self = .account(id.text)
        case .strategy(let id): self = .strategy(id.text)
        }
    }
}
