/// Why terms cannot be brought into a venue's steps.
public enum FilterFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    case limitOrdersOnly(symbol: String)
    case quantityNotAboveZero
    case priceMissing(OrderType)
    case priceNotWanted(OrderType)
    case priceNotAboveZero
    case stopPriceMissing(OrderType)
    case stopPriceNotWanted(OrderType)
    case postOnlyNeedsLimit(OrderType)
    case postOnlyNeedsGoodTillCancelled(TimeInForce)
    case quantityBelowStep(quantity: FixedDecimal, step: FixedDecimal)
    case priceBelowTick(price: FixedDecimal, tick: FixedDecimal)
    case notionalBelowMinimum(notional: FixedDecimal, minimum: FixedDecimal, currency: String)
    case numbersTooLarge

    /// In words, with the numbers.
    public var description: String {
        switch self {
        case .limitOrdersOnly(let symbol): "\(symbol) takes limit orders alone"
        case .quantityNotAboveZero: "the quantity must be above 0"
        case .priceMissing(let type): "a \(type.rawValue) order needs a price"
        case .priceNotWanted(let type): "a \(type.rawValue) order takes no price"
        case .priceNotAboveZero: "a price must be above 0"
        case .stopPriceMissing(let type): "a \(type.rawValue) order needs a stop price"
        case .stopPriceNotWanted(let type): "a \(type.rawValue) order takes no stop price"
        case .postOnlyNeedsLimit(let type): "post-only is for limit orders; this is a \(type.rawValue) order"
        case .postOnlyNeedsGoodTillCancelled(let time):
            "post-only cannot be \(time.rawValue): it must be able to wait in the book"
        case .quantityBelowStep(let quantity, let step):
            "the quantity \(quantity) is less than the smallest step, \(step)"
        case .priceBelowTick(let price, let tick):
            "the price \(price) is less than the smallest tick, \(tick)"
        case .notionalBelowMinimum(let notional, let minimum, let currency):
            "the order is worth \(notional) \(currency); this instrument takes \(minimum) \(currency) or more"
        case .numbersTooLarge: "the numbers are larger than any market's"
        }
    }
}

extension Instrument {
    /// Brings terms into this instrument's steps, or says why not.
    ///
    /// Nothing is ever enlarged. The quantity goes down to a whole step. A limit price goes to the passive side, a
    /// buy's down and a sell's up, so that it never pays more than was asked. A trigger price goes away from the
    /// market, so that it never fires earlier than was asked: down for whoever waits for a fall, up for a rise.
    ///
    /// - Parameter lastPrice: What a market order is valued at; without it the least notional is left unchecked.
    public func normalised(
        _ terms: OrderTerms, lastPrice: FixedDecimal?
    ) throws(FilterFlaw) -> OrderTerms {
        guard terms.type != .market || takesMarketOrders else { throw .limitOrdersOnly(symbol: symbol) }
        guard terms.quantity.isPositive else { throw .quantityNotAboveZero }
        try checkShape(of: terms)
        var normal = terms
        do {
            normal.quantity = try terms.quantity.rounded(toMultipleOf: stepSize, .down)
            normal.price = try terms.price?.rounded(
                toMultipleOf: tickSize, terms.side == .buy ? .floor : .ceiling)
            normal.stopPrice = try terms.stopPrice?.rounded(
                toMultipleOf: tickSize, terms.waitsForFall ? .floor : .ceiling)
        } catch {
            throw .numbersTooLarge
        }
        guard normal.quantity.isPositive else {
            throw .quantityBelowStep(quantity: terms.quantity, step: stepSize)
        }
        if let price = normal.price, !price.isPositive, let asked = terms.price {
            throw .priceBelowTick(price: asked, tick: tickSize)
        }
        if let price = normal.stopPrice, !price.isPositive, let asked = terms.stopPrice {
            throw .priceBelowTick(price: asked, tick: tickSize)
        }
        guard let value = normal.price ?? normal.stopPrice ?? lastPrice else { return normal }
        guard TradingBounds.allows(price: value, quantity: normal.quantity) else { throw .numbersTooLarge }
        let notional = FixedDecimal.product(value, normal.quantity, .down)
        guard notional >= minimumNotional else {
            throw .notionalBelowMinimum(notional: notional, minimum: minimumNotional, currency: quote)
        }
        return normal
    }

    private func checkShape(of terms: OrderTerms) throws(FilterFlaw) {
        switch (terms.price, terms.type.needsPrice) {
        case (.none, true): throw .priceMissing(terms.type)
        case (.some, false): throw .priceNotWanted(terms.type)
        case (.some(let price), true):
            guard price.isPositive else { throw .priceNotAboveZero }
            guard price <= TradingBounds.price else { throw .numbersTooLarge }
        case (.none, false): break
        }
        switch (terms.stopPrice, terms.type.needsStopPrice) {
        case (.none, true): throw .stopPriceMissing(terms.type)
        case (.some, false): throw .stopPriceNotWanted(terms.type)
        case (.some(let price), true):
            guard price.isPositive else { throw .priceNotAboveZero }
            guard price <= TradingBounds.price else { throw .numbersTooLarge }
        case (.none, false): break
        }
        if terms.postOnly {
            guard terms.type == .limit else { throw .postOnlyNeedsLimit(terms.type) }
            guard terms.timeInForce == .gtc else { throw .postOnlyNeedsGoodTillCancelled(terms.timeInForce) }
        }
    }
}

extension OrderTerms {
    /// Whether the trigger fires when the price falls to it: a sell stop, or a buyer's take-profit.
    var waitsForFall: Bool {
        switch (type, side) {
        case (.stop, .sell), (.stopLimit, .sell), (.takeProfit, .buy): true
        case (.stop, .buy), (.stopLimit, .buy), (.takeProfit, .sell), (.market, _), (.limit, _): false
        }
    }
}
