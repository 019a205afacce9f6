import Dispatch
public import Posix
import Synchronization

/// Something that has collected bytes in memory and wants them written.
protocol Flushable: AnyObject, Sendable {
    /// Writes what has collected. Called on the flushing thread.
    func flush()
}

/// The thread that writes logs and recordings, so that nobody who appends a line waits for a disk.
///
/// One serves the whole host.
public final class FlushThread: Sendable {
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchGroup()
    /// Shared by all recordings: a compressor needs a quarter of a megabyte.
    let compressor: Mutex<GzipCompressor>

    private struct State {
        var due: [ObjectIdentifier: (job: any Flushable, at: UInt64)] = [:]
        /// When the thread will look again by itself; nil when something woke it, or will never.
        var wakesAt: UInt64 = .max
        var isClosed = false
    }

    /// Starts the thread.
    public init() throws(SystemCallError) {
        compressor = Mutex(GzipCompressor())
        ended.enter()
        do {
            try Thread.start(name: "records") { [self] in
                serve()
                ended.leave()
            }
        } catch {
            ended.leave()
            throw error
        }
    }

    /// Lets `job` be flushed in `milliseconds`, or earlier when that was already asked for.
    func schedule(_ job: any Flushable, inMilliseconds milliseconds: Int) {
        let at = MonotonicClock.nanoseconds + UInt64(milliseconds) * 1_000_000
        let wakes = state.withLock { state in
            let key = ObjectIdentifier(job)
            if let known = state.due[key], known.at <= at { return false }
            state.due[key] = (job, at)
            guard at < state.wakesAt else { return false }
            state.wakesAt = at
            return true
        }
        if wakes { wakeUp.signal() }
    }

    /// Writes everything that waits, ends the thread and returns when that is done.
    public func close() {
        state.withLock { $0.isClosed = true }
        wakeUp.signal()
        ended.wait()
    }

    private func serve() {
        while true {
            let now = MonotonicClock.nanoseconds
            let (jobs, wait, isClosed) = state.withLock { state in
                let ready = state.due.filter { $0.value.at <= now || state.isClosed }
                for key in ready.keys { state.due[key] = nil }
                state.wakesAt = state.due.values.map(\.at).min() ?? .max
                return (ready.values.map(\.job), state.wakesAt, state.isClosed)
            }
            for job in jobs { job.flush() }
            if !jobs.isEmpty { continue }
            if isClosed { return }
            if wait == .max {
                wakeUp.wait()
            } else {
                _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(wait - min(wait, now))))
            }
        }
    }
}
