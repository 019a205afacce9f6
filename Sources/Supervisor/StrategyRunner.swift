import Glibc
public import Posix
public import Sandbox
import Trading
public import Wire

/// What the runner needs of the host around it. All calls come on the event loop.
public protocol StrategyRunnerDelegate: AnyObject {
    /// The first line that the child is told.
    func hello(for runner: StrategyRunner) -> Hello
    /// The child is ready: send it its history, then call ``StrategyRunner/historySent()``.
    func deliverHistory(to runner: StrategyRunner)
    /// The child was resumed: send it what it missed.
    func deliverMissed(to runner: StrategyRunner)
    /// The child asked for something or said something; `ready`, `pong`, `log`, `timer` and `bye` are not handed on.
    func runner(_ runner: StrategyRunner, received message: StrategyMessage)
    /// The child said a line that was refused; an order among them may be answered.
    func runner(_ runner: StrategyRunner, refused failure: LineFailure)
    /// Something for the strategy's log.
    func runner(
        _ runner: StrategyRunner, logged level: StrategyLogLevel, _ source: LogSource, _ message: String)
    /// The sandbox refused the child something. It comes once for each refused call.
    func runner(_ runner: StrategyRunner, violated violation: Violation)
    /// The strategy came into another state.
    func runnerChangedState(_ runner: StrategyRunner)
    /// The child ended without being asked to: do with its orders what its policy says.
    func settleOrders(of runner: StrategyRunner, cause: String)
    /// The strategy will not be started again by itself.
    func runnerWasQuarantined(_ runner: StrategyRunner, reason: String)
    /// A line left for the child, its end included.
    func runner(_ runner: StrategyRunner, wrote line: [UInt8])
}

/// One strategy and, while it runs, its child.
///
/// It lives on the event loop. It feeds ``RunLifecycle`` with what happens and carries out what that decides; it reads
/// the child's lines within their bounds and never waits for the child.
public final class StrategyRunner {
    /// Starts a child for the run with the given id; may answer on any thread.
    public typealias Launch = (
        _ run: String, _ answer: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
    ) -> Void

    /// The strategy's id.
    public let strategy: String
    /// The id of the current run, or of the last one.
    public private(set) var run: String?
    /// When the strategy came into its state, in milliseconds of wall-clock time.
    public private(set) var since: Int64
    /// When it will be started again, while it backs off, in milliseconds of wall-clock time.
    public private(set) var nextStart: Int64?
    /// What the host keeps about the strategy; it comes back with every line, and need not be looked up.
    public weak var subject: AnyObject?
    /// Who is told.
    public weak var delegate: (any StrategyRunnerDelegate)?
    /// Lines that were read from the child in this run.
    public internal(set) var linesIn = 0
    /// Lines that left for the child in this run.
    public internal(set) var linesOut = 0
    /// Prices that were passed over because the child reads too slowly, in this run.
    public internal(set) var linesDropped = 0

    /// The strategy's state.
    public var state: RunLifecycle.State { lifecycle.state }
    /// How often it was started again by itself since a person started it.
    public var restarts: Int { lifecycle.restarts }
    /// The child's number, while there is one.
    public var pid: Int32? { connection?.child.pid }

    /// How many lines wait for the child to read them.
    public var backlog: Int { connection?.outgoing.count ?? 0 }

    private var lifecycle: RunLifecycle
    let settings: RunnerSettings
    let loop: EventLoop
    private let launch: Launch
    private let nextRun: () -> String
    let scratch: ReadBuffer
    private var deadlines: [RunLifecycle.Deadline: EventLoop.Timer] = [:]
    var connection: ChildConnection?
    private var lastUsage = GroupUsage()

    /// Makes a runner for a strategy that is stopped.
    ///
    /// - Parameters:
    ///   - nextRun: Gives the id of the next run.
    ///   - scratch: A buffer that all runners of the loop read through.
    public init(
        strategy: String, policy: RestartPolicy, settings: RunnerSettings, loop: EventLoop,
        scratch: ReadBuffer,
        nextRun: @escaping () -> String, launch: @escaping Launch
    ) {
        self.strategy = strategy
        self.settings = settings
        self.loop = loop
        self.scratch = scratch
        self.nextRun = nextRun
        self.launch = launch
        lifecycle = RunLifecycle(policy: policy)
        since = WallClock.milliseconds
    }

    // MARK: - What the host asks

    /// Starts the strategy, as a person asked for it: earlier crashes are forgotten.
    public func start() { handle(.startRequested) }

    /// Asks the child to stop.
    public func stop(reason: String, thenStart: Bool = false) {
        handle(.stopRequested(reason: reason, thenStart: thenStart))
    }

    /// Keeps the child but neither tells it prices nor lets it trade.
    public func pause() { handle(.pauseRequested) }

    /// Ends a pause.
    public func resume() { handle(.resumeRequested) }

    /// The history has been sent. The child is caught up when it answers the ping behind it: it answers in order, so
    /// every order before that was given while it took the history.
    public func historySent() {
        guard let connection else { return }
        connection.pingsSent += 1
        connection.pingBehindHistory = connection.pingsSent
        send(HostMessage.ping(id: connection.pingsSent).line, .must)
    }

    /// The strategy did what it must not: it is killed and not started again by itself.
    public func quarantine(cause: String) { handle(.violated(cause: cause)) }

    /// What the child has used, or what the last one had when it ended.
    public func usage() -> GroupUsage {
        if let connection { lastUsage = connection.child.group.usage() }
        return lastUsage
    }

    /// Lets others go before the child on its processor, or not: for one that is busy.
    public func setYielding(_ yields: Bool) { connection?.child.group.setYielding(yields) }

    /// How the limits of the child are kept, while there is one.
    public var enforcement: Enforcement? { connection?.child.group.enforcement }

    /// By which door the child was started and how long that took, while there is one.
    public var launched: (door: ConfinedChild.Door, duration: Duration)? {
        connection.map { ($0.child.door, $0.child.startDuration) }
    }

    /// Sends a line, unless there is no child to send it to. Never waits.
    public func send(_ message: HostMessage) {
        guard connection != nil else { return }
        switch message {
        case .order, .fill, .position, .bracket: sendWithOthers(message.line)
        case .hello, .candle, .trade, .quote, .signal, .trading, .funding, .timer, .ping, .candles, .go,
            .stop:
            send(message.line, message.importance)
        }
    }

    /// Sends a line that was written before, for lines that go to many children.
    public func send(_ line: [UInt8], like message: HostMessage) {
        guard connection != nil else { return }
        send(line, message.importance)
    }

    // MARK: - Life

    func handle(_ event: RunLifecycle.Event) {
        let before = lifecycle.state
        let actions = lifecycle.handle(event)
        let isChanged = before != lifecycle.state
        if isChanged { since = WallClock.milliseconds }
        for action in actions { carryOut(action) }
        if isChanged { delegate?.runnerChangedState(self) }
    }

    private func carryOut(_ action: RunLifecycle.Action) {
        switch action {
        case .launch: startChild()
        case .set(let deadline, let milliseconds): set(deadline, milliseconds)
        case .clearDeadlines:
            for timer in deadlines.values { loop.cancel(timer) }
            deadlines = [:]
            nextStart = nil
        case .greet:
            guard let hello = delegate?.hello(for: self) else { return }
            send(HostMessage.hello(hello).line, .must)
        case .deliverHistory: delegate?.deliverHistory(to: self)
        case .deliverMissed:
            delegate?.deliverMissed(to: self)
            if lifecycle.state == .ready { historySent() }
        case .askToStop(let reason):
            let limit = Int(settings.stopMilliseconds)
            send(HostMessage.stop(reason: reason, deadlineMilliseconds: limit).line, .must)
        case .kill:
            connection?.isCondemned = true
            connection?.child.kill()
        case .settleOrders(let cause): delegate?.settleOrders(of: self, cause: cause)
        case .raiseQuarantine(let reason): delegate?.runnerWasQuarantined(self, reason: reason)
        }
    }

    private func set(_ deadline: RunLifecycle.Deadline, _ milliseconds: Int64?) {
        if let old = deadlines.removeValue(forKey: deadline) { loop.cancel(old) }
        switch deadline {
        case .start:
            let limit = settings.startMilliseconds
            let words =
                state == .ready
                ? "did not take its history within \(limit / 1000) s"
                : "did not say \"ready\" within \(limit / 1000) s of its start"
            deadlines[.start] = after(limit) { $0.handle(.deadlinePassed(.start, words: words)) }
        case .stop:
            // The child's own deadline is the same; a little is added so that it can be met.
            deadlines[.stop] = after(settings.stopMilliseconds + 250) {
                $0.log(.warning, .host, "did not end in time after \"stop\" and was killed")
                $0.handle(.deadlinePassed(.stop, words: ""))
            }
        case .heartbeat: beat()
        case .backOff:
            let wait = milliseconds ?? 0
            nextStart = WallClock.milliseconds + wait
            log(.warning, .host, "will be started again in \(wait) ms")
            deadlines[.backOff] = after(wait) {
                $0.nextStart = nil
                $0.handle(.deadlinePassed(.backOff, words: ""))
            }
        }
    }

    func after(_ milliseconds: Int64, _ body: @escaping (StrategyRunner) -> Void) -> EventLoop.Timer {
        loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in
            if let self { body(self) }
        }
    }

    private func beat() {
        deadlines[.heartbeat] = after(settings.heartbeatMilliseconds) { runner in
            guard let connection = runner.connection else { return }
            let now = MonotonicClock.nanoseconds
            let limit = runner.settings.heartbeatTimeoutMilliseconds
            if let since = connection.unansweredSince {
                let used = connection.child.group.usage().cpuSeconds
                guard now - since < UInt64(limit) * 1_000_000 else {
                    let place = HangPlace(in: connection.lastWords).map { ", \($0.words)" } ?? ""
                    let words = "hung: did not answer a ping for \(limit / 1000) s" + place
                    let hint =
                        connection.resumeViolations == nil
                        ? Self.words(forUse: used - (connection.usedWhenSilent ?? used))
                        : "; it is refused system calls without end, and waits for the answers"
                    return runner.handle(.deadlinePassed(.heartbeat, words: words + hint))
                }
                connection.usedWhenSilent = connection.usedWhenSilent ?? used
                if now - since >= UInt64(limit) * 500_000 { runner.askWhere(connection) }
            } else {
                connection.unansweredSince = now
                connection.isAskedWhere = false
                connection.usedWhenSilent = nil
                connection.pingsSent += 1
                runner.send(HostMessage.ping(id: connection.pingsSent).line, .must)
            }
            runner.beat()
        }
    }

    /// Has a silent child say on its standard error where it is, which the SDK does at this signal. Programs know nothing of
    /// it, and one that is refused calls without end is known to be there.
    private func askWhere(_ connection: ChildConnection) {
        guard !connection.isAskedWhere, connection.resumeViolations == nil,
            connection.child.profile.views.contains(where: { $0.source == .sdk })
        else { return }
        connection.isAskedWhere = true
        do throws(SystemCallError) {
            try connection.child.signal(SIGUSR1)
            log(.warning, .host, "does not answer, and is asked where it is")
        } catch {
            log(.warning, .host, "does not answer, and cannot be asked where it is: \(error)")
        }
    }

    /// What a silent child was busy with, by the processor time that it used meanwhile.
    private static func words(forUse seconds: Double) -> String {
        guard seconds >= 0.1 else {
            return
                "; it waited, without using the processor: a handler must return, so use `timer` and not time.sleep"
        }
        let tenths = Int(seconds * 10)
        return
            "; it used \(tenths / 10).\(tenths % 10) s of processor time meanwhile: do less in one handler, "
            + "or set cpu_share in strategy.json"
    }

    // MARK: - The child

    private func startChild() {
        let run = nextRun()
        self.run = run
        (linesIn, linesOut, linesDropped) = (0, 0, 0)
        lastUsage = GroupUsage()
        let home = LoopBound(WeakRunner(self), on: loop)
        launch(run) { result in
            home.perform { $0.runner?.launchEnded(result) }
        }
    }

    private final class WeakRunner {
        private(set) weak var runner: StrategyRunner?
        init(_ runner: StrategyRunner) { self.runner = runner }
    }

    private func launchEnded(_ result: Result<ConfinedChild, LaunchFailure>) {
        switch result {
        case .failure(let refusal):
            log(.error, .host, "could not be started: \(refusal)")
            handle(.launchFailed(reason: refusal.description))
        case .success(let child):
            do {
                let connection = ChildConnection(child, settings: settings)
                self.connection = connection
                connection.processWatch = try loop.watch(child.process, for: .read) { [weak self] _ in
                    self?.childEnded()
                }
                connection.outputWatch = try loop.watch(child.standardOutput, for: .read) { [weak self] _ in
                    self?.readOutput()
                }
                connection.errorsWatch = try loop.watch(child.standardError, for: .read) { [weak self] _ in
                    self?.readErrors()
                }
                connection.inputWatch = try loop.watch(child.standardInput, for: []) { [weak self] ready in
                    self?.inputReady(ready)
                }
                if let violations = child.violations {
                    connection.violationsWatch = try loop.watch(violations.listener, for: .read) {
                        [weak self] ready in
                        self?.readViolations(ready)
                    }
                }
                let milliseconds = (child.startDuration / .microseconds(100)).rounded() / 10
                log(.info, .host, "started \(child.door.rawValue) in \(milliseconds) ms")
                handle(.launched)
            } catch {
                disconnect()
                child.finish()
                handle(.launchFailed(reason: "could not watch the child: \(error)"))
            }
        }
    }

    private func childEnded() {
        guard let connection else { return }
        let child = connection.child
        do {
            guard try child.reap() != nil else { return }
        } catch {
            // The kernel says that it has ended and will not say how: nobody else could have reaped it.
            log(.error, .host, "could not be reaped: \(error)")
        }
        // What it wrote before it ended still counts, within the bounds.
        takeViolations()
        readRest()
        connection.errorLines.finish { piece in takeError(piece) }
        lastUsage = child.group.usage()
        var death =
            child.deathReport().map {
                RunLifecycle.Death(
                    $0, lastWords: connection.lastWords, profile: child.profile,
                    refusal: connection.lastRefusal)
            }
            ?? RunLifecycle.Death(cause: "ended, and the kernel did not say how", kind: .crash)
        if child.status == .killed(signal: SIGSYS), child.fatalViolation == nil {
            delegate?.runner(self, violated: .foreignCall)
        }
        if let words = connection.farewell, death.kind == .clean {
            death = RunLifecycle.Death(cause: words, kind: .clean)
        }
        disconnect()
        child.finish()
        // Killed for a cause, it says only that it was killed.
        if case .dying(let known) = state { death = known }
        log(death.kind == .clean || state.wasAskedToEnd ? .info : .error, .host, "ended: \(death.cause)")
        let now = Int64(MonotonicClock.nanoseconds / 1_000_000)
        handle(.exited(death, now: now, dice: .random(in: .min ... .max)))
    }

    private func readViolations(_ ready: EventLoop.Readiness) {
        guard let connection else { return }
        takeViolations()
        // Hung up: nobody is left who could be refused anything.
        guard !ready.isHungUp, let violations = connection.child.violations else { return stopListening() }
        let pause = violations.pauseMilliseconds
        guard pause > 0, connection.resumeViolations == nil else { return }
        // Not answering is what slows down a strategy that is refused without end: it waits in its call.
        warnOfFlood("makes system calls without end that are refused; it is answered more slowly")
        setInterest(connection.violationsWatch, [])
        connection.resumeViolations = after(pause) { runner in
            guard let connection = runner.connection else { return }
            connection.resumeViolations = nil
            runner.setInterest(connection.violationsWatch, .read)
        }
    }

    private func takeViolations() {
        guard let connection else { return }
        for violation in connection.child.readViolations() {
            connection.lastRefusal = violation
            delegate?.runner(self, violated: violation)
        }
    }

    private func stopListening() {
        guard let connection, let watch = connection.violationsWatch else { return }
        loop.unwatch(watch)
        connection.violationsWatch = nil
        connection.child.stopListening()
    }

    private func disconnect() {
        guard let connection else { return }
        stopListening()
        for watch in [
            connection.processWatch, connection.outputWatch, connection.errorsWatch, connection.inputWatch,
        ] {
            if let watch { loop.unwatch(watch) }
        }
        for timer in connection.timers.values { loop.cancel(timer) }
        if let timer = connection.resumeOutput { loop.cancel(timer) }
        if let timer = connection.resumeErrors { loop.cancel(timer) }
        if let timer = connection.resumeViolations { loop.cancel(timer) }
        self.connection = nil
    }

    func log(_ level: StrategyLogLevel, _ source: LogSource, _ message: String) {
        delegate?.runner(self, logged: level, source, message)
    }
}
