public import Trading
public import Wire

/// An order as the desk knows it.
public struct OrderView: Hashable, Sendable {
    public var id: String
    public var strategy: String
    public var run: String
    /// The strategy's own id for it.
    public var request: String
    public var terms: OrderTerms
    /// Denied is ours, rejected is the venue's.
    public var status: OrderReport.Status
    public var filledQuantity: FixedDecimal
    public var averagePrice: FixedDecimal?
    public var fee: FixedDecimal
    public var reason: String?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    /// Describes an order.
    public init(
        id: String, strategy: String, run: String, request: String, terms: OrderTerms,
        status: OrderReport.Status,
        filledQuantity: FixedDecimal = .zero, averagePrice: FixedDecimal? = nil, fee: FixedDecimal = .zero,
        reason: String? = nil, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.strategy = strategy
        self.run = run
        self.request = request
        self.terms = terms
        self.status = status
        self.filledQuantity = filledQuantity
        self.averagePrice = averagePrice
        self.fee = fee
        self.reason = reason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "strategy": .string(strategy), "run": .string(run),
            "request": .string(request), "symbol": .string(terms.symbol),
            "side": .string(terms.side.rawValue), "order_type": .string(terms.type.rawValue),
            "quantity": .decimal(terms.quantity), "price": .orNull(terms.price),
            "stop_price": .orNull(terms.stopPrice), "time_in_force": .string(terms.timeInForce.rawValue),
            "post_only": .bool(terms.postOnly), "reduce_only": .bool(terms.reduceOnly),
            "status": .string(status.rawValue), "filled_quantity": .decimal(filledQuantity),
            "average_price": .orNull(averagePrice), "fee": .decimal(fee), "reason": .optional(reason),
            "created_at": .time(createdAt), "updated_at": .time(updatedAt),
        ])
    }
}

/// One execution of an order.
public struct FillView: Hashable, Sendable {
    /// The venue's trade id.
    public var id: String
    public var order: String
    public var strategy: String
    public var symbol: String
    public var side: Side
    public var price: FixedDecimal
    public var quantity: FixedDecimal
    public var fee: FixedDecimal
    public var feeCurrency: String
    public var liquidity: Liquidity
    public var time: Timestamp

    /// Describes a fill.
    public init(
        id: String, order: String, strategy: String, symbol: String, side: Side, price: FixedDecimal,
        quantity: FixedDecimal, fee: FixedDecimal, feeCurrency: String, liquidity: Liquidity, time: Timestamp
    ) {
        self.id = id
        self.order = order
        self.strategy = strategy
        self.symbol = symbol
        self.side = side
        self.price = price
        self.quantity = quantity
        self.fee = fee
        self.feeCurrency = feeCurrency
        self.liquidity = liquidity
        self.time = time
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "order": .string(order), "strategy": .string(strategy),
            "symbol": .string(symbol), "side": .string(side.rawValue), "price": .decimal(price),
            "quantity": .decimal(quantity), "fee": .decimal(fee), "fee_currency": .string(feeCurrency),
            "liquidity": .string(liquidity.rawValue), "time": .time(time),
        ])
    }
}

/// What one strategy holds of one instrument.
public struct PositionView: Hashable, Sendable {
    public var strategy: String
    public var account: String
    /// What its prices, profits and fees are in.
    public var currency: String
    public var symbol: String
    /// Negative when short.
    public var quantity: FixedDecimal
    public var averagePrice: FixedDecimal
    public var lastPrice: FixedDecimal?
    public var realisedProfit: FixedDecimal
    public var unrealisedProfit: FixedDecimal
    public var fees: FixedDecimal

    /// Describes a position.
    public init(
        strategy: String, account: String, currency: String, symbol: String, quantity: FixedDecimal,
        averagePrice: FixedDecimal, lastPrice: FixedDecimal?, realisedProfit: FixedDecimal,
        unrealisedProfit: FixedDecimal, fees: FixedDecimal
    ) {
        self.strategy = strategy
        self.account = account
        self.currency = currency
        self.symbol = symbol
        self.quantity = quantity
        self.averagePrice = averagePrice
        self.lastPrice = lastPrice
        self.realisedProfit = realisedProfit
        self.unrealisedProfit = unrealisedProfit
        self.fees = fees
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "strategy": .string(strategy), "account": .string(account), "currency": .string(currency),
            "symbol": .string(symbol),
            "quantity": .decimal(quantity), "average_price": .decimal(averagePrice),
            "last_price": .orNull(lastPrice), "realised_pnl": .decimal(realisedProfit),
            "unrealised_pnl": .decimal(unrealisedProfit), "fees": .decimal(fees),
        ])
    }
}

/// Profit and loss, summed three ways. Currencies are never added to each other.
public struct ProfitView: Hashable, Sendable {
    /// One sum.
    public struct Sum: Hashable, Sendable {
        /// The strategy's id or the symbol; empty in a total.
        public var key: String
        public var currency: String
        public var realised: FixedDecimal
        public var unrealised: FixedDecimal
        public var fees: FixedDecimal

        /// Describes a sum.
        public init(
            key: String = "", currency: String, realised: FixedDecimal, unrealised: FixedDecimal,
            fees: FixedDecimal
        ) {
            self.key = key
            self.currency = currency
            self.realised = realised
            self.unrealised = unrealised
            self.fees = fees
        }

        /// As the API writes it; `label` names the key, or is nil to leave it out.
        func json(label: String?) -> JSONValue {
            var members: [JSONValue.Member] = label.map { [JSONValue.Member($0, .string(key))] } ?? []
            members += [
                JSONValue.Member("currency", .string(currency)),
                JSONValue.Member("realised_pnl", .decimal(realised)),
                JSONValue.Member("unrealised_pnl", .decimal(unrealised)),
                JSONValue.Member("fees", .decimal(fees)),
            ]
            return .object(members)
        }
    }

    /// One for each currency.
    public var total: [Sum]
    public var byStrategy: [Sum]
    public var bySymbol: [Sum]

    /// Describes profit and loss.
    public init(total: [Sum], byStrategy: [Sum], bySymbol: [Sum]) {
        self.total = total
        self.byStrategy = byStrategy
        self.bySymbol = bySymbol
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "total": .array(total.map { $0.json(label: nil) }),
            "by_strategy": .array(byStrategy.map { $0.json(label: "strategy") }),
            "by_symbol": .array(bySymbol.map { $0.json(label: "symbol") }),
        ])
    }
}

/// A candle for a chart.
public struct CandleView: Hashable, Sendable {
    public var candle: Candle

    /// Wraps a candle.
    public init(_ candle: Candle) {
        self.candle = candle
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "symbol": .string(candle.symbol), "resolution": .string(candle.resolution.description),
            "time": .time(candle.openTime), "close_time": .time(candle.closeTime),
            "open": .decimal(candle.open), "high": .decimal(candle.high), "low": .decimal(candle.low),
            "close": .decimal(candle.close), "volume": .decimal(candle.volume),
        ])
    }
}

/// What a strategy was worth at one moment.
public struct EquityPoint: Hashable, Sendable {
    public var time: Timestamp
    public var equity: FixedDecimal

    /// Describes a point.
    public init(time: Timestamp, equity: FixedDecimal) {
        self.time = time
        self.equity = equity
    }

    /// As the API writes it.
    public var json: JSONValue { .members(["time": .time(time), "equity": .decimal(equity)]) }
}
