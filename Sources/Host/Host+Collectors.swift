internal import Collectors
internal import MarketData
internal import Posix
public import Trading
public import Wire

/// The collectors of a host and their database.
struct HostCollectors: Sendable {
    let store: CollectorStore
    let service: CollectorService

    /// Opens the database; a host that cannot goes on without collectors.
    static func open(_ folders: DataFolders, log: HostLog) -> HostCollectors? {
        do {
            let store = try CollectorStore(path: folders.collectors)
            return HostCollectors(store: store, service: try CollectorService(store: store))
        } catch {
            log.error("nothing is collected", ["reason": "\(error)"])
            return nil
        }
    }

    /// Ends everything and closes the database.
    func close() async {
        await service.end()
        store.close()
    }
}

extension Configuration.Venues {
    /// Where collectors ask: at the same addresses as the adapters.
    var collected: CollectorVenues {
        CollectorVenues(
            binance: binance(.live), binanceTestnet: binance(.testnet), coindcx: coinDCXAddresses,
            coinspot: coinspot)
    }
}

/// Collectors, downloads and what is asked of venues in public.
extension Host {
    /// Lets the collectors run. A host whose collectors cannot goes on without.
    func beginCollecting() async {
        guard let collecting else {
            return health.report("collectors", fault: "their database cannot be used")
        }
        let (health, log) = (health, log.part("collectors"))
        do {
            try await collecting.service.begin(
                venues: loaded.configuration.venues.collected, sink: candles, log: log
            ) { id, fault in
                health.report("collector-\(id)", fault: fault)
            }
        } catch {
            log.error("nothing is collected", ["reason": "\(error)"])
            health.report("collectors", fault: "\(error)")
        }
    }

    private func asking<Result: Sendable>(
        _ body: (CollectorService) async throws(CollectorRefusal) -> Result
    ) async throws(HostError) -> Result {
        guard let collecting else { throw .unavailable("the collectors' database cannot be used") }
        do throws(CollectorRefusal) {
            return try await body(collecting.service)
        } catch {
            switch error {
            case .notFound(let kind, let id): throw .notFound(kind: kind, id: id)
            case .conflict(let reason): throw .conflict(reason)
            case .invalid(let failure): throw .invalid(failure)
            case .failed(let failure):
                switch failure.code {
                case .unknownSymbol, .refused:
                    throw .invalid(FieldFailure(field: "symbol", reason: failure.reason))
                case .unanswered, .tooMany, .unreadable, .clock, .storage: throw .unavailable(failure.reason)
                }
            }
        }
    }

    /// Every collector, by id.
    public func collectors() async throws(HostError) -> [JSONValue] {
        try await asking { service throws(CollectorRefusal) in try await service.collectors() }
    }

    /// One collector: its state, counts and refusals.
    public func collector(_ id: String) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in try await service.collector(id) }
    }

    /// Adds a collector; `settings` is the request's body.
    public func addCollector(_ settings: JSONValue, by user: String) async throws(HostError) -> JSONValue {
        let added = try await asking { service throws(CollectorRefusal) in try await service.add(settings) }
        audit(user, "collector.add", added["id"]?.stringValue ?? "", settings.text)
        return added
    }

    /// Changes the given members of a collector.
    public func changeCollector(
        _ id: String, _ settings: JSONValue, by user: String
    ) async throws(HostError) -> JSONValue {
        let changed = try await asking { service throws(CollectorRefusal) in
            try await service.change(id, settings)
        }
        audit(user, "collector.change", id, settings.text)
        return changed
    }

    /// Forgets a collector; what it has collected stays.
    public func removeCollector(_ id: String, by user: String) async throws(HostError) {
        try await asking { service throws(CollectorRefusal) in try await service.remove(id) }
        audit(user, "collector.remove", id, "")
        health.forget("collector-\(id)")
    }

    /// Lets a collector run now; a conflict while it does.
    public func runCollector(_ id: String, by user: String) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in try await service.run(id) }
    }

    /// The downloads that are remembered, the oldest first.
    public func downloads() async throws(HostError) -> [JSONValue] {
        try await asking { service throws(CollectorRefusal) in try await service.downloads() }
    }

    /// How far a download is.
    public func download(_ id: String) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in try await service.download(id) }
    }

    /// Begins a download of candles; `settings` is the request's body.
    public func addDownload(_ settings: JSONValue, by user: String) async throws(HostError) -> JSONValue {
        let begun = try await asking { service throws(CollectorRefusal) in
            try await service.addDownload(settings, by: user)
        }
        audit(user, "data.download", begun["id"]?.stringValue ?? "", settings.text)
        return begun
    }

    /// Ends a download; what it has brought stays.
    public func cancelDownload(_ id: String, by user: String) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in try await service.cancelDownload(id) }
    }

    /// The best bid and ask of an instrument at a venue, asked for now.
    public func venueQuote(of symbol: String, at venue: String) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in
            try await service.quote(of: symbol, at: venue)
        }
    }

    /// The last public trades of an instrument at a venue, asked for now.
    public func venueTrades(
        of symbol: String, at venue: String, limit: Int
    ) async throws(HostError) -> JSONValue {
        try await asking { service throws(CollectorRefusal) in
            try await service.trades(of: symbol, at: venue, limit: limit)
        }
    }

    /// Prices of CoinSpot's coins as they were collected, newest first; nil takes every coin.
    public func coinPrices(
        of coin: String?, from start: Timestamp, to end: Timestamp, limit: Int
    ) async throws(HostError) -> [JSONValue] {
        guard let collecting else { throw .unavailable("the collectors' database cannot be used") }
        do {
            return try collecting.store.prices(of: coin, from: start, to: end, limit: limit).map { row in
                .members([
                    "timestamp": .time(row.timestamp), "coin_type": .string(row.price.coin),
                    "bid": .decimal(row.price.bid), "ask": .decimal(row.price.ask),
                    "last": .decimal(row.price.last), "received_at": .time(row.received),
                ])
            }
        } catch {
            throw .unavailable("the prices cannot be read: \(error)")
        }
    }
}

extension Host {
    /// How the floor comes to candles of the past; nil when nothing is collected.
    var past:
        (
            @Sendable (
                _ series: SeriesKey, _ span: Range<Timestamp>, _ done: @escaping @Sendable ([Candle]) -> Void
            ) -> Void
        )?
    {
        guard let service = collecting?.service else { return nil }
        let (candles, log) = (candles, log.part("collectors"))
        return { series, span, done in
            // The floor's own timer goes on without it, should it take too long.
            Task.detached {
                do {
                    let whole = try await service.complete(series, span, by: "host")
                    let columns = try candles.candles(
                        of: series, from: whole.lowerBound, to: whole.upperBound, limit: 10_000)
                    done((0..<columns.count).map { columns[$0] })
                } catch {
                    log.warning("the past is not to be had", ["series": "\(series)", "reason": "\(error)"])
                    done([])
                }
            }
        }
    }
}
