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

    @Test func `an instant is written in UTC, before 1970 and at the ends of time too`() {
        let time = Timestamp(milliseconds: 1_783_141_567_089)
        #expect(time.utcText() == "2026-07-04 05:06:07")
        #expect(time.utcText(to: .minutes) == "2026-07-04 05:06")
        #expect(time.utcText(to: .milliseconds, between: "T") == "2026-07-04T05:06:07.089")
        #expect(Timestamp(milliseconds: -1).utcText(to: .milliseconds) == "1969-12-31 23:59:59.999")
        #expect(Timestamp(milliseconds: .max).utcText() == "292278994-08-17 07:12:55")
        #expect(Timestamp(milliseconds: .min).utcText().hasSuffix("-05-16 16:47:04"))
    }
}
