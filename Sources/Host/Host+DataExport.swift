internal import Glibc
public import MarketData
public import Posix
public import Trading
internal import Wire

/// Stored candles as files.
extension Host {
    /// The most candles of one export: nine years of minutes, some 100 MB of gzip.
    private static let exportLimit = 5_000_000

    /// Candles of a series, or of shorter ones rolled up to it, as a gzipped file that ``importCandles(_:by:)`` takes.
    ///
    /// - Parameters:
    ///   - start: The first time; nil begins with the first candle.
    ///   - end: The time after the last; nil ends with the last candle.
    /// - Throws: ``HostError/notFound(kind:id:)`` where there is nothing to make it of, ``HostError/invalid(_:)`` for a
    ///   span of too many candles, ``HostError/unavailable(_:)`` when others are at it or the disk is full.
    public func exportCandles(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?
    ) async throws(HostError) -> PiecewiseFile {
        let (store, folder, exports) = (candles, folders.market, exports)
        return try await dataThreads.run(refused: HostError.unavailable) { () throws(HostError) in
            // Taken here, so that only what is answered holds the place: a thread keeps what its work was given until
            // it ends, which is a moment after the answer.
            guard let slot = exports.take() else {
                throw .unavailable("\(exports.limit) exports are under way already; try again in a moment")
            }
            // It may work for seconds. Where the kernel does not let it wait for others, it shares with them.
            try? Thread.letOthersGoFirst()
            let file = NamelessFile(try Self.namelessFile(in: folder), slot)
            let count: Int?
            do throws(MarketFileFailure) {
                let basis = try store.basis(of: series)
                count = try basis.map { _ throws(MarketFileFailure) in
                    try CandleExport.run(
                        series, of: store, from: start ?? Timestamp(milliseconds: 0), to: end ?? .endOfTime,
                        into: CandleFileWriter(gzipInto: file.descriptor)
                    ) { $0 <= Self.exportLimit } ?? -1
                }
            } catch {
                throw .unavailable("\(error)")
            }
            guard let count else { throw .notFound(kind: "series", id: series.text) }
            guard count >= 0 else {
                throw .invalid(
                    FieldFailure(
                        field: "from",
                        reason: "has more than \(Self.exportLimit) candles behind it; ask for them in parts"))
            }
            do throws(SystemCallError) {
                return PiecewiseFile(size: try file.descriptor.size()) {
                    (offset, count) throws(SystemCallError) in
                    try file.descriptor.read(at: offset, count: count)
                }
            } catch {
                throw .unavailable("the export cannot be read: \(error)")
            }
        }
    }

    /// An open file without a name: it is gone when it is closed, whatever becomes of the host.
    private static func namelessFile(in folder: String) throws(HostError) -> FileDescriptor {
        let path = "\(folder)/export-\(UInt64.random(in: 0 ... .max))"
        do throws(SystemCallError) {
            let file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
            unsafe unlink(path)
            return file
        } catch {
            throw .unavailable("there is no room for an export: \(error)")
        }
    }
}

/// Holds an open file, and its place among the exports, for those who read it.
private final class NamelessFile: Sendable {
    let descriptor: FileDescriptor
    private let slot: ExportSlots.Slot

    init(_ descriptor: consuming FileDescriptor, _ slot: ExportSlots.Slot) {
        self.descriptor = descriptor
        self.slot = slot
    }
}
