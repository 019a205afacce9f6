internal import CZlib
internal import Glibc
public import Trading

/// Writes candles of a store into a file of the form that ``CandleFile`` reads, plain or gzip by its name's end.
///
/// The file appears under its name when it is whole. The same candles make the same bytes.
public struct CandleExport {
    /// Runs an export.
    ///
    /// - Parameters:
    ///   - path: Where the file goes; one that is there is replaced at the end. `.gz` at its end compresses it.
    ///   - progress: Told how many candles were written, now and then; false ends it, and nothing is left.
    /// - Returns: How many candles were written; nil when it was ended.
    /// - Throws: ``MarketFileFailure`` of the store or the file; nothing is left at `path` then.
    public static func run(
        _ series: SeriesKey, of source: some CandleSource, from start: Timestamp, to end: Timestamp,
        into path: String,
        progress: (Int) -> Bool = { _ in true }
    ) throws(MarketFileFailure) -> Int? {
        let output = try CandleFileWriter(path: path)
        var (next, count) = (start, 0)
        var lines: [UInt8] = []
        while true {
            let piece = try source.candles(of: series, from: next, to: end, limit: CandleStore.pieceCandles)
            lines.removeAll(keepingCapacity: true)
            piece.writeLines(to: &lines)
            try output.write(lines)
            count += piece.count
            guard progress(count) else { return nil }
            guard piece.count == CandleStore.pieceCandles, let last = piece.openTimes.last else { break }
            next = Timestamp(milliseconds: last + 1)
        }
        try output.finish()
        return count
    }
}

/// Writes a file of candles, plain or gzip, that appears under its name when it is finished.
@safe
public final class CandleFileWriter {
    private let path: String
    private let partial: String
    private var handle: gzFile?

    /// Begins a file, with its header.
    ///
    /// - Parameter path: Where it goes; one that is there is replaced at the end. `.gz` at its end compresses it.
    public init(path: String) throws(MarketFileFailure) {
        self.path = path
        partial = "\(path).partial-\(getpid())"
        // `e` closes it in children, `T` writes without compressing.
        guard let opened = unsafe gzopen(partial, path.hasSuffix(".gz") ? "wb6e" : "wbTe") else {
            throw Self.failure(path)
        }
        unsafe gzbuffer(opened, 1 << 18)
        unsafe handle = opened
        try write(Array("\(CandleFile.header)\n".utf8))
    }

    deinit {
        guard let handle = unsafe handle else { return }
        unsafe gzclose(handle)
        unsafe unlink(partial)
    }

    /// Adds lines as ``CandleFile`` reads them, each with its line feed.
    public func write(_ lines: [UInt8]) throws(MarketFileFailure) {
        guard !lines.isEmpty else { return }
        let written = unsafe lines.withUnsafeBytes {
            unsafe gzwrite(handle, $0.baseAddress, UInt32($0.count))
        }
        guard Int(written) == lines.count else { throw Self.failure(path) }
    }

    /// Ends the file and gives it its name. Nothing may be written after that.
    public func finish() throws(MarketFileFailure) {
        let closed = unsafe gzclose(handle)
        unsafe handle = nil
        guard closed == Z_OK, unsafe rename(partial, path) == 0 else {
            let failure = Self.failure(path)
            unsafe unlink(partial)
            throw failure
        }
    }

    private static func failure(_ path: String) -> MarketFileFailure {
        MarketFileFailure(file: path, line: 0, reason: unsafe String(cString: strerror(errno)))
    }
}
