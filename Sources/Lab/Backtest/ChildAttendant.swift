internal import Glibc
internal import Posix
internal import Sandbox
internal import Supervisor
internal import Synchronization

/// Looks after the strategy of a backtest while a thread waits for its answers: its log, what it is refused, its silence and
/// its end.
///
/// It lives on an event loop that all backtests share.
final class ChildAttendant {
    /// What became of the strategy.
    struct Outcome: Sendable {
        /// Why it ended, in words.
        var cause: String
        /// The last lines of its standard error.
        var lastWords: [String]
    }

    private let child: ConfinedChild
    private let vitals: ChildVitals
    private let loop: EventLoop
    private let patience: UInt64
    private var watch: AnswerWatch
    private let isWanted: @Sendable () -> Bool
    private var watches: [EventLoop.Watch] = []
    private var violationsWatch: EventLoop.Watch?
    private var clock: EventLoop.Timer?
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    private var partial: [UInt8] = []
    private var lastWords: [String] = []
    private var lastRefusal: Violation?
    private var condemned: String?
    private var outcome: Outcome?
    private var completion: (@Sendable (Outcome) -> Void)?

    /// On the loop's thread.
    ///
    /// - Parameters:
    ///   - patience: How long it may be silent while an answer is waited for; a whole answer may take
    ///     ``AnswerWatch/answerPatience`` times as long.
    ///   - isWanted: Asked now and then whether the backtest is wanted still.
    init(
        _ child: ConfinedChild, _ vitals: ChildVitals, loop: EventLoop, patience: Duration,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) {
        self.isWanted = isWanted
        self.child = child
        self.vitals = vitals
        self.loop = loop
        let (seconds, attoseconds) = patience.components
        self.patience = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
        watch = AnswerWatch(patience: self.patience)
    }

    /// Begins to watch.
    func begin() {
        do throws(SystemCallError) {
            watches.append(try loop.watch(child.process, for: .read) { _ in self.ended() })
            watches.append(try loop.watch(child.standardError, for: .read) { _ in self.readErrors() })
            if let violations = child.violations {
                violationsWatch = try loop.watch(violations.listener, for: .read) { self.readViolations($0) }
            }
        } catch {
            condemn("it could not be watched: \(error)")
        }
        tick()
    }

    /// Calls `completion` when the strategy has ended; one that does not end by itself within `grace` is killed.
    func end(within grace: Duration, _ completion: @escaping @Sendable (Outcome) -> Void) {
        if let outcome { return completion(outcome) }
        self.completion = completion
        loop.schedule(after: grace) { [weak self] in
            guard let self, outcome == nil else { return }
            condemn("closed its standard output, and did not end")
        }
    }

    // MARK: - The clock

    private func tick() {
        let pause = Duration.nanoseconds(Int64(min(patience / 4, 1_000_000_000)))
        clock = loop.schedule(after: pause) { [weak self] in
            guard let self, outcome == nil else { return }
            if isWanted() {
                look(at: MonotonicClock.nanoseconds)
            } else {
                vitals.isUnwanted.store(true, ordering: .relaxed)
                condemn("cancelled")
            }
            tick()
        }
    }

    private func look(at now: UInt64) {
        let found = watch.look(
            questions: vitals.questions.load(ordering: .relaxed),
            progress: vitals.progress.load(ordering: .relaxed),
            isWaiting: vitals.isWaiting.load(ordering: .relaxed), at: now)
        switch found {
        case nil: break
        case .isEndless(let duration):
            condemn("hung: did not come to the end of an answer for \(Self.seconds(duration)) s")
        case .isSlow:
            // It may have ended meanwhile; then nobody is left to be asked.
            if child.profile.views.contains(where: { $0.source == .sdk }) { try? child.signal(SIGUSR1) }
        case .isSilent:
            let place = EndWords.place(in: lastWords).map { ", \($0)" } ?? ""
            condemn("hung: did not answer for \(Self.seconds(patience)) s\(place)")
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        let tenths = nanoseconds / 100_000_000
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private func condemn(_ cause: String) {
        if condemned == nil { condemned = cause }
        child.kill()
        if watches.isEmpty { finish() }
    }

    // MARK: - What it says and does

    private func readErrors() {
        do throws(SystemCallError) {
            let count = try child.standardError.read(into: &buffer)
            guard count > 0 else { return unwatchErrors() }
            partial += buffer.prefix(count)
            while let end = partial.firstIndex(of: 0x0A) {
                keep(partial[..<end])
                partial.removeSubrange(...end)
            }
            if partial.count > 8 << 10 {
                keep(partial[...])
                partial = []
            }
        } catch {
            if !error.wouldBlock { unwatchErrors() }
        }
    }

    private func keep(_ line: ArraySlice<UInt8>) {
        lastWords.append(String(decoding: line, as: UTF8.self))
        if lastWords.count > 2_000 { lastWords.removeFirst(1_000) }
    }

    private func unwatchErrors() {
        guard watches.count > 1 else { return }
        loop.unwatch(watches[1])
    }

    private func readViolations(_ ready: EventLoop.Readiness) {
        if let last = child.readViolations().last { lastRefusal = last }
        guard ready.isHungUp else { return }
        stopListening()
    }

    private func stopListening() {
        guard let watch = violationsWatch else { return }
        loop.unwatch(watch)
        violationsWatch = nil
        child.stopListening()
    }

    // MARK: - Its end

    private func ended() {
        do {
            guard try child.reap() != nil else { return }
        } catch {
            if condemned == nil { condemned = "ended, and the kernel did not say how: \(error)" }
        }
        if let last = child.readViolations().last { lastRefusal = last }
        for _ in 0..<16 {
            let before = lastWords.count + partial.count
            readErrors()
            guard lastWords.count + partial.count != before else { break }
        }
        if !partial.isEmpty { keep(partial[...]) }
        finish()
    }

    private func finish() {
        let report = child.deathReport()
        stopListening()
        for watch in watches { loop.unwatch(watch) }
        watches = []
        if let clock { loop.cancel(clock) }
        clock = nil
        let cause =
            condemned
            ?? report.map {
                EndWords.cause(of: $0, lastWords: lastWords, profile: child.profile, refusal: lastRefusal)
            } ?? "ended, and the kernel did not say how"
        child.finish()
        let outcome = Outcome(cause: cause, lastWords: lastWords)
        self.outcome = outcome
        completion?(outcome)
        completion = nil
    }
}
