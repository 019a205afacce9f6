internal import CPosix
internal import Glibc
internal import Synchronization

/// One thread that waits for descriptors, timers and work from other threads, and does one thing at a time.
///
/// It is a serial executor: an actor that names it as its executor runs on this thread, so that a readable pipe and a
/// call from elsewhere meet without a lock and without a hop. ``watch(_:for:_:)``, ``schedule(after:_:)`` and what they
/// return are for this thread only, which is checked; ``perform(_:)`` and ``stop()`` are for any thread.
public final class EventLoop: SerialExecutor, @unchecked Sendable {
    // @unchecked: `inbox` and `isStopping` are guarded by a mutex; everything in `state` is touched by the loop's own
    // thread alone, which every entry checks.

    /// What to wait for.
    public struct Interest: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt32
        /// Something can be read, or the other side has closed.
        public static let read = Interest(rawValue: 0x001)
        /// Something can be written.
        public static let write = Interest(rawValue: 0x004)

        /// Makes a set from its bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
    }

    /// What has come true of a descriptor.
    public struct Readiness: Sendable {
        fileprivate let events: UInt32

        /// Reading will not wait: data, end of file or an error are there.
        public var canRead: Bool { events & (0x001 | 0x008 | 0x010) != 0 }
        /// Writing will not wait: room or an error are there.
        public var canWrite: Bool { events & (0x004 | 0x008 | 0x010) != 0 }
        /// The other side has closed.
        public var isHungUp: Bool { events & 0x010 != 0 }
    }

    /// A descriptor being watched.
    public struct Watch: Hashable, Sendable {
        fileprivate let token: UInt64
        fileprivate let number: Int32
    }

    /// Something that will be done later.
    public struct Timer: Hashable, Sendable {
        fileprivate let id: UInt64
        fileprivate let deadline: UInt64
    }

    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    private struct Inbox {
        var work: [Work] = []
        var isAwake = false
        var isStopping = false
    }

    private let name: String
    private let epoll: FileDescriptor
    private let wake: FileDescriptor
    private let inbox = Mutex(Inbox())
    private let threadID = Atomic<UInt>(0)

    private var handlers: [UInt64: (Readiness) -> Void] = [:]
    private var nextToken: UInt64 = 1
    private var timers = TimerHeap()
    private var turnEnd: [() -> Void] = []
    private var leisure: [() -> Void] = []

    /// Makes a loop and starts its thread.
    ///
    /// - Parameters:
    ///   - name: The thread's name, at most 15 bytes.
    ///   - cpu: The processor to stay on, or nil for any.
    public init(name: String, cpu: Int32? = nil) throws(SystemCallError) {
        self.name = name
        epoll = FileDescriptor(owning: try SystemCallError.check(cposix_epoll_create(), "epoll_create1"))
        wake = FileDescriptor(owning: try SystemCallError.check(cposix_eventfd(), "eventfd"))
        try SystemCallError.check(
            cposix_epoll_control(epoll.number, 1, wake.number, Interest.read.rawValue, 0), "epoll_ctl")
        try Thread.start(name: name) { [self] in
            if let cpu { _ = cposix_pin(0, cpu) }
            run()
        }
    }

    // MARK: - From any thread

    /// Does `body` on the loop's thread, after what was asked before.
    public func perform(_ body: @escaping @Sendable () -> Void) {
        add(.closure(body))
    }

    /// Runs an actor's job on the loop's thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    /// Ends the thread after the work that is waiting now. Nothing given later is done.
    public func stop() {
        inbox.withLock { $0.isStopping = true }
        signalWake()
    }

    /// Whether the caller runs on the loop's thread.
    public var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Traps unless the caller runs on the loop's thread.
    public func checkIsolated() {
        precondition(isCurrent, "not on the thread of event loop \(name)")
    }

    // MARK: - On the loop's thread

    /// Calls `handler` whenever the descriptor is ready, until ``unwatch(_:)``.
    public func watch(
        _ descriptor: borrowing FileDescriptor, for interest: Interest,
        _ handler: @escaping (Readiness) -> Void
    ) throws(SystemCallError) -> Watch {
        checkIsolated()
        let watch = Watch(token: nextToken, number: descriptor.number)
        nextToken += 1
        try SystemCallError.check(
            cposix_epoll_control(epoll.number, 1, watch.number, interest.rawValue, watch.token), "epoll_ctl")
        handlers[watch.token] = handler
        return watch
    }

    /// Changes what a watched descriptor is waited for. An empty set only hears errors and hang-ups.
    public func change(_ watch: Watch, to interest: Interest) throws(SystemCallError) {
        checkIsolated()
        try SystemCallError.check(
            cposix_epoll_control(epoll.number, 3, watch.number, interest.rawValue, watch.token), "epoll_ctl")
    }

    /// Stops watching. Call it before the descriptor closes.
    public func unwatch(_ watch: Watch) {
        checkIsolated()
        guard handlers.removeValue(forKey: watch.token) != nil else { return }
        _ = cposix_epoll_control(epoll.number, 2, watch.number, 0, 0)
    }

    /// Calls `body` once, not before `delay` has passed.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Timer {
        checkIsolated()
        let (seconds, attoseconds) = delay.components
        let nanoseconds = max(0, seconds) * 1_000_000_000 + max(0, attoseconds) / 1_000_000_000
        return timers.insert(deadline: MonotonicClock.nanoseconds + UInt64(nanoseconds), body)
    }

    /// Forgets a timer, and lets go of what it would have done. One that has fired or was cancelled is left alone.
    public func cancel(_ timer: Timer) {
        checkIsolated()
        // What it held goes after the heap is let go of: that may set or cancel timers itself.
        _ = timers.remove(timer)
    }

    /// Calls `body` at the end of this turn, after all that is ready now. For gathering small things into one.
    public func atEndOfTurn(_ body: @escaping () -> Void) {
        checkIsolated()
        turnEnd.append(body)
    }

    /// Calls `body` at the end of the next turn, or after a millisecond in which nothing came: for what has to be done but
    /// should not stand between something that has just left and the answer to it.
    public func atLeisure(_ body: @escaping () -> Void) {
        checkIsolated()
        leisure.append(body)
    }

    // MARK: - Inside

    private func add(_ work: Work) {
        let mustWake = inbox.withLock { inbox in
            inbox.work.append(work)
            defer { inbox.isAwake = true }
            return !inbox.isAwake
        }
        if mustWake && !isCurrent { signalWake() }
    }

    private func signalWake() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(wake.number, &one, 8)
    }

    private func run() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        var events = [cposix_epoll_event](repeating: cposix_epoll_event(), count: 256)
        while true {
            let hasWork = inbox.withLock { inbox in !inbox.work.isEmpty || inbox.isStopping }
            let postponed = leisure
            leisure = []
            var timeout = hasWork ? 0 : timers.millisecondsUntilNext(MonotonicClock.nanoseconds)
            if !postponed.isEmpty { timeout = timeout < 0 ? 1 : min(timeout, 1) }
            let count = unsafe cposix_epoll_wait(epoll.number, &events, 256, timeout)
            precondition(count >= 0, "epoll_wait failed with \(-count)")
            for event in events.prefix(Int(count)) {
                if event.token == 0 {
                    drainWake()
                } else {
                    // A handler that an earlier one of this round removed must not hear of it any more.
                    handlers[event.token]?(Readiness(events: event.events))
                }
            }
            let now = MonotonicClock.nanoseconds
            while let body = timers.popDue(now) { body() }
            let (work, isStopping) = inbox.withLock { inbox in
                defer {
                    inbox.work = []
                    inbox.isAwake = false
                }
                return (inbox.work, inbox.isStopping)
            }
            for item in work { carryOut(item) }
            for body in postponed { body() }
            while !turnEnd.isEmpty {
                let bodies = turnEnd
                turnEnd = []
                for body in bodies { body() }
            }
            if isStopping && work.isEmpty { break }
        }
        handlers = [:]
        timers = TimerHeap()
    }

    private func carryOut(_ work: Work) {
        switch work {
        case .job(let job): unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        case .closure(let body): body()
        }
    }

    private func drainWake() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(wake.number, &count, 8)
    }
}

extension EventLoop.Timer {
    fileprivate init(_ deadline: UInt64, _ id: UInt64) {
        self.deadline = deadline
        self.id = id
    }

    fileprivate func isBefore(_ other: EventLoop.Timer) -> Bool {
        (deadline, id) < (other.deadline, other.id)
    }
}

/// Timers by deadline; those with one deadline fire in the order they were made.
private struct TimerHeap {
    /// A heap, in which those that were cancelled stay until they are due or are too many.
    private var entries: [EventLoop.Timer] = []
    /// What those that were not cancelled do.
    private var bodies: [UInt64: () -> Void] = [:]
    private var nextID: UInt64 = 0

    mutating func insert(deadline: UInt64, _ body: @escaping () -> Void) -> EventLoop.Timer {
        nextID += 1
        let timer = EventLoop.Timer(deadline, nextID)
        bodies[timer.id] = body
        entries.append(timer)
        var child = entries.count - 1
        while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return timer
    }

    /// Cancels a timer. Returns what it would have done, for the caller to let go of.
    mutating func remove(_ timer: EventLoop.Timer) -> (() -> Void)? {
        guard let body = bodies.removeValue(forKey: timer.id) else { return nil }
        let cancelled = entries.count - bodies.count
        if cancelled > 64, cancelled > entries.count / 2 { compact() }
        return body
    }

    func millisecondsUntilNext(_ now: UInt64) -> Int32 {
        guard let next = entries.first?.deadline else { return -1 }
        guard next > now else { return 0 }
        return Int32(min((next - now + 999_999) / 1_000_000, 60_000))
    }

    /// Takes out the first timer that is due. The caller runs it afterwards, since it may set timers itself.
    mutating func popDue(_ now: UInt64) -> (() -> Void)? {
        while let next = entries.first, next.deadline <= now {
            removeFirst()
            if let body = bodies.removeValue(forKey: next.id) { return body }
        }
        return nil
    }

    private mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].isBefore(entries[least]) {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    private mutating func compact() {
        entries = entries.filter { bodies[$0.id] != nil }.sorted { $0.isBefore($1) }
    }
}
