import Exchanges
import Host
import Trading

/// Strategies, and the operator.
extension Schedule {
    func scheduleAction() {
        clock.after(Int64(random.between(10, 300))) { [unowned self] in
            guard !isCalm, actionsLeft > 0 else { return }
            actionsLeft -= 1
            if let life, let driver = life.driver { act(driver, life) }
            scheduleAction()
        }
    }

    func scheduleReview() {
        clock.after(1_000) { [unowned self] in
            guard !isCalm else { return }
            life?.driver?.decide { desk, now in desk.review(at: now) }
            checkPace()
            scheduleReview()
        }
    }

    /// Looks whether the desk still asks as often as it should.
    func checkPace() {
        guard let desk else { return }
        for words in books.paceFlaws(in: desk, now: clock.now) { flaw(words) }
    }

    private func act(_ driver: DeskDriver, _ life: HostLife) {
        let strategy = random.one(of: plan.strategies)
        switch dice() {
        case 0..<58: submit(by: strategy, driver)
        case 58..<74:
            if let order = anyLiveOrder(of: strategy, driver), let request = order.intent.request {
                driver.decide { desk, now in desk.cancel(request, by: strategy, at: now) }
            }
        case 74..<84:
            if let order = anyLiveOrder(of: strategy, driver) { amend(order, by: strategy, driver) }
        case 84..<88: if plan.has(.c2), requests > 0 { submitAgain(by: strategy, driver) }
        case 88..<91:
            driver.decide { desk, now in desk.strategyDied(strategy, orders: .cancel, at: now) }
            life.enrol(strategy, limits: mutation == .noLimits ? .none : plan.limits)
        case 91..<93: driver.decide { desk, now in desk.flatten(.strategy(strategy), at: now) }
        case 93..<96:
            for scope in halted.sorted(by: { "\($0)" < "\($1)" }).prefix(1) { resume(scope, driver) }
        case 98..<100 where plan.has(.r6): acceptDifferences(driver)
        default: actOnBrackets(by: strategy, driver)
        }
    }

    /// What a strategy does next. Where only changes or cancels go wrong, there are more of them.
    private func dice() -> Int {
        let dice = random.below(100)
        if plan.isAlone(.e12), (28..<58).contains(dice) { return 74 }
        guard (38..<58).contains(dice) else { return dice }
        if plan.isAlone(.e9) || plan.isAlone(.e10) { return 58 }
        return dice
    }

    private func anyLiveOrder(of strategy: StrategyID, _ driver: DeskDriver) -> Order? {
        let orders = driver.desk.liveOrders(of: strategy).filter { $0.intent.request != nil }
        return orders.isEmpty ? nil : random.one(of: orders)
    }

    private func terms() -> OrderTerms {
        let symbol = random.below(World.symbols.count)
        let (price, quantity) = market.offer(symbol, &random)
        let side: Side = random.percent(50) ? .buy : .sell
        var terms = OrderTerms(
            symbol: World.symbols[symbol], side: side, type: .market, quantity: quantity,
            reduceOnly: random.percent(12))
        switch random.below(20) {
        case 0..<7: break
        case 7..<15:
            terms.type = .limit
            terms.price = price
            terms.postOnly = random.percent(15)
        case 15..<17:
            terms.type = .limit
            terms.price = price
            terms.timeInForce = random.percent(50) ? .ioc : .fok
        case 17: (terms.type, terms.stopPrice) = (.stop, price)
        case 18: (terms.type, terms.stopPrice) = (.takeProfit, price)
        default: (terms.type, terms.stopPrice, terms.price) = (.stopLimit, price, price)
        }
        return terms
    }

    private func submit(by strategy: StrategyID, _ driver: DeskDriver) {
        requests += 1
        submit(terms(), request: RequestID("\(requests)"), by: strategy, driver)
    }

    private func submitAgain(by strategy: StrategyID, _ driver: DeskDriver) {
        let request = RequestID("\(random.between(1, requests))")
        guard let old = books.terms(of: request, by: strategy) else { return }
        tally.note(.c2)
        submit(old, request: request, by: strategy, driver)
    }

    private func submit(
        _ terms: OrderTerms, request: RequestID, by strategy: StrategyID, _ driver: DeskDriver
    ) {
        books.asks(terms, request: request, by: strategy)
        let owner = ledgerOwner(strategy)
        var name = request
        if mutation == .repeatsAreNew {
            requests += 1
            name = RequestID("\(request)/\(requests)")
        }
        let refusal = driver.fault.map { "the journal cannot take it: \($0.reason)" }
        let prices = legs(for: terms)
        driver.decide { desk, now in
            desk.submit(terms, bracket: prices, request: name, by: owner, at: now, refusal: refusal)
        }
        guard let order = driver.desk.order(request: name, of: owner), books.isNew(order) else { return }
        if order.status == .denied {
            if order.reason?.contains("account") == true { tally.note(.c6) }
            return
        }
        for words in books.admitted(
            order, request: request, by: strategy, in: driver.desk, now: clock.now, at: wallClock,
            halted: halted, instruments: instruments)
        {
            flaw(words)
        }
    }

    /// Under whose name the host keeps a strategy's orders.
    private func ledgerOwner(_ strategy: StrategyID) -> StrategyID {
        guard mutation == .ledgersAreShared else { return strategy }
        return plan.strategies.first { account(of: $0) == account(of: strategy) } ?? strategy
    }

    private func amend(_ order: Order, by strategy: StrategyID, _ driver: DeskDriver) {
        guard let request = order.intent.request,
            let symbol = World.symbols.firstIndex(of: order.symbol)
        else { return }
        var (price, quantity) = market.offer(symbol, &random)
        // So that what was replaced and what replaces it can be seen side by side.
        if plan.replaces, plan.isAlone(.e12), random.percent(60) { price = market.away(symbol, order.side) }
        driver.decide { desk, now in
            desk.amend(
                request, quantity: quantity, price: order.price == nil ? nil : price, by: strategy, at: now)
        }
    }

    func haltSomething() {
        guard let driver = life?.driver else { return }
        let scope: RiskScope =
            random.percent(30)
            ? .everything : .strategy(random.one(of: plan.strategies))
        halted.insert(scope)
        books.wantsEnded(driver.desk.liveOrders().filter { scope.covers($0) && $0.intent.origin != .desk })
        guard mutation != .haltsAreIgnored else { return }
        let policy: OpenOrderPolicy = random.percent(60) ? .cancel : .flatten
        driver.decide { desk, now in desk.halt(scope, reason: "by hand", orders: policy, at: now) }
    }

    private func resume(_ scope: RiskScope, _ driver: DeskDriver) {
        halted.remove(scope)
        driver.decide { desk, now in desk.resume(scope, at: now) }
    }
}

extension RiskScope {
    /// Whether an order is in it.
    func covers(_ order: Order) -> Bool {
        switch self {
        case .everything: true
        case .venue(let id): order.intent.venue == id
        case .account(let id): order.intent.account == id
        case .strategy(let id): order.intent.strategy == id
        }
    }
}
