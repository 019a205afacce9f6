/// The life of one strategy as a pure state machine: what happened in, what is to be done out.
///
/// It holds no clock, child or timer. The ``StrategyRunner`` around it feeds it events and carries out its actions.
public struct RunLifecycle: Sendable {
    /// Where a strategy stands.
    public enum State: Hashable, Sendable {
        /// No child, and none wanted. The reason is nil before the first start.
        case stopped(reason: String?)
        /// The sandbox is being built; there is no child yet.
        case launching
        /// The child runs but has not said `ready`.
        case starting
        /// The child is ready and receives its history.
        case ready
        case running
        case paused
        /// A person or the host's end asked the child to stop.
        case stopping(reason: String, thenStart: Bool)
        /// A stop was asked for while the sandbox was still being built.
        case abandoning(reason: String, thenStart: Bool)
        /// The child was killed for a cause that will be judged once it is gone.
        case dying(Death)
        case backingOff(reason: String)
        case quarantined(reason: String)

        /// The word for it in the interface.
        public var name: String {
            switch self {
            case .stopped: "stopped"
            case .launching, .starting: "starting"
            case .ready: "ready"
            case .running: "running"
            case .paused: "paused"
            case .stopping, .abandoning, .dying: "stopping"
            case .backingOff: "backing_off"
            case .quarantined: "quarantined"
            }
        }

        /// Why it stands there, in words, where there is something to say.
        public var reason: String? {
            switch self {
            case .stopped(let reason): reason
            case .launching, .starting, .ready, .running, .paused: nil
            case .stopping(let reason, _), .abandoning(let reason, _), .backingOff(let reason),
                .quarantined(let reason):
                reason
            case .dying(let death): death.cause
            }
        }

        /// Whether there is a child, or one on its way.
        public var isLive: Bool {
            switch self {
            case .stopped, .backingOff, .quarantined: false
            case .launching, .starting, .ready, .running, .paused, .stopping, .abandoning, .dying: true
            }
        }

        /// Whether a person or the host's end asked the child to stop.
        var wasAskedToEnd: Bool {
            switch self {
            case .stopping, .abandoning: true
            case .stopped, .launching, .starting, .ready, .running, .paused, .dying, .backingOff,
                .quarantined:
                false
            }
        }

        /// Whether the child may trade: it is past its history and nobody asked it to stop or wait.
        public var mayTrade: Bool {
            if case .running = self { true } else { false }
        }
    }

    /// How a child ended.
    public struct Death: Hashable, Sendable {
        /// What happened, in plain words.
        public let cause: String
        /// What it means for a restart.
        public let kind: Kind

        /// What an ending means for a restart.
        public enum Kind: Hashable, Sendable {
            /// The strategy ended by itself, without an error.
            case clean
            /// It crashed, hung or ran out of something.
            case crash
            /// It broke a rule of the sandbox or the protocol: no restart.
            case violation
        }

        /// Describes an ending.
        public init(cause: String, kind: Kind) {
            self.cause = cause
            self.kind = kind
        }
    }

    /// What a child was given too long for.
    public enum Deadline: Hashable, Sendable { case start, stop, heartbeat, backOff }

    /// Something that happened.
    public enum Event: Hashable, Sendable {
        case startRequested
        case launched
        case launchFailed(reason: String)
        case saidReady
        case caughtUp
        case pauseRequested
        case resumeRequested
        case stopRequested(reason: String, thenStart: Bool)
        case deadlinePassed(Deadline, words: String)
        /// The strategy did what it must not; the child is killed and the strategy quarantined.
        case violated(cause: String)
        /// The child is gone and reaped. `dice` is a random number for the back-off's jitter.
        case exited(Death, now: Int64, dice: UInt64)
    }

    /// Something to be done.
    public enum Action: Hashable, Sendable {
        /// Build the sandbox and start a child.
        case launch
        /// Start a deadline; it replaces one of the same kind.
        case set(Deadline, milliseconds: Int64?)
        /// Forget all deadlines.
        case clearDeadlines
        /// Say hello.
        case greet
        /// Deliver the history; ``Event/caughtUp`` is reported when the child has taken it.
        case deliverHistory
        /// Deliver what was missed while the child took its history or was paused.
        case deliverMissed
        /// Ask the child to stop.
        case askToStop(reason: String)
        /// Kill the whole tree of the child.
        case kill
        /// The child is gone and nobody asked it to go: do with its open orders what its policy says.
        case settleOrders(cause: String)
        /// Tell the operator: the strategy will not be started again by itself.
        case raiseQuarantine(reason: String)
    }

    /// Where the strategy stands.
    public private(set) var state = State.stopped(reason: nil)
    /// How often it was started again by itself since a person started it.
    public private(set) var restarts = 0
    private let policy: RestartPolicy
    private var crashes = CrashHistory()

    /// Begins with a strategy that is stopped.
    public init(policy: RestartPolicy) {
        self.policy = policy
    }

    /// Takes in what happened and says what is to be done, in order. An event that means nothing where the strategy
    /// stands changes nothing.
    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .startRequested: startRequested()
        case .launched: launched()
        case .launchFailed(let reason): launchFailed(reason)
        case .saidReady: saidReady()
        case .caughtUp: caughtUp()
        case .pauseRequested: pauseRequested()
        case .resumeRequested: resumeRequested()
        case .stopRequested(let reason, let thenStart): stopRequested(reason, thenStart: thenStart)
        case .deadlinePassed(let deadline, let words): deadlinePassed(deadline, words)
        case .violated(let cause): kill(Death(cause: cause, kind: .violation))
        case .exited(let death, let now, let dice): exited(death, now: now, dice: dice)
        }
    }

    private mutating func startRequested() -> [Action] {
        switch state {
        case .stopped, .backingOff, .quarantined:
            crashes.clear()
            restarts = 0
            state = .launching
            return [.clearDeadlines, .launch]
        case .stopping(let reason, _):
            state = .stopping(reason: reason, thenStart: true)
            return []
        case .abandoning(let reason, _):
            state = .abandoning(reason: reason, thenStart: true)
            return []
        case .launching, .starting, .ready, .running, .paused, .dying:
            return []
        }
    }

    private mutating func launched() -> [Action] {
        switch state {
        case .launching:
            state = .starting
            return [.set(.start, milliseconds: nil), .greet]
        case .abandoning(let reason, let thenStart):
            state = .stopping(reason: reason, thenStart: thenStart)
            return [.kill]
        case .stopped, .starting, .ready, .running, .paused, .stopping, .dying, .backingOff, .quarantined:
            preconditionFailure("a child was launched that nobody waited for")
        }
    }

    private mutating func launchFailed(_ reason: String) -> [Action] {
        switch state {
        case .launching:
            // What keeps a sandbox from being built (a missing layer, a missing file) does not mend itself.
            state = .quarantined(reason: reason)
            return [.clearDeadlines, .raiseQuarantine(reason: reason)]
        case .abandoning(let reason, let thenStart):
            return ended(reason, thenStart: thenStart)
        case .stopped, .starting, .ready, .running, .paused, .stopping, .dying, .backingOff, .quarantined:
            preconditionFailure("a launch failed that nobody waited for")
        }
    }

    private mutating func saidReady() -> [Action] {
        switch state {
        case .starting:
            state = .ready
            return [.set(.start, milliseconds: nil), .deliverHistory]
        case .ready, .running, .paused:
            return kill(Death(cause: "protocol violation: said \"ready\" twice", kind: .violation))
        case .stopped, .launching, .stopping, .abandoning, .dying, .backingOff, .quarantined:
            return []
        }
    }

    private mutating func caughtUp() -> [Action] {
        guard state == .ready else { return [] }
        state = .running
        return [.clearDeadlines, .set(.heartbeat, milliseconds: nil), .deliverMissed]
    }

    private mutating func pauseRequested() -> [Action] {
        guard state == .running else { return [] }
        state = .paused
        return []
    }

    private mutating func resumeRequested() -> [Action] {
        guard state == .paused else { return [] }
        // As after a start: what it missed is history, and orders in answer to that are denied.
        state = .ready
        return [.set(.start, milliseconds: nil), .deliverMissed]
    }

    private mutating func stopRequested(_ reason: String, thenStart: Bool) -> [Action] {
        switch state {
        case .stopped, .backingOff, .quarantined:
            return ended(reason, thenStart: thenStart)
        case .launching, .abandoning:
            state = .abandoning(reason: reason, thenStart: thenStart)
            return []
        case .starting, .ready, .running, .paused:
            state = .stopping(reason: reason, thenStart: thenStart)
            return [.clearDeadlines, .set(.stop, milliseconds: nil), .askToStop(reason: reason)]
        case .stopping:
            state = .stopping(reason: reason, thenStart: thenStart)
            return []
        case .dying:
            // It is being killed already; what was asked for is what follows.
            state = .stopping(reason: reason, thenStart: thenStart)
            return []
        }
    }

    private mutating func deadlinePassed(_ deadline: Deadline, _ words: String) -> [Action] {
        switch (deadline, state) {
        case (.start, .starting), (.start, .ready), (.heartbeat, .running), (.heartbeat, .paused):
            return kill(Death(cause: words, kind: .crash))
        case (.stop, .stopping), (.stop, .dying):
            return [.kill]
        case (.backOff, .backingOff):
            restarts += 1
            state = .launching
            return [.launch]
        case (.start, _), (.heartbeat, _), (.stop, _), (.backOff, _):
            return []
        }
    }

    private mutating func kill(_ death: Death) -> [Action] {
        switch state {
        case .starting, .ready, .running, .paused:
            state = .dying(death)
            return [.clearDeadlines, .kill]
        case .stopping(let reason, _):
            // A violation while stopping ends the patience, not the wish to stop.
            state = .stopping(reason: "\(reason); \(death.cause)", thenStart: false)
            return [.kill]
        case .stopped, .launching, .abandoning, .dying, .backingOff, .quarantined:
            return []
        }
    }

    private mutating func exited(_ death: Death, now: Int64, dice: UInt64) -> [Action] {
        switch state {
        case .stopping(let reason, let thenStart):
            return ended(reason, thenStart: thenStart)
        case .dying(let known):
            return died(known, now: now, dice: dice)
        case .starting, .ready, .running, .paused:
            return died(death, now: now, dice: dice)
        case .stopped, .launching, .abandoning, .backingOff, .quarantined:
            preconditionFailure("a child ended that was not there")
        }
    }

    private mutating func ended(_ reason: String, thenStart: Bool) -> [Action] {
        guard thenStart else {
            if case .quarantined = state { return [] }
            state = .stopped(reason: reason)
            return [.clearDeadlines]
        }
        crashes.clear()
        restarts = 0
        state = .launching
        return [.clearDeadlines, .launch]
    }

    private mutating func died(_ death: Death, now: Int64, dice: UInt64) -> [Action] {
        let settled: [Action] = [.clearDeadlines, .settleOrders(cause: death.cause)]
        switch (death.kind, policy.kind) {
        case (.violation, _):
            state = .quarantined(reason: death.cause)
            return settled + [.raiseQuarantine(reason: death.cause)]
        case (.clean, .transient), (.clean, .temporary), (.crash, .temporary):
            state = .stopped(reason: death.cause)
            return settled
        case (.clean, .permanent), (.crash, .permanent), (.crash, .transient):
            switch crashes.crashed(at: now, dice: dice, policy: policy) {
            case .restart(let delay):
                state = .backingOff(reason: death.cause)
                return settled + [.set(.backOff, milliseconds: delay)]
            case .tooMany(let count):
                let seconds = policy.periodMilliseconds / 1000
                let reason = "ended \(count) times within \(seconds) s; the last time: \(death.cause)"
                state = .quarantined(reason: reason)
                return settled + [.raiseQuarantine(reason: reason)]
            }
        }
    }
}
