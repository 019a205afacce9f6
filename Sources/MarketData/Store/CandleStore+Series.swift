internal import Journal
public import Trading

/// A stored series and how it stands.
public struct SeriesSummary: Hashable, Sendable {
    /// Which.
    public let series: SeriesKey
    /// How many candles there are.
    public let candles: Int
    /// When the first and the last of them opened; nil without any.
    public let first: Timestamp?
    public let last: Timestamp?
    /// How many candles lack between the first and the last.
    public let absent: Int
    /// The size of their chunks on disk.
    public let bytes: Int
    /// How many candles took the place of one with other numbers, ever.
    public let replaced: Int
    /// How many candles were refused, ever, by reason.
    public let refused: [CandleRefusal: Int]
    /// How long candles are kept, in milliseconds; nil keeps them for good.
    public let keepMilliseconds: Int64?
}

/// The series there are, and how long what is in them is kept.
extension CandleStore {
    /// Every series that anything was ever told of, by venue, symbol and length.
    public func series() throws(MarketFileFailure) -> [SeriesSummary] {
        try reading { database in
            let refusals = try database.all("SELECT series, reason, candles FROM refusals") {
                (
                    series: try $0.integer(0), reason: try $0.choice(1, as: CandleRefusal.self),
                    candles: try $0.int(2)
                )
            }
            return try SeriesRow.all(in: database).map { row in
                let bounds = try row.bounds(in: database)
                let slots = bounds.map { ($0.last - $0.first) / row.key.resolution.milliseconds + 1 } ?? 0
                let refused = refusals.filter { $0.series == row.id }.map { ($0.reason, $0.candles) }
                return SeriesSummary(
                    series: row.key, candles: row.candles,
                    first: bounds.map { Timestamp(milliseconds: $0.first) },
                    last: bounds.map { Timestamp(milliseconds: $0.last) }, absent: Int(slots) - row.candles,
                    bytes: row.bytes, replaced: row.replaced,
                    refused: Dictionary(refused, uniquingKeysWith: +), keepMilliseconds: row.keep)
            }
        }
    }

    /// Says how long candles of a series are kept from now on, and lets go of what is older.
    ///
    /// - Parameter milliseconds: The age at which a candle goes; nil keeps all. Above nought.
    /// - Returns: How many candles went.
    public func retain(
        _ series: SeriesKey, milliseconds: Int64?, now: Timestamp
    ) throws(MarketFileFailure) -> Int {
        precondition(milliseconds ?? 1 > 0)
        return try writing { database in
            var row = try SeriesRow.findOrMake(series, in: database)
            row.keep = milliseconds
            let before = row.candles
            if let milliseconds {
                try Self.expire(&row, before: now.milliseconds - milliseconds, slack: 0, in: database)
            }
            try row.save(in: database)
            return before - row.candles
        }
    }

    /// Lets go of what is older than its series keeps. Writing does it too, for the series written to.
    ///
    /// - Returns: How many candles went.
    public func expire(now: Timestamp) throws(MarketFileFailure) -> Int {
        try writing { database in
            var gone = 0
            for var row in try SeriesRow.all(in: database) {
                guard let keep = row.keep else { continue }
                let before = row.candles
                try Self.expire(&row, before: now.milliseconds - keep, slack: 0, in: database)
                try row.save(in: database)
                gone += before - row.candles
            }
            return gone
        }
    }

    /// Forgets a series: its candles and everything that is known of it.
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    public func delete(_ series: SeriesKey) throws(MarketFileFailure) -> Bool {
        try writing { database in
            guard let row = try SeriesRow.find(series, in: database) else { return false }
            try database.run("DELETE FROM series WHERE id = ?", row.id)
            return true
        }
    }

    /// Removes candles that opened before `time`, once there are more than `slack` slots of them.
    static func expire(_ row: inout SeriesRow, before time: Int64, slack: Int64, in database: Database) throws
    {
        guard let bounds = try row.bounds(in: database),
            bounds.first + slack * row.key.resolution.milliseconds < time
        else { return }
        let old = try database.rows(
            "SELECT place, last_time, candles, length(columns) FROM chunks WHERE series = ? AND first_time < ?",
            values: [row.id, time]
        ) { row throws(DatabaseFailure) in
            (
                place: try row.integer(0), last: try row.integer(1), candles: try row.int(2),
                bytes: try row.int(3)
            )
        }
        for chunk in old {
            guard chunk.last >= time else {
                try database.run("DELETE FROM chunks WHERE series = ? AND place = ?", row.id, chunk.place)
                row.candles -= chunk.candles
                row.bytes -= chunk.bytes
                continue
            }
            let kept = try stored(row, time, chunk.last + 1, limit: .max, in: database)
            row.candles += kept.count - chunk.candles
            try put(CandleChunk(kept, of: row.key), of: &row, insteadOf: chunk.bytes, in: database)
        }
        try database.run("DELETE FROM asked WHERE series = ? AND end_time <= ?", row.id, time)
        try database.run(
            "UPDATE asked SET start_time = ? WHERE series = ? AND start_time < ?", time, row.id, time)
    }
}
