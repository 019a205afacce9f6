internal import Catalogue
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// Orders from a strategy to the desk, and news from the desk to strategies and those who watch.
extension Floor {
    /// Hands an order to the desk under the instrument's name at the venue.
    func submit(
        _ terms: OrderTerms, bracket: BracketPrices?, request: String, by strategy: FloorStrategy
    ) {
        guard let symbol = venueSymbol(terms.symbol, of: strategy) else { return }
        var listed = terms
        listed.symbol = symbol
        desk.decide(on: .strategy) { desk, now in
            desk.submit(
                listed, bracket: bracket, request: RequestID(request), by: StrategyID(strategy.id), at: now,
                refusal: refusal(for: strategy), decided: { _ in noteDecision() })
        }
        note(RequestID(request), of: strategy, .asked(listed))
    }

    /// The instrument's name at the venue of the strategy's account: at an exchange its own, which is the feed's.
    func venueSymbol(_ symbol: String, of strategy: FloorStrategy) -> String? {
        guard let plan = strategy.plan, let feed = feeds[plan.feed] else { return nil }
        return accounts[plan.account]?.exchange == nil ? feed.venueSymbol(symbol) : symbol
    }

    private func noteDecision() {
        let decision = MonotonicClock.nanoseconds
        around.metrics.tickToOrder.observe(Double(decision - lastTick) / 1e9)
        around.instruments.onDecision?(lastTick, decision)
    }

    /// Why the host takes no orders of the strategy now, in words; nil when it does.
    func refusal(for strategy: FloorStrategy) -> String? {
        guard let state = strategy.runner?.state else { return "the strategy is not running" }
        if let fault = desk.fault { return "the journal cannot take it: \(fault.reason)" }
        switch state {
        case .running: return isDraining ? "the host is stopping" : nil
        case .starting, .ready: return "orders are taken once the history has been delivered"
        case .paused: return "the strategy is paused"
        case .stopping: return "the strategy is being stopped"
        case .stopped, .launching, .abandoning, .dying, .backingOff, .quarantined:
            return "the strategy is not running"
        }
    }

    /// Puts the strategy on its account for this run.
    func enrol(_ strategy: FloorStrategy, plan: FloorStrategy.Plan, run: String) {
        let limits = strategyLimits(strategy)
        desk.decide { desk, now in
            do throws(EnrolmentFlaw) {
                return try desk.enrol(
                    StrategyID(strategy.id), run: RunID(run), on: AccountID(plan.account),
                    capital: plan.capital, limits: limits, at: now)
            } catch {
                // The start has checked this; what changed since is told, and every order will be denied with it.
                log(strategy, .error, .host, "cannot trade: \(error)")
                return []
            }
        }
    }

    /// The strategy has no child any more: it asks for nothing until its next run, and its orders go as a policy says.
    func leave(_ strategy: FloorStrategy, orders policy: OrdersAtEnd) {
        desk.decide { desk, now in
            desk.strategyDied(
                StrategyID(strategy.id), orders: OpenOrderPolicy(policy),
                keepsBrackets: isDraining || strategy.config.bracketsAtDeath == .keep, at: now)
        }
    }

    /// The limits of a strategy: the tighter of what its author and what the operator set.
    func strategyLimits(_ strategy: FloorStrategy) -> RiskLimits {
        strategy.config.limits(on: strategy.plan.flatMap { accounts[$0.account] })
            .tightened(by: limits.strategies[strategy.id] ?? .none)
    }

    /// Sets the desk's ears and mouths.
    func connectDesk() {
        desk.onNotice = { [weak self] strategy, notice in self?.told(strategy, notice) }
        desk.onDurable = { [around] nanoseconds in
            around.metrics.orderToDurable.observe(Double(nanoseconds) / 1e9)
            around.instruments.onDurable?()
        }
        desk.onAlarm = { [around] alarm in
            around.log.part("desk").warning("\(alarm)")
            around.audit("desk", "alarm", "", "\(alarm)")
        }
        desk.onFault = { [around] fault in
            around.health.report("journal", fault: fault?.reason)
            if let fault {
                around.log.part("desk").error("new orders are denied", ["reason": fault.reason])
            } else {
                around.log.part("desk").info("the journal takes orders again")
            }
        }
    }

    private func told(_ id: StrategyID, _ notice: StrategyNotice) {
        guard let strategy = strategies[id.text] else { return }
        switch notice {
        case .order(let order):
            around.metrics.countOrder(order.status)
            if order.intent.request != nil { strategy.runner?.send(.order(OrderReport(order))) }
            hub.publish(
                .order, strategy: strategy.id, owner: strategy.owner, data: OrderView(order).json)
            if order.status == .denied, let reason = order.reason {
                log(strategy, .warning, .host, "order \(order.id) denied: \(reason)")
            } else if order.status == .rejected, let reason = order.reason {
                log(strategy, .warning, .host, "order \(order.id) rejected by the venue: \(reason)")
            }
        case .fill(let fill, let request):
            strategy.runner?.send(.fill(FillReport(fill, request: request)))
            hub.publish(.fill, strategy: strategy.id, owner: strategy.owner, data: FillView(fill).json)
        case .position(let position):
            strategy.runner?.send(.position(PositionReport(position)))
            hub.publish(
                .position, strategy: strategy.id, owner: strategy.owner, data: self.view(of: position).json)
        case .bracket(let bracket): told(bracket, strategy)
        case .trading(let notice):
            let subject = notice.symbol.map(Feed.symbol) ?? "the account"
            log(
                strategy, notice.state == .open ? .info : .warning, .host,
                notice.reason ?? "trading is open again on \(subject)")
            strategy.runner?.send(.trading(TradingReport(notice)))
        case .denied(let request, let denial):
            note(request, of: strategy, .denied(denial))
            log(strategy, .warning, .host, "request \(request): \(denial)")
            strategy.runner?.send(
                .order(.denied(request: request.text, reason: denial.description, at: now)))
        }
    }
}

extension OpenOrderPolicy {
    /// The interface's word for it in the desk's.
    init(_ policy: OrdersAtEnd) {
        switch policy {
        case .keep: self = .keep
        case .cancel: self = .cancel
        case .flatten: self = .flatten
        }
    }
}
