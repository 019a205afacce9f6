import Sandbox
import Testing

@testable import Host

/// Whether a run is to give way to others.
@Suite("Busy watch")
struct BusyWatchTests {
    /// What is said, second by second, of a run that uses `share` of a processor in each.
    private func words(_ shares: [Double], throttled: [Int] = []) -> [Int: Bool] {
        var (watch, usage, said): (BusyWatch, GroupUsage, [Int: Bool]) = (BusyWatch(), GroupUsage(), [:])
        for (second, share) in shares.enumerated() {
            usage.cpuSeconds += share
            if throttled.contains(second) { usage.throttledSeconds += 0.001 }
            said[second] = watch.take(usage, at: Int64(second) * 1_000)
        }
        return said
    }

    @Test func `it is busy from its start until it was quiet three looks in a row`() {
        #expect(words([0, 0.9, 0.05, 0.05, 0.05, 0.05]) == [4: false])
        #expect(words([0, 0.05, 0.05, 0.15, 0.05, 0.05]) == [:])
    }

    @Test func `a fifth of a processor makes it busy again`() {
        #expect(words([0, 0, 0, 0, 0.19, 0.19, 0.2, 0.01, 0.01, 0.01]) == [3: false, 6: true, 9: false])
    }

    @Test func `so does being held back, however little it uses`() {
        #expect(words([0, 0, 0, 0, 0.01, 0.01], throttled: [5]) == [3: false, 5: true])
    }
}
