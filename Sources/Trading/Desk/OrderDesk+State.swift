/// Money of a strategy, an account or everything together.
public struct ProfitSummary: Hashable, Sendable {
    public let equity: FixedDecimal
    public let realised: FixedDecimal
    public let unrealised: FixedDecimal
    public let fees: FixedDecimal
    /// Since midnight.
    public let today: FixedDecimal
}

extension OrderDesk {
    /// The day that profits of today count from, counted as ``Timestamp/utcDay`` with the desk's offset.
    public var day: Int64 { today }

    /// An order, when it is still remembered.
    public func order(_ id: OrderID) -> Order? { entries[id]?.order }

    /// The order that a strategy's request led to, when it is still remembered.
    public func order(request: RequestID, of strategy: StrategyID) -> Order? {
        guard let number = gate.strategy(strategy), let id = known(request, of: number) else { return nil }
        return entries[id]?.order
    }

    /// The orders that have not ended, oldest first; of one strategy, or of all.
    public func liveOrders(of strategy: StrategyID? = nil) -> [Order] {
        let rows: [Int]
        if let strategy {
            rows = gate.strategy(strategy).map { gate.strategies[$0].rows } ?? []
        } else {
            rows = Array(gate.rows.indices)
        }
        return rows.flatMap { gate.rows[$0].live }.sorted().compactMap { entries[$0]?.order }
    }

    /// Whether a strategy has a position, or an order that has not ended.
    public func hasAnythingOpen(_ strategy: StrategyID) -> Bool {
        guard let number = gate.strategy(strategy) else { return false }
        return gate.strategies[number].rows.contains {
            !gate.rows[$0].ledger.quantity.isZero || !gate.rows[$0].live.isEmpty
        }
    }

    /// What is held, or was: one summary for each strategy, account and symbol that ever traded.
    public func positions(of strategy: StrategyID? = nil, at time: Timestamp) -> [PositionSummary] {
        let rows: [Int]
        if let strategy {
            rows = gate.strategy(strategy).map { gate.strategies[$0].rows } ?? []
        } else {
            rows = Array(gate.rows.indices)
        }
        return rows.filter { gate.rows[$0].ledger != SubLedger() }.map { summary(of: $0, at: time) }
    }

    /// The enrolment of a strategy.
    public func enrolment(of strategy: StrategyID) -> Enrolment? {
        gate.strategy(strategy).map { gate.strategies[$0].enrolment }
    }

    /// The money of a strategy on its present account; nil when it is not enrolled.
    public func profit(of strategy: StrategyID) -> ProfitSummary? {
        guard let number = gate.strategy(strategy) else { return nil }
        let rows = gate.strategies[number].rows.filter {
            gate.rows[$0].account == gate.strategies[number].account
        }
        return profit(
            rows, equity: gate.equity(ofStrategy: number),
            opening: gate.strategies[number].enrolment.dayOpeningEquity)
    }

    /// The money of an account, counted from its settings' balance; nil when there is no such account.
    public func profit(of account: AccountID) -> ProfitSummary? {
        guard let number = gate.account(account) else { return nil }
        return profit(
            gate.accounts[number].rows, equity: gate.equity(ofAccount: number),
            opening: gate.accounts[number].openingEquity)
    }

    private func profit(_ rows: [Int], equity: FixedDecimal, opening: FixedDecimal) -> ProfitSummary {
        var (realised, unrealised, fees) = (FixedDecimal.zero, FixedDecimal.zero, FixedDecimal.zero)
        for row in rows {
            realised = FixedDecimal.sum(realised, gate.rows[row].ledger.realised)
            unrealised = FixedDecimal.sum(unrealised, gate.unrealised(row))
            fees = FixedDecimal.sum(fees, gate.rows[row].ledger.fees)
        }
        return ProfitSummary(
            equity: equity, realised: realised, unrealised: unrealised, fees: fees,
            today: FixedDecimal.difference(equity, opening))
    }

    /// What a strategy could still spend on buys, or on margin, on new exposure.
    public func available(to strategy: StrategyID) -> FixedDecimal {
        guard let number = gate.strategy(strategy) else { return .zero }
        let account = gate.strategies[number].account
        let kind = gate.accounts[account].settings.kind
        var (cash, exposure) = (gate.strategies[number].enrolment.capital, FixedDecimal.zero)
        for row in gate.strategies[number].rows where gate.rows[row].account == account {
            cash = FixedDecimal.sum(cash, gate.rows[row].ledger.cashFlow)
            cash = FixedDecimal.difference(cash, gate.rows[row].claim.buyNotional)
            exposure = FixedDecimal.sum(exposure, gate.exposure(row))
        }
        switch kind {
        case .spot: return max(.zero, cash)
        case .margin(let leverage, _):
            let equity = gate.equity(ofStrategy: number)
            let most = FixedDecimal.product(max(.zero, equity), leverage, .down)
            return max(.zero, FixedDecimal.difference(most, exposure))
        }
    }

    /// The last price of an instrument at a venue.
    public func lastPrice(_ symbol: String, at venue: VenueID) -> FixedDecimal? {
        gate.market(symbol, at: venue).flatMap { gate.markets[$0].lastPrice }
    }

    func summary(of row: Int, at time: Timestamp) -> PositionSummary {
        let ledger = gate.rows[row].ledger
        return PositionSummary(
            key: gate.key(of: row), quantity: ledger.quantity, averagePrice: ledger.averagePrice,
            lastPrice: gate.markets[gate.rows[row].market].lastPrice, realised: ledger.realised,
            unrealised: gate.unrealised(row), fees: ledger.fees, time: time)
    }

    // MARK: Going on where another desk left off

    /// Everything that a new desk needs, as the journal's rows also hold it.
    public var snapshot: DeskSnapshot {
        var snapshot = DeskSnapshot()
        snapshot.lastOrder = lastOrder
        for (id, entry) in entries {
            snapshot.orders[id] = entry.order.journaled
        }
        snapshot.fills = fills
        for row in gate.rows.indices where gate.rows[row].ledger != SubLedger() {
            let key = gate.key(of: row)
            snapshot.ledgers[key] = LedgerRecord(
                key: key, ledger: gate.rows[row].ledger, mark: gate.rows[row].mark,
                time: gate.rows[row].recordedAt)
        }
        for strategy in gate.strategies {
            snapshot.enrolments[strategy.enrolment.strategy] = strategy.enrolment
        }
        for account in gate.accounts where account.isDayRecorded {
            snapshot.accountDays[account.settings.id] = account.dayRecord
        }
        snapshot.halts = gate.halts
        snapshot.flattening = Set(flattening.keys.map { gate.key(of: $0) })
        for (row, outcome) in flattened { snapshot.flattened[gate.key(of: row)] = outcome }
        snapshot.tradeCursors = tradeCursors
        snapshot.peaks = recordedPeaks
        snapshot.brackets = brackets.all
        snapshot.holdings = holdings
        return snapshot
    }

    /// Goes on where another desk left off. Call it once, when accounts and instruments are set.
    ///
    /// An order whose intent was durable but whose answer was not is unknown from here on: it may be at the venue.
    /// ``reconcile(at:)`` then asks. No strategy runs until it is enrolled again.
    ///
    /// - Throws: ``RestoreFlaw`` when the snapshot names an account or instrument that is not set.
    public mutating func restore(
        from snapshot: DeskSnapshot, at time: Timestamp
    ) throws(RestoreFlaw) -> [DeskAction] {
        precondition(entries.isEmpty && gate.strategies.isEmpty, "a desk is restored before it is used")
        lastOrder = snapshot.lastOrder
        gate.halts = snapshot.halts
        tradeCursors = snapshot.tradeCursors
        try restoreEnrolments(snapshot)
        restorePeaks(snapshot.peaks)
        for record in snapshot.ledgers.values.sorted(by: { $0.key < $1.key }) {
            let row = try row(for: record.key)
            gate.restore(record, into: row)
        }
        for fill in snapshot.fills.values.sorted(by: { ($0.time, $0.key.trade) < ($1.time, $1.key.trade) }) {
            remember(fill)
        }
        let orders = snapshot.orders.values.sorted { $0.id < $1.id }
        for order in orders {
            let key = LedgerKey(
                strategy: order.intent.strategy, account: order.intent.account, symbol: order.symbol)
            let row = try row(for: key)
            gate.move(row, from: .none, to: order.claim)
            insert(order, row: row)
            // The last host may have sent a change until it ended.
            if order.amendment != nil { noteAmendment(of: order.id, lastSent: time) }
            if order.intent.createdAt > time.advanced(byMilliseconds: -60_000), order.status != .denied {
                gate.note(row, at: order.intent.createdAt)
            }
        }
        countAgain(orders, snapshot.fills.values, at: time)
        for key in snapshot.flattening { flattening[try row(for: key)] = 0 }
        for (key, outcome) in snapshot.flattened { flattened[try row(for: key)] = outcome }
        for bracket in snapshot.brackets.values.sorted(by: { $0.id < $1.id }) {
            let row = try row(for: bracket.key)
            brackets.put(
                bracket, row: row, strategy: gate.rows[row].strategy, market: gate.rows[row].market,
                remembering: settings.rememberedOrders)
        }
        holdings = snapshot.holdings
        var actions: [DeskAction] = []
        for number in gate.accounts.indices { publishHoldings(of: number, at: time, &actions) }
        for strategy in gate.strategies
        where snapshot.enrolments[strategy.enrolment.strategy]?.isRunning == true {
            actions.append(.record(.enrolment(strategy.enrolment)))
        }
        actions += roll(to: time)
        for order in orders where order.status == .pending || order.status == .submitted {
            var seen = order
            _ = seen.handle(.outcomeUnknown(reason: "the host stopped before the venue answered"), at: time)
            entries[order.id]?.order = seen
            gate.move(entries[order.id]!.row, from: order.claim, to: seen.claim)
            actions.append(.record(.order(seen)))
        }
        return actions
    }

    /// Counts what was sent and traded before the start, for the ratio of the two.
    private mutating func countAgain(
        _ orders: [Order], _ fills: some Sequence<Fill>, at time: Timestamp
    ) {
        let begin = time.advanced(byMilliseconds: Int64(-settings.orderToTradeMinutes) * 60_000)
        for order in orders
        where order.intent.createdAt > begin && order.status != .denied && order.intent.origin != .desk {
            guard let row = entries[order.id]?.row else { continue }
            gate.noteRatio(row, orders: 1, at: order.intent.createdAt)
        }
        for fill in fills where fill.time > begin && !fill.isInferred {
            guard let row = entries[fill.order]?.row else { continue }
            gate.noteRatio(row, trades: 1, at: fill.time)
        }
    }

    private mutating func restoreEnrolments(_ snapshot: DeskSnapshot) throws(RestoreFlaw) {
        for day in snapshot.accountDays.values {
            guard let number = gate.account(day.account) else { continue }
            gate.accounts[number].day = day.day
            gate.accounts[number].openingEquity = day.openingEquity
            gate.accounts[number].isDayRecorded = true
            today = min(today, day.day)
        }
        for var enrolment in snapshot.enrolments.values.sorted(by: { $0.strategy < $1.strategy }) {
            guard let account = gate.account(enrolment.account) else {
                throw .unknownAccount(enrolment.account)
            }
            enrolment.isRunning = false
            today = min(today, enrolment.day)
            _ = gate.addStrategy(enrolment, account: account)
        }
    }

    private mutating func row(for key: LedgerKey) throws(RestoreFlaw) -> Int {
        guard let account = gate.account(key.account) else { throw .unknownAccount(key.account) }
        let venue = gate.accounts[account].settings.venue
        guard let market = gate.market(key.symbol, at: venue) else {
            throw .unknownInstrument(symbol: key.symbol, venue: venue)
        }
        guard let strategy = gate.strategy(key.strategy) else { throw .unknownStrategy(key.strategy) }
        return gate.row(strategy: strategy, account: account, market: market)
    }
}

/// Why a desk cannot go on from a snapshot.
public enum RestoreFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownAccount(AccountID)
    case unknownInstrument(symbol: String, venue: VenueID)
    case unknownStrategy(StrategyID)

    /// In words.
    public var description: String {
        switch self {
        case .unknownAccount(let id):
            "the journal has orders or positions on account \(id), which is not set up"
        case .unknownInstrument(let symbol, let venue):
            "the journal has orders or positions in \(symbol), which is not set up for \(venue)"
        case .unknownStrategy(let id): "the journal has orders or positions of \(id), which has no enrolment"
        }
    }
}
