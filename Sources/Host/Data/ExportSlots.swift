internal import Synchronization

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
