internal import CPosix
internal import Glibc

/// A thread of our own, for loops that live as long as the process.
public enum Thread {
    /// Starts a detached thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - name: Its name in `top`; at most 15 bytes are kept.
    ///   - stackBytes: The size of its stack.
    public static func start(
        name: String, stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
    ) throws(SystemCallError) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        let box = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, &attributes,
            { context in
                let start = unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
                _ = unsafe cposix_set_thread_name(String(start.name.prefix(15)))
                start.body()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw SystemCallError(call: "pthread_create", number: result, subject: name)
        }
    }

    /// Keeps a thread on one processor, or with nil frees it.
    ///
    /// - Parameter thread: A thread's id, which for a process with one thread is its pid; nil is the calling thread.
    public static func keep(_ thread: Int32? = nil, on processor: Int32?) throws(SystemCallError) {
        try SystemCallError.check(cposix_pin(thread ?? 0, processor ?? -1), "sched_setaffinity")
    }

    /// Lets everybody else go before the calling thread on its processor (SCHED_IDLE, man 7 sched): for long work that
    /// nobody waits for by the millisecond.
    public static func letOthersGoFirst() throws(SystemCallError) {
        try SystemCallError.check(cposix_yield_to_others(), "sched_setscheduler")
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
