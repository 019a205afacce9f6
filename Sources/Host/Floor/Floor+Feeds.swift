internal import Exchanges
internal import MarketData
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// From a price to those who want it.
extension Floor {
    /// Opens a feed; nothing comes of it before it runs.
    @discardableResult
    func open(_ definition: FeedDefinition, cursor: String?) throws(HostError) -> Feed {
        var source: (any MarketSource)?
        if case .live(let live) = definition.source {
            source = try self.live(live.venue, live.environment).market()
        }
        let feed = try Feed(
            definition, folder: around.folders.root, cursor: cursor, source: source, loop: loop
        ) { [weak self] feed, event in
            self?.deliver(event, from: feed)
        }
        feed.onChange = { [weak self] in self?.changed($0) }
        feeds[definition.id] = feed
        list(feed)
        return feed
    }

    /// Tells venue and desk what can be traded on a feed.
    private func list(_ feed: Feed) {
        for instrument in feed.instruments.values {
            list(instrument, as: feed.venueSymbol(instrument.symbol))
        }
    }

    /// The exchange behind a feed told other instruments, or its stream broke or came back.
    private func changed(_ feed: Feed) {
        list(feed)
        around.health.report("feed-\(feed.id)", fault: feed.fault)
    }

    /// Tells venue and desk of an instrument under its name there.
    func list(_ instrument: Instrument, as symbol: String) {
        let listed = Instrument(
            symbol: symbol, base: instrument.base, quote: instrument.quote,
            tickSize: instrument.tickSize, stepSize: instrument.stepSize,
            minimumNotional: instrument.minimumNotional, takesMarketOrders: instrument.takesMarketOrders)
        listings[symbol] = listed
        paper.setInstruments(listings.values.sorted { $0.symbol < $1.symbol })
        desk.decide { desk, _ in
            desk.setInstruments([listed], at: AccountSetup.paper)
            return []
        }
    }

    /// Hands an event to the strategies that asked for it, and matches standing orders against it.
    ///
    /// The desk knows the price before a strategy can answer it. Matching waits until the strategies are at work: fills are
    /// told only when they are durable, so nothing overtakes anything by that.
    func deliver(_ event: MarketEvent, from feed: Feed) {
        around.metrics.ticks.increment()
        lastTick = feed.arrival ?? MonotonicClock.nanoseconds
        let symbol = feed.venueSymbol(event.symbol)
        paper.marketMoved(event, as: symbol)
        desk.priceMoved(event, as: symbol, on: paper.venue)
        if let exchange = feed.exchange { desk.priceMoved(event, as: event.symbol, on: exchange) }
        let takers = feed.subscriptions.takers(of: event)
        if !takers.isEmpty {
            let message = HostMessage(event)
            let line = message.line
            for strategy in takers { deliver(line, message, about: event, to: strategy) }
        }
        markets.publish(event, of: feed.id)
    }

    private func deliver(
        _ line: [UInt8], _ message: HostMessage, about event: MarketEvent, to strategy: FloorStrategy
    ) {
        guard let runner = strategy.runner, runner.state.mayTrade else { return }
        if case .candle(let candle) = event {
            strategy.deliveredUntil[Subscriptions.Key(event)] = candle.closeTime
        }
        runner.send(line, like: message)
    }

    /// Gives a strategy the candles that closed since it last got one, marked as history.
    func deliverMissed(to strategy: FloorStrategy, from feed: Feed) {
        for key in strategy.subscribed {
            guard case .candles(let symbol, let resolution) = key,
                let until = strategy.deliveredUntil[key]
            else { continue }
            for candle in feed.market.history(symbol: symbol, resolution: resolution, count: 2_000)
            where candle.closeTime > until {
                strategy.runner?.send(.candle(candle, isHistory: true))
                strategy.deliveredUntil[key] = candle.closeTime
            }
        }
    }

    /// Subscribes a strategy, and for candles first gives it `lookback` closed ones as history.
    func subscribe(_ strategy: FloorStrategy, to key: Subscriptions.Key, of feed: Feed, lookback: Int) {
        guard strategy.subscribed.insert(key).inserted else { return }
        if case .candles(let symbol, let resolution) = key {
            for candle in feed.market.history(symbol: symbol, resolution: resolution, count: lookback) {
                strategy.runner?.send(.candle(candle, isHistory: true))
                strategy.deliveredUntil[key] = candle.closeTime
            }
        }
        feed.subscriptions.add(strategy, to: key)
    }

    /// Forgets what a strategy wanted to hear, as at the end of its run.
    func unsubscribe(_ strategy: FloorStrategy) {
        strategy.subscribed = []
        strategy.deliveredUntil = [:]
        guard let feed = strategy.plan.flatMap({ feeds[$0.feed] }) else { return }
        feed.subscriptions.remove(strategy)
        let others = strategies.values.contains { $0.isLive && $0 !== strategy && $0.plan?.feed == feed.id }
        if !others { feed.lastStrategyLeft() }
    }
}

extension HostMessage {
    /// The line that tells a strategy of the event.
    init(_ event: MarketEvent) {
        switch event {
        case .candle(let candle): self = .candle(candle, isHistory: false)
        case .trade(let trade): self = .trade(trade)
        case .quote(let quote): self = .quote(quote)
        }
    }
}
