import Trading
import Wire

/// Binance's filters, which a simulator has to know by name. On the loop.
struct BinanceFilters {
    private let core: VenueCore
    private let instrument: Instrument

    init(_ core: VenueCore, _ instrument: Instrument) {
        self.core = core
        self.instrument = instrument
    }

    static let largestPrice = FixedDecimal(1_000_000)
    static let largestQuantity = FixedDecimal(9000)
    static let largestMarketQuantity = FixedDecimal(1000)

    /// - Parameter isByQuote: Whether money was asked for, which never breaks LOT_SIZE.
    func check(_ terms: OrderTerms, isByQuote: Bool) throws(BinanceError) {
        let fine = FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000_000)
        if core.settings.text(BinanceSettings.tooFine) == "precision" {
            for value in [terms.quantity, terms.price, terms.stopPrice].compactMap({ $0 }) {
                guard value.isMultiple(of: fine) else {
                    throw BinanceError(-1111, "Parameter has too much precision.")
                }
            }
        }
        for price in [terms.price, terms.stopPrice].compactMap({ $0 }) {
            guard price >= instrument.tickSize, price <= Self.largestPrice,
                price.isMultiple(of: instrument.tickSize)
            else {
                throw .filter("PRICE_FILTER")
            }
        }
        if !isByQuote {
            guard terms.quantity >= instrument.stepSize, terms.quantity <= Self.largestQuantity,
                terms.quantity.isMultiple(of: instrument.stepSize)
            else { throw .filter("LOT_SIZE") }
        }
        if terms.type == .market, terms.quantity > Self.largestMarketQuantity {
            throw .filter("MARKET_LOT_SIZE")
        }
        guard let last = core.tape.lastPrice(terms.symbol) ?? core.books.market(terms.symbol)?.last else {
            return
        }
        if let price = terms.price {
            guard price <= last.times(core.settings.decimal(BinanceSettings.percentUp)),
                price >= last.times(core.settings.decimal(BinanceSettings.percentDown))
            else { throw .filter("PERCENT_PRICE_BY_SIDE") }
        }
        guard
            (terms.price ?? terms.stopPrice ?? last).times(terms.quantity, .down)
                >= instrument.minimumNotional
        else {
            throw .filter("NOTIONAL")
        }
    }

    /// Whether an account may have one more open order.
    func checkCount(_ account: AccountID) throws(BinanceError) {
        let open = core.books.openOrders(of: account).count { $0.terms.symbol == instrument.symbol }
        guard open < core.settings.integer(BinanceSettings.maxOrders) else { throw .filter("MAX_NUM_ORDERS") }
    }

    var json: JSONValue {
        let up = core.settings.text(BinanceSettings.percentUp)
        let down = core.settings.text(BinanceSettings.percentDown)
        return .array([
            .members([
                "filterType": .string("PRICE_FILTER"), "minPrice": BinanceJSON.amount(instrument.tickSize),
                "maxPrice": BinanceJSON.amount(Self.largestPrice),
                "tickSize": BinanceJSON.amount(instrument.tickSize),
            ]),
            .members([
                "filterType": .string("LOT_SIZE"), "minQty": BinanceJSON.amount(instrument.stepSize),
                "maxQty": BinanceJSON.amount(Self.largestQuantity),
                "stepSize": BinanceJSON.amount(instrument.stepSize),
            ]),
            .members([
                "filterType": .string("MARKET_LOT_SIZE"), "minQty": BinanceJSON.amount(.zero),
                "maxQty": BinanceJSON.amount(Self.largestMarketQuantity),
                "stepSize": BinanceJSON.amount(.zero),
            ]),
            .members([
                "filterType": .string("PERCENT_PRICE_BY_SIDE"), "bidMultiplierUp": .string(up),
                "bidMultiplierDown": .string(down), "askMultiplierUp": .string(up),
                "askMultiplierDown": .string(down),
                "avgPriceMins": .integer(0),
            ]),
            .members([
                "filterType": .string("NOTIONAL"),
                "minNotional": BinanceJSON.amount(instrument.minimumNotional),
                "applyMinToMarket": .bool(true),
                "maxNotional": BinanceJSON.amount(Self.largestQuantity.times(Self.largestPrice)),
                "applyMaxToMarket": .bool(false), "avgPriceMins": .integer(0),
            ]),
            .members([
                "filterType": .string("MAX_NUM_ORDERS"),
                "maxNumOrders": .integer(core.settings.integer(BinanceSettings.maxOrders)),
            ]),
        ])
    }
}
