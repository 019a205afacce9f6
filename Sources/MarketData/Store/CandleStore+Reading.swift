internal import Journal
public import Trading

/// The newest candle of a series.
public struct LatestCandle: Hashable, Sendable {
    /// Which series.
    public let series: SeriesKey
    /// Its newest candle.
    public let candle: Candle

    /// Pairs them.
    public init(series: SeriesKey, candle: Candle) {
        self.series = series
        self.candle = candle
    }
}

/// Reading, also of lengths that are not stored but made of shorter ones.
extension CandleStore {
    /// The candles of `series` that opened at or after `start` and before `end`, up to `limit` of them; fewer, or none,
    /// only where the series ends. Gaps are simply absent.
    ///
    /// A series that is not stored is rolled up from the longest stored one that makes it (``basis(of:)``): its candles are
    /// made of whatever shorter ones there are; one whose beginning lies before the first of them, or whose end lies behind
    /// the last, is left out. All pieces of one series have the same digits, unless candles with more are added between.
    ///
    /// - Throws: ``MarketFileFailure`` when what is stored cannot be read or is broken.
    public func candles(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int
    ) throws(MarketFileFailure) -> CandleColumns {
        try reading { try Self.candles(of: series, from: start, to: end, limit: limit, in: $0) }
    }

    /// The stored series that candles of `series` come from: itself, or the longest that makes it; nil when there is none.
    public func basis(of series: SeriesKey) throws(MarketFileFailure) -> SeriesKey? {
        try reading { try Self.basis(of: series, in: $0)?.key }
    }

    /// The last `count` candles of `series` that opened before `end`, oldest first; rolled up when need be.
    public func last(
        _ count: Int, of series: SeriesKey, before end: Timestamp = .endOfTime
    ) throws(MarketFileFailure) -> CandleColumns {
        try reading { database in
            guard let basis = try Self.basis(of: series, in: database),
                let bounds = try basis.bounds(in: database)
            else { return try Self.candles(of: series, from: end, to: end, limit: 0, in: database) }
            let last = Timestamp(milliseconds: bounds.last + basis.key.resolution.milliseconds)
            let end = min(end, last)
            // Where there are gaps the first look may find too few.
            var span = Int64(max(count, 1)) * series.resolution.milliseconds
            while true {
                let start = max(bounds.first, end.milliseconds - span)
                var columns = try Self.candles(
                    of: series, from: Timestamp(milliseconds: start), to: end, limit: .max, in: database)
                guard columns.count < count, start > bounds.first else {
                    columns.keep(max(0, columns.count - max(count, 0))..<columns.count)
                    return columns
                }
                span *= 4
            }
        }
    }

    /// The last candle of every stored series, or of those of one venue, one symbol or both.
    public func latest(venue: String? = nil, symbol: String? = nil) throws(MarketFileFailure)
        -> [LatestCandle]
    {
        try reading { database in
            try SeriesRow.all(in: database).compactMap { row in
                guard venue ?? row.key.venue == row.key.venue, symbol ?? row.key.symbol == row.key.symbol,
                    let bounds = try row.bounds(in: database)
                else { return nil }
                let columns = try Self.stored(row, bounds.last, bounds.last + 1, limit: 1, in: database)
                return columns.count > 0 ? LatestCandle(series: row.key, candle: columns[0]) : nil
            }
        }
    }

    // MARK: - On a view

    static func candles(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int, in database: Database
    ) throws -> CandleColumns {
        let (start, end) = (
            max(0, start.milliseconds), min(Timestamp.endOfTime.milliseconds + 1, end.milliseconds)
        )
        guard let basis = try basis(of: series, in: database) else {
            return CandleColumns(
                symbol: series.symbol, resolution: series.resolution, priceDigits: 0, volumeDigits: 0)
        }
        return basis.key == series
            ? try stored(basis, start, end, limit: limit, in: database)
            : try rolledUp(basis, to: series, start, end, limit: limit, in: database)
    }

    /// Hands out everything in a span, piece by piece.
    static func forEachPiece(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp, in database: Database,
        _ body: (CandleColumns) throws -> Void
    ) throws {
        var next = start
        while true {
            let piece = try candles(of: series, from: next, to: end, limit: pieceCandles, in: database)
            if piece.count > 0 { try body(piece) }
            guard piece.count == pieceCandles, let last = piece.openTimes.last else { return }
            next = Timestamp(milliseconds: last + 1)
        }
    }

    static let pieceCandles = 65_536

    static func basis(of series: SeriesKey, in database: Database) throws -> SeriesRow? {
        if let row = try SeriesRow.find(series, in: database), row.candles > 0 { return row }
        let others = try database.rows(
            """
            SELECT \(SeriesRow.columns) FROM series WHERE venue = ? AND symbol = ? AND candles > 0
            ORDER BY resolution DESC
            """, values: [series.venue, series.symbol]
        ) { row throws(DatabaseFailure) in try SeriesRow(row) }
        return others.first { series.resolution.isMade(of: $0.key.resolution) }
    }

    static func stored(
        _ row: SeriesRow, _ start: Int64, _ end: Int64, limit: Int, in database: Database
    ) throws -> CandleColumns {
        var columns = row.emptyColumns()
        guard limit > 0 else { return columns }
        try forEachChunk(of: row, start, end, in: database) { chunk in
            try unpack(chunk, of: row.key, into: &columns)
            columns.clip(from: start, to: end)
            return columns.count < limit
        }
        if columns.count > limit { columns.keep(0..<limit) }
        return columns
    }

    private static func rolledUp(
        _ basis: SeriesRow, to series: SeriesKey, _ start: Int64, _ end: Int64, limit: Int,
        in database: Database
    ) throws -> CandleColumns {
        var roll = ColumnRollUp(of: basis.emptyColumns(), to: series.resolution)
        guard limit > 0, start < end, let bounds = try basis.bounds(in: database) else { return roll.columns }
        let (length, parts) = (series.resolution.milliseconds, basis.key.resolution.milliseconds)
        func opening(atOrAfter time: Int64) -> Int64 {
            let open = series.resolution.openTime(containing: Timestamp(milliseconds: time)).milliseconds
            return open < time ? open + length : open
        }
        let from = opening(atOrAfter: max(start, bounds.first))
        // Whole up to here; and the last that opens before `end`.
        let whole = series.resolution.openTime(containing: Timestamp(milliseconds: bounds.last + parts))
            .milliseconds
        let to = min(opening(atOrAfter: end), whole)
        guard from < to else { return roll.columns }
        try forEachChunk(of: basis, from, to, in: database) { chunk in
            var columns = basis.emptyColumns()
            try unpack(chunk, of: basis.key, into: &columns)
            columns.clip(from: from, to: to)
            guard roll.add(columns) else {
                throw MarketFileFailure(
                    file: "\(series)", line: 0, reason: "a sum of volumes is too large to be kept exactly")
            }
            // The last one may not be whole yet.
            return roll.columns.count <= limit
        }
        if roll.columns.count > limit { roll.columns.keep(0..<limit) }
        return roll.columns
    }

    static func unpack(
        _ chunk: CandleChunk, of key: SeriesKey, into columns: inout CandleColumns
    ) throws(MarketFileFailure) {
        do throws(ChunkFlaw) {
            try chunk.unpack(of: key, into: &columns)
        } catch {
            throw failure(error, chunk.place, of: key)
        }
    }

    /// Hands out the chunks that hold candles of a span, in order, until `body` returns false.
    static func forEachChunk(
        of row: SeriesRow, _ start: Int64, _ end: Int64, in database: Database,
        _ body: (CandleChunk) throws -> Bool
    ) throws {
        guard start < end else { return }
        try database.forEach(
            """
            SELECT place, first_time, last_time, candles, checksum, columns FROM chunks
            WHERE series = ? AND place BETWEEN ? AND ? AND last_time >= ? AND first_time < ? ORDER BY place
            """,
            values: [
                row.id, CandleChunk.place(of: start, row.key.resolution),
                CandleChunk.place(of: end - 1, row.key.resolution), start, end,
            ]
        ) { try body(CandleChunk($0)) }
    }
}
