internal import Journal
internal import Synchronization
public import Trading

/// Hashes of spans, kept as long as nobody writes to them: a search over hundreds of points asks for the same one each time.
extension CandleStore {
    /// The SHA-256, in lower-case hex, of the lines that ``candles(of:from:to:limit:)`` gives for the whole span.
    ///
    /// What was worked out before is given again while the chunks that it came from are the same ones, whichever process
    /// writes.
    public func contentHash(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp
    ) throws(MarketFileFailure) -> String {
        let span = HashedSpans.Span(series: series, start: start, end: end)
        let known = hashes[span]
        let found = try reading { database in
            let stamp = try Self.stamp(of: span, in: database)
            if let known, known.stamp == stamp { return known }
            var hash = ContentHash()
            try Self.forEachPiece(of: series, from: start, to: end, in: database) { hash.add($0) }
            return HashedSpans.Known(stamp: stamp, hash: hash.hexadecimal())
        }
        if known != found { hashes.keep(found, for: span) }
        return found.hash
    }

    /// What changes with every change of a chunk that the span is made of; nil where nothing is stored that makes it.
    private static func stamp(
        of span: HashedSpans.Span, in database: Database
    ) throws -> HashedSpans.Stamp? {
        guard let basis = try basis(of: span.series, in: database) else { return nil }
        let length = basis.key.resolution
        // Whether the last of longer candles is whole depends on what comes after it.
        let isMade = basis.key != span.series
        let first = isMade ? 0 : max(0, span.start.milliseconds)
        let last =
            isMade
            ? Timestamp.endOfTime.milliseconds : min(span.end.milliseconds, Timestamp.endOfTime.milliseconds)
        return try database.rows(
            """
            SELECT count(*), max(revision) FROM chunks INDEXED BY chunks_by_revision
            WHERE series = ? AND place BETWEEN ? AND ?
            """,
            values: [basis.id, CandleChunk.place(of: first, length), CandleChunk.place(of: last, length)]
        ) { row throws(DatabaseFailure) in
            HashedSpans.Stamp(
                basis: basis.id, chunks: try row.integer(0), newest: try row.optionalInteger(1) ?? 0)
        }.first
    }
}

/// Hashes that were worked out, each with what it was worked out from.
final class HashedSpans: Sendable {
    struct Span: Hashable, Sendable {
        let series: SeriesKey
        let start: Timestamp
        let end: Timestamp
    }

    /// Every write of a chunk gives it the next number of the store, so no two states of a span have the same of these.
    struct Stamp: Hashable, Sendable {
        let basis: Int64
        let chunks: Int64
        let newest: Int64
    }

    struct Known: Hashable, Sendable {
        let stamp: Stamp?
        let hash: String
    }

    /// How many are kept.
    private static let limit = 256
    private let known = Mutex<[Span: Known]>([:])
    /// How many were worked out, for tests.
    let made = Atomic<Int>(0)

    subscript(span: Span) -> Known? { known.withLock { $0[span] } }

    func keep(_ hash: Known, for span: Span) {
        made.add(1, ordering: .relaxed)
        known.withLock { known in
            if known.count >= Self.limit, known[span] == nil { known.removeAll() }
            known[span] = hash
        }
    }
}
