import Glibc
import MarketData
import Posix
import TestSupport
import Testing
import Trading

@testable import Host

@Suite("Opening the candle store")
struct CandleStoreOpeningTests {
    @Test func `a store that cannot be used is moved aside, and a host goes on with a new one`() throws {
        let folder = Places.makeTemporaryFolder()
        let folders = DataFolders(root: folder)
        mkdir(folders.market, 0o700)
        defer {
            for name in ["candles.db", "candles.db.damaged"] {
                for suffix in ["", "-wal", "-shm"] { unlink("\(folders.market)/\(name)\(suffix)") }
            }
            rmdir(folders.market)
            rmdir(folder)
        }
        let log = HostLog(part: "data", sink: try .memory())
        let series = SeriesKey(venue: "test", symbol: "X", resolution: Resolution(milliseconds: 60_000))
        let candle = Candle(
            symbol: "X", resolution: series.resolution, openTime: Timestamp(milliseconds: 0), open: .one,
            high: .one, low: .one, close: .one, volume: .zero)
        let first = try Host.openCandles(folders, log: log)
        try first.write([candle], to: series, now: Timestamp(milliseconds: 60_000))
        first.close()
        let second = try Host.openCandles(folders, log: log)
        #expect(try second.latest().map(\.candle) == [candle])
        second.close()

        let file = try FileDescriptor.open(folders.candles, O_WRONLY)
        try file.writeAll(Array(repeating: 7, count: 100)[...])
        let third = try Host.openCandles(folders, log: log)
        #expect(try third.series().isEmpty)
        third.close()
        #expect(access(folders.candles + ".damaged", F_OK) == 0)
    }
}
