extension OrderDesk {
    /// Stops trading for a scope until ``resume(_:at:)``. New orders are denied; cancels still pass.
    ///
    /// - Parameter orders: What becomes of what is open in the scope. Orders on their way are cancelled as soon as the
    ///   venue has acknowledged them.
    public mutating func halt(
        _ scope: RiskScope, reason: String, orders: OpenOrderPolicy = .cancel, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        halt(scope, reason: reason, orders: orders, at: time, &actions)
        return actions
    }

    mutating func halt(
        _ scope: RiskScope, reason: String, orders: OpenOrderPolicy, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        if gate.halts[scope] == nil {
            let record = HaltRecord(scope: scope, reason: reason, time: time)
            gate.halts[scope] = record
            actions.append(.record(.halted(record)))
            actions.append(.alarm(.halted(scope, reason: reason)))
        }
        apply(orders, to: rows(in: scope), at: time, &actions)
    }

    /// Lets trading go on for a scope.
    public mutating func resume(_ scope: RiskScope, at time: Timestamp) -> [DeskAction] {
        guard gate.halts.removeValue(forKey: scope) != nil else { return [] }
        forgetOutcomes()
        return [.record(.resumed(scope, at: time))]
    }

    /// The halts in force, oldest first.
    public var halts: [HaltRecord] {
        gate.halts.values.sorted { ($0.time, $0.scope.description) < ($1.time, $1.scope.description) }
    }

    /// Takes note that a strategy's process is gone, and does with its orders what the policy says.
    ///
    /// - Parameter keepsBrackets: Whether what protects its positions stays. A position that is closed needs nothing, and a
    ///   leg that was reached is carried out in any case.
    public mutating func strategyDied(
        _ strategy: StrategyID, orders: OpenOrderPolicy, keepsBrackets: Bool = true, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        guard let number = gate.strategy(strategy) else { return actions }
        if gate.strategies[number].enrolment.isRunning {
            gate.strategies[number].enrolment.isRunning = false
            actions.append(.record(.enrolment(gate.strategies[number].enrolment)))
        }
        for row in gate.strategies[number].rows where !keepsBrackets {
            endBrackets(row, sparesTriggered: true, because: "its strategy ended", at: time, &actions)
        }
        apply(orders, to: gate.strategies[number].rows, at: time, &actions)
        return actions
    }

    /// Cancels what is open in a scope and closes its positions at market.
    ///
    /// A position is closed when nothing of it is open any more, and closing goes on after a restart. Less than the
    /// venue trades stays as dust.
    public mutating func flatten(_ scope: RiskScope, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        apply(.flatten, to: rows(in: scope), at: time, &actions)
        return actions
    }

    private func rows(in scope: RiskScope) -> [Int] {
        switch scope {
        case .everything: Array(gate.rows.indices)
        case .account(let id): gate.account(id).map { gate.accounts[$0].rows } ?? []
        case .venue(let id):
            (gate.knownVenue(id).map { gate.venues[$0].accounts } ?? []).flatMap { gate.accounts[$0].rows }
        case .strategy(let id): gate.strategy(id).map { gate.strategies[$0].rows } ?? []
        }
    }

    private mutating func apply(
        _ policy: OpenOrderPolicy, to rows: [Int], at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard policy != .keep else { return }
        for row in rows {
            if policy == .flatten, flattening[row] == nil,
                !gate.rows[row].ledger.quantity.isZero || !gate.rows[row].live.isEmpty
            {
                flattening[row] = 0
                flattened[row] = nil
                actions.append(.record(.flattenBegan(gate.key(of: row), at: time)))
            }
            if policy == .flatten {
                endBrackets(
                    row, sparesTriggered: false, because: "the position is being closed", at: time, &actions)
            }
            for id in gate.rows[row].live where entries[id]?.order.intent.origin != .desk {
                handle(.cancelWanted, for: id, at: time, &actions)
            }
            progressFlatten(row, at: time, &actions)
        }
    }

    /// Closes a row's position when it is to be closed and nothing of it is open.
    mutating func progressFlatten(_ row: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard let attempts = flattening[row], gate.rows[row].live.isEmpty,
            !isAway(gate.accounts[gate.rows[row].account].settings.id),
            !owed.contains(where: { entries[$0]?.row == row })
        else { return }
        guard !gate.rows[row].ledger.quantity.isZero else {
            return endFlatten(row, "closed", isWhole: true, at: time, &actions)
        }
        if let flaw = closingFlaw(of: row) {
            return endFlatten(row, "what is left is dust: \(flaw)", isWhole: true, at: time, &actions)
        }
        guard attempts < 3 else {
            return endFlatten(
                row, "three closing orders did not close it" + lastAnswer(on: row), isWhole: false, at: time,
                &actions)
        }
        guard !isPausing(row, at: time) else { return }
        flattening[row] = attempts + 1
        closings[row] = OrderID(lastOrder.number + 1)
        place(closingTerms(of: row), request: nil, origin: .desk, row: row, at: time, &actions)
        if gate.rows[row].live.isEmpty {
            endFlatten(
                row, "the closing order was not taken" + lastAnswer(on: row), isWhole: false, at: time,
                &actions)
        }
    }

    private mutating func endFlatten(
        _ row: Int, _ reason: String, isWhole: Bool, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        flattening[row] = nil
        closings[row] = nil
        let key = gate.key(of: row)
        if gate.halts.cover(key) { flattened[row] = FlattenOutcome(reason: reason, time: time) }
        actions.append(.record(.flattenEnded(key, reason: reason, at: time)))
        if !isWhole { actions.append(.alarm(.flattenStopped(key, reason: reason))) }
    }
}
