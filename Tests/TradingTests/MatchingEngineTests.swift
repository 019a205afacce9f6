import Testing

@testable import Trading

@Suite("Matching engine")
struct MatchingEngineTests {
    var engine = MatchingEngine(
        settings: MatchingSettings(
            makerFee: d("0.001"), takerFee: d("0.002"), slippageBasisPoints: 10, participation: d("0.5")))
    var orders: Int64 = 0

    init() {
        engine.setInstruments([bitcoin, ether])
        engine.openAccount("spot", kind: .spot, currency: "USDT", balance: d("10000"))
        engine.openAccount(
            "margin", kind: .margin(leverage: d("10"), maintenance: d("0.01")), currency: "USDT",
            balance: d("1000"))
    }

    static func candle(
        _ open: String, _ high: String, _ low: String, _ close: String, _ volume: String = "100"
    )
        -> MarketEvent
    {
        .candle(
            Candle(
                symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: at(0), open: d(open),
                high: d(high),
                low: d(low), close: d(close), volume: d(volume)))
    }

    @discardableResult
    mutating func place(_ terms: OrderTerms, on account: AccountID = "spot") -> (
        MatchingOrder, [MatchingTrade]
    ) {
        orders += 1
        let id = ClientOrderID("c-\(orders)")!
        let (_, events) = engine.place(PlaceRequest(clientID: id, terms: terms), on: account, at: at(0))
        return (engine.order(id, on: account)!, events.trades)
    }

    func order(_ number: Int64, on account: AccountID = "spot") -> MatchingOrder {
        engine.order(ClientOrderID("c-\(number)")!, on: account)!
    }

    func stop(_ side: Side, _ quantity: String, at price: String, reduceOnly: Bool = false) -> OrderTerms {
        OrderTerms(
            symbol: "BTCUSDT", side: side, type: .stop, quantity: d(quantity), stopPrice: d(price),
            reduceOnly: reduceOnly)
    }

    func takeProfit(_ side: Side, _ quantity: String, at price: String, reduceOnly: Bool = true) -> OrderTerms
    {
        OrderTerms(
            symbol: "BTCUSDT", side: side, type: .takeProfit, quantity: d(quantity), stopPrice: d(price),
            reduceOnly: reduceOnly)
    }

    @Test mutating func `a market order fills at the close made worse by the slippage, with the taker's fee`()
    {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        let (bought, trades) = place(market(.buy, "2"))
        #expect(bought.state == .filled)
        #expect(trades.map(\.trade.price) == [d("100.1")])
        #expect(trades.map(\.trade.fee) == [d("0.4004")])
        #expect(engine.account("spot")?.balances["USDT"]?.total == d("9799.3996"))
        #expect(engine.account("spot")?.balances["BTC"]?.total == d("2"))
    }

    @Test mutating func `without a market there is nothing to trade against`() {
        #expect(place(market(.buy, "2")).0.reason == "there is no market in BTCUSDT yet")
        #expect(place(limit(.buy, "2", "100")).0.state == .open)
    }

    @Test mutating func `an order gets at most its share of the volume, and the rest at the next candle`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100", "4"))
        let (first, trades) = place(market(.buy, "5"))
        #expect(trades.map(\.trade.quantity) == [d("2")])
        #expect(first.state == .open)
        #expect(place(market(.buy, "1")).1.isEmpty)
        _ = engine.marketMoved(Self.candle("101", "101", "101", "101", "7"))
        #expect(order(1).state == .filled)
        #expect(order(2).filledQuantity == d("0.5"))
    }

    @Test mutating func `a limit fills as maker at its own price, and only when the market went beyond it`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(limit(.buy, "1", "99"))
        #expect(engine.marketMoved(Self.candle("100", "101", "99", "100")) == [])
        let trades = engine.marketMoved(Self.candle("100", "101", "98.9", "100")).trades
        #expect(trades.map(\.trade.price) == [d("99")])
        #expect(trades.map(\.trade.liquidity) == [.maker])
        #expect(trades.map(\.trade.fee) == [d("0.099")])
        #expect(engine.account("spot")?.balances["USDT"]?.locked == .zero)
    }

    @Test mutating func `a limit that crosses takes at the market, never beyond its price`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        #expect(place(limit(.buy, "1", "105")).1.map(\.trade.price) == [d("100.1")])
        #expect(place(limit(.buy, "1", "100")).1.map(\.trade.price) == [d("100")])
        #expect(place(limit(.buy, "1", "99.9")).1.isEmpty)
    }

    @Test mutating func `in one candle the stop goes before the target`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(market(.buy, "1"))
        place(stop(.sell, "1", at: "95", reduceOnly: true))
        place(takeProfit(.sell, "1", at: "105"))
        let events = engine.marketMoved(Self.candle("100", "110", "90", "109"))
        #expect(events.trades.map(\.trade.price) == [d("94.9")])
        #expect(order(2).state == .filled)
        #expect(order(3).state == .cancelled && order(3).reason == "nothing is left to reduce")
    }

    @Test mutating func `a stop that the open jumped over fills at the open`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(market(.buy, "1"))
        place(stop(.sell, "1", at: "95"))
        #expect(
            engine.marketMoved(Self.candle("90", "96", "85", "95")).trades.map(\.trade.price) == [d("89.9")])
    }

    @Test mutating func `a take-profit fills at its trigger less slippage, once the market went beyond`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(market(.buy, "1"))
        place(takeProfit(.sell, "1", at: "105"))
        #expect(engine.marketMoved(Self.candle("100", "105", "99", "104")) == [])
        #expect(
            engine.marketMoved(Self.candle("100", "106", "99", "104")).trades.map(\.trade.price) == [
                d("104.8")
            ])
    }

    @Test mutating func `a stop-limit fires into a limit that never fills worse`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(
            OrderTerms(
                symbol: "BTCUSDT", side: .buy, type: .stopLimit, quantity: d("1"), price: d("105"),
                stopPrice: d("104")))
        place(
            OrderTerms(
                symbol: "BTCUSDT", side: .buy, type: .stopLimit, quantity: d("1"), price: d("103"),
                stopPrice: d("104")))
        let first = engine.marketMoved(Self.candle("100", "110", "99", "108")).trades
        #expect(first.map(\.trade.price) == [d("104.2")])
        #expect(order(2).isTriggered && order(2).state == .open)
        #expect(
            engine.marketMoved(Self.candle("108", "109", "102", "108")).trades.map(\.trade.price) == [
                d("103")
            ])
    }

    @Test mutating func `time in force: what cannot be had at once expires, all of it for fill or kill`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100", "4"))
        let (killed, none) = place(limit(.buy, "3", "101", timeInForce: .fok))
        #expect(killed.state == .expired && none.isEmpty)
        #expect(killed.reason == "fill or kill: 2 was to be had")
        let (part, some) = place(limit(.buy, "3", "101", timeInForce: .ioc))
        #expect(part.state == .expired && some.map(\.trade.quantity) == [d("2")])
        #expect(place(limit(.buy, "1", "90", timeInForce: .ioc)).0.state == .expired)
        #expect(engine.account("spot")?.balances["USDT"]?.locked == .zero)
    }

    @Test mutating func `post-only is refused rather than take`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        #expect(place(limit(.buy, "1", "100", postOnly: true)).0.state == .rejected)
        #expect(place(limit(.buy, "1", "99.9", postOnly: true)).0.state == .open)
    }

    @Test mutating func `a quote offers its sizes, at the ask to buyers and at the bid to sellers`() {
        let quote = Quote(
            symbol: "BTCUSDT", time: at(0), bid: d("99"), bidQuantity: d("1"), ask: d("101"),
            askQuantity: d("2"))
        _ = engine.marketMoved(.quote(quote))
        #expect(
            place(market(.buy, "5")).1.map { [$0.trade.price, $0.trade.quantity] } == [[d("101.2"), d("2")]])
        #expect(
            place(market(.sell, "2")).1.map { [$0.trade.price, $0.trade.quantity] } == [[d("98.9"), d("1")]])
    }

    @Test mutating func `spot: money and coins are held back, and nobody sells what he has not`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        #expect(place(market(.sell, "1")).0.reason == "insufficient balance: needs 1 BTC, free 0")
        place(limit(.buy, "60", "99"))
        #expect(engine.account("spot")?.balances["USDT"]?.locked == d("5951.88"))
        #expect(place(limit(.buy, "60", "99")).0.state == .rejected)
        _ = try? engine.cancel(ClientOrderID("c-2")!, on: "spot", at: at(1))
        #expect(engine.account("spot")?.balances["USDT"]?.locked == .zero)
        #expect(throws: MatchingRefusal.notOpen(.cancelled)) {
            try engine.cancel(ClientOrderID("c-2")!, on: "spot", at: at(1))
        }
        #expect(throws: MatchingRefusal.unknownOrder) {
            try engine.cancel(ClientOrderID("c-99")!, on: "spot", at: at(1))
        }
    }

    @Test mutating func `a buy that got dearer than the money takes what it can pay`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100", "1000"))
        place(stop(.buy, "99", at: "100.5"))
        _ = engine.marketMoved(Self.candle("200", "200", "200", "200", "1000"))
        #expect(order(1).state == .cancelled && order(1).reason == "the balance does not suffice")
        let left = engine.account("spot")!.balances["USDT"]!.total
        #expect(left >= .zero && left < d("0.3"))
    }

    @Test mutating func `an amended order locks anew, and a refused change leaves all as it was`() throws {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        place(limit(.buy, "10", "99"))
        let before = engine.account("spot")
        #expect(throws: (any Error).self) {
            try engine.amend(
                ClientOrderID("c-1")!, to: Amendment(quantity: d("1000"), price: nil), on: "spot", at: at(1))
        }
        #expect(engine.account("spot") == before && engine.openOrders(on: "spot").count == 1)
        _ = try engine.amend(
            ClientOrderID("c-1")!, to: Amendment(quantity: d("5"), price: d("98")), on: "spot", at: at(1))
        #expect(engine.account("spot")?.balances["USDT"]?.locked == d("490.98"))
        let trades = try engine.amend(
            ClientOrderID("c-1")!, to: Amendment(quantity: d("5"), price: d("101")), on: "spot", at: at(1))
        #expect(trades.trades.map(\.trade.price) == [d("100.1")])
    }

    @Test mutating func `margin: shorts are held, leverage is capped, profit settles in money`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100", "10000"))
        #expect(place(market(.sell, "101"), on: "margin").0.state == .rejected)
        place(market(.sell, "50"), on: "margin")
        #expect(engine.account("margin")?.positions["BTCUSDT"]?.quantity == d("-50"))
        _ = engine.marketMoved(Self.candle("95", "95", "95", "95", "10000"))
        place(market(.buy, "50", reduceOnly: true), on: "margin")
        // Sold at 99.9, bought at 95.1, fees of 0.002 on both.
        #expect(engine.account("margin")?.balances["USDT"]?.total == d("1220.5"))
        #expect(
            place(market(.buy, "1", reduceOnly: true), on: "margin").0.reason
                == MatchingRefusal.nothingToReduce.description)
    }

    @Test mutating func `margin: an account without its maintenance margin is closed at the worse extreme`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100", "10000"))
        place(market(.buy, "90"), on: "margin")
        place(limit(.buy, "1", "80"), on: "margin")
        let events = engine.marketMoved(Self.candle("100", "101", "85", "100", "10000"))
        #expect(events.trades.map(\.trade.clientID) == [nil])
        #expect(order(2, on: "margin").state == .cancelled)
        #expect(engine.account("margin")?.positions["BTCUSDT"]?.quantity == .zero)
        #expect(engine.account("margin")?.balances["USDT"]?.total == .zero)
        guard case .liquidated("margin", let shortfall)? = events.last else {
            Issue.record("\(events)")
            return
        }
        #expect(shortfall.isPositive)
    }

    @Test mutating func `a client id used again gets the order that has it`() {
        _ = engine.marketMoved(Self.candle("100", "100", "100", "100"))
        let (first, _) = place(market(.buy, "1"))
        orders -= 1
        let (again, trades) = place(limit(.sell, "1", "200"))
        #expect(again == first && trades.isEmpty)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `money and coins are conserved to the last digit, whatever happens`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let inBase = random.chance(50)
        var engine = MatchingEngine(
            settings: MatchingSettings(
                makerFee: d("0.00017"), takerFee: d("0.00073"), slippageBasisPoints: 7,
                participation: d("0.37"),
                takesFeesInBase: inBase, remembered: 50))
        engine.setInstruments([bitcoin, ether])
        engine.openAccount("spot", kind: .spot, currency: "USDT", balance: d("5000"))
        engine.openAccount(
            "margin", kind: .margin(leverage: d("5"), maintenance: d("0.02")), currency: "USDT",
            balance: d("3000"))
        var (trades, shortfall) = ([MatchingTrade](), FixedDecimal.zero)
        var price = 1000
        for step in 0..<300 {
            var events: [MatchingEvent] = []
            let account: AccountID = random.chance(50) ? "spot" : "margin"
            let symbol = random.chance(70) ? "BTCUSDT" : "ETHUSDT"
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                price = max(200, price + Int.random(in: -60...60, using: &random))
                let spread = Int.random(in: 0...40, using: &random)
                events = engine.marketMoved(
                    .candle(
                        Candle(
                            symbol: symbol, resolution: Resolution("1m")!, openTime: at(Int64(step)),
                            open: FixedDecimal(price), high: FixedDecimal(price + spread),
                            low: FixedDecimal(price - spread),
                            close: FixedDecimal(price + Int.random(in: -spread...spread, using: &random)),
                            volume: FixedDecimal(
                                units: Int128(Int64.random(in: 0...900, using: &random))
                                    * 10_000_000_000_000_007))))
            case 4..<8:
                let terms = Self.randomTerms(symbol, price, &random)
                let id = ClientOrderID("s-\(step)")!
                events =
                    engine.place(PlaceRequest(clientID: id, terms: terms), on: account, at: at(Int64(step)))
                    .events
            case 8:
                if let order = engine.openOrders(on: account).randomElement(using: &random),
                    let id = order.clientID
                {
                    events = try engine.cancel(id, on: account, at: at(Int64(step)))
                }
            default:
                if let order = engine.openOrders(on: account).randomElement(using: &random),
                    let id = order.clientID
                {
                    let amendment = Amendment(
                        quantity: d("\(Int.random(in: 1...5, using: &random))"), price: order.terms.price)
                    events = (try? engine.amend(id, to: amendment, on: account, at: at(Int64(step)))) ?? []
                }
            }
            trades += events.trades
            for case .liquidated(_, let short) in events { shortfall = FixedDecimal.sum(shortfall, short) }
            _ = engine.takeChanges()
            Self.check(engine, trades, shortfall)
        }
        #expect(trades.count > 5, "seed \(seed)")
    }

    static func randomTerms(_ symbol: String, _ price: Int, _ random: inout SplitMix64) -> OrderTerms {
        let side: Side = random.chance(50) ? .buy : .sell
        let type = OrderType.allCases.randomElement(using: &random)!
        let near = { (random: inout SplitMix64) in
            FixedDecimal(max(1, price + Int.random(in: -50...50, using: &random)))
        }
        return OrderTerms(
            symbol: symbol, side: side, type: type,
            quantity: FixedDecimal(
                units: Int128(Int.random(in: 1...300, using: &random)) * 10_000_000_000_000_000),
            price: type.needsPrice ? near(&random) : nil,
            stopPrice: type.needsStopPrice ? near(&random) : nil,
            timeInForce: TimeInForce.allCases.randomElement(using: &random)!, reduceOnly: random.chance(25))
    }

    /// Reckons every balance anew from the trades alone, in plain integers.
    static func check(_ engine: MatchingEngine, _ trades: [MatchingTrade], _ shortfall: FixedDecimal) {
        var usdt = d("5000").units
        var coins: [String: Int128] = [:]
        var held: [String: (quantity: Int128, money: Int128)] = [:]
        var margin = d("3000").units + shortfall.units
        for trade in trades {
            let (fill, sign) = (trade.trade, Int128(trade.trade.side == .buy ? 1 : -1))
            // Prices have two digits at most and quantities three, so this product is exact.
            let money =
                fill.price.units / 10_000_000_000_000_000 * (fill.quantity.units / 1_000_000_000_000_000)
                * 10_000_000_000_000
            let base = String(fill.symbol.dropLast(4))
            if trade.account == "spot" {
                usdt -= sign * money
                coins[base, default: 0] += sign * fill.quantity.units
                if fill.feeCurrency == "USDT" {
                    usdt -= fill.fee.units
                } else {
                    coins[base, default: 0] -= fill.fee.units
                }
            } else {
                margin -= fill.fee.units
                held[fill.symbol, default: (0, 0)].quantity += sign * fill.quantity.units
                held[fill.symbol, default: (0, 0)].money -= sign * money
            }
        }
        let spot = engine.account("spot")!
        #expect(spot.balances["USDT"]!.total.units == usdt)
        for (base, units) in coins { #expect(spot.balances[base]?.total.units == units) }
        for balance in spot.balances.values {
            #expect(.zero <= balance.locked && balance.locked <= balance.total)
        }
        let account = engine.account("margin")!
        var settled = margin
        for (symbol, sums) in held {
            let position = account.positions[symbol]!
            #expect(position.quantity.units == sums.quantity)
            // Realised so far plus what the open part cost is all the money that moved.
            settled += sums.money + position.cost.units
        }
        #expect(account.balances["USDT"]!.total.units == settled)
        let locked = engine.openOrders(on: "spot").reduce(into: [String: Int128]()) { sums, order in
            let currency = order.terms.side == .buy ? "USDT" : String(order.terms.symbol.dropLast(4))
            sums[currency, default: 0] += order.locked.units
        }
        for (currency, balance) in spot.balances { #expect(balance.locked.units == locked[currency] ?? 0) }
    }
}

extension [MatchingEvent] {
    var trades: [MatchingTrade] {
        compactMap { event in
            if case .traded(let trade, _) = event { trade } else { nil }
        }
    }
}
