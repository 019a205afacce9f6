internal import Catalogue
internal import Journal
internal import MarketData
internal import Posix
internal import Trading
public import Wire

/// What strategies said and did, and what is held.
extension Host {
    /// Log lines, oldest first: those after the cursor (a sequence number), or without one the last of them.
    public func logs(of strategy: String, page: PageRequest) async throws(HostError) -> Page<LogLine> {
        let log = try await floor { floor throws(HostError) in try floor.find(strategy).log }
        do {
            let records: [LogLine]
            if page.after == nil {
                records = try log.last(page.limit).records
            } else {
                let sequence = Int(clamping: try page.number(below: 0))
                records = try log.after(max(0, sequence), limit: page.limit).records
            }
            return Page(items: records, next: records.last.map { String($0.sequence) })
        } catch let error as HostError {
            throw error
        } catch {
            throw .unavailable("the log could not be read: \(error)")
        }
    }

    /// What the sandbox refused the strategy, the latest first, each kind of call once.
    public func violations(of strategy: String) async throws(HostError) -> [ViolationView] {
        try await floor { floor throws(HostError) in floor.violations(of: try floor.find(strategy)) }
    }

    /// Signals, newest first.
    public func signals(of strategy: String, page: PageRequest) async throws(HostError) -> Page<SignalView> {
        _ = try await owner(of: strategy)
        return try store.signals(of: strategy, page: page)
    }

    /// Orders, newest first.
    public func orders(of strategy: String, page: PageRequest) async throws(HostError) -> Page<OrderView> {
        _ = try await owner(of: strategy)
        return try deskStore.orders(of: strategy, page: page).map { OrderView($0) }
    }

    /// Fills, newest first.
    public func fills(of strategy: String, page: PageRequest) async throws(HostError) -> Page<FillView> {
        _ = try await owner(of: strategy)
        return try deskStore.fills(of: strategy, page: page).map { FillView($0) }
    }

    /// One signal, of whichever strategy.
    public func signal(_ id: String) async throws(HostError) -> SignalView {
        guard let signal = try store.signal(id) else { throw .notFound(kind: "signal", id: id) }
        return signal
    }

    /// Recent candles of the strategy's feed, oldest first; nil takes the strategy's own symbol.
    public func candles(
        of strategy: String, symbol: String?, limit: Int
    ) async throws(HostError) -> [CandleView] {
        try await floor { floor throws(HostError) in
            let found = try floor.find(strategy)
            guard let feed = floor.feeds[found.plan?.feed ?? Feed.principal] else { return [] }
            return feed.market.history(
                symbol: symbol ?? found.config.symbol, resolution: found.config.resolution, count: limit
            ).map { CandleView($0) }
        }
    }

    /// The strategy's equity over time, oldest first, thinned to at most `limit` points.
    public func equity(of strategy: String, limit: Int) async throws(HostError) -> [EquityPoint] {
        _ = try await owner(of: strategy)
        return try store.equity(of: strategy, limit: limit)
    }

    /// Every open position.
    public func positions(owner: String?) async throws(HostError) -> [PositionView] {
        try await floor { floor throws(HostError) in
            floor.strategies.values.filter { owner == nil || $0.owner == owner }.sorted { $0.id < $1.id }
                .flatMap { floor.positions(of: $0) }.filter { !$0.quantity.isZero }
        }
    }

    /// Orders that may still fill, newest first.
    public func openOrders(owner: String?, page: PageRequest) async throws(HostError) -> Page<OrderView> {
        let before = try page.number(below: .max)
        let orders = try await floor { floor throws(HostError) in
            floor.desk.desk.liveOrders().reversed().filter { order in
                order.id.number < before
                    && (owner == nil || floor.strategies[order.intent.strategy.text]?.owner == owner)
            }.prefix(page.limit + 1).map { OrderView($0) }
        }
        return page.cut(Array(orders), cursor: \.id)
    }

    /// Profit and loss: in total, by strategy and by symbol.
    public func profit(owner: String?) async throws(HostError) -> ProfitView {
        try await floor { floor throws(HostError) in floor.profit(owner: owner) }
    }

    /// Sends `event`s about `topic` to `sink` from now on; with `after`, first everything kept since that id.
    ///
    /// The host offers from its own thread and must drop the sink once an offer returns false.
    public func follow(_ topic: EventTopic, after: Int?, sink: any EventSink) async throws(HostError) {
        if case .logs(let strategy) = topic {
            return try await followLog(of: strategy, after: after, sink: sink)
        }
        try await floor { floor throws(HostError) in
            if case .strategy(let id) = topic { _ = try floor.find(id) }
            floor.hub.follow(topic, after: after, sink: sink)
        }
    }

    /// Sends what `topic` means to `sink` from now on; with `after`, first the candles kept since that number.
    public func followMarket(
        _ topic: MarketTopic, after: Int?, sink: any MarketSink
    ) async throws(HostError) {
        try await floor { floor throws(HostError) in
            if let id = topic.feed, floor.feeds[id] == nil { throw .notFound(kind: "feed", id: id) }
            floor.markets.follow(topic, after: after, sink: sink)
        }
    }

    /// Gives a log's reader what it has missed before the lines to come. Both are read on the floor's thread, so that no
    /// line falls between; what is on disk already was read before that.
    private func followLog(
        of strategy: String, after: Int?, sink: any EventSink
    ) async throws(HostError) {
        var last = after
        if let after {
            let page = try await logs(
                of: strategy, page: PageRequest(limit: PageRequest.maximum, after: String(after)))
            for line in page.items {
                guard
                    sink.offer(HostEvent(.log, strategy: strategy, sequence: line.sequence, data: line.json))
                else {
                    return
                }
                last = line.sequence
            }
        }
        let resume = last
        try await floor { floor throws(HostError) in
            let log = try floor.find(strategy).log
            if let resume {
                do {
                    for record in try log.after(resume, limit: PageRequest.maximum).records {
                        let event = HostEvent(
                            .log, strategy: strategy, sequence: record.sequence, data: record.json)
                        guard sink.offer(event) else { return }
                    }
                } catch {
                    throw .unavailable("the log could not be read: \(error)")
                }
            }
            floor.hub.follow(.logs(strategy: strategy), after: nil, sink: sink)
        }
    }
}
