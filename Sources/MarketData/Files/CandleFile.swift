public import Trading

/// Reads candles from a CSV file, plain or gzip: `time_ms,open,high,low,close,volume`, times of the candles' opening.
///
/// Rows must be in order of time, without doubles, on whole multiples of the resolution, and make sense
/// (``Trading/Candle/flaw``). A gap is no fault: candles are simply absent, and ``report`` counts them.
public final class CandleFile: EventFile {
    /// The first line of every such file.
    public static let header = "time_ms,open,high,low,close,volume"

    /// The symbol and resolution of all its candles.
    public let symbol: String
    /// How long each candle is.
    public let resolution: Resolution

    private let rows: RowFile
    private var last: Timestamp?

    /// Opens a file whose candles are of `symbol` and `resolution`.
    public init(
        path: String, symbol: String, resolution: Resolution, flaws: FlawPolicy = .stop
    ) throws(MarketFileFailure) {
        self.symbol = symbol
        self.resolution = resolution
        rows = try RowFile(path: path, header: Self.header, flaws: flaws)
    }

    /// Opens a file whose name says what it holds, such as `binance-BTCUSDT-5m.2024.csv.gz`.
    public convenience init(path: String, flaws: FlawPolicy = .stop) throws(MarketFileFailure) {
        guard let name = CandleFileName(path: path) else {
            throw MarketFileFailure(
                file: path, line: 0,
                reason: "the name says no symbol and resolution, as BTCUSDT-5m.csv.gz does; give them")
        }
        try self.init(path: path, symbol: name.symbol, resolution: name.resolution, flaws: flaws)
    }

    /// What was skipped and what is missing so far.
    public var report: FileReport { rows.report }

    /// The file's path as given.
    public var path: String { rows.path }

    /// How much of the file on the disk was read, from 0 to 1.
    public var fractionRead: Double { rows.fractionRead }

    /// The next candle, or nil at the end.
    public func nextCandle() throws(MarketFileFailure) -> Candle? {
        let candle = try rows.next { (fields) throws(RowFlaw) in try read(fields) }
        guard let candle else { return nil }
        if let last {
            let missing =
                (candle.openTime.milliseconds - last.milliseconds) / resolution.milliseconds - 1
            if missing > 0 {
                rows.report.gaps += 1
                rows.report.missing += missing
                if missing > rows.report.largestGap?.missing ?? 0 {
                    rows.report.largestGap = FileReport.Gap(after: last, missing: missing)
                }
            }
        }
        last = candle.openTime
        return candle
    }

    /// The next candle as an event, or nil at the end.
    public func next() throws(MarketFileFailure) -> MarketEvent? {
        try nextCandle().map { .candle($0) }
    }

    private func read(_ fields: [ArraySlice<UInt8>]) throws(RowFlaw) -> Candle {
        let time = try RowFile.time(fields[0], "time_ms")
        if let last {
            guard time != last else { throw RowFlaw("time_ms \(time.milliseconds) stands twice") }
            guard time > last else {
                throw RowFlaw("time_ms \(time.milliseconds) is before \(last.milliseconds) above it")
            }
        }
        guard resolution.openTime(containing: time) == time else {
            throw RowFlaw("time_ms \(time.milliseconds) is not where a candle of \(resolution) opens")
        }
        let candle = Candle(
            symbol: symbol, resolution: resolution, openTime: time,
            open: try RowFile.decimal(fields[1], "open"), high: try RowFile.decimal(fields[2], "high"),
            low: try RowFile.decimal(fields[3], "low"), close: try RowFile.decimal(fields[4], "close"),
            volume: try RowFile.decimal(fields[5], "volume"))
        if let flaw = candle.flaw { throw RowFlaw(flaw) }
        return candle
    }
}

/// What a candle file's name says: `[venue-]SYMBOL-RESOLUTION[.anything].csv[.gz]`.
public struct CandleFileName: Hashable, Sendable {
    /// The venue, when the name says one.
    public let venue: String?
    /// The instrument.
    public let symbol: String
    /// How long each candle is.
    public let resolution: Resolution

    /// Reads the last part of `path`; nil when it names no symbol and resolution.
    public init?(path: String) {
        guard let file = path.split(separator: "/").last, let stem = file.split(separator: ".").first,
            file.hasSuffix(".csv") || file.hasSuffix(".csv.gz")
        else { return nil }
        let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 2, let resolution = Resolution(String(parts[parts.count - 1])) else {
            return nil
        }
        let symbol = parts[parts.count - 2]
        guard !symbol.isEmpty, symbol.utf8.allSatisfy(Self.isSymbolByte) else { return nil }
        venue = parts.count == 3 && !parts[0].isEmpty ? String(parts[0]) : nil
        self.symbol = String(symbol)
        self.resolution = resolution
    }

    private static func isSymbolByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
    }
}
