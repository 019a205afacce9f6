internal import Journal
public import Trading

/// Writing: candles in any order, as often as one likes.
extension CandleStore {
    /// Keeps candles of `series`, all that are not refused or none when it fails.
    ///
    /// Writing the same candles again changes nothing. Of two candles for one time the one that comes later wins, and is
    /// counted, in the report and for the series. Refusals are counted for the series too.
    ///
    /// - Parameters:
    ///   - candles: Of that symbol and length, in any order.
    ///   - asked: The span that the venue was asked for, when these are all that it had in it. What it lacks is known as
    ///     missing from then on, and not asked for again. The candle that was forming is not part of it.
    ///   - now: The time; candles that close later are refused.
    /// - Throws: ``MarketFileFailure`` when the disk or the file does not let it, or a chunk to be changed is damaged.
    @discardableResult
    public func write(
        _ candles: [Candle], to series: SeriesKey, asked: Range<Timestamp>? = nil, now: Timestamp
    ) throws(MarketFileFailure) -> CandleWriteReport {
        try writing { database in
            var row = try SeriesRow.findOrMake(series, in: database)
            var report = CandleWriteReport()
            let taken = try Self.accepted(candles, of: &row, now: now, &report, in: database)
            var rest = taken[...]
            while let first = rest.first {
                let place = CandleChunk.place(of: first.openTime.milliseconds, series.resolution)
                let together = rest.prefix {
                    CandleChunk.place(of: $0.openTime.milliseconds, series.resolution) == place
                }
                rest = rest.dropFirst(together.count)
                try Self.merge(together, at: place, of: &row, &report, in: database)
            }
            row.replaced += report.replaced
            try row.save(in: database)
            if let asked { try Self.note(asked: asked, of: row, now: now, in: database) }
            if let keep = row.keep {
                try Self.expire(&row, before: now.milliseconds - keep, slack: 64, in: database)
            }
            return report
        }
    }

    // MARK: - What is taken

    /// The candles that can be kept, in order of time and each time once.
    private static func accepted(
        _ candles: [Candle], of row: inout SeriesRow, now: Timestamp, _ report: inout CandleWriteReport,
        in database: Database
    ) throws -> [Candle] {
        var taken: [Candle] = []
        taken.reserveCapacity(candles.count)
        var refused: [CandleRefusal: CandleWriteReport.Note] = [:]
        for candle in candles {
            precondition(
                candle.symbol == row.key.symbol && candle.resolution == row.key.resolution,
                "a candle of another series")
            guard let refusal = row.refusal(of: candle, now: now) else {
                taken.append(candle)
                continue
            }
            report.refused[refusal.reason, default: 0] += 1
            report.note(candle.openTime, refusal.words)
            refused[refusal.reason] = .init(time: candle.openTime, words: refusal.words)
        }
        for (reason, note) in refused {
            try database.run(
                """
                INSERT INTO refusals VALUES (?, ?, ?, ?, ?) ON CONFLICT (series, reason) DO UPDATE SET
                    candles = candles + excluded.candles, last_time = excluded.last_time,
                    last_words = excluded.last_words
                """, row.id, reason.rawValue, report.refused[reason] ?? 0, note.time, note.words)
        }
        guard !zip(taken, taken.dropFirst()).allSatisfy({ $0.openTime < $1.openTime }) else { return taken }
        return inOrder(taken, &report)
    }

    /// Sorts by time; of several for one time the last wins.
    private static func inOrder(_ candles: [Candle], _ report: inout CandleWriteReport) -> [Candle] {
        let sorted = candles.enumerated().sorted {
            ($0.element.openTime, $0.offset) < ($1.element.openTime, $1.offset)
        }
        var result: [Candle] = []
        for (_, candle) in sorted {
            guard let last = result.last, last.openTime == candle.openTime else {
                result.append(candle)
                continue
            }
            if last == candle {
                report.unchanged += 1
            } else {
                report.noteReplaced(last, by: candle)
            }
            result[result.count - 1] = candle
        }
        return result
    }

    // MARK: - Merging

    /// Puts candles of one stretch into its chunk.
    private static func merge(
        _ candles: ArraySlice<Candle>, at place: Int64, of row: inout SeriesRow,
        _ report: inout CandleWriteReport, in database: Database
    ) throws {
        var old = row.emptyColumns()
        var oldBytes = 0
        let chunk = try database.rows(
            """
            SELECT place, first_time, last_time, candles, checksum, columns FROM chunks
            WHERE series = ? AND place = ?
            """, values: [row.id, place]
        ) { row throws(DatabaseFailure) in try CandleChunk(row) }.first
        if let chunk {
            oldBytes = chunk.bytes.count
            do throws(ChunkFlaw) {
                try chunk.unpack(of: row.key, into: &old)
            } catch {
                // Only what comes whole in its place may stand for a damaged one.
                guard candles.count >= chunk.count else { throw failure(error, place, of: row.key) }
                old = row.emptyColumns()
                row.candles -= chunk.count
            }
        }
        let before = (added: report.added, replaced: report.replaced)
        let new = merged(old, candles, empty: row.emptyColumns(), &report)
        guard report.added > before.added || report.replaced > before.replaced else { return }
        row.candles += new.count - old.count
        try put(CandleChunk(new, of: row.key), of: &row, insteadOf: oldBytes, in: database)
    }

    private static func merged(
        _ old: CandleColumns, _ candles: ArraySlice<Candle>, empty: CandleColumns,
        _ report: inout CandleWriteReport
    ) -> CandleColumns {
        // Usually they are later than all that is there.
        var new = old
        var from = 0
        if let first = candles.first, let last = old.openTimes.last, first.openTime.milliseconds <= last {
            new = empty
        } else {
            from = old.count
        }
        func add(_ candle: Candle) {
            // Every number was tried when the candle was accepted.
            let fits = new.append(candle)
            precondition(fits, "a candle with more digits than its series")
        }
        for candle in candles {
            while from < old.count, old.openTimes[from] < candle.openTime.milliseconds {
                add(old[from])
                from += 1
            }
            if from < old.count, old.openTimes[from] == candle.openTime.milliseconds {
                let known = old[from]
                from += 1
                if known == candle {
                    report.unchanged += 1
                } else {
                    report.noteReplaced(known, by: candle)
                }
            } else {
                report.added += 1
            }
            add(candle)
        }
        while from < old.count {
            add(old[from])
            from += 1
        }
        return new
    }

    /// Writes a chunk in the place of one with so many bytes.
    static func put(
        _ chunk: CandleChunk, of row: inout SeriesRow, insteadOf oldBytes: Int, in database: Database
    ) throws(DatabaseFailure) {
        try database.run("UPDATE revisions SET last = last + 1")
        try database.run(
            """
            INSERT INTO chunks (series, place, first_time, last_time, candles, checksum, columns, revision)
            VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT last FROM revisions)) ON CONFLICT (series, place) DO UPDATE SET
                first_time = excluded.first_time, last_time = excluded.last_time, candles = excluded.candles,
                checksum = excluded.checksum, columns = excluded.columns, revision = excluded.revision
            """, row.id, chunk.place, chunk.first, chunk.last, chunk.count, chunk.checksum, chunk.bytes)
        row.bytes += chunk.bytes.count - oldBytes
    }
}

extension CandleWriteReport {
    fileprivate mutating func noteReplaced(_ old: Candle, by new: Candle) {
        replaced += 1
        note(
            new.openTime,
            "was \(old.open) \(old.high) \(old.low) \(old.close) \(old.volume), is now \(new.open) \(new.high) "
                + "\(new.low) \(new.close) \(new.volume)")
    }
}

extension SeriesRow {
    /// Why a candle cannot be kept, or nil; then the series has the digits that it needs.
    mutating func refusal(of candle: Candle, now: Timestamp) -> (reason: CandleRefusal, words: String)? {
        if let flaw = candle.flaw { return (.flawed, flaw) }
        guard (0...Timestamp.endOfTime.milliseconds).contains(candle.openTime.milliseconds),
            key.resolution.openTime(containing: candle.openTime) == candle.openTime
        else {
            return (
                .unaligned, "\(candle.openTime.milliseconds) is not where a candle of \(key.resolution) opens"
            )
        }
        guard candle.closeTime <= now else {
            return (
                .unclosed, "it closes at \(candle.closeTime.milliseconds), and it was \(now.milliseconds)"
            )
        }
        if let keep, candle.openTime.milliseconds < now.milliseconds - keep {
            return (.expired, "it is older than the \(keep / 1000) seconds that are kept")
        }
        let price = Self.digits(
            of: [candle.open, candle.high, candle.low, candle.close], atLeast: priceDigits)
        let volume = Self.digits(of: [candle.volume], atLeast: volumeDigits)
        let (highest, largest) = (max(highest, candle.high), max(largest, candle.volume))
        guard highest.units / CandleColumns.unit(price) <= Int128(Int64.max),
            largest.units / CandleColumns.unit(volume) <= Int128(Int64.max)
        else {
            return (
                .tooPrecise,
                "it needs \(price) digits for prices up to \(highest) and \(volume) for volumes up to \(largest)"
            )
        }
        (priceDigits, volumeDigits, self.highest, self.largest) = (price, volume, highest, largest)
        return nil
    }

    /// How many digits behind the point all of `values` need, at least so many.
    private static func digits(of values: [FixedDecimal], atLeast least: Int) -> Int {
        var digits = least
        for value in values {
            while digits < FixedDecimal.scale, value.units % CandleColumns.unit(digits) != 0 { digits += 1 }
        }
        return digits
    }
}
