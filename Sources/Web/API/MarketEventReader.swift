import Trading
import Wire

/// Reads market events as `POST /market-data/feed` takes them.
enum MarketEventReader {
    private enum Kind: String, CaseIterable { case candle, trade, quote }

    static func event(_ json: JSONValue, path: String) throws(FieldFailure) -> MarketEvent {
        var reader = try ObjectReader(json, path: path)
        let kind = try reader.choice("type", as: Kind.self)
        let symbol = try reader.string("symbol", bytes: 32)
        guard !symbol.isEmpty else { throw reader.failure("symbol", "is empty") }
        let time = try reader.time("time")
        let event: MarketEvent
        switch kind {
        case .candle: event = .candle(try candle(&reader, symbol, time))
        case .trade:
            event = .trade(
                MarketTrade(
                    symbol: symbol, time: time, price: try positive(&reader, "price"),
                    quantity: try positive(&reader, "quantity")))
        case .quote: event = .quote(try quote(&reader, symbol, time))
        }
        try reader.finish()
        return event
    }

    private static func candle(
        _ reader: inout ObjectReader, _ symbol: String, _ time: Timestamp
    ) throws(FieldFailure) -> Candle {
        let text = try reader.optionalString("resolution", bytes: 8) ?? "1m"
        guard let resolution = Resolution(text) else {
            throw reader.failure("resolution", "\"\(text)\" is not a length such as \"1m\", \"4h\" or \"1d\"")
        }
        if let close = try reader.optionalTime("close_time") {
            guard close == time.advanced(byMilliseconds: resolution.milliseconds) else {
                throw reader.failure("close_time", "is not \(resolution) after time")
            }
        }
        let candle = Candle(
            symbol: symbol, resolution: resolution, openTime: time, open: try reader.decimal("open"),
            high: try reader.decimal("high"), low: try reader.decimal("low"),
            close: try reader.decimal("close"),
            volume: try reader.decimal("volume"))
        if let flaw = candle.flaw { throw FieldFailure(field: reader.fullName("low"), reason: flaw) }
        return candle
    }

    private static func quote(
        _ reader: inout ObjectReader, _ symbol: String, _ time: Timestamp
    ) throws(FieldFailure) -> Quote {
        let quote = Quote(
            symbol: symbol, time: time, bid: try positive(&reader, "bid"),
            bidQuantity: try positive(&reader, "bid_quantity"), ask: try positive(&reader, "ask"),
            askQuantity: try positive(&reader, "ask_quantity"))
        guard quote.bid <= quote.ask else { throw reader.failure("ask", "is below bid") }
        return quote
    }

    private static func positive(
        _ reader: inout ObjectReader, _ name: String
    ) throws(FieldFailure) -> FixedDecimal {
        let value = try reader.decimal(name)
        guard value.isPositive else { throw reader.failure(name, "is \(value), it must be above 0") }
        return value
    }
}
