/// What may be done on an account, or with one symbol on it, from now on.
public struct TradingNotice: Hashable, Sendable {
    /// How much is allowed.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// Everything.
        case open
        /// Only what makes a position smaller, and cancels.
        case reduceOnly = "reduce_only"
        /// Nothing: the venue cannot be asked.
        case closed
    }

    public let account: AccountID
    /// Nil when it is about every symbol.
    public let symbol: String?
    public let state: State
    /// Why, in words; nil when it is open.
    public let reason: String?
    /// When it is expected to be open again, where that is known.
    public let until: Timestamp?
    public let time: Timestamp
}

/// Why the desk does not trust what it knows of an account for now.
struct AccountDoubt: Sendable {
    /// The stream of the account's news is broken, for this reason.
    var gap: String?
    /// What the stream missed is being asked for.
    var merge: Merge?
    /// The venue may not be asked.
    var absence: Absence?

    struct Merge: Sendable {
        var askedAt: Timestamp
        /// A question went unanswered; they are asked again.
        var hasFailed = false
    }

    struct Absence: Sendable {
        let until: Timestamp?
        let reason: String
    }

    var isEmpty: Bool { gap == nil && merge == nil && absence == nil }
}

extension OrderDesk {
    /// Why only reducing orders, or none, pass on an account now; nil when all do.
    public func doubt(about account: AccountID) -> String? {
        guard let doubt = doubts[account] else { return nil }
        if let absence = doubt.absence { return absence.reason }
        if let gap = doubt.gap { return gap }
        return doubt.merge == nil ? nil : Self.merging
    }

    /// The orders of which the venue shows several that could be ours, with what could be theirs.
    public var ambiguousOrders: [OrderID: [VenueOrderID]] { ambiguities }

    /// Whether the venue has told of fills whose trades are not here yet.
    public var isOwedTrades: Bool { !owed.isEmpty }

    /// Whether a trade is in the books, as far back as the desk remembers.
    public func hasBooked(_ trade: TradeID, in symbol: String, on account: AccountID) -> Bool {
        guard let number = gate.account(account) else { return false }
        let venue = gate.accounts[number].settings.venue
        return fills[FillKey(venue: venue, account: account, symbol: symbol, trade: trade)] != nil
    }

    private static let merging = "what happened meanwhile is being asked for"
}

// MARK: - Gaps in the stream, and what they missed

extension OrderDesk {
    mutating func takeGap(
        _ reason: String, on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard gate.account(account) != nil, doubts[account]?.gap == nil else { return }
        doubts[account, default: AccountDoubt()].gap = reason
        doubts[account]?.merge = nil
        actions.append(.alarm(.accountDoubted(account, reason: reason)))
        publish(account, at: time, &actions)
    }

    mutating func takeRestoredStream(
        on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard gate.account(account) != nil else { return }
        doubts[account]?.gap = nil
        beginMerge(account, at: time, &actions)
    }

    /// Asks for everything that may have been missed, and lets only reducing orders pass until it is known.
    mutating func beginMerge(_ account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]) {
        doubts[account, default: AccountDoubt()].merge = AccountDoubt.Merge(askedAt: time)
        publish(account, at: time, &actions)
        askEverything(about: account, at: time, &actions)
    }

    private mutating func askEverything(
        about account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let number = gate.account(account) else { return }
        for row in gate.accounts[number].rows {
            for id in gate.rows[row].live {
                // One that is still on its way out of this host is left to its own answer.
                guard let order = entries[id]?.order, order.status != .pending, order.status != .submitted
                else { continue }
                askStatus(of: order, at: time, &actions)
            }
        }
        askTrades(on: account, &actions)
        askOpenOrders(on: account, &actions)
        askBalances(on: account, &actions)
    }

    mutating func askOpenOrders(on account: AccountID, _ actions: inout [DeskAction]) {
        questions[account, default: 0] += 1
        audits[account, default: AccountAudit()].asks(.orders, at: latest)
        actions.append(.send(account, .openOrders))
    }

    /// A question for trades or open orders was answered, or was not.
    mutating func takeAnswer(on account: AccountID, wasGiven: Bool) {
        questions[account] = max(0, (questions[account] ?? 0) - 1)
        guard !wasGiven else { return }
        doubts[account]?.merge?.hasFailed = true
        audits[account]?.missesAnswer(isLast: questions[account] == 0)
    }

    /// Ends the merge once every question that was under way is answered: then the answers reach beyond the gap.
    mutating func endMergeIfDone(
        _ account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        if questions[account] ?? 0 == 0 { audits[account]?.hasAllAnswers(at: time) }
        guard let merge = doubts[account]?.merge, questions[account] ?? 0 == 0, !merge.hasFailed else {
            return
        }
        doubts[account]?.merge = nil
        publish(account, at: time, &actions)
    }

    /// Asks again what a merge still needs, and looks now and then whether the venue agrees though all seems well.
    mutating func reviewAccounts(at time: Timestamp, _ actions: inout [DeskAction]) {
        for account in doubts.keys.sorted() {
            if let until = doubts[account]?.absence?.until, time >= until {
                endAbsence(account, at: time, &actions)
            }
            guard !isAway(account), let merge = doubts[account]?.merge, merge.hasFailed,
                isDue(merge.askedAt, at: time)
            else { continue }
            doubts[account]?.merge = AccountDoubt.Merge(askedAt: time)
            askEverything(about: account, at: time, &actions)
        }
        guard let pace = settings.auditMilliseconds, isPast(lastAudit, pace, at: time) else { return }
        lastAudit = time
        for account in gate.accounts.map(\.settings.id) { audit(account, &actions) }
    }

    /// Asks what traded and what is open on an account though all seems well. Nothing is denied meanwhile.
    public mutating func audit(_ account: AccountID, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        audit(account, &actions)
        return actions
    }

    private mutating func audit(_ account: AccountID, _ actions: inout [DeskAction]) {
        guard gate.account(account) != nil, doubts[account] == nil else { return }
        askTrades(on: account, &actions)
        askOpenOrders(on: account, &actions)
        askBalances(on: account, &actions)
    }
}

// MARK: - A venue that may not be asked

extension OrderDesk {
    /// Whether the venue may not be asked about an account now.
    func isAway(_ account: AccountID) -> Bool { doubts[account]?.absence != nil }

    mutating func takeAbsence(
        of account: AccountID, until: Timestamp?, reason: String, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard gate.account(account) != nil else { return }
        if let until, until <= time { return }
        let known = doubts[account]?.absence
        let isNew = known == nil
        // A ban that is told later and ends earlier does not shorten the first.
        var until = until
        if let told = until, let first = known?.until { until = max(told, first) }
        doubts[account, default: AccountDoubt()].absence = AccountDoubt.Absence(until: until, reason: reason)
        if isNew { actions.append(.alarm(.venueAway(account, until: until, reason: reason))) }
        publish(account, at: time, &actions)
    }

    /// The venue may be asked again: what happened meanwhile is.
    mutating func endAbsence(_ account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard doubts[account]?.absence != nil else { return }
        doubts[account]?.absence = nil
        actions.append(.alarm(.venueBack(account)))
        if doubts[account]?.gap == nil {
            beginMerge(account, at: time, &actions)
        } else {
            publish(account, at: time, &actions)
        }
        for row in flattening.keys.sorted() where gate.rows[row].account == gate.account(account) {
            progressFlatten(row, at: time, &actions)
        }
    }

    /// Lets the gate know what passes on an account, and tells the strategies that run there.
    private mutating func publish(
        _ account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let number = gate.account(account) else { return }
        let before = gate.blocks[.account(number)]
        let doubt = doubts[account] ?? AccountDoubt()
        if doubt.isEmpty { doubts[account] = nil }
        let denial: RiskDenial?
        let state: TradingNotice.State
        if let absence = doubt.absence {
            denial = .venueUnavailable(account, until: absence.until, reason: absence.reason)
            state = .closed
        } else if let reason = doubt.gap ?? (doubt.merge == nil ? nil : Self.merging) {
            denial = .accountInDoubt(account, reason: reason)
            state = .reduceOnly
        } else {
            (denial, state) = (nil, .open)
        }
        gate.blocks[.account(number)] = denial
        guard before != denial else { return }
        let notice = TradingNotice(
            account: account, symbol: nil, state: state, reason: denial?.description,
            until: doubt.absence?.until, time: time)
        for strategy in gate.strategies where strategy.account == number && strategy.enrolment.isRunning {
            actions.append(.tell(strategy.enrolment.strategy, .trading(notice)))
        }
    }
}

// MARK: - Several orders that could be one of ours

extension OrderDesk {
    /// The venue cannot say which of several orders is the one whose answer was lost: the symbol is frozen, but for what
    /// reduces, until a person decides.
    mutating func takeAmbiguity(
        of id: ClientOrderID, _ candidates: [VenueOrderID], on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let number = order(named: id, on: account), let entry = entries[number],
            entry.order.status == .unknown
        else { return }
        let isNew = ambiguities[number] == nil
        ambiguities[number] = candidates
        guard isNew else { return }
        actions.append(.alarm(.ambiguous(number, entry.order.intent.strategy, candidates)))
        freeze(gate.rows[entry.row].cell, at: time, &actions)
    }

    /// Takes a person's word for which order of the venue's one of ours is, or that it is none of them.
    ///
    /// - Parameter venueID: The venue's name for it; nil when it never arrived.
    public mutating func settleAmbiguity(
        of order: OrderID, as venueID: VenueOrderID?, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        guard ambiguities[order] != nil, let entry = entries[order] else { return actions }
        if let venueID {
            handle(.accepted(venueID), for: order, at: time, &actions)
            name(order, venueID, on: entry.order.intent.account)
        } else {
            handle(.absent, for: order, at: time, &actions)
        }
        guard let settled = entries[order]?.order else { return actions }
        actions.append(.send(settled.intent.account, .decided(settled.reference, isThere: venueID != nil)))
        if venueID != nil { askStatus(of: settled, at: time, &actions) }
        return actions
    }

    /// Lets go of an ambiguity once the order's outcome is known.
    mutating func endAmbiguity(
        of order: OrderID, row: Int, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard ambiguities.removeValue(forKey: order) != nil else { return }
        freeze(gate.rows[row].cell, at: time, &actions)
    }

    /// Lets the gate know whether a symbol is frozen on an account, and tells the strategies that trade it there.
    private mutating func freeze(_ cell: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        let symbol = gate.markets[gate.cells[cell].market].instrument.symbol
        let account = gate.accounts[gate.cells[cell].account].settings.id
        let first = ambiguities.keys.filter { entries[$0].map { gate.rows[$0.row].cell == cell } ?? false }
            .min()
        let denial = first.map { RiskDenial.symbolFrozen(symbol: symbol, account: account, order: $0) }
        guard gate.blocks[.cell(cell)] != denial else { return }
        gate.blocks[.cell(cell)] = denial
        // Another reason may remain.
        let rest = gate.block(ofCell: cell)
        let notice = TradingNotice(
            account: account, symbol: symbol, state: rest == nil ? .open : .reduceOnly,
            reason: rest?.description, until: nil, time: time)
        for row in gate.rows where row.cell == cell && gate.strategies[row.strategy].enrolment.isRunning {
            actions.append(.tell(gate.strategies[row.strategy].enrolment.strategy, .trading(notice)))
        }
    }
}
