internal import Net
internal import Posix
internal import Trading

/// What comes of a call that was sent, for itself and for all others.
extension VenueConnection {
    // MARK: - What came of it

    func ended(_ pending: PendingCall, _ outcome: Result<VenueAnswer, NetFailure>) {
        let now = MonotonicClock.nanoseconds
        underWay[ObjectIdentifier(pending)] = nil
        if let lane = pending.call.lane { busyLanes.remove(lane) }
        planPump()
        switch outcome {
        case .success(let answer):
            settle(pending, wasSent: true, answer, at: now)
            trace(pending, status: answer.status, answer.text, bytes: answer.bytes, at: now)
            tellTime(pending, answer)
            let verdict = dialect.judge(answer, pending.call) ?? VenueDialect.verdictByStatus(answer)
            take(verdict, answer, pending, at: now)
        case .failure(let failure):
            settle(pending, wasSent: failure.mayHaveArrived, nil, at: now)
            trace(pending, status: nil, failure.description, at: now)
            circuitFailed(pending, failure.description, at: now)
            credentialsUntold(pending, at: now)
            if failure.mayHaveArrived { pending.noteUnanswered() }
            let reason = failure.description
            repeatOrFail(
                pending, failure.mayHaveArrived ? .outcomeUnknown(reason) : .unsent(reason), after: nil,
                at: now)
        }
    }

    private func take(_ verdict: VenueVerdict, _ answer: VenueAnswer, _ pending: PendingCall, at now: UInt64)
    {
        func refusal(_ code: String?, _ message: String) -> CallFailure {
            .refused(VenueRefusal(status: answer.status, code: code, message: message, answer: answer))
        }
        if case .unknown(let reason) = verdict {
            circuitFailed(pending, reason, at: now)
            credentialsUntold(pending, at: now)
            pending.noteUnanswered()
            return repeatOrFail(pending, .outcomeUnknown(reason), after: answer.retryAfter, at: now)
        }
        circuitSucceeded(pending)
        switch verdict {
        case .unknown: break  // Dealt with above.
        case .accepted:
            credentialsSucceeded(pending)
            complete(pending, .success(answer))
        case .refused(let code, let message):
            credentialsSucceeded(pending)
            complete(pending, .failure(refusal(code, message)))
        case .clockWrong(let code, let message):
            credentialsUntold(pending, at: now)
            clock.doubt()
            guard !pending.wasResigned else { return fail(pending, refusal(code, message)) }
            pending.wasResigned = true
            compareClocks { [self] result in
                guard case .success = result else { return fail(pending, refusal(code, message)) }
                requeue(pending, notBefore: 0, inFront: true)
            }
        case .nonceWrong(let code, let message):
            credentialsUntold(pending, at: now)
            guard !pending.wasResigned else { return fail(pending, refusal(code, message)) }
            pending.wasResigned = true
            requeue(pending, notBefore: 0, inFront: true)
        case .limited(let code, let message, let isUndone):
            credentialsUntold(pending, at: now)
            pause(for: answer.retryAfter ?? settings.defaultPause, message, isBan: false, at: now)
            repeatOrFail(
                pending, isUndone ? refusal(code, message) : .outcomeUnknown(message), after: nil, at: now)
        case .ordersLimited(let code, let message):
            credentialsSucceeded(pending)
            if let account = pending.call.account {
                let wait = answer.retryAfter ?? settings.defaultPause
                budget.pauseOrders(of: account, for: wait, at: now)
            }
            fail(pending, refusal(code, message))
        case .banned(let code, let message):
            credentialsUntold(pending, at: now)
            pause(for: answer.retryAfter ?? settings.defaultBan, message, isBan: true, at: now)
            repeatOrFail(pending, refusal(code, message), after: nil, at: now)
        case .credentialsRefused(let code, let message):
            credentialsRefused(pending, message, at: now)
            fail(pending, refusal(code, message))
        }
    }

    private func repeatOrFail(
        _ pending: PendingCall, _ failure: CallFailure, after told: Duration?, at now: UInt64
    ) {
        guard pending.call.isRepeatable, pending.attempts < settings.backoff.attempts, closedReason == nil
        else {
            return fail(pending, failure)
        }
        let chance = settings.backoff.wait(afterFailures: pending.attempts, dice: dice.next())
        let notBefore = now + max(chance, told ?? .zero).wholeNanoseconds
        guard max(notBefore, budget.pausedUntil) < pending.deadline else { return fail(pending, failure) }
        requeue(pending, notBefore: notBefore, inFront: false)
    }

    private func requeue(_ pending: PendingCall, notBefore: UInt64, inFront: Bool) {
        let now = MonotonicClock.nanoseconds
        if let reason = closedReason { return fail(pending, .unsent(reason)) }
        guard pending.deadline > now else {
            return fail(pending, .unsent("\(venue) said no for now, and the time for it is over"))
        }
        pending.notBefore = notBefore
        let urgency = pending.call.urgency
        if inFront {
            waiting[urgency, default: []].insert(pending, at: 0)
        } else {
            waiting[urgency, default: []].append(pending)
        }
        let left = Duration.nanoseconds(Int64(pending.deadline - now))
        pending.timer = loop.schedule(after: left) { [weak self, weak pending] in
            guard let self, let pending else { return }
            self.expire(pending)
        }
        planPump()
    }

    // MARK: - Consequences for all

    private func settle(_ pending: PendingCall, wasSent: Bool, _ answer: VenueAnswer?, at now: UInt64) {
        guard let ticket = pending.ticket else { return }
        pending.ticket = nil
        budget.settle(ticket, wasSent: wasSent, at: now)
        if let answer { budget.report(dialect.usage(answer), for: ticket, at: now) }
    }

    private func tellTime(_ pending: PendingCall, _ answer: VenueAnswer) {
        if let source = dialect.time {
            guard pending.call.path == source.call.path, let time = source.read(answer) else { return }
            clock.compare(sent: pending.sentAt, received: answer.arrived, venue: time)
        } else {
            // What comes from a cache on the way has the time at which it was put there.
            guard answer.header("age").flatMap({ Int($0) }) ?? 0 == 0, let date = answer.date else { return }
            clock.compare(
                sent: pending.sentAt, received: answer.arrived, venue: date, resolution: .seconds(1))
        }
        let now = MonotonicClock.nanoseconds
        guard dialect.time != nil else { return }
        let ahead = clock.ahead(of: Timestamp(milliseconds: WallClock.milliseconds), at: now)
        observer?.adapter(
            venue, entered: .clockCompared(ahead: ahead, uncertainty: clock.uncertainty(at: now)))
    }

    private func pause(for duration: Duration, _ reason: String, isBan: Bool, at now: UInt64) {
        let before = budget.pausedUntil
        budget.pause(for: duration, at: now)
        guard budget.pausedUntil > before else { return }
        isPaused = true
        pauseReason = isBan ? "\(venue) banned this address: \(reason)" : "\(venue) says to wait: \(reason)"
        observer?.adapter(
            venue, entered: isBan ? .banned(duration, reason: reason) : .paused(duration, reason: reason))
    }

    func pauseWords(at now: UInt64) -> String {
        let seconds = budget.pausedUntil > now ? (budget.pausedUntil - now + 999_999_999) / 1_000_000_000 : 0
        return "\(pauseReason) (\(seconds) s left)"
    }

    private func circuitFailed(_ pending: PendingCall, _ reason: String, at now: UInt64) {
        let group = pending.call.group
        guard let permit = pending.circuit else { return }
        pending.circuit = nil
        if case .opened(let duration) = circuits[group]?.failed(permit, at: now) {
            observer?.adapter(venue, entered: .circuitOpened(group: group, duration, reason: reason))
        }
    }

    private func circuitSucceeded(_ pending: PendingCall) {
        guard let permit = pending.circuit else { return }
        pending.circuit = nil
        if case .closed = circuits[pending.call.group]?.succeeded(permit) {
            observer?.adapter(venue, entered: .circuitClosed(group: pending.call.group))
        }
    }

    private func credentialsRefused(_ pending: PendingCall, _ reason: String, at now: UInt64) {
        guard let account = pending.call.account else { return }
        pending.credential = nil
        credentials[account, default: CircuitBreaker()].trip(for: settings.credentialsRetry, at: now)
        observer?.adapter(
            venue, entered: .credentialsRefused(account, settings.credentialsRetry, reason: reason))
    }

    private func credentialsSucceeded(_ pending: PendingCall) {
        guard let account = pending.call.account, let permit = pending.credential else { return }
        pending.credential = nil
        guard case .closed = credentials[account]?.succeeded(permit) else { return }
        credentials[account] = nil
        observer?.adapter(venue, entered: .credentialsAccepted(account))
    }

    /// The call ended without a word about its credentials.
    private func credentialsUntold(_ pending: PendingCall, at now: UInt64) {
        guard let account = pending.call.account, let permit = pending.credential else { return }
        pending.credential = nil
        credentials[account]?.abandoned(permit, at: now)
    }

    func traceSent(_ pending: PendingCall) {
        let call = pending.call
        guard let observer, let sent = pending.sent else { return }
        observer.adapter(
            venue,
            sent: VenueTrace(
                account: call.account, order: call.order,
                time: Timestamp(milliseconds: WallClock.milliseconds), source: "\(call.method) \(call.path)",
                text: "", attempt: pending.attempts, parameters: sent.parameters))
    }

    private func trace(
        _ pending: PendingCall, status: Int?, _ text: String, bytes: Int? = nil, at now: UInt64
    ) {
        let (call, sent) = (pending.call, pending.sent)
        pending.sent = nil
        guard let observer, call.order != nil || call.account != nil else { return }
        observer.adapter(
            venue,
            heard: VenueTrace(
                account: call.account, order: call.order,
                time: Timestamp(milliseconds: WallClock.milliseconds), source: "\(call.method) \(call.path)",
                status: status, text: status == nil ? sent?.harmless(text) ?? text : text,
                attempt: pending.attempts, took: .nanoseconds(Int64(now - pending.sentAt)), bytes: bytes))
    }
}
