import Testing
import Trading

@Suite("Timestamp")
struct TimestampTests {
    @Test func `beyond the ends of time there is none`() {
        let (first, last) = (Timestamp(milliseconds: .min), Timestamp(milliseconds: .max))
        #expect(last.advanced(byMilliseconds: 1) == last && first.advanced(byMilliseconds: -60_000) == first)
        #expect(first.advanced(byMilliseconds: 1) > first && last.advanced(byMilliseconds: -1) < last)
        #expect(first.utcDay == -106_751_991_168)
    }
}
