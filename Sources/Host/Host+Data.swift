internal import Glibc
public import MarketData
internal import Posix
public import Trading
internal import Wire

/// Stored market data.
extension Host {
    /// Opens the candle store. One that cannot be used is moved aside: it holds nothing that trading needs, and what it held
    /// can be looked at there.
    static func openCandles(_ folders: DataFolders, log: HostLog) throws -> CandleStore {
        do throws(MarketFileFailure) {
            return try CandleStore(path: folders.candles)
        } catch {
            log.error(
                "the candle store cannot be used and begins anew",
                ["reason": "\(error)", "kept": "\(folders.candles).damaged"])
            for suffix in ["", "-wal", "-shm"] {
                _ = unsafe rename(folders.candles + suffix, "\(folders.candles).damaged\(suffix)")
            }
            return try CandleStore(path: folders.candles)
        }
    }

    /// Every stored series, by venue, symbol and length.
    public func dataSeries() async throws(HostError) -> [SeriesSummary] {
        try await data { store throws(MarketFileFailure) in try store.series() }
    }

    /// Candles of a series, or of shorter ones rolled up to it.
    public func dataCandles(_ request: CandleRequest) async throws(HostError) -> CandlePage {
        try await data { store throws(MarketFileFailure) in
            let basis = try store.basis(of: request.series)
            let end = request.end ?? .endOfTime
            guard let start = request.after?.advanced(byMilliseconds: 1) ?? request.start else {
                let columns = try store.last(request.limit, of: request.series, before: end)
                return CandlePage(series: request.series, basis: basis, columns: columns, next: nil)
            }
            let columns = try store.candles(of: request.series, from: start, to: end, limit: request.limit)
            let next = columns.count == request.limit ? columns.openTimes.last : nil
            return CandlePage(
                series: request.series, basis: basis, columns: columns,
                next: next.map { Timestamp(milliseconds: $0) })
        }
    }

    /// The newest candle of every stored series, or of those of one venue, one symbol or both.
    public func latestCandles(venue: String?, symbol: String?) async throws(HostError) -> [LatestCandle] {
        try await data { store throws(MarketFileFailure) in try store.latest(venue: venue, symbol: symbol) }
    }

    /// What a stored series lacks; nil looks from its first candle, or to its last.
    public func dataGaps(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?, limit: Int
    ) async throws(HostError) -> CandleGaps {
        _ = try await summary(of: series)
        return try await data { store throws(MarketFileFailure) in
            try store.gaps(of: series, from: start, to: end, limit: limit)
        }
    }

    /// Keeps the candles of a file. Rows that are wrong are left out and counted.
    public func importCandles(
        _ upload: CandleUpload, by user: String
    ) async throws(HostError) -> CandleImport.Outcome {
        let (store, folder) = (candles, folders.market)
        let outcome = try await dataThreads.run(refused: HostError.unavailable) { () throws(HostError) in
            let path = try Self.keep(upload, in: folder)
            defer { unsafe unlink(path) }
            do throws(MarketFileFailure) {
                let file = try CandleFile(
                    path: path, symbol: upload.series.symbol, resolution: upload.series.resolution,
                    flaws: .skip)
                return try CandleImport.run(
                    file, into: store, as: upload.series,
                    now: Timestamp(milliseconds: WallClock.milliseconds),
                    limit: Self.importLimit)
            } catch {
                guard error.file == path else { throw .unavailable("\(error)") }
                let place = error.line == 0 ? "" : "line \(error.line): "
                throw .invalid(.init(field: "file", reason: place + error.reason))
            }
        }
        audit(
            user, "data.import", upload.series.text,
            "\(outcome.written.added) added, \(outcome.written.replaced) replaced")
        return outcome
    }

    /// A small file may unpack to any number of rows.
    private static let importLimit = 20_000_000

    /// Writes an upload where the reader of files can read it.
    private static func keep(_ upload: CandleUpload, in folder: String) throws(HostError) -> String {
        var path = Array("\(folder)/import-XXXXXX".utf8CString)
        let number = unsafe mkstemp(&path)
        guard number >= 0 else { throw .unavailable("the upload cannot be kept: errno \(errno)") }
        let file = FileDescriptor(owning: number)
        let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do throws(SystemCallError) {
            try file.writeAll(upload.content[...])
            return name
        } catch {
            unsafe unlink(name)
            throw .unavailable("the upload cannot be kept: \(error)")
        }
    }

    /// Says for how many days candles of a series are kept; nil keeps all. Older ones go at once.
    public func keepCandles(
        of series: SeriesKey, days: Int?, by user: String
    ) async throws(HostError) -> SeriesSummary {
        _ = try await summary(of: series)
        let gone = try await data { store throws(MarketFileFailure) in
            try store.retain(
                series, milliseconds: days.map { Int64($0) * 86_400_000 },
                now: Timestamp(milliseconds: WallClock.milliseconds))
        }
        audit(user, "data.keep", series.text, "\(days.map { "\($0) days" } ?? "all"); \(gone) candles went")
        return try await summary(of: series)
    }

    /// Forgets a series and its candles.
    public func deleteCandles(of series: SeriesKey, by user: String) async throws(HostError) {
        let wasThere = try await data { store throws(MarketFileFailure) in try store.delete(series) }
        guard wasThere else { throw .notFound(kind: "series", id: series.text) }
        audit(user, "data.delete", series.text, "")
    }

    private func summary(of series: SeriesKey) async throws(HostError) -> SeriesSummary {
        guard let found = try await dataSeries().first(where: { $0.series == series }) else {
            throw .notFound(kind: "series", id: series.text)
        }
        return found
    }

    private func data<Value: Sendable>(
        _ body: @escaping @Sendable (CandleStore) throws(MarketFileFailure) -> Value
    ) async throws(HostError) -> Value {
        let store = candles
        return try await dataThreads.run(refused: HostError.unavailable) { () throws(HostError) in
            do throws(MarketFileFailure) {
                return try body(store)
            } catch {
                throw .unavailable("\(error)")
            }
        }
    }
}
