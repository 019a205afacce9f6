import Foundation
import MarketData
import Testing
import Trading

@Suite("Candle file")
struct CandleFileTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func file(_ rows: String, flaws: FlawPolicy = .stop) throws -> CandleFile {
        try CandleFile(
            path: try scratch.write("X-1m.csv", "time_ms,open,high,low,close,volume\n" + rows), flaws: flaws)
    }

    private func all(_ file: CandleFile) throws -> [Candle] {
        var candles: [Candle] = []
        while let candle = try file.nextCandle() { candles.append(candle) }
        return candles
    }

    @Test func `rows become candles, and gaps are counted, not filled`() throws {
        let file = try file("60000,1,3,0.5,2,10.0000000000000000009\r\n120000,2,2,2,2,0\n360000,2,2.5,1,1,7")
        let candles = try all(file)
        #expect(candles.map(\.openTime.milliseconds) == [60000, 120000, 360000])
        #expect(candles[0].high == FixedDecimal("3") && candles[0].symbol == "X")
        #expect(file.report.rows == 3 && file.report.gaps == 1 && file.report.missing == 3)
        #expect(file.report.largestGap?.after == Timestamp(milliseconds: 120000))
    }

    @Test(
        "a wrong row is named by its line",
        arguments: [
            ("60000,1,1,1,1,1\n60000,1,1,1,1,1", 3, "stands twice"),
            ("120000,1,1,1,1,1\n60000,1,1,1,1,1", 3, "is before 120000"),
            ("60000,1,1,1,1", 2, "5 fields instead of 6"),
            ("60000,1,1,1,1,1,1", 2, "7 fields instead of 6"),
            ("", 0, ""),
            ("\n", 2, "1 fields"),
            ("60001,1,1,1,1,1", 2, "is not where a candle of 1m opens"),
            ("60000,nan,1,1,1,1", 2, "open \"nan\" is not a decimal"),
            ("60000,1, 1,1,1,1", 2, "high"),
            ("60000,1.1234567890123456789x,1,1,1,1", 2, "is not a decimal"),
            ("60000,2,1,1,1,1", 2, "high must not be below"),
            ("60000,1,1,2,1,1", 2, "low must not exceed"),
            ("60000,0,1,0,1,1", 2, "low must be above 0"),
            ("60000,1,1,1,1,-1", 2, "volume must not be negative"),
            ("-60000,1,1,1,1,1", 2, "is not a time"),
            ("1e5,1,1,1,1,1", 2, "is not a time"),
            ("999999999999960000,1,1,1,1,1", 2, "is not a time"),
            ("\"60000\",1,1,1,1,1", 2, "is not a time"),
        ])
    func wrongRows(_ rows: String, _ line: Int, _ words: String) throws {
        let file = try file(rows)
        if line == 0 {
            #expect(try all(file).isEmpty)
            return
        }
        let failure = #expect(throws: MarketFileFailure.self) { try all(file) }
        #expect(failure?.line == line)
        #expect(failure?.reason.contains(words) == true, "\(failure?.reason ?? "")")
    }

    @Test func `wrong rows are skipped and counted when asked`() throws {
        let file = try file("60000,1,1,1,1,1\nx\n60000,1,1,1,1,1\n120000,1,1,1,1,1\n", flaws: .skip)
        #expect(try all(file).count == 2)
        #expect(file.report.skipped == 2)
        #expect(file.report.problems.map(\.line) == [3, 4])
    }

    @Test func `a line without end is refused before it fills memory`() throws {
        let file = try file("60000," + String(repeating: "1", count: 300_000))
        let failure = #expect(throws: MarketFileFailure.self) { try all(file) }
        #expect(failure?.reason == "is longer than 1024 bytes")
    }

    @Test func `a file of wrong rows is given up, however small it was compressed`() throws {
        let text = CandleFile.header + "\n60000,1,1,1,1,1\n" + String(repeating: "\n", count: 100_001)
        let file = try CandleFile(path: try scratch.writeCompressed("N-1m.csv.gz", text), flaws: .skip)
        #expect(try file.nextCandle() != nil)
        let failure = #expect(throws: MarketFileFailure.self) { try file.nextCandle() }
        #expect(failure?.line == 100_003)
        #expect(failure?.reason == "is the 100001th that is wrong; has 1 fields instead of 6")
    }

    @Test func `a byte order mark before the header is no part of it`() throws {
        let text = "\u{FEFF}" + CandleFile.header + "\n60000,1,1,1,1,1\n"
        #expect(try all(CandleFile(path: try scratch.write("M-1m.csv", text))).count == 1)
    }

    @Test func `a header, a name and a regular file are needed`() throws {
        let other = #expect(throws: MarketFileFailure.self) {
            try CandleFile(path: try scratch.write("X-1m.csv", "60000,1,1,1,1,1\n"))
        }
        #expect(
            other?.reason == "should be time_ms,open,high,low,close,volume, and is \"60000,1,1,1,1,1\"")
        #expect(throws: MarketFileFailure.self) { try CandleFile(path: try scratch.write("Y-1m.csv", "")) }
        #expect(throws: MarketFileFailure.self) { try CandleFile(path: try scratch.write("noname.csv", "")) }
        #expect(throws: MarketFileFailure.self) { try CandleFile(path: scratch.path + "/Z-1m.csv") }
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/D-1m.csv", withIntermediateDirectories: false)
        let failure = #expect(throws: MarketFileFailure.self) {
            try CandleFile(path: scratch.path + "/D-1m.csv")
        }
        #expect(failure?.reason == "is not a regular file")
    }

    @Test func `a compressed file is read, and one cut short is refused`() throws {
        let rows = (1...2000).map { "\($0 * 60000),1.5,2,1,1.25,\($0)\n" }.joined()
        let text = CandleFile.header + "\n" + rows
        let whole = try CandleFile(path: try scratch.writeCompressed("A-1m.csv.gz", text))
        #expect(try all(whole).count == 2000)
        let cut = try CandleFile(path: try scratch.writeCompressed("B-1m.csv.gz", text, cut: 20))
        let failure = #expect(throws: MarketFileFailure.self) { try all(cut) }
        #expect(failure?.reason == "the compressed data is broken: unexpected end of file")
        #expect(failure.map { $0.line > 1000 } == true)
    }

    @Test(
        "a file's name tells symbol and resolution",
        arguments: [
            ("/x/binance-BTCUSDT-5m.2024.csv.gz", "BTCUSDT", "5m"), ("ETHINR-1h.csv", "ETHINR", "1h"),
            ("coinbase-BTCUSD-1m.days.csv.gz", "BTCUSD", "1m"),
        ])
    func names(_ path: String, _ symbol: String, _ resolution: String) {
        let name = CandleFileName(path: path)
        #expect(name?.symbol == symbol)
        #expect(name?.resolution.description == resolution)
    }

    @Test(
        "names that tell nothing are nil", arguments: ["BTC.csv", "BTCUSDT-x.csv", "-5m.csv", "A-5m.txt", ""])
    func badNames(_ path: String) { #expect(CandleFileName(path: path) == nil) }
}

@Suite(
    "Real market data",
    .enabled(if: SharedData.isThere, "the real candles lie beside the project, in ../shared/data"))
struct RealMarketDataTests {
    @Test(
        "rows and gaps are as recorded",
        arguments: [
            ("binance-BTCUSDT-15m.2024.csv.gz", 23923, 0, 0, 0),
            ("binance-BTCUSDT-1h.2017_2024.csv.gz", 58419, 28, 128, 33),
            ("binance-ETHUSDT-1h.to2026-01.csv.gz", 27071, 1, 1, 1),
            ("coinbase-BTCUSD-1d.csv.gz", 1318, 8, 34, 20),
            ("bitfinex-BTCUSD-1h.csv.gz", 733, 7, 9, 2),
            ("coinbase-ETHUSD-1m.days.csv.gz", 5329, 3, 304271, 303840),
            ("coinbase-BTCUSD-1s.2016-10.csv.gz", 11520, 10910, 247675, 242),
            ("binance-BTCUSDT-1d.to2026-01.csv.gz", 1493, 0, 0, 0),
        ])
    func counts(_ name: String, _ rows: Int, _ gaps: Int, _ missing: Int64, _ largest: Int64) throws {
        let file = try CandleFile(path: SharedData.candles(name))
        while try file.nextCandle() != nil {}
        #expect(file.report.rows == rows)
        #expect(file.report.skipped == 0)
        #expect(file.report.gaps == gaps)
        #expect(file.report.missing == missing)
        #expect((file.report.largestGap?.missing ?? 0) == largest)
    }

    @Test("five minutes of 2024 rolled up are the exchange's own candles", arguments: ["BTCUSDT", "ETHUSDT"])
    func rollUps(_ symbol: String) throws {
        func read(_ resolution: String) throws -> [Candle] {
            let file = try CandleFile(path: SharedData.candles("binance-\(symbol)-\(resolution).2024.csv.gz"))
            var candles: [Candle] = []
            while let candle = try file.nextCandle() { candles.append(candle) }
            return candles
        }
        let fine = try read("5m")
        #expect(fine.count == 71769)
        for resolution in ["15m", "1h", "4h", "1d"] {
            let folded = try CandleRollUp.fold(fine, to: Resolution(resolution)!)
            let own = try read(resolution)
            // The files end together; a last longer candle may lack parts in one of them.
            #expect(own.count - folded.count <= 1 && folded.count <= own.count)
            #expect(folded == Array(own.prefix(folded.count)), "\(resolution)")
        }
    }

    @Test func `trades and quotes are read`() throws {
        let folder = try #require(SharedData.folder)
        let trades = try TradeFile(
            path: folder + "/trades/binance-BTCUSDT-trades.2024-08-08.csv.gz", symbol: "BTCUSDT")
        while try trades.next() != nil {}
        #expect(trades.report.rows == 9_738)
        let quotes = try QuoteFile(
            path: folder + "/trades/coinbase-BTCUSD-quotes-1m.days.csv.gz", symbol: "BTCUSD",
            resolution: Resolution("1m")!, flaws: .skip)
        while try quotes.next() != nil {}
        #expect(quotes.report.rows + quotes.report.skipped == 7_188)
        #expect(quotes.report.skipped == 0, "\(quotes.report.problems)")
    }
}
