import Foundation
import Testing
import Trading

@testable import Journal
@testable import MarketData

/// A store in a folder of its own.
struct StoreBench {
    let scratch: ScratchFolder
    let store: CandleStore
    let minute = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("1m")!)
    /// Later than every candle of the tests.
    let now = Timestamp(milliseconds: 1_800_000_000_000)

    init() throws {
        scratch = try ScratchFolder()
        store = try CandleStore(path: scratch.path + "/candles.db")
    }

    func candle(_ minute: Int64, close: String = "2", volume: String = "1", symbol: String = "X") -> Candle {
        let close = FixedDecimal(close)!
        return Candle(
            symbol: symbol, resolution: Resolution("1m")!, openTime: Timestamp(milliseconds: minute * 60_000),
            open: FixedDecimal(2), high: max(FixedDecimal(3), close), low: min(FixedDecimal("0.5")!, close),
            close: close, volume: FixedDecimal(volume)!)
    }

    func all(_ series: SeriesKey? = nil, limit: Int = .max) throws -> [Candle] {
        let columns = try store.candles(
            of: series ?? minute, from: Timestamp(milliseconds: 0), to: .endOfTime, limit: limit)
        return (0..<columns.count).map { columns[$0] }
    }

    /// Random candles that make sense, of minutes that may have holes.
    static func random(_ seed: UInt64, count: Int64, from start: Int64 = 0, holes: UInt64 = 7) -> [Candle] {
        var generator = Generator(state: seed &* 7919 &+ 1)
        var price = 40_000_00
        return (start..<start + count).compactMap { minute in
            price = max(1, price + Int(generator.next() % 9001) - 4500)
            guard holes == 0 || generator.next() % holes != 0 else { return nil }
            let parts = (0..<4).map { _ in max(1, price + Int(generator.next() % 2001) - 1000) }.sorted()
            let isUp = generator.next() % 2 == 0
            func cents(_ number: Int) -> FixedDecimal {
                FixedDecimal(units: Int128(number) * 10_000_000_000_000_000)
            }
            return Candle(
                symbol: "X", resolution: Resolution("1m")!,
                openTime: Timestamp(milliseconds: minute * 60_000),
                open: cents(parts[isUp ? 1 : 2]), high: cents(parts[3]), low: cents(parts[0]),
                close: cents(parts[isUp ? 2 : 1]),
                volume: FixedDecimal(units: Int128(generator.next() % 100_000_000) * 1_000_000_000_000))
        }
    }
}

@Suite("Candle store")
struct CandleStoreTests {
    private let bench: StoreBench
    private var store: CandleStore { bench.store }

    init() throws { bench = try StoreBench() }

    // MARK: - Writing

    @Test("whatever the order and the pieces, the same candles come out", arguments: UInt64(0)..<6)
    func anyOrder(_ seed: UInt64) throws {
        let candles = StoreBench.random(seed, count: 5000)
        var generator = Generator(state: seed)
        var rest = candles.shuffled(using: &generator)
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int(generator.next() % 1500) + 1))
            rest.removeFirst(piece.count)
            let report = try store.write(piece, to: bench.minute, now: bench.now)
            #expect(report.added == piece.count && report.unchanged == 0 && report.replaced == 0)
        }
        #expect(try bench.all() == candles)
        let summary = try #require(try store.series().first)
        let slots =
            candles.last!.openTime.milliseconds / 60_000 - candles[0].openTime.milliseconds / 60_000 + 1
        #expect(summary.candles == candles.count && summary.absent == Int(slots) - candles.count)
        #expect(try store.verify(bench.minute)?.isSound == true)
    }

    @Test func `writing again changes nothing, and the newer of two wins and is counted`() throws {
        let first = [bench.candle(1), bench.candle(2), bench.candle(3)]
        try store.write(first, to: bench.minute, now: bench.now)
        let again = try store.write(first, to: bench.minute, now: bench.now)
        #expect(again.unchanged == 3 && again.added == 0 && again.replaced == 0)
        let other = bench.candle(2, close: "2.125")
        let report = try store.write([other, bench.candle(4)], to: bench.minute, now: bench.now)
        #expect(report.replaced == 1 && report.added == 1)
        #expect(report.notes.first?.words.contains("is now 2 3 0.5 2.125 1") == true)
        #expect(try bench.all() == [first[0], other, first[2], bench.candle(4)])
        #expect(try store.series().first?.replaced == 1)
        // Also within one batch.
        let twice = try store.write(
            [bench.candle(9, close: "1"), bench.candle(8), bench.candle(9)], to: bench.minute, now: bench.now)
        #expect(twice.added == 2 && twice.replaced == 1)
        #expect(try bench.all().last == bench.candle(9))
    }

    @Test func `what is flawed, off its place, still forming or beyond the digits is refused and counted`()
        throws
    {
        let flawed = Candle(
            symbol: "X", resolution: bench.minute.resolution, openTime: Timestamp(milliseconds: 0),
            open: FixedDecimal(1), high: FixedDecimal(1), low: FixedDecimal(2), close: FixedDecimal(1),
            volume: .zero)
        let moved = Candle(
            symbol: "X", resolution: bench.minute.resolution, openTime: Timestamp(milliseconds: 1),
            open: FixedDecimal(1), high: FixedDecimal(1), low: FixedDecimal(1), close: FixedDecimal(1),
            volume: .zero)
        let now = Timestamp(milliseconds: 10 * 60_000)
        let report = try store.write(
            [
                flawed, moved, bench.candle(8), bench.candle(9), bench.candle(10), bench.candle(-1),
                bench.candle(1, volume: "1000000000"),
                // Eighteen digits beside ten before the point do not fit 64 bits.
                bench.candle(2, volume: "0.000000000000000001"),
            ], to: bench.minute, now: now)
        #expect(report.refused == [.flawed: 1, .unaligned: 2, .unclosed: 1, .tooPrecise: 1])
        #expect(report.added == 3 && report.refusedInAll == 5 && report.notes.count == 5)
        try store.write([bench.candle(10)], to: bench.minute, now: now)
        #expect(
            try store.series().first?.refused == [.flawed: 1, .unaligned: 2, .unclosed: 2, .tooPrecise: 1])
        // The moment of its close is the first at which it is taken.
        let closed = try store.write(
            [bench.candle(10)], to: bench.minute, now: Timestamp(milliseconds: 11 * 60_000))
        #expect(closed.added == 1)
    }

    @Test func `every digit comes back, also when later candles need more of them`() throws {
        let values = ["2", "2.1", "2.000000001", "0.123456789012", "0.5"]
        for (minute, value) in values.enumerated() {
            let candle = bench.candle(Int64(minute), close: value, volume: value)
            try store.write([candle], to: bench.minute, now: bench.now)
        }
        #expect(try bench.all().map(\.close.description) == values)
        #expect(try bench.all().map(\.volume.description) == values)
        let largest = "922337.203685477580"
        #expect(
            try store.write([bench.candle(9, volume: largest)], to: bench.minute, now: bench.now).added == 1)
        let more = try store.write([bench.candle(10, volume: "9223373")], to: bench.minute, now: bench.now)
        #expect(more.refused == [.tooPrecise: 1])
    }

    @Test func `two stores on one file see each other's candles`() throws {
        let other = try CandleStore(path: store.path)
        try other.write([bench.candle(1)], to: bench.minute, now: bench.now)
        try store.write([bench.candle(2)], to: bench.minute, now: bench.now)
        other.close()
        #expect(try bench.all().count == 2)
        #expect(throws: MarketFileFailure.self) { try other.series() }
        #expect(throws: MarketFileFailure.self) { try other.write([], to: bench.minute, now: bench.now) }
    }

    @Test func `the write-ahead log is put into the file while the store is open`() throws {
        let candles = StoreBench.random(1, count: 1000, holes: 0)
        for round in 0..<300 {
            // One chunk of some 15 kB written anew each time: some 8 MB in all.
            try store.write(
                [candles[round], bench.candle(500, volume: "\(round)")], to: bench.minute, now: bench.now)
            if round == 0 { try store.write(candles, to: bench.minute, now: bench.now) }
        }
        let log = try FileManager.default.attributesOfItem(atPath: store.path + "-wal")[.size] as? Int
        #expect(log ?? .max < 5_000_000)
    }

    // MARK: - Reading

    @Test("read in pieces or at once, it is the same", arguments: [1, 7, 1024, 3000])
    func pieces(_ limit: Int) throws {
        let candles = StoreBench.random(3, count: 3000, from: 100)
        try store.write(candles, to: bench.minute, now: bench.now)
        let (start, end) = (Timestamp(milliseconds: 333 * 60_000 + 1), Timestamp(milliseconds: 2500 * 60_000))
        let wanted = candles.filter { $0.openTime >= start && $0.openTime < end }
        var (read, next) = ([Candle](), start)
        while limit > 1 || read.count < 20 {
            let piece = try store.candles(of: bench.minute, from: next, to: end, limit: limit)
            read += (0..<piece.count).map { piece[$0] }
            #expect(piece.count == limit || read.count == wanted.count)
            guard piece.count == limit else { break }
            next = piece[limit - 1].closeTime
        }
        #expect(read == Array(wanted.prefix(read.count)) && (limit == 1 || read.count == wanted.count))
    }

    @Test func `the last ones are found behind gaps and rolled up`() throws {
        let candles = [3, 4, 5, 900, 901, 5000].map { bench.candle($0) }
        try store.write(candles, to: bench.minute, now: bench.now)
        func last(_ count: Int, _ resolution: String, before minute: Int64) throws -> [Int64] {
            let key = SeriesKey(venue: "test", symbol: "X", resolution: Resolution(resolution)!)
            return try store.last(count, of: key, before: Timestamp(milliseconds: minute * 60_000)).openTimes
                .map {
                    $0 / 60_000
                }
        }
        #expect(try last(2, "1m", before: 9000) == [901, 5000])
        #expect(try last(4, "1m", before: 5000) == [4, 5, 900, 901])
        #expect(try last(99, "1m", before: 9000).count == 6)
        #expect(try last(0, "1m", before: 9000) == [] && last(3, "1m", before: 3) == [])
        #expect(try last(2, "5m", before: 9000) == [5, 900])
        #expect(try store.latest().map(\.candle) == [candles[5]])
    }

    @Test func `an unknown series and an empty span are empty`() throws {
        try store.write([bench.candle(5)], to: bench.minute, now: bench.now)
        let other = SeriesKey(venue: "test", symbol: "Y", resolution: bench.minute.resolution)
        #expect(try bench.all(other).isEmpty)
        #expect(try store.latest(symbol: "Y").isEmpty && store.latest(venue: "test").count == 1)
        #expect(try store.last(3, of: other).count == 0)
        let time = Timestamp(milliseconds: 300_000)
        #expect(try store.candles(of: bench.minute, from: time, to: time, limit: 5).count == 0)
        #expect(try store.candles(of: bench.minute, from: time, to: .endOfTime, limit: 0).count == 0)
        let extremes = try store.candles(
            of: bench.minute, from: Timestamp(milliseconds: .min), to: Timestamp(milliseconds: .max), limit: 5
        )
        #expect(extremes.count == 1)
    }

    @Test func `the hash is that of the lines, whatever their way into the store`() throws {
        let candles = StoreBench.random(5, count: 2100)
        try store.write(candles, to: bench.minute, now: bench.now)
        let lines = candles.map { candle in
            ([candle.openTime.milliseconds.description]
                + [candle.open, candle.high, candle.low, candle.close, candle.volume].map(\.description))
                .joined(separator: ",") + "\n"
        }
        let hash = SHA256.hexadecimal(of: Array(lines.joined().utf8))
        let (start, end) = (Timestamp(milliseconds: 0), Timestamp.endOfTime)
        #expect(try store.contentHash(of: bench.minute, from: start, to: end) == hash)
        #expect(try store.verify(bench.minute)?.contentHash == hash)
        let other = try StoreBench()
        try other.store.write(candles.reversed(), to: bench.minute, now: bench.now)
        // A candle with more digits makes the columns wider and leaves the lines as they are.
        try other.store.write([bench.candle(9000, close: "2.000000001")], to: bench.minute, now: bench.now)
        let upTo = Timestamp(milliseconds: 9000 * 60_000)
        #expect(try other.store.contentHash(of: bench.minute, from: start, to: upTo) == hash)
        #expect(try other.store.contentHash(of: bench.minute, from: start, to: end) != hash)
    }

    // MARK: - Roll-up

    @Test("longer candles are those of the other roll-up", arguments: UInt64(0)..<5)
    func rollUp(_ seed: UInt64) throws {
        let candles = StoreBench.random(seed, count: 4000, from: Int64(seed) * 13 + 7, holes: 3)
        try store.write(candles, to: bench.minute, now: bench.now)
        for name in ["3m", "15m", "1h", "1d", "1w"] {
            let key = SeriesKey(venue: "test", symbol: "X", resolution: Resolution(name)!)
            let wanted = try CandleRollUp.fold(candles, to: key.resolution)
            #expect(try bench.all(key) == wanted, "\(name)")
            #expect(try bench.all(key, limit: 3) == Array(wanted.prefix(3)))
            #expect(try store.basis(of: key) == bench.minute)
            guard wanted.count > 4 else { continue }
            let part = try store.candles(
                of: key, from: wanted[1].openTime.advanced(byMilliseconds: 1), to: wanted[4].openTime,
                limit: 99)
            #expect((0..<part.count).map { part[$0] } == Array(wanted[2..<4]))
        }
        let short = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("30s")!)
        #expect(try store.basis(of: short) == nil)
        #expect(try bench.all(short).isEmpty)
    }

    @Test func `a length that is stored itself is not rolled up`() throws {
        try store.write((0..<10).map { bench.candle($0) }, to: bench.minute, now: bench.now)
        let five = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("5m")!)
        let own = Candle(
            symbol: "X", resolution: five.resolution, openTime: Timestamp(milliseconds: 0),
            open: FixedDecimal(7),
            high: FixedDecimal(7), low: FixedDecimal(7), close: FixedDecimal(7), volume: FixedDecimal(7))
        #expect(try bench.all(five).map(\.volume) == [FixedDecimal(5), FixedDecimal(5)])
        try store.write([own], to: five, now: bench.now)
        #expect(try bench.all(five) == [own])
        // The longest that is stored makes the next.
        let ten = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("10m")!)
        #expect(try store.basis(of: ten) == five)
    }

    @Test func `a sum of volumes that cannot be kept exactly is told, and not cut off`() throws {
        let large = "9000000000000000000"
        try store.write(
            [bench.candle(0, volume: large), bench.candle(1, volume: large), bench.candle(5)],
            to: bench.minute, now: bench.now)
        let five = SeriesKey(venue: "test", symbol: "X", resolution: Resolution("5m")!)
        #expect(throws: MarketFileFailure.self) { try bench.all(five) }
    }

    // MARK: - Gaps

    @Test func `what was asked and is not there is missing, the rest nobody has asked for`() throws {
        func minutes(_ range: Range<Int64>) -> Range<Timestamp> {
            Timestamp(
                milliseconds: range.lowerBound * 60_000)..<Timestamp(milliseconds: range.upperBound * 60_000)
        }
        func gaps() throws -> [String] {
            try store.gaps(of: bench.minute).gaps.map {
                "\($0.kind) \($0.start.milliseconds / 60_000)-\($0.end.milliseconds / 60_000)"
            }
        }
        try store.write([10, 11, 15, 20].map { bench.candle($0) }, to: bench.minute, now: bench.now)
        #expect(try gaps() == ["unasked 12-15", "unasked 16-20"])
        try store.write([bench.candle(13)], to: bench.minute, asked: minutes(12..<18), now: bench.now)
        #expect(try gaps() == ["missing 12-13", "missing 14-15", "missing 16-18", "unasked 18-20"])
        let found = try store.gaps(of: bench.minute, limit: 1)
        #expect(found.gaps.count == 1 && found.counts[.missing] == .init(gaps: 3, candles: 4))
        #expect(found.counts[.unasked] == .init(gaps: 1, candles: 2))
        // Asked before the first and after the last: the venue had nothing there. Touching spans become one.
        try store.write([], to: bench.minute, asked: minutes(5..<12), now: bench.now)
        try store.write(
            [], to: bench.minute, asked: minutes(21..<30), now: Timestamp(milliseconds: 25 * 60_000 + 1))
        #expect(
            try gaps() == [
                "missing 5-10", "missing 12-13", "missing 14-15", "missing 16-18", "unasked 18-20",
                "missing 21-25",
            ])
        #expect(
            try store.unasked(
                of: bench.minute, from: Timestamp(milliseconds: 0),
                to: Timestamp(milliseconds: 28 * 60_000 + 5)
            ) == [minutes(0..<5), minutes(18..<20), minutes(25..<28)])
        // What comes late fills the gap.
        try store.write([bench.candle(16), bench.candle(17)], to: bench.minute, now: bench.now)
        #expect(try gaps().contains { $0.contains("16-") } == false)
        #expect(
            try store.gaps(
                of: bench.minute, from: minutes(12..<13).lowerBound, to: minutes(0..<15).upperBound
            ).counts
                == [.missing: .init(gaps: 2, candles: 2)])
    }

    // MARK: - Keeping

    @Test func `what is older than is kept goes, exactly, and does not come back`() throws {
        let candles = (0..<Int64(5000)).map { bench.candle($0) }
        let now = Timestamp(milliseconds: 5000 * 60_000)
        try store.write(candles, to: bench.minute, asked: candles[0].openTime..<now, now: now)
        #expect(try store.retain(bench.minute, milliseconds: 1000 * 60_000, now: now) == 4000)
        #expect(try bench.all() == Array(candles.suffix(1000)))
        #expect(try store.verify(bench.minute)?.isSound == true)
        #expect(try store.gaps(of: bench.minute).gaps.isEmpty)
        let again = try store.write(Array(candles[3990..<4010]), to: bench.minute, now: now)
        #expect(again.refused == [.expired: 10] && again.unchanged == 10)
        // Later writes let go of more, some at a time.
        try store.write(
            [bench.candle(5000)], to: bench.minute, now: Timestamp(milliseconds: 5100 * 60_000))
        #expect(try bench.all().first?.openTime.milliseconds == 4100 * 60_000)
        #expect(try store.expire(now: Timestamp(milliseconds: 5101 * 60_000)) == 1)
        #expect(try store.retain(bench.minute, milliseconds: nil, now: now) == 0)
        #expect(try store.delete(bench.minute) && !store.delete(bench.minute))
        #expect(try store.series().isEmpty && bench.all().isEmpty)
    }

    // MARK: - Damage

    @Test(
        "a changed chunk is named and not read",
        arguments: ["columns", "checksum", "candles", "last_time", "place"])
    func damage(_ what: String) throws {
        try store.write(StoreBench.random(1, count: 3000, holes: 0), to: bench.minute, now: bench.now)
        let change =
            switch what {
            case "columns": "columns = CAST(substr(columns, 1, 99) || x'00' || substr(columns, 101) AS BLOB)"
            case "last_time": "last_time = last_time - 60000"
            case "place": "place = place + 7"
            default: "\(what) = \(what) - 1"
            }
        let database = try Database(path: store.path)
        try database.run("UPDATE chunks SET \(change) WHERE place = 1")
        let failure = #expect(throws: MarketFileFailure.self) { try bench.all() }
        #expect(failure?.reason.contains("is damaged: its checksum") == true, "\(failure?.description ?? "")")
        let found = try #require(try store.verify(bench.minute))
        #expect(!found.isSound && found.chunks == 3)
        // Others can be read, and the whole stretch again mends it.
        #expect(
            try store.candles(of: bench.minute, from: Timestamp(milliseconds: 0), to: .endOfTime, limit: 1024)
                .count == 1024)
        guard what == "columns" || what == "checksum" else { return }
        #expect(throws: MarketFileFailure.self) {
            try store.write([bench.candle(1500)], to: bench.minute, now: bench.now)
        }
        try store.write(StoreBench.random(1, count: 3000, holes: 0), to: bench.minute, now: bench.now)
        #expect(try store.verify(bench.minute)?.isSound == true)
        #expect(try bench.all() == StoreBench.random(1, count: 3000, holes: 0))
    }

    @Test func `a file that is no store is refused and left as it is`() throws {
        let path = try bench.scratch.write("other.db", String(repeating: "no database ", count: 100))
        #expect(throws: MarketFileFailure.self) { try CandleStore(path: path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("no database no"))
        #expect(throws: MarketFileFailure.self) {
            try CandleStore(path: bench.scratch.path + "/none/candles.db")
        }
    }
}
