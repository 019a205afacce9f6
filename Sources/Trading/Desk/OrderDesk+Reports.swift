extension OrderDesk {
    /// Takes what a venue or its adapter says. Telling the same twice changes nothing the second time.
    public mutating func venueReported(
        _ report: VenueReport, on account: AccountID, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        if let order = report.absurdOrder {
            takeAbsurdity(report, of: order, on: account, at: time, &actions)
            return actions
        }
        switch report {
        case .sent(let id): pass(.sent, to: id, account, time, &actions)
        case .unsent(let id, let reason): pass(.unsent(reason: reason), to: id, account, time, &actions)
        case .outcomeUnknown(let id, let reason):
            pass(.outcomeUnknown(reason: reason), to: id, account, time, &actions)
        case .accepted(let id, let venueID): pass(.accepted(venueID), to: id, account, time, &actions)
        case .rejected(let id, let reason): pass(.rejected(reason: reason), to: id, account, time, &actions)
        case .cancelled(let id, let filled, let reason):
            pass(.cancelled(filled: filled, reason: reason), to: id, account, time, &actions)
        case .expired(let id, let filled, let reason):
            pass(.expired(filled: filled, reason: reason), to: id, account, time, &actions)
        case .cancelRefused(let id, let reason):
            pass(.cancelRefused(reason: reason), to: id, account, time, &actions)
        case .amended(let id, let amendment): pass(.amended(amendment), to: id, account, time, &actions)
        case .amendRefused(let id, let reason):
            pass(.amendRefused(reason: reason), to: id, account, time, &actions)
        case .trade(let trade): book(trade, isPaged: false, on: account, at: time, &actions)
        case .order(let order): take(order, isListed: false, on: account, at: time, &actions)
        case .absent(let id): takeAbsence(of: id, on: account, at: time, &actions)
        case .streamGap(let reason): takeGap(reason, on: account, at: time, &actions)
        case .streamRestored: takeRestoredStream(on: account, at: time, &actions)
        case .venueUnavailable(let until, let reason):
            takeAbsence(of: account, until: until, reason: reason, at: time, &actions)
        case .venueAvailable: endAbsence(account, at: time, &actions)
        case .ambiguous(let id, let candidates):
            takeAmbiguity(of: id, candidates, on: account, at: time, &actions)
        case .trades(let trades, let cursor, let isComplete):
            takeAnswer(on: account, wasGiven: !trades.contains { isUndecided($0, on: account) })
            takePage(trades, cursor: cursor, isComplete: isComplete, on: account, at: time, &actions)
            endMergeIfDone(account, at: time, &actions)
        case .openOrders(let orders):
            takeAnswer(on: account, wasGiven: true)
            takeOpenOrders(orders, on: account, at: time, &actions)
            endMergeIfDone(account, at: time, &actions)
        case .balances(let balances): takeBalances(balances, on: account, at: time, &actions)
        case .unanswered(let request, let reason):
            takeSilence(request, reason: reason, on: account, at: time, &actions)
        }
        return actions
    }

    /// Numbers that no order can have say nothing, and would carry sums out of range: as if nobody had answered.
    private mutating func takeAbsurdity(
        _ report: VenueReport, of order: String, on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        actions.append(.alarm(.absurdReport(account, order: order)))
        switch report {
        case .order(let found):
            if let id = ours(found.clientID, found.venueOrderID, found.symbol, found.side, on: account) {
                takeStatusAnswer(about: id)
            }
        case .openOrders: takeAnswer(on: account, wasGiven: false)
        case .amended(let name, _):
            guard let id = self.order(named: name, on: account), let known = entries[id]?.order,
                let amendment = known.amendment
            else { return }
            takeSilence(
                .amend(known.reference, amendment), reason: "impossible numbers", on: account, at: time,
                &actions)
        case .sent, .unsent, .outcomeUnknown, .accepted, .rejected, .cancelled, .expired, .cancelRefused,
            .amendRefused, .trade, .absent, .streamGap, .streamRestored, .venueUnavailable, .venueAvailable,
            .ambiguous, .trades, .balances, .unanswered:
            break
        }
    }

    private mutating func pass(
        _ event: OrderEvent, to id: ClientOrderID, _ account: AccountID, _ time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let order = order(named: id, on: account) else {
            actions.append(.alarm(.strangeOrder(account, id.text)))
            return
        }
        handle(event, for: order, at: time, &actions)
    }

    /// Gives an event to an order and does all that follows from it.
    mutating func handle(
        _ event: OrderEvent, for id: OrderID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let entry = entries[id] else { return }
        let (before, row) = (entry.order, entry.row)
        var order = before
        let transition = order.handle(event, at: time)
        let strategy = order.intent.strategy
        switch event {
        case .amendSent:
            entries[id]?.awaitsAmendAnswer = true
            noteAmendment(of: id, lastSent: time)
        case .amended, .amendRefused:
            entries[id]?.awaitsAmendAnswer = false
            entries[id]?.termsSettled = statusQuestions
        case .filled where before.amendment != nil && order.amendment == nil:
            // The fill has settled the change: an answer to a question from before it is of older terms.
            entries[id]?.termsSettled = statusQuestions
        case .sent, .unsent, .outcomeUnknown, .accepted, .foundOpen, .rejected, .absent, .cancelWanted,
            .cancelRefused, .cancelled, .expired, .reportedFilled, .filled, .inferredUndone:
            break
        }
        if !before.wasHeardOf, order.wasHeardOf { entries.change(id) { $0.firstHeard = statusQuestions } }
        noteLateTerms(of: order, before: before)
        if transition.changed {
            entries.change(id) { $0.order = order }
            gate.move(row, from: before.claim, to: order.claim)
            settle(row, from: before, to: order)
            if event != .sent {
                actions.append(.record(.order(order.journaled)))
                // The trade that takes the place of an inferred fill follows at once: nobody is told of less in between.
                if case .inferredUndone = event {} else { actions.append(.tell(strategy, .order(order))) }
            }
        }
        if let alarm = transition.alarm { actions.append(.alarm(.order(id, strategy, alarm))) }
        follow(transition, of: order, row: row, at: time, &actions)
        if before.status == .unknown, order.status != .unknown {
            endAmbiguity(of: id, row: row, at: time, &actions)
        }
        if before.status != order.status, order.status.isTerminal {
            progressFlatten(row, at: time, &actions)
            tendBrackets(row, at: time, &actions)
        }
    }

    /// Keeps the lists of live and ended orders true.
    private mutating func settle(_ row: Int, from before: Order, to order: Order) {
        if before.venueOrderID == nil, let id = order.venueOrderID {
            name(order.id, id, on: order.intent.account)
        }
        if order.owesTrades {
            owed.insert(order.id)
        } else if owed.remove(order.id) != nil {
            entries.change(order.id) { ($0.owedSince, $0.tradeQuestions) = (nil, 0) }
        }
        guard before.status.isTerminal != order.status.isTerminal else { return }
        if order.status.isTerminal {
            gate.rows[row].live.removeAll { $0 == order.id }
            end(order.id)
        } else {
            gate.rows[row].live.append(order.id)
        }
    }

    private mutating func follow(
        _ transition: OrderTransition, of order: Order, row: Int, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        if transition.asksStatus || (transition.changed && order.status == .unknown) {
            askStatus(of: order, at: time, &actions)
        }
        if transition.asksTrades { askTrades(on: order.intent.account, &actions) }
        if transition.sendsCancel { sendCancel(of: order.id, at: time, &actions) }
        if case .overfilled = transition.alarm, order.intent.origin == .strategy {
            halt(
                .strategy(order.intent.strategy),
                reason: "order \(order.id) was filled for more than it asked",
                orders: .cancel, at: time, &actions)
        }
        if transition.alarm == .resurrected, !order.status.isTerminal, !order.cancelWanted {
            // The strategy was told that the order is not there; if it acted on that, the order must go.
            let strategy = gate.strategies[gate.rows[row].strategy].enrolment
            if gate.rows[row].lastOrder > order.id || !strategy.isRunning || strategy.run != order.intent.run
            {
                handle(.cancelWanted, for: order.id, at: time, &actions)
            }
        }
    }

    mutating func askStatus(of order: Order, at time: Timestamp, _ actions: inout [DeskAction]) {
        statusQuestions += 1
        entries[order.id]?.askedAt = time
        entries[order.id]?.statusQuestions += 1
        entries[order.id]?.lastQuestion = statusQuestions
        actions.append(.send(order.intent.account, .status(order.reference)))
    }

    mutating func askTrades(on account: AccountID, _ actions: inout [DeskAction]) {
        questions[account, default: 0] += 1
        audits[account, default: AccountAudit()].asks(.trades, at: latest)
        actions.append(.send(account, .trades(after: tradeCursors[account])))
    }

    mutating func sendCancel(of id: OrderID, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard let order = entries[id]?.order, order.status == .pendingCancel else { return }
        entries[id]?.cancelAttempts += 1
        entries[id]?.askedAt = time
        actions.append(.send(order.intent.account, .cancel(order.reference)))
    }
}

// MARK: - Answers to questions

extension OrderDesk {
    /// - Parameter isListed: Whether it stood in a list of open orders, and answers no question about itself.
    private mutating func take(
        _ found: VenueOrder, isListed: Bool, on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        guard let id = ours(found.clientID, found.venueOrderID, found.symbol, found.side, on: account) else {
            guard found.state == .open else { return }
            let name = VenueName(account: account, id: found.venueOrderID)
            if strangers.insert(name).inserted {
                actions.append(
                    .alarm(.externalOrder(account, symbol: found.symbol, found.venueOrderID)))
            }
            return
        }
        // Its trades may carry this name alone.
        name(id, found.venueOrderID, on: account)
        let seen = entries[id]
        let knowsTerms = isListed ? false : takeStatusAnswer(about: id, since: \.termsSettled)
        if found.state != .open { stillOpen[id] = nil }
        switch found.state {
        case .open:
            handle(.foundOpen(found.venueOrderID, filled: found.filledQuantity), for: id, at: time, &actions)
            settleAmendment(of: id, as: found, isCurrent: knowsTerms, whenAsked: seen, at: time, &actions)
            repeatCancel(of: id, at: time, &actions)
            takeOpenAfterEnd(of: id, as: found, isListed: isListed, at: time, &actions)
        case .filled:
            settleAmendment(of: id, as: found, isCurrent: true, whenAsked: seen, at: time, &actions)
            handle(.reportedFilled(found.filledQuantity), for: id, at: time, &actions)
        case .cancelled:
            settleAmendment(of: id, as: found, isCurrent: true, whenAsked: seen, at: time, &actions)
            handle(
                .cancelled(filled: found.filledQuantity, reason: found.reason), for: id, at: time, &actions)
        case .expired:
            settleAmendment(of: id, as: found, isCurrent: true, whenAsked: seen, at: time, &actions)
            handle(.expired(filled: found.filledQuantity, reason: found.reason), for: id, at: time, &actions)
        case .rejected:
            handle(
                .rejected(reason: found.reason ?? "the venue gave no reason"), for: id, at: time, &actions)
        }
    }

    /// Our order by any of its names. A venue's own id alone must agree in symbol and side: ids can be used again.
    private func ours(
        _ clientID: ClientOrderID?, _ venueID: VenueOrderID, _ symbol: String, _ side: Side,
        on account: AccountID
    ) -> OrderID? {
        let id: OrderID?
        if let clientID {
            id = order(named: clientID, on: account)
        } else {
            id = order(named: venueID, on: account)
        }
        guard let id, let order = entries[id]?.order, order.symbol == symbol, order.side == side else {
            return nil
        }
        return id
    }

    /// An order whose cancel was lost is cancelled again, which does no harm, and not without end.
    private mutating func repeatCancel(of id: OrderID, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard let entry = entries[id], entry.order.status == .pendingCancel else { return }
        guard entry.cancelAttempts < settings.cancelAttempts else {
            if entry.cancelAttempts == settings.cancelAttempts {
                entries[id]?.cancelAttempts += 1
                actions.append(
                    .alarm(
                        .cancelFailing(
                            id, entry.order.intent.strategy, reason: entry.order.reason ?? "it stays open")))
            }
            return
        }
        entries[id]?.cancelAttempts += 1
        actions.append(.send(entry.order.intent.account, .cancel(entry.order.reference)))
    }

    /// Counts an answer about an order. True when it is to a question that was asked after the marked one.
    @discardableResult
    private mutating func takeStatusAnswer(
        about id: OrderID, since mark: KeyPath<Entry, Int> = \.firstHeard
    ) -> Bool {
        guard let entry = entries[id] else { return false }
        entries[id]?.statusQuestions = max(0, entry.statusQuestions - 1)
        // Of several answers under way nobody knows which one this is. One that was not asked for is news of now.
        return entry.statusQuestions == 0
            || entry.statusQuestions == 1 && entry.lastQuestion > entry[keyPath: mark]
    }

    private mutating func takeAbsence(
        of id: ClientOrderID, on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard let number = order(named: id, on: account), let entry = entries[number] else { return }
        let order = entry.order
        let isNews = takeStatusAnswer(about: number)
        stillOpen[number] = nil
        if order.wasHeardOf, !order.status.isTerminal, !isNews {
            // It may have been asked before the venue spoke of the order.
            if entry.statusQuestions <= 1 { askStatus(of: order, at: time, &actions) }
            return
        }
        // Too early to believe it; `review` asks again.
        guard isGraceOver(since: order.intent.createdAt, orElse: \.absentSince, for: entry, at: time) else {
            return
        }
        // Still on its way out of this host.
        guard order.status != .pending, order.status != .submitted else { return }
        handle(.absent, for: number, at: time, &actions)
    }

    /// Whether no request of ours could be on its way any more when the venue was asked. When the clock was set back
    /// since `begin`, the time counts from the first answer that did not show what was asked for.
    ///
    /// - Parameters:
    ///   - begin: When the request was made.
    ///   - first: Where the time of that first answer is kept.
    ///   - entry: The order as it was before the answer.
    mutating func isGraceOver(
        since begin: Timestamp, orElse first: WritableKeyPath<Entry, Timestamp?>, for entry: Entry,
        at time: Timestamp
    ) -> Bool {
        let grace = grace(on: entry.order.intent.account)
        guard grace > 0 else { return true }
        // Of several answers under way nobody knows which one this is. One that was not asked for is news of now.
        guard entry.statusQuestions <= 1 else { return false }
        let asked = entry.statusQuestions == 0 ? time : min(entry.askedAt ?? time, time)
        if asked >= begin.advanced(byMilliseconds: grace) { return true }
        guard let since = entry[keyPath: first], time >= since else {
            entries[entry.order.id]?[keyPath: first] = time
            return false
        }
        return asked >= since.advanced(byMilliseconds: grace)
    }

    /// How long a request to the account's venue may be on its way, in milliseconds.
    func grace(on account: AccountID) -> Int64 {
        gate.account(account).map { gate.accounts[$0].settings.absenceGraceMilliseconds } ?? 0
    }

    private mutating func takePage(
        _ trades: [VenueTrade], cursor: String?, isComplete: Bool, on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        let isDecided = !trades.contains { isUndecided($0, on: account) }
        for trade in trades { book(trade, isPaged: true, on: account, at: time, &actions) }
        guard isDecided else { return }
        if let cursor, cursor != tradeCursors[account] {
            tradeCursors[account] = cursor
            actions.append(.record(.tradeCursor(account, cursor)))
        }
        guard isComplete else {
            askTrades(on: account, &actions)
            return
        }
        tails[account, default: TradeTail()].isComplete = true
        inferOwedFills(on: account, at: time, &actions)
    }

    private mutating func takeOpenOrders(
        _ orders: [VenueOrder], on account: AccountID, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        var seen: [OrderID: Set<VenueOrderID>] = [:]
        for order in orders {
            let id = ours(order.clientID, order.venueOrderID, order.symbol, order.side, on: account)
            if let id { seen[id, default: []].insert(order.venueOrderID) }
            take(order, isListed: true, on: account, at: time, &actions)
        }
        takeDoubles(in: seen, on: account, &actions)
        guard let number = gate.account(account) else { return }
        for row in gate.accounts[number].rows {
            for id in gate.rows[row].live {
                // One that has traded but was never acknowledged has no name of the venue's yet.
                guard let order = entries[id]?.order, order.status.isWorking, seen[id] == nil else {
                    continue
                }
                askStatus(of: order, at: time, &actions)
            }
        }
    }

    private mutating func takeSilence(
        _ request: VenueRequest, reason: String, on account: AccountID, at time: Timestamp,
        _ actions: inout [DeskAction]
    ) {
        if isNews(request, of: account) { actions.append(.alarm(.unanswered(account, reason))) }
        switch request {
        case .trades, .openOrders: takeAnswer(on: account, wasGiven: false)
        case .balances: audits[account]?.heardNothing(reason)
        case .status(let reference):
            if let id = order(named: reference.clientID, on: account) { takeStatusAnswer(about: id) }
        case .place, .cancel, .amend, .decided: break
        }
        guard case .amend(let reference, _) = request,
            let id = order(named: reference.clientID, on: account), let order = entries[id]?.order
        else { return }
        entries[id]?.awaitsAmendAnswer = false
        entries[id]?.termsSettled = statusQuestions
        noteAmendment(of: id, lastSent: time)
        askStatus(of: order, at: time, &actions)
    }

    /// Asks again what is still open to question: unknown outcomes, cancels without an end, changes, trades owed.
    ///
    /// Call it every second or so. It costs nothing while nothing is in question.
    public mutating func review(at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        reviewAccounts(at: time, &actions)
        reviewPeaks(at: time, &actions)
        reviewBalances(&actions)
        for row in gate.rows.indices where !isAway(gate.accounts[gate.rows[row].account].settings.id) {
            for id in gate.rows[row].live {
                guard let entry = entries[id] else { continue }
                // An answer that did not come by now is not waited for any longer.
                if entry.statusQuestions > 0, isPast(entry.askedAt, 60_000, at: time) {
                    entries[id]?.statusQuestions = 0
                }
                // Every question is answered, or told not to be: until then another would make doubtful which answer is
                // whose.
                guard
                    entry.order.status == .unknown || entry.order.status == .pendingCancel
                        || isChangeInDoubt(entry),
                    entries[id]?.statusQuestions == 0, isDue(entry.askedAt, at: time)
                else { continue }
                askStatus(of: entry.order, at: time, &actions)
            }
        }
        reviewStillOpen(at: time, &actions)
        reviewLimitClosings(at: time, &actions)
        reviewLateTerms(at: time, &actions)
        var accounts: Set<AccountID> = []
        for id in owed.sorted() {
            guard let entry = entries[id], isDue(entry.owedSince, at: time),
                !isAway(entry.order.intent.account)
            else { continue }
            accounts.insert(entry.order.intent.account)
        }
        for (account, tail) in tails
        where tail.streamed.count > settings.rememberedFills / 4 && isDue(tail.askedAt, at: time)
            && !isAway(account)
        {
            // The answer moves the cursor on, so that the next start has little to ask for and these can be forgotten.
            tails[account]?.askedAt = time
            accounts.insert(account)
        }
        for account in accounts.sorted() { askTrades(on: account, &actions) }
        // One that waited for trades, or for its venue, hears of no order's end any more.
        for row in flattening.keys.sorted() { progressFlatten(row, at: time, &actions) }
        tendAllBrackets(at: time, &actions)
        return actions
    }

    func isDue(_ last: Timestamp?, at time: Timestamp) -> Bool {
        isPast(last, settings.questionMilliseconds, at: time)
    }

    /// Whether so much time has passed, or the clock was set back, so that nobody can tell.
    func isPast(_ last: Timestamp?, _ milliseconds: Int64, at time: Timestamp) -> Bool {
        guard let last else { return true }
        return time < last || time >= last.advanced(byMilliseconds: milliseconds)
    }

    /// Asks the venue about every order that has not ended, and for what was missed. For starts and reconnections.
    ///
    /// Until the answers are here, only orders that reduce a position pass. Orders still on their way out of this host are
    /// left to their own answers.
    ///
    /// - Parameter only: The one account to ask about; nil asks about all.
    public mutating func reconcile(_ only: AccountID? = nil, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        if only == nil { lastAudit = time }
        for account in gate.accounts.map(\.settings.id)
        where (only == nil || only == account) && !isAway(account) {
            beginMerge(account, at: time, &actions)
        }
        for row in flattening.keys.sorted() { progressFlatten(row, at: time, &actions) }
        return actions
    }
}
