/// How far the closing of one position is.
public struct FlattenProgress: Hashable, Sendable {
    /// Where it stands.
    public enum Step: String, Hashable, Sendable, CaseIterable {
        /// Its orders are being cancelled; it is closed once they have ended.
        case cancelling
        /// The closing order is on its way, or at the venue.
        case closing
        /// It cannot go on for now; ``FlattenProgress/reason`` says what it waits for.
        case waiting
        /// Nothing is held any more.
        case closed
        /// What is left is less than the venue trades; it stays.
        case dust
        /// It was given up, for ``FlattenProgress/reason``; another flatten tries again.
        case stuck

        /// Whether nothing more is done about it.
        public var isEnd: Bool {
            switch self {
            case .cancelling, .closing, .waiting: false
            case .closed, .dust, .stuck: true
            }
        }
    }

    public let key: LedgerKey
    public let step: Step
    /// What is still held; above nought is long, below is short.
    public let quantity: FixedDecimal
    /// What has not ended of its orders, oldest first, the closing order included.
    public let orders: [Order]
    /// How many closing orders were tried; nought once it has ended.
    public let attempts: Int
    /// Why it waits, how it ended, or what a venue said of a cancel; in words.
    public let reason: String?
}

/// How the closing of a position ended.
public struct FlattenOutcome: Hashable, Sendable {
    public let reason: String
    public let time: Timestamp

    /// Describes an end.
    public init(reason: String, time: Timestamp) {
        self.reason = reason
        self.time = time
    }
}

extension [RiskScope: HaltRecord] {
    /// Whether one of these halts is in force for a sub-ledger. That of any venue counts: which account is where, the
    /// journal's rows do not say, and for a moment more is kept of how closings ended.
    func cover(_ key: LedgerKey) -> Bool {
        guard !isEmpty else { return false }
        return self[.everything] != nil || self[.account(key.account)] != nil
            || self[.strategy(key.strategy)] != nil || keys.contains(where: \.isVenue)
    }
}

extension OrderDesk {
    /// What is being closed and how far it is, and how what a halt still covers was closed; by strategy, account, symbol.
    ///
    /// Reading it changes nothing, and it follows from the books alone: after a restart it says the same.
    public func flattenProgress() -> [FlattenProgress] {
        let underWay = flattening.map { progress(of: $0.key, attempts: $0.value) }
        let ended = flattened.map { end(of: $0.key, $0.value) }
        return (underWay + ended).sorted { $0.key < $1.key }
    }

    private func progress(of row: Int, attempts: Int) -> FlattenProgress {
        let orders = gate.rows[row].live.compactMap { entries[$0]?.order }
        let step: FlattenProgress.Step
        var reason = hindrance(to: row, orders)
        if reason != nil {
            step = .waiting
        } else if orders.contains(where: { $0.intent.origin != .desk }) {
            step = .cancelling
            reason = orders.compactMap { $0.status == .pendingCancel ? $0.reason : nil }.first
        } else {
            step = .closing
        }
        return FlattenProgress(
            key: gate.key(of: row), step: step, quantity: gate.rows[row].ledger.quantity, orders: orders,
            attempts: attempts, reason: reason)
    }

    /// What keeps the closing of a row's position from going on now, in words.
    private func hindrance(to row: Int, _ orders: [Order]) -> String? {
        let account = gate.accounts[gate.rows[row].account].settings.id
        if let absence = doubts[account]?.absence {
            return "the venue of account \(account) may not be asked: \(absence.reason)"
        }
        if let order = orders.first(where: { $0.status == .unknown }) {
            return "the outcome of order \(order.id) is unknown, and the venue is asked: "
                + (order.reason ?? "it did not say")
        }
        for order in orders where (entries[order.id]?.cancelAttempts ?? 0) > settings.cancelAttempts {
            return "order \(order.id) cannot be cancelled: \(order.reason ?? "it stays open")"
        }
        if let order = owed.filter({ entries[$0]?.row == row }).min() {
            return "the venue owes the trades of order \(order)"
        }
        guard orders.isEmpty, let failed = failedClosing(of: row) else { return nil }
        return "another closing order follows; the last was \(failed.status.rawValue)"
            + (failed.reason.map { ": \($0)" } ?? "")
    }

    private func end(of row: Int, _ outcome: FlattenOutcome) -> FlattenProgress {
        let quantity = gate.rows[row].ledger.quantity
        let step: FlattenProgress.Step =
            quantity.isZero ? .closed : closingFlaw(of: row) == nil ? .stuck : .dust
        return FlattenProgress(
            key: gate.key(of: row), step: step, quantity: quantity, orders: [], attempts: 0,
            reason: outcome.reason)
    }

    /// The order that would close a row's position, which is not nought.
    func closingTerms(of row: Int) -> OrderTerms {
        let position = gate.rows[row].ledger.quantity
        return closingTerms(
            position.isPositive ? .sell : .buy, FixedDecimal.size(position), row: row,
            attempt: flattening[row] ?? 1)
    }

    /// Why the venue would not take the order that closes a row's position: what is left is dust. Nil when it would.
    func closingFlaw(of row: Int) -> FilterFlaw? {
        let market = gate.markets[gate.rows[row].market]
        do throws(FilterFlaw) {
            _ = try market.instrument.normalised(closingTerms(of: row), lastPrice: market.lastPrice)
            return nil
        } catch {
            // A price is missing, which is no dust.
            if case .limitOrdersOnly = error { return nil }
            return error
        }
    }

    /// A row's latest closing order, when it ended without a trade.
    private func failedClosing(of row: Int) -> Order? {
        guard let id = closings[row], let order = entries[id]?.order, order.status.isTerminal,
            order.filledQuantity.isZero
        else { return nil }
        return order
    }

    /// Whether the venue did not take the latest closing order just now. It may take the next a moment later, such as when
    /// there is a price; asked again at once, it would say the same.
    func isPausing(_ row: Int, at time: Timestamp) -> Bool {
        guard let failed = failedClosing(of: row) else { return false }
        return !isDue(failed.updatedAt, at: time)
    }

    /// What the venue said of a row's latest closing order, as an end to a sentence; empty when it said nothing.
    func lastAnswer(on row: Int) -> String {
        guard let id = closings[row], let order = entries[id]?.order, let reason = order.reason else {
            return ""
        }
        return "; the last was \(order.status.rawValue): \(reason)"
    }

    /// Lets go of how closings ended that no halt covers any more.
    mutating func forgetOutcomes() {
        guard !flattened.isEmpty else { return }
        flattened = flattened.filter { gate.halts.cover(gate.key(of: $0.key)) }
    }
}
