import Collectors
import Testing
import Trading

@Suite struct `A collector's schedule` {
    let five = CollectorSchedule(every: Resolution("5m"))

    @Test func `stands on whole five minutes of UTC`() {
        #expect(five.next(after: at(0)) == at(300_000))
        #expect(five.next(after: at(1)) == at(300_000))
        #expect(five.next(after: at(299_999)) == at(300_000))
        #expect(five.next(after: at(300_000)) == at(600_000))
    }

    @Test func `leaves out what was missed`() {
        // Three hours of sleep later there is one run, not thirty-six.
        #expect(five.next(after: at(3 * 3_600_000 + 12_345)) == at(3 * 3_600_000 + 300_000))
    }

    @Test func `may be a little after the interval's beginning`() {
        let late = CollectorSchedule(every: Resolution("1m"), delayMilliseconds: 2_000)
        #expect(late.next(after: at(0)) == at(2_000))
        #expect(late.next(after: at(1_999)) == at(2_000))
        #expect(late.next(after: at(2_000)) == at(62_000))
    }

    @Test func `begins weeks on Mondays`() {
        let week = CollectorSchedule(every: Resolution("1w"))
        // 2024-10-04 was a Friday.
        #expect(week.next(after: at(0)) == at((2 * 24 + 12) * 3_600_000))
    }

    @Test func `has no next time without an interval`() {
        #expect(CollectorSchedule(every: nil).next(after: at(0)) == nil)
    }
}

@Suite struct `A collector's life` {
    var life = CollectorLifecycle(CollectorSchedule(every: Resolution("5m")))

    @Test mutating func `begins at once when a run is due`() {
        #expect(life.handle(.started(lastSuccess: nil), at: at(10)) == .attempt(1))
    }

    @Test mutating func `waits when the interval has had its run`() {
        #expect(life.handle(.started(lastSuccess: at(5)), at: at(10)) == .wake(at: at(300_000)))
        #expect(life.handle(.woke, at: at(299_000)) == .wake(at: at(300_000)))
        #expect(life.handle(.woke, at: at(300_001)) == .attempt(1))
        #expect(life.handle(.succeeded, at: at(300_500)) == .wake(at: at(600_000)))
        #expect(life.nextDue == at(600_000))
    }

    @Test mutating func `makes up for a run that was missed while the host was down`() {
        #expect(life.handle(.started(lastSuccess: at(-200_000)), at: at(10)) == .attempt(1))
    }

    @Test mutating func `tries three times five seconds apart and then backs off`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        #expect(life.handle(.failed(pauseMilliseconds: nil), at: at(100)) == .wake(at: at(5_100)))
        #expect(life.handle(.woke, at: at(5_100)) == .attempt(2))
        #expect(life.handle(.failed(pauseMilliseconds: nil), at: at(6_000)) == .wake(at: at(11_000)))
        #expect(life.handle(.woke, at: at(11_000)) == .attempt(3))
        // Half of thirty seconds is left to chance, and this dice says none of it.
        #expect(life.handle(.failed(pauseMilliseconds: nil), at: at(12_000)) == .wake(at: at(27_000)))
        #expect(life.state == .backingOff(until: at(27_000)))
        #expect(life.failures == 1)
    }

    @Test mutating func `backs off twice as long after each run that failed, up to an hour`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        var (now, waits) = (at(0), [Int64]())
        for _ in 1...10 {
            for _ in 1...2 {
                _ = life.handle(.failed(pauseMilliseconds: nil), at: now)
                now = life.nextDue!
                _ = life.handle(.woke, at: now)
            }
            _ = life.handle(.failed(pauseMilliseconds: nil), at: now)
            waits.append(life.nextDue!.milliseconds - now.milliseconds)
            now = life.nextDue!
            _ = life.handle(.woke, at: now)
        }
        #expect(waits.prefix(4) == [15_000, 30_000, 60_000, 120_000])
        #expect(waits.last == 1_800_000)
        _ = life.handle(.succeeded, at: now)
        #expect(life.failures == 0)
    }

    @Test mutating func `never waits longer than chance allows, nor less than half`() {
        for dice in [0, UInt64.max / 3, UInt64.max] {
            var life = CollectorLifecycle(
                CollectorSchedule(every: Resolution("5m")), retry: Retry(attempts: 1))
            _ = life.handle(.started(lastSuccess: nil), at: at(0))
            _ = life.handle(.failed(pauseMilliseconds: nil), at: at(0), dice: dice)
            #expect((15_000...30_000).contains(life.nextDue!.milliseconds - at(0).milliseconds))
        }
    }

    @Test mutating func `leaves a venue alone for as long as it says`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        #expect(life.handle(.failed(pauseMilliseconds: 90_000), at: at(0)) == .wake(at: at(90_000)))
    }

    @Test mutating func `has its attempts before it again after every headway`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        _ = life.handle(.failed(pauseMilliseconds: nil), at: at(0))
        _ = life.handle(.woke, at: at(5_000))
        #expect(life.state == .collecting(attempt: 2))
        _ = life.handle(.progressed, at: at(6_000))
        #expect(life.state == .collecting(attempt: 1))
    }

    @Test mutating func `runs when it is asked, also while it backs off, but not twice at once`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        #expect(life.handle(.asked, at: at(1)) == .nothing)
        for now in [Int64(2), 5_002, 10_002] {
            _ = life.handle(.failed(pauseMilliseconds: nil), at: at(now))
            _ = life.handle(.woke, at: at(now + 5_000))
        }
        guard case .backingOff = life.state else {
            Issue.record("it is \(life.state)")
            return
        }
        #expect(life.handle(.asked, at: at(11_000)) == .attempt(1))
    }

    @Test mutating func `does nothing once it was stopped`() {
        _ = life.handle(.started(lastSuccess: nil), at: at(0))
        #expect(life.handle(.stopped, at: at(1)) == .rest)
        for event: CollectorLifecycle.Event in [
            .woke, .asked, .progressed, .succeeded, .failed(pauseMilliseconds: nil),
        ] {
            #expect(life.handle(event, at: at(2)) == .nothing)
        }
    }

    @Test func `without an interval waits until it is asked`() {
        var life = CollectorLifecycle(CollectorSchedule(every: nil))
        #expect(life.handle(.started(lastSuccess: nil), at: at(0)) == .rest)
        #expect(life.handle(.asked, at: at(5)) == .attempt(1))
        #expect(life.handle(.succeeded, at: at(9)) == .rest)
    }
}
