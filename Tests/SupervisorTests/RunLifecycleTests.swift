import Testing
import Trading

@testable import Supervisor

@Suite("Run lifecycle")
struct RunLifecycleTests {
    private typealias Death = RunLifecycle.Death
    private let crash = RunLifecycle.Death(cause: "exit code 1", kind: .crash)
    private let clean = RunLifecycle.Death(cause: "ended by itself", kind: .clean)

    private func running(_ policy: RestartPolicy = RestartPolicy()) -> RunLifecycle {
        var life = RunLifecycle(policy: policy)
        for event in [RunLifecycle.Event.startRequested, .launched, .saidReady, .caughtUp] {
            _ = life.handle(event)
        }
        return life
    }

    @Test func `a start builds the sandbox, greets, delivers history and then trades`() {
        var life = RunLifecycle(policy: RestartPolicy())
        #expect(life.handle(.startRequested) == [.clearDeadlines, .launch])
        #expect(life.handle(.launched) == [.set(.start, milliseconds: nil), .greet])
        #expect(!life.state.mayTrade)
        #expect(life.handle(.saidReady) == [.set(.start, milliseconds: nil), .deliverHistory])
        #expect(life.state.name == "ready" && !life.state.mayTrade)
        #expect(
            life.handle(.caughtUp) == [.clearDeadlines, .set(.heartbeat, milliseconds: nil), .deliverMissed])
        #expect(life.state.mayTrade)
    }

    @Test func `a crash is followed by a start after a wait that doubles`() {
        var life = running(RestartPolicy(firstDelayMilliseconds: 1000))
        var waits: [Int64] = []
        for step in 0..<3 {
            let actions = life.handle(.exited(crash, now: Int64(step), dice: 0))
            for case .set(.backOff, let wait?) in actions { waits.append(wait) }
            #expect(actions.contains(.settleOrders(cause: "exit code 1")))
            #expect(life.handle(.deadlinePassed(.backOff, words: "")) == [.launch])
            for event in [RunLifecycle.Event.launched, .saidReady, .caughtUp] { _ = life.handle(event) }
        }
        #expect(waits == [875, 1750, 3500])
        #expect(life.restarts == 3)
    }

    @Test func `one crash more than the intensity within the period quarantines`() {
        var life = running(RestartPolicy(intensity: 2, periodMilliseconds: 10_000))
        for now in [Int64(0), 1, 2] {
            _ = life.handle(.exited(crash, now: now, dice: 7))
            guard now < 2 else { break }
            for event in [
                RunLifecycle.Event.deadlinePassed(.backOff, words: ""), .launched, .saidReady, .caughtUp,
            ] {
                _ = life.handle(event)
            }
        }
        #expect(life.state == .quarantined(reason: "ended 3 times within 10 s; the last time: exit code 1"))
    }

    @Test func `crashes older than the period no longer count`() {
        var life = running(RestartPolicy(intensity: 1, periodMilliseconds: 1000))
        for now in [Int64(0), 1001, 2002, 3003] {
            _ = life.handle(.exited(crash, now: now, dice: 7))
            #expect(life.state == .backingOff(reason: "exit code 1"))
            for event in [
                RunLifecycle.Event.deadlinePassed(.backOff, words: ""), .launched, .saidReady, .caughtUp,
            ] {
                _ = life.handle(event)
            }
        }
    }

    @Test(
        "which endings are followed by a start",
        arguments: [
            (RestartPolicy.Kind.permanent, Death.Kind.clean, "backing_off"),
            (.permanent, .crash, "backing_off"),
            (.transient, .clean, "stopped"), (.transient, .crash, "backing_off"),
            (.temporary, .clean, "stopped"),
            (.temporary, .crash, "stopped"), (.permanent, .violation, "quarantined"),
        ])
    func endings(_ policy: RestartPolicy.Kind, _ death: RunLifecycle.Death.Kind, _ name: String) {
        var life = running(RestartPolicy(kind: policy))
        _ = life.handle(.exited(Death(cause: "x", kind: death), now: 0, dice: 0))
        #expect(life.state.name == name)
    }

    @Test func `a stop gives the child time and then kills it`() {
        var life = running()
        #expect(
            life.handle(.stopRequested(reason: "asked", thenStart: false)) == [
                .clearDeadlines, .set(.stop, milliseconds: nil), .askToStop(reason: "asked"),
            ])
        #expect(life.handle(.deadlinePassed(.stop, words: "")) == [.kill])
        let actions = life.handle(.exited(crash, now: 0, dice: 0))
        #expect(life.state == .stopped(reason: "asked"))
        #expect(!actions.contains(.settleOrders(cause: "exit code 1")))
    }

    @Test func `a stop while the sandbox is being built kills the child that comes of it`() {
        var life = RunLifecycle(policy: RestartPolicy())
        _ = life.handle(.startRequested)
        #expect(life.handle(.stopRequested(reason: "asked", thenStart: false)) == [])
        #expect(life.handle(.launched) == [.kill])
        _ = life.handle(.exited(crash, now: 0, dice: 0))
        #expect(life.state == .stopped(reason: "asked"))
    }

    @Test func `a violation kills and quarantines whatever the policy says`() {
        var life = running(RestartPolicy(kind: .permanent))
        #expect(life.handle(.violated(cause: "called ptrace")) == [.clearDeadlines, .kill])
        let actions = life.handle(.exited(clean, now: 0, dice: 0))
        #expect(life.state == .quarantined(reason: "called ptrace"))
        #expect(actions.contains(.raiseQuarantine(reason: "called ptrace")))
    }

    @Test func `a sandbox that cannot be built is not tried again by itself`() {
        var life = RunLifecycle(policy: RestartPolicy(kind: .permanent))
        _ = life.handle(.startRequested)
        _ = life.handle(.launchFailed(reason: "Landlock is missing"))
        #expect(life.state == .quarantined(reason: "Landlock is missing"))
        #expect(life.handle(.startRequested) == [.clearDeadlines, .launch])
    }

    /// Feeds random events, playing a child that exists exactly when the actions say so.
    @Test("whatever happens, there is at most one child and it is never forgotten", arguments: 1...200)
    func randomLives(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var life = RunLifecycle(policy: RestartPolicy(kind: .permanent, intensity: 3, periodMilliseconds: 50))
        var isLaunching = false
        var hasChild = false
        for step in 0..<300 {
            var events: [RunLifecycle.Event] = [
                .startRequested, .stopRequested(reason: "asked", thenStart: random.next() % 2 == 0),
                .pauseRequested, .resumeRequested, .deadlinePassed(.start, words: "late"),
                .deadlinePassed(.stop, words: "late"), .deadlinePassed(.heartbeat, words: "hangs"),
                .deadlinePassed(.backOff, words: ""),
            ]
            if isLaunching { events += [.launched, .launchFailed(reason: "no room"), .launched] }
            if hasChild {
                let kinds: [RunLifecycle.Death.Kind] = [.clean, .crash, .violation]
                let kind = kinds[Int(random.next() % 3)]
                events += [.saidReady, .caughtUp, .violated(cause: "v"), .saidReady, .caughtUp]
                events.append(
                    .exited(Death(cause: "gone", kind: kind), now: Int64(step), dice: random.next()))
            }
            let event = events[Int(random.next() % UInt64(events.count))]
            switch event {
            case .launched:
                isLaunching = false
                hasChild = true
            case .launchFailed: isLaunching = false
            case .exited: hasChild = false
            default: break
            }
            for action in life.handle(event) where action == .launch {
                #expect(!isLaunching && !hasChild, "seed \(seed), step \(step): a second child")
                isLaunching = true
            }
            #expect(life.state.isLive == (isLaunching || hasChild), "seed \(seed), step \(step): \(event)")
        }
    }
}
