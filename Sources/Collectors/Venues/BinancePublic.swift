internal import Exchanges
internal import MarketData
internal import Trading
internal import Wire

/// Binance's public calls.
///
/// Source: binance-spot-api-docs, rest-api.md, read in 2026.
struct BinancePublic: PublicVenue {
    /// Scheme and host of the REST interface.
    let base: String

    var resolutions: [Resolution] { KnownVenue.binance.resolutions }
    // A page weighs 2 of the 6,000 that a minute has; this leaves four fifths to orders.
    var paceMilliseconds: Int64 { 50 }
    // Invalid symbol; and illegal characters in a parameter: of ours only the symbol comes from outside, and theirs have at
    // most 20 characters.
    var unknownSymbolCodes: Set<Int> { [-1121, -1100] }

    func symbolURL(_ symbol: String) -> String? { "\(base)/api/v3/exchangeInfo?symbol=\(symbol)" }

    func candles(of series: SeriesKey, named name: String, in span: Range<Timestamp>) -> CandleQuestion {
        CandleQuestion(
            url: "\(base)/api/v3/klines?symbol=\(name)&interval=\(series.resolution)"
                + "&startTime=\(span.lowerBound.milliseconds)&endTime=\(span.upperBound.milliseconds - 1)"
                + "&limit=1000",
            span: span, limit: 1000)
    }

    func rows(in answer: JSONValue) -> [RawCandle]? {
        answer.arrayValue?.map { row in
            let cells = row.arrayValue ?? []
            func number(_ index: Int) -> RawNumber { index < cells.count ? cells[index].rawNumber : .absent }
            return RawCandle(
                time: cells.first?.looseTime, open: number(1), high: number(2), low: number(3),
                close: number(4), volume: number(5))
        }
    }

    /// The oldest come first, so that a full page goes as far as its last row, and another one to the end.
    func covered(_ question: CandleQuestion, _ rows: [RawCandle], _ resolution: Resolution) -> Timestamp {
        guard rows.count >= question.limit, let last = rows.last?.time else {
            return question.span.upperBound
        }
        return last.advanced(byMilliseconds: resolution.milliseconds)
    }

    func quoteURL(named name: String, symbol: String) -> String {
        "\(base)/api/v3/ticker/bookTicker?symbol=\(name)"
    }

    func quote(in answer: JSONValue, symbol: String) throws(Refusal) -> BestQuote {
        try BestQuote(
            symbol: symbol, bid: answer.raw("bidPrice"), ask: answer.raw("askPrice"),
            bidQuantity: answer.raw("bidQty"), askQuantity: answer.raw("askQty"))
    }

    func tradesURL(named name: String, symbol: String, limit: Int) -> String {
        "\(base)/api/v3/trades?symbol=\(name)&limit=\(limit)"
    }

    func trades(in answer: JSONValue, symbol: String) -> (trades: [MarketTrade], refused: [Refusal: Int])? {
        guard let rows = answer.arrayValue else { return nil }
        return trades(rows, symbol: symbol, time: "time", price: "price", quantity: "qty")
    }
}
