import Testing
import Trading

@testable import Analytics

@Suite struct `The floating-point number nearest to a decimal` {
    @Test func `is what the library converts to, at every size and at every tie`() {
        var values: [Int128] = [0, 1, -1, .max, .min, .max - 1, 1 << 64, (1 << 64) - 1, (1 << 64) + 1]
        for bit in 1..<127 {
            let power = Int128(1) << Int128(bit)
            // Half of the last place, a little more and a little less.
            for part in [Int128(0), 1, power >> 53, power >> 54, (power >> 53) + (power >> 54)] {
                for step in [Int128(-1), 0, 1] {
                    guard let value = Self.sum(power, part, step) else { continue }
                    values += [value, -value]
                }
            }
        }
        var bits: UInt128 = 1
        for _ in 0..<2_000 {
            bits =
                bits &* 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645 &+ 0x5851_F42D_4C95_7F2D_1405_7B7E_F767_814F
            values.append(Int128(truncatingIfNeeded: bits) >> Int128(bits >> 121))
        }
        for value in values { #expect(FixedDecimal.nearest(value) == Double(value), "\(value)") }
    }

    private static func sum(_ parts: Int128...) -> Int128? {
        var sum: Int128 = 0
        for part in parts {
            let (next, overflow) = sum.addingReportingOverflow(part)
            if overflow { return nil }
            sum = next
        }
        return sum
    }
}
