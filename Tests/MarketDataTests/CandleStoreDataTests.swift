import Foundation
import Testing
import Trading

@testable import MarketData

/// The store with real candles: in, rolled up, out again.
@Suite("Candle store with real data", .enabled(if: SharedData.isThere, "the shared market data is not here"))
struct CandleStoreDataTests {
    private let bench: StoreBench
    private var store: CandleStore { bench.store }

    init() throws { bench = try StoreBench() }

    private func key(_ symbol: String, _ resolution: String) -> SeriesKey {
        SeriesKey(venue: "binance", symbol: symbol, resolution: Resolution(resolution)!)
    }

    @discardableResult
    private func read(_ name: String, as series: SeriesKey) throws -> CandleImport.Outcome {
        try CandleImport.run(
            try CandleFile(
                path: SharedData.candles(name), symbol: series.symbol, resolution: series.resolution),
            into: store, as: series, now: bench.now)
    }

    @Test("five minutes make the exchange's own longer candles", arguments: ["BTCUSDT", "ETHUSDT"])
    func rollUps(_ symbol: String) throws {
        let outcome = try read("binance-\(symbol)-5m.2024.csv.gz", as: key(symbol, "5m"))
        #expect(outcome.written.added == 71_769 && outcome.file.rows == 71_769)
        for (resolution, count) in [("15m", 23_923), ("1h", 5980), ("4h", 1495), ("1d", 249)] {
            let file = try CandleFile(path: SharedData.candles("binance-\(symbol)-\(resolution).2024.csv.gz"))
            var own: [Candle] = []
            while let candle = try file.nextCandle() { own.append(candle) }
            #expect(own.count == count)
            #expect(try bench.all(key(symbol, resolution)) == own, "\(resolution)")
        }
    }

    @Test func `the real gaps are known, as never asked for and then as missing`() throws {
        let hours = key("BTCUSDT", "1h")
        try read("binance-BTCUSDT-1h.2017_2024.csv.gz", as: hours)
        let before = try store.gaps(of: hours)
        #expect(before.counts == [.unasked: .init(gaps: 28, candles: 128)])
        #expect(before.longest?.candles == 33)
        #expect(before.longest?.start == Timestamp(milliseconds: 1_518_051_600_000))  // 2018-02-08T01:00
        let span = try #require(before.span)
        #expect(try store.unasked(of: hours, from: span.lowerBound, to: span.upperBound).count == 28)
        try store.write([], to: hours, asked: span, now: bench.now)
        let after = try store.gaps(of: hours)
        #expect(after.counts == [.missing: .init(gaps: 28, candles: 128)])
        #expect(try store.unasked(of: hours, from: span.lowerBound, to: span.upperBound).isEmpty)
        let summary = try #require(try store.series().first)
        #expect(summary.candles == 58_419 && summary.absent == 128)
        #expect(try store.verify(hours)?.isSound == true)
    }

    @Test("what goes out is what came in", arguments: ["out.csv", "out.csv.gz"])
    func exports(_ name: String) throws {
        let series = SeriesKey(venue: "coinbase", symbol: "BTCUSD", resolution: Resolution("1m")!)
        try read("coinbase-BTCUSD-1m.days.csv.gz", as: series)
        let path = bench.scratch.path + "/" + name
        let written = try CandleExport.run(
            series, of: store, from: Timestamp(milliseconds: 0), to: .endOfTime, into: path)
        #expect(written == 12_423)
        let file = try CandleFile(path: path, symbol: "BTCUSD", resolution: series.resolution)
        var back: [Candle] = []
        while let candle = try file.nextCandle() { back.append(candle) }
        #expect(try back == bench.all(series))
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(name.hasSuffix(".gz") == bytes.starts(with: [0x1F, 0x8B]))
        #expect(try store.series()[0].bytes < 12_423 * 20)
        // Ended half way, nothing is left.
        #expect(
            try CandleExport.run(
                series, of: store, from: Timestamp(milliseconds: 0), to: .endOfTime, into: path + ".gz"
            ) { _ in false } == nil)
        let left = try FileManager.default.contentsOfDirectory(atPath: bench.scratch.path)
        #expect(left.filter { $0.hasPrefix("out") } == [name])
    }

    @Test func `seconds with more holes than candles keep both`() throws {
        let series = SeriesKey(venue: "coinbase", symbol: "BTCUSD", resolution: Resolution("1s")!)
        try read("coinbase-BTCUSD-1s.2016-10.csv.gz", as: series)
        let found = try store.gaps(of: series, limit: 3)
        #expect(found.counts == [.unasked: .init(gaps: 10_910, candles: 247_675)] && found.gaps.count == 3)
        #expect(try bench.all(series).count == 11_520)
    }

    @Test func `an import that was interrupted goes on where it was`() throws {
        let series = key("BTCUSDT", "1h")
        let path = SharedData.candles("binance-BTCUSDT-1h.to2026-01.csv.gz")
        var fractions: [Double] = []
        let first = try CandleImport.run(
            try CandleFile(path: path), into: store, as: series, now: bench.now
        ) {
            fractions.append($0.fraction)
            return false
        }
        #expect(first.written.added == CandleImport.batch)
        #expect(fractions.count == 1 && fractions[0] > 0 && fractions[0] < 1)
        let second = try CandleImport.run(
            try CandleFile(path: path), into: store, as: series, now: bench.now)
        #expect(second.written.unchanged == first.written.added)
        #expect(second.written.added == 27_071 - first.written.added)
        #expect(throws: MarketFileFailure.self) {
            try CandleImport.run(
                try CandleFile(path: path), into: store, as: series, now: bench.now, limit: 100)
        }
    }
}
