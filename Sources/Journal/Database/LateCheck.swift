import CSQLite
import Dispatch
import Glibc
public import Posix
import Synchronization

/// The whole check of a database whose history its opening left out, beside the work on it.
///
/// A start may not wait until years of history were read from end to end. This reads them at low priority, over a
/// connection of its own.
@safe
public final class LateCheck: @unchecked Sendable {
    // @unchecked: `handle` and `isCancelled` are touched under the lock alone. SQLite allows sqlite3_interrupt from any
    // thread while the connection is open, which the lock makes sure of.
    private let lock = Mutex(())
    private var handle: OpaquePointer?
    private var isCancelled = false
    private let ended = DispatchGroup()

    /// Starts to check.
    ///
    /// - Parameter done: Called once, on the check's own thread, unless it is cancelled: with nil when everything is in
    ///   order, else with what is wrong or why nobody knows. Nothing was changed.
    public init(
        path: String, done: @escaping @Sendable (DatabaseFailure?) -> Void
    ) throws(SystemCallError) {
        ended.enter()
        do throws(SystemCallError) {
            try Thread.start(name: "check") { [self] in
                // A failure leaves the thread as urgent as it is.
                _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
                run(path, done)
                ended.leave()
            }
        } catch {
            ended.leave()
            throw error
        }
    }

    /// Ends the check; `done` is not called any more. Waits for at most two seconds: SQLite cannot always be interrupted.
    public func cancel() {
        lock.withLock { _ in
            isCancelled = true
            if let handle = unsafe handle { unsafe sqlite3_interrupt(handle) }
        }
        _ = ended.wait(timeout: .now() + 2)
    }

    private func run(_ path: String, _ done: @Sendable (DatabaseFailure?) -> Void) {
        var result: DatabaseFailure?
        do throws(DatabaseFailure) {
            let options = DatabaseOptions.reader
            let opened = try unsafe Database.open(path, options)
            // Closing the last connection would fold the log into the file.
            unsafe csqlite_configure(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            unsafe sqlite3_busy_timeout(opened, Int32(options.busyMilliseconds))
            let goesOn = lock.withLock { _ in
                unsafe handle = opened
                return !isCancelled
            }
            defer {
                lock.withLock { _ in unsafe handle = nil }
                unsafe sqlite3_close_v2(opened)
            }
            guard goesOn else { return }
            try unsafe IntegrityCheck.inspectWhole(opened, path)
        } catch {
            result = error
        }
        guard !lock.withLock({ _ in isCancelled }) else { return }
        done(result)
    }
}
