import Glibc
import MarketData
import Posix
import Synchronization
import TestSupport
import Testing
import Trading

@testable import Host

@Suite("Keeping candles for a time")
struct CandleUpkeepTests {
    @Test func `old ones go by the clock, of a series that nobody writes to`() async throws {
        let path = Places.makeTemporaryFolder()
        defer {
            for suffix in ["", "-wal", "-shm"] { unlink("\(path)/candles.db\(suffix)") }
            rmdir(path)
        }
        let store = try CandleStore(path: path + "/candles.db")
        let minute: Int64 = 60_000
        func candle(_ symbol: String, _ number: Int64) -> Candle {
            Candle(
                symbol: symbol, resolution: Resolution(milliseconds: minute),
                openTime: Timestamp(milliseconds: number * minute), open: .one, high: .one, low: .one,
                close: .one, volume: .zero)
        }
        func key(_ symbol: String) -> SeriesKey {
            SeriesKey(venue: "test", symbol: symbol, resolution: Resolution(milliseconds: minute))
        }
        let written = Timestamp(milliseconds: 100 * minute)
        for symbol in ["OLD", "KEPT"] {
            try store.write((0..<100).map { candle(symbol, $0) }, to: key(symbol), now: written)
        }
        #expect(try store.retain(key("OLD"), milliseconds: 100 * minute, now: written) == 0)
        // The clock of the upkeep goes on by ten minutes at each look.
        let clock = Atomic<Int64>(100 * minute)
        let loop = try EventLoop(name: "upkeep-test")
        let upkeep = CandleUpkeep(
            store, threads: WorkThreads(name: "data", limit: 1, full: "are at work already"),
            log: HostLog(part: "data", sink: try .memory()), every: .milliseconds(1)
        ) {
            Timestamp(milliseconds: clock.add(10 * minute, ordering: .relaxed).newValue)
        }
        upkeep.begin(on: loop)
        func count(_ symbol: String) throws -> Int {
            try store.series().first { $0.series == key(symbol) }?.candles ?? 0
        }
        let deadline = MonotonicClock.nanoseconds + 10_000_000_000
        while try count("OLD") > 50, MonotonicClock.nanoseconds < deadline { await Task.yield() }
        #expect(try count("OLD") <= 50)
        #expect(try count("KEPT") == 100)
        upkeep.end()
        loop.stop()
        store.close()
    }
}
