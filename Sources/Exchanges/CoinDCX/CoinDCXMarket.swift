import Trading
import Wire

/// One market of CoinDCX with its names and what it takes.
///
/// Source: docs.coindcx.com, `markets_details`. Its words are the other way round: "target" is what is bought and sold,
/// "base" is what it is paid in.
struct CoinDCXMarket: Hashable, Sendable {
    let instrument: Instrument
    /// Such as `I-BTC_INR`: how market data and sockets call it.
    let pair: String
    /// Whether orders are taken now.
    let isActive: Bool
    /// Empty when the venue did not say.
    let orderTypes: Set<String>
    let leastQuantity: FixedDecimal
    let largestQuantity: FixedDecimal?
    /// For market orders, much tighter.
    let largestMarketQuantity: FixedDecimal?
    /// The price band. It moves, so it binds only while it is fresh.
    let lowestPrice: FixedDecimal?
    let highestPrice: FixedDecimal?

    /// Its own name, `coindcx_name`, which is the host's symbol too.
    var symbol: String { instrument.symbol }

    /// Reads an element of `markets_details`; nil when it lacks what every market has.
    init?(_ json: JSONValue) {
        guard let symbol = json["coindcx_name"]?.stringValue, !symbol.isEmpty,
            let pair = json["pair"]?.stringValue,
            let base = json["target_currency_short_name"]?.stringValue,
            let quote = json["base_currency_short_name"]?.stringValue,
            let priceDigits = json["base_currency_precision"]?.intValue,
            let quantityDigits = json["target_currency_precision"]?.intValue,
            (0...FixedDecimal.scale).contains(priceDigits), (0...FixedDecimal.scale).contains(quantityDigits)
        else { return nil }
        func positive(_ name: String) -> FixedDecimal? {
            json[name]?.looseDecimal.flatMap { $0.isPositive ? $0 : nil }
        }
        let digit = Self.digit(quantityDigits)
        // The coarser of the two: on some markets the step is not the last digit.
        let step = max(positive("step") ?? digit, digit)
        let orderTypes = Set((json["order_types"]?.arrayValue ?? []).compactMap(\.stringValue))
        self.pair = pair
        self.orderTypes = orderTypes
        instrument = Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: Self.digit(priceDigits), stepSize: step,
            minimumNotional: positive("min_notional") ?? .zero,
            takesMarketOrders: orderTypes.isEmpty || orderTypes.contains("market_order"))
        isActive = json["status"]?.stringValue.map { $0 == "active" } ?? true
        leastQuantity =
            [positive("min_quantity"), positive("min_market_orders_qty"), step].compactMap(\.self)
            .max() ?? step
        largestQuantity = positive("max_quantity")
        largestMarketQuantity = positive("max_quantity_market")
        lowestPrice = positive("min_price")
        highestPrice = positive("max_price")
    }

    private static func digit(_ digits: Int) -> FixedDecimal {
        var units = FixedDecimal.unitsPerOne
        for _ in 0..<digits { units /= 10 }
        return FixedDecimal(units: units)
    }

    /// Why CoinDCX would refuse an order, in words; nil when nothing of what is known speaks against it.
    ///
    /// - Parameter isFresh: Whether the price band was read lately enough to be believed.
    func flaw(in terms: OrderTerms, isFresh: Bool) -> String? {
        guard isActive else { return "\(symbol) is not open for trading at CoinDCX now" }
        let type: String
        switch terms.type {
        case .limit: type = "limit_order"
        case .market: type = "market_order"
        case .stop, .stopLimit, .takeProfit:
            return "CoinDCX takes no \(terms.type.rawValue) orders over its interface for programs"
        }
        guard orderTypes.isEmpty || orderTypes.contains(type) else {
            let taken = orderTypes.contains("limit_order") ? "limit orders alone" : "no such orders"
            return "\(symbol) takes \(taken) at CoinDCX"
        }
        if terms.postOnly { return "CoinDCX has no post-only orders" }
        guard terms.timeInForce == .gtc || terms.type == .market && terms.timeInForce == .ioc else {
            return "CoinDCX knows no \(terms.timeInForce.rawValue) orders, only gtc"
        }
        guard terms.quantity.isMultiple(of: instrument.stepSize) else {
            return "the quantity \(terms.quantity) is no multiple of the step, \(instrument.stepSize)"
        }
        guard terms.quantity >= leastQuantity else {
            return "the quantity \(terms.quantity) is below the least, \(leastQuantity)"
        }
        let largest = terms.type == .market ? largestMarketQuantity ?? largestQuantity : largestQuantity
        if let largest, terms.quantity > largest {
            return "the quantity \(terms.quantity) is above the largest, \(largest)"
        }
        return terms.price.flatMap { flaw(ofPrice: $0, quantity: terms.quantity, isFresh: isFresh) }
    }

    /// What speaks against a limit price, or the worth of an order at it.
    func flaw(ofPrice price: FixedDecimal, quantity: FixedDecimal, isFresh: Bool) -> String? {
        guard price.isMultiple(of: instrument.tickSize) else {
            return "the price \(price) is no multiple of the tick, \(instrument.tickSize)"
        }
        if isFresh, let lowestPrice, price < lowestPrice {
            return "the price \(price) is below the band, which begins at \(lowestPrice) now"
        }
        if isFresh, let highestPrice, price > highestPrice {
            return "the price \(price) is above the band, which ends at \(highestPrice) now"
        }
        // Out of range is more than any minimum.
        guard let notional = try? price.multiplied(by: quantity, rounding: .down),
            notional < instrument.minimumNotional
        else { return nil }
        return
            "the order is worth \(notional) \(instrument.quote), the least is \(instrument.minimumNotional)"
    }

    /// The nearest multiple of the step when only the noise of a floating point number lies between; else the value.
    func snapped(_ quantity: FixedDecimal) -> FixedDecimal {
        Self.snapped(quantity, to: instrument.stepSize)
    }

    /// Likewise for a price and the tick.
    func snapped(price: FixedDecimal) -> FixedDecimal { Self.snapped(price, to: instrument.tickSize) }

    private static func snapped(_ value: FixedDecimal, to step: FixedDecimal) -> FixedDecimal {
        // Out of range: left as it came.
        guard let nearest = try? value.rounded(toMultipleOf: step, .nearestEven),
            let distance = try? (value - nearest).magnitude, distance.units < max(step.units / 10_000, 1)
        else { return value }
        return nearest
    }
}

/// All markets of CoinDCX as they were last told.
struct CoinDCXMarkets: Hashable, Sendable {
    private(set) var bySymbol: [String: CoinDCXMarket] = [:]
    private(set) var byPair: [String: CoinDCXMarket] = [:]

    /// Reads the answer of `markets_details`; nil when it is no list, or no market in it can be read.
    init?(_ json: JSONValue) {
        guard let rows = json.arrayValue else { return nil }
        for row in rows {
            guard let market = CoinDCXMarket(row) else { continue }
            bySymbol[market.symbol] = market
            byPair[market.pair] = market
        }
        guard !bySymbol.isEmpty else { return nil }
    }

    /// What can be traded, by symbol.
    var instruments: [Instrument] {
        bySymbol.values.filter(\.isActive).map(\.instrument).sorted { $0.symbol < $1.symbol }
    }
}
