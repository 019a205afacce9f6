internal import Glibc

/// Signals that tell the process to end, taken one at a time on a thread of their own.
public enum Signals {
    /// Blocks SIGTERM and SIGINT for this thread and all that it starts, and ignores SIGPIPE. Call it first of all, before
    /// there are other threads; children get their signals back from the spawner.
    public static func prepare() {
        var set = wanted
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A strategy that has closed its pipe is told by EPIPE, not by the end of the host.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits, suspended, for SIGTERM or SIGINT and returns its number.
    public static func next() async -> Int32 {
        await withCheckedContinuation { continuation in
            do {
                try Thread.start(name: "signals") {
                    var set = wanted
                    var number: Int32 = 0
                    unsafe sigwait(&set, &number)
                    continuation.resume(returning: number)
                }
            } catch {
                // Without a thread there is nothing that could ever be waited for.
                continuation.resume(returning: SIGTERM)
            }
        }
    }

    private static var wanted: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }
}
