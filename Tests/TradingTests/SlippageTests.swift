import Testing

@testable import Trading

/// What takers lose against the market, by each model and by all of them together.
@Suite("Slippage")
struct SlippageTests {
    private static let models: [MatchingSettings] = {
        func settings(_ change: (inout MatchingSettings) -> Void) -> MatchingSettings {
            var settings = MatchingSettings(slippageBasisPoints: 0, participation: d("0.5"))
            change(&settings)
            return settings
        }
        return [
            settings { $0.slippage = d("0.0005") }, settings { $0.halfSpreadTicks = 3 },
            settings { $0.impact = MarketImpact(coefficient: d("0.1"), curve: .linear) },
            settings { $0.impact = MarketImpact(coefficient: d("0.1"), curve: .squareRoot) },
            settings { $0.impact = MarketImpact(coefficient: d("0.1"), curve: .quadratic) },
            settings {
                $0.hasAnyVolume = true
                $0.slippage = d("0.001")
                $0.halfSpreadTicks = 1
                $0.impact = MarketImpact(coefficient: d("0.5"))
            },
        ]
    }()

    private static func venue(_ settings: MatchingSettings) -> MatchingEngine {
        var engine = MatchingEngine(settings: settings)
        engine.setInstruments([bitcoin])
        engine.openAccount(
            "margin", kind: .margin(leverage: d("100"), maintenance: d("0.001")), currency: "USDT",
            balance: d("100000000"))
        return engine
    }

    private static func candle(_ price: Int, volume: Int) -> Candle {
        let price = FixedDecimal(price)
        return Candle(
            symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: at(0), open: price, high: price,
            low: price, close: price, volume: FixedDecimal(volume))
    }

    private static func trades(
        _ terms: [OrderTerms], _ candle: Candle, _ settings: MatchingSettings
    ) -> [MatchingTrade] {
        var engine = venue(settings)
        _ = engine.marketMoved(.candle(candle))
        var trades: [MatchingTrade] = []
        for (number, terms) in terms.enumerated() {
            let request = PlaceRequest(clientID: ClientOrderID("c-\(number)")!, terms: terms)
            trades += engine.place(request, on: "margin", at: at(0)).events.trades
        }
        return trades
    }

    @Test func `leaves the market where it was`() {
        var settings = MatchingSettings(slippageBasisPoints: 0, participation: .one)
        settings.slippage = d("0.1")
        var engine = Self.venue(settings)
        func candle(_ minute: Int, _ open: Int, _ high: Int, _ low: Int, _ close: Int) -> Candle {
            Candle(
                symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: at(Int64(minute) * 60_000),
                open: FixedDecimal(open), high: FixedDecimal(high), low: FixedDecimal(low),
                close: FixedDecimal(close), volume: FixedDecimal(100))
        }
        _ = engine.marketMoved(.candle(candle(0, 1000, 1000, 1000, 1000)))
        func place(_ id: String, _ terms: OrderTerms) -> [MatchingEvent] {
            engine.place(PlaceRequest(clientID: ClientOrderID(id)!, terms: terms), on: "margin", at: at(0))
                .events
        }
        func told(_ events: [MatchingEvent]) -> [String] {
            events.compactMap { event in
                if case .traded(let trade, let market) = event {
                    "\(trade.trade.price) at \(market)"
                } else {
                    nil
                }
            }
        }
        #expect(told(place("c-1", market(.buy, "3"))) == ["1100 at 1000"])
        _ = place("c-2", limit(.buy, "1", "960"))
        _ = place("c-3", limit(.buy, "1", "940"))
        _ = place(
            "c-4",
            OrderTerms(symbol: "BTCUSDT", side: .sell, type: .stop, quantity: d("1"), stopPrice: d("945")))
        // The first limit is jumped over, the stop and the other lie inside.
        let events = engine.marketMoved(.candle(candle(1, 950, 955, 930, 935)))
        #expect(told(events) == ["960 at 950", "850.5 at 945", "940 at 940"])
    }

    @Test func `is what its model says, to the last digit`() {
        func price(_ side: Side, _ quantity: String, _ change: (inout MatchingSettings) -> Void)
            -> FixedDecimal?
        {
            var settings = MatchingSettings(slippageBasisPoints: 0, participation: .one)
            change(&settings)
            return Self.trades([market(side, quantity)], Self.candle(1000, volume: 100), settings).first?
                .trade.price
        }
        #expect(price(.buy, "25") { _ in } == d("1000"))
        #expect(price(.buy, "25") { $0.slippage = d("0.0005") } == d("1000.5"))
        #expect(price(.buy, "25") { $0.halfSpreadTicks = 3 } == d("1000.3"))
        #expect(price(.sell, "25") { $0.halfSpreadTicks = 3 } == d("999.7"))
        func impact(_ curve: MarketImpact.Curve) -> (inout MatchingSettings) -> Void {
            { $0.impact = MarketImpact(coefficient: d("0.1"), curve: curve) }
        }
        // A quarter of the volume: 0.1 · 0.25, 0.1 · √0.25 and 0.1 · 0.25².
        #expect(price(.buy, "25", impact(.linear)) == d("1025"))
        #expect(price(.sell, "25", impact(.squareRoot)) == d("950"))
        #expect(price(.buy, "25", impact(.quadratic)) == d("1006.3"))
        // All models add up.
        #expect(
            price(.buy, "25") {
                $0.slippage = d("0.0005")
                $0.halfSpreadTicks = 3
                impact(.linear)(&$0)
            } == d("1025.8"))
    }

    @Test func `of an order in parts is no smaller for the later ones`() {
        var settings = MatchingSettings(slippageBasisPoints: 0, participation: .one)
        settings.impact = MarketImpact(coefficient: d("0.1"), curve: .linear)
        let parts = Self.trades(
            Array(repeating: market(.buy, "10"), count: 4), Self.candle(1000, volume: 100), settings)
        #expect(parts.map(\.trade.price) == [d("1010"), d("1020"), d("1030"), d("1040")])
    }

    @Test func `is at its most where nothing was traded, and a quote has none for size`() {
        var settings = MatchingSettings(slippageBasisPoints: 0)
        settings.hasAnyVolume = true
        settings.impact = MarketImpact(coefficient: d("0.1"))
        let thin = Self.trades([market(.buy, "1")], Self.candle(1000, volume: 0), settings)
        #expect(thin.map(\.trade.price) == [d("1100")])
        var engine = Self.venue(settings)
        _ = engine.marketMoved(
            .quote(
                Quote(
                    symbol: "BTCUSDT", time: at(0), bid: d("999"), bidQuantity: d("5"), ask: d("1001"),
                    askQuantity: d("5"))))
        let request = PlaceRequest(clientID: ClientOrderID("q")!, terms: market(.buy, "1"))
        let quoted = engine.place(request, on: "margin", at: at(0)).events.trades
        #expect(quoted.map(\.trade.price) == [d("1001")])
    }

    @Test func `of a buyer's money on spot is held back with the order`() {
        var settings = MatchingSettings(
            makerFee: .zero, takerFee: .zero, slippageBasisPoints: 0, participation: .one)
        settings.impact = MarketImpact(coefficient: d("0.1"), curve: .linear)
        func buyTen(with money: String) -> (isFilled: Bool, left: FixedDecimal?) {
            var engine = MatchingEngine(settings: settings)
            engine.setInstruments([bitcoin])
            engine.openAccount("spot", kind: .spot, currency: "USDT", balance: d(money))
            _ = engine.marketMoved(.candle(Self.candle(1000, volume: 100)))
            let request = PlaceRequest(clientID: ClientOrderID("s-1")!, terms: market(.buy, "10"))
            let order = engine.place(request, on: "spot", at: at(0)).order
            return (order.state == .filled, engine.account("spot")?.balances["USDT"]?.total)
        }
        // Ten cost 10 · 1010.
        #expect(buyTen(with: "10100") == (true, .zero))
        #expect(buyTen(with: "10099.99") == (false, d("10099.99")))
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `never makes a price better, and never carries an order beyond its limit`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<40 {
            let price = Int.random(in: 2...5_000, using: &random)
            let candle = Self.candle(price, volume: Int.random(in: 0...50, using: &random))
            let side: Side = random.chance(50) ? .buy : .sell
            let quantity = FixedDecimal(
                units: Int128(Int.random(in: 1...40_000, using: &random)) * 1_000_000_000_000_000)
            let near = FixedDecimal(max(1, price + Int.random(in: -5...5, using: &random)))
            let isLimited = random.chance(50)
            let terms = OrderTerms(
                symbol: "BTCUSDT", side: side, type: isLimited ? .limit : .market, quantity: quantity,
                price: isLimited ? near : nil)
            for settings in Self.models {
                var plain = settings
                plain.slippage = .zero
                plain.halfSpreadTicks = 0
                plain.impact = nil
                let with = Self.trades([terms], candle, settings)
                let without = Self.trades([terms], candle, plain)
                #expect(with == Self.trades([terms], candle, settings), "it is left to chance")
                #expect(with.map(\.trade.quantity) == without.map(\.trade.quantity))
                for (worse, usual) in zip(with.map(\.trade.price), without.map(\.trade.price)) {
                    #expect(side == .buy ? worse >= usual : worse <= usual, "seed \(seed): \(terms)")
                    #expect(worse.isPositive)
                    #expect(FixedDecimal.stepped(worse, bitcoin.tickSize, .floor) == worse)
                    guard isLimited else { continue }
                    #expect(side == .buy ? worse <= near : worse >= near, "seed \(seed): \(terms)")
                }
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `has a square root that is the smallest which is not too small`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let units = Int128(Int64.random(in: 0...1_000_000_000_000_000_000, using: &random))
            let root = MarketImpact.root(of: FixedDecimal(units: units)).units
            let square = units * FixedDecimal.unitsPerOne
            #expect(root * root >= square)
            #expect(root == 0 || (root - 1) * (root - 1) < square)
        }
        #expect(MarketImpact.root(of: .one) == .one)
        #expect(MarketImpact.root(of: FixedDecimal(units: 1)) == d("0.000000001"))
    }
}
