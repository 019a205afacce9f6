import MarketData
import Testing
import Trading
import Wire

@Suite("Feed definition")
struct FeedDefinitionTests {
    private func read(_ text: String) throws -> FeedDefinition {
        try FeedDefinition(try JSONParser.parse(text))
    }

    @Test(
        "a definition is read and written",
        arguments: [
            #"{"id":"sim","kind":"simulated","seed":7,"symbols":["BTCUSDT","ETHINR"],"resolutions":["1m"],"speed":"60"}"#,
            #"{"id":"s","kind":"simulated"}"#,
            #"{"id":"btc-2024","kind":"replay","files":["x/BTCUSD-5m.csv.gz",{"path":"a.csv","symbol":"XY","resolution":"1h"}],"derived":["1h","4h"],"lookback":100,"flaws":"skip","speed":"max"}"#,
            #"{"id":"mine","kind":"injected","symbols":["DOGEINR"],"instruments":[{"symbol":"DOGEINR","base":"DOGE","quote":"INR","tick_size":"0.0001","step_size":"1"}]}"#,
        ])
    func roundTrip(_ text: String) throws {
        let definition = try read(text)
        #expect(try FeedDefinition(definition.json) == definition)
        #expect(try definition.changed(by: .object([])) == definition)
    }

    @Test func `a file's name tells what a definition leaves out`() throws {
        let definition = try read(
            #"{"id":"r","kind":"replay","files":["binance-BTCUSD-5m.x.csv.gz"]}"#)
        guard case .replay(let replay) = definition.source else {
            Issue.record("not a replay")
            return
        }
        #expect(replay.files[0].symbol == "BTCUSD" && replay.files[0].resolution.description == "5m")
        #expect(definition.speed == .times(1) && replay.lookback == 0 && replay.flaws == .stop)
    }

    @Test(
        "a wrong field is named",
        arguments: [
            (#"{"kind":"simulated"}"#, "id"), (#"{"id":"A b","kind":"simulated"}"#, "id"),
            (#"{"id":"a","kind":"live"}"#, "kind"), (#"{"id":"a","kind":"simulated","speed":"0"}"#, "speed"),
            (#"{"id":"a","kind":"simulated","speed":"max"}"#, "speed"),
            (#"{"id":"a","kind":"simulated","speed":1.5}"#, "speed"),
            (#"{"id":"a","kind":"simulated","speed":[60]}"#, "speed"),
            (#"{"id":"a","kind":"simulated","seed":-1}"#, "seed"),
            (#"{"id":"a","kind":"simulated","symbols":["DOGE"]}"#, "symbols"),
            (#"{"id":"a","kind":"simulated","symbols":["BTCUSDT","BTCUSDT"]}"#, "symbols[1]"),
            (#"{"id":"a","kind":"simulated","resolutions":["7m"]}"#, "resolutions"),
            (#"{"id":"a","kind":"simulated","resolutions":["x"]}"#, "resolutions[0]"),
            (#"{"id":"a","kind":"simulated","trades_per_minute":3}"#, "trades_per_minute"),
            (#"{"id":"a","kind":"simulated","files":[]}"#, "files"),
            (#"{"id":"a","kind":"replay"}"#, "files"),
            (#"{"id":"a","kind":"replay","files":["x.csv"]}"#, "files[0].symbol"),
            (#"{"id":"a","kind":"replay","files":["../A-1m.csv"]}"#, "files[0].path"),
            (#"{"id":"a","kind":"replay","files":[{"path":"A-1m.csv","x":1}]}"#, "files[0].x"),
            (#"{"id":"a","kind":"replay","files":["A-1m.csv"],"lookback":-1}"#, "lookback"),
            (#"{"id":"a","kind":"replay","files":["A-1m.csv"],"flaws":"mend"}"#, "flaws"),
            (#"{"id":"a","kind":"injected"}"#, "symbols"),
            (#"{"id":"a","kind":"injected","symbols":["btc"]}"#, "symbols[0]"),
            (
                #"{"id":"a","kind":"injected","symbols":["X"],"instruments":[{"symbol":"Y","base":"Y","quote":"Z","tick_size":"1","step_size":"1"}]}"#,
                "instruments[0].symbol"
            ),
            (
                #"{"id":"a","kind":"injected","symbols":["X"],"instruments":[{"symbol":"X","base":"Y","quote":"Z","tick_size":"0","step_size":"1"}]}"#,
                "instruments[0].tick_size"
            ),
        ])
    func wrong(_ text: String, _ field: String) {
        let failure = #expect(throws: FieldFailure.self) { try read(text) }
        #expect(failure?.field == field, "\(String(describing: failure))")
    }

    @Test func `a speed may be written as a number`() throws {
        #expect(try read(#"{"id":"s","kind":"simulated","speed":60}"#).speed == .times(60))
    }

    @Test func `a change keeps what it does not name, and the id and kind`() throws {
        let definition = try read(#"{"id":"s","kind":"simulated","seed":7}"#)
        let changed = try definition.changed(by: try JSONParser.parse(#"{"speed":"10","id":"s"}"#))
        #expect(changed.speed == .times(10) && changed.source == definition.source)
        for change in [#"{"id":"t"}"#, #"{"kind":"replay"}"#, #"{"colour":1}"#, #"{"seed":"x"}"#] {
            #expect(throws: FieldFailure.self) { try definition.changed(by: try JSONParser.parse(change)) }
        }
    }
}

@Suite("Feed at work")
struct MarketFeedTests {
    private let scratch: ScratchFolder
    private let wall = Timestamp(milliseconds: 1_700_000_000_000)

    init() throws { scratch = try ScratchFolder() }

    private func replay(
        _ rows: String, speed: FeedClock.Speed = .times(60), lookback: Int = 0, cursor: String? = nil
    ) throws -> MarketFeed {
        _ = try scratch.write("BTCUSD-1m.csv", CandleFile.header + "\n" + rows)
        let file = FeedDefinition.File(
            path: "BTCUSD-1m.csv", symbol: "BTCUSD", resolution: Resolution("1m")!)
        let definition = FeedDefinition(
            id: "r",
            source: .replay(.init(files: [file], derived: [Resolution("5m")!], lookback: lookback)),
            speed: speed)
        return try MarketFeed(
            definition, folder: scratch.path, wall: wall, atNanoseconds: 1_000, cursor: cursor)
    }

    private static let rows = (0..<20).map { "\($0 * 60_000),1,2,1,\($0 % 2 + 1),1\n" }.joined()

    /// Drives a feed as an event loop does and returns what came, with the second of each.
    private func drive(_ feed: MarketFeed, limit: Int = 3) -> [(MarketEvent, Int64)] {
        var events: [(MarketEvent, Int64)] = []
        var nanoseconds: Int64 = 1_000
        while let due = feed.nextDue {
            nanoseconds = max(nanoseconds, due)
            for event in feed.take(atNanoseconds: nanoseconds, wall: wall, limit: limit) {
                events.append((event, nanoseconds / 1_000_000_000))
            }
        }
        return events
    }

    @Test func `a replay sixty times faster gives a minute's candle each second`() throws {
        let feed = try replay(Self.rows)
        let events = drive(feed)
        let minutes = events.filter {
            if case .candle(let c) = $0.0 { c.resolution.description == "1m" } else { false }
        }
        #expect(minutes.map(\.1) == Array(0..<20))
        #expect(events.count == 24)
        #expect(feed.isAtEnd && feed.health.isAtEnd && feed.health.candles == 24 && feed.fault == nil)
        #expect(feed.gives(symbol: "BTCUSD", resolution: Resolution("5m")!))
        #expect(!feed.gives(symbol: "BTCUSD", resolution: Resolution("7m")!))
        #expect(!feed.gives(symbol: "ETHUSD", resolution: Resolution("1m")!))
        #expect(feed.instruments.map(\.quote) == ["USD"])
    }

    @Test func `a feed opened again at its cursor goes on as if it had never stopped`() throws {
        let whole = drive(try replay(Self.rows, speed: .asFastAsPossible, lookback: 4)).map(\.0)
        for count in 1..<whole.count {
            let first = try replay(Self.rows, speed: .asFastAsPossible, lookback: 4)
            let before = first.take(atNanoseconds: 2_000, wall: wall, limit: count)
            let second = try replay(
                Self.rows, speed: .asFastAsPossible, lookback: 4, cursor: first.cursor)
            #expect(before + drive(second).map(\.0) == whole)
            let history = { (feed: MarketFeed) in
                feed.history(symbol: "BTCUSD", resolution: Resolution("1m")!, count: 5)
            }
            #expect(second.now >= first.now)
            #expect(history(try replay(Self.rows, lookback: 4)).count == 4)
        }
        #expect(throws: MarketFeed.Failure.self) { try replay(Self.rows, cursor: "nonsense") }
    }

    @Test func `a wrong row ends the feed with its reason, after what came before it`() throws {
        let feed = try replay("0,1,1,1,1,1\n60000,1,1,1,1,1\n60000,1,1,1,1,1\n")
        #expect(drive(feed).count == 2)
        #expect(feed.fault?.contains("line 4: time_ms 60000 stands twice") == true)
        #expect(feed.nextDue == nil && !feed.isAtEnd && feed.health.refusals == 1)
    }

    @Test func `a speed that was changed is in the definition, so that the next change keeps it`() throws {
        let feed = try replay(Self.rows, speed: .times(60))
        feed.setSpeed(.times(600), atNanoseconds: 2_000)
        let next = try feed.definition.changed(by: .members(["lookback": .integer(2)]))
        #expect(feed.definition.speed == .times(600) && next.speed == .times(600))
    }

    @Test func `a file that is missing or wrong at its head is told when the feed is opened`() throws {
        let failure = #expect(throws: MarketFeed.Failure.self) { try replay("0,1,1,1,1\n") }
        #expect(failure?.description.contains("line 2") == true)
    }

    @Test func `the simulated market runs with the wall clock and has history at once`() throws {
        let definition = FeedDefinition(
            id: "s", source: .simulated(seed: 3, options: .init(symbols: ["BTCUSDT"])), speed: .times(10))
        let feed = try MarketFeed(definition, folder: "", wall: wall, atNanoseconds: 0)
        let history = feed.history(symbol: "BTCUSDT", resolution: Resolution("1m")!, count: 100)
        #expect(history.count == 100 && history.last!.closeTime <= wall)
        let events = feed.take(atNanoseconds: 12_000_000_000, wall: wall, limit: .max)
        #expect(feed.now == wall.advanced(byMilliseconds: 120_000))
        #expect(events.allSatisfy { $0.time > wall && $0.time <= feed.now } && events.count > 300)
        // The first candle that closes follows the last one of the history.
        let first = events.lazy.compactMap { event -> Candle? in
            if case .candle(let candle) = event { candle } else { nil }
        }.first
        #expect(first?.openTime == history.last?.closeTime && first?.open == history.last?.close)
        feed.pause(atNanoseconds: 12_000_000_000)
        #expect(feed.nextDue == nil && feed.take(atNanoseconds: 99_000_000_000, wall: wall).isEmpty)
        feed.resume(atNanoseconds: 99_000_000_000)
        let due = try #require(feed.nextDue)
        #expect(due >= 99_000_000_000 && due < 100_000_000_000)
        #expect(feed.cursor == nil && !feed.takesEvents)
        #expect(feed.history(symbol: "NONE", resolution: Resolution("1m")!, count: 5).isEmpty)
    }

    @Test func `an injected feed keeps what it is given`() throws {
        let feed = try MarketFeed(
            FeedDefinition(id: "i", source: .injected(symbols: ["BTCUSDT"])), folder: "", wall: wall,
            atNanoseconds: 0)
        #expect(feed.takesEvents && feed.nextDue == nil)
        let candle = Candle(
            symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: Timestamp(milliseconds: 60_000),
            open: .one, high: .one, low: .one, close: .one, volume: .one)
        feed.inject([.candle(candle)], wall: wall)
        #expect(feed.history(symbol: "BTCUSDT", resolution: Resolution("1m")!, count: 5) == [candle])
        #expect(feed.health.candles == 1)
        feed.recordRefusal("no", count: 2)
        #expect(feed.health.refusals == 2)
    }

    @Test(
        "an instrument without steps gets usual ones",
        arguments: [
            ("BTCINR", "BTC", "INR"), ("DOGEUSDT", "DOGE", "USDT"), ("ETHBTC", "ETH", "BTC"),
            ("XYZ", "XYZ", "USDT"),
        ])
    func usual(_ symbol: String, _ base: String, _ quote: String) {
        let instrument = Instrument.usual(symbol: symbol)
        #expect(instrument.symbol == symbol && instrument.base == base && instrument.quote == quote)
    }
}
