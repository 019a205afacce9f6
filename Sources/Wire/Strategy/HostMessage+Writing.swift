import Trading

extension HostMessage {
    /// The message as one line, newline included.
    public var line: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(320)
        write(to: &output)
        return output
    }

    /// Appends the message as one line, newline included.
    ///
    /// Member order is fixed, absent values are left out, and decimals are strings.
    public func write(to output: inout [UInt8]) {
        var line = LineWriter(takingFrom: &output, type: type)
        switch self {
        case .hello(let hello): hello.write(to: &line)
        case .candle(let candle, let isHistory):
            line.string("symbol", candle.symbol)
            line.word("resolution", candle.resolution.description)
            line.time("time", candle.openTime)
            line.time("close_time", candle.closeTime)
            line.decimal("open", candle.open)
            line.decimal("high", candle.high)
            line.decimal("low", candle.low)
            line.decimal("close", candle.close)
            line.decimal("volume", candle.volume)
            line.flag("history", isHistory)
        case .trade(let trade):
            line.string("symbol", trade.symbol)
            line.time("time", trade.time)
            line.decimal("price", trade.price)
            line.decimal("quantity", trade.quantity)
        case .quote(let quote):
            line.string("symbol", quote.symbol)
            line.time("time", quote.time)
            line.decimal("bid", quote.bid)
            line.decimal("bid_quantity", quote.bidQuantity)
            line.decimal("ask", quote.ask)
            line.decimal("ask_quantity", quote.askQuantity)
        case .signal(let signal):
            line.string("id", signal.id)
            line.time("time", signal.time)
            line.string("action", signal.action)
            line.value("data", signal.data)
        case .order(let order): order.write(to: &line)
        case .fill(let fill): fill.write(to: &line)
        case .position(let position): position.write(to: &line)
        case .bracket(let bracket): bracket.write(to: &line)
        case .trading(let trading): trading.write(to: &line)
        case .funding(let funding): funding.write(to: &line)
        case .timer(let id, let time):
            line.string("id", id)
            line.time("time", time)
        case .ping(let id): line.integer("id", Int64(id))
        case .candles(let batch): batch.write(to: &line)
        case .go(let until): line.integer("until", Int64(until))
        case .stop(let reason, let deadline):
            line.string("reason", reason)
            line.integer("deadline_ms", Int64(deadline))
        }
        line.end(into: &output)
    }

    /// The word in the line's `type`.
    public var type: String {
        switch self {
        case .hello: "hello"
        case .candle: "candle"
        case .trade: "trade"
        case .quote: "quote"
        case .signal: "signal"
        case .order: "order"
        case .fill: "fill"
        case .position: "position"
        case .bracket: "bracket"
        case .trading: "trading"
        case .funding: "funding"
        case .timer: "timer"
        case .ping: "ping"
        case .candles: "candles"
        case .go: "go"
        case .stop: "stop"
        }
    }
}

extension Hello {
    fileprivate func write(to line: inout LineWriter) {
        line.integer("protocol", Int64(StrategyProtocol.version))
        line.string("strategy", strategy)
        line.string("run", run)
        line.word("mode", mode.rawValue)
        line.time("time", time)
        line.string("entry", entry)
        line.value("parameters", parameters)
        line.value("config", config)
        line.objects("instruments", instruments) { instrument, line in
            line.string("symbol", instrument.symbol)
            line.string("base", instrument.base)
            line.string("quote", instrument.quote)
            line.decimal("tick_size", instrument.tickSize)
            line.decimal("step_size", instrument.stepSize)
            line.decimal("minimum_notional", instrument.minimumNotional)
        }
        line.object(named: "account") { line in
            line.string("currency", account.currency)
            line.decimal("equity", account.equity)
            line.decimal("available", account.available)
            line.word("kind", account.kind.rawValue)
            line.decimal("leverage", account.leverage)
        }
        line.objects("positions", positions) { $0.write(to: &$1) }
        line.objects("orders", orders) { $0.write(to: &$1) }
        line.objects("brackets", brackets) { $0.write(to: &$1) }
        line.value("state", state)
        line.integer("heartbeat_ms", Int64(heartbeatMilliseconds))
        if let seed { line.integer("seed", Int64(seed)) }
    }
}

extension OrderReport {
    fileprivate func write(to line: inout LineWriter) {
        line.string("request", request)
        line.string("order", order)
        line.string("symbol", symbol)
        line.word("side", side.rawValue)
        line.word("order_type", type.rawValue)
        line.decimal("quantity", quantity)
        line.optionalDecimal("price", price)
        line.optionalDecimal("stop_price", stopPrice)
        line.word("time_in_force", timeInForce.rawValue)
        line.word("status", status.rawValue)
        line.decimal("filled_quantity", filledQuantity)
        line.optionalDecimal("average_price", averagePrice)
        line.optionalString("reason", reason)
        line.time("time", time)
    }
}

extension FillReport {
    fileprivate func write(to line: inout LineWriter) {
        line.string("order", order)
        line.string("request", request)
        line.string("trade", trade)
        line.string("symbol", symbol)
        line.word("side", side.rawValue)
        line.decimal("price", price)
        line.decimal("quantity", quantity)
        line.decimal("fee", fee)
        line.string("fee_currency", feeCurrency)
        line.word("liquidity", liquidity.rawValue)
        line.time("time", time)
    }
}

extension PositionReport {
    fileprivate func write(to line: inout LineWriter) {
        line.string("symbol", symbol)
        line.decimal("quantity", quantity)
        line.decimal("average_price", averagePrice)
        line.decimal("realised_pnl", realisedProfit)
        line.decimal("unrealised_pnl", unrealisedProfit)
        line.decimal("fees", fees)
        line.time("time", time)
    }
}

extension BracketReport {
    fileprivate func write(to line: inout LineWriter) {
        line.string("request", request)
        line.string("bracket", bracket)
        line.string("symbol", symbol)
        line.word("side", side.rawValue)
        line.decimal("quantity", quantity)
        prices.write(to: &line)
        line.word("status", status.rawValue)
        if let leg { line.word("leg", leg.rawValue) }
        line.optionalString("exit", exit)
        line.optionalString("reason", reason)
        line.time("time", time)
    }
}

extension FundingReport {
    fileprivate func write(to line: inout LineWriter) {
        line.string("symbol", symbol)
        line.decimal("quantity", quantity)
        line.decimal("rate", rate)
        line.decimal("amount", amount)
        line.string("currency", currency)
        line.time("time", time)
    }
}

extension TradingReport {
    fileprivate func write(to line: inout LineWriter) {
        line.word("state", state.rawValue)
        line.optionalString("symbol", symbol)
        line.optionalString("reason", reason)
        if let until { line.time("until", until) }
        line.time("time", time)
    }
}
