import Trading
import Wire

/// What Binance says of one symbol, and which orders it takes there.
///
/// Source: binance-spot-api-docs, rest-api.md (exchangeInfo) and filters.md. A filter that is missing, and a bound of
/// nought, mean no check.
struct BinanceSymbol: Hashable, Sendable {
    let instrument: Instrument
    let isTrading: Bool
    let orderTypes: Set<String>
    let mayReplace: Bool
    let mayAmend: Bool
    private let price: Range
    private let quantity: Range
    private let marketQuantity: Range
    private let largestNotional: FixedDecimal?

    /// The least and the largest that is taken; nil for no bound.
    private struct Range: Hashable, Sendable {
        var least: FixedDecimal?
        var largest: FixedDecimal?

        init(_ filter: JSONValue?, _ least: String, _ largest: String) {
            self.least = filter?.positiveDecimal(least)
            self.largest = filter?.positiveDecimal(largest)
        }

        /// Which bound is broken, in words.
        func flaw(_ value: FixedDecimal) -> String? {
            if let least, value < least { return "\(value) is below the least, \(least)" }
            if let largest, value > largest { return "\(value) is above the largest, \(largest)" }
            return nil
        }
    }

    /// Reads an element of `symbols`; nil when it lacks what every symbol has.
    init?(_ json: JSONValue) {
        guard let symbol = json["symbol"]?.stringValue, let base = json["baseAsset"]?.stringValue,
            let quote = json["quoteAsset"]?.stringValue, let filters = json["filters"]?.arrayValue
        else { return nil }
        func filter(_ type: String) -> JSONValue? {
            filters.first { $0["filterType"]?.stringValue == type }
        }
        let prices = filter("PRICE_FILTER")
        let lots = filter("LOT_SIZE")
        let marketLots = filter("MARKET_LOT_SIZE")
        let notional = filter("NOTIONAL")
        // Without a filter of its own the precision of the coins is all that is left to go by.
        let tick = prices?.positiveDecimal("tickSize") ?? Self.step(json["quoteAssetPrecision"]?.intValue)
        let lot = lots?.positiveDecimal("stepSize") ?? Self.step(json["baseAssetPrecision"]?.intValue)
        let orderTypes = Set((json["orderTypes"]?.arrayValue ?? []).compactMap(\.stringValue))
        self.orderTypes = orderTypes
        instrument = Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: tick, stepSize: lot,
            minimumNotional: notional?.positiveDecimal("minNotional")
                ?? filter("MIN_NOTIONAL")?.positiveDecimal("minNotional") ?? .zero,
            takesMarketOrders: orderTypes.isEmpty || orderTypes.contains("MARKET"))
        isTrading =
            json["status"]?.stringValue == "TRADING" && json["isSpotTradingAllowed"]?.boolValue ?? true
        mayReplace = json["cancelReplaceAllowed"]?.boolValue ?? false
        mayAmend = json["amendAllowed"]?.boolValue ?? false
        price = Range(prices, "minPrice", "maxPrice")
        quantity = Range(lots, "minQty", "maxQty")
        marketQuantity = Range(marketLots, "minQty", "maxQty")
        largestNotional = notional?.positiveDecimal("maxNotional")
    }

    private static func step(_ digits: Int?) -> FixedDecimal {
        var units = FixedDecimal.unitsPerOne
        for _ in 0..<min(max(digits ?? 8, 0), FixedDecimal.scale) { units /= 10 }
        return FixedDecimal(units: units)
    }

    /// Why Binance would refuse an order, in words; nil when nothing of what is known speaks against it.
    func flaw(in terms: OrderTerms) -> String? {
        let symbol = instrument.symbol
        guard isTrading else { return "\(symbol) is not open for trading at binance now" }
        let type = terms.binanceType
        guard orderTypes.isEmpty || orderTypes.contains(type) else {
            return "binance takes no \(type) orders in \(symbol)"
        }
        guard terms.quantity.isMultiple(of: instrument.stepSize) else {
            return
                "the quantity \(terms.quantity) is no multiple of the step, \(instrument.stepSize) (LOT_SIZE)"
        }
        if let words = quantity.flaw(terms.quantity) { return "the quantity \(words) (LOT_SIZE)" }
        if terms.type == .market, let words = marketQuantity.flaw(terms.quantity) {
            return "the quantity \(words) (MARKET_LOT_SIZE)"
        }
        for price in [terms.price, terms.stopPrice].compactMap({ $0 }) {
            guard price.isMultiple(of: instrument.tickSize) else {
                return "the price \(price) is no multiple of the tick, \(instrument.tickSize) (PRICE_FILTER)"
            }
            if let words = self.price.flaw(price) { return "the price \(words) (PRICE_FILTER)" }
        }
        // What is too large to be multiplied is refused by the desk before.
        if let largestNotional, let price = terms.price,
            let worth = try? price.multiplied(by: terms.quantity, rounding: .down), worth > largestNotional
        {
            return "the order is worth more than the largest taken, \(largestNotional) (NOTIONAL)"
        }
        return nil
    }
}

extension OrderTerms {
    /// Binance's word for how the order finds its price.
    var binanceType: String {
        switch type {
        case .market: "MARKET"
        case .limit: postOnly ? "LIMIT_MAKER" : "LIMIT"
        case .stop: "STOP_LOSS"
        case .stopLimit: "STOP_LOSS_LIMIT"
        case .takeProfit: "TAKE_PROFIT"
        }
    }
}

extension JSONValue {
    /// A member's decimal, written as text or number; nil when there is none or it is none.
    func decimal(_ name: String) -> FixedDecimal? {
        switch self[name] {
        case .string(let text), .number(let text): FixedDecimal(text)
        case .null, .bool, .array, .object, .none: nil
        }
    }

    /// A member's decimal above nought.
    func positiveDecimal(_ name: String) -> FixedDecimal? {
        decimal(name).flatMap { $0.isPositive ? $0 : nil }
    }

    /// A member's time in milliseconds.
    func time(_ name: String) -> Timestamp? {
        self[name]?.intValue.map { Timestamp(milliseconds: Int64($0)) }
    }

    /// A member's whole number as text, as ids are kept.
    func id(_ name: String) -> String? {
        guard case .number(let text) = self[name] else { return nil }
        return text
    }
}
