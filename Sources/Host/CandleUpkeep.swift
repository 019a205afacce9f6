internal import MarketData
internal import Posix
internal import Synchronization
internal import Trading

/// Lets go of candles that are older than their series keeps, by the clock: a series that nobody writes to any more grows old
/// too.
final class CandleUpkeep: Sendable {
    private let store: CandleStore
    private let threads: WorkThreads
    private let log: HostLog
    private let pause: Duration
    private let now: @Sendable () -> Timestamp
    private let hasEnded = Atomic<Bool>(false)

    /// Looks after `store`.
    ///
    /// - Parameter pause: From one look to the next.
    init(
        _ store: CandleStore, threads: WorkThreads, log: HostLog, every pause: Duration = .seconds(3600),
        now: @escaping @Sendable () -> Timestamp = { Timestamp(milliseconds: WallClock.milliseconds) }
    ) {
        self.store = store
        self.threads = threads
        self.log = log
        self.pause = pause
        self.now = now
    }

    /// Looks at once, and then again and again.
    func begin(on loop: EventLoop) {
        loop.perform { [self] in tick(loop) }
    }

    /// Looks no more.
    func end() { hasEnded.store(true, ordering: .relaxed) }

    private func tick(_ loop: EventLoop) {
        guard !hasEnded.load(ordering: .relaxed) else { return }
        // Nobody waits for it: what it has to say goes to the log.
        Task { await expire() }
        loop.schedule(after: pause) { [self] in tick(loop) }
    }

    private func expire() async {
        do throws(HostError) {
            let gone = try await threads.run(refused: HostError.unavailable) {
                [store, now] () throws(HostError) in
                do throws(MarketFileFailure) {
                    return try store.expire(now: now())
                } catch {
                    throw .unavailable("\(error)")
                }
            }
            if gone > 0 { log.info("let go of old candles", ["candles": "\(gone)"]) }
        } catch {
            // The host may have closed the store meanwhile.
            guard !hasEnded.load(ordering: .relaxed) else { return }
            log.warning("old candles are still there", ["reason": "\(error)"])
        }
    }
}
