import Posix
import Synchronization

/// Hashes passwords beside everything else: a few at a time, each on a thread that ends when nothing waits.
///
/// A hash takes tens of milliseconds and megabytes, so strangers must not be able to ask for many at once.
final class PasswordWorkers: Sendable {
    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let parallelism: Int
    private let queueLimit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - parallelism: How many passwords are hashed at once.
    ///   - queueLimit: How many may wait; one more is refused.
    init(parallelism: Int = 2, queueLimit: Int = 16) {
        self.parallelism = parallelism
        self.queueLimit = queueLimit
    }

    /// Runs `work` on a worker's thread.
    ///
    /// - Throws: ``IdentityError/busy`` when too many wait, or no thread can be had.
    func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async throws(IdentityError) -> Value {
        let result: Value? = await withCheckedContinuation { continuation in
            let job: @Sendable () -> Void = { continuation.resume(returning: work()) }
            if !start(job) { continuation.resume(returning: nil) }
        }
        guard let result else { throw .busy }
        return result
    }

    /// How many wait for a thread.
    var waiting: Int { state.withLock { $0.waiting.count } }

    private func start(_ job: @escaping @Sendable () -> Void) -> Bool {
        enum Verdict { case wait, refuse, start }
        let verdict: Verdict = state.withLock { state in
            if state.running < parallelism {
                state.running += 1
                return .start
            }
            guard state.waiting.count < queueLimit else { return .refuse }
            state.waiting.append(job)
            return .wait
        }
        switch verdict {
        case .wait: return true
        case .refuse: return false
        case .start:
            do {
                try Thread.start(name: "password") { self.work(job) }
                return true
            } catch {
                state.withLock { $0.running -= 1 }
                return false
            }
        }
    }

    private func work(_ first: @Sendable () -> Void) {
        first()
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                guard !state.waiting.isEmpty else {
                    state.running -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            next()
        }
    }
}
