internal import Exchanges
internal import MarketData
public import Trading
public import Wire

/// What an operator says about a collector, read from and written as JSON.
///
/// `{"id": "btc", "kind": "candles", "venue": "binance", "symbols": ["BTCUSDT"], "resolutions": ["1m"],
/// "from": "2026-01-01", "live": "stream"}` or `{"id": "coinspot", "kind": "prices", "venue": "coinspot", "every": "5m"}`.
public struct CollectorDefinition: Hashable, Sendable {
    /// What is collected.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Closed candles, into the candle store.
        case candles
        /// Bid, ask and last price of every coin, into `price_data_5min`.
        case prices
    }

    /// How candles come once the past is there.
    public enum Live: String, Hashable, Sendable, CaseIterable {
        /// By the venue's stream, as soon as they close; what a stream leaves out is asked for.
        case stream
        /// By asking after each has closed.
        case poll
    }

    /// The collector's name: 1 to 40 lower-case letters, digits, `-` and `_`.
    public let id: String
    public let kind: Kind
    /// The venue's id, such as `binance`.
    public let venue: CollectedVenue
    /// In the host's spelling; empty for prices, which are of every coin.
    public var symbols: [String]
    /// Empty for prices.
    public var resolutions: [Resolution]
    /// The past is fetched from here on; nil takes the last 1,000 candles of each length.
    public var from: Timestamp?
    public var live: Live
    /// From one run to the next.
    public var every: Resolution
    /// Whether it runs by itself; one that does not can be asked to.
    public var isEnabled: Bool

    /// The most symbols of one collector.
    public static let symbolLimit = 40
    /// How many candles of the past are fetched when nobody says from when.
    static let usualPast: Int64 = 1_000
    private static let fiveMinutes: Int64 = 300_000

    /// The series that it collects.
    public var series: [(symbol: String, resolution: Resolution)] {
        symbols.flatMap { symbol in resolutions.map { (symbol, $0) } }
    }

    /// When it runs. Candles are asked for two seconds after they should have closed.
    var schedule: CollectorSchedule {
        CollectorSchedule(
            every: isEnabled ? every : nil, delayMilliseconds: isEnabled && kind == .candles ? 2_000 : 0)
    }

    /// Reads a new collector.
    ///
    /// - Throws: Which field is wrong, and what is allowed.
    public init(_ settings: JSONValue) throws(FieldFailure) {
        try self.init(settings, changing: nil)
    }

    /// The same with the given members changed; `id`, `kind` and `venue` stay.
    public func changed(by settings: JSONValue) throws(FieldFailure) -> CollectorDefinition {
        try CollectorDefinition(settings, changing: self)
    }

    private init(_ settings: JSONValue, changing old: CollectorDefinition?) throws(FieldFailure) {
        var reader = try ObjectReader(settings)
        if let old {
            for fixed in ["id", "kind", "venue"] where reader.optional(fixed) != nil {
                throw reader.failure(fixed, "cannot be changed; add another collector")
            }
            (id, kind, venue) = (old.id, old.kind, old.venue)
        } else {
            id = try Self.id(&reader)
            kind = try reader.choice("kind")
            venue = try Self.venue(&reader, kind)
        }
        live = try reader.optionalChoice("live") ?? old?.live ?? (kind == .candles ? .stream : .poll)
        isEnabled = try reader.optionalBool("enabled") ?? old?.isEnabled ?? true
        from = try Self.from(&reader) ?? old?.from
        switch kind {
        case .prices:
            for name in ["symbols", "resolutions", "from", "live"] where settings[name] != nil {
                throw reader.failure(name, "prices are of every coin, as of now; leave it out")
            }
            (symbols, resolutions) = ([], [])
            every =
                try Self.length(&reader, "every") ?? old?.every
                ?? Resolution(milliseconds: Self.fiveMinutes)
            guard every.milliseconds % Self.fiveMinutes == 0, every.milliseconds <= 86_400_000 else {
                throw reader.failure("every", "must be whole five minutes up to 1d, such as \"5m\"")
            }
        case .candles:
            symbols = try Self.symbols(&reader) ?? old?.symbols ?? []
            guard !symbols.isEmpty else { throw reader.failure("symbols", "is missing") }
            resolutions = try Self.resolutions(&reader, venue) ?? old?.resolutions ?? []
            guard !resolutions.isEmpty else { throw reader.failure("resolutions", "is missing") }
            let shortest = resolutions.min { $0.milliseconds < $1.milliseconds } ?? resolutions[0]
            let usual = Resolution(milliseconds: min(max(60_000, shortest.milliseconds), 3_600_000))
            every = try Self.length(&reader, "every") ?? old?.every ?? usual
            guard (10_000...86_400_000).contains(every.milliseconds) else {
                throw reader.failure("every", "must be from 10s to 1d")
            }
        }
        try reader.finish()
    }

    /// As it is read.
    public var json: JSONValue {
        .members([
            "id": .string(id), "kind": .string(kind.rawValue), "venue": .string(venue.id),
            "symbols": kind == .candles ? .array(symbols.map { .string($0) }) : nil,
            "resolutions": kind == .candles ? .array(resolutions.map { .string($0.description) }) : nil,
            "from": kind == .candles ? from.map { .time($0) } : nil,
            "live": kind == .candles ? .string(live.rawValue) : nil, "every": .string(every.description),
            "enabled": .bool(isEnabled),
        ])
    }

    // MARK: - Fields

    private static func id(_ reader: inout ObjectReader) throws(FieldFailure) -> String {
        let id = try reader.string("id", bytes: 40)
        let allowed = id.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
        }
        guard !id.isEmpty, allowed else {
            throw reader.failure("id", "must be 1 to 40 lower-case letters, digits, - and _")
        }
        return id
    }

    private static func venue(
        _ reader: inout ObjectReader, _ kind: Kind
    ) throws(FieldFailure) -> CollectedVenue {
        let id = try reader.string("venue", bytes: 40)
        let allowed: (CollectedVenue) -> Bool = { ($0.known == .coinspot) == (kind == .prices) }
        guard let venue = CollectedVenue(id: id), allowed(venue) else {
            let ids = CollectedVenue.ids.filter { CollectedVenue(id: $0).map(allowed) ?? false }
            throw reader.failure(
                "venue",
                "\(kind.rawValue) are collected of \(ids.joined(separator: ", ")), not of \"\(id)\"")
        }
        return venue
    }

    private static func symbols(_ reader: inout ObjectReader) throws(FieldFailure) -> [String]? {
        guard let values = try reader.optionalArray("symbols", count: symbolLimit) else { return nil }
        var symbols: [String] = []
        for value in values {
            guard let text = value.stringValue, isSymbol(text) else {
                throw reader.failure("symbols", "must be names such as \"BTCUSDT\"")
            }
            guard !symbols.contains(text) else { throw reader.failure("symbols", "\(text) stands twice") }
            symbols.append(text)
        }
        return symbols
    }

    /// Whether a text may be an instrument's symbol: it goes into addresses as it is.
    static func isSymbol(_ text: String) -> Bool {
        (2...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
    }

    private static func resolutions(
        _ reader: inout ObjectReader, _ venue: CollectedVenue
    ) throws(FieldFailure) -> [Resolution]? {
        guard let values = try reader.optionalArray("resolutions", count: 16) else { return nil }
        var lengths: [Resolution] = []
        for value in values {
            guard let length = value.stringValue.flatMap({ Resolution($0) }),
                venue.known.resolutions.contains(length)
            else {
                let all = venue.known.resolutions.map(\.description).joined(separator: ", ")
                throw reader.failure("resolutions", "must be of those that \(venue.id) has: \(all)")
            }
            if !lengths.contains(length) { lengths.append(length) }
        }
        return lengths
    }

    private static func length(
        _ reader: inout ObjectReader, _ name: String
    ) throws(FieldFailure) -> Resolution? {
        guard let text = try reader.optionalString(name, bytes: 8) else { return nil }
        guard let length = Resolution(text) else {
            throw reader.failure(name, "must be a length such as \"5m\", not \"\(text)\"")
        }
        return length
    }

    private static func from(_ reader: inout ObjectReader) throws(FieldFailure) -> Timestamp? {
        guard let value = reader.optional("from") else { return nil }
        guard let time = value.looseTime, (0...253_402_300_799_999).contains(time.milliseconds) else {
            throw reader.failure("from", "must be a date in UTC such as \"2026-01-01\", or milliseconds")
        }
        return time
    }
}
