public import MarketData
internal import Trading
public import Wire

extension SeriesKey {
    /// The members that name a series.
    var members: [JSONValue.Member] {
        [
            .init("venue", .string(venue)), .init("symbol", .string(symbol)),
            .init("resolution", .string(resolution.description)),
        ]
    }
}

extension SeriesSummary {
    /// As the API writes it.
    public var json: JSONValue {
        .object(
            series.members + [
                .init("candles", .integer(candles)), .init("first", .orNull(first)),
                .init("last", .orNull(last)),
                .init("absent", .integer(absent)), .init("bytes", .integer(bytes)),
                .init("replaced", .integer(replaced)), .init("refused", refused.json),
                .init("keep_days", .orNull(keepMilliseconds.map { Int($0 / 86_400_000) })),
            ])
    }
}

extension [CandleRefusal: Int] {
    /// Counts by reason; reasons that never were are left out.
    fileprivate var json: JSONValue {
        .object(
            CandleRefusal.allCases.compactMap { reason in
                self[reason].map { .init(reason.rawValue, .integer($0)) }
            })
    }
}

extension CandlePage {
    /// As the API writes it.
    public var json: JSONValue {
        let items = (0..<columns.count).map { index -> JSONValue in
            let candle = columns[index]
            return .members([
                "time": .time(candle.openTime), "open": .decimal(candle.open), "high": .decimal(candle.high),
                "low": .decimal(candle.low), "close": .decimal(candle.close),
                "volume": .decimal(candle.volume),
            ])
        }
        return .object(
            series.members + [
                .init("basis", .optional(basis?.resolution.description)), .init("items", .array(items)),
                .init("next", .optional(next.map { String($0.milliseconds) })),
            ])
    }
}

extension LatestCandle {
    /// As the API writes it.
    public var json: JSONValue {
        .object([.init("venue", .string(series.venue)), .init("candle", CandleView(candle).json)])
    }
}

extension CandleGaps {
    /// As the API writes it.
    public var json: JSONValue {
        let counts = CandleGap.Kind.allCases.map { kind -> JSONValue.Member in
            let count = self.counts[kind]
            return .init(
                kind.rawValue,
                .members(["gaps": .integer(count?.gaps ?? 0), "candles": .integer(count?.candles ?? 0)]))
        }
        return .object(
            series.members + [
                .init("from", .orNull(span?.lowerBound)), .init("to", .orNull(span?.upperBound)),
                .init("counts", .object(counts)),
                .init(
                    "gaps",
                    .array(
                        gaps.map { gap in
                            .members([
                                "from": .time(gap.start), "to": .time(gap.end),
                                "candles": .integer(gap.candles),
                                "kind": .string(gap.kind.rawValue),
                            ])
                        })),
            ])
    }
}

extension CandleImport.Outcome {
    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "rows": .integer(file.rows), "added": .integer(written.added),
            "unchanged": .integer(written.unchanged), "replaced": .integer(written.replaced),
            "refused": written.refused.json, "skipped": .integer(file.skipped),
            "notes": .array(notes.map { .string($0) }),
        ])
    }

    /// What was skipped, refused or replaced, in words; at most some tens.
    public var notes: [String] {
        file.problems.map { "line \($0.line): \($0.reason)" }
            + written.notes.map { "\($0.time.milliseconds): \($0.words)" }
    }
}

extension SeriesVerification {
    /// As the API writes it.
    public var json: JSONValue {
        .object(
            series.members + [
                .init("sound", .bool(isSound)), .init("candles", .integer(candles)),
                .init("chunks", .integer(chunks)), .init("flaws", .array(flaws.map { .string($0) })),
                .init("content_hash", .string(contentHash)),
            ])
    }
}
