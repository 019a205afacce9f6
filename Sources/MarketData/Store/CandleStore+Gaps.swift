internal import Journal
public import Trading

/// What is known of what is not there.
extension CandleStore {
    /// What a stored series lacks.
    ///
    /// - Parameters:
    ///   - start: Where to begin; nil takes the first candle, or what was asked for before it.
    ///   - end: Where to end; nil takes the close of the last candle, or the end of what was asked for.
    ///   - limit: At most so many gaps are listed; all are counted.
    public func gaps(
        of series: SeriesKey, from start: Timestamp? = nil, to end: Timestamp? = nil, limit: Int = 10_000
    ) throws(MarketFileFailure) -> CandleGaps {
        try reading { database in
            guard let row = try SeriesRow.find(series, in: database),
                let window = try Self.window(row, start, end, in: database)
            else { return CandleGaps(series: series, span: nil) }
            var result = CandleGaps(
                series: series,
                span: Timestamp(milliseconds: window.lowerBound)..<Timestamp(milliseconds: window.upperBound))
            let asked = try Self.asked(row, in: database)
            for gap in try Self.present(row, in: window, in: database).gaps(in: window) {
                let pieces =
                    asked.parts(in: gap).map { ($0, CandleGap.Kind.missing) }
                    + asked.gaps(in: gap).map { ($0, CandleGap.Kind.unasked) }
                for (piece, kind) in pieces.sorted(by: { $0.0.lowerBound < $1.0.lowerBound }) {
                    let candles = Int((piece.upperBound - piece.lowerBound) / series.resolution.milliseconds)
                    result.counts[kind, default: .init()].gaps += 1
                    result.counts[kind, default: .init()].candles += candles
                    guard result.gaps.count < limit else { continue }
                    result.gaps.append(
                        CandleGap(
                            start: Timestamp(milliseconds: piece.lowerBound),
                            end: Timestamp(milliseconds: piece.upperBound), candles: candles, kind: kind))
                }
            }
            return result
        }
    }

    /// What a venue must still be asked for so that everything between `start` and `end` is known: where there is neither
    /// a candle nor the venue's word that it has none. In whole candles, oldest first.
    public func unasked(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp
    ) throws(MarketFileFailure) -> [Range<Timestamp>] {
        try reading { database in
            let resolution = series.resolution
            let from = Self.slotStart(atOrAfter: max(0, start.milliseconds), resolution)
            let to = resolution.openTime(
                containing: Timestamp(milliseconds: min(end.milliseconds, Timestamp.endOfTime.milliseconds))
            ).milliseconds
            guard from < to else { return [] }
            let window = from..<to
            var known = TimeSpans()
            if let row = try SeriesRow.find(series, in: database) {
                let spans =
                    try Self.present(row, in: window, in: database).spans
                    + Self.asked(row, in: database).parts(in: window)
                for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) { known.append(span) }
            }
            return known.gaps(in: window).map {
                Timestamp(milliseconds: $0.lowerBound)..<Timestamp(milliseconds: $0.upperBound)
            }
        }
    }

    // MARK: - What was asked for

    /// Notes that a venue has given all that it has of a span, up to the candle that is forming.
    static func note(
        asked span: Range<Timestamp>, of row: SeriesRow, now: Timestamp, in database: Database
    ) throws(DatabaseFailure) {
        let resolution = row.key.resolution
        let start = slotStart(atOrAfter: max(0, span.lowerBound.milliseconds), resolution)
        let end = resolution.openTime(containing: min(span.upperBound, now)).milliseconds
        guard start < end else { return }
        let touching = try database.rows(
            "SELECT start_time, end_time FROM asked WHERE series = ? AND start_time <= ? AND end_time >= ?",
            values: [row.id, end, start]
        ) { row throws(DatabaseFailure) in (start: try row.integer(0), end: try row.integer(1)) }
        for old in touching {
            try database.run("DELETE FROM asked WHERE series = ? AND start_time = ?", row.id, old.start)
        }
        try database.run(
            "INSERT INTO asked VALUES (?, ?, ?)", row.id, touching.reduce(start) { min($0, $1.start) },
            touching.reduce(end) { max($0, $1.end) })
    }

    private static func asked(_ row: SeriesRow, in database: Database) throws(DatabaseFailure) -> TimeSpans {
        var spans = TimeSpans()
        let rows = try database.rows(
            "SELECT start_time, end_time FROM asked WHERE series = ? ORDER BY start_time", values: [row.id]
        ) { row throws(DatabaseFailure) in (start: try row.integer(0), end: try row.integer(1)) }
        for row in rows where row.start < row.end { spans.append(row.start..<row.end) }
        return spans
    }

    // MARK: - What is there

    /// The stretches of a window in which candle follows on candle.
    private static func present(
        _ row: SeriesRow, in window: Range<Int64>, in database: Database
    ) throws -> TimeSpans {
        let (resolution, length) = (row.key.resolution, row.key.resolution.milliseconds)
        let chunks = try database.rows(
            """
            SELECT place, first_time, last_time, candles FROM chunks
            WHERE series = ? AND place BETWEEN ? AND ? ORDER BY place
            """,
            values: [
                row.id, CandleChunk.place(of: window.lowerBound, resolution),
                CandleChunk.place(of: window.upperBound - 1, resolution),
            ]
        ) { row throws(DatabaseFailure) in
            (
                place: try row.integer(0), first: try row.integer(1), last: try row.integer(2),
                candles: try row.int(3)
            )
        }
        var present = TimeSpans()
        for chunk in chunks {
            // One without holes need not be unpacked.
            guard Int64(chunk.candles) != (chunk.last - chunk.first) / length + 1 else {
                present.append(chunk.first..<chunk.last + length)
                continue
            }
            for time in try stored(row, chunk.first, chunk.last + 1, limit: .max, in: database).openTimes {
                present.append(time..<time + length)
            }
        }
        return present
    }

    private static func window(
        _ row: SeriesRow, _ start: Timestamp?, _ end: Timestamp?, in database: Database
    ) throws -> Range<Int64>? {
        let resolution = row.key.resolution
        let bounds = try row.bounds(in: database)
        let asked = try asked(row, in: database).spans
        let first = [bounds?.first, asked.first?.lowerBound].compactMap { $0 }.min()
        let last = [bounds.map { $0.last + resolution.milliseconds }, asked.last?.upperBound].compactMap {
            $0
        }.max()
        guard let first, let last else { return nil }
        let from = start.map { slotStart(atOrAfter: max(0, $0.milliseconds), resolution) } ?? first
        let to =
            end.map { resolution.openTime(containing: min($0, .endOfTime)).milliseconds } ?? last
        return from < to ? from..<to : nil
    }

    /// When the first candle opens that opens at `time` or after it.
    private static func slotStart(atOrAfter time: Int64, _ resolution: Resolution) -> Int64 {
        let open = resolution.openTime(containing: Timestamp(milliseconds: time)).milliseconds
        return open < time ? open + resolution.milliseconds : open
    }
}
