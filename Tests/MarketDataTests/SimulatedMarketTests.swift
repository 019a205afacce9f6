import MarketData
import Testing
import Trading

@Suite("Simulated market")
struct SimulatedMarketTests {
    static let start = Timestamp(milliseconds: 1_700_000_000_123)
    static let minute = Resolution("1m")!

    private func market(seed: UInt64 = 7, at start: Timestamp = start) throws -> SimulatedMarket {
        try SimulatedMarket(seed: seed, start: start)
    }

    @Test("the same seed gives the same market however it is polled", arguments: [1, 37, 250, 999, 61_007])
    func pollingPatterns(_ step: Int64) throws {
        let end = Self.start.advanced(byMilliseconds: 305_000)
        var whole = try market()
        let expected = whole.advance(to: end)
        var polled = try market()
        var events: [MarketEvent] = []
        var time = Self.start
        while time < end {
            time = min(end, time.advanced(byMilliseconds: step))
            events += polled.advance(to: time)
        }
        #expect(events == expected)
        #expect(polled.now == end)
    }

    @Test func `a limit gives the rest with the next call`() throws {
        let end = Self.start.advanced(byMilliseconds: 130_000)
        var whole = try market()
        let expected = whole.advance(to: end)
        var limited = try market()
        var events: [MarketEvent] = []
        while true {
            let some = limited.advance(to: end, limit: 7)
            #expect(some.count <= 7)
            if some.isEmpty { break }
            #expect(limited.now <= end)
            events += some
        }
        #expect(events == expected)
    }

    @Test func `a market that starts later is the same market`() throws {
        let later = Self.start.advanced(byMilliseconds: 3_600_000 * 30 + 17)
        let end = later.advanced(byMilliseconds: 125_000)
        var first = try market()
        first.skip(to: later)
        var second = try market(at: later)
        let events = second.advance(to: end)
        let same = first.advance(to: end)
        #expect(same == events)
        #expect(events.first.map { $0.time > later } == true)
    }

    @Test func `skipping is the same as advancing and throwing away`() throws {
        for distance: Int64 in [0, 1, 400, 59_000, 60_000, 61_000, 119_999, 120_001, 200_000] {
            let place = Self.start.advanced(byMilliseconds: distance)
            let end = place.advanced(byMilliseconds: 61_000)
            var skipped = try market()
            skipped.skip(to: place)
            var advanced = try market()
            _ = advanced.advance(to: place)
            let (after, expected) = (skipped.advance(to: end), advanced.advance(to: end))
            #expect(after == expected)
        }
    }

    @Test func `another seed gives another market`() throws {
        var first = try market(seed: 1)
        var second = try market(seed: 2)
        let end = Self.start.advanced(byMilliseconds: 60_000)
        let (one, other) = (first.advance(to: end), second.advance(to: end))
        #expect(one != other)
    }

    @Test func `events come in order of time and stand where the next one was announced`() throws {
        var market = try market()
        var last = Self.start
        for _ in 0..<3000 {
            let next = try #require(market.nextEventTime)
            let events = market.advance(to: next)
            #expect(events.allSatisfy { $0.time == next })
            #expect(next > last)
            last = next
        }
    }

    @Test func `a minute's trades fold to its candle, on tick and step`() throws {
        var market = try SimulatedMarket(seed: 3, start: Timestamp(milliseconds: 1_699_999_980_000 - 1))
        let instruments = market.instruments
        let events = market.advance(to: Timestamp(milliseconds: 1_699_999_980_000 + 600_000))
        var trades: [String: [MarketTrade]] = [:]
        var candles = 0
        for event in events {
            switch event {
            case .trade(let trade): trades[trade.symbol, default: []].append(trade)
            case .quote(let quote):
                let instrument = try #require(instruments.first { $0.symbol == quote.symbol })
                #expect(quote.bid.isPositive && quote.bid < quote.ask)
                #expect(quote.bid.isMultiple(of: instrument.tickSize))
                #expect(quote.ask.isMultiple(of: instrument.tickSize))
                #expect(quote.bidQuantity.isPositive && quote.askQuantity.isPositive)
            case .candle(let candle)
            where candle.resolution == Self.minute && candle.closeTime.milliseconds > 1_699_999_980_000:
                let own = trades.removeValue(forKey: candle.symbol) ?? []
                let instrument = try #require(instruments.first { $0.symbol == candle.symbol })
                #expect(candle.flaw == nil)
                #expect(candle.open == own.first?.price)
                #expect(candle.close == own.last?.price)
                #expect(candle.high == own.map(\.price).max())
                #expect(candle.low == own.map(\.price).min())
                #expect(candle.volume == (try own.reduce(.zero) { try $0 + $1.quantity }))
                #expect(
                    own.allSatisfy {
                        $0.time >= candle.openTime && $0.time < candle.closeTime
                            && $0.price.isMultiple(of: instrument.tickSize)
                            && $0.quantity.isMultiple(of: instrument.stepSize) && $0.quantity.isPositive
                    })
                candles += 1
            case .candle: break
            }
        }
        #expect(candles == 50)
    }

    @Test("history is what was announced", arguments: ["1m", "5m", "15m", "1h"])
    func history(_ text: String) throws {
        let resolution = try #require(Resolution(text))
        let options = SimulatedMarket.Options(tradesPerMinute: 4, quotesPerMinute: 1)
        var market = try SimulatedMarket(seed: 5, start: Self.start, options: options)
        let end = Self.start.advanced(byMilliseconds: 3 * 3_600_000)
        let announced = market.advance(to: end).compactMap { event -> Candle? in
            guard case .candle(let candle) = event, candle.symbol == "ETHINR",
                candle.resolution == resolution
            else { return nil }
            return candle
        }
        #expect(announced.count >= 3)
        let history = try market.history(
            symbol: "ETHINR", resolution: resolution, count: announced.count, before: end)
        #expect(history == announced)
    }

    @Test func `history joins without a gap and a minute opens where the one before closed`() throws {
        var market = try market()
        let candles = try market.history(
            symbol: "BTCUSDT", resolution: Self.minute, count: 3000, before: Self.start)
        #expect(candles.count == 3000)
        #expect(candles.last!.closeTime <= Self.start)
        for (before, after) in zip(candles, candles.dropFirst()) {
            #expect(after.openTime == before.closeTime)
            #expect(after.open == before.close)
            #expect(after.flaw == nil)
        }
        let hours = try market.history(
            symbol: "BTCUSDT", resolution: Resolution("1h")!, count: 20, before: Self.start)
        let folded = try CandleRollUp.fold(candles, to: Resolution("1h")!)
        #expect(Array(folded.suffix(20)) == hours)
    }

    @Test func `prices stay sensible for years, move together and have calm and wild days`() throws {
        var market = try market(seed: 11)
        let end = Timestamp(milliseconds: 1_900_000_000_000)
        let day = Resolution("1d")!
        func closes(_ symbol: String, _ count: Int) throws -> [Double] {
            try market.history(symbol: symbol, resolution: day, count: count, before: end)
                .map { Double($0.close.description)! }
        }
        func changes(_ prices: [Double]) -> [Double] { zip(prices.dropFirst(), prices).map { $0 / $1 - 1 } }
        let bitcoin = try closes("BTCUSDT", 250)
        #expect(bitcoin.min()! > 6_000 && bitcoin.max()! < 600_000)
        let (b, e, r) = (
            changes(Array(bitcoin.suffix(120))), changes(try closes("ETHUSDT", 120)),
            changes(try closes("BTCINR", 120))
        )
        func correlation(_ x: ArraySlice<Double>, _ y: ArraySlice<Double>) -> Double {
            let (mx, my) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
            let xy = zip(x, y).map { ($0 - mx) * ($1 - my) }.reduce(0, +)
            let xx = x.map { ($0 - mx) * ($0 - mx) }.reduce(0, +)
            let yy = y.map { ($0 - my) * ($0 - my) }.reduce(0, +)
            return xy / (xx * yy).squareRoot()
        }
        #expect(correlation(b.suffix(119), e[...]) > 0.5)
        #expect(correlation(b.suffix(119), r[...]) > 0.9)
        let minutes = try market.history(symbol: "BTCUSDT", resolution: Self.minute, count: 4000, before: end)
        let moves = changes(minutes.map { Double($0.close.description)! }).map(abs)
        // Clustering: a large move is likelier beside a large one.
        #expect(correlation(moves.dropLast(), moves.dropFirst()) > 0.05)
    }

    @Test("any seed gives candles that make sense", arguments: 0..<40)
    func seeds(_ seed: UInt64) throws {
        let time = Timestamp(milliseconds: Int64(seed) * 97_000_000_000)
        var market = try SimulatedMarket(seed: seed &* 0x9E37_79B9_7F4A_7C15, start: time)
        for instrument in market.instruments {
            let candles = try market.history(
                symbol: instrument.symbol, resolution: Self.minute, count: 60, before: time)
            #expect(candles.count == 60)
            #expect(candles.allSatisfy { $0.flaw == nil && $0.volume.isPositive })
            #expect(candles.allSatisfy { $0.close.isMultiple(of: instrument.tickSize) })
        }
    }

    @Test func `history has a bound, and longer candles come after their parts`() throws {
        var market = try SimulatedMarket(
            seed: 1, start: Self.start,
            options: .init(
                symbols: ["BTCUSDT"], resolutions: ["1h", "1m", "1h", "5m"].compactMap { Resolution($0) }))
        func count(_ count: Int) throws -> Int {
            try market.history(symbol: "BTCUSDT", resolution: Self.minute, count: count, before: Self.start)
                .count
        }
        #expect(try count(.max) == 5000)
        #expect(try count(-1) == 0)
        let hour = Resolution("1h")!.openTime(containing: Self.start).advanced(byMilliseconds: 3_600_000)
        let closes = market.advance(to: hour).compactMap { event -> String? in
            guard case .candle(let candle) = event, candle.closeTime == hour else { return nil }
            return candle.resolution.description
        }
        #expect(closes == ["1m", "5m", "1h"])
    }

    @Test func `what is not simulated is refused by name`() {
        #expect(throws: SimulatedMarket.Failure.repeatedSymbol("BTCINR")) {
            try SimulatedMarket(seed: 1, start: Self.start, options: .init(symbols: ["BTCINR", "BTCINR"]))
        }
        #expect(throws: SimulatedMarket.Failure.unknownSymbol("DOGEUSDT")) {
            try SimulatedMarket(seed: 1, start: Self.start, options: .init(symbols: ["DOGEUSDT"]))
        }
        #expect(throws: SimulatedMarket.Failure.resolutionNotMinutes(Resolution("7m")!)) {
            try SimulatedMarket(seed: 1, start: Self.start, options: .init(resolutions: [Resolution("7m")!]))
        }
        #expect(
            throws: SimulatedMarket.Failure.rateOutOfRange(
                name: "trades_per_minute", value: 3, allowed: 4...600)
        ) {
            try SimulatedMarket(seed: 1, start: Self.start, options: .init(tradesPerMinute: 3))
        }
    }
}

@Suite("Feed clock")
struct FeedClockTests {
    private let market = Timestamp(milliseconds: 1_000_000)

    @Test func `market time runs as many times faster as asked`() {
        let clock = FeedClock(market: market, atNanoseconds: 5_000_000_000, speed: .times(60))
        #expect(clock.marketTime(atNanoseconds: 5_000_000_000) == market)
        #expect(clock.marketTime(atNanoseconds: 6_000_000_000) == market.advanced(byMilliseconds: 60_000))
        #expect(clock.nanoseconds(atMarketTime: market.advanced(byMilliseconds: 60_000)) == 6_000_000_000)
    }

    @Test("at the announced instant the event is due, not before", arguments: [1, 7, 60, 1000, 999_983])
    func due(_ factor: Int) throws {
        let clock = FeedClock(market: market, atNanoseconds: 123, speed: .times(factor))
        for ahead: Int64 in [1, 2, 3, 17, 1000, 86_400_000] {
            let event = market.advanced(byMilliseconds: ahead)
            let instant = try #require(clock.nanoseconds(atMarketTime: event))
            #expect(clock.marketTime(atNanoseconds: instant) >= event)
            #expect(clock.marketTime(atNanoseconds: instant - 1) < event)
        }
    }

    @Test func `a pause stands still and resumes where it stopped`() {
        var clock = FeedClock(market: market, atNanoseconds: 0, speed: .times(10))
        clock.pause(atNanoseconds: 1_000_000_000)
        #expect(clock.nanoseconds(atMarketTime: market) == nil)
        #expect(clock.marketTime(atNanoseconds: 9_000_000_000) == market.advanced(byMilliseconds: 10_000))
        clock.resume(atNanoseconds: 9_000_000_000)
        #expect(clock.marketTime(atNanoseconds: 10_000_000_000) == market.advanced(byMilliseconds: 20_000))
        clock.setSpeed(.asFastAsPossible, atNanoseconds: 10_000_000_000)
        #expect(clock.marketTime(atNanoseconds: 10_000_000_000) == .endOfTime)
        clock.pause(atNanoseconds: 11_000_000_000, market: market)
        #expect(clock.marketTime(atNanoseconds: 12_000_000_000) == market)
    }

    @Test("speeds are read strictly", arguments: ["0", "-1", "1.5", "1000001", "+2", "", "fast"])
    func refuses(_ text: String) {
        #expect(FeedClock.Speed(text) == nil)
        #expect(FeedClock.Speed("60") == .times(60))
        #expect(FeedClock.Speed("max") == .asFastAsPossible)
    }
}
