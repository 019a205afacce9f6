internal import Exchanges
internal import Trading

/// Notes for orders' stories.
extension Floor {
    /// Listens to what passes between desk and venues.
    func listenForStories() {
        story.find = { [weak self] strategy, request in
            self?.desk.desk.order(request: request, of: strategy)
        }
        desk.onCarried = { [weak self] request, occasion in self?.carried(request, occasion) }
        desk.onReport = { [weak self] account, report, asked in
            self?.heard(report, on: account)
            return self?.findings(in: report, to: asked)
        }
    }

    /// Notes something about one of our orders.
    func note(_ order: OrderID, _ fact: StoryFact) { story.note(order, fact, desk.recorded) }

    /// Notes something about the order that a strategy's request led to, or leads to in this turn.
    func note(_ request: RequestID, of strategy: FloorStrategy, _ fact: StoryFact) {
        story.note(StrategyID(strategy.id), request, fact, desk.recorded)
    }

    /// Notes what passed between an adapter and a venue, when it is about one of our orders.
    func note(_ name: ClientOrderID?, _ fact: StoryFact) {
        if let order = ours(name) { note(order, fact) }
    }

    /// Notes that the last host's open orders are taken over.
    func noteRecovery() {
        for order in desk.desk.liveOrders() { note(order.id, .recovered(order.status)) }
    }

    private func carried(_ request: VenueRequest, _ occasion: Occasion) {
        let name: ClientOrderID
        switch request {
        case .place(let place): name = place.clientID
        case .cancel(let order), .amend(let order, _), .status(let order), .decided(let order, _):
            name = order.clientID
        case .trades, .openOrders, .balances: return
        }
        guard let order = ours(name) else { return }
        note(order, .carried(request, occasion))
    }

    private func heard(_ report: VenueReport, on account: AccountID) {
        if case .trades(let trades, _, _) = report {
            for trade in trades where !desk.desk.hasBooked(trade.trade, in: trade.symbol, on: account) {
                if let order = ours(trade.clientID) { note(order, .foundTrade(trade)) }
            }
            return
        }
        guard let order = ours(report.order) else { return }
        note(order, .heard(report))
    }

    /// Notes, once the desk has heard an answer, what it brought to light; nil when nothing was in doubt.
    private func findings(in report: VenueReport, to asked: DeskDriver.Asked?) -> (() -> Void)? {
        guard let asked, let question = StoryFinding.Question(asked.request) else { return nil }
        let doubted = report.named(by: asked.request).compactMap { ours($0) }
            .compactMap { desk.desk.order($0) }.filter(\.isInDoubt)
        guard !doubted.isEmpty else { return nil }
        return { [weak self] in
            guard let self else { return }
            for old in doubted {
                guard let new = desk.desk.order(old.id) else { continue }
                for finding in StoryFinding.all(from: old, to: new, by: question, on: asked.occasion) {
                    note(old.id, .found(finding))
                }
            }
        }
    }

    /// The order of that name, if it is ours and still remembered.
    private func ours(_ name: ClientOrderID?) -> OrderID? {
        guard let name, let number = name.order, desk.desk.order(number)?.intent.clientID == name else {
            return nil
        }
        return number
    }
}

extension VenueReport {
    /// The orders that an answer to a question speaks of.
    fileprivate func named(by request: VenueRequest) -> Set<ClientOrderID> {
        switch self {
        case .openOrders(let orders): return Set(orders.compactMap(\.clientID))
        case .trades(let trades, _, _): return Set(trades.compactMap(\.clientID))
        default:
            guard case .status(let reference) = request else { return [] }
            return [reference.clientID]
        }
    }

    /// The one order that it is about; nil for what is about none, about many or of no interest to a story.
    fileprivate var order: ClientOrderID? {
        switch self {
        case .unsent(let id, _), .outcomeUnknown(let id, _), .accepted(let id, _), .rejected(let id, _),
            .cancelled(let id, _, _), .expired(let id, _, _), .cancelRefused(let id, _), .amended(let id, _),
            .amendRefused(let id, _), .absent(let id), .ambiguous(let id, _):
            id
        case .trade(let trade): trade.clientID
        case .order(let order): order.clientID
        case .unanswered(let request, _):
            switch request {
            case .place(let place): place.clientID
            case .cancel(let order), .amend(let order, _), .status(let order), .decided(let order, _):
                order.clientID
            case .trades, .openOrders, .balances: nil
            }
        // That a request was handed over is noted where that is done.
        case .sent, .trades, .openOrders, .balances, .streamGap, .streamRestored, .venueUnavailable,
            .venueAvailable:
            nil
        }
    }
}
