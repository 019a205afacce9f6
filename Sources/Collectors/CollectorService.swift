internal import Exchanges
public import MarketData
public import Posix
public import Trading
public import Wire

/// Why a collector or a download was not made, changed or found.
public enum CollectorRefusal: Error, Hashable, Sendable {
    case notFound(kind: String, id: String)
    case conflict(String)
    case invalid(FieldFailure)
    /// The venue or the disk did not do its part.
    case failed(CollectFailure)
}

/// The collectors of a host: what gathers prices and candles of venues, on a thread of its own.
public actor CollectorService {
    private nonisolated let loop: EventLoop
    /// The work is done on the collectors' own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private nonisolated let store: CollectorStore
    private var collecting: Collecting?

    /// Starts the collectors' thread. Nothing is collected before ``begin(venues:sink:retry:log:onHealth:)``.
    public init(store: CollectorStore) throws(SystemCallError) {
        loop = try EventLoop(name: "collectors")
        self.store = store
    }

    /// Lets every collector that was kept run.
    ///
    /// - Parameter onHealth: Hears on the collectors' thread what is wrong with a collector, by its id; nil when nothing is
    ///   any more.
    /// - Throws: What is wrong with the database or the way to the network, in words.
    public func begin(
        venues: CollectorVenues, sink: any CandleSink, retry: Retry = Retry(), log: HostLog,
        onHealth: @escaping @Sendable (_ id: String, _ fault: String?) -> Void = { _, _ in }
    ) throws {
        precondition(collecting == nil, "collecting begins once")
        let collecting = try Collecting(
            loop: loop, venues: venues, store: store, sink: sink, retry: retry, log: log, onHealth: onHealth)
        self.collecting = collecting
        collecting.begin()
    }

    /// Ends everything and the thread; the database stays open for reading.
    public func end() {
        collecting?.end()
        collecting = nil
        loop.stop()
    }

    private func open() throws(CollectorRefusal) -> Collecting {
        guard let collecting else { throw .conflict("the collectors are not running") }
        return collecting
    }

    // MARK: - Collectors

    /// What is shown of every collector, by id.
    public func collectors() throws(CollectorRefusal) -> [JSONValue] {
        try open().works.sorted { $0.key < $1.key }.map(\.value.json)
    }

    /// What is shown of one.
    public func collector(_ id: String) throws(CollectorRefusal) -> JSONValue { try work(id).json }

    private func work(_ id: String) throws(CollectorRefusal) -> CollectorWork {
        guard let work = try open().works[id] else { throw .notFound(kind: "collector", id: id) }
        return work
    }

    /// Adds a collector and lets it run.
    ///
    /// - Parameter settings: As ``CollectorDefinition/init(_:)`` reads it.
    public func add(_ settings: JSONValue) async throws(CollectorRefusal) -> JSONValue {
        let definition: CollectorDefinition
        do throws(FieldFailure) {
            definition = try CollectorDefinition(settings)
        } catch {
            throw .invalid(error)
        }
        let taken = CollectorRefusal.conflict("there is a collector \(definition.id) already")
        guard try open().works[definition.id] == nil else { throw taken }
        guard try open().works.count < 100 else { throw .conflict("there are 100 collectors already") }
        try await save(definition)
        // Somebody else may have been quicker meanwhile.
        guard try open().works[definition.id] == nil else { throw taken }
        try open().add(definition)
        return try collector(definition.id)
    }

    /// Changes the given members of a collector, and lets it run anew.
    public func change(_ id: String, _ settings: JSONValue) async throws(CollectorRefusal) -> JSONValue {
        let definition: CollectorDefinition
        let old = try work(id).definition
        do throws(FieldFailure) {
            definition = try old.changed(by: settings)
        } catch {
            throw .invalid(error)
        }
        try await save(definition)
        try work(id).change(to: definition)
        return try collector(id)
    }

    /// Ends a collector and forgets it; what it has collected stays.
    public func remove(_ id: String) async throws(CollectorRefusal) {
        _ = try work(id)
        do throws(CollectFailure) {
            try await store.remove(id)
        } catch {
            throw .failed(error)
        }
        try open().remove(id)
    }

    /// Lets a collector run now.
    ///
    /// - Throws: ``CollectorRefusal/conflict(_:)`` while it does.
    public func run(_ id: String) throws(CollectorRefusal) -> JSONValue {
        let work = try work(id)
        guard work.ask() else { throw .conflict("collector \(id) is collecting already") }
        return work.json
    }

    private func save(_ definition: CollectorDefinition) async throws(CollectorRefusal) {
        do throws(CollectFailure) {
            try await store.save(definition)
        } catch {
            throw .failed(error)
        }
    }

    // MARK: - Downloads

    /// Every download that is remembered, the oldest first.
    public func downloads() throws(CollectorRefusal) -> [JSONValue] { try open().downloads.map(\.json) }

    /// How far one is.
    public func download(_ id: String) throws(CollectorRefusal) -> JSONValue { try found(id).json }

    private func found(_ id: String) throws(CollectorRefusal) -> CandleDownload {
        guard let download = try open().downloads.first(where: { $0.id == id }) else {
            throw .notFound(kind: "download", id: id)
        }
        return download
    }

    /// Begins a download, or finds the one that runs for the same span.
    ///
    /// A symbol that the venue does not know is refused, naming the field. Where the venue cannot be asked that now, the
    /// download begins, makes its attempts, and its `reason` says so until more is known.
    ///
    /// - Parameter settings: `{"venue": "binance", "symbol": "BTCUSDT", "resolution": "1m", "from": "2026-01-01",
    ///   "to": "2026-02-01"}`; `to` is not part of the span, and is now unless given.
    public func addDownload(
        _ settings: JSONValue, by owner: String
    ) async throws(CollectorRefusal) -> JSONValue {
        let collecting = try open()
        let order: CandleDownload.Order
        do throws(FieldFailure) {
            order = try CandleDownload.Order(settings, at: collecting.now)
        } catch {
            throw .invalid(error)
        }
        let note = try await doubt(about: order, collecting)
        // The collectors may have ended meanwhile.
        guard let download = try open().download(order, by: owner, note: note) else {
            throw .conflict("8 downloads are running already; wait for one, or end it")
        }
        return download.json
    }

    /// Why it is not known whether the venue has what is wanted; nil when it has, or nothing of it is missing.
    private func doubt(
        about order: CandleDownload.Order, _ collecting: Collecting
    ) async throws(CollectorRefusal) -> String? {
        do throws(MarketFileFailure) {
            if try collecting.sink.unasked(of: order.series, in: order.span).isEmpty { return nil }
        } catch {
            // The download itself comes by this, and says it.
            return nil
        }
        let failure: CollectFailure? = await withCheckedContinuation { continuation in
            collecting.check(order.symbol, at: order.venue) { continuation.resume(returning: $0) }
        }
        guard let failure else { return nil }
        guard failure.code != .unknownSymbol else {
            throw .invalid(FieldFailure(field: "symbol", reason: failure.reason))
        }
        return "not known whether \(order.venue.id) has \(order.symbol): \(failure.reason)"
    }

    /// Ends a download; what it has brought stays.
    public func cancelDownload(_ id: String) throws(CollectorRefusal) -> JSONValue {
        let download = try found(id)
        download.cancel()
        return download.json
    }

    /// Fetches what is missing of a span, and gives the part of it that nothing is missing behind: from the last place
    /// that was not asked for to its end.
    public func complete(
        _ series: SeriesKey, _ span: Range<Timestamp>, by owner: String
    ) async throws(CollectorRefusal) -> Range<Timestamp> {
        let collecting = try open()
        guard let venue = CollectedVenue(id: series.venue), venue.known != .coinspot,
            venue.known.resolutions.contains(series.resolution)
        else { throw .conflict("\(series.venue) has no candles of \(series.resolution)") }
        let order = CandleDownload.Order(
            venue: venue, symbol: series.symbol, resolution: series.resolution, span: span)
        let missing = try Self.stored { () throws(MarketFileFailure) in
            try collecting.sink.unasked(of: series, in: span)
        }
        if !missing.isEmpty {
            guard let download = collecting.download(order, by: owner) else {
                throw .conflict("8 downloads are running already")
            }
            await withCheckedContinuation { continuation in
                download.whenEnded { continuation.resume() }
            }
        }
        let left = try Self.stored { () throws(MarketFileFailure) in
            try collecting.sink.unasked(of: series, in: span)
        }
        return (left.last?.upperBound ?? span.lowerBound)..<span.upperBound
    }

    private static func stored<Result>(
        _ body: () throws(MarketFileFailure) -> Result
    ) throws(CollectorRefusal) -> Result {
        do throws(MarketFileFailure) {
            return try body()
        } catch {
            throw .failed(CollectFailure(.storage, "\(error)"))
        }
    }

    // MARK: - On request

    /// The best bid and ask of an instrument at a venue, now.
    public func quote(of symbol: String, at venue: String) async throws(CollectorRefusal) -> JSONValue {
        let (collecting, known) = (try open(), try Self.venue(venue, symbol))
        let result: Result<JSONValue, CollectFailure> = await withCheckedContinuation { continuation in
            collecting.quote(of: symbol, at: known) { result in
                continuation.resume(returning: result.map { Self.json($0.quote, known.id, $0.at) })
            }
        }
        return try result.mapError { CollectorRefusal.failed($0) }.get()
    }

    /// The last public trades of an instrument at a venue, oldest first.
    ///
    /// - Parameter limit: From 1 to 500.
    public func trades(
        of symbol: String, at venue: String, limit: Int
    ) async throws(CollectorRefusal) -> JSONValue {
        precondition((1...500).contains(limit))
        let (collecting, known) = (try open(), try Self.venue(venue, symbol))
        let result: Result<JSONValue, CollectFailure> = await withCheckedContinuation { continuation in
            collecting.trades(of: symbol, at: known, limit: limit) { result in
                continuation.resume(returning: result.map { Self.json($0.trades, $0.refused) })
            }
        }
        return try result.mapError { CollectorRefusal.failed($0) }.get()
    }

    private static func venue(_ id: String, _ symbol: String) throws(CollectorRefusal) -> CollectedVenue {
        guard let venue = CollectedVenue(id: id) else {
            throw .invalid(
                FieldFailure(
                    field: "venue",
                    reason: "\"\(id.prefix(40))\" is not one of \(CollectedVenue.ids.joined(separator: ", "))"
                ))
        }
        guard CollectorDefinition.isSymbol(symbol) else {
            throw .invalid(FieldFailure(field: "symbol", reason: "must be a name such as \"BTCUSDT\""))
        }
        return venue
    }

    private static func json(_ quote: BestQuote, _ venue: String, _ time: Timestamp) -> JSONValue {
        .members([
            "venue": .string(venue), "symbol": .string(quote.symbol), "time": .time(time),
            "bid": .decimal(quote.bid), "ask": .decimal(quote.ask),
            "bid_quantity": quote.bidQuantity.map { .decimal($0) } ?? .null,
            "ask_quantity": quote.askQuantity.map { .decimal($0) } ?? .null,
        ])
    }

    private static func json(_ trades: [MarketTrade], _ refused: [Refusal: Int]) -> JSONValue {
        .members([
            "items": .array(
                trades.map {
                    .members([
                        "time": .time($0.time), "price": .decimal($0.price),
                        "quantity": .decimal($0.quantity),
                    ])
                }), "refused": CollectorFigures.json(refused),
        ])
    }
}

extension CandleDownload.Order {
    /// Reads what is to be fetched.
    init(_ settings: JSONValue, at now: Timestamp) throws(FieldFailure) {
        var reader = try ObjectReader(settings)
        let id = try reader.string("venue", bytes: 40)
        guard let venue = CollectedVenue(id: id), !venue.known.resolutions.isEmpty,
            venue.known != .coinspot
        else {
            let ids = CollectedVenue.ids.filter { $0 != "coinspot" }.joined(separator: ", ")
            throw reader.failure("venue", "candles are to be had of \(ids), not of \"\(id)\"")
        }
        let symbol = try reader.string("symbol", bytes: 32)
        guard CollectorDefinition.isSymbol(symbol) else {
            throw reader.failure("symbol", "must be a name such as \"BTCUSDT\"")
        }
        let word = try reader.string("resolution", bytes: 8)
        guard let resolution = Resolution(word), venue.known.resolutions.contains(resolution) else {
            let all = venue.known.resolutions.map(\.description).joined(separator: ", ")
            throw reader.failure("resolution", "must be one of \(all), not \"\(word)\"")
        }
        let from = try Self.time("from", &reader)
        let to = try Self.time("to", &reader) ?? now
        try reader.finish()
        guard let from else { throw reader.failure("from", "is missing") }
        let end = resolution.openTime(containing: min(to, now))
        let start = resolution.openTime(containing: from)
        guard start < end else {
            throw reader.failure("from", "no candle of \(resolution) opened and closed between from and to")
        }
        guard (end.milliseconds - start.milliseconds) / resolution.milliseconds <= 20_000_000 else {
            throw reader.failure("from", "at most 20,000,000 candles are fetched at once")
        }
        self.init(venue: venue, symbol: symbol, resolution: resolution, span: start..<end)
    }

    private static func time(_ name: String, _ reader: inout ObjectReader) throws(FieldFailure) -> Timestamp?
    {
        guard let value = reader.optional(name) else { return nil }
        guard let time = value.looseTime, (0...253_402_300_799_999).contains(time.milliseconds) else {
            throw reader.failure(name, "must be a date in UTC such as \"2026-01-01\", or milliseconds")
        }
        return time
    }
}
