import Glibc
import Host
import MarketData
import Posix
import TestSupport
import Testing
import Trading

extension HostTests {
    @Suite("Exports of candles") struct DataExportTests {
        private static let minutes = SeriesKey(
            venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1m")!)

        private static func store(_ count: Int64, in host: Host) throws {
            let candles = (0..<count).map { minute in
                Candle(
                    symbol: "BTCUSDT", resolution: minutes.resolution,
                    openTime: Timestamp(milliseconds: minute * 60_000), open: FixedDecimal(Int(minute) + 1),
                    high: FixedDecimal(Int(minute) + 2), low: FixedDecimal(Int(minute) + 1),
                    close: FixedDecimal(Int(minute) + 2), volume: .one)
            }
            _ = try host.candles.write(
                candles, to: minutes, now: Timestamp(milliseconds: 60_000 * (count + 1)))
        }

        /// What a file of candles holds, read piece by piece.
        private static func read(_ file: PiecewiseFile, _ fixture: HostFixture) throws -> [Candle] {
            var bytes: [UInt8] = []
            while bytes.count < file.size { bytes += try file.read(at: bytes.count, count: 100) }
            let path = fixture.folder + "/read-back.csv.gz"
            try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC).writeAll(bytes[...])
            let reader = try CandleFile(path: path, symbol: "BTCUSDT", resolution: minutes.resolution)
            var candles: [Candle] = []
            while let candle = try reader.nextCandle() { candles.append(candle) }
            return candles
        }

        @Test func `what goes out is what is stored, and nothing of it stays behind`() async throws {
            try await HostFixture.run { fixture in
                try Self.store(500, in: fixture.host)
                let all = try await fixture.host.exportCandles(of: Self.minutes, from: nil, to: nil)
                let candles = try Self.read(all, fixture)
                #expect(candles.count == 500)
                #expect(candles.last?.close == FixedDecimal(501))
                let part = try await fixture.host.exportCandles(
                    of: Self.minutes, from: Timestamp(milliseconds: 60_000),
                    to: Timestamp(milliseconds: 180_000))
                #expect(try Self.read(part, fixture).map(\.openTime.milliseconds) == [60_000, 120_000])
                let hours = try await fixture.host.exportCandles(
                    of: SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1h")!),
                    from: nil, to: nil)
                #expect(try Self.read(hours, fixture).count == 8)
                await #expect(throws: HostError.self) {
                    try await fixture.host.exportCandles(
                        of: SeriesKey(venue: "x", symbol: "Y", resolution: Self.minutes.resolution),
                        from: nil, to: nil)
                }
            }
        }

        @Test func `only so many exports are there at once, until those who read them are done`() async throws
        {
            try await HostFixture.run { fixture in
                try Self.store(2, in: fixture.host)
                var held: [PiecewiseFile] = []
                for _ in 0..<4 {
                    held.append(try await fixture.host.exportCandles(of: Self.minutes, from: nil, to: nil))
                }
                await #expect(throws: HostError.self) {
                    try await fixture.host.exportCandles(of: Self.minutes, from: nil, to: nil)
                }
                for _ in 0..<50 {
                    held.removeLast()
                    held.append(try await fixture.host.exportCandles(of: Self.minutes, from: nil, to: nil))
                }
                #expect(try Self.read(held[3], fixture).count == 2)
            }
        }
    }
}
