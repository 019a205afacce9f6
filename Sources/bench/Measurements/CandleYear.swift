import FoundationEssentials
import Glibc
import MarketData
import Posix
import Trading

extension Measurement {
    /// What a year of one-minute candles costs.
    static let candleYear = Measurement(
        name: "candle-year",
        summary:
            "a year of one-minute candles: imported, loaded, verified, rolled up to 1 h, exported; bytes on disk"
    ) { surroundings in
        let folder = try BenchFolder()
        try CandleYear.writeFile(in: folder.path)
        let imported = try CandleYear.importAll(in: folder.path)
        let year = try CandleYear(folder: folder.path)
        let bytes = try Programs.read(file: year.store.path).count
        let loads = try (0..<surroundings.samples(50)).map { _ in try year.load() }
        let load = Samples(loads.map(\.load)).median
        let floor = Samples(loads.map(\.floor)).median
        let plain = Samples(loads.map(\.plain)).median
        let verified = try year.verify()
        let rolled = try year.rollUp()
        let exported = try year.export()
        return [
            Figure(
                name: "candle-year, loaded", value: load, unit: "ms",
                floor: .init(name: "reading the same \(bytes / 1_000_000) MB", value: floor),
                promise: .atMost(300)),
            Figure(
                name: "candle-year, on disk", value: Double(bytes) / 1e6, unit: "MB", promise: .atMost(20)),
            Figure(name: "candle-year, as plain column files of 25 MB, loaded", value: plain, unit: "ms"),
            Figure(name: "candle-year, imported from CSV", value: imported, unit: "s"),
            Figure(name: "candle-year, verified", value: verified, unit: "s"),
            Figure(name: "candle-year, rolled up to 1 h", value: rolled, unit: "s"),
            Figure(name: "candle-year, exported as .csv.gz", value: exported, unit: "s"),
            Figure(
                name: "candle-year, verified, rolled up and exported", value: verified + rolled + exported,
                unit: "s"),
        ]
    }
}

/// A year of candles that wander as a market's do, in a file and in a store.
private struct CandleYear {
    static let count = 525_600

    static let series = SeriesKey(
        venue: "bench", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000))
    let folder: String
    let store: CandleStore

    /// 2025-01-01.
    private static let start: Int64 = 1_735_689_600_000
    private static let (from, to) = (Timestamp(milliseconds: 0), Timestamp(milliseconds: 4_000_000_000_000))

    /// Opens the store that an import has filled and closed, so that all of it is in one file.
    init(folder: String) throws {
        self.folder = folder
        store = try CandleStore(path: folder + "/candles.db")
        try writePlain()
    }

    static func writeFile(in folder: String) throws {
        // Prices in cents that walk by a few dollars a minute, volumes of five digits behind the point.
        var state: UInt64 = 11
        func random(_ bound: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % bound)
        }
        var price: Int64 = 9_500_000
        var text = Array("\(CandleFile.header)\n".utf8)
        func decimal(_ number: Int64, _ digits: Int) -> FixedDecimal {
            FixedDecimal(units: Int128(number) * FixedDecimal.unitsPerOne / (digits == 2 ? 100 : 100_000))
        }
        func step(_ size: UInt64) -> Int64 { random(size) - Int64(size / 2) }
        for minute in 0..<Int64(count) {
            let open = price + step(20)
            price = max(1_000_000, price + step(3000) + step(3000) + step(3000))
            let high = max(open, price) + random(2000)
            let low = min(open, price) - random(2000)
            let volume = random(2000) * random(2000)
            text += "\(start + minute * 60_000)".utf8
            for value in [
                decimal(open, 2), decimal(high, 2), decimal(low, 2), decimal(price, 2), decimal(volume, 5),
            ] {
                text.append(UInt8(ascii: ","))
                value.write(to: &text)
            }
            text.append(UInt8(ascii: "\n"))
        }
        let output = try FileDescriptor.open(folder + "/year.csv", O_WRONLY | O_CREAT | O_TRUNC)
        try output.writeAll(text[...])
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body) / .seconds(1)
    }

    /// Seconds to import the file into a new store.
    static func importAll(in folder: String) throws -> Double {
        let store = try CandleStore(path: folder + "/candles.db")
        defer { store.close() }
        return try seconds {
            let file = try CandleFile(
                path: folder + "/year.csv", symbol: series.symbol, resolution: series.resolution)
            let outcome = try CandleImport.run(file, into: store, as: series, now: to)
            guard outcome.written.added == count else { throw MeasurementFailure("candles are missing") }
        }
    }

    /// Milliseconds to load it all, to read the database's bytes, and to load it from six files of plain 64-bit numbers.
    func load() throws -> (load: Double, floor: Double, plain: Double) {
        var (candles, bytes, sum) = (0, 0, Int64(0))
        let load = try Self.seconds {
            candles = try store.candles(of: Self.series, from: Self.from, to: Self.to, limit: .max).count
        }
        let floor = try Self.seconds { bytes = try Programs.read(file: store.path).count }
        let plain = try Self.seconds {
            for index in 0..<6 {
                let column = try Programs.read(file: "\(folder)/column-\(index)")
                let numbers = unsafe column.withUnsafeBytes { unsafe Array($0.bindMemory(to: Int64.self)) }
                sum &+= numbers[Self.count - 1]
            }
        }
        guard candles == Self.count, bytes > 0, sum != 0 else {
            throw MeasurementFailure("candles are missing")
        }
        return (load * 1000, floor * 1000, plain * 1000)
    }

    private func writePlain() throws {
        let columns = try store.candles(of: Self.series, from: Self.from, to: Self.to, limit: .max)
        let all = [columns.openTimes, columns.open, columns.high, columns.low, columns.close, columns.volume]
        for (index, column) in all.enumerated() {
            let output = try FileDescriptor.open("\(folder)/column-\(index)", O_WRONLY | O_CREAT | O_TRUNC)
            try output.writeAll(unsafe column.withUnsafeBytes { unsafe Array($0) }[...])
        }
    }

    func verify() throws -> Double {
        try Self.seconds {
            guard try store.verify(Self.series)?.isSound == true else {
                throw MeasurementFailure("the store is not sound")
            }
        }
    }

    func rollUp() throws -> Double {
        let hours = SeriesKey(
            venue: "bench", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 3_600_000))
        return try Self.seconds {
            let columns = try store.candles(of: hours, from: Self.from, to: Self.to, limit: .max)
            guard columns.count == 8760 else { throw MeasurementFailure("hours are missing") }
        }
    }

    func export() throws -> Double {
        try Self.seconds {
            let count = try CandleExport.run(
                Self.series, of: store, from: Self.from, to: Self.to, into: folder + "/out.csv.gz")
            guard count == Self.count else { throw MeasurementFailure("candles are missing") }
        }
    }
}
