internal import Synchronization

/// User ids for strategies, when the host is root: each live strategy has one that nobody else has, so that per-user
/// bounds of the kernel and accidents with files stay its own.
final class UserAllocator: Sendable {
    private struct State {
        var taken: Set<UInt32> = []
        var next: UInt32
    }

    private let range: ClosedRange<UInt32>
    private let state: Mutex<State>

    /// How many there are.
    var count: Int { range.count }

    /// - Parameters:
    ///   - range: Ids that no account of the machine has. Not 0.
    ///   - offset: Where in the range to begin.
    init(range: ClosedRange<UInt32>, offset: UInt64 = 0) {
        precondition(range.lowerBound > 0)
        self.range = range
        state = Mutex(State(next: range.lowerBound + UInt32(offset % UInt64(range.count))))
    }

    /// A free id, or nil when all are taken. Ids go round, so that one is not used again at once.
    func take() -> UInt32? {
        state.withLock { state in
            for _ in 0..<range.count {
                let id = state.next
                state.next = id == range.upperBound ? range.lowerBound : id + 1
                if state.taken.insert(id).inserted { return id }
            }
            return nil
        }
    }

    func giveBack(_ id: UInt32) {
        state.withLock { state in
            let wasTaken = state.taken.remove(id) != nil
            precondition(wasTaken, "user id \(id) was given back twice")
        }
    }
}
