public import Analytics
public import Trading
public import Wire

extension ClosedTrade {
    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "symbol": .string(symbol), "side": .string(isLong ? "long" : "short"),
            "entry_time": .time(entryTime), "exit_time": .time(exitTime), "entry_price": .decimal(entryPrice),
            "exit_price": .decimal(exitPrice), "quantity": .decimal(quantity), "fees": .decimal(fees),
            "profit": .decimal(profit), "mae": .real(adverseExcursion), "mfe": .real(favourableExcursion),
        ])
    }
}

extension EquityPoint {
    /// As the API writes it.
    public var json: JSONValue { .members(["time": .time(time), "equity": .decimal(equity)]) }
}

extension Fill {
    /// As the Lab's API writes it.
    public var labJSON: JSONValue {
        .members([
            "time": .time(time), "symbol": .string(symbol), "side": .string(side.rawValue),
            "price": .decimal(price), "quantity": .decimal(quantity), "fee": .decimal(fee),
            "fee_currency": .string(feeCurrency), "liquidity": .string(liquidity.rawValue),
            "order": .string(order.description), "trade": .string(key.trade.text),
        ])
    }
}

extension BacktestResult.Decision {
    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "time": .time(time), "symbol": .string(symbol), "side": .string(side.rawValue),
            "quantity": .decimal(quantity), "kind": .string(kind),
            "price": price.map { .decimal($0) } ?? .null,
        ])
    }
}
