internal import CConfine
internal import Glibc
internal import Posix

/// What the launcher and the supervisor tell each other until the strategy runs.
///
/// Reports come through the status pipe, which closes when the strategy is executed. The listener comes through a
/// socket; the first call that it hears of is the launcher's own execution of the strategy, which may pass. That is
/// safe although its arguments lie in memory, since until then nothing of the strategy has run. A nursery's strategy is
/// not executed, and a nursery itself has no listener.
struct LauncherHandshake {
    private let status: Int32
    private let socket: Int32
    private let command: String
    /// Whether the filter lets every call wait, those of the launcher between its loading and the execution too.
    private let hearsAll: Bool
    /// Open from the moment it arrives until ``takeListener()`` or ``abandon()``.
    private var listener: Int32?
    private var hasExecuted: Bool
    private let hasListener: Bool
    /// On whose thread this is; nil where there is none, and nobody to be reaped.
    private let spawner: Spawner?

    /// The process that carries out the first part of the plan. A nursery's tells its number.
    private(set) var launcher: Int32?
    /// Process 1 of the strategy's namespaces.
    private(set) var watcher: Int32?
    /// The strategy's process.
    private(set) var strategy: Int32?
    /// Whether that has said that it waits for a strategy to be.
    private(set) var isWaiting = false

    /// - Parameters:
    ///   - launcher: The launcher program; nil when a nursery makes one.
    ///   - hasListener: Whether the plan has a listener.
    ///   - hearsAll: Whether that listener hears every call.
    ///   - spawner: On whose thread this is.
    init(
        launcher: Int32?, status: Int32, socket: Int32, command: String, hasListener: Bool = true,
        hearsAll: Bool = false, spawner: Spawner?
    ) {
        self.spawner = spawner
        self.hearsAll = hearsAll
        self.launcher = launcher
        self.status = status
        self.socket = socket
        self.command = command
        self.hasListener = hasListener
        hasExecuted = launcher == nil
    }

    /// Goes on until the strategy runs, or, of one that is made ahead, until it waits. Returns why it does not, or nil.
    mutating func run(for deadline: Duration, untilItWaits: Bool = false) -> LaunchFailure? {
        let (seconds, attoseconds) = deadline.components
        let limit =
            MonotonicClock.nanoseconds + UInt64(seconds) * 1_000_000_000
            + UInt64(attoseconds / 1_000_000_000)
        while true {
            let now = MonotonicClock.nanoseconds
            let tooLate = LaunchFailure(
                code: .timedOut, step: "start launcher",
                reason: "the strategy's walls were not up within \(deadline)")
            guard now < limit else { return tooLate }
            let ready = Readiness.wait(
                for: descriptors, milliseconds: Int32(min((limit - now) / 1_000_000 + 1, 60_000)))
            // The listener first: the strategy may have been executed and have ended by now.
            if hasListener, listener == nil, ready.contains(socket) { takeOverListener() }
            if let number = listener, !hasExecuted, Readiness.canRead(number) {
                // A launcher that waits to be reaped takes the place of one of the strategy's processes.
                do throws(SystemCallError) {
                    guard try reapLauncher(before: limit) else { return tooLate }
                } catch {
                    return LaunchFailure("start launcher", error)
                }
                if let failure = letExecutionPass(number) { return failure }
            } else if let number = listener, hearsAll, Readiness.canRead(number),
                Readiness.wait(for: [status], milliseconds: 0).isEmpty
            {
                // A strategy that runs has closed the status pipe, so this is the launcher, about to say why it failed.
                if let failure = letExecutionPass(number) { return failure }
            }
            if ready.contains(status) {
                switch readReport() {
                case .more where untilItWaits && isWaiting && strategy != nil: return nil
                case .more: continue
                case .end: return nil
                case .failure(let failure): return failure
                }
            }
        }
    }

    /// The listener, for whoever hears it from now on.
    mutating func takeListener() -> FileDescriptor? {
        guard let number = listener else { return nil }
        listener = nil
        return FileDescriptor(owning: number)
    }

    /// Reaps the launcher, which has ended or is about to.
    mutating func reapLauncher() throws(SystemCallError) {
        guard let pid = launcher else { return }
        launcher = nil
        try ChildProcess.wait(for: pid)
    }

    /// Waits for the launcher, which has left the plan to the strategy's process, and reaps it. False when it is too late.
    private mutating func reapLauncher(before limit: UInt64) throws(SystemCallError) -> Bool {
        guard let pid = launcher else { return true }
        let process = try ChildProcess.open(pid)
        let now = MonotonicClock.nanoseconds
        let milliseconds = now < limit ? Int32(min((limit - now) / 1_000_000 + 1, 60_000)) : 0
        guard Readiness.wait(for: [process.number], milliseconds: milliseconds).contains(process.number)
        else { return false }
        try reapLauncher()
        return true
    }

    /// Kills and reaps every process made for the strategy, those too of which nobody was told.
    mutating func abandon() {
        _ = takeListener()
        // Without its process 1 the namespace takes no new process and loses those it has.
        if let watcher { _ = Glibc.kill(watcher, SIGKILL) }
        // The strategy may fail before the launcher has told its number, so the launcher may speak to its end, which
        // comes by itself: it never waits for anything.
        let limit = MonotonicClock.nanoseconds + 2_000_000_000
        while MonotonicClock.nanoseconds < limit {
            guard Readiness.wait(for: [status], milliseconds: 100).contains(status) else { continue }
            if case .end = readReport() { break }
        }
        spawner?.clearAway([launcher, strategy, watcher].compactMap { $0 })
        // A nursery that stood still may make its launcher later, which ends when it speaks to nobody.
        spawner?.schedule(after: .seconds(5)) { [spawner] in spawner?.clearAway() }
    }

    // MARK: - Steps

    private var descriptors: [Int32] {
        var numbers = [status]
        if let number = listener {
            if !hasExecuted || hearsAll { numbers.append(number) }
        } else if hasListener {
            numbers.append(socket)
        }
        return numbers
    }

    private mutating func takeOverListener() {
        let number = confine_receive_descriptor(socket)
        // Anything else is an end without a listener, of which the status pipe tells more.
        if number >= 0 { listener = number }
    }

    private mutating func letExecutionPass(_ number: Int32) -> LaunchFailure? {
        var notification = confine_notification()
        guard unsafe confine_notification_receive(number, &notification) == 0 else { return nil }
        let isExecution = SystemCallFilter.name(of: notification.call) == "execve"
        guard isExecution || hearsAll else {
            return LaunchFailure(
                code: .stepFailed, step: "execute",
                reason: "the launcher made a call that it should not: "
                    + SystemCallFilter.name(of: notification.call))
        }
        if isExecution { hasExecuted = true }
        // ENOENT: it has died, of which the status pipe tells.
        _ = confine_notification_answer(number, notification.id, 0)
        return nil
    }

    private enum Report {
        case more
        case end
        case failure(LaunchFailure)
    }

    private mutating func readReport() -> Report {
        var report = confine_report()
        let size = MemoryLayout<confine_report>.size
        let count = unsafe Glibc.read(status, &report, size)
        guard count == size else {
            if count < 0 && errno == EINTR { return .more }
            // Reports are written in one piece. Half of one is a writer that has failed.
            guard count <= 0 else {
                return .failure(
                    LaunchFailure(
                        code: .stepFailed, step: "start launcher", reason: "its report is cut off"))
            }
            // The end of the pipe: all of its writers have gone. With the execution let through, that was it.
            return .end
        }
        let detail = unsafe withUnsafeBytes(of: report.detail) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch confine_report_kind(report.kind) {
        case CONFINE_WATCHER_STARTED, CONFINE_STRATEGY_STARTED, CONFINE_LAUNCHER_STARTED:
            return take(report) ?? .more
        case CONFINE_STRATEGY_WAITS:
            isWaiting = true
            return .more
        case CONFINE_PLAN_REFUSED:
            return .failure(
                LaunchFailure(
                    code: .stepFailed, step: "check plan", reason: "the launcher refused the plan: \(detail)")
            )
        default:
            return .failure(Self.failure(of: report, detail: detail, command: command))
        }
    }

    /// Takes the number of a process. Each is told once. A number that is no child's would be killed with the rest when
    /// the launch fails, and 0 or less would mean many processes, the host among them.
    private mutating func take(_ report: confine_report) -> Report? {
        func isFine(_ known: Int32?) -> Bool { report.value > 1 && known == nil }
        switch confine_report_kind(report.kind) {
        case CONFINE_WATCHER_STARTED where isFine(watcher): watcher = report.value
        case CONFINE_STRATEGY_STARTED where isFine(strategy): strategy = report.value
        case CONFINE_LAUNCHER_STARTED where isFine(launcher): launcher = report.value
        default:
            return .failure(
                LaunchFailure(
                    code: .stepFailed, step: "start launcher",
                    reason: "it named a process that cannot be: \(report.value)"))
        }
        return nil
    }

    private static func failure(
        of report: confine_report, detail: String, command: String
    ) -> LaunchFailure {
        let step = unsafe String(cString: confine_operation_name(report.operation))
        let reason = unsafe String(cString: strerror(report.value))
        var words = detail.isEmpty ? reason : "\(detail): \(reason)"
        switch (confine_operation(report.operation), report.value) {
        case (CONFINE_EXECUTE, ENOENT):
            words +=
                ". The program is not in the runtime or the bundle, or it needs an interpreter or loader that is "
                + "not there"
        case (CONFINE_EXECUTE, EACCES):
            words += ". The program is not marked as executable, or is not readable for others"
        case (CONFINE_EXECUTE, ENOEXEC):
            words += ". The program is not an ELF file for this machine"
        case (CONFINE_OPEN_TREE, EACCES):
            words += ". The host itself may not read that folder"
        case (CONFINE_ENTER, EPERM), (CONFINE_ENTER, ENOSPC):
            words += ". See bullpen doctor, user_namespace"
        default: break
        }
        return LaunchFailure(code: .stepFailed, step: step, reason: words)
    }
}
