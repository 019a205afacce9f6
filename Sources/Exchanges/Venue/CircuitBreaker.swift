/// Leaves what keeps failing alone for a while, then tries it with one call.
///
/// Closed: calls go; so many failures in a row open it. Open: nothing goes until a time has passed. Half open: one call
/// goes as a trial; its success closes, its failure opens again for twice as long. Times are nanoseconds of one steady
/// clock.
public struct CircuitBreaker: Hashable, Sendable {
    /// When it opens, and for how long.
    public struct Settings: Hashable, Sendable {
        /// How many failures in a row open it. At least 1.
        public var failures: Int
        /// How long it stays open the first time; twice as long after each trial that fails.
        public var openFor: Duration
        /// The longest that it stays open.
        public var longest: Duration

        /// Sets when it opens.
        public init(failures: Int = 5, openFor: Duration = .seconds(2), longest: Duration = .seconds(60)) {
            precondition(failures >= 1 && openFor > .zero && longest >= openFor)
            self.failures = failures
            self.openFor = openFor
            self.longest = longest
        }
    }

    /// What it does now.
    public enum State: Hashable, Sendable {
        /// Calls go. `failures` have failed in a row.
        case closed(failures: Int)
        /// Nothing goes until then. It has been opened `times` since it was closed last.
        case open(until: UInt64, times: Int)
        /// One call is trying.
        case halfOpen(times: Int)
    }

    /// A call's leave to go. Give it back with one of the three outcomes.
    public struct Permit: Hashable, Sendable {
        /// Whether the call is the trial on which all others wait.
        public let isTrial: Bool
        fileprivate let epoch: UInt64
    }

    /// What an outcome changed.
    public enum Change: Hashable, Sendable {
        case opened(for: Duration)
        case closed
    }

    /// When it opens, and for how long.
    public let settings: Settings
    /// What it does now.
    public private(set) var state = State.closed(failures: 0)
    /// Grows with every change of state, so that the outcome of a call from before it is not taken for one of now.
    private var epoch: UInt64 = 0

    /// Makes a closed breaker.
    public init(settings: Settings = Settings()) { self.settings = settings }

    /// Leave to go now, or nil.
    public mutating func permit(at now: UInt64) -> Permit? {
        switch state {
        case .closed: return Permit(isTrial: false, epoch: epoch)
        case .open(let until, let times) where until <= now:
            enter(.halfOpen(times: times))
            return Permit(isTrial: true, epoch: epoch)
        case .open, .halfOpen: return nil
        }
    }

    /// Whether ``permit(at:)`` would give leave.
    public func isPassable(at now: UInt64) -> Bool {
        switch state {
        case .closed: true
        case .open(let until, _): until <= now
        case .halfOpen: false
        }
    }

    /// The call was answered in a way that shows the endpoint working, be it with a no.
    public mutating func succeeded(_ permit: Permit) -> Change? {
        guard permit.epoch == epoch else { return nil }
        switch state {
        case .closed:
            state = .closed(failures: 0)
            return nil
        case .halfOpen:
            enter(.closed(failures: 0))
            return .closed
        case .open: return nil
        }
    }

    /// The call was not answered, or with a fault of the endpoint.
    public mutating func failed(_ permit: Permit, at now: UInt64) -> Change? {
        guard permit.epoch == epoch else { return nil }
        switch state {
        case .closed(let failures) where failures + 1 >= settings.failures: return open(times: 1, at: now)
        case .closed(let failures):
            state = .closed(failures: failures + 1)
            return nil
        case .halfOpen(let times): return open(times: times + 1, at: now)
        case .open: return nil
        }
    }

    /// The call says nothing about the endpoint: it was never sent for reasons of our own.
    public mutating func abandoned(_ permit: Permit, at now: UInt64) {
        guard permit.epoch == epoch, case .halfOpen(let times) = state else { return }
        // The next one may try at once.
        enter(.open(until: now, times: times))
    }

    /// Opens at once, whatever was before: for a failure that says everything, such as a refused key.
    public mutating func trip(for duration: Duration, at now: UInt64) {
        enter(.open(until: now + duration.wholeNanoseconds, times: 1))
    }

    /// Closes at once.
    public mutating func reset() { enter(.closed(failures: 0)) }

    private mutating func open(times: Int, at now: UInt64) -> Change {
        var duration = settings.openFor
        for _ in 1..<max(1, min(times, 64)) where duration < settings.longest { duration *= 2 }
        duration = min(duration, settings.longest)
        enter(.open(until: now + duration.wholeNanoseconds, times: times))
        return .opened(for: duration)
    }

    private mutating func enter(_ state: State) {
        self.state = state
        epoch += 1
    }
}
