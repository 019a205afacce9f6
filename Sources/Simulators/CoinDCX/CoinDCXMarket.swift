import MarketData
import Trading
import Wire

/// CoinDCX's public prices and markets. Its words are the other way round: *target* is what is traded, *base* what it is
/// paid in. On the loop.
final class CoinDCXMarket {
    private let core: VenueCore

    init(_ core: VenueCore) { self.core = core }

    static func number(_ value: FixedDecimal) -> JSONValue { .number(value.description) }

    /// The exchange's own book in rupees, or another's.
    func code(_ instrument: Instrument) -> String { instrument.quote == "INR" ? "I" : "B" }

    func pair(_ instrument: Instrument) -> String {
        "\(code(instrument))-\(instrument.base)_\(instrument.quote)"
    }

    func instrument(pair: String) -> Instrument? { core.instruments.first { self.pair($0) == pair } }

    /// The intervals of candles.
    static let intervals = [
        "1m": Resolution("1m"), "15m": Resolution("15m"), "1h": Resolution("1h"), "1d": Resolution("1d"),
    ]

    func answer(_ call: Call) throws(CoinDCXError) -> Answer {
        switch call.path {
        case "/exchange/ticker": return .json(.array(core.instruments.map { ticker($0) }))
        case "/exchange/v1/markets": return .json(.array(core.instruments.map { .string($0.symbol) }))
        case "/exchange/v1/markets_details": return .json(.array(core.instruments.map { details($0) }))
        case "/market_data/trade_history": return .json(try trades(call))
        case "/market_data/orderbook": return .json(try book(call))
        case "/market_data/candles": return .json(try candles(call))
        case "/market_data/candlesticks": return .json(try candlesticks(call))
        default: throw .notFound
        }
    }

    private func instrument(_ call: Call) throws(CoinDCXError) -> Instrument {
        let pair = call.query("pair") ?? ""
        guard let instrument = instrument(pair: pair) else {
            throw CoinDCXError(422, "Invalid pair \(pair)", "BFF-SO-004")
        }
        return instrument
    }

    private func limit(_ call: Call, _ standard: Int, _ most: Int) throws(CoinDCXError) -> Int {
        guard let text = call.query("limit") else { return standard }
        guard let number = Int(text), (1...most).contains(number) else {
            throw CoinDCXError(422, "limit must be less than or equal to \(most)", "BFF-SO-004")
        }
        return number
    }

    private func ticker(_ instrument: Instrument) -> JSONValue {
        let last = core.tape.lastPrice(instrument.symbol) ?? .zero
        let day = core.tape.day(instrument.symbol)
        let quote = core.tape.quotes[instrument.symbol]
        let open = day?.open ?? last
        let change = open.isPositive ? last.minus(open).times(FixedDecimal(100)).over(open) : .zero
        let isInSeconds = core.settings.text(CoinDCXSettings.tickerTime) == "seconds"
        let now = core.now.milliseconds
        return .members([
            "market": .string(instrument.symbol), "change_24_hour": .string(change.text(digits: 3)),
            "high": .decimal(max(day?.high ?? last, last)), "low": .decimal(min(day?.low ?? last, last)),
            "volume": .decimal(day?.volume ?? .zero), "last_price": .decimal(last),
            "bid": .decimal(quote?.bid ?? .zero), "ask": .decimal(quote?.ask ?? .zero),
            "timestamp": .integer(isInSeconds ? now / 1000 : now),
        ])
    }

    static let largestQuantity = FixedDecimal(900)

    private static func digits(_ step: FixedDecimal) -> Int {
        var digits = 0
        var unit = FixedDecimal.one
        while !step.isMultiple(of: unit), digits < 18 {
            unit = FixedDecimal(units: unit.units / 10)
            digits += 1
        }
        return digits
    }

    private func details(_ instrument: Instrument) -> JSONValue {
        let last = core.tape.lastPrice(instrument.symbol) ?? .one
        let types = takesMarketOrders(instrument) ? ["limit_order", "market_order"] : ["limit_order"]
        return .members([
            "coindcx_name": .string(instrument.symbol), "base_currency_short_name": .string(instrument.quote),
            "target_currency_short_name": .string(instrument.base),
            "target_currency_name": .string(instrument.base),
            "base_currency_name": .string(instrument.quote), "min_quantity": Self.number(instrument.stepSize),
            "max_quantity": Self.number(Self.largestQuantity),
            "max_quantity_market": Self.number(FixedDecimal(100)),
            "min_price": Self.number(last.over(FixedDecimal(3))),
            "max_price": Self.number(last.times(FixedDecimal(3))),
            "min_notional": Self.number(instrument.minimumNotional),
            "base_currency_precision": .integer(Self.digits(instrument.tickSize)),
            "target_currency_precision": .integer(Self.digits(instrument.stepSize)),
            "step": Self.number(instrument.stepSize), "order_types": .array(types.map { .string($0) }),
            "symbol": .string(instrument.symbol), "ecode": .string(code(instrument)),
            "bo_sl_safety_percent": .null,
            "max_leverage": .null, "max_leverage_short": .null, "pair": .string(pair(instrument)),
            "status": .string(core.statuses[instrument.symbol] ?? "active"),
        ])
    }

    func takesMarketOrders(_ instrument: Instrument) -> Bool {
        instrument.quote != "INR" || core.settings.text(CoinDCXSettings.rupeeOrders) == "all"
    }

    private func trades(_ call: Call) throws(CoinDCXError) -> JSONValue {
        let instrument = try instrument(call)
        let limit = try limit(call, 30, 500)
        return .array(
            core.tape.trades(instrument.symbol, limit).reversed().map {
                .members([
                    "p": Self.number($0.price), "q": Self.number($0.quantity), "s": .string($0.symbol),
                    "T": .time($0.time),
                    "m": .bool($0.isBuyerMaker),
                ])
            })
    }

    private func book(_ call: Call) throws(CoinDCXError) -> JSONValue {
        let instrument = try instrument(call)
        let depth = Int(call.query("depth") ?? "50") ?? 0
        guard [1, 5, 10, 20, 50, 100, 200].contains(depth) else {
            throw CoinDCXError(422, "depth must be one of [1, 5, 10, 20, 50, 100, 200]", "BFF-SO-004")
        }
        let book = core.tape.depth(instrument.symbol, min(depth, 50))
        return .members([
            "timestamp": .time(core.now), "bids": Self.levels(book.bids), "asks": Self.levels(book.asks),
        ])
    }

    /// Objects with prices for names, in no order that means anything.
    static func levels(_ levels: [Tape.Level]) -> JSONValue {
        .object(levels.map { .init($0.price.description, .decimal($0.quantity)) })
    }

    static func candle(_ candle: Candle) -> JSONValue {
        .members([
            "open": number(candle.open), "high": number(candle.high), "low": number(candle.low),
            "close": number(candle.close), "volume": number(candle.volume), "time": .time(candle.openTime),
        ])
    }

    /// Newest first.
    private func candles(_ call: Call) throws(CoinDCXError) -> JSONValue {
        let instrument = try instrument(call)
        guard let interval = Self.intervals[call.query("interval") ?? ""], let length = interval else {
            throw CoinDCXError(422, "interval must be one of [1m, 15m, 1h, 1d]", "BFF-SO-004")
        }
        let limit = try limit(call, 500, 1000)
        let start = call.time("startTime")
        // An end alone is ignored.
        let end = start == nil ? nil : call.time("endTime")
        let horizon = end?.advanced(byMilliseconds: length.milliseconds)
        let all = core.tape.candles(instrument.symbol, length, limit + 1, until: horizon) ?? []
        let fitting = all.map(\.candle).filter { candle in
            (start.map { candle.openTime >= $0 } ?? true) && (end.map { candle.openTime <= $0 } ?? true)
        }
        return .array(fitting.suffix(limit).reversed().map { Self.candle($0) })
    }

    /// Oldest first, times of the request in seconds.
    private func candlesticks(_ call: Call) throws(CoinDCXError) -> JSONValue {
        let instrument = try instrument(call)
        let words = [
            "1": "1m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "240": "4h", "480": "8h", "1D": "1d",
            "D": "1d",
        ]
        guard let length = words[call.query("resolution") ?? ""].flatMap({ Resolution($0) }),
            let from = call.query("from").flatMap({ Int64($0) }),
            let to = call.query("to").flatMap({ Int64($0) }), from <= to, from >= 0,
            to <= Timestamp.endOfTime.milliseconds / 1000
        else { throw CoinDCXError(422, "Invalid Request") }
        let start = Timestamp(milliseconds: from * 1000)
        let count = Int(min(2000, (to - from) * 1000 / length.milliseconds + 2))
        let end = Timestamp(milliseconds: to * 1000 + length.milliseconds)
        let all = core.tape.candles(instrument.symbol, length, count, until: end) ?? []
        return .members([
            "s": .string("ok"),
            "data": .array(
                all.map(\.candle).filter { $0.openTime >= start && $0.openTime.milliseconds <= to * 1000 }
                    .map { Self.candle($0) }),
        ])
    }
}
