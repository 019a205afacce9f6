public import Posix
internal import Synchronization

/// A file of candles that is handed on piece by piece. What it holds on disk is given back when the last copy of this
/// value is gone.
public struct ExportedCandles: Sendable {
    /// In bytes.
    public let size: Int
    private let source: @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]

    /// Describes a file.
    ///
    /// - Parameter read: Gives up to `count` bytes from `offset` on; fewer only at the end. From any thread.
    public init(
        size: Int,
        read: @escaping @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]
    ) {
        self.size = size
        source = read
    }

    /// Up to `count` bytes from `offset` on; fewer only at the end.
    public func read(at offset: Int, count: Int) throws(SystemCallError) -> [UInt8] {
        try source(offset, count)
    }
}

/// How many exports may be there at once, those included that somebody still reads: each takes room on disk.
final class ExportSlots: Sendable {
    /// A place, free again when this value ends.
    final class Slot: Sendable {
        private let taken: ExportSlots

        fileprivate init(_ taken: ExportSlots) { self.taken = taken }

        deinit { taken.count.withLock { $0 -= 1 } }
    }

    let limit: Int
    fileprivate let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// A place, or nil when all are taken.
    func take() -> Slot? {
        let isFree = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        return isFree ? Slot(self) : nil
    }
}
