import Trading
import Wire

/// One market with an order book.
struct CoinSpotMarket: Hashable, Sendable {
    let pair: CoinSpotPair
    /// CoinSpot's own name of the coin, as requests have it.
    let code: String
    let instrument: Instrument

    /// Why CoinSpot would refuse an order, in words; nil when nothing of what is known speaks against it.
    func flaw(in terms: OrderTerms) -> String? {
        switch terms.type {
        case .limit:
            guard terms.timeInForce == .gtc else {
                return "CoinSpot knows no \(terms.timeInForce.rawValue) orders, only gtc"
            }
        case .market:
            guard pair.market == "AUD" else {
                return "CoinSpot has no market orders in \(pair.market) markets; use a limit order"
            }
            guard terms.timeInForce != .fok else { return "CoinSpot knows no fok orders" }
        case .stop, .stopLimit, .takeProfit:
            return "CoinSpot takes no \(terms.type.rawValue) orders over its interface for programs"
        }
        if terms.postOnly { return "CoinSpot has no post-only orders" }
        guard terms.quantity.isMultiple(of: instrument.stepSize) else {
            return "the quantity \(terms.quantity) has more than eight decimals"
        }
        guard let price = terms.price else { return nil }
        return flaw(ofPrice: price, quantity: terms.quantity)
    }

    func flaw(ofPrice price: FixedDecimal, quantity: FixedDecimal) -> String? {
        guard price.isMultiple(of: instrument.tickSize) else {
            return "the price \(price) has more than eight decimals"
        }
        // Out of range is more than any minimum.
        guard let notional = try? price.multiplied(by: quantity, rounding: .down),
            notional < instrument.minimumNotional
        else { return nil }
        return
            "the order is worth \(notional) \(instrument.quote), the least is \(instrument.minimumNotional)"
    }
}

/// The markets with an order book, as the prices tell them: there is no list of markets, and no steps.
///
/// Amounts and rates have eight decimals at most; the least worth of an order is a setting.
struct CoinSpotMarkets: Hashable, Sendable {
    private(set) var bySymbol: [String: CoinSpotMarket] = [:]

    /// Reads the answer of `latest`, whose keys are `btc` and `btc_usdt`; nil when it holds no market.
    init?(_ json: JSONValue, minimumNotional: FixedDecimal) {
        guard case .object(let prices)? = json["prices"] else { return nil }
        let step = FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000_000)
        for price in prices {
            let parts = price.name.split(separator: "_")
            guard let coin = parts.first, parts.count <= 2 else { continue }
            let pair = CoinSpotPair(coin: String(coin), market: parts.count == 2 ? String(parts[1]) : "AUD")
            bySymbol[pair.symbol] = CoinSpotMarket(
                pair: pair, code: coin.uppercased(),
                instrument: Instrument(
                    symbol: pair.symbol, base: pair.coin, quote: pair.market, tickSize: step,
                    stepSize: step, minimumNotional: minimumNotional))
        }
        guard !bySymbol.isEmpty else { return nil }
    }

    var instruments: [Instrument] { bySymbol.values.map(\.instrument).sorted { $0.symbol < $1.symbol } }
}
