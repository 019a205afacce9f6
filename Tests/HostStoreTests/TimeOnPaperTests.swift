import Testing
import Trading
import Wire

@testable import Host

@Suite("Time on paper")
struct TimeOnPaperTests {
    private static let fast = JSONValue.members(["fast": .integer(5), "slow": .integer(20)])

    private func run(
        on account: String = "paper", _ parameters: JSONValue = fast, from start: Int64, to end: Int64?
    ) -> RunRecord {
        RunRecord(
            id: "r1", strategy: "s", owner: "ada", version: "v", feed: "f", account: account,
            capital: FixedDecimal(100), parameters: parameters, startedAt: Timestamp(milliseconds: start),
            endedAt: end.map { Timestamp(milliseconds: $0) }, cause: nil, fills: 3)
    }

    @Test func `is that of runs without real money and with these parameters, and of no others`() {
        let day: Int64 = 86_400_000
        var time = TimeOnPaper(accounts: ["paper", "other"], parameters: Self.fast)
        time.add(run(from: 0, to: day), now: 10 * day)
        time.add(run(on: "other", from: 2 * day, to: nil), now: 4 * day)
        #expect(time.days == 3 && time.fills == 6)
        time.add(run(on: "live", from: 0, to: 9 * day), now: 10 * day)
        time.add(
            run(.members(["fast": .integer(6), "slow": .integer(20)]), from: 0, to: 9 * day), now: 10 * day)
        #expect(time.days == 3 && time.fills == 6)
        // In another order they are the same.
        time.add(run(.members(["slow": .integer(20), "fast": .integer(5)]), from: 0, to: day / 2), now: day)
        #expect(time.days == 3.5)
        // A clock that was set back takes nothing away.
        time.add(run(from: day, to: nil), now: 0)
        #expect(time.days == 3.5)
    }
}
