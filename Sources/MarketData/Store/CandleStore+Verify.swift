internal import Journal
internal import Trading

/// What a look through a stored series found.
public struct SeriesVerification: Hashable, Sendable {
    /// Which series.
    public let series: SeriesKey
    /// Chunks and candles that were read.
    public internal(set) var chunks = 0
    public internal(set) var candles = 0
    /// What is wrong, in words; at most ``flawLimit``.
    public internal(set) var flaws: [String] = []
    /// How many flaws there are in all.
    public internal(set) var flawCount = 0
    /// The ``CandleSource/contentHash(of:from:to:)`` of everything that is sound.
    public internal(set) var contentHash = ""

    /// The most flaws that are listed of one series.
    public static let flawLimit = 20

    /// Whether nothing is wrong.
    public var isSound: Bool { flawCount == 0 }

    mutating func note(_ flaw: String) {
        flawCount += 1
        if flaws.count < Self.flawLimit { flaws.append(flaw) }
    }
}

/// Looking through everything.
extension CandleStore {
    /// Reads a whole series: every chunk's checksum, the order of its candles, where they open, whether their numbers make
    /// sense, and the counts kept beside them.
    ///
    /// - Parameter progress: Told how many candles were read, now and then.
    /// - Returns: Nil when there is no such series.
    public func verify(
        _ series: SeriesKey, progress: @Sendable (Int) -> Void = { _ in }
    ) throws(MarketFileFailure) -> SeriesVerification? {
        try reading { database in
            guard let row = try SeriesRow.find(series, in: database) else { return nil }
            var found = SeriesVerification(series: series)
            var hash = ContentHash()
            var last: Int64?
            var bytes = 0
            try Self.forEachChunk(of: row, 0, .max, in: database) { chunk in
                bytes += chunk.bytes.count
                found.chunks += 1
                var columns = row.emptyColumns()
                do throws(ChunkFlaw) {
                    try chunk.unpack(of: series, into: &columns)
                    Self.inspect(columns, after: last, &found)
                    hash.add(columns)
                } catch {
                    found.note(Self.failure(error, chunk.place, of: series).reason)
                }
                found.candles += chunk.count
                last = chunk.last
                if found.chunks % 64 == 0 { progress(found.candles) }
                return true
            }
            if found.candles != row.candles || bytes != row.bytes {
                found.note(
                    "there are \(found.candles) candles in \(bytes) bytes, and \(row.candles) in \(row.bytes) were noted"
                )
            }
            found.contentHash = hash.hexadecimal()
            progress(found.candles)
            return found
        }
    }

    private static func inspect(
        _ columns: CandleColumns, after last: Int64?, _ found: inout SeriesVerification
    ) {
        var before = last ?? .min
        for index in 0..<columns.count {
            let time = columns.openTimes[index]
            if time <= before { found.note("the candle of \(time) does not follow on the one before it") }
            before = time
            let opening = columns.resolution.openTime(containing: Timestamp(milliseconds: time)).milliseconds
            if opening != time {
                found.note("the candle of \(time) does not open where one of its length does")
            }
            let (open, high) = (columns.open[index], columns.high[index])
            let (low, close) = (columns.low[index], columns.close[index])
            let makesSense =
                low > 0 && low <= min(open, close) && max(open, close) <= high && columns.volume[index] >= 0
            if !makesSense {
                found.note("the candle of \(time): \(columns[index].flaw ?? "its numbers make no sense")")
            }
        }
    }
}
