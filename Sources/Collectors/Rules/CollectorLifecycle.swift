internal import Exchanges
public import Trading

/// What a collector does next: it waits for its time, tries three times, and then backs off.
///
/// A pure state machine: times and dice come in, what to do goes out. A run that makes headway, such as one page of many,
/// has its attempts before it again.
public struct CollectorLifecycle: Hashable, Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// Nothing happens before ``Event/started(lastSuccess:)``.
        case stopped
        /// For its time; nil until somebody asks.
        case waiting(until: Timestamp?)
        /// An attempt is under way, the first is 1.
        case collecting(attempt: Int)
        /// Between two attempts of one run.
        case pausing(attempt: Int, until: Timestamp)
        /// After a run that failed.
        case backingOff(until: Timestamp)
    }

    /// What happens to it.
    public enum Event: Hashable, Sendable {
        /// It may begin. A run that is due since its last success is not waited for.
        case started(lastSuccess: Timestamp?)
        case stopped
        /// A time that was asked for has come.
        case woke
        /// Somebody wants a run now.
        case asked
        /// A part of the run has been done.
        case progressed
        case succeeded
        /// An attempt failed; the venue may have said how long to leave it alone, in milliseconds.
        case failed(pauseMilliseconds: Int64?)
    }

    /// What to do about it.
    public enum Action: Hashable, Sendable {
        case nothing
        /// Begin an attempt.
        case attempt(Int)
        /// Come back with ``Event/woke`` then, and not for what was asked before.
        case wake(at: Timestamp)
        /// Nothing is to be waited for, and an attempt that is under way ends.
        case rest
    }

    public private(set) var state = State.stopped
    /// Runs that failed since the last that did not.
    public private(set) var failures = 0
    private let schedule: CollectorSchedule
    private let retry: Retry
    private let backoff: Backoff

    /// A collector that has not begun.
    public init(_ schedule: CollectorSchedule, retry: Retry = Retry()) {
        self.schedule = schedule
        self.retry = retry
        backoff = Backoff(first: .seconds(30), longest: .seconds(3600))
    }

    /// When it does something next by itself; nil when an attempt is under way, or nothing comes.
    public var nextDue: Timestamp? {
        switch state {
        case .stopped, .collecting: nil
        case .waiting(let time): time
        case .pausing(_, let time), .backingOff(let time): time
        }
    }

    /// Takes what happened.
    ///
    /// - Parameter dice: Evenly spread; it alone decides about chance.
    public mutating func handle(_ event: Event, at now: Timestamp, dice: UInt64 = 0) -> Action {
        switch (state, event) {
        case (_, .stopped):
            state = .stopped
            failures = 0
            return .rest
        case (.stopped, .started(let lastSuccess)):
            guard let slot = schedule.slot(at: now), lastSuccess.map({ $0 < slot }) ?? true else {
                return wait(from: now)
            }
            return begin()
        case (.stopped, .woke), (.stopped, .asked), (.stopped, .progressed), (.stopped, .succeeded),
            (.stopped, .failed):
            return .nothing
        case (.waiting, .asked), (.pausing, .asked), (.backingOff, .asked): return begin()
        case (.waiting(let until), .woke):
            guard let until else { return .nothing }
            return now < until ? .wake(at: until) : begin()
        case (.pausing(let attempt, let until), .woke):
            guard now >= until else { return .wake(at: until) }
            state = .collecting(attempt: attempt + 1)
            return .attempt(attempt + 1)
        case (.backingOff(let until), .woke): return now < until ? .wake(at: until) : begin()
        case (.collecting, .progressed):
            state = .collecting(attempt: 1)
            return .nothing
        case (.collecting, .succeeded):
            failures = 0
            return wait(from: now)
        case (.collecting(let attempt), .failed(let pause)):
            return attemptFailed(attempt, pause: pause, at: now, dice)
        case (.collecting, .woke), (.collecting, .asked), (_, .started), (.waiting, .progressed),
            (.waiting, .succeeded), (.waiting, .failed), (.pausing, .progressed), (.pausing, .succeeded),
            (.pausing, .failed), (.backingOff, .progressed), (.backingOff, .succeeded),
            (.backingOff, .failed):
            return .nothing
        }
    }

    private mutating func begin() -> Action {
        state = .collecting(attempt: 1)
        return .attempt(1)
    }

    private mutating func wait(from now: Timestamp) -> Action {
        let next = schedule.next(after: now)
        state = .waiting(until: next)
        return next.map { .wake(at: $0) } ?? .rest
    }

    private mutating func attemptFailed(
        _ attempt: Int, pause: Int64?, at now: Timestamp, _ dice: UInt64
    ) -> Action {
        if attempt < retry.attempts {
            let until = now.advanced(byMilliseconds: max(retry.pauseMilliseconds, pause ?? 0))
            state = .pausing(attempt: attempt, until: until)
            return .wake(at: until)
        }
        failures += 1
        let wait = backoff.wait(afterFailures: failures, dice: dice)
        let milliseconds =
            wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000
        let until = now.advanced(byMilliseconds: max(milliseconds, pause ?? 0))
        state = .backingOff(until: until)
        return .wake(at: until)
    }
}
