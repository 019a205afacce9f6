import Posix
import Sandbox
import Testing
import Trading

@testable import Host

/// What a watch over a run's usage says, and when.
@Suite("Usage watch")
struct UsageWatchTests {
    private func usage(_ change: (inout GroupUsage) -> Void) -> GroupUsage {
        var usage = GroupUsage()
        usage.memoryLimitBytes = 100
        change(&usage)
        return usage
    }

    @Test func `being held back is a share of the last minute, and warned of once until it is over`() {
        var watch = UsageWatch()
        var (throttled, warnings): (Double, [Int]) = (0, [])
        for second in 0..<300 {
            // Half of the time, for the first two minutes and again in the fifth.
            if second < 120 || second >= 240 { throttled += 0.5 }
            let found = watch.take(usage { $0.throttledSeconds = throttled }, at: Int64(second) * 1_000)
            if !found.isEmpty { warnings.append(second) }
            if second == 119 { #expect(abs(watch.throttledShare - 0.5) < 0.01) }
            if second == 200 { #expect(watch.throttledShare == 0) }
        }
        #expect(warnings == [29, 269])
    }

    @Test func `memory is warned of once per crossing, and what the kernel can forget does not count`() {
        var watch = UsageWatch()
        let levels = [(80, 0), (89, 0), (90, 0), (95, 0), (85, 0), (91, 0), (79, 0), (99, 30), (90, 0)]
        var warned: [Int] = []
        for (index, level) in levels.enumerated() {
            let found = watch.take(
                usage {
                    $0.memoryBytes = level.0
                    $0.memoryReclaimableBytes = level.1
                }, at: Int64(index) * 1_000)
            if !found.isEmpty { warned.append(index) }
        }
        #expect(warned == [2, 8])
    }

    @Test func `refused threads are warned of once in a run`() {
        var watch = UsageWatch()
        #expect(watch.take(usage { $0.processDenials = 0 }, at: 0).isEmpty)
        #expect(watch.take(usage { $0.processDenials = 3 }, at: 1) == [.processes])
        #expect(watch.take(usage { $0.processDenials = 9 }, at: 2).isEmpty)
    }
}

/// What of a strategy's refused calls is worth a line.
@Suite("Violation ledger")
struct ViolationLedgerTests {
    private func violation(_ arguments: String) -> Violation {
        Violation(rule: .signals, systemCall: "kill", arguments: arguments, isFatal: false)
    }

    @Test func `a million refused calls make few lines, and a thousand kinds few entries`() {
        var ledger = ViolationLedger()
        var lines = 0
        for number in 0..<1_000_000 {
            let note = ledger.note(
                violation("process \(number % 1_000)"), run: "r1", at: Timestamp(milliseconds: Int64(number)))
            if note != .quiet { lines += 1 }
        }
        #expect(ledger.entries.count == 6)
        #expect(ledger.entries.last?.arguments == ViolationLedger.others)
        #expect(ledger.count(in: "r1") == 1_000_000)
        #expect(lines == 6 + 5 * 3 + 5)
        #expect(ledger.summary()?.contains("kill(…) 995000 times") == true)
        #expect(ledger.takeChanged().count == 6)
        #expect(ledger.takeChanged().isEmpty)
    }

    @Test func `each run begins its own count`() {
        var ledger = ViolationLedger()
        #expect(
            ledger.note(violation("x"), run: "r1", at: Timestamp(milliseconds: 1)) == .first(violation("x")))
        ledger.runBegan()
        #expect(
            ledger.note(violation("x"), run: "r2", at: Timestamp(milliseconds: 2)) == .first(violation("x")))
        #expect(ledger.entries.first?.count == 2)
        #expect(ledger.count(in: "r2") == 1)
        #expect(ledger.count(in: "r1") == 0)
        #expect(ledger.summary() == nil)
    }
}
