import Trading

extension HostMessage {
    /// Reads one line, without its newline, as a strategy in Swift, a replay or a test would.
    public init(line: ArraySlice<UInt8>) throws(FieldFailure) {
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(
                line, limits: .init(bytes: StrategyProtocol.batchBytes, depth: 16))
        } catch {
            throw FieldFailure(field: "", reason: error.description)
        }
        var reader = try ObjectReader(value)
        switch try reader.string("type") {
        case "hello": self = .hello(try Hello(&reader))
        case "candle": self = try Self.candle(&reader)
        case "trade":
            self = .trade(
                MarketTrade(
                    symbol: try reader.string("symbol"), time: try reader.time("time"),
                    price: try reader.decimal("price"), quantity: try reader.decimal("quantity")))
        case "quote":
            self = .quote(
                Quote(
                    symbol: try reader.string("symbol"), time: try reader.time("time"),
                    bid: try reader.decimal("bid"), bidQuantity: try reader.decimal("bid_quantity"),
                    ask: try reader.decimal("ask"), askQuantity: try reader.decimal("ask_quantity")))
        case "signal":
            self = .signal(
                IncomingSignal(
                    id: try reader.string("id"), time: try reader.time("time"),
                    action: try reader.string("action"), data: try reader.required("data")))
        case "order": self = .order(try OrderReport(&reader))
        case "fill": self = .fill(try FillReport(&reader))
        case "position": self = .position(try PositionReport(&reader))
        case "bracket": self = .bracket(try BracketReport(&reader))
        case "trading": self = .trading(try TradingReport(&reader))
        case "funding": self = .funding(try FundingReport(&reader))
        case "timer": self = .timer(id: try reader.string("id"), time: try reader.time("time"))
        case "ping": self = .ping(id: try reader.integer("id"))
        case "candles": self = .candles(try CandleBatch(&reader))
        case "go": self = .go(until: try reader.integer("until", in: 0...Int.max))
        case "stop":
            self = .stop(
                reason: try reader.string("reason"),
                deadlineMilliseconds: try reader.integer("deadline_ms", in: 0...Int.max))
        case let other: throw reader.failure("type", "\"\(other.prefix(64))\" is not a line that a host says")
        }
        try reader.finish()
    }

    private static func candle(_ reader: inout ObjectReader) throws(FieldFailure) -> HostMessage {
        let written = try reader.string("resolution", bytes: 8)
        guard let resolution = Resolution(written) else {
            throw reader.failure("resolution", "\"\(written)\" is not a length such as 1m")
        }
        let candle = Candle(
            symbol: try reader.string("symbol"), resolution: resolution, openTime: try reader.time("time"),
            open: try reader.decimal("open"), high: try reader.decimal("high"),
            low: try reader.decimal("low"), close: try reader.decimal("close"),
            volume: try reader.decimal("volume"))
        guard try reader.time("close_time") == candle.closeTime else {
            throw reader.failure("close_time", "is not time plus resolution")
        }
        return .candle(candle, isHistory: try reader.optionalBool("history") ?? false)
    }
}

extension Hello {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        let version = try reader.integer("protocol")
        guard version == StrategyProtocol.version else {
            throw reader.failure("protocol", "is \(version), understood is \(StrategyProtocol.version)")
        }
        self.init(
            strategy: try reader.string("strategy"), run: try reader.string("run"),
            mode: try reader.choice("mode"), time: try reader.time("time"),
            entry: try reader.string("entry"), parameters: try reader.required("parameters"),
            config: try reader.required("config"),
            instruments: try reader.objects("instruments") { reader throws(FieldFailure) in
                try Instrument(&reader)
            },
            account: try AccountView(try reader.required("account"), path: "account"),
            positions: try reader.objects("positions") { reader throws(FieldFailure) in
                try PositionReport(&reader)
            },
            orders: try reader.objects("orders") { reader throws(FieldFailure) in
                try OrderReport(&reader)
            },
            brackets: try reader.objects("brackets") { reader throws(FieldFailure) in
                try BracketReport(&reader)
            },
            state: reader.optional("state") ?? .null,
            heartbeatMilliseconds: try reader.integer("heartbeat_ms", in: 1...Int.max),
            seed: try reader.optionalInteger("seed", in: 0...Int.max))
    }
}

extension ObjectReader {
    fileprivate mutating func objects<Element>(
        _ name: String, element: (inout ObjectReader) throws(FieldFailure) -> Element
    ) throws(FieldFailure) -> [Element] {
        guard let values = try optionalArray(name, count: 4096) else { throw failure(name, "is missing") }
        var elements: [Element] = []
        for (index, value) in values.enumerated() {
            var reader = try ObjectReader(value, path: "\(fullName(name))[\(index)]")
            elements.append(try element(&reader))
            try reader.finish()
        }
        return elements
    }
}

extension Instrument {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        let tickSize = try reader.decimal("tick_size")
        let stepSize = try reader.decimal("step_size")
        let minimumNotional = try reader.decimal("minimum_notional")
        guard tickSize.isPositive else { throw reader.failure("tick_size", "must be above 0") }
        guard stepSize.isPositive else { throw reader.failure("step_size", "must be above 0") }
        guard !minimumNotional.isNegative else {
            throw reader.failure("minimum_notional", "must not be negative")
        }
        self.init(
            symbol: try reader.string("symbol"), base: try reader.string("base"),
            quote: try reader.string("quote"), tickSize: tickSize, stepSize: stepSize,
            minimumNotional: minimumNotional)
    }
}

extension AccountView {
    fileprivate init(_ value: JSONValue, path: String) throws(FieldFailure) {
        var reader = try ObjectReader(value, path: path)
        self.init(
            currency: try reader.string("currency"), equity: try reader.decimal("equity"),
            available: try reader.decimal("available"), kind: try reader.choice("kind"),
            leverage: try reader.decimal("leverage"))
        try reader.finish()
    }
}

extension OrderReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            request: try reader.string("request"), order: try reader.string("order"),
            symbol: try reader.string("symbol"), side: try reader.choice("side"),
            type: try reader.choice("order_type"), quantity: try reader.decimal("quantity"),
            price: try reader.optionalDecimal("price"), stopPrice: try reader.optionalDecimal("stop_price"),
            timeInForce: try reader.choice("time_in_force"), status: try reader.choice("status"),
            filledQuantity: try reader.decimal("filled_quantity"),
            averagePrice: try reader.optionalDecimal("average_price"),
            reason: try reader.optionalString("reason"), time: try reader.time("time"))
    }
}

extension FillReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            order: try reader.string("order"), request: try reader.string("request"),
            trade: try reader.string("trade"), symbol: try reader.string("symbol"),
            side: try reader.choice("side"), price: try reader.decimal("price"),
            quantity: try reader.decimal("quantity"), fee: try reader.decimal("fee"),
            feeCurrency: try reader.string("fee_currency"), liquidity: try reader.choice("liquidity"),
            time: try reader.time("time"))
    }
}

extension PositionReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            symbol: try reader.string("symbol"), quantity: try reader.decimal("quantity"),
            averagePrice: try reader.decimal("average_price"),
            realisedProfit: try reader.decimal("realised_pnl"),
            unrealisedProfit: try reader.decimal("unrealised_pnl"), fees: try reader.decimal("fees"),
            time: try reader.time("time"))
    }
}

extension BracketReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            request: try reader.string("request"), bracket: try reader.string("bracket"),
            symbol: try reader.string("symbol"), side: try reader.choice("side"),
            quantity: try reader.decimal("quantity"),
            prices: BracketPrices(
                stopLoss: try reader.optionalDecimal("stop_loss"),
                takeProfit: try reader.optionalDecimal("take_profit")),
            status: try reader.choice("status"), leg: try reader.optionalChoice("leg"),
            exit: try reader.optionalString("exit"), reason: try reader.optionalString("reason"),
            time: try reader.time("time"))
    }
}

extension FundingReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            symbol: try reader.string("symbol"), quantity: try reader.decimal("quantity"),
            rate: try reader.decimal("rate"), amount: try reader.decimal("amount"),
            currency: try reader.string("currency"), time: try reader.time("time"))
    }
}

extension TradingReport {
    fileprivate init(_ reader: inout ObjectReader) throws(FieldFailure) {
        self.init(
            state: try reader.choice("state"), symbol: try reader.optionalString("symbol"),
            reason: try reader.optionalString("reason"), until: try reader.optionalTime("until"),
            time: try reader.time("time"))
    }
}
