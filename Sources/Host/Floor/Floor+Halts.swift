internal import Trading

/// What is halted, and how far the closing of positions is, as people see it.
extension Floor {
    /// The halts in force.
    var haltView: HaltView {
        HaltView(
            halts: desk.desk.halts.map { halt in
                HaltView.Halt(
                    scope: HaltScope(halt.scope), reason: halt.reason.isEmpty ? nil : halt.reason,
                    by: haltedBy[halt.scope] ?? "host", since: halt.time)
            })
    }

    /// The halts in force, with how far the closing of positions is; of one owner's strategies, or of all.
    func haltState(owner: String?) -> HaltView {
        var view = haltView
        view.flatten = FlattenView(
            items: desk.desk.flattenProgress().filter {
                owner == nil || strategies[$0.key.strategy.text]?.owner == owner
            }.map { FlattenView.Item($0, venue: accounts[$0.key.account.text]?.venue.text ?? "") })
        return view
    }
}

extension HaltScope {
    /// The interface's word for a scope of the desk.
    init(_ scope: RiskScope) {
        switch scope {
        case .everything: self = .all
        case .venue(let id): self = .venue(id.text)
        case .account(let id): self = .account(id.text)
        case .strategy(let id): self = .strategy(id.text)
        }
    }
}
