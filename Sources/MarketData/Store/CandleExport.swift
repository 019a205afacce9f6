internal import CZlib
internal import Glibc
public import Posix
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
        try run(
            series, of: source, from: start, to: end, into: try CandleFileWriter(path: path),
            progress: progress)
    }

    /// The same into a file that is begun.
    public static func run(
        _ series: SeriesKey, of source: some CandleSource, from start: Timestamp, to end: Timestamp,
        into output: CandleFileWriter, progress: (Int) -> Bool = { _ in true }
    ) throws(MarketFileFailure) -> Int? {
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
    /// Its name until it is whole; nil where it has none.
    private let partial: String?
    private var handle: gzFile?

    /// Begins a file, with its header.
    ///
    /// - Parameter path: Where it goes; one that is there is replaced at the end. `.gz` at its end compresses it.
    public init(path: String) throws(MarketFileFailure) {
        self.path = path
        let partial = "\(path).partial-\(getpid())"
        self.partial = partial
        // `e` closes it in children, `T` writes without compressing.
        guard let opened = unsafe gzopen(partial, path.hasSuffix(".gz") ? "wb6e" : "wbTe") else {
            throw Self.failure(path)
        }
        unsafe gzbuffer(opened, 1 << 18)
        unsafe handle = opened
        try write(Array("\(CandleFile.header)\n".utf8))
    }

    /// Begins a gzipped file, with its header, in an open one without a name, which stays open.
    public init(gzipInto file: borrowing FileDescriptor) throws(MarketFileFailure) {
        (path, partial) = ("export", nil)
        let copy = fcntl(file.number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0, let opened = unsafe gzdopen(copy, "wb6") else {
            let failure = Self.failure(path)
            if copy >= 0 { close(copy) }
            throw failure
        }
        unsafe gzbuffer(opened, 1 << 18)
        unsafe handle = opened
        try write(Array("\(CandleFile.header)\n".utf8))
    }

    deinit {
        guard let handle = unsafe handle else { return }
        unsafe gzclose(handle)
        if let partial { unsafe unlink(partial) }
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
        guard closed == Z_OK else { throw given(up: Self.failure(path)) }
        guard let partial else { return }
        guard unsafe rename(partial, path) == 0 else { throw given(up: Self.failure(path)) }
    }

    /// `failure`, with nothing left behind.
    private func given(up failure: MarketFileFailure) -> MarketFileFailure {
        if let partial { unsafe unlink(partial) }
        return failure
    }

    private static func failure(_ path: String) -> MarketFileFailure {
        MarketFileFailure(file: path, line: 0, reason: unsafe String(cString: strerror(errno)))
    }
}
