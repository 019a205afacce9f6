import Exchanges
import Testing
import Trading

private let second: UInt64 = 1_000_000_000

private struct Missing: Error {}

extension RateBudget {
    /// ``spend(_:at:)`` where there has to be room.
    fileprivate mutating func pay(_ charge: Charge, at now: UInt64) throws -> Ticket {
        guard let ticket = spend(charge, at: now) else { throw Missing() }
        return ticket
    }
}

extension CircuitBreaker {
    /// ``permit(at:)`` where it has to be given.
    fileprivate mutating func leave(at now: UInt64) throws -> Permit {
        guard let permit = permit(at: now) else { throw Missing() }
        return permit
    }
}

@Suite("Rate budget")
struct RateBudgetTests {
    private static func window(
        _ limit: Int, _ seconds: Int = 10, kind: RateBudget.Kind = .weight, perAccount: Bool = false
    ) -> RateBudget.Window {
        RateBudget.Window(
            name: "\(kind)", kind: kind, limit: limit, interval: .seconds(seconds), isPerAccount: perAccount)
    }

    /// A call on its way in a simulation.
    private struct Flight {
        let ticket: RateBudget.Ticket
        let weight: Int
        let arrives: UInt64
        let answered: UInt64
    }

    // The venue counts at arrival, in windows of which we know neither the place nor the kind.
    @Test(arguments: 0..<40)
    func `no window of the venue ever holds more than the limit, however long calls are under way`(seed: Int)
    {
        var dice = SplitMix64(seed: UInt64(seed))
        let limit = Int.random(in: 5...60, using: &dice)
        let interval: UInt64 = 10 * second
        var budget = RateBudget(windows: [Self.window(limit)], keptForCancels: 20)
        var flights: [Flight] = []
        var arrivals: [(time: UInt64, weight: Int)] = []
        var now: UInt64 = 5
        var sent = 0
        for _ in 0..<1_500 {
            now += UInt64.random(in: 0...(second / 2), using: &dice)
            for flight in flights where flight.answered <= now {
                budget.settle(flight.ticket, at: max(now, flight.answered))
            }
            flights.removeAll { $0.answered <= now }
            let weight = Int.random(in: 1...min(limit, 8), using: &dice)
            let charge = RateBudget.Charge(weight: weight, isCancel: Int.random(in: 0..<5, using: &dice) == 0)
            guard let ticket = budget.spend(charge, at: now) else { continue }
            sent += 1
            let travel = UInt64.random(in: 0...(4 * second), using: &dice)
            let back = UInt64.random(in: 0...(4 * second), using: &dice)
            flights.append(
                Flight(ticket: ticket, weight: weight, arrives: now + travel, answered: now + travel + back))
            arrivals.append((now + travel, weight))
        }
        #expect(sent > 50)
        arrivals.sort { $0.time < $1.time }
        var first = 0
        var held = 0
        for arrival in arrivals {
            held += arrival.weight
            while arrivals[first].time + interval <= arrival.time {
                held -= arrivals[first].weight
                first += 1
            }
            #expect(held <= limit, "seed \(seed)")
        }
    }

    // With the venue's own count in every answer, and windows that begin anew at fixed times.
    @Test(arguments: 0..<40)
    func `believing the venue's count never leads over its limit`(seed: Int) {
        var dice = SplitMix64(seed: 1_000 + UInt64(seed))
        let limit = Int.random(in: 5...60, using: &dice)
        let interval: UInt64 = 10 * second
        var budget = RateBudget(windows: [Self.window(limit)], keptForCancels: 0)
        var venue: [UInt64: Int] = [:]
        var all: [Flight] = []
        /// What the venue counted when a call arrived, by the call's place in `all`.
        var counts: [Int: Int] = [:]
        var travelling: [Int] = []
        var open: [Int] = []
        var now: UInt64 = 5
        for _ in 0..<1_500 {
            now += UInt64.random(in: 0...second, using: &dice)
            for index in travelling.sorted(by: { all[$0].arrives < all[$1].arrives })
            where all[index].arrives <= now {
                let window = all[index].arrives / interval
                venue[window, default: 0] += all[index].weight
                counts[index] = venue[window]
                #expect(venue[window, default: 0] <= limit, "seed \(seed)")
            }
            travelling.removeAll { all[$0].arrives <= now }
            for index in open where all[index].answered <= now {
                budget.settle(all[index].ticket, at: now)
                budget.report(["weight": counts[index] ?? -1], for: all[index].ticket, at: now)
            }
            open.removeAll { all[$0].answered <= now }
            let weight = Int.random(in: 1...min(limit, 8), using: &dice)
            guard let ticket = budget.spend(RateBudget.Charge(weight: weight), at: now) else { continue }
            let travel = UInt64.random(in: 0...(second / 4), using: &dice)
            let back = UInt64.random(in: 0...(second / 4), using: &dice)
            travelling.append(all.count)
            open.append(all.count)
            all.append(
                Flight(ticket: ticket, weight: weight, arrives: now + travel, answered: now + travel + back))
        }
        #expect(all.count > 50)
    }

    @Test func `a window is full at its limit and free again a window's length after the answer`() throws {
        var budget = RateBudget(windows: [Self.window(3)], keptForCancels: 0)
        let charge = RateBudget.Charge(weight: 1)
        var tickets: [RateBudget.Ticket] = []
        for _ in 0..<3 { tickets.append(try budget.pay(charge, at: 0)) }
        #expect(budget.room(for: charge, at: 0) != .now)
        #expect(budget.room(for: charge, at: 100 * second) == .whenAnswered)
        budget.settle(tickets[0], at: 2 * second)
        #expect(budget.room(for: charge, at: 2 * second) == .after(.seconds(10)))
        #expect(budget.room(for: charge, at: 12 * second - 1) == .after(.nanoseconds(1)))
        #expect(budget.room(for: charge, at: 12 * second) == .now)
    }

    @Test func `what was provably not sent is given back`() throws {
        var budget = RateBudget(windows: [Self.window(1)], keptForCancels: 0)
        let charge = RateBudget.Charge(weight: 1)
        let ticket = try budget.pay(charge, at: 0)
        budget.settle(ticket, wasSent: false, at: 1)
        #expect(budget.room(for: charge, at: 1) == .now)
    }

    @Test func `a part is kept back for cancels`() throws {
        var budget = RateBudget(windows: [Self.window(10)], keptForCancels: 20)
        let order = RateBudget.Charge(weight: 1)
        let cancel = RateBudget.Charge(weight: 1, isCancel: true)
        for _ in 0..<8 { _ = try budget.pay(order, at: 0) }
        #expect(budget.room(for: order, at: 0) != .now)
        for _ in 0..<2 { _ = try budget.pay(cancel, at: 0) }
        #expect(budget.room(for: cancel, at: 0) != .now)
    }

    @Test func `all windows count, and one that is each account's own holds only that account back`() throws {
        var budget = RateBudget(
            windows: [Self.window(100), Self.window(2, kind: .orders, perAccount: true)], keptForCancels: 0)
        func order(_ account: String) -> RateBudget.Charge {
            RateBudget.Charge(weight: 1, orders: 1, account: AccountID(account))
        }
        for _ in 0..<2 { _ = try budget.pay(order("one"), at: 0) }
        #expect(budget.room(for: order("one"), at: 0) != .now)
        _ = try budget.pay(order("two"), at: 0)
        _ = try budget.pay(RateBudget.Charge(weight: 1, account: "one"), at: 0)
    }

    @Test func `a call larger than a window never goes, one as large goes alone`() throws {
        var budget = RateBudget(windows: [Self.window(10)], keptForCancels: 10)
        #expect(budget.room(for: RateBudget.Charge(weight: 11), at: 0) == .never(window: "weight"))
        #expect(budget.room(for: RateBudget.Charge(weight: 10), at: 0) == .now)
        _ = try budget.pay(RateBudget.Charge(weight: 1), at: 0)
        #expect(budget.room(for: RateBudget.Charge(weight: 10), at: 0) == .whenAnswered)
    }

    @Test func `somebody else's use of the address is added`() throws {
        var budget = RateBudget(windows: [Self.window(100)], keptForCancels: 0)
        let ticket = try budget.pay(RateBudget.Charge(weight: 1), at: 0)
        budget.settle(ticket, at: 1)
        budget.report(["weight": 95], for: ticket, at: 1)
        #expect(budget.used("weight", at: 1) == 95)
        #expect(budget.room(for: RateBudget.Charge(weight: 6), at: 1) != .now)
        #expect(budget.room(for: RateBudget.Charge(weight: 5), at: 1) == .now)
    }

    @Test func `less than we know of is believed only when nothing else was under way`() throws {
        var budget = RateBudget(windows: [Self.window(100)], keptForCancels: 0)
        let one = try budget.pay(RateBudget.Charge(weight: 10), at: 0)
        let other = try budget.pay(RateBudget.Charge(weight: 10), at: 0)
        budget.settle(one, at: 1)
        budget.report(["weight": 10], for: one, at: 1)
        #expect(budget.used("weight", at: 1) == 20)
        budget.settle(other, at: 2)
        let alone = try budget.pay(RateBudget.Charge(weight: 1), at: 3)
        budget.settle(alone, at: 4)
        budget.report(["weight": 1], for: alone, at: 4)
        #expect(budget.used("weight", at: 4) == 1)
        budget.report(["weight": -5, "other": 9], for: alone, at: 4)
        #expect(budget.used("weight", at: 4) == 1)
    }

    @Test func `a pause holds everything, and a shorter one does not shorten it`() {
        var budget = RateBudget(windows: [], keptForCancels: 0)
        budget.pause(for: .seconds(5), at: 0)
        budget.pause(for: .seconds(1), at: 0)
        let cancel = RateBudget.Charge(weight: 0, isCancel: true)
        #expect(budget.room(for: cancel, at: 5 * second - 1) == .after(.nanoseconds(1)))
        #expect(budget.room(for: cancel, at: 5 * second) == .now)
    }

    @Test func `new windows keep what was used of those with the same name`() throws {
        var budget = RateBudget(windows: [Self.window(10)], keptForCancels: 0)
        _ = try budget.pay(RateBudget.Charge(weight: 8), at: 0)
        budget.setWindows([Self.window(12)])
        #expect(budget.room(for: RateBudget.Charge(weight: 4), at: 0) == .now)
        #expect(budget.room(for: RateBudget.Charge(weight: 5), at: 0) == .whenAnswered)
    }
}

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    private let settings = CircuitBreaker.Settings(failures: 3, openFor: .seconds(2), longest: .seconds(6))

    @Test func `failures in a row open it, a success between starts the count anew`() throws {
        var breaker = CircuitBreaker(settings: settings)
        func fail(at now: UInt64) throws -> CircuitBreaker.Change? {
            let permit = try breaker.leave(at: now)
            return breaker.failed(permit, at: now)
        }
        #expect(try fail(at: 0) == nil)
        #expect(try fail(at: 0) == nil)
        let good = try breaker.leave(at: 0)
        #expect(breaker.succeeded(good) == nil)
        #expect(try fail(at: 0) == nil)
        #expect(try fail(at: 0) == nil)
        #expect(try fail(at: 0) == .opened(for: .seconds(2)))
        #expect(breaker.permit(at: 2 * second - 1) == nil)
    }

    @Test func `after its time one call tries, and decides for all`() throws {
        var breaker = CircuitBreaker(settings: settings)
        for _ in 0..<3 {
            let permit = try breaker.leave(at: 0)
            _ = breaker.failed(permit, at: 0)
        }
        var now = 2 * second
        for wanted in [4, 6, 6] {
            let trial = try breaker.leave(at: now)
            #expect(trial.isTrial && breaker.permit(at: now) == nil)
            #expect(breaker.failed(trial, at: now) == .opened(for: .seconds(wanted)))
            now += UInt64(wanted) * second
        }
        let trial = try breaker.leave(at: now)
        #expect(breaker.succeeded(trial) == .closed)
        #expect(breaker.state == .closed(failures: 0))
    }

    @Test func `a trial that was never sent leaves the place to the next`() throws {
        var breaker = CircuitBreaker(settings: settings)
        breaker.trip(for: .seconds(1), at: 0)
        let trial = try breaker.leave(at: second)
        breaker.abandoned(trial, at: second)
        #expect(breaker.permit(at: second)?.isTrial == true)
    }

    @Test(arguments: 0..<50)
    func `whatever happens in whatever order, an open one lets nothing through and a half open one only one`(
        seed: Int
    ) {
        var dice = SplitMix64(seed: UInt64(seed))
        var breaker = CircuitBreaker(settings: settings)
        var out: [CircuitBreaker.Permit] = []
        var now: UInt64 = 0
        for _ in 0..<500 {
            now += UInt64.random(in: 0...second, using: &dice)
            let before = breaker.state
            let isPassable = breaker.isPassable(at: now)
            switch Int.random(in: 0..<4, using: &dice) {
            case 0, 1:
                let permit = breaker.permit(at: now)
                #expect((permit != nil) == isPassable)
                switch before {
                case .closed: #expect(permit?.isTrial == false)
                case .halfOpen: #expect(permit == nil)
                case .open(let until, _): #expect((permit?.isTrial == true) == (until <= now))
                }
                if let permit { out.append(permit) }
            default:
                guard let index = out.indices.randomElement(using: &dice) else { continue }
                let permit = out.remove(at: index)
                switch Int.random(in: 0..<3, using: &dice) {
                case 0: _ = breaker.succeeded(permit)
                case 1: _ = breaker.failed(permit, at: now)
                default: breaker.abandoned(permit, at: now)
                }
                // Only a trial's own outcome ends a trial.
                if case .halfOpen = before, !permit.isTrial { #expect(breaker.state == before) }
                if case .open = before { #expect(breaker.state == before) }
            }
        }
    }
}

@Suite("Venue clock")
struct VenueClockTests {
    @Test(arguments: 0..<50)
    func `the venue's time is told within the stated uncertainty`(seed: Int) {
        var dice = SplitMix64(seed: UInt64(seed))
        let ahead = Int64.random(in: -3_600_000_000_000...3_600_000_000_000, using: &dice)
        // Parts per million that the clocks run apart.
        let drift = Int64.random(in: -90...90, using: &dice)
        let resolution: Duration = seed % 2 == 0 ? .milliseconds(1) : .seconds(1)
        let unit: Int64 = seed % 2 == 0 ? 1_000_000 : 1_000_000_000
        let epoch: Int64 = 1_728_043_200_000_000_000
        func venueNanoseconds(_ now: UInt64) -> Int64 {
            epoch + Int64(now) + ahead + Int64(now) / 1_000_000 * drift
        }
        var clock = VenueClock(wall: Timestamp(milliseconds: epoch / 1_000_000), at: 0)
        #expect(clock.isStale(at: 0, age: .seconds(600)))
        var now: UInt64 = 0
        for step in 0..<200 {
            now += UInt64.random(in: 0...(5 * second), using: &dice)
            let sent = now
            let read = sent + UInt64.random(in: 0...(second / 5), using: &dice)
            now = read + UInt64.random(in: 0...(second / 5), using: &dice)
            let told = venueNanoseconds(read) / unit * unit
            clock.compare(
                sent: sent, received: now, venue: Timestamp(milliseconds: told / 1_000_000),
                resolution: resolution)
            let difference = abs(clock.time(at: now).milliseconds * 1_000_000 - venueNanoseconds(now))
            let (seconds, attoseconds) = clock.uncertainty(at: now).components
            let bound = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            #expect(difference <= bound + 1_000_000, "seed \(seed), step \(step)")
        }
        // Many answers together know more than each alone, even when each tells whole seconds.
        #expect(clock.uncertainty(at: now) < .milliseconds(seed % 2 == 0 ? 60 : 150), "seed \(seed)")
    }

    @Test func `one answer is right to half its round trip`() {
        var clock = VenueClock(wall: Timestamp(milliseconds: 0), at: 0)
        clock.compare(sent: 0, received: 200_000_000, venue: Timestamp(milliseconds: 5_000))
        #expect(clock.time(at: 100_000_000) == Timestamp(milliseconds: 5_000))
        #expect(clock.uncertainty(at: 200_000_000) == .nanoseconds(100_500_000))
        #expect(clock.ahead(of: Timestamp(milliseconds: 100), at: 100_000_000) == .milliseconds(4_900))
    }

    @Test func `a venue that sets its clock is followed, at the latest when it complains`() {
        var clock = VenueClock(wall: Timestamp(milliseconds: 0), at: 0)
        clock.compare(sent: 0, received: 10_000_000, venue: Timestamp(milliseconds: 1_000_000))
        clock.compare(sent: second, received: second + 10_000_000, venue: Timestamp(milliseconds: 2_000_000))
        #expect(abs(clock.time(at: second).milliseconds - 2_000_000) < 10)
        // Half a second off fits into the bounds of a slow answer, unless what is known is in doubt.
        clock.doubt()
        #expect(clock.isStale(at: second, age: .seconds(600)))
        clock.compare(sent: 2 * second, received: 2 * second, venue: Timestamp(milliseconds: 2_001_500))
        #expect(abs(clock.time(at: 2 * second).milliseconds - 2_001_500) < 10)
        #expect(!clock.isStale(at: 2 * second, age: .seconds(600)))
        #expect(clock.isStale(at: 602 * second, age: .seconds(600)))
    }

    @Test func `a time from nowhere is not believed`() {
        var clock = VenueClock(wall: Timestamp(milliseconds: 1_000), at: 0)
        for venue in [Int64.min, -1, .max] {
            clock.compare(sent: 0, received: 1, venue: Timestamp(milliseconds: venue))
        }
        #expect(!clock.isCompared && clock.time(at: 0) == Timestamp(milliseconds: 1_000))
    }
}

@Suite("Nonces")
struct NonceSourceTests {
    @Test(arguments: 0..<20)
    func `each is greater than all before, whatever the clock does`(seed: Int) {
        var dice = SplitMix64(seed: UInt64(seed))
        let unit: NonceSource.Unit = seed % 2 == 0 ? .milliseconds : .microseconds
        var source = NonceSource(unit: unit)
        var last: Int64 = 0
        var now: Int64 = 1_785_000_000_000
        for _ in 0..<1_000 {
            switch Int.random(in: 0..<10, using: &dice) {
            case 0: now -= Int64.random(in: 0...86_400_000, using: &dice)
            case 1: now += Int64.random(in: 0...86_400_000, using: &dice)
            case 2:
                let seen = last + Int64.random(in: -1_000...1_000_000, using: &dice)
                source.raise(above: seen)
                last = max(last, seen)
            case 3: break
            default: now += 1
            }
            let nonce = source.next(at: Timestamp(milliseconds: now))
            #expect(nonce > last && nonce >= now * unit.rawValue)
            last = nonce
        }
    }

    @Test func `it goes on above what was given out before a restart`() {
        var source = NonceSource(last: 5_000)
        #expect(source.next(at: Timestamp(milliseconds: 10)) == 5_001)
        #expect(source.next(at: Timestamp(milliseconds: 6_000)) == 6_000)
        #expect(source.next(at: Timestamp(milliseconds: .max)) == .max)
    }
}

@Suite("Back-off")
struct BackoffTests {
    @Test func `waits double up to the longest, with half of each left to chance`() {
        let backoff = Backoff(first: .milliseconds(100), longest: .seconds(1), attempts: 5)
        var dice = SplitMix64(seed: 3)
        for (failures, whole) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (60, 1_000)] {
            #expect(backoff.wait(afterFailures: failures, dice: 0) == .milliseconds(whole) / 2)
            var seen: Set<Duration> = []
            for _ in 0..<200 {
                let wait = backoff.wait(afterFailures: failures, dice: dice.next())
                #expect(wait >= .milliseconds(whole) / 2 && wait <= .milliseconds(whole))
                seen.insert(wait)
            }
            #expect(seen.count > 150)
        }
    }
}

@Suite("How long an answer says to wait")
struct RetryAfterTests {
    @Test(
        arguments: [
            ("2", .seconds(2)), ("0", .zero), ("99999999", .seconds(604_800)), ("-1", nil), ("soon", nil),
            ("Fri, 20 Nov 2026 21:00:30 GMT", .seconds(30)), ("Fri, 20 Nov 2026 20:00:00 GMT", .zero),
        ] as [(String, Duration?)])
    func `in seconds, or until a date by the answer's own clock`(_ text: String, _ wait: Duration?) {
        let answer = VenueAnswer(
            status: 429,
            headers: [
                .init(name: "date", value: "Fri, 20 Nov 2026 21:00:00 GMT"),
                .init(name: "retry-after", value: text),
            ], body: .null)
        #expect(answer.retryAfter == wait)
        #expect(answer.date == Timestamp(milliseconds: 1_795_208_400_000))
    }
}
