internal import Exchanges
internal import MarketData
internal import Trading
internal import Wire

/// CoinSpot's public calls: prices of all coins at once, and per coin. It has no candles.
///
/// Source: https://www.coinspot.com.au/v2/api, read in 2026.
struct CoinSpotPublic: PublicVenue {
    let base: String

    var resolutions: [Resolution] { [] }
    var paceMilliseconds: Int64 { 100 }

    /// The prices of every coin that has an order book.
    var latestURL: String { "\(base)/pubapi/v2/latest" }

    /// Reads them; nil when the answer is none.
    ///
    /// - Returns: The prices by coin, and how many were refused and why.
    func prices(in answer: JSONValue) -> (prices: [CoinPrice], refused: [Refusal: Int])? {
        guard answer["status"]?.stringValue == "ok", case .object(let rows)? = answer["prices"] else {
            return nil
        }
        var (prices, refused) = ([CoinPrice](), [Refusal: Int]())
        for row in rows where !row.name.isEmpty && row.name.utf8.count <= 32 {
            do throws(Refusal) {
                prices.append(
                    try CoinPrice(
                        coin: row.name.lowercased(), bid: row.value.raw("bid"), ask: row.value.raw("ask"),
                        last: row.value.raw("last")))
            } catch {
                refused[error, default: 0] += 1
            }
        }
        return (prices, refused)
    }

    func candles(of series: SeriesKey, named name: String, in span: Range<Timestamp>) -> CandleQuestion {
        preconditionFailure("CoinSpot has no candles")
    }

    func rows(in answer: JSONValue) -> [RawCandle]? { nil }

    func covered(_ question: CandleQuestion, _ rows: [RawCandle], _ resolution: Resolution) -> Timestamp {
        question.span.upperBound
    }

    func quoteURL(named name: String, symbol: String) -> String {
        "\(base)/pubapi/v2/latest/\(Self.path(symbol))"
    }

    func quote(in answer: JSONValue, symbol: String) throws(Refusal) -> BestQuote {
        guard let prices = answer["prices"] else { throw .missing }
        return try BestQuote(symbol: symbol, bid: prices.raw("bid"), ask: prices.raw("ask"))
    }

    func tradesURL(named name: String, symbol: String, limit: Int) -> String {
        "\(base)/pubapi/v2/orders/summary/completed/\(Self.path(symbol))"
    }

    func trades(in answer: JSONValue, symbol: String) -> (trades: [MarketTrade], refused: [Refusal: Int])? {
        guard let rows = answer["orders"]?.arrayValue else { return nil }
        return trades(rows, symbol: symbol, time: "solddate", price: "rate", quantity: "amount")
    }

    /// `BTCAUD` is `btc`, `BTCUSDT` is `btc/usdt`.
    private static func path(_ symbol: String) -> String {
        let lower = symbol.lowercased()
        if lower.hasSuffix("aud"), lower.utf8.count > 3 { return String(lower.dropLast(3)) }
        if lower.hasSuffix("usdt"), lower.utf8.count > 4 { return "\(lower.dropLast(4))/usdt" }
        return lower
    }
}
