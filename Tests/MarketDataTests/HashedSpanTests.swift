import Synchronization
import Testing
import Trading

@testable import MarketData

@Suite("Hashes of spans")
struct HashedSpanTests {
    private let bench: StoreBench
    private var store: CandleStore { bench.store }
    private let start = Timestamp(milliseconds: 0)

    init() throws {
        bench = try StoreBench()
        try store.write(StoreBench.random(3, count: 3_000, holes: 0), to: bench.minute, now: bench.now)
    }

    private func hash(_ series: SeriesKey? = nil, to minute: Int64 = 3_000, of store: CandleStore? = nil)
        throws
        -> String
    {
        try (store ?? self.store).contentHash(
            of: series ?? bench.minute, from: start, to: Timestamp(milliseconds: minute * 60_000))
    }

    private var made: Int { store.hashes.made.load(ordering: .relaxed) }

    @Test func `are worked out once while nobody writes`() throws {
        let first = try hash()
        #expect(try hash() == first)
        #expect(made == 1)
        #expect(try hash(to: 2_000) != first)
        #expect(made == 2)
        let fresh = try CandleStore(path: store.path)
        #expect(try hash(of: fresh) == first)
    }

    @Test func `change with a changed candle, and back with it`() throws {
        let first = try hash()
        let before = try store.candles(
            of: bench.minute, from: Timestamp(milliseconds: 1_500 * 60_000), to: .endOfTime, limit: 1)[0]
        try store.write([bench.candle(1_500)], to: bench.minute, now: bench.now)
        let changed = try hash()
        #expect(changed != first)
        try store.write([before], to: bench.minute, now: bench.now)
        #expect(try hash() == first)
        // What is not changed by a write needs no new one.
        let count = made
        try store.write([before], to: bench.minute, now: bench.now)
        try store.write([bench.candle(9_000)], to: bench.minute, now: bench.now)
        #expect(try hash() == first)
        #expect(made == count)
    }

    @Test func `notice what another process writes`() throws {
        let first = try hash()
        let other = try CandleStore(path: store.path)
        try other.write([bench.candle(10)], to: bench.minute, now: bench.now)
        #expect(try hash() != first)
        #expect(try hash() == hash(of: other))
    }

    @Test func `notice candles that were let go of, and a series that begins anew`() throws {
        let first = try hash()
        let now = Timestamp(milliseconds: 3_000 * 60_000)
        #expect(try store.retain(bench.minute, milliseconds: 2_000 * 60_000, now: now) > 0)
        let less = try hash()
        #expect(less != first)
        try store.delete(bench.minute)
        let none = try hash()
        #expect(none != less && none != first)
        try store.write(StoreBench.random(4, count: 3_000, holes: 0), to: bench.minute, now: bench.now)
        #expect(Set([first, less, none, try hash()]).count == 4)
    }

    @Test func `of longer candles change with the shorter ones that they are made of`() throws {
        let hours = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("1h")!)
        let first = try hash(hours)
        #expect(try hash(hours) == first)
        #expect(made == 1)
        try store.write([bench.candle(70)], to: bench.minute, now: bench.now)
        #expect(try hash(hours) != first)
        // Hours of their own are taken instead.
        let own = Candle(
            symbol: "X", resolution: hours.resolution, openTime: start, open: .one, high: .one, low: .one,
            close: .one, volume: .one)
        let rolled = try hash(hours)
        try store.write([own], to: hours, now: bench.now)
        #expect(try hash(hours) != rolled)
    }
}
