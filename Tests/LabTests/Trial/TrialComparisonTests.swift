import Analytics
import Testing
import Trading

@testable import Lab

@Suite("Trial comparison")
struct TrialComparisonTests {
    private let capital = FixedDecimal(1_000)

    /// A walk of so many minutes, with the same noise for every drift.
    private func walk(_ count: Int, drift: Int, noise: Int = 100, from: Int = 0) -> [EquityPoint] {
        var state: UInt64 = 7
        var cents = 100_000
        return (0..<count).map { minute in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            cents += Int((state >> 33) % UInt64(2 * noise + 1)) - noise + drift
            return EquityPoint(
                time: Timestamp(milliseconds: Int64(from + minute) * 60_000),
                equity: FixedDecimal(units: Int128(cents) * FixedDecimal.unitsPerOne / 100))
        }
    }

    private func compare(_ first: [EquityPoint], _ second: [EquityPoint]) -> TrialComparison {
        TrialComparison(first: first, capital: capital, second: second, capital: capital)
    }

    @Test func `two that do the same do not differ`() {
        let found = compare(walk(500, drift: 0), walk(500, drift: 0))
        #expect(found.difference == 0)
        #expect(found.words.hasPrefix("no difference that chance would not make"))
    }

    @Test func `one that earns more in nearly every minute is better, and which one is said`() {
        let found = compare(walk(500, drift: 0), walk(500, drift: 20))
        #expect(found.words.hasPrefix("the second is better"))
        #expect((found.probability ?? 1) < 0.01)
        #expect(compare(walk(500, drift: 20), walk(500, drift: 0)).words.hasPrefix("the first is better"))
    }

    @Test func `thirty pairs are enough to say something, and twenty-nine are not`() {
        #expect(compare(walk(31, drift: 0), walk(31, drift: 1)).probability != nil)
        let early = compare(walk(30, drift: 0), walk(30, drift: 1))
        #expect(early.pairs == 29 && early.probability == nil)
        #expect(early.words == "too early to tell: 29 stretches of time, at least 30 are needed")
    }

    @Test func `only instants that both have are compared`() {
        let found = compare(walk(100, drift: 0), walk(100, drift: 0, from: 40))
        #expect(found.pairs == 59)
        #expect(found.pairMilliseconds == 60_000)
        #expect(compare([], []).first.equity == capital)
    }

    @Test func `return and drawdown are those of the shared time`() {
        let equity = [1_000, 1_200, 900, 1_100].enumerated().map {
            EquityPoint(time: Timestamp(milliseconds: Int64($0.offset)), equity: FixedDecimal($0.element))
        }
        let found = compare(equity, equity)
        #expect(abs(found.first.totalReturn - 0.1) < 1e-12)
        #expect(abs(found.first.maximumDrawdown - 0.25) < 1e-12)
    }
}
