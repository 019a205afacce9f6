internal import Exchanges
internal import MarketData
internal import Trading
internal import Wire

/// CoinDCX's public calls.
///
/// Source: docs.coindcx.com, read in 2026. Candles come newest first and are numbers; a time may stand a little beside
/// the beginning of its candle.
struct CoinDCXPublic: PublicVenue {
    let addresses: CoinDCXAddresses

    var resolutions: [Resolution] { KnownVenue.coindcx.resolutions }
    var paceMilliseconds: Int64 { 150 }
    var slackMilliseconds: Int64 { 999 }
    var namesURL: String? { "\(addresses.rest)/exchange/v1/markets_details" }

    func names(in answer: JSONValue) -> [String: String]? {
        guard let rows = answer.arrayValue else { return nil }
        var names: [String: String] = [:]
        for row in rows {
            if let symbol = row["coindcx_name"]?.stringValue, let pair = row["pair"]?.stringValue {
                names[symbol] = pair
            }
        }
        return names
    }

    /// The newest of a span come when there are more than fit, so that no more is asked for.
    func candles(of series: SeriesKey, named name: String, in span: Range<Timestamp>) -> CandleQuestion {
        let most = span.lowerBound.advanced(byMilliseconds: 1000 * series.resolution.milliseconds)
        let part = span.lowerBound..<min(span.upperBound, most)
        return CandleQuestion(
            url: "\(addresses.market)/market_data/candles?pair=\(name)&interval=\(series.resolution)"
                + "&startTime=\(part.lowerBound.milliseconds)&endTime=\(part.upperBound.milliseconds - 1)"
                + "&limit=1000",
            span: part, limit: 1000)
    }

    func rows(in answer: JSONValue) -> [RawCandle]? {
        answer.arrayValue?.reversed().map { row in
            RawCandle(
                time: row["time"]?.looseTime, open: row.raw("open"), high: row.raw("high"),
                low: row.raw("low"), close: row.raw("close"), volume: row.raw("volume"))
        }
    }

    func covered(_ question: CandleQuestion, _ rows: [RawCandle], _ resolution: Resolution) -> Timestamp {
        question.span.upperBound
    }

    func quoteURL(named name: String, symbol: String) -> String {
        "\(addresses.market)/market_data/orderbook?pair=\(name)&depth=1"
    }

    func quote(in answer: JSONValue, symbol: String) throws(Refusal) -> BestQuote {
        let (bid, ask) = (Self.best(answer["bids"], max), Self.best(answer["asks"], min))
        return try BestQuote(
            symbol: symbol, bid: bid.price, ask: ask.price, bidQuantity: bid.quantity,
            askQuantity: ask.quantity)
    }

    /// The best level of one side: an object from price to quantity, in no order.
    private static func best(
        _ side: JSONValue?, _ better: (FixedDecimal, FixedDecimal) -> FixedDecimal
    ) -> (price: RawNumber, quantity: RawNumber) {
        guard case .object(let levels)? = side, !levels.isEmpty else { return (.absent, .absent) }
        var best: (price: FixedDecimal, quantity: RawNumber)?
        for level in levels {
            guard let price = FixedDecimal(level.name) else { return (.strange, .strange) }
            if best.map({ better($0.price, price) == price }) ?? true {
                best = (price, level.value.rawNumber)
            }
        }
        return best.map { (.value($0.price), $0.quantity) } ?? (.absent, .absent)
    }

    func tradesURL(named name: String, symbol: String, limit: Int) -> String {
        "\(addresses.market)/market_data/trade_history?pair=\(name)&limit=\(min(limit, 500))"
    }

    func trades(in answer: JSONValue, symbol: String) -> (trades: [MarketTrade], refused: [Refusal: Int])? {
        guard let rows = answer.arrayValue else { return nil }
        return trades(rows, symbol: symbol, time: "T", price: "p", quantity: "q")
    }
}
