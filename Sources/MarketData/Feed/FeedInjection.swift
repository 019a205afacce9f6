public import Trading
public import Wire

/// Reads the bodies of `POST /market-data/feed` and keeps their events in order of time.
///
/// A body is `{"feed"?: name, "events": [{"type": "candle" | "trade" | "quote", …}]}` with the fields of the strategy
/// protocol. It is taken whole or refused whole.
public struct FeedInjection: Sendable {
    /// What one body held.
    public struct Body: Hashable, Sendable {
        /// The feed that was named.
        public let feed: String?
        /// At least one event, in the order given.
        public let events: [MarketEvent]
    }

    /// A kind of event of a symbol; the times of each never go back.
    private struct Track: Hashable, Sendable {
        let symbol: String
        /// Nil for trades and quotes.
        let resolution: Resolution?
        let isQuote: Bool
    }

    private enum Kind: String, CaseIterable {
        case candle, trade, quote
    }

    private let symbols: Set<String>
    private let maximumEvents: Int
    private var lastTimes: [Track: Timestamp] = [:]

    /// Takes events of `symbols`, at most `maximumEvents` a body.
    public init(symbols: some Sequence<String>, maximumEvents: Int = 1000) {
        self.symbols = Set(symbols)
        self.maximumEvents = maximumEvents
    }

    /// Reads a body's bytes.
    public mutating func take(bytes: [UInt8], limit: Int = 1 << 20) throws(FieldFailure) -> Body {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: .init(bytes: limit, depth: 8))
        } catch {
            throw FieldFailure(field: "", reason: error.description)
        }
        return try take(value)
    }

    /// Reads a body.
    ///
    /// The failure names the field, such as `events[3].open`; nothing is taken then.
    public mutating func take(_ value: JSONValue) throws(FieldFailure) -> Body {
        var body = try ObjectReader(value)
        let feed = try body.optionalString("feed", bytes: 64)
        let elements = try body.optionalArray("events", count: maximumEvents)
        try body.finish()
        guard let elements, !elements.isEmpty else {
            throw FieldFailure(field: "events", reason: "must hold at least one event")
        }
        var times = lastTimes
        var events: [MarketEvent] = []
        events.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            var reader = try ObjectReader(element, path: "events[\(index)]")
            let event = try read(&reader)
            try reader.finish()
            try keepOrder(of: event, reader, &times)
            events.append(event)
        }
        lastTimes = times
        return Body(feed: feed, events: events)
    }

    private func keepOrder(
        of event: MarketEvent, _ reader: ObjectReader, _ times: inout [Track: Timestamp]
    ) throws(FieldFailure) {
        let track: Track
        let time: Timestamp
        switch event {
        case .candle(let candle):
            track = Track(symbol: candle.symbol, resolution: candle.resolution, isQuote: false)
            time = candle.openTime
            if let last = times[track], time == last {
                throw reader.failure("time", "is that of the candle before; a closed candle is final")
            }
        case .trade(let trade):
            track = Track(symbol: trade.symbol, resolution: nil, isQuote: false)
            time = trade.time
        case .quote(let quote):
            track = Track(symbol: quote.symbol, resolution: nil, isQuote: true)
            time = quote.time
        }
        if let last = times[track], time < last {
            throw reader.failure(
                "time", "\(time.milliseconds) is before \(last.milliseconds), the last one of \(track.symbol)"
            )
        }
        times[track] = time
    }

    private func read(_ reader: inout ObjectReader) throws(FieldFailure) -> MarketEvent {
        let kind = try reader.choice("type", as: Kind.self)
        let symbol = try reader.string("symbol", bytes: 64)
        guard symbols.contains(symbol) else {
            let known = symbols.sorted().prefix(10).joined(separator: ", ")
            throw reader.failure("symbol", "\"\(symbol)\" is not an instrument; there are \(known)")
        }
        let time = try reader.time("time")
        switch kind {
        case .candle: return .candle(try candle(&reader, symbol, time))
        case .trade:
            return .trade(
                MarketTrade(
                    symbol: symbol, time: time, price: try positive("price", &reader),
                    quantity: try positive("quantity", &reader)))
        case .quote: return .quote(try quote(&reader, symbol, time))
        }
    }

    private func candle(
        _ reader: inout ObjectReader, _ symbol: String, _ time: Timestamp
    ) throws(FieldFailure) -> Candle {
        let text = try reader.string("resolution", bytes: 16)
        guard let resolution = Resolution(text) else {
            throw reader.failure(
                "resolution", "\"\(text)\" is not a resolution such as \"1m\", \"4h\" or \"1d\"")
        }
        guard resolution.openTime(containing: time) == time else {
            throw reader.failure("time", "\(time.milliseconds) is not where a candle of \(resolution) opens")
        }
        let open = try positive("open", &reader)
        let high = try positive("high", &reader)
        let low = try positive("low", &reader)
        let close = try positive("close", &reader)
        let volume = try reader.decimal("volume")
        guard low <= high else { throw reader.failure("low", "\(low) is above high \(high)") }
        for (name, price) in [("open", open), ("close", close)] {
            guard low <= price else { throw reader.failure(name, "\(price) is below low \(low)") }
            guard price <= high else { throw reader.failure(name, "\(price) is above high \(high)") }
        }
        guard !volume.isNegative else { throw reader.failure("volume", "must not be below 0") }
        let candle = Candle(
            symbol: symbol, resolution: resolution, openTime: time, open: open, high: high, low: low,
            close: close, volume: volume)
        if let closeTime = try reader.optionalTime("close_time"), closeTime != candle.closeTime {
            throw reader.failure("close_time", "should be \(candle.closeTime.milliseconds)")
        }
        return candle
    }

    private func quote(
        _ reader: inout ObjectReader, _ symbol: String, _ time: Timestamp
    ) throws(FieldFailure) -> Quote {
        let bid = try positive("bid", &reader)
        let ask = try positive("ask", &reader)
        guard bid <= ask else { throw reader.failure("bid", "\(bid) is above ask \(ask)") }
        return Quote(
            symbol: symbol, time: time, bid: bid, bidQuantity: try positive("bid_quantity", &reader),
            ask: ask, askQuantity: try positive("ask_quantity", &reader))
    }

    private func positive(_ name: String, _ reader: inout ObjectReader) throws(FieldFailure) -> FixedDecimal {
        let value = try reader.decimal(name)
        guard value.isPositive else { throw reader.failure(name, "must be above 0") }
        return value
    }
}
