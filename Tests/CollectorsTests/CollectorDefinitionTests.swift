import Collectors
import Testing
import Trading
import Wire

@Suite struct `A collector's definition` {
    static let candles = #"""
        {"id":"btc","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["1m","1h"],"from":"2026-01-01"}
        """#

    @Test func `is written as it was read`() throws {
        let read = try CollectorDefinition(try JSONParser.parse(Self.candles))
        #expect(read.series.map { "\($0.symbol) \($0.resolution)" } == ["BTCUSDT 1m", "BTCUSDT 1h"])
        #expect(read.every == Resolution("1m"))
        #expect(read.live == .stream)
        #expect(read.from == Timestamp(milliseconds: 1_767_225_600_000))
        #expect(try CollectorDefinition(read.json) == read)
        let prices = try CollectorDefinition(
            try JSONParser.parse(#"{"id":"aud","kind":"prices","venue":"coinspot"}"#))
        #expect(prices.every == Resolution("5m"))
        #expect(try CollectorDefinition(prices.json) == prices)
    }

    @Test(arguments: [
        (#"{"kind":"candles"}"#, "id: is missing"),
        (#"{"id":"A B","kind":"candles"}"#, "id: must be"),
        (#"{"id":"a","kind":"news"}"#, "kind: "),
        (#"{"id":"a","kind":"candles","venue":"coinspot"}"#, "venue: candles are collected of binance"),
        (#"{"id":"a","kind":"prices","venue":"binance"}"#, "venue: prices are collected of coinspot"),
        (#"{"id":"a","kind":"prices","venue":"coinspot","every":"7m"}"#, "every: must be whole five minutes"),
        (#"{"id":"a","kind":"prices","venue":"coinspot","symbols":["BTC"]}"#, "symbols: "),
        (
            #"{"id":"a","kind":"candles","venue":"coindcx","symbols":["BTCINR"],"resolutions":["5m"]}"#,
            "resolutions: "
        ),
        (
            #"{"id":"a","kind":"candles","venue":"binance","symbols":["btc&x=1"],"resolutions":["5m"]}"#,
            "symbols: "
        ),
        (#"{"id":"a","kind":"candles","venue":"binance","symbols":[],"resolutions":["5m"]}"#, "symbols: "),
        (
            #"{"id":"a","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["5m"],"from":"May"}"#,
            "from: "
        ),
        (
            #"{"id":"a","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["5m"],"each":"1m"}"#,
            "each: is not a known field"
        ),
    ])
    func `names the field that is wrong`(_ text: String, _ words: String) throws {
        let failure = #expect(throws: FieldFailure.self) {
            try CollectorDefinition(try JSONParser.parse(text))
        }
        #expect(failure?.description.hasPrefix(words) == true, "\(failure?.description ?? "")")
    }

    @Test func `changes in what is given, and never in what it is`() throws {
        let old = try CollectorDefinition(try JSONParser.parse(Self.candles))
        let new = try old.changed(by: try JSONParser.parse(#"{"live":"poll","enabled":false}"#))
        #expect(new.live == .poll)
        #expect(!new.isEnabled)
        #expect(new.symbols == old.symbols)
        #expect(throws: FieldFailure.self) { try old.changed(by: .members(["venue": .string("coindcx")])) }
    }
}
