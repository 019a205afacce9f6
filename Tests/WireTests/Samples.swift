import Trading
import Wire

extension SplitMix64 {
    mutating func decimal(signed: Bool = true) -> FixedDecimal {
        let bits = Int.random(in: 1...126, using: &self)
        let high = Int128(Int64.random(in: 0...Int64.max, using: &self))
        let low = Int128(Int64.random(in: 0...Int64.max, using: &self))
        let magnitude = (high << 63 | low) >> Int128(126 - bits)
        // Often with few digits, as real prices have.
        let step = Int128([1, 1_000_000_000, 10_000_000_000_000_000].randomElement(using: &self)!)
        let units = magnitude / step * step
        return FixedDecimal(units: signed && Bool.random(using: &self) ? -units : units)
    }

    mutating func positive() -> FixedDecimal {
        let value = decimal(signed: false)
        return value.isZero ? .one : value
    }

    mutating func maybe(_ value: (inout SplitMix64) -> FixedDecimal) -> FixedDecimal? {
        Bool.random(using: &self) ? value(&self) : nil
    }

    mutating func time() -> Timestamp {
        Timestamp(milliseconds: Int64.random(in: 0...253_402_300_799_999, using: &self))
    }

    mutating func text(_ characters: ClosedRange<Int> = 0...40) -> String {
        let alphabet: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\u{1}", "\u{7F}", "é", "😀", "\u{2028}", "漢",
            "{", "}",
        ]
        let count = Int.random(in: characters, using: &self)
        return String((0..<count).map { _ in alphabet.randomElement(using: &self)! })
    }

    mutating func id() -> String {
        let alphabet = Array("ABCxyz0189._-")
        return String(
            (0..<Int.random(in: 1...36, using: &self)).map { _ in alphabet.randomElement(using: &self)! })
    }

    mutating func symbol() -> String {
        ["BTCUSDT", "ETH/USDT", "btc-aud", "1INCH_INR"].randomElement(using: &self)!
    }

    mutating func resolution() -> Resolution {
        ["1s", "1m", "15m", "1h", "4h", "1d", "1w"].randomElement(using: &self).flatMap(Resolution.init)!
    }

    mutating func choice<Choice: CaseIterable>(_: Choice.Type = Choice.self) -> Choice {
        Choice.allCases.randomElement(using: &self)!
    }

    mutating func json(depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &self) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: .integer(Int64.random(in: Int64.min...Int64.max, using: &self))
        case 3: .number(["0.10", "-1.5e-7", "1E400", "0"].randomElement(using: &self)!)
        case 4: .string(text())
        case 5: .array((0..<Int.random(in: 0...4, using: &self)).map { _ in json(depth: depth - 1) })
        default: object(depth: depth)
        }
    }

    mutating func object(depth: Int = 4) -> JSONValue {
        .object(
            (0..<Int.random(in: 0...5, using: &self)).map {
                JSONValue.Member("\($0)" + text(0...6), json(depth: depth - 1))
            })
    }
}

extension StrategyMessage {
    static func sample(
        _ type: StrategyMessageType, using generator: inout SplitMix64
    ) -> StrategyMessage {
        switch type {
        case .ready: .ready(sdk: generator.text(), batches: Bool.random(using: &generator))
        case .done: .done(id: Int.random(in: 0...Int.max, using: &generator))
        case .order:
            .order(
                request: generator.id(),
                terms: OrderTerms(
                    symbol: generator.symbol(), side: generator.choice(), type: generator.choice(),
                    quantity: generator.decimal(), price: generator.maybe { $0.decimal() },
                    stopPrice: generator.maybe { $0.decimal() }, timeInForce: generator.choice(),
                    postOnly: Bool.random(using: &generator), reduceOnly: Bool.random(using: &generator)),
                bracket: Bool.random(using: &generator) ? generator.prices() : nil)
        case .oco:
            .oco(
                request: generator.id(), symbol: generator.symbol(), side: generator.choice(),
                quantity: generator.decimal(), prices: generator.prices())
        case .cancel:
            Bool.random(using: &generator)
                ? .cancel(request: generator.id()) : .cancelBracket(request: generator.id())
        case .amend:
            Bool.random(using: &generator)
                ? .amend(
                    request: generator.id(), quantity: generator.maybe { $0.decimal() },
                    price: generator.decimal())
                : .amendBracket(request: generator.id(), prices: generator.prices())
        case .signal:
            .signal(
                action: generator.text(1...12),
                symbol: Bool.random(using: &generator) ? generator.symbol() : nil,
                data: Bool.random(using: &generator) ? generator.object() : nil)
        case .log: .log(level: generator.choice(), message: generator.text())
        case .metric: .metric(name: generator.id(), value: generator.decimal())
        case .state: .state(generator.json())
        case .subscribe:
            .subscribe(
                symbol: generator.symbol(), resolution: generator.resolution(),
                trades: Bool.random(using: &generator), quotes: Bool.random(using: &generator))
        case .timer:
            .timer(
                id: generator.id(), afterMilliseconds: Int.random(in: 10...604_800_000, using: &generator),
                repeats: Bool.random(using: &generator))
        case .pong: .pong(id: Int.random(in: Int.min...Int.max, using: &generator))
        case .bye: .bye(reason: Bool.random(using: &generator) ? generator.text() : nil)
        }
    }
}

extension HostMessage {
    static func samples(using generator: inout SplitMix64) -> [HostMessage] {
        let order = generator.orderReport()
        let position = generator.positionReport()
        return [
            .hello(generator.hello()),
            .candle(generator.candle(), isHistory: Bool.random(using: &generator)),
            .trade(
                MarketTrade(
                    symbol: generator.symbol(), time: generator.time(), price: generator.decimal(),
                    quantity: generator.decimal())),
            .quote(
                Quote(
                    symbol: generator.symbol(), time: generator.time(), bid: generator.decimal(),
                    bidQuantity: generator.decimal(), ask: generator.decimal(),
                    askQuantity: generator.decimal())),
            .signal(
                IncomingSignal(
                    id: generator.id(), time: generator.time(), action: generator.text(1...20),
                    data: generator.object())),
            .order(order),
            .fill(
                FillReport(
                    order: generator.id(), request: generator.id(), trade: generator.id(),
                    symbol: generator.symbol(), side: generator.choice(), price: generator.decimal(),
                    quantity: generator.decimal(), fee: generator.decimal(), feeCurrency: "USDT",
                    liquidity: generator.choice(), time: generator.time())),
            .position(position),
            .bracket(generator.bracketReport()),
            .trading(
                TradingReport(
                    state: generator.choice(),
                    symbol: Bool.random(using: &generator) ? generator.symbol() : nil,
                    reason: Bool.random(using: &generator) ? generator.text() : nil,
                    until: Bool.random(using: &generator) ? generator.time() : nil, time: generator.time())),
            .funding(
                FundingReport(
                    symbol: generator.symbol(), quantity: generator.decimal(), rate: generator.decimal(),
                    amount: generator.decimal(), currency: "USDT", time: generator.time())),
            .timer(id: generator.id(), time: generator.time()),
            .ping(id: Int.random(in: Int.min...Int.max, using: &generator)),
            .candles(generator.batch()),
            .go(until: Int.random(in: 0...Int.max, using: &generator)),
            .stop(
                reason: generator.text(), deadlineMilliseconds: Int.random(in: 0...100_000, using: &generator)
            ),
        ]
    }
}

extension SplitMix64 {
    mutating func candle() -> Candle {
        Candle(
            symbol: symbol(), resolution: resolution(),
            openTime: Timestamp(milliseconds: Int64.random(in: 0...2_000_000_000_000, using: &self)),
            open: decimal(), high: decimal(), low: decimal(), close: decimal(), volume: decimal())
    }

    /// Candles of one series or of three, with a digit behind the point that is not nought.
    mutating func batch() -> CandleBatch {
        let counts = Bool.random(using: &self) ? [Int.random(in: 1...20, using: &self)] : [2, 1, 3]
        let series = counts.map { count in
            let resolution = resolution()
            let start = Int64.random(in: 0...2_000_000_000_000, using: &self)
            let gap = Int64.random(in: 0...1, using: &self) * 7_000
            var columns: [[Int64]] = (0..<5).map { _ in
                (0..<count).map { _ in Int64.random(in: 0...9_000_000_000, using: &self) }
            }
            for column in columns.indices { columns[column][0] = columns[column][0] / 10 * 10 + 7 }
            return CandleBatch.Series(
                symbol: symbol(), resolution: resolution, priceDigits: Int.random(in: 0...8, using: &self),
                volumeDigits: Int.random(in: 0...8, using: &self),
                openTimes: (0..<count).map {
                    start + Int64($0) * resolution.milliseconds + ($0 > count / 2 ? gap : 0)
                },
                open: columns[0], high: columns[1], low: columns[2], close: columns[3], volume: columns[4])
        }
        return CandleBatch(
            first: Int.random(in: 0...1_000_000, using: &self), series: series,
            order: counts.count == 1 ? [] : [0, 2, 1, 0, 2, 2])
    }

    mutating func orderReport() -> OrderReport {
        OrderReport(
            request: id(), order: id(), symbol: symbol(), side: choice(), type: choice(), quantity: decimal(),
            price: maybe { $0.decimal() }, stopPrice: maybe { $0.decimal() }, timeInForce: choice(),
            status: choice(), filledQuantity: decimal(), averagePrice: maybe { $0.decimal() },
            reason: Bool.random(using: &self) ? text(1...40) : nil, time: time())
    }

    mutating func prices() -> BracketPrices {
        BracketPrices(stopLoss: decimal(), takeProfit: maybe { $0.decimal() })
    }

    mutating func bracketReport() -> BracketReport {
        BracketReport(
            request: id(), bracket: id(), symbol: symbol(), side: choice(), quantity: decimal(),
            prices: prices(), status: choice(), leg: Bool.random(using: &self) ? choice() : nil,
            exit: Bool.random(using: &self) ? id() : nil,
            reason: Bool.random(using: &self) ? text(1...40) : nil, time: time())
    }

    mutating func positionReport() -> PositionReport {
        PositionReport(
            symbol: symbol(), quantity: decimal(), averagePrice: decimal(), realisedProfit: decimal(),
            unrealisedProfit: decimal(), fees: decimal(), time: time())
    }

    mutating func hello() -> Hello {
        Hello(
            strategy: id(), run: id(), mode: choice(), time: time(), entry: "strategy.py",
            parameters: object(), config: object(),
            instruments: (0..<Int.random(in: 0...3, using: &self)).map { _ in
                Instrument(
                    symbol: symbol(), base: "BTC", quote: "USDT", tickSize: positive(), stepSize: positive(),
                    minimumNotional: decimal(signed: false))
            },
            account: AccountView(
                currency: "USDT", equity: decimal(), available: decimal(), kind: choice(),
                leverage: positive()),
            positions: (0..<Int.random(in: 0...3, using: &self)).map { _ in positionReport() },
            orders: (0..<Int.random(in: 0...3, using: &self)).map { _ in orderReport() },
            brackets: (0..<Int.random(in: 0...3, using: &self)).map { _ in bracketReport() },
            state: json(), heartbeatMilliseconds: Int.random(in: 1...60_000, using: &self),
            seed: Bool.random(using: &self) ? Int.random(in: 0...Int.max, using: &self) : nil)
    }
}
