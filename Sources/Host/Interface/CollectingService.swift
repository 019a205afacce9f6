public import Trading
public import Wire

/// What the faces may ask of the collectors. Views are JSON already: they are shown and never worked with.
public protocol CollectingService: Sendable {
    /// Every collector, by id.
    func collectors() async throws(HostError) -> [JSONValue]
    /// One collector: its state, counts and refusals.
    func collector(_ id: String) async throws(HostError) -> JSONValue
    /// Adds a collector; `settings` is the request's body.
    func addCollector(_ settings: JSONValue, by: String) async throws(HostError) -> JSONValue
    /// Changes the given members of a collector.
    func changeCollector(_ id: String, _ settings: JSONValue, by: String) async throws(HostError) -> JSONValue
    /// Forgets a collector; what it has collected stays.
    func removeCollector(_ id: String, by: String) async throws(HostError)
    /// Lets a collector run now; a conflict while it does.
    func runCollector(_ id: String, by: String) async throws(HostError) -> JSONValue
    /// The downloads that are remembered, the oldest first.
    func downloads() async throws(HostError) -> [JSONValue]
    /// How far a download is.
    func download(_ id: String) async throws(HostError) -> JSONValue
    /// Begins a download of candles; `settings` is the request's body.
    func addDownload(_ settings: JSONValue, by: String) async throws(HostError) -> JSONValue
    /// Ends a download; what it has brought stays.
    func cancelDownload(_ id: String, by: String) async throws(HostError) -> JSONValue
    /// The best bid and ask of an instrument at a venue, asked for now.
    func venueQuote(of symbol: String, at venue: String) async throws(HostError) -> JSONValue
    /// The last public trades of an instrument at a venue, asked for now.
    func venueTrades(of symbol: String, at venue: String, limit: Int) async throws(HostError) -> JSONValue
    /// Prices of CoinSpot's coins as they were collected, newest first; nil takes every coin.
    func coinPrices(
        of coin: String?, from start: Timestamp, to end: Timestamp, limit: Int
    ) async throws(HostError) -> [JSONValue]
}

extension CollectingService {
    private var none: HostError { .unavailable("this host collects nothing") }

    /// None.
    public func collectors() async throws(HostError) -> [JSONValue] { throw none }
    /// None.
    public func collector(_ id: String) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func addCollector(_ settings: JSONValue, by: String) async throws(HostError) -> JSONValue {
        throw none
    }
    /// None.
    public func changeCollector(
        _ id: String, _ settings: JSONValue, by: String
    ) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func removeCollector(_ id: String, by: String) async throws(HostError) { throw none }
    /// None.
    public func runCollector(_ id: String, by: String) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func downloads() async throws(HostError) -> [JSONValue] { throw none }
    /// None.
    public func download(_ id: String) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func addDownload(_ settings: JSONValue, by: String) async throws(HostError) -> JSONValue {
        throw none
    }
    /// None.
    public func cancelDownload(_ id: String, by: String) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func venueQuote(of symbol: String, at venue: String) async throws(HostError) -> JSONValue {
        throw none
    }
    /// None.
    public func venueTrades(
        of symbol: String, at venue: String, limit: Int
    ) async throws(HostError) -> JSONValue { throw none }
    /// None.
    public func coinPrices(
        of coin: String?, from start: Timestamp, to end: Timestamp, limit: Int
    ) async throws(HostError) -> [JSONValue] { throw none }
}
