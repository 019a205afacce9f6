internal import Posix
internal import Trading

/// Lets go of the journal's old events, a few at a time so that no order waits for long. It lives on the event loop.
final class JournalPruning {
    private let store: DeskStore
    private let loop: EventLoop
    /// How long events are kept, in milliseconds.
    private let age: Int64
    private var cursor: Int64 = 0
    private var isUnderWay = false
    private var nextLook = Timestamp(milliseconds: 0)

    /// As long as orders' stories are.
    static let age: Int64 = 30 * 86_400_000
    /// How long it rests once all that is old was looked at, in milliseconds.
    private static let rest: Int64 = 3_600_000

    init(_ store: DeskStore, on loop: EventLoop, age: Int64 = JournalPruning.age) {
        self.store = store
        self.loop = loop
        self.age = age
    }

    /// Does the next step, if there is one. Call it every second.
    func step(at now: Timestamp) {
        guard !isUnderWay, now >= nextLook else { return }
        isUnderWay = true
        let home = LoopBound(self, on: loop)
        store.prune(after: cursor, before: now.advanced(byMilliseconds: -age)) { next in
            home.perform { $0.ended(next, at: now) }
        }
    }

    private func ended(_ next: Int64?, at now: Timestamp) {
        isUnderWay = false
        cursor = next ?? 0
        if next == nil { nextLook = now.advanced(byMilliseconds: Self.rest) }
    }
}
