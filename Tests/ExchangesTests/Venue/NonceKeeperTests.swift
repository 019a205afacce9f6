import Exchanges
import Synchronization
import Testing
import Trading

/// What a disk would hold of marks, and when.
private final class Marks: Sendable {
    private struct State {
        var durable: [String: Int64] = [:]
        var waiting: [(key: String, mark: Int64, answer: @Sendable (Bool) -> Void)] = []
    }

    private let state = Mutex(State())

    var durable: [String: Int64] { state.withLock { $0.durable } }

    func keeper() -> NonceKeeper {
        NonceKeeper(marks: durable) { [self] key, mark, answer in
            state.withLock { $0.waiting.append((key, mark, answer)) }
        }
    }

    /// Carries out, or fails, the oldest that waits.
    func step(_ isKept: Bool) {
        let next = state.withLock { state -> (key: String, mark: Int64, answer: @Sendable (Bool) -> Void)? in
            guard !state.waiting.isEmpty else { return nil }
            let next = state.waiting.removeFirst()
            if isKept { state.durable[next.key] = max(state.durable[next.key] ?? 0, next.mark) }
            return next
        }
        next?.answer(isKept)
    }

    /// The host dies: what was not written never will be.
    func crash() { state.withLock { $0.waiting = [] } }
}

@Suite("Nonces that outlive a host")
struct NonceKeeperTests {
    private let start = Timestamp(milliseconds: 1_785_000_000_000)

    @Test(arguments: 0..<200)
    func `whatever clock, disk and crashes do, each nonce is greater than all before`(_ seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let marks = Marks()
        var keeper = marks.keeper()
        var now = start
        var used: [String: Int64] = [:]
        var count = 0
        for _ in 0..<400 {
            let key = random.chance(50) ? "one" : "other"
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                _ = keeper.prepare(key, at: now) { _ in }
                guard let nonce = keeper.next(key, at: now) else { continue }
                #expect(nonce > used[key] ?? 0, "seed \(seed)")
                used[key] = nonce
                count += 1
            case 60..<85: marks.step(random.chance(80))
            case 85..<90:
                marks.crash()
                keeper = marks.keeper()
            case 90..<95: now = now.advanced(byMilliseconds: Int64.random(in: 0...600_000, using: &random))
            // The clock is set back, by up to a day.
            default: now = now.advanced(byMilliseconds: -Int64.random(in: 0...86_400_000, using: &random))
            }
        }
        #expect(count > 50, "seed \(seed)")
    }

    @Test func `nothing is given out before its mark is kept, and in step with the clock after that`() {
        let marks = Marks()
        let keeper = marks.keeper()
        let answers = Mutex<[Bool]>([])
        #expect(!keeper.prepare("key", at: start) { isKept in answers.withLock { $0.append(isKept) } })
        #expect(keeper.next("key", at: start) == nil)
        marks.step(false)
        #expect(answers.withLock { $0 } == [false] && keeper.next("key", at: start) == nil)
        #expect(!keeper.prepare("key", at: start) { isKept in answers.withLock { $0.append(isKept) } })
        marks.step(true)
        #expect(answers.withLock { $0 } == [false, true])
        #expect(keeper.next("key", at: start) == start.milliseconds)
        #expect(keeper.next("key", at: start) == start.milliseconds + 1)
        let later = start.advanced(byMilliseconds: 50_000)
        // More is asked for ahead of time, and nobody waits for it.
        #expect(keeper.prepare("key", at: later) { _ in })
        #expect(keeper.next("key", at: later) == later.milliseconds)
        marks.step(true)
        #expect(marks.durable["key"] == later.milliseconds + NonceKeeper.window)
    }

    @Test func `the next host begins above what the last may have used, though its clock was set back`()
        throws
    {
        let marks = Marks()
        let first = marks.keeper()
        _ = first.prepare("key", at: start) { _ in }
        marks.step(true)
        let last = try #require(first.next("key", at: start))
        let second = marks.keeper()
        let yesterday = start.advanced(byMilliseconds: -86_400_000)
        _ = second.prepare("key", at: yesterday) { _ in }
        marks.step(true)
        let next = second.next("key", at: yesterday)
        #expect(next == start.milliseconds + NonceKeeper.window + 1 && last == start.milliseconds)
    }

    @Test func `what the venue asks for is used at once and kept beside`() {
        let marks = Marks()
        let keeper = marks.keeper()
        _ = keeper.prepare("key", at: start) { _ in }
        marks.step(true)
        let micro = start.milliseconds * 1_000
        keeper.raise("key", above: micro)
        #expect(keeper.next("key", at: start) == micro + 1)
        marks.step(true)
        #expect(marks.durable["key"] == micro + NonceKeeper.window)
    }
}
