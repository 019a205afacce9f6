internal import Supervisor
internal import Trading

/// Who wants to hear of what in one feed.
struct Subscriptions {
    /// One kind of market data.
    enum Key: Hashable {
        case candles(symbol: String, resolution: Resolution)
        case trades(symbol: String)
        case quotes(symbol: String)

        /// What an event is about.
        init(_ event: MarketEvent) {
            switch event {
            case .candle(let candle): self = .candles(symbol: candle.symbol, resolution: candle.resolution)
            case .trade(let trade): self = .trades(symbol: trade.symbol)
            case .quote(let quote): self = .quotes(symbol: quote.symbol)
            }
        }
    }

    private var strategies: [Key: [FloorStrategy]] = [:]

    /// Those who want the event, in the order in which they asked.
    func takers(of event: MarketEvent) -> [FloorStrategy] {
        strategies[Key(event)] ?? []
    }

    /// How many lines wait for the slowest of those who want anything.
    var largestBacklog: Int {
        strategies.values.joined().map { $0.runner?.backlog ?? 0 }.max() ?? 0
    }

    /// Adds a strategy; asking twice changes nothing.
    mutating func add(_ strategy: FloorStrategy, to key: Key) {
        guard !(strategies[key] ?? []).contains(where: { $0 === strategy }) else { return }
        strategies[key, default: []].append(strategy)
    }

    /// Forgets a strategy.
    mutating func remove(_ strategy: FloorStrategy) {
        for key in strategies.keys { strategies[key]?.removeAll { $0 === strategy } }
        strategies = strategies.filter { !$0.value.isEmpty }
    }
}
