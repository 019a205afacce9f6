/// What the venue holds against what the books say: deposits, withdrawals, conversions, trades that nobody told.
///
/// Only spot accounts are compared: on margin a position is no coin that an account holds.
extension OrderDesk {
    /// Books what venues hold beyond the books of an account as nobody's, so that both agree again.
    ///
    /// Only differences that stand are booked: those that ``reconciliation(of:)`` shows as external.
    public mutating func acceptDifferences(on account: AccountID, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        guard let number = gate.account(account) else { return actions }
        for asset in (holdings[account] ?? [:]).keys.sorted() {
            guard var record = holdings[account]?[asset], !record.external.isZero else { continue }
            audits[account]?.booked(record.external, of: asset)
            record.unowned = FixedDecimal.sum(record.unowned, record.external)
            record.external = .zero
            record.since = nil
            record.time = time
            keep(record, &actions)
        }
        publishHoldings(of: number, at: time, &actions)
        return actions
    }

    /// Asks the venue now about everything on an account, for somebody who waits for it; see ``isAuditing(_:)``.
    ///
    /// Nothing is asked where the venue may not be.
    public mutating func reconcileNow(_ account: AccountID, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        guard let number = gate.account(account), !isAway(account) else { return actions }
        for row in gate.accounts[number].rows {
            for id in gate.rows[row].live {
                guard let order = entries[id]?.order,
                    order.status == .unknown || order.status == .pendingCancel
                else { continue }
                askStatus(of: order, at: time, &actions)
            }
        }
        askTrades(on: account, &actions)
        askOpenOrders(on: account, &actions)
        askBalances(on: account, &actions)
        return actions
    }

    /// Whether answers about an account are still to come, or a difference is to be seen a second time.
    public func isAuditing(_ account: AccountID) -> Bool { audits[account]?.isUnderWay ?? false }

    // MARK: - Asking

    mutating func askBalances(on account: AccountID, _ actions: inout [DeskAction]) {
        guard let number = gate.account(account), gate.accounts[number].settings.kind == .spot else { return }
        if audits[account, default: AccountAudit()].asksBalances() {
            actions.append(.send(account, .balances))
        }
    }

    /// Asks what is needed to be sure of a difference. Call it every second or so.
    mutating func reviewBalances(_ actions: inout [DeskAction]) {
        for account in audits.keys.sorted() {
            audits[account]?.pass()
            guard doubts[account] == nil else { continue }
            switch audits[account]?.next(least: settings.balanceReviews) ?? .nothing {
            case .nothing: break
            case .lists:
                askTrades(on: account, &actions)
                askOpenOrders(on: account, &actions)
            case .balances: actions.append(.send(account, .balances))
            }
        }
    }

    /// Whether nobody was told yet that such a question is not answered.
    func isNews(_ request: VenueRequest, of account: AccountID) -> Bool {
        guard case .balances = request else { return true }
        return audits[account]?.fault == nil
    }

    // MARK: - Comparing

    mutating func takeBalances(
        _ balances: [VenueBalance], on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let number = gate.account(account), audits[account]?.question != nil else { return }
        var told: [String: FixedDecimal] = [:]
        for balance in balances {
            // What no market has is held within the range of sums.
            told[balance.currency] = max(
                FixedDecimal.opposite(TradingBounds.notional), min(balance.total, TradingBounds.notional))
        }
        let grains = grains(at: gate.accounts[number].settings.venue)
        let booked = booked(on: number)
        let found = differences(told, booked, of: number, grains: grains)
        let unsettled = doubts[account] == nil ? unsettledAssets(of: number) : Set(found.keys)
        let counted =
            audits[account]?.take(
                told, against: booked, found: found, unsettled: unsettled, least: settings.balanceReviews,
                at: time) ?? []
        let isFirstSight = isFirstSight(of: number)
        for asset in counted.sorted() {
            guard let difference = found[asset] else { continue }
            if isFirstSight, holdings[account]?[asset] == nil {
                // The account's own currency ends the first sight, so all else comes before it.
                if asset == gate.accounts[number].settings.currency, counted.count < found.count { continue }
                keep(
                    HoldingRecord(account: account, asset: asset, unowned: difference, time: time), &actions)
                audits[account]?.booked(difference, of: asset)
            } else {
                let isSmall = FixedDecimal.size(difference) < grains[asset] ?? .zero
                note(isSmall ? .zero : difference, of: asset, number, at: time, &actions)
                audits[account]?.noted(asset)
            }
        }
        publishHoldings(of: number, at: time, &actions)
    }

    /// What the account should hold, by the books.
    func booked(on number: Int) -> [String: FixedDecimal] {
        var booked = (holdings[gate.accounts[number].settings.id] ?? [:]).mapValues(\.unowned)
        for number in gate.accounts[number].cells {
            let cell = gate.cells[number]
            let instrument = gate.markets[cell.market].instrument
            let money = FixedDecimal.difference(
                FixedDecimal.difference(cell.realised, cell.cost), cell.charges)
            booked[instrument.base] = FixedDecimal.sum(booked[instrument.base] ?? .zero, cell.quantity)
            booked[instrument.quote] = FixedDecimal.sum(booked[instrument.quote] ?? .zero, money)
        }
        return booked
    }

    /// Whether it is not known yet what the account held before this host.
    func isFirstSight(of number: Int) -> Bool {
        let settings = gate.accounts[number].settings
        return holdings[settings.id]?[settings.currency] == nil
    }

    /// Where venue and books differ otherwise than is known.
    private func differences(
        _ told: [String: FixedDecimal], _ booked: [String: FixedDecimal], of number: Int,
        grains: [String: FixedDecimal]
    ) -> [String: FixedDecimal] {
        let settings = gate.accounts[number].settings
        let known = holdings[settings.id] ?? [:]
        let isFirstSight = isFirstSight(of: number)
        var found: [String: FixedDecimal] = [:]
        for asset in Set(told.keys).union(booked.keys).union([settings.currency]) {
            let difference = FixedDecimal.difference(told[asset] ?? .zero, booked[asset] ?? .zero)
            if isFirstSight, known[asset] == nil {
                if !difference.isZero || asset == settings.currency { found[asset] = difference }
                continue
            }
            let news = FixedDecimal.difference(difference, known[asset]?.external ?? .zero)
            // Venues round; what is less than can be traded is no difference.
            if !news.isZero, FixedDecimal.size(news) >= grains[asset] ?? .zero { found[asset] = difference }
        }
        return found
    }

    /// The least amounts that matter: one step of what is traded, a thousandth of the least order in what it is paid in.
    private func grains(at venue: VenueID) -> [String: FixedDecimal] {
        var grains: [String: FixedDecimal] = [:]
        for market in gate.markets where market.venue == venue {
            let instrument = market.instrument
            let money = FixedDecimal(units: instrument.minimumNotional.units / 1_000)
            for (asset, grain) in [(instrument.base, instrument.stepSize), (instrument.quote, money)]
            where grain.isPositive {
                grains[asset] = min(grains[asset] ?? grain, grain)
            }
        }
        return grains
    }

    /// What has orders whose fills may not be here, though the venue's balances have them.
    func unsettledAssets(of number: Int) -> Set<String> {
        var assets: Set<String> = []
        func add(_ row: Int) {
            let instrument = gate.markets[gate.rows[row].market].instrument
            assets.formUnion([instrument.base, instrument.quote])
        }
        for row in gate.accounts[number].rows
        where gate.rows[row].live.contains(where: { entries[$0]?.isUnsettled ?? false }) { add(row) }
        for id in owed {
            if let row = entries[id]?.row, gate.rows[row].account == number { add(row) }
        }
        return assets
    }

    // MARK: - Booking

    /// Notes that a fill changed what the account should hold.
    ///
    /// A fee in a third currency comes out of what is nobody's there. What it is worth, which the strategy's books pay for
    /// it, becomes nobody's: the account's own money did not move.
    ///
    /// - Parameter fee: In quote currency; nil when its worth is not known.
    mutating func noteChange(
        by fill: Fill, of row: Int, fee: FixedDecimal?, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        let (number, instrument) = (gate.rows[row].account, gate.markets[gate.rows[row].market].instrument)
        let account = gate.accounts[number].settings.id
        audits.change(account) {
            $0.changed(instrument.base)
            $0.changed(instrument.quote)
        }
        guard !fill.fee.isZero, fill.feeCurrency != instrument.base, fill.feeCurrency != instrument.quote
        else {
            return
        }
        audits[account]?.changed(fill.feeCurrency)
        moveUnowned(FixedDecimal.opposite(fill.fee), of: fill.feeCurrency, number, at: time, &actions)
        if let fee { moveUnowned(fee, of: instrument.quote, number, at: time, &actions) }
    }

    private mutating func moveUnowned(
        _ change: FixedDecimal, of asset: String, _ number: Int, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        let account = gate.accounts[number].settings.id
        // Before the first sight it is a part of what is seen then.
        guard holdings[account]?[asset] != nil || !isFirstSight(of: number) else { return }
        var record =
            holdings[account]?[asset]
            ?? HoldingRecord(account: account, asset: asset, unowned: .zero, time: time)
        record.unowned = FixedDecimal.sum(record.unowned, change)
        record.time = time
        keep(record, &actions)
    }

    /// Takes a difference for true, or its end.
    private mutating func note(
        _ difference: FixedDecimal, of asset: String, _ number: Int, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        let account = gate.accounts[number].settings.id
        var record =
            holdings[account]?[asset]
            ?? HoldingRecord(account: account, asset: asset, unowned: .zero, time: time)
        guard record.external != difference else { return }
        record.external = difference
        record.since = difference.isZero ? nil : record.since ?? time
        record.time = time
        keep(record, &actions)
        actions.append(
            .alarm(
                difference.isZero
                    ? .externalGone(account, asset: asset)
                    : .external(
                        account, asset: asset, difference: difference,
                        isBlocking: isBlocking(record, booked: booked(on: number)[asset] ?? .zero))))
    }

    private mutating func keep(_ record: HoldingRecord, _ actions: inout [DeskAction]) {
        holdings[record.account, default: [:]][record.asset] = record
        actions.append(.record(.holding(record)))
    }

    /// Whether a difference is beyond what is tolerated of a holding.
    func isBlocking(_ record: HoldingRecord, booked: FixedDecimal) -> Bool {
        let held = FixedDecimal.sum(booked, record.external)
        let most = max(FixedDecimal.size(booked), FixedDecimal.size(held))
        return FixedDecimal.size(record.external)
            > FixedDecimal.product(most, settings.balanceTolerance, .down)
    }

    /// Lets the gate know what is blocked on an account, and tells the strategies that trade it there.
    mutating func publishHoldings(of number: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        let account = gate.accounts[number].settings.id
        guard let records = holdings[account],
            records.values.contains(where: { !$0.external.isZero })
                || gate.blocks.keys.contains(where: { $0.isAsset(of: number) })
        else { return }
        let booked = booked(on: number)
        var changed: Set<String> = []
        for record in records.values {
            let blocks = !record.external.isZero && isBlocking(record, booked: booked[record.asset] ?? .zero)
            let denial =
                blocks
                ? RiskDenial.holdingDiffers(account, asset: record.asset, difference: record.external) : nil
            guard gate.blocks[.asset(number, record.asset)] != denial else { continue }
            gate.blocks[.asset(number, record.asset)] = denial
            changed.insert(record.asset)
        }
        guard !changed.isEmpty else { return }
        for cell in gate.accounts[number].cells {
            let instrument = gate.markets[gate.cells[cell].market].instrument
            guard changed.contains(instrument.base) || changed.contains(instrument.quote) else { continue }
            let denial = gate.blocks[.account(number)] ?? gate.block(ofCell: cell)
            let notice = TradingNotice(
                account: account, symbol: instrument.symbol, state: denial == nil ? .open : .reduceOnly,
                reason: denial?.description, until: nil, time: time)
            for row in gate.rows where row.cell == cell {
                let enrolment = gate.strategies[row.strategy].enrolment
                if enrolment.isRunning { actions.append(.tell(enrolment.strategy, .trading(notice))) }
            }
        }
    }
}

extension RiskGate.Block {
    fileprivate func isAsset(of account: Int) -> Bool {
        if case .asset(account, _) = self { true } else { false }
    }
}

extension OrderDesk.Entry {
    /// Whether it may have traded without anybody having heard of it.
    fileprivate var isUnsettled: Bool {
        switch order.status {
        case .pending, .submitted, .unknown: true
        case .open, .partiallyFilled, .pendingCancel: statusQuestions > 0
        case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced: false
        }
    }
}
