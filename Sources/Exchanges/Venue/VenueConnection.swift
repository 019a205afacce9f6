public import Net
public import Posix
public import Trading

/// The REST side of one venue, shared by all strategies and accounts: every call goes through here.
///
/// It sends what is most urgent first, within the budget; signs just before the bytes leave; holds every call to its
/// deadline; says exactly whether a call that failed may have arrived; waits when the venue says so; leaves failing
/// endpoints alone; and repeats only what is marked repeatable. It lives on the event loop.
public final class VenueConnection {
    /// The venue, for words and observers.
    public let venue: VenueID
    /// Who hears every answer, and what changes for the venue as a whole.
    public weak var observer: (any AdapterObserver)?
    /// What may be sent, and when.
    public internal(set) var budget: RateBudget
    /// The venue's time.
    public internal(set) var clock: VenueClock
    /// For measurements: called on a thread of the network's once bytes of a call about an order were handed to the kernel,
    /// with the monotonic clock in nanoseconds.
    public var onSent: (@Sendable (ClientOrderID, UInt64) -> Void)?

    /// Times and numbers that bound the work.
    public struct Settings: Hashable, Sendable {
        /// The most calls that wait at once; one more fails as unsent. Cancels have as much room again.
        public var queueLimit: Int
        /// The most calls under way at once. Cancels have as much room again.
        public var inFlightLimit: Int
        /// How long a connection may take to stand, which is time in which provably nothing is sent.
        public var connect: Duration
        /// How long one attempt may take; a call's own deadline may be shorter.
        public var attempt: Duration
        /// The waits between repeats.
        public var backoff: Backoff
        /// When a group of endpoints is left alone.
        public var circuit: CircuitBreaker.Settings
        /// How long credentials that were refused are left alone before one call tries them again.
        public var credentialsRetry: Duration
        /// How old the last comparison of clocks may be before another is made; it also is made after an answer that
        /// says the time was wrong.
        public var clockAge: Duration
        /// How long to wait at a 429 that does not say.
        public var defaultPause: Duration
        /// How long to wait at a 418 that does not say.
        public var defaultBan: Duration

        /// Sets bounds.
        public init(
            queueLimit: Int = 1_000, inFlightLimit: Int = 16, connect: Duration = .seconds(5),
            attempt: Duration = .seconds(10), backoff: Backoff = Backoff(),
            circuit: CircuitBreaker.Settings = CircuitBreaker.Settings(),
            credentialsRetry: Duration = .seconds(300), clockAge: Duration = .seconds(600),
            defaultPause: Duration = .seconds(10), defaultBan: Duration = .seconds(120)
        ) {
            precondition(queueLimit >= 1 && inFlightLimit >= 1)
            self.queueLimit = queueLimit
            self.inFlightLimit = inFlightLimit
            self.connect = connect
            self.attempt = attempt
            self.backoff = backoff
            self.circuit = circuit
            self.credentialsRetry = credentialsRetry
            self.clockAge = clockAge
            self.defaultPause = defaultPause
            self.defaultBan = defaultBan
        }
    }

    private let base: String
    let dialect: VenueDialect
    private let http: HTTPClient
    let loop: EventLoop
    let settings: Settings
    var dice: SplitMix64

    var waiting: [Urgency: [PendingCall]] = [:]
    var underWay: [ObjectIdentifier: PendingCall] = [:]
    var busyLanes: Set<String> = []
    var circuits: [String: CircuitBreaker] = [:]
    var credentials: [AccountID: CircuitBreaker] = [:]
    private var comparison: [(Result<Void, CallFailure>) -> Void]?
    private var pumpTimer: EventLoop.Timer?
    private var isPumpPlanned = false
    var isPaused = false
    var pauseReason = ""
    var closedReason: String?

    /// Makes a connection; nothing is sent before the first call.
    ///
    /// - Parameters:
    ///   - base: Scheme, host and port, such as `https://api.binance.com`, without a slash at the end.
    ///   - seed: Of the jitter.
    public init(
        venue: VenueID, base: String, dialect: VenueDialect = VenueDialect(), budget: RateBudget,
        http: HTTPClient, loop: EventLoop, settings: Settings = Settings(), seed: UInt64
    ) {
        loop.checkIsolated()
        self.venue = venue
        self.base = base
        self.dialect = dialect
        self.budget = budget
        self.http = http
        self.loop = loop
        self.settings = settings
        dice = SplitMix64(seed: seed)
        clock = VenueClock(
            wall: Timestamp(milliseconds: WallClock.milliseconds), at: MonotonicClock.nanoseconds)
    }

    // MARK: - Asking

    /// Sends a call when its turn comes.
    ///
    /// The completion is called once, on the loop, never before this returns, and at the latest a moment after the call's
    /// deadline. What was not carried out and may be asked again later is `.unsent`, in words that say why.
    public func send(_ call: Call, _ completion: @escaping (Result<VenueAnswer, CallFailure>) -> Void) {
        let now = MonotonicClock.nanoseconds
        let pending = PendingCall(call, deadline: now + call.deadline.wholeNanoseconds, completion)
        if let reason = closedReason { return fail(pending, .unsent(reason)) }
        let ahead = waiting.reduce(0) { $0 + ($1.key == .cancel ? 0 : $1.value.count) }
        guard (call.urgency == .cancel ? waiting[.cancel, default: []].count : ahead) < settings.queueLimit
        else {
            return fail(pending, .unsent("\(settings.queueLimit) calls to \(venue) wait already"))
        }
        waiting[call.urgency, default: []].append(pending)
        pending.timer = loop.schedule(after: call.deadline) { [weak self, weak pending] in
            guard let self, let pending else { return }
            self.expire(pending)
        }
        planPump()
    }

    /// Like ``send(_:_:)``, for adapters that need nothing of a refusal but its words.
    public func sendPlainly(_ call: Call, _ completion: @escaping (Result<VenueAnswer, VenueFailure>) -> Void)
    {
        send(call) { completion($0.mapError(\.venueFailure)) }
    }

    /// The venue's time now, by the machine's steady clock.
    public var venueTime: Timestamp { clock.time(at: MonotonicClock.nanoseconds) }

    /// Compares clocks now, unless that is being done. The completion says whether it worked.
    ///
    /// A venue without a call for its time is compared by every answer's `Date`; then this only reports success.
    public func compareClocks(_ completion: @escaping (Result<Void, CallFailure>) -> Void = { _ in }) {
        guard let source = dialect.time else { return loop.atEndOfTurn { completion(.success(())) } }
        guard comparison == nil else {
            comparison?.append(completion)
            return
        }
        comparison = [completion]
        send(source.call) { [self] result in
            let done = comparison ?? []
            comparison = nil
            let outcome: Result<Void, CallFailure> =
                switch result {
                case .failure(let failure): .failure(failure)
                case .success where !clock.isCompared || clock.isDoubted:
                    .failure(.outcomeUnknown("\(venue) gave no time"))
                case .success: .success(())
                }
            for completion in done { completion(outcome) }
        }
    }

    /// Takes the limits that the venue itself names; what waited for room goes at once where there is some now.
    public func setWindows(_ windows: [RateBudget.Window]) {
        budget.setWindows(windows)
        planPump()
    }

    /// Credentials of an account were changed or are to be tried again.
    public func credentialsChanged(_ account: AccountID) {
        credentials[account] = nil
        planPump()
    }

    /// How many calls wait, and how many are under way.
    public var load: (waiting: Int, inFlight: Int) {
        (waiting.values.reduce(0) { $0 + $1.count }, underWay.count)
    }

    /// Fails all that waits as unsent and takes nothing more; what is under way ends by itself.
    public func close(reason: String) {
        closedReason = reason
        let all = waiting.values.flatMap { $0 }
        waiting = [:]
        for pending in all { fail(pending, .unsent(reason)) }
        if let timer = pumpTimer { loop.cancel(timer) }
        pumpTimer = nil
    }

    // MARK: - Sending what may go

    /// Looks at all that waits at the end of this turn: calls that come together go by urgency, not by arrival.
    func planPump() {
        guard !isPumpPlanned else { return }
        isPumpPlanned = true
        loop.atEndOfTurn { [weak self] in
            guard let self else { return }
            self.isPumpPlanned = false
            self.pump()
        }
    }

    private func pump() {
        let now = MonotonicClock.nanoseconds
        if let timer = pumpTimer { loop.cancel(timer) }
        pumpTimer = nil
        if isPaused, budget.pausedUntil <= now {
            isPaused = false
            observer?.adapter(venue, entered: .resumed)
        }
        var next: UInt64?
        var isHeld = false
        for urgency in Urgency.allCases.reversed() {
            // Taken out, since signing may ask for something itself.
            guard let queue = waiting.removeValue(forKey: urgency) else { continue }
            var left: [PendingCall] = []
            for pending in queue {
                switch start(pending, isHeld: isHeld, at: now) {
                case .gone: break
                case .waits(let until, let holdsOthers):
                    left.append(pending)
                    isHeld = isHeld || holdsOthers
                    if let until { next = min(next ?? until, until) }
                }
            }
            left += waiting[urgency, default: []]
            waiting[urgency] = left.isEmpty ? nil : left
        }
        if isPaused { next = min(next ?? budget.pausedUntil, budget.pausedUntil) }
        guard let next else { return }
        let delay = next > now ? Int64(next - now) : 0
        pumpTimer = loop.schedule(after: .nanoseconds(delay)) { [weak self] in
            self?.pumpTimer = nil
            self?.pump()
        }
    }

    private enum Start {
        /// It was sent, or has failed.
        case gone
        /// It waits; until then, or until something else happens. `holdsOthers` keeps what comes after it from
        /// overtaking it for ever.
        case waits(until: UInt64?, holdsOthers: Bool)
    }

    private func start(_ pending: PendingCall, isHeld: Bool, at now: UInt64) -> Start {
        let call = pending.call
        if budget.pausedUntil >= pending.deadline {
            fail(pending, .unsent(pauseWords(at: now)))
            return .gone
        }
        if let reason = obstacle(to: call, at: now) {
            fail(pending, .unsent(reason))
            return .gone
        }
        guard pending.notBefore <= now else { return .waits(until: pending.notBefore, holdsOthers: false) }
        if let lane = call.lane, busyLanes.contains(lane) { return .waits(until: nil, holdsOthers: false) }
        let limit = call.urgency == .cancel ? 2 * settings.inFlightLimit : settings.inFlightLimit
        guard underWay.count < limit, !isHeld else { return .waits(until: nil, holdsOthers: false) }
        let charge = RateBudget.Charge(
            weight: call.weight, orders: call.orders, account: call.account, isCancel: call.urgency == .cancel
        )
        guard budget.ordersPausedUntil(for: charge) < pending.deadline else {
            fail(
                pending,
                .unsent("\(venue) takes no more orders of account \(charge.account?.text ?? "") for now"))
            return .gone
        }
        switch budget.room(for: charge, at: now) {
        case .never(let window):
            fail(pending, .unsent("it would take more than the whole of \(venue)'s limit \(window)"))
            return .gone
        case .after(let delay):
            let isShared = budget.sharedRoom(for: charge, at: now) != .now
            return .waits(until: now + delay.wholeNanoseconds, holdsOthers: isShared)
        case .whenAnswered:
            return .waits(until: nil, holdsOthers: budget.sharedRoom(for: charge, at: now) != .now)
        case .now:
            dispatch(pending, charge, at: now)
            return .gone
        }
    }

    /// Why a call cannot go for now, other than the budget.
    private func obstacle(to call: Call, at now: UInt64) -> String? {
        if let account = call.account, let breaker = credentials[account], !breaker.isPassable(at: now) {
            return "\(venue) refused the credentials of account \(account); they are left alone for now"
        }
        // A cancel takes risk away: it is tried even where all else is left alone.
        if call.urgency != .cancel, let breaker = circuits[call.group], !breaker.isPassable(at: now) {
            return "\(venue) failed repeatedly at \(call.group); it is left alone for now"
        }
        return nil
    }

    private func dispatch(_ pending: PendingCall, _ charge: RateBudget.Charge, at now: UInt64) {
        var call = pending.call
        if let sign = call.sign {
            if clock.isStale(at: now, age: settings.clockAge), dialect.time != nil, comparison == nil {
                compareClocks()
            }
            do throws(CallFailure) {
                try sign(&call, clock.time(at: now))
            } catch {
                return fail(pending, error)
            }
        }
        pending.ticket = budget.spend(charge, at: now)
        pending.circuit = circuits[call.group, default: CircuitBreaker(settings: settings.circuit)].permit(
            at: now)
        if let account = call.account { pending.credential = credentials[account]?.permit(at: now) }
        if let lane = call.lane { busyLanes.insert(lane) }
        pending.attempts += 1
        pending.sentAt = now
        underWay[ObjectIdentifier(pending)] = pending
        if let timer = pending.timer { loop.cancel(timer) }
        pending.timer = nil

        let left = Duration.nanoseconds(Int64(pending.deadline > now ? pending.deadline - now : 1))
        let total = min(settings.attempt, left)
        let hasBody = !call.body.isEmpty || call.method == "POST" || call.method == "PUT"
        let query = call.encodedQuery
        var request = HTTPRequest(
            call.method, (call.base ?? base) + call.path + (query.isEmpty ? "" : "?" + query),
            headers: call.headers, body: hasBody ? .bytes(call.body, contentType: call.contentType) : .none,
            timeouts: .init(connect: min(settings.connect, total), total: total, silence: total),
            responseLimit: call.responseLimit, isSentOnce: true)
        if let onSent, let order = call.order { request.onSent = { onSent(order, $0) } }
        let secrets = pending.call.secrets(signed: call)
        pending.sent = call.order == nil ? nil : SentCall(call, hiding: secrets)
        let reader = AnswerReader(hiding: secrets, limit: call.responseLimit)
        let home = LoopBound((self, pending), on: loop)
        http.send(request) { result in
            reader.read(result) { outcome in
                home.perform { connection, pending in connection.ended(pending, outcome) }
            }
        }
        // It is on its way and waits for nothing here.
        traceSent(pending)
    }

    /// The deadline of a call that waits has come.
    func expire(_ pending: PendingCall) {
        let urgency = pending.call.urgency
        guard let index = waiting[urgency]?.firstIndex(where: { $0 === pending }) else { return }
        waiting[urgency]?.remove(at: index)
        let now = MonotonicClock.nanoseconds
        fail(
            pending,
            .unsent(
                budget.pausedUntil > now ? pauseWords(at: now) : "its turn at \(venue) did not come in time"))
        planPump()
    }

    func fail(_ pending: PendingCall, _ failure: CallFailure) {
        complete(pending, .failure(pending.afterAll(failure)))
    }

    /// Answers a call, at the end of the turn at the earliest.
    func complete(_ pending: PendingCall, _ result: Result<VenueAnswer, CallFailure>) {
        if let timer = pending.timer { loop.cancel(timer) }
        pending.timer = nil
        guard let completion = pending.takeCompletion() else { return }
        loop.atEndOfTurn { completion(result) }
    }
}
