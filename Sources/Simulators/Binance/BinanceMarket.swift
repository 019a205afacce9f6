import Trading
import Wire

/// Prices and instruments as Binance's REST v3 and WebSocket API have them. On the loop.
final class BinanceMarket {
    private let core: VenueCore

    init(_ core: VenueCore) { self.core = core }

    /// The lengths of candles and Binance's words for them. `1s` and `1M` are not made.
    static let intervals: [String: Resolution] = {
        var intervals: [String: Resolution] = [:]
        for word in ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"] {
            intervals[word] = Resolution(word)
        }
        return intervals
    }()

    private func instrument(_ request: BinanceRequest) throws(BinanceError) -> Instrument {
        let symbol = try request.required("symbol")
        guard let instrument = core.instrument(symbol) else { throw .symbol }
        return instrument
    }

    /// The instruments that `symbol` or `symbols` names; all without either.
    private func chosen(_ request: BinanceRequest) throws(BinanceError) -> (list: [Instrument], isOne: Bool) {
        if request.text("symbol") != nil { return ([try instrument(request)], true) }
        guard let text = request.text("symbols") else { return (core.instruments, false) }
        // What is no JSON is no list.
        guard let names = (try? JSONParser.parse(text))?.arrayValue?.compactMap(\.stringValue), !names.isEmpty
        else {
            throw BinanceError(-1100, "Illegal characters found in parameter 'symbols'.")
        }
        var list: [Instrument] = []
        for name in names {
            guard let instrument = core.instrument(name) else { throw .symbol }
            list.append(instrument)
        }
        return (list, false)
    }

    // MARK: - Instruments

    func exchangeInfo(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let (list, _) = try chosen(request)
        let settings = core.settings
        func limit(_ type: String, _ interval: String, _ number: Int, _ most: Int) -> JSONValue {
            .members([
                "rateLimitType": .string(type), "interval": .string(interval),
                "intervalNum": .integer(number),
                "limit": .integer(most),
            ])
        }
        return .members([
            "timezone": .string("UTC"), "serverTime": request.shown(core.now),
            "rateLimits": .array([
                limit("REQUEST_WEIGHT", "MINUTE", 1, settings.integer(BinanceSettings.weightPerMinute)),
                limit("ORDERS", "SECOND", 10, settings.integer(BinanceSettings.ordersPer10Seconds)),
                limit("ORDERS", "DAY", 1, settings.integer(BinanceSettings.ordersPerDay)),
                limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
            ]),
            "exchangeFilters": .array([]), "symbols": .array(list.map(symbol)),
        ])
    }

    private func symbol(_ instrument: Instrument) -> JSONValue {
        let eight = JSONValue.integer(8)
        let (yes, no) = (JSONValue.bool(true), JSONValue.bool(false))
        return .members([
            "symbol": .string(instrument.symbol),
            "status": .string(core.statuses[instrument.symbol] ?? "TRADING"),
            "baseAsset": .string(instrument.base), "baseAssetPrecision": eight,
            "quoteAsset": .string(instrument.quote),
            "quotePrecision": eight, "quoteAssetPrecision": eight, "baseCommissionPrecision": eight,
            "quoteCommissionPrecision": eight, "orderTypes": .array(BinanceOrders.types.map { .string($0) }),
            "icebergAllowed": no, "ocoAllowed": no, "otoAllowed": no, "opoAllowed": no,
            "quoteOrderQtyMarketAllowed": yes, "allowTrailingStop": no, "cancelReplaceAllowed": yes,
            "amendAllowed": yes,
            "pegInstructionsAllowed": no, "isSpotTradingAllowed": yes, "isMarginTradingAllowed": no,
            "filters": BinanceFilters(core, instrument).json, "permissions": .array([]),
            "permissionSets": .array([.array([.string("SPOT")])]),
            "defaultSelfTradePreventionMode": .string("EXPIRE_MAKER"),
            "allowedSelfTradePreventionModes": .array([.string("EXPIRE_MAKER")]),
        ])
    }

    // MARK: - Prices

    /// Counts the changes of each book.
    private(set) var bookIDs: [String: Int64] = [:]

    func noteQuote(_ symbol: String) { bookIDs[symbol, default: 1_000_000] += 1 }

    static let levels = 20

    func depth(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        return book(symbol, try request.limit(standard: 100, most: 5000))
    }

    func book(_ symbol: String, _ limit: Int) -> JSONValue {
        let book = core.tape.depth(symbol, min(limit, Self.levels))
        return .members([
            "lastUpdateId": .integer(bookIDs[symbol] ?? 1_000_000), "bids": Self.levels(book.bids),
            "asks": Self.levels(book.asks),
        ])
    }

    static func levels(_ levels: [Tape.Level]) -> JSONValue {
        .array(levels.map { .array([BinanceJSON.amount($0.price), BinanceJSON.amount($0.quantity)]) })
    }

    func trades(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        let trades = core.tape.trades(symbol, try request.limit(standard: 500, most: 1000))
        return .array(
            trades.map {
                .members([
                    "id": .integer($0.id), "price": BinanceJSON.amount($0.price),
                    "qty": BinanceJSON.amount($0.quantity),
                    "quoteQty": BinanceJSON.amount($0.price.times($0.quantity)),
                    "time": request.shown($0.time),
                    "isBuyerMaker": .bool($0.isBuyerMaker), "isBestMatch": .bool(true),
                ])
            })
    }

    func aggregateTrades(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        let limit = try request.limit(standard: 500, most: 1000)
        let from = try request.integer("fromId")
        let (start, end) = (try request.instant("startTime"), try request.instant("endTime"))
        let fitting = core.tape.trades(symbol, 2000).filter { trade in
            (from.map { trade.id >= $0 } ?? true) && (start.map { trade.time >= $0 } ?? true)
                && (end.map { trade.time <= $0 } ?? true)
        }
        let chosen = from == nil && start == nil ? fitting.suffix(limit) : fitting.prefix(limit)
        return .array(
            chosen.map {
                .members([
                    "a": .integer($0.id), "p": BinanceJSON.amount($0.price),
                    "q": BinanceJSON.amount($0.quantity),
                    "f": .integer($0.id), "l": .integer($0.id), "T": request.shown($0.time),
                    "m": .bool($0.isBuyerMaker), "M": .bool(true),
                ])
            })
    }

    func klines(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        guard let length = Self.intervals[try request.required("interval")] else {
            throw BinanceError(-1120, "Invalid interval.")
        }
        let limit = try request.limit(standard: 500, most: 1000)
        let (start, end) = (try request.instant("startTime"), try request.instant("endTime"))
        // Far enough to hold the limit from a given start on, or the whole of the candle in which a given end lies.
        let reach = start.map { $0.advanced(byMilliseconds: Int64(limit + 1) * length.milliseconds) }
        let horizon = [reach, end?.advanced(byMilliseconds: length.milliseconds)].compactMap { $0 }.min()
        guard var candles = core.tape.candles(symbol, length, limit + 2, until: horizon) else {
            throw BinanceError(-1120, "Invalid interval.")
        }
        if let start { candles = candles.filter { $0.candle.openTime >= start } }
        if let end { candles = candles.filter { $0.candle.openTime <= end } }
        let chosen = start == nil ? candles.suffix(limit) : candles.prefix(limit)
        return .array(chosen.map { Self.kline($0.candle, request) })
    }

    /// The money that a candle's volume moved, by its typical price: no trade is known one by one any more.
    static func quoteVolume(_ candle: Candle) -> FixedDecimal {
        let typical = candle.high.plus(candle.low).plus(candle.close).over(FixedDecimal(3))
        return typical.times(candle.volume, .down)
    }

    private static func kline(_ candle: Candle, _ request: BinanceRequest) -> JSONValue {
        let quote = quoteVolume(candle)
        return .array([
            request.shown(candle.openTime), BinanceJSON.amount(candle.open), BinanceJSON.amount(candle.high),
            BinanceJSON.amount(candle.low), BinanceJSON.amount(candle.close),
            BinanceJSON.amount(candle.volume),
            request.shown(candle.closeTime.advanced(byMilliseconds: -1)), BinanceJSON.amount(quote),
            .integer(candle.resolution.milliseconds / 60_000 * 90),
            BinanceJSON.amount(candle.volume.over(FixedDecimal(2))),
            BinanceJSON.amount(quote.over(FixedDecimal(2))), .string("0"),
        ])
    }

    // MARK: - Tickers

    func day(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let isMini = request.text("type") == "MINI"
        return try each(request) { ticker($0, request, isMini: isMini) }
    }

    func price(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        try each(request) {
            .members([
                "symbol": .string($0.symbol),
                "price": BinanceJSON.amount(core.tape.lastPrice($0.symbol) ?? .zero),
            ])
        }
    }

    func best(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        try each(request) { instrument in
            let quote = core.tape.quotes[instrument.symbol]
            return .members([
                "symbol": .string(instrument.symbol), "bidPrice": BinanceJSON.amount(quote?.bid ?? .zero),
                "bidQty": BinanceJSON.amount(quote?.bidQuantity ?? .zero),
                "askPrice": BinanceJSON.amount(quote?.ask ?? .zero),
                "askQty": BinanceJSON.amount(quote?.askQuantity ?? .zero),
            ])
        }
    }

    func average(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        let symbol = try instrument(request).symbol
        return .members([
            "mins": .integer(5), "price": BinanceJSON.amount(averagePrice(symbol)),
            "closeTime": request.shown(core.now),
        ])
    }

    func averagePrice(_ symbol: String) -> FixedDecimal {
        let minutes = core.tape.candles(symbol, Resolution(milliseconds: 60_000), 5) ?? []
        let volume = minutes.reduce(FixedDecimal.zero) { $0.plus($1.candle.volume) }
        let money = minutes.reduce(FixedDecimal.zero) { $0.plus(Self.quoteVolume($1.candle)) }
        return volume.isPositive ? money.over(volume) : core.tape.lastPrice(symbol) ?? .zero
    }

    private func each(
        _ request: BinanceRequest, _ body: (Instrument) -> JSONValue
    ) throws(BinanceError) -> JSONValue {
        let (list, isOne) = try chosen(request)
        return isOne ? body(list[0]) : .array(list.map(body))
    }

    /// The figures of 24 hours.
    func figures(_ symbol: String) -> Figures {
        let last = core.tape.lastPrice(symbol) ?? .zero
        let day = core.tape.day(symbol)
        let now = core.now
        return Figures(
            open: day?.open ?? last, high: max(day?.high ?? last, last), low: min(day?.low ?? last, last),
            last: last,
            volume: day?.volume ?? .zero, quoteVolume: day.map { BinanceMarket.quoteVolume($0) } ?? .zero,
            quote: core.tape.quotes[symbol], trades: core.tape.trades(symbol, 1000),
            openTime: now.advanced(byMilliseconds: -86_400_000),
            closeTime: now)
    }

    struct Figures {
        let open, high, low, last, volume, quoteVolume: FixedDecimal
        let quote: Quote?
        let trades: [PublicTrade]
        let openTime, closeTime: Timestamp

        var change: FixedDecimal { last.minus(open) }
        var percent: FixedDecimal { open.isPositive ? change.times(FixedDecimal(100)).over(open) : .zero }
        var average: FixedDecimal { volume.isPositive ? quoteVolume.over(volume) : last }
    }

    private func ticker(_ instrument: Instrument, _ request: BinanceRequest, isMini: Bool) -> JSONValue {
        let figures = figures(instrument.symbol)
        let amount = BinanceJSON.amount
        let full: [JSONValue.Member] = [
            .init("priceChange", amount(figures.change)),
            .init("priceChangePercent", .string(figures.percent.text(digits: 3))),
            .init("weightedAvgPrice", amount(figures.average)), .init("prevClosePrice", amount(figures.open)),
            .init("lastQty", amount(figures.trades.last?.quantity ?? .zero)),
            .init("bidPrice", amount(figures.quote?.bid ?? .zero)),
            .init("bidQty", amount(figures.quote?.bidQuantity ?? .zero)),
            .init("askPrice", amount(figures.quote?.ask ?? .zero)),
            .init("askQty", amount(figures.quote?.askQuantity ?? .zero)),
        ]
        let mini: [JSONValue.Member] = [
            .init("openPrice", amount(figures.open)), .init("highPrice", amount(figures.high)),
            .init("lowPrice", amount(figures.low)), .init("lastPrice", amount(figures.last)),
            .init("volume", amount(figures.volume)), .init("quoteVolume", amount(figures.quoteVolume)),
            .init("openTime", request.shown(figures.openTime)),
            .init("closeTime", request.shown(figures.closeTime)),
            .init("firstId", .integer(figures.trades.first?.id ?? -1)),
            .init("lastId", .integer(figures.trades.last?.id ?? -1)),
            .init("count", .integer(figures.trades.count)),
        ]
        return .object([.init("symbol", .string(instrument.symbol))] + (isMini ? [] : full) + mini)
    }
}
