internal import Synchronization

/// Whether work that another task has begun is still wanted: the queue's tasks are nobody's children.
final class RunningTask: Sendable {
    private let cancelled = Atomic<Bool>(false)

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
}
