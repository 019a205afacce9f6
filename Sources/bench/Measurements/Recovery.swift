import Host
import Journal
import Posix
import Trading
import Wire

extension Measurement {
    /// How long a host that was killed stays away from the market.
    static let recovery = Measurement(
        name: "recovery",
        summary:
            "from the start of a killed host to its first order at the Binance simulator, with 100,000 orders"
    ) { surroundings in
        var load = try await ExchangeLoad(surroundings)
        _ = try await load.add(5, name: "paced", everyMicroseconds: 100_000, starts: true)
        let recovery = Recovery(load: load)
        let count = surroundings.isQuick ? 3 : 15
        let few = try await recovery.starts(count)
        try load.host.kill()
        try await Posix.Thread.run { [path = load.host.data + "/journal.db"] in
            try Recovery.addOrders(100_000, to: path)
        }
        let many = try await recovery.starts(count, isDead: true)
        try load.end()
        return Recovery.figures(many, few)
    }
}

/// One host that is killed and started again.
private struct Recovery {
    let load: ExchangeLoad

    /// Milliseconds from the start of the process.
    struct Start {
        var ready = 0.0
        var stream = 0.0
        var order = 0.0
        /// How long steps of the host's opening took.
        var steps: [String: Double] = [:]
    }

    private static let steps = [
        ("journal_ms", "the journal opened and checked"), ("reading_ms", "what it holds read"),
        ("desk_ms", "the desk made of it"),
    ]

    /// Kills it under load and starts it so many times; the first start is not counted.
    func starts(_ count: Int, isDead: Bool = false) async throws -> [Start] {
        var starts: [Start] = []
        for number in 0...count {
            if !isDead || number > 0 { try load.host.kill() }
            // What was on its way comes to the exchange.
            try await Task.sleep(for: .milliseconds(200))
            let next = try await load.exchange.orderCount() + 1
            var start = Start()
            try load.host.launch()
            start.ready = try await load.host.waitUntilReady()
            var created: Int?
            while created == nil {
                created = try await load.exchange.timeOfOrder(from: next)
                guard WallClock.milliseconds - load.host.launchedAt < 120_000 else {
                    throw MeasurementFailure("no order came within two minutes")
                }
                try await Task.sleep(for: .milliseconds(2))
            }
            let launched = Double(load.host.launchedAt)
            start.order = Double(created ?? 0) - launched
            if let time = try load.host.logged("the stream of orders is open")?["time"]?.intValue {
                start.stream = Double(time) - launched
            }
            let opened = try load.host.logged("opened")
            for (name, _) in Self.steps {
                start.steps[name] = opened?[name]?.stringValue.flatMap { Double($0) }
            }
            if number > 0 { starts.append(start) }
            try await Task.sleep(for: .seconds(1))
        }
        return starts
    }

    static func figures(_ many: [Start], _ few: [Start]) -> [Figure] {
        func figure(
            _ name: String, _ value: (Start) -> Double, share: Double = 0.5, promise: Figure.Promise? = nil
        ) -> Figure {
            Figure(
                name: name, value: Samples(many.map(value)).quantile(share), unit: "ms",
                floor: .init(
                    name: "with hundreds of orders", value: Samples(few.map(value)).quantile(share)),
                promise: promise)
        }
        return [
            figure("killed host to first order, median", \.order, promise: .atMost(2_000)),
            figure("killed host to first order, longest", \.order, share: 1, promise: .atMost(2_000)),
        ]
            + steps.map { name, words in figure("of it \(words), median", { $0.steps[name] ?? 0 }) } + [
                figure("until it is ready, median", \.ready),
                figure("until the stream of orders is open, median", \.stream),
            ]
    }

    /// Adds orders that are over to the journal of a host that is dead, each with its fill, as a desk writes them.
    static func addOrders(_ count: Int, to path: String) throws {
        let database = try Database(path: path)
        let snapshot = try DeskStore.snapshot(in: database)
        guard let fill = snapshot.fills.values.first, let order = snapshot.orders[fill.order],
            let ledger = snapshot.ledgers.values.first(where: { $0.key.strategy == fill.strategy })
        else { throw MeasurementFailure("nothing was traded") }
        for start in stride(from: 1, through: count, by: 500) {
            var events: [DeskEvent] = []
            for number in start..<min(start + 500, count + 1) {
                let id = OrderID(snapshot.lastOrder.number + Int64(number))
                events += Self.life(of: id, like: order, fill, ledger)
            }
            try database.transaction {
                try DeskStore.write(
                    events, at: Timestamp(milliseconds: WallClock.milliseconds), in: database)
            }
        }
    }

    /// What a desk writes of an order that is taken and filled.
    private static func life(
        of id: OrderID, like order: Order, _ fill: Fill, _ ledger: LedgerRecord
    ) -> [DeskEvent] {
        let old = order.intent
        let intent = OrderIntent(
            id: id, clientID: ClientOrderID(prefix: .init(strategy: old.strategy, run: old.run), order: id),
            strategy: old.strategy, run: old.run, account: old.account, venue: old.venue,
            request: RequestID("old-\(id)"), origin: old.origin, terms: old.terms,
            reservePrice: old.reservePrice, createdAt: old.createdAt)
        // Beyond every number that the exchange will come to.
        let name = VenueOrderID("9\(id)")
        func state(_ status: OrderStatus, _ filled: FixedDecimal, _ name: VenueOrderID?) -> DeskEvent {
            .order(
                Order(
                    intent: intent, status: status, quantity: order.quantity, price: order.price,
                    filledQuantity: filled, filledNotional: filled.isZero ? .zero : order.filledNotional,
                    fee: order.fee, venueOrderID: name, reason: nil, cancelWanted: false, amendment: nil,
                    venueFilledQuantity: filled, inferredQuantity: .zero, updatedAt: order.updatedAt))
        }
        let key = FillKey(
            venue: fill.key.venue, account: fill.key.account, symbol: fill.symbol, trade: TradeID("9\(id)"))
        return [
            state(.pending, .zero, nil), state(.open, .zero, name),
            .fill(
                Fill(
                    key: key, order: id, strategy: fill.strategy, side: fill.side, price: fill.price,
                    quantity: fill.quantity, fee: fill.fee, feeCurrency: fill.feeCurrency,
                    liquidity: fill.liquidity, time: fill.time)), .ledger(ledger),
            state(.filled, order.filledQuantity, name),
        ]
    }
}
