internal import Glibc
public import Posix
internal import Synchronization

/// A strategy that runs confined.
///
/// It is handed over once, to the thread that owns children, and belongs to that thread from then on. When it has
/// ended, reap it, and let ``finish(_:)`` take away the rest; a child that is let go of is killed and cleared away.
public final class ConfinedChild: @unchecked Sendable {
    // @unchecked: `violations`, `recorder`, `fatalViolation` and `status` are touched by the owning thread alone; the rest never
    // changes.

    /// How a strategy was started.
    public enum Door: String, Hashable, Sendable {
        /// By the launcher program, with an interpreter of its own.
        case cold
        /// By a nursery, from an interpreter that had everything loaded.
        case warm
    }

    /// How it was started.
    public let door: Door
    /// How long that took, from the request to its walls standing.
    public internal(set) var startDuration: Duration = .zero
    /// Its process id, for people. Signals go through ``signal(_:)``.
    public let pid: Int32
    /// Readable when it has ended. For watching.
    public let process: FileDescriptor
    /// Where to write what the host says. Non-blocking.
    public let standardInput: FileDescriptor
    /// Where what the strategy says comes out. Non-blocking.
    public let standardOutput: FileDescriptor
    /// Where the strategy's own log comes out. Non-blocking.
    public let standardError: FileDescriptor
    /// Its control groups.
    public let group: ChildGroup
    /// System calls that it was refused. Readable when there are new ones; nil after ``stopListening()``.
    public private(set) var violations: ViolationReader?
    /// The profile that it runs under.
    public let profile: Profile
    /// Every system call that it makes, when its launch was to be recorded. Readable when one waits.
    public private(set) var recorder: CallRecorder?
    /// The violation for which it was killed.
    public private(set) var fatalViolation: Violation?
    /// How it ended, once it was reaped.
    public private(set) var status: EndStatus?

    /// While this is open, the watcher lets the strategy live. The kernel closes it with the host, however that ends.
    private let lifeline: FileDescriptor
    private let remains: Remains
    private let spawner: Spawner

    init(
        pid: Int32, door: Door, process: consuming FileDescriptor, standardInput: consuming FileDescriptor,
        standardOutput: consuming FileDescriptor, standardError: consuming FileDescriptor,
        lifeline: consuming FileDescriptor, violations: ViolationReader?, recorder: CallRecorder?,
        profile: Profile,
        remains: Remains, spawner: Spawner
    ) {
        self.pid = pid
        self.door = door
        self.process = process
        self.standardInput = standardInput
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.lifeline = lifeline
        self.group = remains.group
        self.violations = violations
        self.profile = profile
        self.recorder = recorder
        self.remains = remains
        self.spawner = spawner
    }

    deinit {
        let (remains, spawner, isReaped) = (remains, spawner, status != nil)
        spawner.perform { remains.clear(on: spawner, strategyIsReaped: isReaped) {} }
    }

    /// Sends it a signal. One that has ended is left alone.
    public func signal(_ signal: Int32) throws(SystemCallError) {
        guard status == nil else { return }
        try ChildProcess.signal(process, signal)
    }

    /// Kills it and everything it has started.
    public func kill() {
        guard status == nil else { return }
        // It can only fail for a process that has ended.
        try? ChildProcess.signal(process, SIGKILL)
    }

    /// Lets it see the end of its standard input. What is written to it from then on goes nowhere.
    public func endInput() throws(SystemCallError) {
        let nothing = try FileDescriptor.open("/dev/null", O_WRONLY)
        guard dup2(nothing.number, standardInput.number) >= 0 else {
            throw SystemCallError(call: "dup2", number: errno)
        }
        _ = fcntl(standardInput.number, F_SETFD, FD_CLOEXEC)
    }

    /// Reaps it if it has ended. Call it when ``process`` is readable.
    public func reap() throws(SystemCallError) -> EndStatus? {
        if let status { return status }
        status = try ChildProcess.reap(process)
        return status
    }

    /// Takes the refused calls that wait, and answers them. Call it when ``violations`` is readable.
    ///
    /// A call that only an attacker makes kills the strategy.
    public func readViolations() -> [Violation] {
        guard let violations else { return [] }
        let new = violations.read()
        if fatalViolation == nil, let fatal = new.first(where: \.isFatal) {
            fatalViolation = fatal
            kill()
        }
        return new
    }

    /// Takes the recorded calls that wait, and decides them. Call it when ``recorder`` is readable.
    public func readCalls() {
        if recorder?.read() == true { kill() }
    }

    /// Stops hearing of refused calls; from then on the kernel refuses them by itself, and the opening of files for
    /// writing with them. Unwatch the listener before.
    public func stopListening() {
        violations = nil
    }

    /// Why it ended, once it was reaped. Ask before ``finish(_:)``.
    public func deathReport() -> DeathReport? {
        status.map {
            DeathReport(
                status: $0, usage: group.usage(), violation: fatalViolation, profile: profile,
                overuse: group.overuse)
        }
    }

    /// Takes away what is left: the namespaces' watcher, the control groups, the user id. Kills it if it still runs.
    ///
    /// - Parameter completion: Called on the spawner's thread when everything is gone.
    public func finish(_ completion: @escaping @Sendable () -> Void = {}) {
        let (remains, spawner, isReaped) = (remains, spawner, status != nil)
        spawner.perform { remains.clear(on: spawner, strategyIsReaped: isReaped, completion) }
    }
}

/// What a strategy leaves behind. Cleared once, on the spawner's thread.
final class Remains: Sendable {
    let group: ChildGroup
    private let strategy: Int32
    private let watcher: Int32
    private let user: UInt32?
    private let users: UserAllocator
    private let isCleared = Mutex(false)

    /// On the spawner's thread, which answers for both processes from here on.
    init(
        strategy: Int32, watcher: Int32, group: ChildGroup, user: UInt32?, users: UserAllocator,
        spawner: Spawner
    ) {
        for pid in [strategy, watcher] { spawner.takeOn(pid) }
        self.strategy = strategy
        self.watcher = watcher
        self.group = group
        self.user = user
        self.users = users
    }

    func clear(on spawner: Spawner, strategyIsReaped: Bool, _ completion: @escaping @Sendable () -> Void) {
        let isFirst = isCleared.withLock { isCleared in
            defer { isCleared = true }
            return !isCleared
        }
        guard isFirst else { return completion() }
        group.stopSupervising()
        // Neither can have been reaped by anybody else, so neither number can belong to another process.
        _ = Glibc.kill(watcher, SIGKILL)
        if !strategyIsReaped {
            _ = Glibc.kill(strategy, SIGKILL)
            reap(strategy)
        }
        reap(watcher)
        for pid in [strategy, watcher] { spawner.letGo(pid) }
        removeGroup(on: spawner, attemptsLeft: 200, completion)
    }

    private func reap(_ pid: Int32) {
        // ECHILD would mean that somebody reaped what is ours.
        do { try ChildProcess.wait(for: pid) } catch {
            assertionFailure("child \(pid) could not be reaped: \(error)")
        }
    }

    /// The kernel may keep a group for some milliseconds after its last process.
    private func removeGroup(
        on spawner: Spawner, attemptsLeft: Int, _ completion: @escaping @Sendable () -> Void
    ) {
        if group.tryToRemove() || attemptsLeft == 0 {
            if let user { users.giveBack(user) }
            return completion()
        }
        group.kill()
        spawner.schedule(after: .milliseconds(5)) { [self] in
            removeGroup(on: spawner, attemptsLeft: attemptsLeft - 1, completion)
        }
    }
}
