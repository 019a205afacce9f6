public import Trading

/// Reads candles from a file into a store, in transactions of some thousands.
///
/// What is there already changes nothing, so that an import that was interrupted is simply begun again: it passes over what
/// it has done.
public struct CandleImport {
    /// How far it is.
    public struct Progress: Hashable, Sendable {
        /// Rows of the file that were read as candles.
        public let candles: Int
        /// How much of the file was read, from 0 to 1.
        public let fraction: Double
    }

    /// What became of it.
    public struct Outcome: Hashable, Sendable {
        /// What the store did with the candles.
        public internal(set) var written = CandleWriteReport()
        /// What the file's reader saw: rows left out as wrong, gaps.
        public internal(set) var file = FileReport()

        /// Nothing yet.
        public init() {}
    }

    /// How many candles are written at once.
    public static let batch = 16_384

    /// Runs an import.
    ///
    /// - Parameters:
    ///   - file: The file, opened; with ``FlawPolicy/skip``, wrong rows are counted and left out.
    ///   - now: The time; candles that close later are refused.
    ///   - limit: The most rows that are taken.
    ///   - progress: Called after each transaction; false ends the import there.
    /// - Throws: ``MarketFileFailure`` of the file or the store. What was written before stays.
    public static func run(
        _ file: CandleFile, into store: CandleStore, as series: SeriesKey, now: Timestamp, limit: Int = .max,
        progress: (Progress) -> Bool = { _ in true }
    ) throws(MarketFileFailure) -> Outcome {
        var outcome = Outcome()
        var rows = 0
        var batch: [Candle] = []
        batch.reserveCapacity(Self.batch)
        while true {
            let candle = try file.nextCandle()
            if let candle {
                rows += 1
                guard rows <= limit else {
                    throw MarketFileFailure(
                        file: file.path, line: 0, reason: "has more than \(limit) rows; import it in parts")
                }
                batch.append(candle)
            }
            guard batch.count == Self.batch || candle == nil else { continue }
            if !batch.isEmpty { outcome.written.add(try store.write(batch, to: series, now: now)) }
            outcome.file = file.report
            batch.removeAll(keepingCapacity: true)
            let goesOn = progress(Progress(candles: rows, fraction: file.fractionRead))
            guard candle != nil, goesOn else { return outcome }
        }
    }
}
